#!/usr/bin/env python3
"""Makes the seed corpora from the APF vectors and the transcript of apf.md 4.1. Usage: fuzz/make_corpus.py"""
import hashlib
import os
import random
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PENDING = {None: 0, 'tcpip-forward': 1, 'cancel-tcpip-forward': 2, 'udp-send-to@amt.intel.com': 3}


def write(target, data):
    folder = os.path.join(ROOT, 'fuzz', 'corpus', target)
    os.makedirs(folder, exist_ok=True)
    name = hashlib.sha256(data).hexdigest()[:16]
    with open(os.path.join(folder, name), 'wb') as out:
        out.write(data)


def vectors():
    path = os.path.join(ROOT, 'protocol', 'apf', 'tests', 'vectors', 'apf-vectors.yaml')
    with open(path, encoding='utf-8') as text:
        for block in text.read().split('\n- id: ')[1:]:
            direction = re.search(r'^  dir: (\S+)', block, re.M).group(1)
            data = bytes.fromhex(re.search(r'^  hex: "([0-9a-f]*)"', block, re.M).group(1))
            pending = re.search(r'pending: "?([a-z@.-]+)', block.split('expect:')[0])
            yield (direction in ('dev2mps', 'me2host'), PENDING[pending.group(1) if pending else None],
                   'json_control: true' in block.split('expect:')[0], data)


def text(value):
    return struct.pack('>I', len(value)) + value


def login():
    version = b'\xc0' + struct.pack('>III', 1, 0, 4) + bytes(range(16)) + bytes(64)
    auth = b'\x05' + text(b'auth@amt.intel.com')
    user = (b'\x32' + text(b'admin') + text(b'pfwd@amt.intel.com') + text(b'password') + b'\x00' + text(b'P@ssw0rd'))
    pfwd = b'\x05' + text(b'pfwd@amt.intel.com')
    forwards = b''.join(b'\x50' + text(b'tcpip-forward') + b'\x01' + text(b'pc17') + struct.pack('>I', port)
                        for port in (16993, 16992, 664, 623, 16995, 16994, 5900))
    return version, auth, user, pfwd, forwards


def chunks(body, sizes, upper=True, tail=b'0\r\n\r\n'):
    """A chunked body: the given sizes over and over, hex digits as firmware or as clients write them."""
    out, at = b'', 0
    while at < len(body):
        piece = body[at:at + sizes[0]]
        sizes = sizes[1:] + sizes[:1]
        out += ('%04X' if upper else '%x').__mod__(len(piece)).encode() + b'\r\n' + piece + b'\r\n'
        at += len(piece)
    return out + tail


DIGEST = ('Digest username="admin",realm="Digest:0123456789ABCDEF0123456789ABCDEF",'
          'nonce="AQIDBAUGBwgAAAAAEBESExQVFhcYGRob",uri="/wsman",%s').__mod__
ANSWER = 'cnonce="0a4f113b",response="997daf934f31dac9176a3a5681bfc92f"'
CREDENTIALS = [DIGEST('qop=auth,nc=00000001,' + ANSWER), DIGEST('qop="auth",nc="00000001",' + ANSWER),
               DIGEST('qop="auth-int", nc=1, opaque="", algorithm=MD5, ' + ANSWER), DIGEST('response=""'),
               'Basic YWRtaW46', 'Negotiate']
CHALLENGES = ['Digest realm="Digest:A4070000000000000000000000000000", nonce="U9QIAHAJAAAAAAAAZMkm8VrqNXI4WWzo",'
              'stale="false",qop="auth"',
              'Digest realm="Digest:2517B2332AFD88353D5F5FD352697901", nonce="QYePBLMVAAAAAAAAjfXveceOM5bNfu/K",'
              'stale="false",qop="auth-int, auth"',
              'Digest algorithm=MD5, domain="/", nonce=abc, realm=here, opaque="x"', 'Basic realm="x"']


