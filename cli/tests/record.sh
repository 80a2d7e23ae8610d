#!/bin/sh
# From a session to a scenario: mps and device capture, import, the drafts run, replay from the command line;
# and each of them turns red when a byte is another. Usage: record.sh AMTLAB
set -eu
amtlab=$1
work=$(mktemp -d)
mps=
device=
finish() {
    [ -z "$device" ] || kill "$device" 2>/dev/null || true
    [ -z "$mps" ] || kill "$mps" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
fail() { echo "FAIL  $*"; exit 1; }

# wait_for FILE PATTERN
wait_for() {
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { cat "$1"; fail "$2 not in $1"; }
        sleep 0.1
    done
}

cat >mps.yaml <<EOF
name: mps.example
listen: 127.0.0.1:0
users: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }]
EOF
echo P@ssw0rd >pw
"$amtlab" mps -c mps.yaml --data data --capture captures/ --keylog keys >ready 2>mps.log &
mps=$!
wait_for ready ready
server=$(sed 's/.*"listen":\["\([^"]*\)".*/\1/' ready)
"$amtlab" device --to "$server" --user ABCDEFGHIJKLMNOP --password-file pw --trust data/root.crt \
    --access-info mps.example --set cira.keepalive=200ms --set cira.keepalive_negotiable=false \
    --capture device.pcapng >device.out 2>device.log &
device=$!
wait_for device.log cira.up
# until some keepalives are in the capture
until [ "$(stat -c %s device.pcapng)" -gt 3600 ]; do sleep 0.1; done
kill "$device"
wait "$device" || fail "the device's exit code"
device=

# What was captured, and how it is kept.
[ "$(ls captures | wc -l)" = 1 ] || fail "one capture for each device"
for file in captures/*.pcapng device.pcapng keys; do
    [ "$(stat -c %a "$file")" = 600 ] || fail "mode of $file"
done
if grep -q 'P@ssw0rd' captures/*.pcapng device.pcapng; then fail "the password is in a capture"; fi
grep -q CLIENT_ device.pcapng && fail "keys in a capture"
grep -q '^CLIENT_\|^SERVER_' keys || fail "no keys in the key log"

# Both captures tell the same, and become scenarios.
"$amtlab" import device.pcapng >imported
[ "$(cat imported | tr '\n' ' ')" = "./device.amtrec ./device-device.yaml ./device-server.yaml " ] || fail "$(cat imported)"
"$amtlab" import captures/*.pcapng --out captures >/dev/null
said() { sed -n 's/.*"l":"apf".*"m":\(.*\)/\1/p' "$1"; }
said device.amtrec >a
said captures/*.amtrec >b
cmp a b || fail "the server and the device captured different messages"
"$amtlab" import device.pcapng >/dev/null 2>again && fail "files were written over"
grep -q -- --force again || fail "$(cat again)"
"$amtlab" validate device-device.yaml device-server.yaml || fail "the drafts are not valid"

# Green, from scenarios (a server and a device of their own) and from the command line (the server above).
export AMTLAB_VAR_password=P@ssw0rd
"$amtlab" run device-device.yaml device-server.yaml --format plain || fail "the drafts do not pass"
"$amtlab" replay device.amtrec --to "$server" --password-file pw --ignore apf.keepalive_options_request >green ||
    fail "$(cat green)"
grep -q '^as recorded: ' green || fail "$(cat green)"
"$amtlab" replay device.amtrec --to "$server" --password-file pw --ignore apf.keepalive_options_request --pace fast \
    >green || fail "$(cat green)"

# The server's side from the command line, for a device.
"$amtlab" replay device.amtrec --listen 127.0.0.1:0 --pace fast --password-file pw \
    --ignore apf.keepalive_options_reply -v >played 2>&1 &
player=$!
wait_for played ready
server=$(sed -n 's/.*"listen":\["\([^"]*\)".*/\1/p' played)
"$amtlab" device --to "$server" --user ABCDEFGHIJKLMNOP --password-file pw --set cira.verify=false \
    --uuid "$(sed -n 's/.*"uuid":"\([^"]*\)".*/\1/p' device.amtrec | head -1)" --set cira.keepalive=200ms \
    --set cira.keepalive_negotiable=false >device.out 2>device.log &
device=$!
wait_for played 'KEEPALIVE_REQUEST cookie=2'
kill "$device"
wait "$device" || true
device=
wait "$player" && result=0 || result=$?
[ "$result" -le 1 ] || { cat played; fail "replay --listen ended with $result"; }
grep -q 'KEEPALIVE_REPLY cookie=2' played || { cat played; fail "it was not played"; }

# Red: another user is refused, and the message that says so is named.
"$amtlab" replay device.amtrec --to "$(sed 's/.*"listen":\["\([^"]*\)".*/\1/' ready)" --password-file pw \
    --map apf.userauth_request.user=BBCDEFGHIJKLMNOP >red && fail "a wrong user was not noticed"
grep -q 'message 5 (apf.userauth_success.*): apf.userauth_failure came instead' red || fail "$(cat red)"
sed 's/^  - check:.*//; s/keepalive: [0-9]*ms/keepalive: 5s/' device-server.yaml >slow-server.yaml
"$amtlab" run slow-server.yaml --format plain >red && fail "a missing keepalive was not noticed"
grep -q 'message [0-9]* (apf.keepalive_request' red || fail "$(cat red)"

# Errors say what to do.
"$amtlab" import mps.yaml 2>red && fail "a text is no capture"
grep -q 'neither pcapng nor pcap' red || fail "$(cat red)"
"$amtlab" replay mps.yaml --to 127.0.0.1:1 2>red && fail "a text is no recording"
grep -q 'mps.yaml:1:.*JSON' red || fail "$(cat red)"
"$amtlab" replay device.amtrec 2>red && fail "without a side"
grep -q -- '--to HOST:PORT plays the device' red || fail "$(cat red)"
kill "$mps"
wait "$mps" || fail "the server's exit code"
mps=
echo "record: captured, imported, replayed green and red"
