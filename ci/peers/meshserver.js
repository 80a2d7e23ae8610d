// An unmodified MeshCentral in a directory of its own, on free ports of the loopback.
'use strict';
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const lab = require('./lab.js');

const NAME = 'mps.lab.test';
const USER = 'admin';
const PASSWORD = 'Lab-Pass-01';

class MeshServer {
    constructor(peerDir) {
        this.modules = path.join(peerDir, 'node_modules');
        this.WebSocket = require(path.join(this.modules, 'ws'));
        this.program = path.join(this.modules, 'meshcentral', 'meshcentral.js');
        this.work = fs.mkdtempSync(path.join(os.tmpdir(), 'amtlab-meshcentral-'));
        this.dataDir = path.join(this.work, 'data');
        this.child = null;
        this.log = '';
        this.name = NAME;
        this.root = path.join(this.dataDir, 'root-cert-public.crt');
    }

    arguments(...more) {
        return [this.program, '--datapath', this.dataDir, '--filespath', path.join(this.work, 'files'), ...more];
    }

    runOnce(args) {
        const done = spawnSync(process.execPath, args, { cwd: this.work, encoding: 'utf8', timeout: 120000 });
        if (done.status !== 0) { throw new Error(`${args.join(' ')}: ${done.stdout}${done.stderr}`); }
        return done.stdout;
    }

    async prepare(settings, domain) {
        this.webPort = await lab.freePort();
        this.mpsPort = await lab.freePort();
        fs.mkdirSync(this.dataDir);
        fs.mkdirSync(path.join(this.work, 'files'));
        const all = {
            cert: NAME, port: this.webPort, portBind: '127.0.0.1', redirPort: 0, mpsPort: this.mpsPort,
            mpsPortBind: '127.0.0.1', exactPorts: true, selfUpdate: false, autoBackup: false, ...settings
        };
        fs.writeFileSync(path.join(this.dataDir, 'config.json'),
            JSON.stringify({ settings: all, domains: { '': { title: 'peer', newAccounts: false, ...domain } } }));
        this.runOnce(this.arguments('--createaccount', USER, '--pass', PASSWORD));
        this.runOnce(this.arguments('--adminaccount', USER));
    }

    async start(debug) {
        this.child = lab.start(process.execPath, this.arguments('--debug', debug),
            { cwd: this.work, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
        this.child.amtlabGroup = true;
        this.child.stdout.on('data', (data) => { this.log += data; });
        this.child.stderr.on('data', (data) => { this.log += data; });
        await lab.until('MeshCentral listens', 90,
            async () => (await lab.accepts(this.webPort)) && (await lab.accepts(this.mpsPort)));
        await lab.until('MeshCentral answers its control port', 60,
            async () => (await this.control('serverinfo')).includes('name'));
    }

    async stop() { await lab.stop(this.child); }

    // One run of MeshCentral's own command line tool; what it printed.
    control(...args) {
        const tool = path.join(this.modules, 'meshcentral', 'meshctrl.js');
        const all = [tool, ...args, '--url', `wss://127.0.0.1:${this.webPort}`, '--loginuser', USER, '--loginpass', PASSWORD];
        return new Promise((resolve, reject) => {
            const child = lab.start(process.execPath, all,
                { cwd: this.work, env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
            let out = '';
            child.stdout.on('data', (data) => { out += data; });
            child.on('error', reject);
            child.on('exit', () => resolve(out));
            setTimeout(() => child.kill('SIGKILL'), 20000).unref();
        });
    }

    // A device group without agents: its identifier, and the CIRA user name that it stands for.
    async addGroup(name) {
        const created = await this.control('adddevicegroup', '--name', name, '--amtonly');
        const match = created.match(/mesh\/\/(\S{64})/);
        if (match === null) { throw new Error(`no device group: ${created}`); }
        return { id: 'mesh//' + match[1], user: match[1].slice(0, 16).replace(/[@$]/g, 'X') };
    }

    async devices() {
        const out = await this.control('listdevices', '--json');
        const list = JSON.parse(out.slice(out.indexOf('[')));
        return list.flatMap((group) => (group.nodes ? group.nodes : [group])).flat().filter((node) => node._id);
    }

    relayLogin() { return `user=${USER}&pass=${PASSWORD}`; }

    // Raw bytes to a port of a device: 3 opens 16992, or 16993 with TLS by the server.
    relay(nodeId) {
        const id = encodeURIComponent(nodeId);
        const url = `wss://127.0.0.1:${this.webPort}/webrelay.ashx?${this.relayLogin()}&host=${id}&p=3`;
        return new this.WebSocket(url, { rejectUnauthorized: false });
    }

    // The web page's own connection: ask(), and the events that come by themselves.
    openSession() { return new Promise((resolve, reject) => new Session(this, resolve, reject)); }

    finish(failed, logName) {
        if (failed) {
            fs.mkdirSync('build', { recursive: true });
            const log = path.join(process.cwd(), 'build', logName);
            fs.writeFileSync(log, this.log);
            lab.say(`the server's log: ${log}`);
        }
        fs.rmSync(this.work, { recursive: true, force: true });
    }
}

class Session {
    constructor(server, resolve, reject) {
        const login = Buffer.from(USER).toString('base64') + ',' + Buffer.from(PASSWORD).toString('base64');
        this.socket = new server.WebSocket(`wss://127.0.0.1:${server.webPort}/control.ashx`,
            { rejectUnauthorized: false, headers: { 'x-meshauth': login } });
        this.events = [];
        this.waiting = [];
        this.socket.on('error', reject);
        this.socket.on('message', (data) => {
            const message = JSON.parse(data.toString());
            if (message.action === 'userinfo') { resolve(this); }
            if (message.action === 'event') { this.events.push(message.event); }
            const one = this.waiting.findIndex((wait) => wait.action === message.action);
            if (one >= 0) { this.waiting.splice(one, 1)[0].resolve(message); }
        });
    }

    send(message) { this.socket.send(JSON.stringify(message)); }

    // The next message with the same action is the answer.
    ask(message) {
        return new Promise((resolve, reject) => {
            const wait = { action: message.action, resolve };
            this.waiting.push(wait);
            setTimeout(() => reject(new Error(`no answer to ${message.action}`)), 10000).unref();
            this.send(message);
        });
    }

    async nodes() {
        const answer = await this.ask({ action: 'nodes' });
        return Object.entries(answer.nodes).flatMap(([meshid, nodes]) => nodes.map((node) => ({ ...node, meshid })));
    }

    async node(id) { return (await this.nodes()).find((node) => node._id === id); }

    close() { this.socket.close(); }
}

module.exports = { MeshServer };