def http():
    """What clients of wsman.md 1.2 send, and what firmware (1.3, 1.5) and other servers answer."""
    body = b'<?xml version="1.0" encoding="utf-8"?><Envelope><Header/><Body/></Envelope>'
    length = b'Content-Length: %d\r\n\r\n' % len(body) + body
    post = b'POST /wsman HTTP/1.1\r\nHost: pc17:16992\r\n'
    chunked = b'Transfer-Encoding: chunked\r\n'
    get = b'GET / HTTP/1.1\r\n\r\n'
    yield from [post + b'Authorization: ' + CREDENTIALS[0].encode() + b'\r\n' + length,
                post + b'Authorization: ' + CREDENTIALS[1].encode() + b'\r\n' + length + post + length,
                post + chunked + b'Connection: close\r\n\r\n' + chunks(body, [4096]),
                post + chunked + b'\r\n' + chunks(body, [1, 20, 7], False) + get,
                post + chunked + b'\r\n' + chunks(body, [30], tail=b'0\r\nX-Late: 1\r\n\r\n') + get,
                post + b'Expect: 100-continue\r\n' + length, get * 5, b'HEAD / HTTP/1.1\r\n\r\n' + get,
                b'GET /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes that follow',
                b'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' + get, b'GET / HTTP/1.0\r\n\r\n' + get,
                b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 70 + b'\r\n', b'GET /' + b'a' * 200, b'\x16\x03\x01\x02\x00',
                b'CONNECT pc17:16992 HTTP/1.1\r\n\r\nraw', post + b'Content-Length: 2000000\r\n\r\n',
                post + b'Content-Length: 4\r\nContent-Length: 5\r\n\r\n12345',
                post + b'Content-Length: 4\r\n' + chunked + b'\r\n' + chunks(body, [9])]


def answers():
    body = b'<?xml version="1.0" encoding="UTF-8"?><a:Envelope><a:Body></a:Body></a:Envelope>'
    server = b'Server: Intel(R) Active Management Technology 16.1.25.1917\r\n'
    ok = b'HTTP/1.1 200 OK\r\n' + server + b'X-Frame-Options: DENY\r\n'
    chunked = b'Transfer-Encoding: chunked\r\n'
    page = b'<html><body>no</body></html>'
    html = b'Content-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' % len(page) + page
    yield from [ok + chunked + b'\r\n' + chunks(body, [0x220, 0x2fa]), ok + chunked + b'\r\n' + chunks(body, [9, 1, 30]),
                ok + b'Content-Length: %d\r\n\r\n' % len(body) + body, ok + b'\r\n' + body, ok + b'Connection: close\r\n\r\n' + body,
                b'HTTP/1.1 100 Continue\r\n\r\n' * 3 + ok + chunked + b'\r\n' + chunks(body, [50], False),
                b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw bytes',
                b'HTTP/1.1 303 See Other\r\nLocation: /logon.htm\r\nContent-Length: 0\r\n' + server + b'\r\n',
                b'HTTP/1.1 204 No Content\r\n\r\n', b'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
                b'HTTP/1.0 200\r\n\r\nabc', b'RFB 003.008\n', b'\x15\x03\x01\x00\x02\x02\x28', b'HTTP/1.1 99999 x\r\n\r\n',
                ok + b'Content-Length: 99999999999999999999\r\n\r\n', ok + chunked + b'\r\nFFFFFFFFFFFFFFFFF\r\nx']
    for challenge in CHALLENGES:
        yield b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ' + challenge.encode() + b'\r\n' + server + html


NS = {'s': 'http://www.w3.org/2003/05/soap-envelope', 'a': 'http://schemas.xmlsoap.org/ws/2004/08/addressing',
      'w': 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd', 't': 'http://schemas.xmlsoap.org/ws/2004/09/transfer/',
      'n': 'http://schemas.xmlsoap.org/ws/2004/09/enumeration/', 'c': 'http://schemas.dmtf.org/wbem/wscim/1/common'}
