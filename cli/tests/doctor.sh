#!/bin/sh
# `amtlab doctor` with the real programs: an activation and a way home that are right, and each thing that can
# be wrong with them, by its code. Usage: doctor.sh AMTLAB
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
checks=0
fail() {
    echo "doctor.sh: $1"
    cat out.txt ./*.log 2>/dev/null || true
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
    checks=$((checks + 1))
}
says() {
    grep -q -- "$1" out.txt || fail "the output has no \"$1\""
    checks=$((checks + 1))
}
# failed CHECK CODE: that check has failed, for that reason
failed() {
    grep -A1 "^FAILED   $1 " out.txt | grep -q "$2" || fail "$1 has not failed with $2"
    checks=$((checks + 1))
}
only_failed() { # CHECK...: these have failed, and nothing else
    [ "$(sed -n 's/^FAILED   \([a-z-]*\) .*/\1/p' out.txt | sort -u | tr '\n' ' ')" = "$(printf '%s ' "$@")" ] ||
        fail "other checks have failed than: $*"
    checks=$((checks + 1))
}
uuid=11111111-2222-3333-4444-000000000001
device="--device-profile amt-16.1 --device-state pcs --device-uuid $uuid"
doctor() { # exit code, options: on the device with the USB key
    wanted=$1
    shift
    # shellcheck disable=SC2086
    expect "$wanted" "$amtlab" doctor activation $device "$@"
}
fresh() { # exit code, profile, options: on a device that is made for it
    wanted=$1
    profile=$2
    shift 2
    expect "$wanted" "$amtlab" doctor activation --device-profile "$profile" "$@"
}

umask 077
expect 0 "$amtlab" pki --out pki --seed 1
echo 'N3wP@ss!x' >mebx

expect 0 "$amtlab" setupbin create --new-password-file mebx --pki-dns-suffix example.com \
    --root pki/root.pem --out key.bin
expect 0 "$amtlab" setupbin apply key.bin --state pcs --uuid $uuid --profile amt-16.1 \
    --set firmware.control_mode=none
cp "pcs/$uuid.json" before.json
pems() { # leaf
    echo "--certificate pki/root.pem --certificate pki/$1.pem --certificate pki/int1.pem --certificate pki/int2.pem --key pki/$1.key"
}

# 1. What is right.
# shellcheck disable=SC2046
doctor 0 $(pems leaf)
says '^ok       certificate-match'
says '^ok       device-name-match'
says '0 failed'
# shellcheck disable=SC2046
doctor 0 $(pems leaf) --json
says '"failed": 0'
says '"check": "me-reachable"'
doctor 0 --client-mode
cmp -s before.json "pcs/$uuid.json" || fail "looking has changed the device"
if grep -ri 'N3wP@ss\|password":"[^*]' out.txt; then fail "a secret is shown"; fi
echo "right: ok"

# 2. Certificates, each wrong in one way.
# (a device that knows the roots of the wrong ones too, so that nothing else is wrong)
wrong() { # leaf, code
    # shellcheck disable=SC2046
    doctor 1 $(pems "$1")
    failed certificate "$2"
}
wrong leaf-expired ACT-F-54
wrong leaf-nousage ACT-F-21
wrong leaf-oucase ACT-F-22
wrong leaf-noserverauth ACT-F-23
wrong leaf-badsig ACT-F-17
wrong leaf-nocn ACT-F-02
wrong leaf-1024 ACT-F-20
wrong leaf-sha1 ACT-F-19
doctor 1 --certificate pki/root.pem --certificate pki/leaf.pem --certificate pki/int2.pem --key pki/leaf.key
failed certificate ACT-F-17
wrong leaf-wrongkey ACT-F-28
# shellcheck disable=SC2046
doctor 1 $(pems leaf-otherdomain)
failed certificate-match ACT-F-06
doctor 1 --pfx nowhere.pfx
failed certificate ACT-F-02
failed certificates ACT-F-01
# shellcheck disable=SC2046
fresh 1 amt-16.1 --device-set firmware.network_suffix=example.com $(pems leaf)
failed certificate-match ACT-F-07
only_failed certificate-match
echo "certificates: ok"

# 3. The device.
fresh 1 amt-16.1
failed suffix-dhcp ACT-F-13
failed suffix ACT-F-05
fresh 1 amt-16.1 --device-set firmware.network_suffix=example.com.
failed suffix-form ACT-F-16
only_failed suffix-form
fresh 1 amt-16.1 --device-set firmware.network_suffix=example.com --dns-suffix corp.example.net
failed suffix-told ACT-F-12
only_failed suffix-told
doctor 1 --dns-suffix corp.example.net
failed suffix-told ACT-F-15
fresh 1 amt-16.1 --device-set firmware.network_suffix=example.com --device-set firmware.has_wired=false
failed wired-link ACT-F-14
fresh 1 amt-16.1 --device-set firmware.control_mode=admin
failed control-mode ACT-F-09
fresh 1 amt-16.1 --device-set firmware.control_mode=client --client-mode
failed control-mode ''
fresh 0 amt-16.1 --client-mode
fresh 1 amt-19.0 --device-set firmware.network_suffix=example.com
says 'AMT 19 has no AdminSetup'
says '^unknown  local-ports .*16992'
fresh 1 amt-16.1 --device-set firmware.plain_local_port=false
says 'over TLS on 16993 alone'
echo "devices: ok"

# 4. Our server, by both protocols.
cat >mps.yaml <<'YAML'
data: data
name: mps.example.com
listen: ["127.0.0.1:0"]
activation_listen: ["127.0.0.1:0"]
key: p256
activation:
  hold: 1ms
  certificates:
    - { name: lab, files: [pki/leaf.pem, pki/int2.pem, pki/int1.pem, pki/root.pem], key: pki/leaf.key }
  policies:
    - { group: client, type: client }
    - { group: admin, type: admin }
