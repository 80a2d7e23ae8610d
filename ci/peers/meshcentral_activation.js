// Our host client and firmware under an unmodified MeshCentral: activated in client and in admin control
// mode by its host protocol, with certificates of `amtlab pki`, then home by CIRA and managed.
// Usage: node meshcentral_activation.js PEER_DIR AMTLAB. Everything on loopback; stops what it starts.
'use strict';
const { spawnSync } = require('child_process');
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
const CLIENT = { uuid: '00000000-0000-0000-0000-0000c0ffee11', what: 'client control mode', flag: 2, policy: 2 };
const ADMIN = { uuid: '00000000-0000-0000-0000-0000c0ffee12', what: 'admin control mode', flag: 4, policy: 3 };
const pki = path.join(server.work, 'pki');
const state = path.join(server.work, 'devices');

function run(args, input) {
    const done = spawnSync(amtlab, args, { encoding: 'utf8', timeout: 120000, input });
    want(done.status === 0, `amtlab ${args[0]} ended with ${done.status}: ${done.stdout}${done.stderr}`);
    return done.stdout;
}

// SHA-384 of the certificate that the web server shows, as the "Setup" dialog of its page has it.
function webHash() {
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ port: server.webPort, host: '127.0.0.1', rejectUnauthorized: false }, () => {
            resolve(crypto.createHash('sha384').update(socket.getPeerCertificate().raw).digest('hex').toUpperCase());
            socket.destroy();
        });
        socket.on('error', reject);
    });
}

async function activate(device, hash, more) {
    const client = lab.startKept(amtlab, ['activate', '--url', `wss://127.0.0.1:${server.webPort}/apf.ashx`,
        '--id', device.group.id.split('/').pop(), '--serverhttpshash', hash, '--device-profile', 'amt-16.1',
        '--device-state', state, '--device-uuid', device.uuid, '--timeout', '120s', ...more]);
    const code = await client.ended;
    return { code, text: client.out + client.log };
}

async function activated(device, hash) {
    await check(`MeshCentral activates a device in ${device.what}`, async () => {
        const end = await activate(device, hash, []);
        want(end.code === 0 && end.text.includes(device.what), `exit code ${end.code}: ${end.text}`);
        return end.text.trim().split('\n').pop();
    });
    await check('its activation log has the password', async () => {
        const out = run(['activations', 'list', '--log', path.join(server.dataDir, 'amtactivation.log')]);
        want(out.includes(device.uuid), out);
        want(run(['activations', 'recover', device.uuid, '--log', path.join(server.dataDir, 'amtactivation.log')]) !== '', 'none');
    });
    await check('the device comes home by CIRA and is managed', async () => {
        const done = server.log.split('Done.').length;
        const process = lab.startKept(amtlab, ['device', '--profile', 'amt-16.1', '--state', state, '--uuid', device.uuid,
            '--set', 'cira.reconnect.first=1s']);
        const node = await until('conn 2 in the device list', 60, async () => (await device.session.nodes())
            .find((one) => one.meshid === device.group.id && (one.conn & 2) !== 0 && one.intelamt && one.intelamt.ver));
        await until('"Done." of the AMT manager', 60, async () => server.log.split('Done.').length > done);
        want(node.intelamt.state === 2 && (node.intelamt.flags & device.flag) !== 0, JSON.stringify(node.intelamt));
        const info = await until('the inventory', 30, async () => {
            const answer = await device.session.ask({ action: 'getsysinfo', nodeid: node._id });
            return answer.hardware && answer.hardware.identifiers ? answer.hardware.identifiers : null;
        });
        want(info.product_uuid.toLowerCase() === device.uuid, JSON.stringify(info));
        process.kill('SIGTERM');
        want((await process.ended) === 0, process.log.slice(-300));
        return `${node.intelamt.ver}, flags ${node.intelamt.flags}`;
    });
}

async function refused(hash) {
    await check('a device of another domain is not activated, and is told why', async () => {
        const end = await activate({ ...ADMIN, uuid: '00000000-0000-0000-0000-0000c0ffee13' }, hash,
            ['--device-set', 'firmware.network_suffix=elsewhere.example']);
        want(end.code === 1 && end.text.includes('not activated'), `exit code ${end.code}: ${end.text}`);
        return end.text.trim().split('\n')[1];
    });
    await check('a client with another hash of the server stays away', async () => {
        const end = await activate({ ...CLIENT, uuid: '00000000-0000-0000-0000-0000c0ffee14' }, 'AB'.repeat(48), []);
        want(end.code === 4, `exit code ${end.code}: ${end.text}`);
    });
}

function plugUsbKey(device) {
    const secret = path.join(server.work, 'mebx');
    const key = path.join(server.work, 'setup.bin');
    fs.writeFileSync(secret, 'N3wP@ss!x\n', { mode: 0o600 });
    run(['setupbin', 'create', '--meshcentral', 'standard', '--new-password-file', secret, '--pki-dns-suffix', DOMAIN,
        '--root', path.join(pki, 'root.pem'), '--out', key]);
    run(['setupbin', 'apply', key, '--state', state, '--uuid', device.uuid, '--profile', 'amt-16.1']);
}

async function main() {
    run(['pki', '--out', pki, '--seed', '1', '--domain', DOMAIN]);
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
    for (const device of [CLIENT, ADMIN]) {
        device.session = session;
        device.group = await server.addGroup(`mode ${device.policy}`);
        session.send({ action: 'meshamtpolicy', meshid: device.group.id,
            amtpolicy: { type: device.policy, password: '', cirasetup: 2, ccm: 0 } });
        await until('the policy', 10, async () => {
            const answer = await session.ask({ action: 'meshes' });
            const mesh = answer.meshes.find((one) => one._id === device.group.id);
            return mesh && mesh.amt && mesh.amt.type === device.policy;
        });
    }
    await activated(CLIENT, hash);
    plugUsbKey(ADMIN);
    await activated(ADMIN, hash);
    await refused(hash);
    session.close();
}

async function finish(error) {
    await lab.stopAll();
    const failed = lab.checks.filter((one) => !one.good).length;
    if (error) { lab.say(`FAIL  ${error.message}`); }
    server.finish(error || failed > 0, 'interop-meshcentral-activation.log');
    lab.say(`interop meshcentral-activation: ${lab.checks.length - failed} of ${lab.checks.length} checks passed`);
    process.exit(error || failed > 0 || lab.checks.length < wanted ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
