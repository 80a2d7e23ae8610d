/* The table of fault verbs, and the keys of a fault. */
#include <string.h>

#include "scenarios/engine/fault.h"

#define END                                    \
    {                                          \
        NULL, KEY_ANY, false, NULL, NULL, NULL \
    }

const struct key_def k_fault_keys[] = {
    { "id", KEY_TEXT, false, "name for fault.arm and fault.disarm", NULL, NULL },
    { "at", KEY_TEXT, true, "where: actor.layer.direction, such as dev.tcp.out", NULL, NULL },
    { "when", KEY_MAP, false,
      "conditions: msg, its fields (or class, operation, target, status of a request), nth, every, "
      "after, from_byte; all must hold",
      NULL, NULL },
    { "armed", KEY_BOOL, false, "false: waits for fault.arm", NULL, NULL },
    { "times", KEY_COUNT, false, "acts at most so often", NULL, NULL },
    { "probability", KEY_CHANCE, false, "0 to 1, drawn from the seed", NULL, NULL },
    { "do", KEY_MAP, true, "one fault verb", NULL, NULL },
    END
};

const struct key_def k_condition_keys[] = {
    { "msg", KEY_TEXT, false, "a message; other keys are its fields", NULL, NULL },
    { "nth", KEY_COUNT, false, "only the nth that fits", NULL, NULL },
    { "every", KEY_COUNT, false, "only each such one that fits", NULL, NULL },
    { "after", KEY_DURATION, false, "not before that time since it was armed", NULL, NULL },
    { "from_byte", KEY_SIZE, false, "not before that byte of the direction", NULL, NULL },
    END
};

static const struct key_def k_nothing[] = { END };
static const struct key_def k_delay[] = {
    { "by", KEY_DURATION, true, "how long", NULL, NULL },
    { "jitter", KEY_DURATION, false, "at most so much more, drawn from the seed", NULL, NULL },
    END
};
static const struct key_def k_throttle[] = { { "rate", KEY_RATE, true, "16KiB/s", NULL, NULL },
                                             END };
static const struct key_def k_split[] = {
    { "size", KEY_PIECE, true, "bytes of a piece, or each for single bytes", NULL, NULL },
    { "gap", KEY_DURATION, false, "time between the pieces", NULL, NULL },
    END
};
static const struct key_def k_coalesce[] = {
    { "within", KEY_DURATION, false, "what comes in this time is joined, default 5ms", NULL, NULL },
    END
};
static const struct key_def k_reorder[] = {
    { "with", KEY_TEXT, false, "next: the one that follows goes first", NULL, NULL }, END
};
static const struct key_def k_stall[] = {
    { "for", KEY_DURATION, false, "how long; without it until fault.disarm", NULL, NULL }, END
};
static const struct key_def k_truncate[] = {
    { "to", KEY_NUMBER, true, "bytes to keep; negative: bytes to drop at the end", NULL, NULL }, END
};
static const struct key_def k_corrupt[] = {
    { "bits", KEY_NUMBER, false, "bits to flip at places drawn from the seed", NULL, NULL },
    { "at", KEY_NUMBER, false, "offset of the byte; negative: from the end", NULL, NULL },
    { "xor", KEY_NUMBER, false, "what to change it by, default 0xff", NULL, NULL },
    END
};
static const struct key_def k_field[] = { { "name", KEY_TEXT, true, "field of the message", NULL,
                                            NULL },
                                          { "value", KEY_ANY, true, "what it becomes", NULL, NULL },
                                          END };