PREFIX = {'AMT': 'http://intel.com/wbem/wscim/1/amt-schema/1/', 'IPS': 'http://intel.com/wbem/wscim/1/ips-schema/1/',
          'CIM': 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/'}


def reference(name, selectors):
    inner = ''.join('<w:Selector xmlns:w="%s" Name="%s">%s</w:Selector>' % (NS['w'], key, value)
                    for key, value in selectors.items())
    return ('<Address xmlns="%s">%s</Address><ReferenceParameters xmlns="%s"><w:ResourceURI xmlns:w="%s">%s%s'
            '</w:ResourceURI><w:SelectorSet xmlns:w="%s">%s</w:SelectorSet></ReferenceParameters>'
            % (NS['a'], NS['a'], NS['a'], NS['w'], PREFIX[name[:3]], name, NS['w'], inner))


def envelope(action, name, body='', selectors=None, header=''):
    """A request as most clients write it (wsman.md 2.2)."""
    chosen = ''.join('<w:Selector Name="%s">%s</w:Selector>' % pair for pair in (selectors or {}).items())
    if chosen:
        chosen = '<w:SelectorSet>%s</w:SelectorSet>' % chosen
    return ('<?xml version="1.0" encoding="utf-8"?><Envelope xmlns:a="%s" xmlns:w="%s" xmlns="%s"><Header>'
            '<a:Action>%s</a:Action><a:To>/wsman</a:To><w:ResourceURI>%s%s</w:ResourceURI>'
            '<a:MessageID>7</a:MessageID><a:ReplyTo><a:Address>%s/role/anonymous</a:Address></a:ReplyTo>'
            '<w:OperationTimeout>PT60S</w:OperationTimeout>%s%s</Header><Body>%s</Body></Envelope>'
            % (NS['a'], NS['w'], NS['s'], action, PREFIX[name[:3]], name, NS['a'], chosen, header, body)).encode()


def envelopes():
    def call(name, method, body=''):
        return envelope(PREFIX[name[:3]] + name + '/' + method, name, '<r:%s_INPUT xmlns:r="%s%s">%s</r:%s_INPUT>'
                        % (method, PREFIX[name[:3]], name, body, method))

    def put(name, body, selectors=None):
        return envelope(NS['t'] + 'Put', name, '<r:%s xmlns:r="%s%s">%s</r:%s>'
                        % (name, PREFIX[name[:3]], name, body, name), selectors)
    yield envelope(NS['t'] + 'Get', 'AMT_GeneralSettings')
    yield envelope(NS['t'] + 'Get', 'AMT_EthernetPortSettings', '', {'InstanceID': 'Intel(r) AMT Ethernet Port Settings 0'})
    yield envelope(NS['t'] + 'Delete', 'AMT_RemoteAccessPolicyRule', '', {'PolicyRuleName': 'User Initiated'})
    yield envelope(NS['n'] + 'Enumerate', 'CIM_SoftwareIdentity', '<Enumerate xmlns="%s" />' % NS['n'][:-1])
    yield envelope(NS['n'] + 'Pull', 'CIM_SoftwareIdentity',
                   '<Pull xmlns="%s"><EnumerationContext>14000000-0000-0000-0000-000000000000</EnumerationContext>'
                   '<MaxElements>999</MaxElements><MaxCharacters>99999</MaxCharacters></Pull>' % NS['n'][:-1])
    yield put('AMT_GeneralSettings', '<r:HostName>pc&amp;17</r:HostName><r:PingResponseEnabled>true'
              '</r:PingResponseEnabled><r:AMTNetworkEnabled>1</r:AMTNetworkEnabled>')
    yield put('AMT_EnvironmentDetectionSettingData', '<r:DetectionStrings>a.test</r:DetectionStrings><r:ElementName>x'
              '</r:ElementName><r:DetectionStrings>b.test</r:DetectionStrings>', {'InstanceID': 'x'})
    yield put('IPS_AlarmClockOccurrence', '<r:StartTime><p:Datetime xmlns:p="%s">2026-01-01T00:00:00Z</p:Datetime>'
              '</r:StartTime><r:Interval><p:Interval xmlns:p="%s">P1DT2H3M</p:Interval></r:Interval>' % (NS['c'], NS['c']))
    yield put('AMT_TLSCredentialContext', '<r:ElementInContext>%s</r:ElementInContext>'
              % reference('AMT_PublicKeyCertificate', {'InstanceID': 'Intel(r) AMT Certificate: Handle: 0'}))
    yield call('CIM_PowerManagementService', 'RequestPowerStateChange', '<r:PowerState>8</r:PowerState><r:ManagedElement>%s'
               '</r:ManagedElement>' % reference('CIM_ComputerSystem', {'Name': 'ManagedSystem'}))
    yield call('AMT_AlarmClockService', 'AddAlarm', '<p:AlarmTemplate xmlns:p="%sAMT_AlarmClockService" xmlns:s="%s'
               'IPS_AlarmClockOccurrence"><s:InstanceID>a</s:InstanceID></p:AlarmTemplate>' % (PREFIX['AMT'], PREFIX['IPS']))
    yield call('AMT_MessageLog', 'PositionToFirstRecord')
    yield envelope(NS['t'] + 'Get', 'AMT_GeneralSettings', header='<x:Odd xmlns:x="u" xmlns:s="%s" s:mustUnderstand="true">'
                   '</x:Odd><w:MaxEnvelopeSize>51200</w:MaxEnvelopeSize>' % NS['s'])
    yield envelope(NS['t'] + 'Get', 'AMT_GeneralSettings').replace(NS['s'].encode(),
                                                                   b'http://schemas.xmlsoap.org/soap/envelope/')
    yield b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'
    yield b'<a>' * 40 + b'</a>' * 40
    yield b'<a %s/>' % b' '.join(b'a%d="1"' % i for i in range(20))
    yield b'\xef\xbb\xbf<a xmlns="b"><![CDATA[x]]>&#13;&#x41;<!-- c --><?p i?></a>'


def make_writes():
    """For each class a few short lives: what it can do, with values of the types that are asked for."""
    chance = random.Random(7)
    kinds = (0, 1, 2, 3, 4, 5, 6, 7, 251, 244, 8, 9, 10, 11, 12, 13, 205, 3, 6, 7)
    for index in range(96):
        for first in range(0, len(kinds), 4):
            data = bytes([chance.choice((2 + 32, 2, 2, 2, 1, 2 + 8, 2 + 16, 4 + 2)), chance.randrange(256)])
            for operation in kinds[first:first + 4]:
                data += struct.pack('<HB', index * 8 + chance.choice((0, 0, 0, 7)), operation)
                data += bytes(chance.randrange(64) for _ in range(chance.randrange(12)))
            write('wsman_write', data)


def make_http():
    for data in http():
        for flavour in (0, 1 + (1 << 2), 2 + (2 << 2) + 64, (3 << 2) + 128, 1 + (4 << 2), 2 + (5 << 2) + 64,
                        (6 << 2), (7 << 2) + 64, 1 + 32, 32 + 128):
            write('http_server', bytes([flavour]) + data)
    for value in CREDENTIALS + CHALLENGES:
        write('digest', value.encode())
    ping = bytes.fromhex('06000006000011be80510000')
    write('rmcp', ping)
    for tail in ('424002202000', '426134068120', '000000000000'):
        write('rmcp', bytes.fromhex('06 00 ff 06 000011be 40 51 00 10 00000157') + bytes.fromhex(tail).ljust(12, b'\0'))
    write('rmcp', bytes.fromhex('0600018600'))
    write('rmcp', ping.replace(b'\x80', b'\x81') + bytes(8))
    for data in envelopes():
        write('soap', data)
    folder = os.path.join(ROOT, 'client', 'tests', 'data')
    for name in sorted(os.listdir(folder)):
        if name.endswith('.xml'):
            with open(os.path.join(folder, name), 'rb') as captured:
                data = captured.read()
            for operation in (0, 1, 2, 3, 4, 5, 11):
                write('wsman_reply', bytes([operation]) + data)
            write('soap', data)
    line = b'POST /wsman HTTP/1.1\r\nHost: pc:16992\r\n'
    for data in list(http()) + [line + b'\x01\x02', line + b'\x01\x02' + line + b'\x01\x03' + line + b'\x01\x02',
                                line + b'\x01\x04' + line + b'\x01\x02', line + b'\x02' + line + b'\x01\x02',
                                line + b'Authorization: Digest username="admin",response=""\r\n\x02',
                                line + b'\x05\x00\x02', line + b'\x05\x09\x02', line + b'\x05\x20\x02' + line + b'\x01\x02',
                                line + b'\x01Content-Length: 4\r\n\r\n<x/>', b'GET /index.htm HTTP/1.1\r\n\r\n',
                                b'GET /logon.htm HTTP/1.1\r\n\r\nGET /styles.css HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\n']:
        for flavour in (0, 1 + 4, 2 + 8, 3 + 16, 3 + (32 if b'\x03' in data else 0)):
            write('firmware_web', bytes([flavour]) + data)
    for data in answers():
        write('http_client', bytes([32]) + data * 3)
        for flavour in (0, 1 + 8, 2 + 16, 4, 3 + 4 + 8, 1 + 32):
            write('http_client', bytes([flavour]) + data)


def make_rps():
    folder = os.path.join(ROOT, 'protocol', 'activation', 'tests', 'data', 'rps')
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as file:
            message = file.read()
        write('rps', (b'\x01' if '.server.' in name else b'\x02' if '.payload.' in name else b'\x00') + message)
    write('rps', b'\x02{"client":"RPC","ver":"16","build":"1","uuid":[1,2,300,-4]}')
    for line in (b'activate --profile a -f', b'deactivate --password=x', b'maintenance -password x --synchostname a b',
                 b'activate --what', b'nonsense', b'maintenance -password x --synctime -f',
                 b'maintenance -password x --changepassword N3w=P@ss', b'maintenance -password x --synchostname',
                 b'maintenance -password x --syncip', b'maintenance --password=x --syncdeviceinfo',
                 b'maintenance --synchostname=pc-01'):
        write('rps', b'\x04' + line)
    write('rps', b'\x02{"client":"RPC","ver":"19.0.5","build":"1","uuid":"12345678-9abc-def0-1234-56789abcdef0",'
                 b'"tlsEnforced":true,"tlsTunnel":true,"ipConfiguration":{"dhcp":false,"static":true,"ipsync":true,'
                 b'"ipAddress":"192.0.2.10","netmask":"255.255.255.0","gateway":"192.0.2.1","primaryDns":"192.0.2.53",'
                 b'"secondaryDns":"192.0.2.54"},"hostnameInfo":{"dnsSuffixOS":"example.com","hostname":"pc"}}')
    write('rps', b'\x01{"method":"port_switch","payload":"{\\"port\\":\\"16993\\",\\"delay\\":5}"}')


def make_mesh():
    hashes = b','.join(b'{"isDefault":1,"isActive":%d,"hashAlgorithm":%d,"hashAlgorithmStr":"%s","certificateHash":"%s","name":"n"}'
                       % (active, kind, name, b'aB' * size) for active, kind, name, size in
                       ((1, 2, b'SHA256', 32), (0, 1, b'SHA1', 20), (1, 3, b'SHA512', 48)))
    state = (b'{"action":"meiState","value":{"core-ver":1,"OsHostname":"pc","OsDnsSuffix":"example.com","Flags":4,'
             b'"Versions":{"AMT":"16.1.25","Sku":"16392","Build Number":"2049"},"ProvisioningMode":1,"ProvisioningState":0,'
             b'"net0":{"enabled":1,"dhcpEnabled":true,"dhcpMode":"PASSIVE","mac":"00:11:22:33:44:55","address":"192.0.2.1"},'
             b'"UUID":"12345678-9abc-def0-1234-56789abcdef0","OsAdmin":{"user":"$$OsAdmin","pass":"P@ssw0rd"},'
             b'"DnsSuffix":"corp.example.com","Hashes":[%s]}}' % hashes)
    write('mesh', state)
    write('mesh', state.replace(b'"core-ver":1,', b'').replace(b'P@ssw0rd', b'\\u00e9\\n'))
    for text in (b'{"action":"connType","value":2}', b'{"action":"console","msg":"one \\u20ac \\\\ \\" two"}',
                 b'{"action":"mestate"}', b'{"action":"deactivate"}', b'{"action":"deactivate","value":3}',
                 b'{"action":"stopConfiguration","value":0}', b'{"action":"close"}', b'{"action":1}', b'[]', b'{',
                 b'{"action":"startTlsHostConfig","hash":"00ff","hostVpn":false,"dnsSuffixList":null}',
                 b'{"action":"startTlsHostConfig","value":{"status":0,"hash":"00ff"}}', b'{"action":"other"}'):
        write('mesh', text)


def frame(head, payload=b'', mask=b'\x37\xfa\x21\x3d'):
    """A frame with a small payload, masked unless mask is None."""
    if mask is None:
        return bytes([head, len(payload)]) + payload
    return bytes([head, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def make_websocket():
    for side, mask in ((0, b'\x37\xfa\x21\x3d'), (4, None)):
        talks = [
            frame(0x81, b'hello', mask) + frame(0x82, bytes(range(30)), mask) + frame(0x88, b'\x03\xe8bye', mask),
            frame(0x01, b'he', mask) + frame(0x89, b'?', mask) + frame(0x00, b'', mask) + frame(0x80, b'llo', mask),
            frame(0x81, b'\xff', mask), frame(0xc1, b'a', mask), frame(0x88, b'', mask),
            frame(0x82, b'x' * 40, mask) * 3 + bytes([0x82, (0x80 if mask else 0) | 126, 4, 1]),
            frame(0x81, 'aä€😀'.encode(), mask) + frame(0x88, b'\x03\xee', mask),
        ]
        for flags in (0, 9, 17, 26, 34, 67):
            for talk in talks:
                write('websocket', bytes([flags | side]) + talk)


def main():
    version, auth, user, pfwd, forwards = login()
    whole = version + auth + user + pfwd + forwards
    grants = b''.join(b'\x51' + struct.pack('>I', port) for port in (16992, 623))
    answers = (b'\x06' + text(b'auth@amt.intel.com') + b'\x34' + b'\x06' + text(b'pfwd@amt.intel.com') + grants)
    opens = b''.join(b'\x5a' + text(b'forwarded-tcpip') + struct.pack('>III', number, 600, 0xffffffff) + text(b'') +
                     struct.pack('>I', port) + text(b'') + struct.pack('>I', 0)
                     for number, port in ((4, 16992), (5, 623), (6, 16992)))
    data_ = b'\x5e' + struct.pack('>II', 0, 40) + b'x' * 40 + b'\x5d' + struct.pack('>II', 0, 30)
    confirm = b'\x5b' + struct.pack('>IIII', 1, 0, 100, 0xffffffff) + b'\x5e' + struct.pack('>II', 1, 9) + b'\x00' * 9
    close = b'\x61' + struct.pack('>I', 0) + b'\x61' + struct.pack('>I', 1)
    for flags in range(16):
        for cut in (1, 7, 255):
            stream = (whole + confirm + close) if flags % 2 == 0 else (answers + opens + data_ + close)
            write('apf_session', bytes([flags, cut]) + stream)
    tails = [b'', b'\xd3' + struct.pack('>II', 30, 0) + b'\xd0' + struct.pack('>I', 42),
             b'\x01' + struct.pack('>IH', 11, 0),
             b'\x5a' + text(b'direct-tcpip') + struct.pack('>III', 9, 4096, 0xffffffff) + text(b'') +
             struct.pack('>I', 80) + text(b'') + struct.pack('>I', 0)]
    for from_device, pending, json_control, data in vectors():
        for cut in (0, 3):
            flags = (0 if from_device else 1) | pending << 1 | (8 if json_control else 0) | cut << 4
            write('apf_decode', bytes([flags]) + data)
        for cut in (1, 90):
            side = 0 if from_device else 1
            write('apf_session', bytes([side, cut]) + (whole if from_device else answers) + data)
        if from_device:
            for flags in (0, 6, 9, 24):
                write('mps_session', bytes([flags]) + data)
                write('mps_session', bytes([flags | 6]) + whole + data)
    for flags in (0, 2, 4, 6, 1, 7, 8, 14):
        for tail in tails:
            write('mps_session', bytes([flags]) + whole + tail)
        write('mps_session', bytes([flags]) + auth + version + user)
        write('mps_session', bytes([flags]) + b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        write('mps_session', bytes([flags]) + b'HEAD /x HTTP/1.1\r\n\r\n')
    # the operator opens channels 1, 2 and 3 as soon as ports are forwarded: the device answers
    words = lambda kind, *values: bytes([kind]) + b''.join(struct.pack('>I', value) for value in values)
    data = lambda channel, n: words(0x5e, channel, n) + b'y' * n
    talks = [words(0x5b, 1, 0, 100, 0xffffffff) + data(1, 40) + words(0x5d, 1, 4096) + words(0x61, 1),
             words(0x5b, 2, 7, 0, 0xffffffff) + words(0x5b, 1, 0xffffffff, 9, 0xffffffff) + data(2, 16500) +
             data(1, 5) + words(0x5d, 2, 0xffffffff) + words(0x61, 2) + words(0x61, 1),
             words(0x5c, 1, 4, 0, 0) + words(0x5c, 2, 1, 0, 0) + words(0x61, 3),
             words(0x5b, 1, 0, 100, 0xffffffff) + words(0x5b, 1, 1, 100, 0xffffffff) + data(1, 3)]
    for flags in (0, 2, 4, 10, 66, 68, 74):
        for talk in talks:
            if len(whole) + len(talk) < 2000 or flags & 6 == 4:
                write('mps_session', (bytes([flags]) + whole + talk)[:4096])
    write('apf_decode', bytes([0]) + whole)
    write('apf_decode', bytes([0x50]) + whole)
    operations = [[0, 0], [5, 0], [1, 200], [5, 0], [129, 0], [131, 0], [3, 0], [6, 200], [0, 1], [132, 64],
                  [132, 0], [7, 50], [135, 50], [0, 2], [2, 255], [130, 255], [5, 0], [5, 0], [3, 1], [131, 1]]
    for flavour in range(0, 256, 17):
        write('apf_mux', bytes([flavour]) + bytes(b for pair in operations for b in pair))
        write('apf_mux', bytes([flavour]) + bytes([0, 0, 5, 0] * 12) + bytes([3, 0, 3, 1, 5, 0] * 6))
        write('apf_mux', bytes([flavour]) + bytes([0, 0, 5, 0, 5, 0] + [1, 240, 129, 240, 5, 0] * 20 + [3, 0, 131, 0]))
    make_http()
    make_writes()
    make_rps()
    make_mesh()
    make_websocket()


def read(*path):
    with open(os.path.join(ROOT, *path), 'rb') as file:
        return file.read()


def pthi_vectors():
    """Requests and responses of the host interface, each with the command it is for."""
    source = read('protocol', 'mei', 'tests', 'data', 'pthi-vectors.yaml').decode()
    for block in source.split('exchanges:')[1].split('\n- id: PTHI-')[1:]:
        found = re.findall(r'^    hex: "([0-9a-f]*)"', block, re.M)
        request = bytes.fromhex(found[0])
        yield request, bytes.fromhex(found[1]) if len(found) > 1 else b''


def make_setup():
    """USB key files, hello packets, the host interface."""
    keys, hellos = ('protocol', 'setupbin', 'tests', 'data'), ('protocol', 'provisioning', 'tests', 'data')
    key = lambda data: struct.pack('<H', 0x8000 | len(data)) + data
    ask = lambda data: struct.pack('<H', len(data)) + data
    commands = re.findall(r'^    \{ (PTHI_\w+),', read('protocol', 'mei', 'pthi_commands.c').decode(), re.M)
    numbers = dict(re.findall(r'(PTHI_\w+) = (0x[0-9a-f]{8})', read('protocol', 'mei', 'pthi.h').decode()))
    order = [int(numbers[name], 16) for name in commands if name in numbers]
    for name in sorted(os.listdir(os.path.join(ROOT, *keys))):
        data = read(*keys, name)
        write('setupbin', data)
        write('setupbin', data[:-1])
        for mode in range(16):
            write('host_setup', bytes([mode]) + key(data) + key(data))
        for at in (16, 18, 24, 26, 28, 36, 40, 512, 516, 528, 530, 540, 541):
            write('setupbin', data[:at] + b'\x03' + data[at + 1:])
    for name in sorted(os.listdir(os.path.join(ROOT, *hellos))):
        write('hello', read(*hellos, name))
    asked = list(pthi_vectors())
    for request, response in asked:
        write('pthi', b'\0' + request)
        write('host_setup', b'\0' + ask(request))
        command = struct.unpack('<I', request[4:8])[0] if len(request) >= 8 else 0
        if command in order:
            write('pthi', bytes([order.index(command) + 1]) + response)
    for mode in range(0, 16, 3):
        write('host_setup', bytes([mode]) + b''.join(ask(request) for request, _ in asked[:24]))
        write('host_setup', bytes([mode]) + b''.join(ask(request) for request, _ in asked[24:48]))


def option(order, code, value):
    return struct.pack(order + 'HH', code, len(value)) + value + bytes(-len(value) % 4)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + 'II', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)


def segment(version, payload, flags=0x18):
    tcp = struct.pack('>HHIIBBHHH', 51324, 4433, 1, 1, 0x50, flags, 0xffff, 0, 0) + payload
    if version == 6:
        return struct.pack('>IHBB', 0x60000000, len(tcp), 6, 64) + bytes(15) + b'\x01' + bytes(15) + b'\x02' + tcp
    return struct.pack('>BBHIBBHII', 0x45, 0, 20 + len(tcp), 0x4000, 64, 6, 0, 0xc0000207, 0xc6336401) + tcp


def make_captures():
    """Capture files in both byte orders and the old format, of every link type; lengths that lie."""
    links = {0: struct.pack('<I', 2), 1: bytes(12) + b'\x08\0', 101: b'', 113: bytes(14) + b'\x08\0',
             276: b'\x08\0' + bytes(18)}
    for order in '<>':
        begin = block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1) + option(order, 1, b'a note')
                      + option(order, 4, b'amtlab') + bytes(4))
        for link, header in links.items():
            interface = block(order, 1, struct.pack(order + 'HHI', link, 0, 0) + option(order, 2, b'lo')
                              + option(order, 9, b'\x09') + option(order, 14, bytes(8)) + bytes(4))
            packets = b''
            for version in (4, 6):
                packet = header + segment(version, b'\xd0\0\0\0\x01')
                packets += block(order, 6, struct.pack(order + 'IIIII', 0, 1, 2, len(packet), len(packet)) + packet
                                 + bytes(-len(packet) % 4) + option(order, 1, b'cut') + bytes(4))
                packets += block(order, 3, struct.pack(order + 'I', len(packet)) + packet)
            names = block(order, 4, option(order, 1, b'\xc0\0\x02\x07pc\0') + option(order, 2, bytes(16) + b'v6\0') + bytes(4))
            secrets = block(order, 10, struct.pack(order + 'II', 0x544c534b, 5) + b'keys\n')
            whole = begin + interface + names + secrets + packets
            write('capture_file', whole)
            write('capture_file', begin + interface + packets[:len(packets) // 4])
            for at in (4, 8, 12, len(begin) + 4, len(begin) + 8, len(begin + interface) + 8):
                write('capture_file', whole[:at] + b'\xff' + whole[at + 1:])
            for magic in (0xa1b2c3d4, 0xa1b23c4d):
                packet = header + segment(4, b'\x34')
                write('capture_file', struct.pack(order + 'IHHIIII', magic, 2, 4, 0, 0, 65535, link)
                      + struct.pack(order + 'IIII', 1, 2, len(packet), len(packet)) + packet)


def make_recordings():
    """Recordings, and HTTP as it stands in their channels."""
    with open(os.path.join(ROOT, 'scenarios', 'library', 'recordings', 'halfopen-2021-12.amtrec'), 'rb') as text:
        whole = text.read()
    write('recording', b'\0' + whole)
    write('recording', b'\0' + b'\n'.join(whole.split(b'\n')[:12]))
    line = b'{"t":%d,"a":"%s","d":"%s","l":"tcp","c":%d,%s}\n'
    write('recording', b'\0{"amtrec":1,"comment":"c"}\n' + line % (0, b'dev', b'out', 2, b'"e":"open"')
          + line % (1, b'mps', b'out', 1, b'"b":"UQAA"') + line % (1, b'mps', b'in', 2, b'"b":"0AAAAAHQAA=="')
          + b'{"t":1,"l":"apf"}\n' + line % (9, b'dev', b'in', 2, b'"e":"reset"'))
    post = (b'POST /wsman HTTP/1.1\r\nHost: pc\r\nAuthorization: Digest username="admin",realm="r",nonce="n",uri="/wsman",'
            b'qop=auth,nc=00000001,cnonce="c",response="0"\r\nContent-Length: 60\r\n\r\n'
            b'<?xml version="1.0"?><a:MessageID>5</a:MessageID><b c="d"/> ')
    answer = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1F\r\n<a:RelatesTo>5</a:RelatesTo><x>\r\n2\r\n</\r\n0\r\n\r\n'
    refusal = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\nContent-Length: 0\r\n\r\n'
    for data in (post, answer, refusal, post + post, refusal + answer, b'GET / HTTP/1.1\r\nDate: x\r\n\r\n',
                 b'HTTP/1.1 200 OK\nX\r\n\r\n'):
        write('recording', b'\1' + data)


main()
make_setup()
make_recordings()
make_captures()
