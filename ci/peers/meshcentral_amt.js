// Our device's firmware under an unmodified MeshCentral: managed through CIRA, set up with TLS by its
// policy, switched on and off, found by its network scan and managed on the local network.
// Usage: node meshcentral_amt.js PEER_DIR AMTLAB. Everything on loopback; stops what it starts.
'use strict';
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const lab = require('./lab.js');
const { MeshServer } = require('./meshserver.js');

const [peerDir, amtlab] = process.argv.slice(2).map((argument) => path.resolve(argument));
const server = new MeshServer(peerDir);
const { check, until, want } = lab;
const UUID = '00000000-0000-0000-0000-0000c0ffee02';
const PLAIN_UUID = '00000000-0000-0000-0000-0000c0ffee03';
// The scanner passes over 127.0.0.1; its ports are fixed: each device needs an address of its own.
const TLS_HOST = '127.0.0.2';
const PLAIN_HOST = '127.0.0.3';
const PASSWORD = 'P@ssw0rd';
const ON = 2;
const OFF = 8;
const stateDir = fs.mkdtempSync(path.join(os.tmpdir(), 'amtlab-state-'));
let wanted = 12; // checks

// MeshCentral's own WS-Man stack, against a TCP port.
function stackAt(host, port, tls) {
    const amt = path.join(server.modules, 'meshcentral', 'amt');
    const comm = require(path.join(amt, 'amt-wsman-comm.js'))(host, port, 'admin', PASSWORD, tls ? 1 : 0);
    comm.xtlsFingerprint = 0;
    const wsman = require(path.join(amt, 'amt-wsman.js'))(comm);
    return require(path.join(amt, 'amt.js'))(wsman);
}

// A TCP port of ours whose connections go through MeshCentral's relay to the device.
function relayPort(nodeId) {
    return new Promise((resolve) => {
        const listener = net.createServer((socket) => {
            const relay = server.relay(nodeId);
            let early = [];
            relay.on('open', () => { early.forEach((data) => relay.send(data)); early = null; });
            relay.on('message', (data) => socket.write(Buffer.from(data)));
            relay.on('close', () => socket.end());
            relay.on('error', () => socket.destroy());
            socket.on('data', (data) => { if (early !== null) { early.push(data); } else { relay.send(data); } });
            socket.on('close', () => relay.close());
            socket.on('error', () => relay.close());
        });
        listener.listen(0, '127.0.0.1', () => resolve(listener));
    });
}

function enumerate(stack, name) {
    return new Promise((resolve, reject) => {
        stack.Enum(name, (unused, what, responses, status) => {
            if (status !== 200) { reject(new Error(`${name}: ${status}`)); } else { resolve(responses); }
        });
    });
}

function get(stack, name) {
    return new Promise((resolve, reject) => {
        stack.Get(name, (unused, what, response, status) => {
            if (status !== 200) { reject(new Error(`${name}: ${status}`)); } else { resolve(response.Body); }
        });
    });
}

async function powerState(stack) {
    return (await enumerate(stack, 'CIM_ServiceAvailableToElement'))[0].PowerState;
}

function messageLog(stack) {
    return new Promise((resolve, reject) => {
        const limit = setTimeout(() => reject(new Error('no event log')), 20000);
        stack.GetMessageLog((unused, records) => { clearTimeout(limit); resolve(records); });
    });
}

function startDevice(uuid, args) {
    return lab.startKept(amtlab, ['device', '--uuid', uuid, '--log-level', 'debug', '--state', stateDir, ...args], { AMTLAB_PASSWORD: PASSWORD });
}

function startByCira(user, more) {
    return startDevice(UUID, ['--to', `127.0.0.1:${server.mpsPort}`, '--common-name', server.name, '--user', user,
        '--trust', server.root, '--set', 'cira.reconnect.first=1s', ...more]);
}

async function stopDevice(device) {
    device.kill('SIGTERM');
    const code = await device.ended;
    want(code === 0, `exit code ${code}: ${device.log.slice(-300)}`);
}

const count = (text) => server.log.split(text).length - 1;

// What MeshCentral has stored about the device after its connect sequence.
async function checkRecord(session, id) {
    const node = await session.node(id);
    want(/^\d+\.\d+\.\d+$/.test(node.intelamt.ver), `version ${node.intelamt.ver}`);
    want(node.intelamt.state === 2, `state ${node.intelamt.state}`);
    want((node.intelamt.flags & 4) !== 0, `flags ${node.intelamt.flags}: not in admin control mode`);
    want(node.intelamt.user === 'admin', `user ${node.intelamt.user}`);
    want(!node.intelamt.warn, `warning ${node.intelamt.warn}`);
    return node;
}

