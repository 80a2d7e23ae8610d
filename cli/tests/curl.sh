#!/bin/sh
# curl --digest with a hand-written envelope, as against hardware: on 16992, on 16993 with the device's
# certificate, and through a port forwarded over CIRA. Usage: curl.sh AMTLAB
set -eu
amtlab=$1
work=$(mktemp -d)
pids=""
finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
fail() {
    echo "curl.sh: $1"
    cat ./*.log 2>/dev/null || true
    exit 1
}
cat >get.xml <<'XML'
<?xml version="1.0" encoding="utf-8"?>
<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">
<Header><a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action><a:To>/wsman</a:To>
<w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings</w:ResourceURI>
<a:MessageID>1</a:MessageID><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>
<w:OperationTimeout>PT60S</w:OperationTimeout></Header><Body/></Envelope>
XML
# Waits until a file has a line with the pattern, and prints what the sed script makes of it.
await() {
    tries=0
    while ! grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || fail "no \"$2\" in $1"
        sleep 0.05
    done
    sed -n "$3" "$1" | head -n 1
}
ask() { # url [curl options]
    url=$1
    shift
    curl -s -S --max-time 20 -D head.txt --digest -u 'admin:P@ssw0rd' "$@" --data-binary @get.xml "$url/wsman" >body.xml ||
        fail "curl $url"
    grep -q '<g:DigestRealm>Digest:' body.xml || fail "$url: no settings in the answer"
    grep -q '^HTTP/1.1 401' head.txt || fail "$url: answered without asking who"
    grep -q "^Server: Intel(R) Active Management Technology $version" head.txt || fail "$url: wrong Server header"
    echo "$url: ok"
}

version=12
"$amtlab" device --profile amt-12.0 --listen 127.0.0.1 --set direct.plain_port=0 --set direct.tls_port=0 >plain.out 2>plain.log &
pids="$pids $!"
port=$(await plain.log 'amt_port=16992' 's/.* port=\([0-9]*\) amt_port=16992.*/\1/p')
ask "http://127.0.0.1:$port"
[ "$(curl -s -o /dev/null -w '%{http_code}' --digest -u admin:wrong --data-binary @get.xml "http://127.0.0.1:$port/wsman")" = 401 ] ||
    fail "a wrong password was not refused"

version=16
"$amtlab" device --profile amt-16.1 --listen 127.0.0.1 --set direct.plain_port=0 --set direct.tls_port=0 >tls.out 2>tls.log &
pids="$pids $!"
port=$(await tls.log 'amt_port=16993' 's/.* port=\([0-9]*\) amt_port=16993.*/\1/p')
grep -q 'amt_port=16992' tls.log && fail "16.1 has a plain port on the network"
openssl s_client -connect "127.0.0.1:$port" </dev/null 2>s_client.log | openssl x509 >device.pem || fail "no certificate on 16993"
pin=$(openssl x509 -in device.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)
ask "https://127.0.0.1:$port" -k --pinnedpubkey "sha256//$pin"
curl -s --max-time 20 -k --pinnedpubkey "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" -o /dev/null "https://127.0.0.1:$port/" &&
    fail "another key than the device's was taken"

"$amtlab" mps --data data --listen 127.0.0.1:0 --api-listen 127.0.0.1:0 --name mps.example >mps.out 2>mps.log &
pids="$pids $!"
await mps.out '"ready"' p >/dev/null
mps=$(sed -n 's/.*"listen":\["\([^"]*\)".*/\1/p' mps.out)
api=$(sed -n 's/.*"api":\["\([^"]*\)".*/\1/p' mps.out)
printf 'P@ssw0rd\n' >password
"$amtlab" admin --data data --user ABCDEFGHIJKLMNOP --password-file password group add lab >/dev/null
"$amtlab" admin --data data --json token add alice | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' >token
"$amtlab" device --profile amt-16.1 --to "$mps" --access-info mps.example --trust data/root.crt --user ABCDEFGHIJKLMNOP --password-file password --uuid 12345678-1234-1234-1234-123456789abc >cira.out 2>cira.log &
pids="$pids $!"
await cira.log 'cira.up' p >/dev/null
"$amtlab" connect 12345678-1234-1234-1234-123456789abc 16992 --api "$api" --token-file token --listen 127.0.0.1:0 >connect.out 2>connect.log &
pids="$pids $!"
port=$(await connect.out 'ready' 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p')
ask "http://127.0.0.1:$port"
