// Our device against an unmodified MeshCentral: connects, is used, survives a restart, is refused.
// Usage: node meshcentral.js PEER_DIR AMTLAB. Everything on loopback; stops what it starts.
'use strict';
const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');

const [peerDir, amtlab] = process.argv.slice(2);
const WebSocket = require(path.join(peerDir, 'node_modules', 'ws'));
const meshcentral = path.join(peerDir, 'node_modules', 'meshcentral', 'meshcentral.js');
const meshctrl = path.join(peerDir, 'node_modules', 'meshcentral', 'meshctrl.js');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'amtlab-meshcentral-'));
const dataDir = path.join(work, 'data');
const NAME = 'mps.lab.test';
const LOGIN = ['--loginuser', 'admin', '--loginpass', 'Lab-Pass-01'];
const UUID = '00000000-0000-0000-0000-0000c0ffee01';
const PASSWORD = 'P@ssw0rd';

let server = null;
let serverLog = '';
let webPort = 0;
let mpsPort = 0;
const children = new Set();
const checks = [];

function say(text) { console.log(text); }

function freePort() {
    return new Promise((resolve, reject) => {
        const probe = net.createServer();
        probe.on('error', reject);
        probe.listen(0, '127.0.0.1', () => {
            const port = probe.address().port;
            probe.close(() => resolve(port));
        });
    });
}

