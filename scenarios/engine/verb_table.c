/* The table of verbs (harness.md 7), and the keys a step may have besides its verb. */
#include <string.h>

#include "scenarios/engine/activation_client.h"
#include "scenarios/engine/device_state.h"
#include "scenarios/engine/verb.h"

#define END                                    \
    {                                          \
        NULL, KEY_ANY, false, NULL, NULL, NULL \
    }

static const char *const k_grades[] = { "must", "should", "may", "info", NULL };
const struct key_def k_retry_keys[] = {
    { "every", KEY_DURATION, false, "time between attempts, default 100ms", NULL, NULL },
    { "for", KEY_DURATION, false, "how long to try, default 5s", NULL, NULL },
    { "until", KEY_MATCHERS, true, "what must hold after an attempt", NULL, NULL },
    END
};
const struct key_def k_wire_keys[] = {
    { "split", KEY_ANY, false, "positions of cuts: [1, 20, -1], or each", NULL, NULL },
    { "gap", KEY_DURATION, false, "time between the pieces", NULL, NULL },
    { "coalesce", KEY_BOOL, false, "true: goes out together with the next step", NULL, NULL },
    { "truncate", KEY_NUMBER, false, "bytes to keep; negative: to drop at the end", NULL, NULL },
    { "corrupt", KEY_MAP, false, "{ at: 5, xor: 0x80 }", NULL, NULL },
    { "repeat", KEY_COUNT, false, "sends it so often", NULL, NULL },
    END
};
const struct key_def k_step_keys[] = {
    { "name", KEY_TEXT, false, "shown in progress and reports", NULL, NULL },
    { "actor", KEY_TEXT, false, "who; inherited by steps inside do", NULL, NULL },
    { "as", KEY_NAME, false, "keeps the result under this name", NULL, NULL },
    { "within", KEY_DURATION, false, "deadline, default 5s", NULL, NULL },
    { "when", KEY_TEXT, false, "run only if this expression holds", NULL, NULL },
    { "grade", KEY_WORD, false, "how a failure counts: must, should, may, info", k_grades, NULL },
    { "retry", KEY_MAP, false, "{ every, for, until }", NULL, k_retry_keys },
    { "wire", KEY_MAP, false, "how sent bytes are cut and changed", NULL, k_wire_keys },
    { "spec", KEY_LIST, false, "requirement ids proven by this step only", NULL, NULL },
    { "do", KEY_STEPS, false, "steps", NULL, NULL },
    END
};

static const struct key_def k_nothing[] = { END };
static const struct key_def k_call[] = {
    { "file", KEY_TEXT, true, "a file with steps, relative to the scenario", NULL, NULL },
    { "params", KEY_MAP, false, "values for the file's params", NULL, NULL },
    END
};
static const struct key_def k_listen[] = {
    { "at", KEY_TEXT, false, "address, default 127.0.0.1:0", NULL, NULL }, END
};
static const struct key_def k_stall[] = {
    { "for", KEY_DURATION, false, "how long; without it until tcp.resume", NULL, NULL }, END
};
static const struct key_def k_handshake[] = {
    { "min", KEY_TEXT, false, "lowest TLS version: 1.0 to 1.3", NULL, NULL },
    { "max", KEY_TEXT, false, "highest TLS version", NULL, NULL },
    { "ciphers", KEY_TEXT, false, "OpenSSL cipher list", NULL, NULL },
    { "sni", KEY_TEXT, false, "server name to send; none by default", NULL, NULL },
    { "cert", KEY_TEXT, false, "Common Name of a client certificate made for it", NULL, NULL },
    { "organization", KEY_TEXT, false, "O in that certificate", NULL, NULL },
    { "wait", KEY_BOOL, false, "false: does not wait for its end", NULL, NULL },
    { "untrusted", KEY_BOOL, false, "true: that certificate is of an unknown root", NULL, NULL },
    END
};
static const struct key_def k_apf_send[] = {
    { "type", KEY_TEXT, false, "message: channel_open, keepalive_request ...", NULL, NULL },
    { "raw", KEY_BYTES, false, "bytes instead of a message", NULL, NULL },
    { "override", KEY_MAP, false, "lies: { length: 99 } or { type: 34 }", NULL, NULL },
    END
};
static const char *const k_triggers[] = {
    "none", "user", "alert", "provisioning", "periodic", NULL
};
static const struct key_def k_connect[] = {
    { "trigger", KEY_WORD, false, "reason given for calling home", k_triggers, NULL },
    { "wait", KEY_BOOL, false, "false: does not wait for the tunnel", NULL, NULL },
    END
};
static const struct key_def k_disconnect[] = {
    { "reason", KEY_TEXT, false, "by_application, protocol_error ... or a number", NULL, NULL },
    { "device", KEY_TEXT, false, "UUID, when the server does it", NULL, NULL },
    END
};
static const struct key_def k_rebind[] = {
    { "ports", KEY_NUMBERS, false, "ports to announce", NULL, NULL },
    { "cancel", KEY_NUMBERS, false, "ports to take back", NULL, NULL },
    END
};
static const char *const k_damages[] = { "kept",    "truncated", "unreadable", "no_root_key",
                                         "no_leaf", "new_root",  NULL };