static const struct key_def k_type[] = {
    { "to", KEY_NUMBER, true, "number of the message type", NULL, NULL }, END
};
static const struct key_def k_length[] = {
    { "delta", KEY_NUMBER, false, "added to the message's first length word", NULL, NULL },
    { "value", KEY_NUMBER, false, "put in its place", NULL, NULL },
    END
};
static const struct key_def k_window[] = {
    { "steal", KEY_SIZE, false, "bytes kept back of each grant", NULL, NULL },
    { "never_grant", KEY_BOOL, false, "true: grants are dropped", NULL, NULL },
    { "overrun", KEY_SIZE, false, "bytes sent beyond each CHANNEL_DATA", NULL, NULL },
    END
};
static const struct key_def k_open_failure[] = {
    { "reason", KEY_NUMBER, true, "reason of CHANNEL_OPEN_FAILURE (apf.md 3.14)", NULL, NULL }, END
};
static const char *const k_flaws[] = { "expired", "wrong_host", "unknown_ca", NULL };
static const struct key_def k_tls_cert[] = {
    { "flaw", KEY_WORD, true, "what is wrong with the certificate", k_flaws, NULL }, END
};

static const char *const k_bodies[] = { "none", "html", "chunked", NULL };
static const struct key_def k_http_status[] = {
    { "status", KEY_NUMBER, true, "400, 503 ...", NULL, NULL },
    { "body", KEY_WORD, false, "none (default), html, or chunked without a chunk", k_bodies, NULL },
    END
};
static const char *const k_forms[] = { "chunked",          "length",         "lower_case",
                                       "no_blank",         "until_close",    "http_1_0",
                                       "length_and_close", "continue_first", NULL };
static const struct key_def k_http_framing[] = {
    { "form", KEY_WORD, true, "how the end of the body is told", k_forms, NULL }, END
};
static const struct key_def k_http_body[] = {
    { "short", KEY_COUNT, true, "bytes missing at the end; the connection closes", NULL, NULL }, END
};
static const struct key_def k_soap_fault[] = {
    { "code", KEY_TEXT, true, "subcode, wsman:TimedOut", NULL, NULL },
    { "detail", KEY_TEXT, false, "MissingValues, AMT-STATUS 36 ...", NULL, NULL },
    { "status", KEY_NUMBER, false, "HTTP status, default that of the fault", NULL, NULL },
    END
};
static const struct key_def k_return_value[] = {
    { "value", KEY_NUMBER, true, "what the method returns", NULL, NULL }, END
};
static const struct key_def k_pretend[] = {
    { "value", KEY_NUMBER, true, "what the method is said to return", NULL, NULL }, END
};
static const char *const k_overload_actions[] = { "hang", "drop_tunnel", NULL };
static const struct key_def k_overload[] = {
    { "max_inflight", KEY_COUNT, true, "requests that it can hold", NULL, NULL },
    { "action", KEY_WORD, false, "hang (default): answers nothing more; or drop_tunnel",
      k_overload_actions, NULL },
    END
};
static const struct key_def k_xml[] = {
    { "relates_to", KEY_ANY, false, "the answer relates to another message", NULL, NULL },
    { "cut", KEY_BOOL, false, "true: the second half of the envelope is missing", NULL, NULL },
    { "find", KEY_TEXT, false, "text of the envelope; what follows up to the next '<' becomes put",
      NULL, NULL },
    { "put", KEY_TEXT, false, "see find", NULL, NULL },
    { "deep", KEY_COUNT, false, "so many elements in each other instead of the envelope", NULL,
      NULL },
    END
};

#define HTTP  (FAULT_LAYER_HTTP | FAULT_LAYER_WSMAN)
#define WSMAN FAULT_LAYER_WSMAN
#define TCP   FAULT_LAYER_TCP
#define APF   FAULT_LAYER_APF
#define BOTH  (FAULT_LAYER_TCP | FAULT_LAYER_APF)

