// Our doctor looks at an unmodified MeshCentral: as an activation server, in client and in admin control
// mode, and as an MPS. Nothing must have changed afterwards. Usage: node meshcentral_doctor.js PEER_DIR AMTLAB.
'use strict';
const { spawn } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const tls = require('tls');
const lab = require('./lab.js');
const { MeshServer } = require('./meshserver.js');

const [peerDir, amtlab] = process.argv.slice(2).map((argument) => path.resolve(argument));
const server = new MeshServer(peerDir);
const { check, until, want } = lab;
const wanted = 8; // checks
const DOMAIN = 'corp.example.com';
const UUID = '00000000-0000-0000-0000-0000c0ffee21';
const pki = path.join(server.work, 'pki');
const state = path.join(server.work, 'devices');

function run(args) {
    return new Promise((resolve) => {
        const child = spawn(amtlab, args, { stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        child.stdout.on('data', (data) => { out += data; });
        child.stderr.on('data', (data) => { out += data; });
        child.on('exit', (code) => resolve({ code, out }));
    });
}

async function must(args) {
    const done = await run(args);
    want(done.code === 0, `amtlab ${args[0]} ended with ${done.code}: ${done.out}`);
}

function webHash() {
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ port: server.webPort, host: '127.0.0.1', rejectUnauthorized: false }, () => {
            resolve(crypto.createHash('sha384').update(socket.getPeerCertificate().raw).digest('hex').toUpperCase());
            socket.destroy();
        });
        socket.on('error', reject);
    });
}

// The doctor's answer must end with this code and say these things.
async function doctor(what, code, says, args) {
    await check(what, async () => {
        const done = await run(['doctor', ...args]);
        want(done.code === code, `exit code ${done.code}: ${done.out}`);
        for (const text of says) { want(done.out.includes(text), `no "${text}": ${done.out}`); }
        return done.out.trim().split('\n').pop();
    });
}

async function plugUsbKey() {
    const secret = path.join(server.work, 'mebx');
    const key = path.join(server.work, 'setup.bin');
    fs.writeFileSync(secret, 'N3wP@ss!x\n', { mode: 0o600 });
    await must(['setupbin', 'create', '--meshcentral', 'standard', '--new-password-file', secret, '--pki-dns-suffix', DOMAIN,
        '--root', path.join(pki, 'root.pem'), '--out', key]);
    await must(['setupbin', 'apply', key, '--state', state, '--uuid', UUID, '--profile', 'amt-16.1',
        '--set', 'firmware.control_mode=none']);
}

async function addGroup(session, policy) {
    const group = await server.addGroup(`mode ${policy}`);
    session.send({ action: 'meshamtpolicy', meshid: group.id, amtpolicy: { type: policy, password: '', cirasetup: 2, ccm: 0 } });
    await until('the policy', 10, async () => {
        const answer = await session.ask({ action: 'meshes' });
        const mesh = answer.meshes.find((one) => one._id === group.id);
        return mesh && mesh.amt && mesh.amt.type === policy;
    });
    return group;
}

async function main() {
    await must(['pki', '--out', pki, '--seed', '1', '--domain', DOMAIN]);
    const file = (name) => path.join(pki, name);
    await server.prepare({ meshScanner: false, mpsAliasHost: '127.0.0.1' }, {
        amtAcmActivation: {
            log: 'amtactivation.log',
            certs: { lab: { certfiles: ['root.pem', 'leaf.pem', 'int2.pem', 'int1.pem'].map(file), keyfile: file('leaf.key') } }
        }
    });
    await server.start('mps,mpscmd,amt');
    const session = await server.openSession();
    const hash = await webHash();
    const client = await addGroup(session, 2);
    const admin = await addGroup(session, 3);
    await plugUsbKey();
    const before = fs.readFileSync(path.join(state, `${UUID}.json`), 'utf8');
    const device = ['--device-profile', 'amt-16.1', '--device-state', state, '--device-uuid', UUID];
    const mesh = (group) => ['activation', ...device, '--url', `wss://127.0.0.1:${server.webPort}/apf.ashx`,
        '--serverhttpshash', hash, '--id', group.id.split('/').pop()];
    await doctor('an activation into client control mode would begin', 0, ['wants to talk to 16992'], [...mesh(client), '--client-mode']);
    await doctor('an activation into admin control mode would begin', 0, ['ok       server-group'], mesh(admin));
    await doctor('a name that is not the device\'s own is told', 1, ['FAILED   suffix-told', 'ACT-F-15'],
        [...mesh(admin), '--dns-suffix', 'elsewhere.example']);
    await doctor('a group that is not there is told', 1, ['FAILED   server-accepts', 'ACT-F-53'],
        mesh({ id: 'mesh//' + 'A'.repeat(64) }));
    await check('nothing was activated, and nothing was written', async () => {
        want(fs.readFileSync(path.join(state, `${UUID}.json`), 'utf8') === before, 'the device has changed');
        const log = path.join(server.dataDir, 'amtactivation.log');
        return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').slice(0, 200) : 'no log';
    });
    const mps = [`127.0.0.1:${server.mpsPort}`, '--access-info', '127.0.0.1', '--trust', server.root]; // as mpsAliasHost has it
    const secret = path.join(server.work, 'cira');
    fs.writeFileSync(secret, `${client.password || 'A@xew9rt'}\n`, { mode: 0o600 });
    await doctor('its MPS takes a device home', 0, ['ok       keepalive', '0 refused'],
        [...mps, '--user', client.user, '--password-file', secret]);
    await doctor('its MPS refuses a device of no group', 0, ['made-up user is refused'], mps);
    await doctor('its MPS under another name is refused by firmware', 1, ['FAILED   certificate '],
        [`127.0.0.1:${server.mpsPort}`, '--access-info', 'other.lab.test', '--trust', server.root]);
    session.close();
}

async function finish(error) {
    await lab.stopAll();
    const failed = lab.checks.filter((one) => !one.good).length;
    if (error) { lab.say(`FAIL  ${error.message}`); }
    server.finish(error || failed > 0, 'interop-meshcentral-doctor.log');
    lab.say(`interop meshcentral-doctor: ${lab.checks.length - failed} of ${lab.checks.length} checks passed`);
    process.exit(error || failed > 0 || lab.checks.length < wanted ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