// Asks until probe() gives something true; the answer, or an error that says what was waited for.
async function until(what, seconds, probe) {
    const end = Date.now() + seconds * 1000;
    let last = '';
    while (Date.now() < end) {
        try {
            const answer = await probe();
            if (answer) { return answer; }
        } catch (error) { last = ': ' + error.message; }
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${what}: not within ${seconds} s${last}`);
}

function accepts(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('connect', () => { socket.destroy(); resolve(true); });
        socket.on('error', () => resolve(false));
    });
}

function start(command, args, options) {
    const child = spawn(command, args, options);
    children.add(child);
    child.on('exit', () => children.delete(child));
    return child;
}

function stop(child) {
    return new Promise((resolve) => {
        if (child === null || child.exitCode !== null || child.signalCode !== null) { resolve(); return; }
        child.on('exit', () => resolve());
        // MeshCentral is a pair of processes: a process group of its own takes both.
        try { process.kill(child.amtlabGroup ? -child.pid : child.pid, 'SIGTERM'); } catch (error) { resolve(); }
        setTimeout(() => {
            try { process.kill(child.amtlabGroup ? -child.pid : child.pid, 'SIGKILL'); } catch (error) { /* gone */ }
        }, 5000).unref();
    });
}

function serverArguments(...more) {
    return [meshcentral, '--datapath', dataDir, '--filespath', path.join(work, 'files'), ...more];
}

function runOnce(args) {
    const done = spawnSync(process.execPath, args, { cwd: work, encoding: 'utf8', timeout: 120000 });
    if (done.status !== 0) { throw new Error(`${args.join(' ')}: ${done.stdout}${done.stderr}`); }
    return done.stdout;
}

function control(...args) {
    const all = [meshctrl, ...args, '--url', `wss://127.0.0.1:${webPort}`, ...LOGIN];
    return new Promise((resolve, reject) => {
        const child = start(process.execPath, all, { cwd: work, env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
        let out = '';
        child.stdout.on('data', (data) => { out += data; });
        child.on('error', reject);
        child.on('exit', () => resolve(out));
        setTimeout(() => child.kill('SIGKILL'), 20000).unref();
    });
}

async function startServer() {
    server = start(process.execPath, serverArguments('--debug', 'mps,mpscmd'),
        { cwd: work, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    server.amtlabGroup = true;
    server.stdout.on('data', (data) => { serverLog += data; });
    server.stderr.on('data', (data) => { serverLog += data; });
    await until('MeshCentral listens', 90, async () => (await accepts(webPort)) && (await accepts(mpsPort)));
    await until('MeshCentral answers its control port', 60,
        async () => (await control('serverinfo')).includes('name'));
}

async function prepareServer() {
    webPort = await freePort();
    mpsPort = await freePort();
    fs.mkdirSync(dataDir);
    fs.mkdirSync(path.join(work, 'files'));
    const settings = {
        cert: NAME, WANonly: true, port: webPort, portBind: '127.0.0.1', redirPort: 0, mpsPort,
        mpsPortBind: '127.0.0.1', exactPorts: true, selfUpdate: false, autoBackup: false, amtManager: false
    };
    fs.writeFileSync(path.join(dataDir, 'config.json'),
        JSON.stringify({ settings, domains: { '': { title: 'peer', newAccounts: false } } }));
    runOnce(serverArguments('--createaccount', 'admin', '--pass', 'Lab-Pass-01'));
    runOnce(serverArguments('--adminaccount', 'admin'));
}

function deviceArguments(user, more) {
    return ['device', '--to', `127.0.0.1:${mpsPort}`, '--common-name', NAME, '--uuid', UUID, '--user', user,
        '--trust', path.join(dataDir, 'root-cert-public.crt'), ...more];
}

function startDevice(user, more) {
    const child = start(amtlab, deviceArguments(user, more),
        { env: { ...process.env, AMTLAB_PASSWORD: PASSWORD }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.out = '';
    child.log = '';
    child.stdout.on('data', (data) => { child.out += data; });
    child.stderr.on('data', (data) => { child.log += data; });
    child.ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    return child;
}

async function connectedDevice() {
    const out = await control('listdevices', '--json');
    const list = JSON.parse(out.slice(out.indexOf('[')));
    const all = list.flatMap((group) => (group.nodes ? group.nodes : [group])).flat();
    return all.find((node) => node._id && node.conn === 2);
}

function relay(nodeId) {
    const id = encodeURIComponent(nodeId);
    const url = `wss://127.0.0.1:${webPort}/webrelay.ashx?user=admin&pass=Lab-Pass-01&host=${id}&p=3`;
    return new WebSocket(url, { rejectUnauthorized: false });
}

// Sends bytes through MeshCentral's relay and collects the answer until isWhole(answer) is true.
function exchange(nodeId, bytes, isWhole) {
    return new Promise((resolve, reject) => {
        const socket = relay(nodeId);
        let answer = Buffer.alloc(0);
        const limit = setTimeout(() => { socket.terminate(); reject(new Error(`only ${answer.length} bytes came back`)); }, 15000);
        socket.on('open', () => socket.send(bytes));
        socket.on('error', reject);
        socket.on('close', () => { clearTimeout(limit); reject(new Error('the relay closed early')); });
        socket.on('message', (data) => {
            answer = Buffer.concat([answer, Buffer.from(data)]);
            if (isWhole(answer)) {
                clearTimeout(limit);
                socket.removeAllListeners('close');
                socket.close();
                resolve(answer);
            }
        });
    });
}

async function check(name, body) {
    const begin = Date.now();
    try {
        const detail = await body();
        checks.push({ name, good: true });
        say(`ok    ${name}${detail ? ': ' + detail : ''} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
    } catch (error) {
        checks.push({ name, good: false });
        say(`FAIL  ${name}: ${error.message}`);
    }
}

function finalReport(device) {
    const lines = device.out.trim().split('\n');
    return JSON.parse(lines[lines.length - 1]);
}

async function main() {
    await prepareServer();
    await startServer();
    const created = await control('adddevicegroup', '--name', 'lab', '--amtonly');
    const match = created.match(/mesh\/\/(\S{64})/);
    if (match === null) { throw new Error(`no device group: ${created}`); }
    const user = match[1].slice(0, 16).replace(/[@$]/g, 'X');

    const device = startDevice(user, ['--set', 'cira.reconnect.first=1s']);
    let node = null;
    await check('device connects to MeshCentral and appears connected', async () => {
        node = await until('conn 2 in the device list', 30, connectedDevice);
        return node._id;
    });
    await check('MeshCentral opens a channel: HTTP request and answer', async () => {
        const answer = await exchange(node._id, Buffer.from('GET / HTTP/1.1\r\nHost: device\r\n\r\n'),
            (bytes) => bytes.includes('\r\n\r\n'));
        const line = answer.toString('latin1').split('\r\n')[0];
        if (!line.startsWith('HTTP/1.1 200')) { throw new Error(line); }
        return line;
    });
    await check('100000 bytes go there and back unchanged', async () => {
        const body = Buffer.alloc(100000);
        for (let i = 0; i < body.length; i++) { body[i] = 33 + (i * 7 + (i >> 8)) % 90; }
        const head = `POST /echo HTTP/1.1\r\nHost: device\r\nContent-Length: ${body.length}\r\n\r\n`;
        const answer = await exchange(node._id, Buffer.concat([Buffer.from(head), body]), (bytes) => {
            const at = bytes.indexOf('\r\n\r\n');
            return at >= 0 && bytes.length >= at + 4 + body.length;
        });
        if (answer.indexOf(body) < 0) { throw new Error('the echo differs'); }
        return '';
    });
    await check('the device survives a MeshCentral restart', async () => {
        await stop(server);
        await startServer();
        await until('conn 2 after the restart', 60, connectedDevice);
        return '';
    });
    await check('the device leaves in order and is shown as gone', async () => {
        device.kill('SIGTERM');
        const code = await device.ended;
        if (code !== 0) { throw new Error(`exit code ${code}: ${device.log.slice(-300)}`); }
        await until('not connected', 20, async () => !(await connectedDevice()));
        return '';
    });
    await check('wrong group is refused, and the report says why', async () => {
        const refused = startDevice('AAAAAAAAAAAAAAAA', ['--until', 'up', '--deadline', '20s']);
        const code = await refused.ended;
        const report = finalReport(refused);
        if (code === 0 || !/auth/i.test(JSON.stringify(report))) { throw new Error(`exit ${code}, ${JSON.stringify(report)}`); }
        return report.failure || JSON.stringify(report);
    });
    await check('an untrusted MPS certificate is refused by the device', async () => {
        const other = startDevice(user, ['--common-name', 'other.lab.test', '--until', 'up', '--deadline', '20s']);
        const code = await other.ended;
        const report = finalReport(other);
        if (code === 0 || !/Common Name/.test(JSON.stringify(report))) { throw new Error(`exit ${code}, ${JSON.stringify(report)}`); }
        return report.failure;
    });
}

async function finish(error) {
    for (const child of children) { await stop(child); }
    const failed = checks.filter((one) => !one.good).length;
    if (error) { say(`FAIL  ${error.message}`); }
    if (error || failed > 0) {
        const log = path.join(process.cwd(), 'build', 'interop-meshcentral.log');
        fs.writeFileSync(log, serverLog);
        say(`the server's log: ${log}`);
    }
    fs.rmSync(work, { recursive: true, force: true });
    say(`interop meshcentral: ${checks.length - failed} of ${checks.length} checks passed`);
    process.exit(error || failed > 0 || checks.length < 7 ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