async function checkInventory(session, id, uuid) {
    const info = await session.ask({ action: 'getsysinfo', nodeid: id });
    const hardware = info.hardware;
    want(hardware && hardware.identifiers, `no inventory: ${JSON.stringify(info)}`);
    const ids = hardware.identifiers;
    for (const name of ['product_uuid', 'bios_vendor', 'bios_version', 'bios_date', 'board_name', 'board_vendor', 'cpu_name']) {
        want(ids[name] !== undefined && ids[name] !== '', `no ${name} in ${JSON.stringify(ids)}`);
    }
    want(ids.product_uuid.toLowerCase() === uuid, `UUID ${ids.product_uuid}`);
    const memory = hardware.windows.memory;
    want(memory && memory.length > 0 && memory[0].Capacity > 0, `memory ${JSON.stringify(memory)}`);
    want(ids.storage_devices && ids.storage_devices.length > 0, 'no storage');
    return `${ids.board_vendor} ${ids.board_name}, ${ids.cpu_name}`;
}

async function checkNetwork(session, id) {
    const info = await session.ask({ action: 'getnetworkinfo', nodeid: id });
    want(info.netif2 && info.netif2.Ethernet, `no network: ${JSON.stringify(info)}`);
    const wired = info.netif2.Ethernet[0];
    want(/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/.test(wired.mac), `MAC ${wired.mac}`);
    return `${wired.mac} ${wired.address}`;
}

async function cira(group, session) {
    const device = startByCira(group.user, []);
    let id = null;
    await check('MeshCentral logs on through CIRA and completes its connect sequence', async () => {
        const node = await until('conn 2 in the device list', 30,
            async () => (await session.nodes()).find((one) => one.meshid === group.id && one.conn === 2));
        id = node._id;
        await until('"Done." of the AMT manager', 60, async () => count('Done.') > 0);
    });
    await check('the device record has version, state and control mode', async () => {
        const node = await checkRecord(session, id);
        return `${node.intelamt.ver}, flags ${node.intelamt.flags}`;
    });
    await check('it has the hardware inventory', async () => checkInventory(session, id, UUID));
    await check('it has the network settings', async () => checkNetwork(session, id));
    await check('it shows the power state', async () => {
        const node = await until('power state 1', 20, async () => {
            const one = await session.node(id);
            return one.pwr === 1 ? one : null;
        });
        return `pwr ${node.pwr}`;
    });
    const listener = await relayPort(id);
    const stack = stackAt('127.0.0.1', listener.address().port, false);
    await check('MeshCentral switches the device off, on and resets it', async () => power(session, stack, id, device));
    await check('the event log is read through MeshCentral', async () => {
        const records = await messageLog(stack);
        want(records.length > 0, 'it is empty');
        for (const record of records) {
            want(record.Time instanceof Date && record.Desc && record.EventSeverity !== undefined, JSON.stringify(record));
        }
        return `${records.length} records, ${records[0].Desc}`;
    });
    listener.close();
    return { device, id };
}

// What MeshCentral asked for, as WS-Man shows it, and as the device's own log tells it.
async function power(session, stack, id, device) {
    want((await powerState(stack)) === ON, `it is ${await powerState(stack)} at first`);
    const boots = () => (device.log.match(/power\.boot .*into=\S+/g) || []).map((line) => line.replace(/.*into=/, ''));
    const ask = (action) => session.ask({ action: 'poweraction', nodeids: [id], actiontype: 300 + action });
    const afterBoot = async (action, into) => {
        const before = boots().length;
        await ask(action);
        await until(`a boot into ${into} after action ${action}`, 30, async () => boots().length > before);
        want(boots()[before] === into, `it booted into ${boots()[before]}`);
        want((await powerState(stack)) === ON, `it is ${await powerState(stack)} after action ${action}`);
    };
    await ask(OFF);
    await until('it is off', 30, async () => (await powerState(stack)) === OFF);
    await afterBoot(ON, 'disk');
    await afterBoot(10, 'disk');
    await afterBoot(12, 'bios-setup'); // boot settings, role and order go before it
    await afterBoot(16, 'pxe');
    return 'off, on, reset, reset to BIOS setup and to PXE';
}

