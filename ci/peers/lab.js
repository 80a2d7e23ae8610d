// What the drivers of real peers share: processes, waiting, ports, and the list of checks.
'use strict';
const { spawn } = require('child_process');
const net = require('net');

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

function accepts(port, host) {
    return new Promise((resolve) => {
        const socket = net.connect(port, host || '127.0.0.1');
        socket.on('connect', () => { socket.destroy(); resolve(true); });
        socket.on('error', () => resolve(false));
    });
}

function start(command, args, options) {
    const child = spawn(command, args, options);
    children.add(child);
    child.on('exit', () => children.delete(child));
    child.on('error', (error) => { children.delete(child); say(`FAIL  ${error.message}`); });
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

async function stopAll() {
    for (const child of children) { await stop(child); }
}

// A child whose output is kept: .out, .log, and .ended with its exit code.
function startKept(command, args, environment) {
    const child = start(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.out = '';
    child.log = '';
    child.stdout.on('data', (data) => { child.out += data; });
    child.stderr.on('data', (data) => { child.log += data; });
    child.ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    child.ended.then((code) => { if (code > 1) { say(`      ${args[0]} ended with ${code}: ${child.log.slice(-300)}`); } });
    return child;
}

async function check(name, body) {
    const begin = Date.now();
    try {
        const detail = await body();
        checks.push({ name, good: true });
        say(`ok    ${name}${detail ? ': ' + detail : ''} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
        return true;
    } catch (error) {
        checks.push({ name, good: false });
        say(`FAIL  ${name}: ${error.message}`);
        return false;
    }
}

// Throws unless the condition holds; the words say what was found.
function want(condition, words) {
    if (!condition) { throw new Error(words); }
}

module.exports = { say, freePort, until, accepts, start, startKept, stop, stopAll, check, checks, want };