static const struct key_def k_mps_start[] = {
    { "certificates", KEY_WORD, false, "what has happened to those of tls: { cert: own }",
      k_damages, NULL },
    { "fails", KEY_TEXT, false, "the start must fail, and say this", NULL, NULL },
    END
};
static const struct key_def k_reboot[] = {
    { "after", KEY_DURATION, false, "until it calls home again, default 30s", NULL, NULL }, END
};
static const char *const k_ip[] = { "dhcp", "static", NULL };
static const struct key_def k_network[] = {
    { "dns_suffix", KEY_TEXT, false, "suffix that the network hands out, default none", NULL,
      NULL },
    { "ip", KEY_WORD, false, "address of the wired port, default dhcp", k_ip, NULL },
    END
};
static const struct key_def k_clock[] = {
    { "skew", KEY_TEXT, true, "how far the clock jumps: 3h, -1d", NULL, NULL }, END
};
static const struct key_def k_open[] = {
    { "device", KEY_TEXT, false, "UUID of the device; default: that of the console", NULL, NULL },
    { "port", KEY_NUMBER, false, "port on the device, default 16992", NULL, NULL },
    { "wait", KEY_BOOL, false, "false: does not wait for the answer", NULL, NULL },
    END
};
static const struct key_def k_chan_send[] = {
    { "channel", KEY_ANY, false, "what chan.open kept with `as`", NULL, NULL },
    { "data", KEY_BYTES, false, "bytes", NULL, NULL },
    { "hex", KEY_TEXT, false, "bytes as hex", NULL, NULL },
    { "text", KEY_TEXT, false, "bytes as text", NULL, NULL },
    { "base64", KEY_TEXT, false, "bytes as base64", NULL, NULL },
    { "file", KEY_TEXT, false, "bytes from a file", NULL, NULL },
    { "zeros", KEY_SIZE, false, "so many zero bytes", NULL, NULL },
    { "pattern", KEY_MAP, false, "{ counter: 4KiB }", NULL, NULL },
    { "concat", KEY_LIST, false, "pieces one after the other", NULL, NULL },
    END
};
static const struct key_def k_tcp_send[] = {
    { "hex", KEY_TEXT, false, "bytes as hex", NULL, NULL },
    { "text", KEY_TEXT, false, "bytes as text", NULL, NULL },
    { "base64", KEY_TEXT, false, "bytes as base64", NULL, NULL },
    { "file", KEY_TEXT, false, "bytes from a file", NULL, NULL },
    { "zeros", KEY_SIZE, false, "so many zero bytes", NULL, NULL },
    { "pattern", KEY_MAP, false, "{ counter: 4KiB }", NULL, NULL },
    { "concat", KEY_LIST, false, "pieces one after the other", NULL, NULL },
    END
};
static const struct key_def k_chan_close[] = {
    { "channel", KEY_ANY, false, "what chan.open kept with `as`", NULL, NULL }, END
};
static const struct key_def k_request[] = {
    { "device", KEY_TEXT, false, "UUID of the device; default: that of the console", NULL, NULL },
    { "port", KEY_NUMBER, false, "port on the device, default 16992", NULL, NULL },
    { "method", KEY_TEXT, false, "default GET", NULL, NULL },
    { "path", KEY_TEXT, false, "default /", NULL, NULL },
    { "host", KEY_TEXT, false, "Host header, default device", NULL, NULL },
    { "headers", KEY_MAP, false, "further headers", NULL, NULL },
    { "body", KEY_TEXT, false, "body", NULL, NULL },
    END
};
#define WSMAN_KEYS                                                                                 \
    { "device", KEY_TEXT, false, "UUID of the device; default: that of the console", NULL, NULL }, \
        { "port", KEY_NUMBER, false, "16992, or 16993 with TLS", NULL, NULL },                     \
        { "auth", KEY_MAP, false, "{ user, password }, default that of the console", NULL, NULL }, \
        { "connection", KEY_TEXT, false, "name of a connection of its own", NULL, NULL },          \
    {                                                                                              \
        "expect", KEY_MATCHERS, false,                                                             \
            "what must come: result, status, fault, detail, return_value, body.X, items, count; "  \
            "default: 200, and 0 from a method",                                                   \
            NULL, NULL                                                                             \
    }