// A policy makes MeshCentral set the clock, make a key pair and a certificate, and switch TLS on.
async function tls(group, session, first) {
    let device = first;
    await check('the policy of the group sets up TLS through CIRA', async () => {
        session.send({ action: 'meshamtpolicy', meshid: group.id, amtpolicy: { type: 3, cirasetup: 0, ccm: 0, password: PASSWORD } });
        await stopDevice(device);
        const done = count('Done.');
        device = startByCira(group.user, []);
        await until('the policy is done', 120, async () => count('Done.') > done);
        want(count('Enabled TLS, holding 10 seconds') === 1, 'TLS was not set up');
        const node = await until('the device record says TLS', 10, async () => {
            const one = (await session.nodes()).find((other) => other.meshid === group.id);
            return one.intelamt.tls === 1 ? one : null;
        });
        return `certificate ${node.intelamt.hash}`;
    });
    await check('with TLS inside the channel MeshCentral reads the device', async () => {
        await stopDevice(device);
        device = startByCira(group.user, ['--forward', '16993,16995']);
        const node = await until('conn 2 in the device list', 30,
            async () => (await session.nodes()).find((one) => one.meshid === group.id && one.conn === 2));
        const listener = await relayPort(node._id);
        const stack = stackAt('127.0.0.1', listener.address().port, false);
        const settings = await get(stack, 'AMT_GeneralSettings');
        want(/^Digest:/.test(settings.DigestRealm), JSON.stringify(settings));
        const tlsSettings = await enumerate(stack, 'AMT_TLSSettingData');
        want(tlsSettings.every((one) => one.Enabled === true), JSON.stringify(tlsSettings));
        const redirection = await get(stack, 'AMT_RedirectionService');
        want(redirection.EnabledState === 32771 && redirection.ListenerEnabled === true, JSON.stringify(redirection));
        const screen = await get(stack, 'CIM_KVMRedirectionSAP');
        want(screen.EnabledState === 2 || screen.EnabledState === 6, JSON.stringify(screen));
        want((await get(stack, 'IPS_OptInService')).OptInRequired === 0, 'consent is still required');
        const certificates = await enumerate(stack, 'AMT_PublicKeyCertificate');
        want(certificates.some((one) => /CN=IntelAMT-/.test(one.Subject)), JSON.stringify(certificates));
        listener.close();
        return `${certificates.length} certificate, redirection, screen and consent as the policy says`;
    });
    await stopDevice(device);
}

// The scanner sends to UDP port 623 and then talks to 16992 or 16993: fixed ports, a low one among them.
async function lan(session) {
    const group = await server.addGroup('lan');
    const devices = [
        { name: 'tls', host: TLS_HOST, port: 16993, tls: 1, uuid: UUID },
        { name: 'plain', host: PLAIN_HOST, port: 16992, tls: 0, uuid: PLAIN_UUID }
    ];
    for (const one of devices) {
        one.process = startDevice(one.uuid, ['--listen', one.host]);
        await until('the device listens', 20, async () => lab.accepts(16992, one.host));
    }
    await check('the network scan finds both devices by their presence', async () => {
        session.events.length = 0;
        session.send({ action: 'scanamtdevice', range: `${TLS_HOST}-${PLAIN_HOST}` });
        const event = await until('the result of the scan', 10,
            async () => session.events.find((one) => one.action === 'scanamtdevice'));
        for (const one of devices) {
            const found = event.results[one.host];
            want(found && found.state === 2 && found.tls === one.tls, JSON.stringify(event.results));
        }
        return JSON.stringify(event.results[TLS_HOST]);
    });
    for (const one of devices) {
        await session.ask({ action: 'addamtdevice', meshid: group.id, devicename: one.name, hostname: one.host,
            amtusername: 'admin', amtpassword: PASSWORD, amttls: one.tls, responseid: 'amtlab' });
    }
    for (const one of devices) {
        await check(`MeshCentral manages the device on ${one.port} of the local network`, async () => {
            const node = await until('conn 4 in the device list', 75,
                async () => (await session.nodes()).find((other) => other.name === one.name && (other.conn & 4) !== 0));
            await until('the inventory', 30, async () => checkInventory(session, node._id, one.uuid));
            const after = await checkRecord(session, node._id);
            want(after.intelamt.tls === one.tls, `TLS ${after.intelamt.tls}`);
            want((await checkNetwork(session, node._id)) !== '', 'no network');
            return `version ${after.intelamt.ver}`;
        });
    }
    for (const one of devices) { await stopDevice(one.process); }
}

// Whether the devices may listen on UDP port 623.
function hasLowPorts() {
    const first = fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8');
    return process.getuid() === 0 || Number(first) <= 623;
}

async function main() {
    await server.prepare({ meshScanner: false }, { amtManager: { adminAccounts: [{ user: 'admin', pass: PASSWORD }] } });
    await server.start('mps,mpscmd,amt');
    const session = await server.openSession();
    const group = await server.addGroup('cira');
    const { device } = await cira(group, session);
    await tls(group, session, device);
    if (hasLowPorts()) {
        await lan(session);
    } else {
        wanted -= 3;
        lab.say('skip  the local network: UDP port 623 is for root');
    }
    session.close();
}

async function finish(error) {
    await lab.stopAll();
    const failed = lab.checks.filter((one) => !one.good).length;
    if (error) { lab.say(`FAIL  ${error.message}`); }
    server.finish(error || failed > 0, 'interop-meshcentral-amt.log');
    fs.rmSync(stateDir, { recursive: true, force: true });
    lab.say(`interop meshcentral-amt: ${lab.checks.length - failed} of ${lab.checks.length} checks passed`);
    process.exit(error || failed > 0 || lab.checks.length < wanted ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
