// A capture of an unmodified MeshCentral and our device, taken on the wire by tcpdump with a key log, becomes a
// scenario, replays green, and turns red, naming the message, when one byte of the device is another.
// Usage: node meshcentral_replay.js PEER_DIR AMTLAB. Needs tcpdump, tshark, and the right to capture on the
// loopback (root, or a network namespace of its own: ci/interop). Stops what it starts.
'use strict';
const fs = require('fs');
const path = require('path');
const lab = require('./lab.js');
const { MeshServer } = require('./meshserver.js');

const [peerDir, amtlab] = process.argv.slice(2).map((argument) => path.resolve(argument));
const server = new MeshServer(peerDir);
const { check, until, want } = lab;
const UUID = '00000000-0000-0000-0000-0000c0ffee05';
const PASSWORD = 'P@ssw0rd';
const file = (name) => path.join(server.work, name);

async function amtlabRun(...args) {
    const child = lab.startKept(amtlab, ['run', ...args, '--format', 'plain'], {});
    const code = await child.ended;
    return { code, out: child.out + child.log };
}

function startDevice(user, more) {
    return lab.startKept(amtlab, ['device', '--to', `127.0.0.1:${server.mpsPort}`, '--common-name', server.name,
        '--uuid', UUID, '--user', user, '--trust', server.root, '--set', 'cira.keepalive=1s',
        '--set', 'cira.keepalive_negotiable=false', '--set', 'service.kind=http', ...more], { AMTLAB_PASSWORD: PASSWORD });
}

async function connected() {
    return (await server.devices()).find((node) => node.conn === 2);
}

async function capture(user) {
    const keepsRoot = process.getuid() === 0 ? ['-Z', 'root'] : []; // it would write as another user
    const dump = lab.startKept('tcpdump', ['-i', 'lo', ...keepsRoot, '-U', '-B', '16384', '-s', '0', '-w', file('field.pcap'),
        'tcp', 'port', String(server.mpsPort)], {});
    await until('tcpdump listens', 20, () => dump.log.includes('listening on'));
    const device = startDevice(user, ['--keylog', file('keys')]);
    await until('the tunnel is up', 20, () => device.log.includes('cira.up'));
    await new Promise((resolve) => setTimeout(resolve, 3500)); // three keepalives
    device.kill('SIGTERM');
    want(await device.ended === 0, device.log);
    await until('the goodbye is captured', 10, async () => {
        const size = fs.statSync(file('field.pcap')).size;
        await new Promise((resolve) => setTimeout(resolve, 500));
        return size > 0 && fs.statSync(file('field.pcap')).size === size;
    });
    dump.kill('SIGINT');
    await dump.ended;
    return `${fs.statSync(file('field.pcap')).size} bytes`;
}