#define WSMAN_CLASS                                                       \
    {                                                                     \
        "class", KEY_TEXT, true, "class, AMT_GeneralSettings", NULL, NULL \
    }
#define WSMAN_SELECTOR                                                               \
    {                                                                                \
        "selectors", KEY_MAP, false, "which instance: { InstanceID: x }", NULL, NULL \
    }
#define WSMAN_VALUES                                                                           \
    {                                                                                          \
        "values", KEY_MAP, false,                                                              \
            "properties or parameters: text, list, { ref, selectors }, { embedded, values }, " \
            "{ datetime }, { interval }",                                                      \
            NULL, NULL                                                                         \
    }
static const struct key_def k_wsman_get[] = { WSMAN_KEYS, WSMAN_CLASS, WSMAN_SELECTOR, END };
static const struct key_def k_wsman_create[] = { WSMAN_KEYS, WSMAN_CLASS, WSMAN_SELECTOR,
                                                 WSMAN_VALUES, END };
static const struct key_def k_wsman_put[] = {
    WSMAN_KEYS,
    WSMAN_CLASS,
    WSMAN_SELECTOR,
    WSMAN_VALUES,
    { "bare", KEY_BOOL, false, "true: sends the values alone; default: over what is there", NULL,
      NULL },
    END
};
static const struct key_def k_wsman_enumerate[] = {
    WSMAN_KEYS,
    WSMAN_CLASS,
    WSMAN_SELECTOR,
    { "pull", KEY_BOOL, false, "false: asks for the context only", NULL, NULL },
    END
};
static const struct key_def k_wsman_pull[] = {
    WSMAN_KEYS,
    WSMAN_CLASS,
    { "context", KEY_TEXT, true, "of an enumerate with pull: false", NULL, NULL },
    { "max_elements", KEY_COUNT, false, "instances at most, default 999", NULL, NULL },
    END
};
static const struct key_def k_wsman_invoke[] = { WSMAN_KEYS,
                                                 WSMAN_CLASS,
                                                 WSMAN_SELECTOR,
                                                 WSMAN_VALUES,
                                                 { "method", KEY_TEXT, true, "method of the class",
                                                   NULL, NULL },
                                                 END };
