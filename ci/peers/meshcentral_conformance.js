// The conformance suite for servers against an unmodified MeshCentral. What it is known to fail stands, with
// reasons, in conformance/expected; anything else, and anything that holds no more, fails.
// Usage: node meshcentral_conformance.js PEER_DIR AMTLAB [FURTHER OPTIONS OF amtlab run]...
'use strict';
const { spawn } = require('child_process');
const path = require('path');
const lab = require('./lab.js');
const { MeshServer } = require('./meshserver.js');

const [peerDir, amtlab] = process.argv.slice(2, 4).map((argument) => path.resolve(argument));
const server = new MeshServer(peerDir);
const PASSWORD = 'Lab-Cira-01';

function runSuite(user) {
    const args = ['run', 'conformance/mps', '--target', 'mps=conformance/targets/meshcentral.yaml',
        '--expectations', 'conformance/expected/meshcentral-1.1.55.yaml',
        '--jobs', '16', '--rate', '10/s', '--out', 'build/conformance-meshcentral', ...process.argv.slice(4)];
    const env = { ...process.env, AMTLAB_MC_ADDRESS: `127.0.0.1:${server.mpsPort}`, AMTLAB_MC_USER: user,
        AMTLAB_MC_PASSWORD: PASSWORD, AMTLAB_MC_NAME: server.name,
        AMTLAB_MC_RELAY: `wss://127.0.0.1:${server.webPort}/webrelay.ashx?${server.relayLogin()}` };
    return new Promise((resolve, reject) => {
        const child = spawn(amtlab, args, { env, stdio: 'inherit' });
        child.on('error', reject);
        child.on('exit', (code) => resolve(code));
    });
}

async function main() {
    await server.prepare({ WANonly: true, mpsPass: PASSWORD }, { amtManager: false });
    await server.start('mps');
    const { user } = await server.addGroup('conformance');
    const code = await runSuite(user);
    if (code !== 0) { throw new Error(`amtlab run ended with ${code}`); }
}

async function finish(error) {
    await lab.stopAll();
    if (error) { lab.say(`FAIL  ${error.message}`); }
    server.finish(error, 'interop-meshcentral-conformance.log');
    lab.say(`interop meshcentral conformance: ${error ? 'failed' : 'as expected'}`);
    process.exit(error ? 1 : 0);
}

process.on('SIGINT', () => finish(new Error('interrupted')));
process.on('SIGTERM', () => finish(new Error('terminated')));
main().then(() => finish(null), (error) => finish(error));
