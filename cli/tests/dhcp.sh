#!/bin/sh
# The device in a real network: `amtlab device --dhcp` against dnsmasq, over a veth pair in a network
# namespace that this test makes and that ends with it. Usage: dhcp.sh AMTLAB. 77: no namespaces here.
set -eu
amtlab=$1
if [ "${2:-}" != inside ]; then
    for how in "unshare -Urnp --fork --kill-child --mount-proc" "unshare -np --fork --kill-child --mount-proc" \
        "unshare -Urn" "unshare -n"; do
        if $how ip link add probe0 type veth peer name probe1 2>/dev/null; then
            exec $how sh "$0" "$amtlab" inside
        fi
    done
    echo "skipped: this machine allows no network namespace with a veth pair (unshare -Urn, ip link add)"
    exit 77
fi
command -v dnsmasq >/dev/null || { echo "dnsmasq is missing: Debian's dnsmasq-base, see ci/packages"; exit 1; }
work=$(mktemp -d)
server=
device=
trap 'kill $server $device 2>/dev/null || true; rm -rf "$work"' EXIT
ip link set lo up
ip link add srv0 type veth peer name pc0
ip addr add 10.9.0.1/24 dev srv0
ip link set srv0 up
ip link set pc0 up
until ip link show pc0 | grep -q 'state UP'; do sleep 0.05; done
cases=0
fail() {
    echo "FAILED: $*"
    echo "--- device"; cat "$work/device" "$work/report" 2>/dev/null || true
    echo "--- dnsmasq"; cat "$work/server" 2>/dev/null || true
    exit 1
}
# wait_for FILE PATTERN WHAT: until the pattern stands in the file, a minute at most
wait_for() {
    for _ in $(seq 1200); do
        if grep -q -- "$2" "$1" 2>/dev/null; then cases=$((cases + 1)); return; fi
        sleep 0.05
    done
    fail "$3: no \"$2\""
}
serve() {
    : >"$work/server"
    dnsmasq --no-daemon --conf-file=/dev/null --user="$(id -un)" --interface=srv0 --bind-interfaces --port=0 \
        --pid-file="$work/pid" --dhcp-leasefile="$work/leases" --no-ping --log-dhcp --dhcp-authoritative \
        --dhcp-range=10.9.0.50,10.9.0.99,2m "$@" 2>"$work/server" &
    server=$!
    wait_for "$work/server" "bound exclusively" "dnsmasq does not start"
}
stop_server() {
    kill "$server"
    wait "$server" || true
    server=
}
# one_lease OPTIONS...: a device that ends with its first lease
one_lease() {
    "$amtlab" device --dhcp pc0 --profile amt-16.1 --set firmware.control_mode=none --until lease \
        --deadline 20s "$@" >"$work/report" 2>"$work/device" || fail "no lease"
    cases=$((cases + 1))
}
says() { grep -q -- "$1" "$work/device" && cases=$((cases + 1)) || fail "the device does not say: $1"; }

# 1. Option 15 as servers send it, right and wrong.
suffix() { # WHAT OPTION PATTERN
    serve ${2:+"$2"}
    one_lease
    says "dhcp.lease .*address=10\.9\.0\..* server=10\.9\.0\.1 time_s=120 $3"
    stop_server
}
suffix "one domain" --dhcp-option=15,corp.example.com 'dns_suffix=corp.example.com why=""'
suffix "several labels" --dhcp-option=15,a.b.c.corp.example.co.uk 'dns_suffix=a.b.c.corp.example.co.uk why=""'
suffix "trailing dot (F16)" --dhcp-option=15,example.com. 'dns_suffix=example.com. why=""'
# (dnsmasq cannot send zero bytes: those are in protocol/dhcp/tests.)
suffix "a label too long" "--dhcp-option=15,$(printf 'x%.0s' $(seq 70)).example.com" 'dns_suffix="" why=".*label'
suffix "too long" "--dhcp-option=15,$(printf 'abcdefg.%.0s' $(seq 31))example" 'dns_suffix="" why=".*253'
suffix "none (F13)" "" 'dns_suffix="" why="the DHCP server sends no option 15'

# What the doctor says of it; and an option that only the operating system's suffix stands in for.
doctor() { # EXIT PATTERN OPTIONS...
    wanted=$1; pattern=$2; shift 2
    "$amtlab" doctor activation --device-profile amt-16.1 --dhcp pc0 "$@" >"$work/device" 2>&1 && got=0 || got=$?
    [ "$got" = "$wanted" ] || fail "doctor: exit $got, not $wanted"
    says "$pattern"
}
serve --dhcp-option=15,corp.example.com
doctor 0 '^ok  *suffix-dhcp  *"corp.example.com"'
says '^ok  *lease  *address 10\.9\.0\.'
ip link set srv0 down
doctor 1 '^FAILED  *wired-link'
says 'ACT-F-14'
ip link set srv0 up
until ip link show pc0 | grep -q 'state UP'; do sleep 0.05; done
stop_server
serve
doctor 1 '^FAILED  *suffix-dhcp' --device-set firmware.network_suffix=corp.example.com
says 'ACT-F-13'
stop_server

# Several devices, each with an address of its own; and ACM by option 15 (activation.md 3.1), with what it
# takes: a device that knows the root, a server with the certificate. Without the option it is F13.
serve --dhcp-option=15,corp.example.com
one_lease --count 3
[ "$(sed -n 's/.* dhcp.lease .* address=\([0-9.]*\) .*/\1/p' "$work/device" | sort -u | wc -l)" = 3 ] ||
    fail "three devices have not three addresses"