static const struct key_def k_power_request[] = {
    WSMAN_KEYS,
    { "state", KEY_ANY, true,
      "on, off, cycle, reset, soft_off, soft_reset, sleep, hibernate, nmi, or a number", NULL,
      NULL },
    END
};
static const struct key_def k_power_set[] = {
    { "event", KEY_TEXT, true,
      "power-button, reset-button, hang, shutdown, reboot, sleep, hibernate, wake, boot-done", NULL,
      NULL },
    END
};
static const char *const k_modes[] = { "next", "eventually", NULL };
static const char *const k_by[] = { "peer", "us", "any", NULL };
static const char *const k_how[] = {
    "fin", "reset", "close_notify", "alert", "timeout", "any", NULL
};
static const struct key_def k_closed[] = {
    { "by", KEY_WORD, false, "peer, us or any", k_by, NULL },
    { "how", KEY_WORD, false, "fin, reset, close_notify, alert, timeout or any", k_how, NULL },
    { "alert", KEY_ANY, false, "number of the TLS alert", NULL, NULL },
    END
};
static const struct key_def k_expect[] = {
    { "msg", KEY_TEXT, false, "a message, apf.channel_open; other keys are its fields", NULL,
      NULL },
    { "event", KEY_TEXT, false, "an event, device.online; other keys are its fields", NULL, NULL },
    { "closed", KEY_MAP, false, "the connection ends", NULL, k_closed },
    { "none", KEY_TEXT, false, "a message or an event that must not come; \"*\": no message", NULL,
      NULL },
    { "for", KEY_DURATION, false, "how long none may come", NULL, NULL },
    { "any_of", KEY_LIST, false, "alternatives; the first that fits decides the grade", NULL,
      NULL },
    { "all_of", KEY_LIST, false, "all, in any order", NULL, NULL },
    { "mode", KEY_WORD, false, "next (default) or eventually", k_modes, NULL },
    { "at_least", KEY_DURATION, false, "not before", NULL, NULL },
    { "between", KEY_LIST, false, "[earliest, latest]", NULL, NULL },
    { "count", KEY_COUNT, false, "so many of them", NULL, NULL },
    { "save", KEY_MAP, false, "keeps fields: { name: field }", NULL, NULL },
    { "outcome", KEY_TEXT, false,
      "abstract result, protocol_error: the target file may say how it shows", NULL, NULL },
    { "note", KEY_TEXT, false, "said when this alternative is the one", NULL, NULL },
    { "grade", KEY_WORD, false, "of this alternative", k_grades, NULL },
    END
};

static const struct key_def k_replay_run[] = {
    { "until", KEY_TEXT, false, "end, or the number of a message", NULL, NULL }, END
};

static const char *const k_via[] = { "mesh", "rps", "bare_metal", NULL };
static const char *const k_undo_via[] = { "host", "rps", NULL };
static const char *const k_activation_modes[] = { "none", "deactivate", "ccm",
                                                  "acm",  "automatic",  NULL };
static const struct key_def k_activate_start[] = {
    { "to", KEY_TEXT, true, "the activation actor", NULL, NULL },
    { "mode", KEY_WORD, false, "the policy of its group, default that of the actor",
      k_activation_modes, NULL },
    { "via", KEY_WORD, false,
      "conversation: mesh (default), rps, or bare_metal: the device says hello from the network",
      k_via, NULL },
    { "group", KEY_TEXT, false, "another group or profile than that of the mode", NULL, NULL },
    { "id", KEY_TEXT, false, "group id of a target, as MeshCentral shows it", NULL, NULL },
    { "path", KEY_TEXT, false, "of the URL", NULL, NULL },
    { "serverhttpshash", KEY_TEXT, false, "SHA-384 that the server's certificate must have", NULL,
      NULL },
    { "password", KEY_TEXT, false, "of admin, on a device that is activated", NULL, NULL },
    { "dns_suffix", KEY_TEXT, false, "what an operator says instead of the device", NULL, NULL },
    { "protocol_version", KEY_TEXT, false, "rps: another one than 4.0.0", NULL, NULL },
    { "report", KEY_MAP, false, "what the client says that is not so", NULL,
      k_activation_report_keys },
    { "wait", KEY_BOOL, false, "true: until the conversation has ended", NULL, NULL },
    END
};
static const char *const k_orders[] = { "device_first", "server_first", NULL };
static const char *const k_signatures[] = { "sha256", "sha1", "sha384", NULL };
static const char *const k_setups[] = { "acm", "ccm", "upgrade", NULL };
static const struct key_def k_upload_chain[] = {
    { "pki", KEY_TEXT, true, "file of a test PKI", NULL, NULL },
    { "chain", KEY_LIST, true, "its certificates, as they are sent", NULL, NULL },
    { "leaf_flag", KEY_BOOL, false, "false: the first is not marked as leaf", NULL, NULL },
    { "root_flag", KEY_BOOL, false, "false: the last is not marked as root", NULL, NULL },
    { "damage", KEY_NUMBER, false, "of this one, from 0, only half is sent", NULL, NULL },
    { "password", KEY_TEXT, false, "of admin, on a device that is activated", NULL, NULL },
    END
};
static const struct key_def k_sign[] = {
    { "pki", KEY_TEXT, true, "file of a test PKI", NULL, NULL },
    { "key", KEY_TEXT, false, "whose private key, default that of leaf", NULL, NULL },
    { "order", KEY_WORD, false, "of the nonces: device_first is right", k_orders, NULL },
    { "hash", KEY_WORD, false, "sha256 is right", k_signatures, NULL },
    { "text", KEY_BOOL, false, "true: signs the base64 texts", NULL, NULL },
    { "password", KEY_TEXT, false, "of admin, on a device that is activated", NULL, NULL },
    END
};
static const struct key_def k_finish[] = {
    { "mode", KEY_WORD, false, "acm (default), ccm, or upgrade", k_setups, NULL },
    { "password", KEY_TEXT, false, "the administrator gets or has it, default P@ssw0rd1", NULL,
      NULL },
    { "user", KEY_TEXT, false, "that is hashed, default admin", NULL, NULL },
    { "realm", KEY_TEXT, false, "that is hashed, default the device's", NULL, NULL },
    { "digits", KEY_COUNT, false, "of the hash that are sent, default 32", NULL, NULL },
    { "encryption_type", KEY_NUMBER, false, "default 2", NULL, NULL },
    { "algorithm", KEY_NUMBER, false, "of the signature, default 2", NULL, NULL },
    END
};
static const struct key_def k_activate_undo[] = {
    { "via", KEY_WORD, false, "host (default: client mode only) or rps", k_undo_via, NULL },
    { "to", KEY_TEXT, false, "rps: the activation actor", NULL, NULL },
    { "password", KEY_TEXT, false, "rps: of admin", NULL, NULL },
    { "path", KEY_TEXT, false, "rps: of the URL", NULL, NULL },
    END
};
static const char *const k_set_modes[] = { "pre", "in", NULL };
static const struct key_def k_set_state[] = {
    DEVICE_STATE_KEYS,
    { "new", KEY_TEXTS, false, "nonce, local_password: as after a restart", NULL, NULL },
    { "mode", KEY_WORD, false, "in: remote configuration begins; pre: it is called off",
      k_set_modes, NULL },
    END
};