const struct fault_verb k_fault_verbs[] = {
    { "delay", BOTH | HTTP, NULL, k_delay, "by", fault_delay, "keeps what passes for a while" },
    { "drop", BOTH | HTTP, NULL, k_nothing, "it", fault_drop, "removes it (withhold)" },
    { "duplicate", BOTH, NULL, k_nothing, "it", fault_duplicate, "sends it twice" },
    { "reorder", BOTH, NULL, k_reorder, "with", fault_reorder, "lets the next one go first" },
    { "throttle", BOTH, NULL, k_throttle, "rate", fault_throttle, "limits bytes per second" },
    { "corrupt", BOTH, NULL, k_corrupt, "bits", fault_corrupt, "changes bits or a byte" },
    { "truncate", BOTH, NULL, k_truncate, "to", fault_truncate, "cuts it short" },
    { "replace", BOTH, NULL, NULL, "bytes", fault_replace, "puts bytes in its place" },
    { "insert", BOTH, NULL, NULL, "bytes", fault_insert, "puts bytes before it" },
    { "split", BOTH, NULL, k_split, "size", fault_split, "cuts it into pieces" },
    { "coalesce", BOTH, NULL, k_coalesce, "within", fault_coalesce, "joins it with what follows" },
    { "stall", BOTH, NULL, k_stall, "for", fault_stall, "delivers nothing for a while" },
    { "blackhole", BOTH, NULL, k_nothing, "it", fault_blackhole,
      "swallows everything; neither end is told" },
    { "reset", BOTH, NULL, k_nothing, "it", fault_reset, "resets the connection" },
    { "fin", BOTH | HTTP, NULL, k_nothing, "it", fault_fin, "closes the connection in order" },
    { "half_close", BOTH, NULL, k_nothing, "it", fault_half_close, "ends one direction" },
    { "refuse", TCP, NULL, k_nothing, "it", NULL, "refuses connections" },
    { "tls_cert", FAULT_LAYER_TLS, NULL, k_tls_cert, "flaw", NULL,
      "gives the server a certificate that is expired, for another host, or of an unknown CA" },
    { "apf_field", APF, NULL, k_field, "name", fault_apf_field, "changes a field of the message" },
    { "apf_type", APF, NULL, k_type, "to", fault_apf_type, "changes the message's type byte" },
    { "apf_length", APF, NULL, k_length, "value", fault_apf_length, "lies about a length" },
    { "window", APF, NULL, k_window, NULL, fault_window, "breaks the flow control of channels" },
    { "open_failure", APF, NULL, k_open_failure, "reason", fault_open_failure,
      "answers CHANNEL_OPEN with a failure" },
    { "tls_alert", FAULT_LAYER_TLS, "TLS faults", NULL, NULL, NULL, "sends an alert" },
    { "tls_version", FAULT_LAYER_TLS, "TLS faults", NULL, NULL, NULL, "offers another version" },
    { "tls_bad_mac", FAULT_LAYER_TLS, "TLS faults", NULL, NULL, NULL, "damages a record" },
    { "tls_record_split", FAULT_LAYER_TLS, "TLS faults", NULL, NULL, NULL, "cuts records" },
    { "tls_truncate", FAULT_LAYER_TLS, "TLS faults", NULL, NULL, NULL, "ends within a record" },
    { "http_status", HTTP, NULL, k_http_status, "status", NULL, "answers with a bare status" },
    { "http_framing", HTTP, NULL, k_http_framing, "form", NULL,
      "tells the end of the body in another way" },
    { "http_body", HTTP, NULL, k_http_body, "short", NULL, "ends before the body is complete" },
    { "overload", HTTP, NULL, k_overload, "max_inflight", NULL,
      "gives up when more requests are under way than it can hold" },
    { "soap_fault", WSMAN, NULL, k_soap_fault, "code", NULL, "answers with a fault" },
    { "return_value", WSMAN, NULL, k_return_value, "value", NULL, "another return value" },
    { "pretend", WSMAN, NULL, k_pretend, "value", NULL,
      "answers a method without carrying it out (at .in)" },
    { "xml", WSMAN, NULL, k_xml, NULL, NULL, "another envelope" },
    { "http_header", FAULT_LAYER_LATER, "HTTP headers", NULL, NULL, NULL, "other headers" },
    { "http_chunk", FAULT_LAYER_LATER, "HTTP chunks", NULL, NULL, NULL, "broken chunks" },
    { NULL, 0, NULL, NULL, NULL, NULL, NULL }
};

const struct fault_verb *fault_verb_find(const char *name)
{
    for (const struct fault_verb *verb = k_fault_verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}