cases=$((cases + 1))
umask 077
(
    cd "$work"
    "$amtlab" pki --out pki --seed 1 --domain corp.example.com >/dev/null
    echo 'N3wP@ss!x' >mebx
    "$amtlab" setupbin create --new-password-file mebx --root pki/root.pem --out key.bin >/dev/null
    for uuid in 1 2; do
        "$amtlab" setupbin apply key.bin --state pcs --uuid 11111111-2222-3333-4444-00000000000$uuid \
            --profile amt-16.1 --set firmware.control_mode=none >/dev/null
    done
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
  policies: [{ group: admin, type: admin }]
YAML
) || fail "activation cannot be prepared"
(cd "$work" && exec "$amtlab" mps --config mps.yaml >ready 2>device) &
mps=$!
wait_for "$work/ready" '"ready"' "the activation server"
(cd "$work" && "$amtlab" admin group add admin --data data >/dev/null) || fail "no group"
port=$(sed -n 's/.*"activation":\["127.0.0.1:\([0-9]*\)"\].*/\1/p' "$work/ready")
activate() { # NUMBER OPTIONS...
    number=$1; shift
    "$amtlab" activate --url "wss://127.0.0.1:$port/activate" --insecure --profile admin --device-profile amt-16.1 \
        --device-state "$work/pcs" --device-uuid 11111111-2222-3333-4444-00000000000$number --timeout 60s \
        --dhcp pc0 "$@" >"$work/report" 2>&1 && got=0 || got=$?
    cp "$work/report" "$work/device"
}
activate 1
[ "$got" = 0 ] || fail "ACM by option 15: exit $got"
says 'Admin control mode'
stop_server
serve
activate 2
[ "$got" = 1 ] || fail "no option 15: exit $got"
says 'Missing DNS Suffix' # F05, in the words of RPS
activate 2 --device-set firmware.network_suffix=corp.example.com
[ "$got" = 1 ] || fail "no option 15, a suffix of the operating system: exit $got"
says 'ACT-F-13'
kill "$mps"
wait "$mps" || true
stop_server

# 2. What the firmware shows, renewal by T1, and the link.
serve --dhcp-option=15,corp.example.com --dhcp-option=58,3 --dhcp-option=59,90
: >"$work/device" # a background command truncates it too late
"$amtlab" device --dhcp pc0 --profile amt-15.0 --listen 127.0.0.2 --log-level debug --deadline 120s \
    >"$work/report" 2>"$work/device" &
device=$!
wait_for "$work/device" "dhcp.lease" "the second device"
address=$(sed -n 's/.* dhcp.lease .*address=\(10[0-9.]*\) .*/\1/p' "$work/device")
AMTLAB_AMT_PASSWORD=P@ssw0rd "$amtlab" wsman get AMT_EthernetPortSettings -s 'InstanceID=Intel(r) AMT Ethernet Port Settings 0' \
    --device 127.0.0.2 >"$work/port" 2>&1 || { cat "$work/port"; fail "wsman get"; }
for text in "$address" 255.255.255.0 10.9.0.1; do
    grep -q -- "$text" "$work/port" || { cat "$work/port"; fail "AMT_EthernetPortSettings does not show $text"; }
    cases=$((cases + 1))
done
wait_for "$work/device" "dhcp.renewed" "T1 (the server's answer comes to an address that only the device has)"
grep -q "DHCPREQUEST(srv0) $address" "$work/server" || fail "dnsmasq has not seen the renewal"
ip link set srv0 down
wait_for "$work/device" "device.unplugged" "the cable"
wait_for "$work/device" 'cira.environment .*dns_suffix=""' "the suffix without a cable (F14)"
: >"$work/device"
ip link set srv0 up
wait_for "$work/device" "device.plugged" "the cable again"
wait_for "$work/device" 'cira.environment .*dns_suffix=corp.example.com' "the suffix comes back"
stop_server
: >"$work/device"
# 3. A server that does not know the lease any more says NAK, and the device begins anew.
rm -f "$work/leases"
ip addr flush dev srv0
ip addr add 10.8.0.1/24 dev srv0
: >"$work/server"
dnsmasq --no-daemon --conf-file=/dev/null --user="$(id -un)" --interface=srv0 --bind-interfaces --port=0 \
    --pid-file="$work/pid" --dhcp-leasefile="$work/leases" --no-ping --dhcp-authoritative \
    --dhcp-range=10.8.0.50,10.8.0.99,2m --dhcp-option=15,guest.example.net 2>"$work/server" &
server=$!
ip link set srv0 down
wait_for "$work/device" "device.unplugged" "the cable, once more" # the kernel tells no change that is undone at once
ip link set srv0 up
wait_for "$work/device" "dhcp.refused" "the NAK"
wait_for "$work/device" "dhcp.lease .*address=10\.8\.0\..*dns_suffix=guest.example.net" "the new network"
kill -TERM "$device"
wait "$device" || fail "the device does not end well"
device=
stop_server

# 4. What cannot be: each says what to do.
refused() { # CODE PATTERN DHCP...
    code=$1; pattern=$2; shift 2
    "$@" >"$work/report" 2>"$work/device" && fail "$pattern: it ran" || got=$?
    [ "$got" = "$code" ] || fail "$pattern: exit $got, not $code"
    says "$pattern"
}
refused 3 'there is no network interface "nope"' "$amtlab" device --dhcp nope --profile amt-16.1
says "there are: .*pc0"
refused 3 'lo is no Ethernet interface' "$amtlab" device --dhcp lo --profile amt-16.1
refused 3 'this PC has no wired port' "$amtlab" device --dhcp pc0 --profile amt-16.1 --set firmware.has_wired=false
refused 4 'cannot send and hear packets on pc0: .*permitted' \
    setpriv --bounding-set=-all --inh-caps=-all "$amtlab" device --dhcp pc0 --profile amt-16.1
says "CAP_NET_RAW"
echo "dhcp: $cases checks held"
