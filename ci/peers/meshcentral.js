// Our device against an unmodified MeshCentral: connects, is used, survives a restart, is refused.
// Usage: node meshcentral.js PEER_DIR AMTLAB. Everything on loopback; stops what it starts.
'use strict';
const path = require('path');
const lab = require('./lab.js');
const { MeshServer } = require('./meshserver.js');

const [peerDir, amtlab] = process.argv.slice(2).map((argument) => path.resolve(argument));
const server = new MeshServer(peerDir);
const { check, until } = lab;
const UUID = '00000000-0000-0000-0000-0000c0ffee01';
const PASSWORD = 'P@ssw0rd';

function startServer() { return server.start('mps,mpscmd'); }

function startDevice(user, more) {
    const args = ['device', '--to', `127.0.0.1:${server.mpsPort}`, '--common-name', server.name, '--uuid', UUID,
        '--user', user, '--trust', server.root, '--set', 'service.kind=http', ...more]; // an echo: the tunnel is the subject
    return lab.startKept(amtlab, args, { AMTLAB_PASSWORD: PASSWORD });
}

async function connectedDevice() {
    return (await server.devices()).find((node) => node.conn === 2);
}

// Sends bytes through MeshCentral's relay and collects the answer until isWhole(answer) is true.
function exchange(nodeId, bytes, isWhole) {
    return new Promise((resolve, reject) => {
        const socket = server.relay(nodeId);
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

function finalReport(device) {
    const lines = device.out.trim().split('\n');
    return JSON.parse(lines[lines.length - 1]);
}

async function main() {
    await server.prepare({ WANonly: true, amtManager: false });
    await startServer();
    const { user } = await server.addGroup('lab');

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
        await server.stop();
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
    await lab.stopAll();
    const failed = lab.checks.filter((one) => !one.good).length;
    if (error) { lab.say(`FAIL  ${error.message}`); }
    server.finish(error || failed > 0, 'interop-meshcentral.log');
    lab.say(`interop meshcentral: ${lab.checks.length - failed} of ${lab.checks.length} checks passed`);
    process.exit(error || failed > 0 || lab.checks.length < 7 ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