#define ALL \
    (ACTOR_MPS | ACTOR_DEVICE | ACTOR_CONSOLE | ACTOR_WIRE | ACTOR_REPLAY | ACTOR_ACTIVATION)
#define PEER (ACTOR_MPS | ACTOR_DEVICE | ACTOR_WIRE)

/* clang-format off */
#define CONTROL(name, type, main, start, poll, doc) \
    { name, NULL, main, NULL, start, poll, doc, 0, type, false }
#define VERB(name, roles, arguments, start, poll, doc) \
    { name, arguments, NULL, NULL, start, poll, doc, roles, KEY_MAP, false }
#define WSMAN(name, arguments, start, doc) \
    VERB("wsman." name, ACTOR_CONSOLE, arguments, start, verb_wsman_poll, doc)
#define LATER(name, part, doc) \
    { name, NULL, NULL, part, NULL, NULL, doc, 0, KEY_ANY, true }

const struct verb_def k_verbs[] = {
    CONTROL("do", KEY_STEPS, NULL, NULL, NULL, "carries out steps, as one actor if it has one"),
    CONTROL("parallel", KEY_STEPS, NULL, NULL, NULL, "carries out steps at the same time"),
    CONTROL("repeat", KEY_NUMBER, NULL, NULL, NULL, "carries out do so often"),
    { "call", k_call, "file", NULL, NULL, NULL,
      "carries out the steps of another file; `as` keeps its result", 0, KEY_MAP, false },
    CONTROL("wait", KEY_DURATION, "for", verb_wait_start, verb_wait_poll, "lets time pass"),
    CONTROL("barrier", KEY_TEXT, "name", verb_barrier_start, verb_barrier_poll,
            "waits for all parallel branches that name it"),
    CONTROL("set", KEY_MAP, NULL, verb_set, NULL, "sets variables"),
    CONTROL("check", KEY_MATCHERS, NULL, verb_check, NULL, "compares values without waiting"),
    CONTROL("log", KEY_TEXT, "text", verb_log, NULL, "puts a line into the trace"),
    CONTROL("fault.arm", KEY_TEXT, "id", verb_fault_arm, NULL, "switches a fault on"),
    CONTROL("fault.disarm", KEY_TEXT, "id", verb_fault_disarm, NULL, "switches a fault off"),
    { "expect", k_expect, NULL, NULL, verb_expect_start, verb_expect_poll,
      "waits for a message, an event or the end of the connection", ALL, KEY_MAP, true },
    VERB("tcp.connect", ACTOR_WIRE, k_nothing, verb_tcp_connect_start, verb_tcp_connect_poll,
         "connects"),
    VERB("tcp.listen", ACTOR_WIRE, k_listen, verb_tcp_listen, NULL, "listens"),
    VERB("tcp.accept", ACTOR_WIRE, k_nothing, verb_tcp_accept_start, verb_tcp_accept_poll,
         "waits for a connection and takes it"),
    { "tcp.send", k_tcp_send, NULL, NULL, verb_tcp_send_start, verb_send_poll, "sends bytes",
      ACTOR_WIRE, KEY_BYTES, false },
    VERB("tcp.fin", PEER, k_nothing, verb_tcp_fin, NULL, "ends the connection with FIN, no TLS close"),
    VERB("tcp.half_close", PEER, k_nothing, verb_tcp_half_close, NULL, "ends the sending direction"),
    VERB("tcp.reset", PEER, k_nothing, verb_tcp_reset, NULL, "ends the connection with RST"),
    VERB("tcp.stall", PEER, k_stall, verb_tcp_stall_start, verb_tcp_stall_poll, "stops reading"),
    VERB("tcp.resume", PEER, k_nothing, verb_tcp_resume, NULL, "reads again"),
    VERB("tls.handshake", ACTOR_WIRE, k_handshake, verb_tls_handshake_start,
         verb_tls_handshake_poll, "connects if need be and puts TLS over the connection"),
    VERB("tls.close_notify", ACTOR_WIRE, k_nothing, verb_tls_close_notify, NULL,
         "ends the sending direction as TLS wants"),
    VERB("tls.drop_without_close", ACTOR_WIRE, k_nothing, verb_tls_drop, NULL,
         "FIN without close_notify"),
    { "apf.send", k_apf_send, NULL, NULL, verb_apf_send_start, verb_send_poll,
      "sends a message; other keys are its fields, defaults are sensible", ACTOR_WIRE, KEY_MAP, true },
    VERB("cira.connect", ACTOR_DEVICE, k_connect, verb_cira_connect_start, verb_cira_connect_poll,
         "calls home and waits for the tunnel"),
    VERB("cira.disconnect", ACTOR_DEVICE | ACTOR_MPS, k_disconnect, verb_cira_disconnect, NULL,
         "sends DISCONNECT; a device does not call again"),
    VERB("cira.keepalive", ACTOR_DEVICE, k_nothing, verb_cira_keepalive_start,
         verb_cira_keepalive_poll, "sends KEEPALIVE_REQUEST and waits for the reply"),
    VERB("cira.rebind", ACTOR_DEVICE, k_rebind, verb_cira_rebind, NULL,
         "announces or takes back ports"),
    VERB("mps.stop", ACTOR_MPS, k_nothing, verb_mps_stop, NULL,
         "ends the server: sockets are cut, nobody is told"),
    VERB("mps.start", ACTOR_MPS, k_mps_start, verb_mps_start, NULL,
         "starts a server that was stopped, at the same address"),
    VERB("device.unplug", ACTOR_DEVICE, k_nothing, verb_device_unplug, NULL,
         "pulls the cable: nobody is told"),
    VERB("device.plug", ACTOR_DEVICE, k_nothing, verb_device_plug, NULL, "puts the cable back"),
    VERB("device.reboot", ACTOR_DEVICE, k_reboot, verb_device_reboot, NULL,
         "the tunnel vanishes without a word; calls home again later"),
    VERB("device.network", ACTOR_DEVICE, k_network, verb_device_network, NULL,
         "plugs it into another network; environment detection decides what that means"),
    VERB("device.clock", ACTOR_DEVICE, k_clock, verb_device_clock, NULL,
         "moves the wall clock (of the whole virtual world)"),
    VERB("chan.open", ACTOR_CONSOLE, k_open, verb_chan_open_start, verb_chan_open_poll,
         "opens a channel to a port of a device"),
    VERB("chan.send", ACTOR_CONSOLE, k_chan_send, verb_chan_send, NULL, "sends bytes on a channel"),
    VERB("chan.close", ACTOR_CONSOLE, k_chan_close, verb_chan_close, NULL, "closes a channel"),
    VERB("http.request", ACTOR_CONSOLE, k_request, verb_http_request_start,
         verb_http_request_poll, "one HTTP request through a channel of its own"),
    LATER("chan.", "channel details", "accept, refuse, grant"),
    LATER("http.", "HTTP server", "respond, chunk"),
    LATER("tls.", "TLS details", "alert, key_update"),
    WSMAN("get", k_wsman_get, verb_wsman_get, "reads an instance"),
    WSMAN("put", k_wsman_put, verb_wsman_put, "reads an instance, changes it and puts it back"),
    WSMAN("create", k_wsman_create, verb_wsman_create, "makes an instance"),
    WSMAN("delete", k_wsman_get, verb_wsman_delete, "removes an instance"),
    WSMAN("enumerate", k_wsman_enumerate, verb_wsman_enumerate, "reads all instances, page by page"),
    WSMAN("pull", k_wsman_pull, verb_wsman_pull, "one page of an enumeration"),
    WSMAN("release", k_wsman_pull, verb_wsman_release, "gives up an enumeration"),
    WSMAN("invoke", k_wsman_invoke, verb_wsman_invoke, "calls a method"),
    VERB("power.request", ACTOR_CONSOLE, k_power_request, verb_power_request, verb_wsman_poll,
         "asks for a power state"),
    { "power.set", k_power_set, "event", NULL, verb_power_set, NULL,
      "something happens at the machine", ACTOR_DEVICE, KEY_MAP, false },
    LATER("wsman.", "WS-Man events", "subscribe, answer, set"),
    LATER("redir.", "redirection", "open, auth, read, write, close"),
    LATER("sol.", "redirection", "serial over LAN"),
    LATER("ider.", "redirection", "IDE redirection"),
    LATER("kvm.", "redirection", "keyboard, video, mouse"),
    VERB("activate.start", ACTOR_DEVICE, k_activate_start, verb_activate_start, verb_activate_poll,
         "the PC's program activates it against a server"),
    VERB("activate.upload_chain", ACTOR_DEVICE, k_upload_chain, verb_activate_upload_chain,
         verb_activate_steps_poll, "sends certificates to the firmware, one after the other"),
    VERB("activate.sign", ACTOR_DEVICE, k_sign, verb_activate_sign, verb_activate_steps_poll,
         "reads the device's nonce and signs it, rightly or not"),
    VERB("activate.finish", ACTOR_DEVICE, k_finish, verb_activate_finish, verb_activate_steps_poll,
         "calls AdminSetup, Setup or UpgradeClientToAdmin, and says what a refusal means"),
    VERB("activate.undo", ACTOR_DEVICE, k_activate_undo, verb_activate_undo, verb_activate_poll,
         "deactivates it: by the host interface, or by a server of RPS"),
    VERB("device.set_state", ACTOR_DEVICE, k_set_state, verb_device_set_state, NULL,
         "changes what the firmware knows or how its PC behaves"),
    LATER("device.firmware_update", "firmware", "updates the firmware"),
    { "replay.run", k_replay_run, "until", NULL, verb_replay_run_start, verb_replay_run_poll,
      "plays the recording: to its end, or to the message with that number", ACTOR_REPLAY, KEY_MAP,
      false },
    LATER("replay.", "replay details", "seek"),
    { NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, KEY_ANY, false }
};
/* clang-format on */

/* A row whose name ends with a dot stands for all further verbs of that layer. */
static bool is_name_of(const struct verb_def *verb, const char *name)
{
    size_t len = strlen(verb->name);
    bool is_layer = verb->name[len - 1] == '.';
    return is_layer ? strncmp(verb->name, name, len) == 0 && name[len] != '\0'
                    : strcmp(verb->name, name) == 0;
}

const struct verb_def *verb_find(const char *name)
{
    for (const struct verb_def *verb = k_verbs; verb->name != NULL; verb++) {
        if (is_name_of(verb, name)) {
            return verb;
        }
    }
    return NULL;
}
