#!/usr/bin/env python3
"""The dissector, asked through tshark: every APF vector field by field, HTTP and redirection in channels,
APF on MEI, a session of amtlab plain and under TLS. Also what amtlab import reads of the same files.
Usage: dissector_test.py AMTLAB SOURCE_DIR. 77 without tshark."""
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

AMTLAB, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SCRIPT = os.path.join(SOURCE, 'wireshark', 'amtlab_apf.lua')
VECTORS = os.path.join(SOURCE, 'protocol', 'apf', 'tests', 'vectors', 'apf-vectors.yaml')
SERVER, DEVICE = '10.0.0.1', '10.0.0.2'
RAW, USER0 = 101, 147
failures = []


def wrong(text):
    failures.append(text)
    print('FAIL ', text)


# ---- capture files ----------------------------------------------------------------------------------------------

class Capture:
    def __init__(self, link=RAW):
        self.packets, self.link, self.sequences, self.time = [], link, {}, 1700000000.0

    def packet(self, data):
        self.time += 0.001
        self.packets.append((self.time, data))

    def segment(self, source, destination, payload, flags=0x18):
        sent = self.sequences.setdefault((source, destination), 1)
        heard = self.sequences.setdefault((destination, source), 1)
        tcp = struct.pack('>HHIIBBHHH', source[1], destination[1], sent, heard, 0x50, flags, 0xffff, 0, 0) + payload
        addresses = socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
        self.packet(struct.pack('>BBHIBBH', 0x45, 0, 20 + len(tcp), 0x4000, 64, 6, 0) + addresses + tcp)
        self.sequences[(source, destination)] += len(payload) + (1 if flags & 3 else 0)

    def open(self, client, server):
        self.sequences[(client, server)] = self.sequences[(server, client)] = 0
        self.segment(client, server, b'', 0x02)
        self.segment(server, client, b'', 0x12)

    def write(self, path):
        with open(path, 'wb') as out:
            out.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, self.link))
            for when, data in self.packets:
                out.write(struct.pack('<IIII', int(when), int(when % 1 * 1e6), len(data), len(data)) + data)


