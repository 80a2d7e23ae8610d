#!/bin/sh
# Activation as an operator does it: certificates, a USB key, a group's command, the log, and the way
# home by CIRA; the wrong turns with their codes. Usage: activation.sh AMTLAB
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
    echo "activation.sh: $1"
    cat ./*.log out.txt 2>/dev/null || true
    exit 1
}
await() { # file, pattern
    tries=0
    while ! grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 400 ] || fail "no \"$2\" in $1"
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
device() { # number
    echo "--device-profile amt-16.1 --device-state pcs --device-uuid $(uuid "$1") --timeout 60s"
}
by_mesh() { # exit code, number, further options
    wanted=$1
    options=$(device "$2")
    shift 2
    # shellcheck disable=SC2086
    expect "$wanted" "$amtlab" activate --url "wss://127.0.0.1:$port/apf.ashx" --id "$id" \
        --serverhttpshash "$hash" $options "$@"
}
by_rps() { # exit code, number, further options
    wanted=$1
    options=$(device "$2")
    shift 2
    # shellcheck disable=SC2086
    expect "$wanted" "$amtlab" activate --url "wss://127.0.0.1:$port/activate" --insecure $options "$@"
}
use_group() { # name: its activation command
    expect 0 "$amtlab" admin group link "$1" --data data --server "127.0.0.1:$port"
    id=$(sed -n "s/^amtlab activate .*--id '\\([^']*\\)'.*/\\1/p" out.txt)
    hash=$(sed -n 's/^amtlab activate .*--serverhttpshash \([0-9A-F]*\).*/\1/p' out.txt)
    [ "${#id}" = 64 ] && [ "${#hash}" = 96 ] || fail "group link gives no command"
}
plug_usb_key() { # number
    expect 0 "$amtlab" setupbin apply key.bin --state pcs --uuid "$(uuid "$1")" --profile amt-16.1
}
start() {
    rm -f ready.json
    "$amtlab" mps --config mps.yaml >ready.json 2>mps.log &
    mps=$!
    pids="$pids $mps"
    await ready.json '"ready"'
    port=$(sed -n 's/.*"activation":\["127.0.0.1:\([0-9]*\)"\].*/\1/p' ready.json)
}

expect 0 "$amtlab" pki --out pki --seed 1
cat >mps.yaml <<'YAML'
data: data
name: mps.example.com
listen: ["127.0.0.1:0"]
activation_listen: ["127.0.0.1:0"]
key: p256
activation:
  hold: 1ms
  cira: { host: 127.0.0.1 }
  certificates:
    - { name: lab, files: [pki/leaf.pem, pki/int2.pem, pki/int1.pem, pki/root.pem], key: pki/leaf.key }
  policies:
    - { group: office, type: automatic, cira: set }
    - { group: client, type: client }
    - { group: admin, type: admin }
YAML
expect 0 "$amtlab" mps --config mps.yaml --check
start
for group in office client admin nothing; do
    expect 0 "$amtlab" admin group add "$group" --data data
done
umask 077
echo 'N3wP@ss!x' >mebx
expect 0 "$amtlab" setupbin create --new-password-file mebx --pki-dns-suffix example.com \
    --root pki/root.pem --out key.bin

# the ways in: what the server offers now, per group
expect 0 "$amtlab" admin group add fleet --kind agent --data data
expect 0 "$amtlab" admin group ways office --data data
says '^office: amt group, server in hybrid mode'
says "^activation  meshcmd amtconfig --url wss://mps.example.com:$port/apf.ashx"
says '^scan        amtlab scan'
expect 0 "$amtlab" admin group ways nothing --data data
says '^activation  -  the group has no activation policy'
expect 1 "$amtlab" admin group link nothing --data data
says 'has no activation link: the group has no activation policy'
expect 0 "$amtlab" admin group ways fleet --data data --json
says '"way":"local","offered":false'
echo "ways in: ok"

# a USB key, then ACM by the group's command, then the tunnel (setup.bin, Trusted FQDN)
use_group office
plug_usb_key 1
by_mesh 0 1
says 'the device is in admin control mode'
expect 0 "$amtlab" activations list --log data/amtactivation.log
says "acmactivate *$(uuid 1)"
"$amtlab" device --profile amt-16.1 --state pcs --uuid "$(uuid 1)" --until up --deadline 30s \
    >home.out 2>home.log || fail "it does not come home"
grep -q 'cira.up' home.log || fail "it does not come home"
echo "ACM with a USB key, and home by CIRA: ok"

# no domain, no trusted root: the automatic policy ends in client mode; ACM names its reason
by_mesh 0 2
says 'the device is in client control mode'
use_group admin
by_mesh 1 3
says 'ACT-F-[0-9]'
says 'the device is not activated'
by_rps 1 3 --profile nothing
says 'ACT-F-52'
echo "CCM, and ACM that is not possible: ok"

# the other conversation, and back to the factory with the password of the log
plug_usb_key 4
by_rps 0 4 --profile admin
says 'Admin control mode'
expect 0 "$amtlab" activations recover "$(uuid 4)" --log data/amtactivation.log
cp out.txt password
for task in clock hostname ip info; do
    by_rps 0 4 --maintenance "$task" --pass-file password
    says 'synchronized'
done
echo 'Ch4nged@Pw' >changed
by_rps 0 4 --maintenance password --pass-file password --new-pass-file changed
says 'Password changed'
by_rps 1 4 --maintenance clock --pass-file password
says 'DOES NOT match'
by_rps 0 4 --maintenance password --pass-file changed
expect 0 "$amtlab" activations recover "$(uuid 4)" --log data/amtactivation.log
head -n 1 out.txt >password
by_rps 0 4 --deactivate --pass-file password
says 'Deactivated'
by_rps 1 4 --profile nowhere
plug_usb_key 6
by_rps 0 6 --profile admin --device-set firmware.plain_local_port=false
says 'Admin control mode'
echo "RPS, maintenance, deactivation, a device that answers by TLS alone: ok"

# killed in the middle, at any point: the log knows the password, and a repeat comes to an end
use_group client
sed -i 's/hold: 1ms/hold: 20s/' mps.yaml
kill "$mps" && wait "$mps" || true
start
options=$(device 5)
# shellcheck disable=SC2086
"$amtlab" activate --url "wss://127.0.0.1:$port/apf.ashx" --id "$id" --serverhttpshash "$hash" \
    $options >killed.txt 2>&1 &
client=$!
pids="$pids $client"
await killed.txt 'CCM'
kill -9 "$mps"
wait "$mps" || true
wait "$client" && fail "the client did not notice that the server is gone" || true
expect 0 "$amtlab" activations recover "$(uuid 5)" --log data/amtactivation.log
cp out.txt password
sed -i 's/hold: 20s/hold: 1ms/' mps.yaml
start
by_mesh 0 5
says 'the device is in client control mode'
by_rps 0 5 --deactivate --pass-file password
echo "kill -9 of the server: ok"
if grep -r -F -e "$(cat password)" -e "$(cat mebx)" mps.log home.log; then
    fail "a password is in a log"
fi