YAML
"$amtlab" mps --config mps.yaml >ready.json 2>mps.log &
pids="$pids $!"
await ready.json '"ready"'
port=$(sed -n 's/.*"activation":\["127.0.0.1:\([0-9]*\)"\].*/\1/p' ready.json)
cira=$(sed -n 's/.*mps.listening address=127.0.0.1:\([0-9]*\) .*/\1/p' mps.log)
for group in client admin nothing; do
    expect 0 "$amtlab" admin group add "$group" --data data
    cp out.txt "$group.txt"
done
expect 0 "$amtlab" admin group link admin --data data --server "127.0.0.1:$port"
id=$(sed -n "s/^amtlab activate .*--id '\\([^']*\\)'.*/\\1/p" out.txt)
hash=$(sed -n 's/^amtlab activate .*--serverhttpshash \([0-9A-F]*\).*/\1/p' out.txt)
rps="--url wss://127.0.0.1:$port/activate"
mesh="--url wss://127.0.0.1:$port/apf.ashx"
# shellcheck disable=SC2086
doctor 0 $rps --serverhttpshash "$hash" --profile admin
says '^ok       server-group .*it knows the profile'
says '^ok       server-accepts '
# shellcheck disable=SC2086
doctor 0 $mesh --serverhttpshash "$hash" --id "$id"
says '^ok       server-group .*it knows the group'
says '^unknown  server-accepts '
# shellcheck disable=SC2086
doctor 1 $rps --insecure --profile nowhere
failed server-accepts ACT-F-
only_failed server-accepts
# shellcheck disable=SC2086
doctor 1 $rps --insecure --profile nothing
failed server-accepts ACT-F-52
# shellcheck disable=SC2086
doctor 1 $mesh --insecure --id 0000000000000000000000000000000000000000000000000000000000000000
failed server-accepts ACT-F-53
# shellcheck disable=SC2086
fresh 1 amt-16.1 --device-set firmware.network_suffix=example.com $rps --insecure --profile admin
failed server-accepts ACT-F-07
# shellcheck disable=SC2086
doctor 1 $rps --profile admin
failed server-certificate ACT-F-53
# shellcheck disable=SC2086
doctor 1 $rps --profile admin --serverhttpshash "$(echo "$hash" | tr 0-9A-F 1-9A-F0)"
failed server-certificate ACT-F-53
doctor 1 --url "wss://127.0.0.1:1/activate" --profile admin
failed server-reachable FF-006
says 'refused'
doctor 1 --url "ws://127.0.0.1:$port/activate" --profile admin --timeout 2s
failed server-protocol ''
[ ! -s data/amtactivation.log ] || fail "the server has written an activation"
cmp -s before.json "pcs/$uuid.json" || fail "looking has changed the device"
echo "activation servers: ok"

# 5. A configuration of ours: certificates, policy, log.
doctor 0 --config mps.yaml --profile admin
says '^ok       log '
says '^ok       policy '
doctor 1 --config mps.yaml --profile nothing
failed policy ACT-F-52
touch data/amtactivation.log
chmod 644 data/amtactivation.log
doctor 1 --config mps.yaml
failed log ACT-F-46
sed 's/pki\/leaf.pem/pki\/leaf-expired.pem/; s/pki\/leaf.key/pki\/leaf-expired.key/; s/^data: .*/data: nowhere\/at\/all/' mps.yaml >wrong.yaml
doctor 1 --config wrong.yaml
failed certificate ACT-F-54
failed log ACT-F-46
echo "data: [" >broken.yaml
doctor 3 --config broken.yaml
echo "configurations: ok"

# 6. Home by CIRA.
user=$(sed -n 's/^client  *\([^ ]*\) .*/\1/p' client.txt)
sed -n 's/^password //p' client.txt >password
mps() { # exit code, options
    wanted=$1
    shift
    expect "$wanted" "$amtlab" doctor "127.0.0.1:$cira" "$@"
}
known="--trust data/root.crt --access-info mps.example.com"
# shellcheck disable=SC2086
mps 0 $known --user "$user" --password-file password --watch 200ms
for check in tcp tls certificate-dates certificate apf login ports keepalive stays-up; do
    says "^ok       $check "
done
says '7 forwards granted, 0 refused'
if grep -q "$(cat password)" out.txt; then fail "the password is shown"; fi
# shellcheck disable=SC2086
mps 0 $known
says '^unknown  login .*made-up user is refused'
echo wrong >wrong
# shellcheck disable=SC2086
mps 1 $known --user "$user" --password-file wrong
only_failed login
mps 1 --trust data/root.crt --access-info other.example.com
only_failed certificate
mps 1 --trust pki/root.pem --access-info mps.example.com
only_failed certificate
mps 0
says '^unknown  certificate '
mps 2 --user "$user"
mps 3 --trust nowhere.pem
expect 1 "$amtlab" doctor "127.0.0.1:$port" --timeout 2s
only_failed apf
expect 1 "$amtlab" doctor 127.0.0.1:1
only_failed tcp
says 'refused'
expect 1 "$amtlab" doctor no-such-name.invalid
says 'name not known'
expect 2 "$amtlab" doctor
expect 2 "$amtlab" doctor activation
fresh 3 amt-16.1 --trust nowhere.pem
fresh 3 no-such-profile
expect 4 "$amtlab" doctor activation --device-profile amt-16.1 --device-state pcs --device-uuid "$(echo $uuid | tr 1 9)"
echo "home by CIRA: ok"
echo "doctor: $checks checks held"
