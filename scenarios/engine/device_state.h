/* What scenarios set on a device besides its configuration: through the firmware's own operations. Keys of
 * `state:` at the start, of device.set_state later. */
#ifndef AMTLAB_SCENARIOS_ENGINE_DEVICE_STATE_H
#define AMTLAB_SCENARIOS_ENGINE_DEVICE_STATE_H

#include "scenarios/engine/actor.h"
#include "scenarios/engine/device_host.h"
#include "simulator/device.h"

/* Rows for a table of keys; without an end. */
#define DEVICE_STATE_KEYS                                                                         \
    { "trusted_roots",                                                                            \
      KEY_LIST,                                                                                   \
      false,                                                                                      \
      "all of its root hashes: hex of 40, 64 or 96 digits, or { hash, active }; [] for none",     \
      NULL,                                                                                       \
      NULL },                                                                                     \
        { "dns_suffix", KEY_TEXT, false, "suffix that its network hands out (DHCP option 15)",    \
          NULL,         NULL },                                                                   \
        { "mebx_suffix", KEY_TEXT, false, "Trusted FQDN, typed by hand in MEBx", NULL, NULL },    \
        { "setup_bin", KEY_MAP,                                                                   \
          false,       "boots with a USB key: { pki_dns_suffix, root, password }",                \
          NULL,        k_device_setup_bin_keys },                                                 \
        { "link", KEY_WORD, false, "cable of the wired port: up or down", k_device_links, NULL }, \
        { "local_ports",        KEY_WORD, false, "open, or refused: LMS does not run",            \
          k_device_local_ports, NULL },                                                           \
        { "allowed_modes",                                                                        \
          KEY_TEXTS,                                                                              \
          false,                                                                                  \
          "acm, ccm; without ccm client mode is switched off",                                    \
          NULL,                                                                                   \
          NULL },                                                                                 \
        { "host_status",                                                                          \
          KEY_MAP,                                                                                \
          false,                                                                                  \
          "commands of the host interface that are refused: { StartConfigurationHBased: 48 }",    \
          NULL,                                                                                   \
          NULL },                                                                                 \
        { "shows_other_hash",                                                                     \
          KEY_BOOL,                                                                               \
          false,                                                                                  \
          "announces another TLS certificate than it has",                                        \
          NULL,                                                                                   \
          NULL },                                                                                 \
    {                                                                                             \
        "takes_other_hash", KEY_BOOL, false, "expects another client than was announced", NULL,   \
            NULL                                                                                  \
    }
extern const struct key_def k_device_setup_bin_keys[];
extern const char *const k_device_links[], *const k_device_local_ports[];

/* Whether a key of `state` is one of these. */
bool device_state_is_key(const char *key);
/* Applies what is in the map; other keys are passed over. A key that cannot be applied: AMT_ECONFIG with
 * diag. */
enum amt_err device_state_apply(struct case_run *run, struct device *device,
                                struct device_host *host, const struct value *state,
                                struct amt_diag *diag);

#endif
