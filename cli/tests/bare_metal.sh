#!/bin/sh
# Bare metal with the real programs: devices that nobody has touched say hello, the server comes back over TLS
# and activates them, and they come home by CIRA; the domain from each of its three sources; refusals with
# their codes; a server killed in the middle. Usage: bare_metal.sh AMTLAB
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
    echo "bare_metal.sh: $1"
    cat ./*.log out.txt 2>/dev/null || true
    exit 1
}
await() { # file, pattern
    tries=0
    while ! grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "no \"$2\" in $1"
        sleep 0.05
    done
}
expect() { # exit code, command
    wanted=$1
    shift
    code=0
    "$@" >out.txt 2>&1 || code=$?
    [ "$code" = "$wanted" ] || fail "exit code $code instead of $wanted: $*"
}
says() {
    grep -q -- "$1" out.txt || fail "the output has no \"$1\""
}
uuid() { echo "11111111-2222-3333-4444-00000000000$1"; }
# An address of this host that nobody else uses: the ports of devices are fixed.
place=127.42.$(($$ / 250 % 250 + 1)).$(($$ % 250 + 1))
start() {
    rm -f ready.json
    "$amtlab" mps --config mps.yaml >ready.json 2>mps.log &
    mps=$!
    pids="$pids $mps"
    await ready.json '"ready"'
    port=$(sed -n 's/.*"hello":\["127.0.0.1:\([0-9]*\)"\].*/\1/p' ready.json)
    [ -n "$port" ] || fail "the server does not say where devices say hello"
}
restart() { # an edit of mps.yaml
    kill "$mps" && wait "$mps" || true
    sed -i "$1" mps.yaml
    start
}
device() { # number, further options; it is on the network
    number=$1
    shift
    "$amtlab" device --profile amt-16.1 --state pcs --uuid "$(uuid "$number")" --listen "$place" \
        --set firmware.control_mode=none --set firmware.hello=true --set firmware.hello_pause=1s \
        --set firmware.mebx.server=127.0.0.1 --set "firmware.mebx.server_port=$port" "$@" \
        >/dev/null 2>"device$number.log" &
    device=$!
    pids="$pids $device"
}
unplug() {
    kill "$device" 2>/dev/null || true
    wait "$device" || true
}
is_activated() { # number
    await "device$1.log" 'to=admin'
    await mps.log "activation.done uuid=$(uuid "$1")"
    expect 0 "$amtlab" activations list --log data/amtactivation.log
    says "acmactivate-bare-metal *$(uuid "$1")"
    expect 0 "$amtlab" activations recover "$(uuid "$1")" --log data/amtactivation.log
}

expect 0 "$amtlab" pki --out pki --seed 1
umask 077
echo 'M3bx@Pass' >mebx
cat >mps.yaml <<YAML
data: data
name: mps.example.com
listen: ["127.0.0.1:0"]
key: p256
activation:
  hold: 1ms
  log: data/amtactivation.log
  cira: { host: 127.0.0.1 }
  certificates:
    - { name: lab, files: [pki/leaf.pem, pki/int2.pem, pki/int1.pem, pki/root.pem], key: pki/leaf.key }
  policies:
    - { group: office, type: automatic, cira: set }
  provisioning:
    listen: ["127.0.0.1:0"]
    group: office
    trusted_fqdn: example.com
    mebx_password_file: mebx
    device_host: $place
    limits: { pause: 100ms }
YAML
expect 0 "$amtlab" mps --config mps.yaml --check
start
expect 0 "$amtlab" admin group add office --data data

device 1 --set 'firmware.mebx.roots=[pki/root.pem]' --set firmware.network_suffix=example.com
is_activated 1
await device1.log 'cira.up'
unplug
echo "DHCP option 15, and home by CIRA: ok"

device 2 --set 'firmware.mebx.roots=[pki/root.pem]' --set firmware.network_suffix=elsewhere.test \
    --set firmware.mebx.trusted_fqdn=example.com
is_activated 2
unplug
echo "Trusted FQDN in the MEBx: ok"

echo 'Fr0m@Key!' >keypass
expect 0 "$amtlab" setupbin create --meshcentral bare-metal --new-password-file keypass \
    --pki-dns-suffix example.com --root pki/root.pem --server-address 127.0.0.1 \
    --server-port "$port" --out key.bin
"$amtlab" device --profile amt-16.1 --state pcs --uuid "$(uuid 3)" --listen "$place" \
    --set firmware.control_mode=none --setup-file key.bin >/dev/null 2>device3.log &
device=$!
pids="$pids $device"
is_activated 3
unplug
echo "setup.bin: ok"

device 4 --set firmware.network_suffix=example.com
await mps.log "activation.failed.*$(uuid 4).*ACT-F-59"
unplug
device 5 --set 'firmware.mebx.roots=[pki/root.pem]' --set firmware.network_suffix=elsewhere.test
await mps.log "activation.failed.*$(uuid 5).*ACT-F-12"
unplug
restart 's/trusted_fqdn: .*/trusted_fqdn: other.test/'
device 6 --set 'firmware.mebx.roots=[pki/root.pem]' --set firmware.network_suffix=example.com
await mps.log "activation.failed.*$(uuid 6).*ACT-F-60"
unplug
echo "refusals: ok"

# settings.AmtProvisioningServer of MeshCentral, as it is: the group by its id
restart 's/^key: p256/&\nactivation_listen: ["127.0.0.1:0"]/' # a link has a server
expect 0 "$amtlab" admin group link office --data data --server 127.0.0.1:1
id=$(sed -n "s/^amtlab activate .*--id '\\([^']*\\)'.*/\\1/p" out.txt)
[ "${#id}" = 64 ] || fail "group link gives no id"
cat >config.json <<JSON
{ "settings": { "AmtProvisioningServer": { "port": 9971, "deviceGroup": "mesh//$id",
    "newMebxPassword": "M3bx@Pass", "trustedFqdn": "example.com", "ip": "127.0.0.1" } } }
JSON
sed -i '/group: office$/d; /trusted_fqdn:/d; /mebx_password_file:/d; s/^activation:/activation:\n  meshcentral: config.json/' mps.yaml
restart ''
device 8 --set 'firmware.mebx.roots=[pki/root.pem]' --set firmware.network_suffix=example.com
is_activated 8
unplug
echo "MeshCentral's config.json: ok"
restart 's/hold: 1ms/hold: 20s/'

# killed after the commit, before it has looked: the log knows the password
device 7 --set 'firmware.mebx.roots=[pki/root.pem]' --set firmware.network_suffix=example.com
await device7.log 'to=admin'
kill -9 "$mps"
wait "$mps" || true
expect 0 "$amtlab" activations recover "$(uuid 7)" --log data/amtactivation.log
cp out.txt password
unplug
if grep -r -F -e "$(cat password)" -e "$(cat mebx)" mps.log device7.log; then
    fail "a password is in a log"
fi
echo "kill -9 of the server: ok"