def tshark(path, *more):
    """Frames as lists of (layer, fields): the same layer may come more than once."""
    command = ['tshark', '-n', '-X', 'lua_script:' + SCRIPT, '-r', path, '-T', 'json', *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit('tshark: ' + done.stderr)
    if 'Lua' in done.stderr:
        wrong('tshark complains: ' + done.stderr)
    frames = json.loads(done.stdout or '[]', object_pairs_hook=list)
    return [dict(dict(frame)['_source'])['layers'] for frame in frames]


def flat(pairs, out=None):
    """All fields of a layer in order: name -> list of values."""
    out = {} if out is None else out
    for name, value in pairs:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            flat(value, out)
        else:
            out.setdefault(name, []).append(value)
    return out


def pairs(value):
    return [(name, pairs(inner) if isinstance(inner, list) else inner) for name, inner in value] \
        if isinstance(value, list) else value


def layers(frame, name):
    return [flat(pairs(value)) for layer, value in frame if layer == name and isinstance(value, list)]


# ---- vectors ----------------------------------------------------------------------------------------------------

def vectors():
    with open(VECTORS, encoding='utf-8') as text:
        for block in text.read().split('\n- id: ')[1:]:
            before, _, expected = block.partition('  expect:')
            fields = {}
            for name, value in re.findall(r'^      (\w+): (.*)$', expected, re.M):
                fields[name] = json.loads(value) if value[:1] in '"0123456789tf' else value
            pending = re.search(r'pending: "?([a-z@.-]+)', before)
            yield {
                'id': block.split('\n')[0], 'dir': re.search(r'^  dir: (\S+)', before, re.M).group(1),
                'bytes': bytes.fromhex(re.search(r'^  hex: "([0-9a-f]*)"', before, re.M).group(1)),
                'pending': pending.group(1) if pending else None,
                'json': 'json_control: true' in before,
                'consumed': int((re.search(r'consumed: (\d+)', expected) or [0, 0])[1]),
                'verdict': re.search(r'verdict: "?([\w:-]+)', expected).group(1), 'fields': fields,
            }


def text(value):
    return struct.pack('>I', len(value)) + value


def request(kind):
    """A GLOBAL_REQUEST of that kind, so that its answer has a meaning."""
    body = b'\x50' + text(kind.encode()) + b'\x01' + text(b'pc') + struct.pack('>I', 16992)
    return body + (text(b'') + struct.pack('>I', 1) + text(b'') if kind.startswith('udp') else b'')


OTHER_NAMES = {'partial_success': 'partial', 'data': 'data', 'request_name': 'request'}
HIDDEN = {'type', 'reserved_zero', 'reserved', 'reserved2', 'data_length', 'consumed'}


def check_fields(vector, shown):
    for name, value in vector['fields'].items():
        is_hex = name.endswith('_hex')
        name = name[:-4] if is_hex else name
        name = OTHER_NAMES.get(name, name)
        if name in HIDDEN or (is_hex and name != 'data'):
            continue
        got = shown.get('apf.' + name, [None])[0]
        if name == 'data':
            got = (got or '').replace(':', '') if value else '' # empty data have no place to be shown
        if isinstance(value, bool):
            value = int(value)
        if str(got) != str(value):
            wrong(f"{vector['id']}: {name} is {got!r}, wanted {value!r}")


def check_vectors(work):
    capture, todo = Capture(), []
    for number, vector in enumerate(vectors()):
        if vector['bytes'][:1] == b'\xfa' and not vector['json']:
            continue # the dissector always knows the extension
        device, server = (DEVICE, 20000 + number), (SERVER, 4433)
        capture.open(device, server)
        capture.segment(device, server, b'\xd0\xff\xff\xff\xf0') # the device speaks first
        if vector['pending'] and vector['pending'] != 'none':
            capture.segment(device, server, request(vector['pending']))
        from_device = vector['dir'] in ('dev2mps', 'me2host')
        capture.segment(*((device, server) if from_device else (server, device)), vector['bytes'])
        todo.append((len(capture.packets), vector))
    path = os.path.join(work, 'vectors.pcap')
    capture.write(path)
    frames = tshark(path)
    for number, vector in todo:
        shown = layers(frames[number - 1], 'apf')
        everything = json.dumps(frames[number - 1])
        verdict = vector['verdict']
        if verdict == 'ok':
            if not shown or 'Malformed' in json.dumps(shown[0]):
                wrong(f"{vector['id']}: not decoded: {shown[:1]}")
            elif int(shown[0]['apf.type'][0]) != vector['bytes'][0]:
                wrong(f"{vector['id']}: type {shown[0]['apf.type']}")
            else:
                check_fields(vector, shown[0])
        elif verdict == 'need-more':
            if any('apf.type' in layer for layer in shown):
                wrong(f"{vector['id']}: decoded, but more is needed")
        elif not re.search(verdict.split(':')[1] + ' at byte', everything):
            wrong(f"{vector['id']}: no expert message {verdict}")
    print(f'{len(todo)} vectors')


def check_mei(work):
    capture, todo = Capture(USER0), []
    for vector in vectors():
        is_whole = len(vector['bytes']) == vector['consumed'] # one message, one packet
        if vector['verdict'] == 'ok' and is_whole and (vector['json'] or vector['bytes'][0] != 0xfa):
            capture.packet(vector['bytes'])
            todo.append(vector)
    capture.packet(b'\x5e\x00\x00')
    path = os.path.join(work, 'mei.pcap')
    capture.write(path)
    frames = tshark(path)
    for frame, vector in zip(frames, todo):
        shown = layers(frame, 'apf')
        if not shown:
            wrong(f"MEI {vector['id']}: not decoded")
        else:
            check_fields(vector, shown[0])
    if 'never cut' not in json.dumps(frames[-1]):
        wrong('MEI: a cut message gives no expert message')
    print(f'{len(todo)} vectors on MEI')


# ---- channels ---------------------------------------------------------------------------------------------------

def data(channel, payload):
    return b'\x5e' + struct.pack('>II', channel, len(payload)) + payload


def check_channels(work):
    capture = Capture()
    device, server = (DEVICE, 50000), (SERVER, 4433)

    def dev(payload): capture.segment(device, server, payload)
    def mps(payload): capture.segment(server, device, payload)

    def open_channel(server_number, device_number, port):
        mps(b'\x5a' + text(b'forwarded-tcpip') + struct.pack('>III', server_number, 32768, 0xffffffff) + text(b'pc')
            + struct.pack('>I', port) + text(b'10.0.0.1') + struct.pack('>I', 1))
        dev(b'\x5b' + struct.pack('>IIII', server_number, device_number, 4096, 0xffffffff))

    body = b'<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>'
    post = (b'POST /wsman HTTP/1.1\r\nHost: pc\r\nContent-Type: application/soap+xml\r\nContent-Length: %d\r\n\r\n'
            % len(body)) + body
    answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nTransfer-Encoding: chunked\r\n\r\n' + \
        b''.join(b'%x\r\n%s\r\n' % (len(part), part) for part in (body[:40], body[40:])) + b'0\r\n\r\n'
    capture.open(device, server)
    dev(b'\xd0\0\0\0\x01')
    open_channel(5, 1, 16992)
    open_channel(6, 2, 16994)
    mps(data(1, post[:30]))                          # cut inside the head
    mps(data(2, b'\x10\0\0\0SOL ') + data(1, post[30:])[:20]) # another channel between, and a message in two segments
    mps(data(1, post[30:])[20:])
    dev(data(6, b'\x11\0\0\0\x01\0\x10\0\x57\x01\0\0\0') + b'\x5d\0\0\0\x05\0\0\0\x10' + data(5, answer[:100]))
    dev(data(5, answer[100:]))
    path = os.path.join(work, 'channels.pcap')
    capture.write(path)
    frames = tshark(path)
    https = [layer for frame in frames for layer in layers(frame, 'http')]
    redirs = [layer for frame in frames for layer in layers(frame, 'amtredir')]
    xmls = sum(1 for frame in frames for layer, _ in frame if layer == 'xml')
    words = json.dumps(https)
    if len(https) != 2 or 'POST /wsman' not in words or '200 OK' not in words:
        wrong(f'HTTP in channels: {len(https)} messages: {words[:300]}')
    if xmls != 2:
        wrong(f'XML in channels: {xmls}')
    if [layer['amtredir.id'][0] for layer in redirs] != ['0x10', '0x11']:
        wrong(f'redirection in channels: {redirs}')
    if 'Malformed' in json.dumps(frames):
        wrong('channels: something is malformed')
    ports = [value for frame in frames for layer in layers(frame, 'apf') for value in layer.get('apf.channel_port', [])]
    if sorted(set(ports)) != ['16992', '16994']:
        wrong(f'ports of channels: {ports}')
    print('channels')


# ---- a living session ---------------------------------------------------------------------------------------------

class Proxy(threading.Thread):
    """Passes one connection on and keeps it as a capture, as a wire would show it."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.capture = to, Capture()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        client, server = (DEVICE, 40000), (SERVER, 4433)
        a, _ = self.listener.accept()
        b = socket.create_connection(('127.0.0.1', self.to))
        self.capture.open(client, server)
        while True:
            for ready in select.select([a, b], [], [])[0]:
                bytes_ = ready.recv(1200)
                way = (client, server) if ready is a else (server, client)
                if not bytes_:
                    self.capture.segment(*way, b'', 0x11)
                    a.close()
                    b.close()
                    return
                self.capture.segment(*way, bytes_)
                (b if ready is a else a).sendall(bytes_)


def messages(recording):
    with open(recording, encoding='utf-8') as lines:
        return [json.loads(line)['m'] for line in lines if '"l":"apf"' in line]


def check_session(work):
    def path(name): return os.path.join(work, name)
    with open(path('mps.yaml'), 'w', encoding='utf-8') as out:
        out.write('name: mps.example\nlisten: "127.0.0.1:0"\nusers: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }]\n')
    mps = subprocess.Popen([AMTLAB, 'mps', '-c', path('mps.yaml'), '--data', path('data'), '--keylog', path('keys')],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        ready = json.loads(mps.stdout.readline())
        proxy = Proxy(int(ready['listen'][0].rsplit(':', 1)[1]))
        proxy.start()
        done = subprocess.run(
            [AMTLAB, 'device', '--to', f'127.0.0.1:{proxy.port}', '--user', 'ABCDEFGHIJKLMNOP', '--trust', ready['root'],
             '--common-name', 'mps.example', '--capture', path('plain.pcapng'), '--until', 'up', '--deadline', '60s'],
            env={**os.environ, 'AMTLAB_PASSWORD': 'P@ssw0rd'}, capture_output=True, text=True, check=False)
        proxy.join(20)
    finally:
        mps.terminate()
        mps.wait()
    if done.returncode != 0:
        wrong('the device: ' + done.stderr)
        return
    proxy.capture.write(path('wire.pcap'))
    for name, more in (('plain.pcapng', []), ('wire.pcap', ['--keylog', path('keys')])):
        subprocess.run([AMTLAB, 'import', path(name), '--out', work, *more], check=True, stdout=subprocess.DEVNULL)
    plain, wire = messages(path('plain.amtrec')), messages(path('wire.amtrec'))
    if plain != wire or len(plain) < 20:
        wrong(f'import: {len(plain)} messages of the capture, {len(wire)} of the wire')
    unkeyed = subprocess.run([AMTLAB, 'import', path('wire.pcap'), '--out', work, '--force'], capture_output=True,
                             text=True, check=False)
    if unkeyed.returncode != 3 or '--keylog' not in unkeyed.stderr:
        wrong(f'import without keys: exit {unkeyed.returncode}, {unkeyed.stderr}')
    for name, more in (('plain.pcapng', []), ('wire.pcap', ['-o', 'tls.keylog_file:' + path('keys')])):
        frames = tshark(path(name), *more)
        shown = [layer['apf.type'][0] for frame in frames for layer in layers(frame, 'apf') if 'apf.type' in layer]
        if len(shown) != len(plain):
            wrong(f'{name}: tshark shows {len(shown)} messages of {len(plain)}')
        if 'Malformed' in json.dumps(frames):
            wrong(f'{name}: something is malformed')
    print(f'{len(plain)} messages of a session, plain and under TLS')


def main():
    if shutil.which('tshark') is None:
        print('tshark is not installed')
        return 77
    with tempfile.TemporaryDirectory(prefix='amtlab-wireshark-') as work:
        check_vectors(work)
        check_mei(work)
        check_channels(work)
        check_session(work)
    print('dissector: all as it should be' if not failures else f'{len(failures)} failures')
    return 1 if failures else 0


sys.exit(main())
