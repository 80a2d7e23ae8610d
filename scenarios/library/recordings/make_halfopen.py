#!/usr/bin/env python3
"""Makes halfopen-2021-12.amtrec. Usage: make_halfopen.py >halfopen-2021-12.amtrec

No capture of this failure is public. The recording is synthesised from its description (FF-042; issue 441
of the Open AMT MPS, December 2021): after a power action the server ends its side and forgets the device,
which never notices and goes on with KEEPALIVE_REQUEST and rising cookies; later it connects anew. Message
layouts and the server's words are those of apf.md 3 and 11 for that server; times are ours.
"""
import base64
import json
import struct
import sys

S = 1000000
UUID = bytes.fromhex('00d2f1ac0bb0114e8f3054b2031a6d5e')
PORTS = (16993, 16992, 664, 623, 16995, 16994, 5900)
events = []


def text(value):
    return struct.pack('>I', len(value)) + value


def event(t, from_device, connection, **what):
    events.append({'t': int(t), 'a': 'dev', 'd': 'out' if from_device else 'in', 'l': 'tcp', 'c': connection, **what})


def say(t, from_device, connection, data):
    event(t, from_device, connection, b=base64.b64encode(data).decode())


def login(t, c):
    """Returns the time when all is forwarded."""
    step = 20000
    event(t, True, c, e='open')
    say(t + step, True, c, b'\xc0' + struct.pack('>III', 1, 0, 4) + UUID + bytes(64))
    say(t + step, True, c, b'\x05' + text(b'auth@amt.intel.com'))
    say(t + 2 * step, False, c, b'\x06' + text(b'auth@amt.intel.com'))
    say(t + 3 * step, True, c, b'\x32' + text(b'ABCDEFGHIJKLMNOP') + text(b'pfwd@amt.intel.com') + text(b'password')
        + b'\x00' + text(b'********'))
    say(t + 4 * step, False, c, b'\x34')
    say(t + 5 * step, True, c, b'\x05' + text(b'pfwd@amt.intel.com'))
    say(t + 6 * step, False, c, b'\x06' + text(b'pfwd@amt.intel.com'))
    t += 7 * step
    for port in PORTS:
        say(t, True, c, b'\x50' + text(b'tcpip-forward') + b'\x01' + text(b'pc-0417') + struct.pack('>I', port))
        say(t + step, False, c, b'\x51' + struct.pack('>I', port))
        t += 2 * step
    say(t, False, c, b'\xd2' + struct.pack('>II', 30, 0))
    say(t + step, True, c, b'\xd3' + struct.pack('>II', 30, 0))
    return t + 2 * step


def keepalive(t, c, cookie, is_answered):
    say(t, True, c, b'\xd0' + struct.pack('>I', cookie))
    if is_answered:
        say(t + 20000, False, c, b'\xd1' + struct.pack('>I', cookie))


login(0, 1)
keepalive(30 * S, 1, 1, True)
keepalive(60 * S, 1, 2, True)
event(150 * S, False, 1, e='fin')    # the server has given it up
keepalive(180 * S, 1, 3, False)      # the device has not
keepalive(210 * S, 1, 4, False)
end = login(215 * S, 2)
keepalive(end + 2 * S, 2, 1, True)
event(end + 3 * S, True, 2, e='fin')

json.dump({'amtrec': 1, 'program': 'make_halfopen.py', 'seed': 0, 'start_us': 0,
           'actors': [{'name': 'dev', 'side': 'device'}, {'name': 'mps', 'side': 'server'}], 'certificates': [],
           'scrub': ['apf.userauth_request.password'],
           'comment': 'SYNTHESISED from the report of FF-042 (Open AMT MPS issue 441); not a capture.'},
          sys.stdout, separators=(',', ':'))
print()
for line in events:
    print(json.dumps(line, separators=(',', ':')))