async function importIt() {
    const child = lab.startKept(amtlab, ['import', file('field.pcap'), '--keylog', file('keys'), '--out', server.work], {});
    want(await child.ended === 0, child.log);
    const lines = fs.readFileSync(file('field.amtrec'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    const messages = lines.filter((line) => line.l === 'apf').map((line) => line.m);
    for (const wanted of ['protocol_version', 'userauth_success', 'request_success', 'keepalive_options_request',
        'keepalive_reply']) {
        want(messages.includes(wanted), `no ${wanted} among ${messages.length} messages`);
    }
    const draft = fs.readFileSync(file('field-device.yaml'), 'utf8');
    want(draft.includes(`uuid: "${UUID}"   #`), 'the draft makes no variable of the UUID');
    return `${messages.length} messages`;
}

function verdict(result, wantedCode) {
    want(result.code === wantedCode, `exit ${result.code}: ${result.out.slice(0, 1500)}`);
    return result.out.trim().split('\n').pop();
}

// The recording with one byte of the device's first message of that kind changed; the number of the message.
function changeRecording(kind, offset) {
    const lines = fs.readFileSync(file('field.amtrec'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    const decoded = lines.findIndex((line) => line.l === 'apf' && line.m === kind);
    const bytes = Buffer.from(lines[decoded - 1].b, 'base64');
    bytes[offset] ^= 0x01;
    lines[decoded - 1].b = bytes.toString('base64');
    fs.writeFileSync(file('changed.amtrec'), lines.map((line) => JSON.stringify(line)).join('\n') + '\n');
    fs.writeFileSync(file('changed.yaml'),
        fs.readFileSync(file('field-device.yaml'), 'utf8').replace('"field.amtrec"', '"changed.amtrec"')
            .replace(/^ {6}apf\.userauth_request\.user:.*\n/m, ''));
    return lines[decoded].n;
}

async function main() {
    await server.prepare({ WANonly: true, amtManager: false, mpsPass: PASSWORD });
    await server.start('mps,mpscmd');
    const { user } = await server.addGroup('lab');
    const target = ['--target', `mps=127.0.0.1:${server.mpsPort}`, '--clock', 'real'];
    let line = '';

    const captured = await check('tcpdump captures MeshCentral and our device', () => capture(user));
    if (!captured || !await check('amtlab import makes a recording and scenarios of it', importIt)) { return; }
    await check('the draft is a valid scenario', async () => {
        const child = lab.startKept(amtlab, ['validate', file('field-device.yaml'), file('field-server.yaml')], {});
        want(await child.ended === 0, child.out + child.log);
    });
    await check('the device\'s side replays green against MeshCentral', async () =>
        verdict(await amtlabRun(file('field-device.yaml'), ...target), 0));
    await check('and against our server', async () => verdict(await amtlabRun(file('field-device.yaml')), 0));
    await check('the server\'s side replays green against our device', async () =>
        verdict(await amtlabRun(file('field-server.yaml')), 0));
    await check('one byte of the device changed: red against MeshCentral, at the message that tells', async () => {
        const changed = changeRecording('userauth_request', 5); // the first character of the user name
        const result = await amtlabRun(file('changed.yaml'), ...target);
        verdict(result, 1);
        line = (result.out.match(/message (\d+) \(apf\.\w+.*/) || [''])[0];
        want(Number(line.split(' ')[1]) === changed + 1, `message ${changed} was changed, but: ${line || result.out}`);
        return line;
    });
    await check('one byte of the living device changed: red, with number, field and offset', async () => {
        const fault = 'faults:\n  - { at: dev.apf.out, when: { msg: apf.keepalive_request, nth: 2 }, ' +
            'do: { corrupt: { at: 0, xor: 0x01 } } }\nsteps:\n';
        fs.writeFileSync(file('fault.yaml'), fs.readFileSync(file('field-server.yaml'), 'utf8').replace(/^steps:\n/m, fault));
        const result = await amtlabRun(file('fault.yaml'));
        verdict(result, 1);
        line = (result.out.match(/message \d+ \(apf\.keepalive_request.*apf\.keepalive_reply came instead/) || [''])[0];
        want(line !== '', result.out);
        return line;
    });
    await check('one byte in a field: its name and offset are told', async () => {
        const fault = 'faults:\n  - { at: dev.apf.out, when: { msg: apf.global_request, nth: 3 }, ' +
            'do: { corrupt: { at: -1, xor: 0x01 } } }\nsteps:\n';
        fs.writeFileSync(file('field-fault.yaml'),
            fs.readFileSync(file('field-server.yaml'), 'utf8').replace(/^steps:\n/m, fault));
        const result = await amtlabRun(file('field-fault.yaml'));
        verdict(result, 1);
        line = (result.out.match(/message \d+ \(apf\.global_request.*apf\.global_request\.port at byte \d+.*/) || [''])[0];
        want(line !== '', result.out);
        return line;
    });
}

async function finish(error) {
    await lab.stopAll();
    const failed = lab.checks.filter((one) => !one.good).length;
    if (error) { lab.say(`FAIL  ${error.message}`); }
    server.finish(error || failed > 0, 'interop-meshcentral-replay.log');
    lab.say(`interop meshcentral, recorded and replayed: ${lab.checks.length - failed} of ${lab.checks.length} checks passed`);
    process.exit(error || failed > 0 || lab.checks.length < 9 ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
