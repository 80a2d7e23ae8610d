#!/bin/sh
# device_target.sh AMTLAB: the suites against a device of another process: reached at its address, plain
# and by TLS, and called home to us; in real time.
set -eu
amtlab=$1
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
secret=Some0ther!Secret
export AMTLAB_VAR_amt_pass=$secret

start_device() {
    "$amtlab" device --set firmware.control_mode=admin --set firmware.admin_password=$secret "$@" \
        >"$folder/out" 2>"$folder/log" &
    pid=$!
}
stop_device() {
    kill "$pid"
    wait "$pid" || true
    pid=
}
port_of() { # AMT-PORT: where the device listens for it
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        port=$(sed -n "s/.*direct.listening.* port=\([0-9]*\) amt_port=$1\$/\1/p" "$folder/log")
        [ -n "$port" ] && echo "$port" && return
        sleep 0.2
    done
    cat "$folder/log" >&2
    exit 1
}

start_device --profile amt-15.0 --listen 127.0.0.1 --set direct.plain_port=0 --set direct.presence_port=0
"$amtlab" run conformance/wsman --target device=127.0.0.1:"$(port_of 16992)" --format plain
# whatever waits for a call is not for it, and says so
status=0
"$amtlab" run conformance/device/hello.yaml --target device=127.0.0.1:"$(port_of 16992)" >"$folder/run" || status=$?
[ "$status" -eq 5 ] && grep -q "has to call home" "$folder/run"
stop_device

start_device --profile amt-16.1 --listen 127.0.0.1 --set direct.tls_port=0 --set direct.presence_port=0
"$amtlab" run conformance/wsman/general-settings.yaml --target device=tls:127.0.0.1:"$(port_of 16993)" \
    --var amt_port=16993 --format plain
stop_device

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AMTLAB_VAR_cira_pass=An0ther!Secret
printf %s "$AMTLAB_VAR_cira_pass" >"$folder/password"
start_device --to 127.0.0.1:"$port" --user ABCDEFGHIJKLMNOP --password-file "$folder/password" \
    --set cira.verify=false --set cira.reconnect.first=100ms
"$amtlab" run conformance/device/hello.yaml conformance/device/channel-open.yaml \
    conformance/device/unknown-type.yaml conformance/wsman/general-settings.yaml \
    --target device=listen:127.0.0.1:"$port" --wait 20s --format plain --out "$folder/reports"
# a wrong password is told, and the secret is nowhere
status=0
AMTLAB_VAR_cira_pass=wrong "$amtlab" run conformance/wsman/general-settings.yaml --wait 3s \
    --target device=listen:127.0.0.1:"$port" >"$folder/run" || status=$?
[ "$status" -eq 1 ]
! grep -rq "An0ther!Secret\|Some0ther!Secret" "$folder/reports" "$folder/run"
stop_device
