#include <string.h>

#include "base/memory.h"
#include "simulator/device.h"
#include "simulator/profiles.h"

static const char *const k_triggers[] = {
    "none", "user", "alert", "provisioning", "periodic", NULL
};
static const char *const k_starts[] = { "on_commit", "on_link_event", NULL };
static const char *const k_credit[] = { "half", "each", NULL };
static const char *const k_send_modes[] = { "aligned", "coalesced", "dribble", NULL };
static const char *const k_versions[] = { "default", "1.0", "1.1", "1.2", "1.3", NULL };
static const char *const k_services[] = { "auto", "echo", "http", "refuse", "silent", NULL };
static const char *const k_chunk_parsers[] = { "tolerant", "strict", NULL };

#define AT(member) offsetof(struct device_config, member)

static const struct config_key k_reconnect[] = {
    { "first", CONFIG_DURATION, AT(cira.reconnect.first_us), "10s",
      "wait before a quick attempt; `after` is another name", .names = NULL },
    { "after", CONFIG_DURATION, AT(cira.reconnect.after_us), NULL, "the same as first",
      .names = NULL },
    { "attempts", CONFIG_U32, AT(cira.reconnect.attempts), "0",
      "quick attempts before the long pause; 0 = always quick", .names = NULL },
    { "pause", CONFIG_DURATION, AT(cira.reconnect.pause_us), "15m",
      "wait before each attempt after the quick ones", .names = NULL },
    { "jitter", CONFIG_U32, AT(cira.reconnect.jitter_percent), "0",
      "percent by which a wait may be longer", .max = 1000 },
    { "give_up_after", CONFIG_DURATION, AT(cira.reconnect.give_up_after_us), "0",
      "the defect of firmware that calls no more after so long, until its link comes up anew; 0 = "
      "has it not",
      .names = NULL },
    { "disabled", CONFIG_BOOL, AT(cira.reconnect.disabled), "false", "never try again",
      .names = NULL },
    { .name = NULL },
};

static const struct config_key k_cira[] = {
    { "to", CONFIG_TEXT, AT(cira.to), NULL, "MPS address, host:port (4433)", .names = NULL },
    { "access_info", CONFIG_TEXT, AT(cira.access_info), NULL,
      "the MPS name or IP address as provisioned; default: the host of `to`", .names = NULL },
    { "common_name", CONFIG_TEXT, AT(cira.common_name), NULL,
      "Common Name expected of the MPS when access_info is an IP address", .names = NULL },
    { "user", CONFIG_TEXT, AT(cira.user), NULL, "CIRA user name", .names = NULL },
    { "password", CONFIG_TEXT, AT(cira.password), NULL, "CIRA password", .names = NULL },
    { "password_file", CONFIG_TEXT, AT(cira.password_file), NULL,
      "file whose first line is the password", .names = NULL },
    { "trust", CONFIG_TEXT, AT(cira.trust), NULL, "PEM file of the trusted roots", .names = NULL },
    { "verify", CONFIG_BOOL, AT(cira.verify), "true", "verify the MPS certificate as firmware does",
      .names = NULL },
    { "certificate", CONFIG_TEXT, AT(cira.certificate), NULL,
      "client certificate, PEM: mutual TLS, login method none", .names = NULL },
    { "key", CONFIG_TEXT, AT(cira.key), NULL, "its private key, PEM, mode 0600", .names = NULL },
    { "keepalive", CONFIG_DURATION, AT(cira.keepalive_us), "30s", "interval of KEEPALIVE_REQUEST",
      .names = NULL },
    { "keepalive_reply_limit", CONFIG_DURATION, AT(cira.keepalive_reply_limit_us), "30s",
      "end the tunnel when a reply is missing for; 0 = do not care", .names = NULL },
    { "keepalive_negotiable", CONFIG_BOOL, AT(cira.keepalive_negotiable), "true",
      "take the interval that the MPS asks for", .names = NULL },
    { "keepalive_answers", CONFIG_BOOL, AT(cira.keepalive_answers), "true",
      "answer KEEPALIVE_OPTIONS_REQUEST at all", .names = NULL },
    { "lifetime", CONFIG_DURATION, AT(cira.lifetime_us), "0", "end the tunnel after; 0 = never",
      .names = NULL },
    { "connect_limit", CONFIG_DURATION, AT(cira.connect_limit_us), "30s",
      "wait for the TCP connection, and as long again for TLS", .names = NULL },
    { "window", CONFIG_SIZE, AT(cira.window_bytes), "4096B", "receive window of each channel",
      .min = 1, .max = 1048576 },
    { "chunk", CONFIG_SIZE, AT(cira.chunk_bytes), "4087B", "most payload in one CHANNEL_DATA",
      .min = 1, .max = 16384 },
    { "slots", CONFIG_U32, AT(cira.slots), "8", "channels at once", .min = 1, .max = 64 },
    { "first_number", CONFIG_U32, AT(cira.first_number), "0", "number of the first slot",
      .names = NULL },
    { "credit", CONFIG_ENUM, AT(cira.credit), "each",
      "give credit back for each message, or when half of the window is used", .names = k_credit },
    { "trigger", CONFIG_ENUM, AT(cira.trigger), "periodic", "reason given for calling home",
      .names = k_triggers },
    { "start", CONFIG_ENUM, AT(cira.start), "on_commit",
      "when new policies are looked at: when they are configured, or only when the link or the "
      "network changes, as AMT 11 does",
      .names = k_starts },
    { "start_delay", CONFIG_DURATION, AT(cira.start_delay_us), "0",
      "from the configuration of a policy to the first call; not for those of an hour",
      .names = NULL },
    { "forgets_after_sleep", CONFIG_DURATION, AT(cira.forgets_after_sleep_us), "0",
      "the defect of firmware that misses its periodic call after the host has slept so long, "
      "until "
      "the power is gone once; 0 = does not",
      .names = NULL },
    { "send_mode", CONFIG_ENUM, AT(cira.send_mode), "aligned",
      "one message per TLS record; several; or one byte per record", .names = k_send_modes },
    { "service_request_first", CONFIG_BOOL, AT(cira.service_request_first), "false",
      "send SERVICE_REQUEST before PROTOCOLVERSION", .names = NULL },
    { "pipelined_forwards", CONFIG_BOOL, AT(cira.pipelined_forwards), "false",
      "request all forwards at once", .names = NULL },
    { "lenient", CONFIG_BOOL, AT(cira.lenient), "false", "tolerate protocol errors of the MPS",
      .names = NULL },
    { "ignore_stray_close", CONFIG_BOOL, AT(cira.ignore_stray_close), "false",
      "ignore a second CLOSE for a slot that is used again", .names = NULL },
    { "reconnect", CONFIG_MAP, 0, NULL, "when to call again", .children = k_reconnect },
    { .name = NULL },
};

static const struct config_key k_tls[] = {
    { "min", CONFIG_ENUM, AT(tls.min_version), "default", "lowest TLS version [1.2]",
      .names = k_versions },
    { "max", CONFIG_ENUM, AT(tls.max_version), "default", "highest TLS version [1.3]",
      .names = k_versions },
    { "ciphers", CONFIG_TEXT, AT(tls.ciphers), NULL, "OpenSSL cipher list", .names = NULL },
    { "sni", CONFIG_BOOL, AT(tls.sends_sni), "false", "send the server name", .names = NULL },
    { "accepts_san", CONFIG_BOOL, AT(tls.accepts_san), "false",
      "accept the MPS name as SAN too, not only as Common Name", .names = NULL },
    { "offload", CONFIG_BOOL, AT(tls.offload), "false", "plain TCP, for an offloaded MPS port",
      .names = NULL },
    { "key_log", CONFIG_TEXT, AT(tls.key_log), NULL, "TLS key log file; a secret", .names = NULL },
    { .name = NULL },
};

static const struct config_key k_direct[] = {
    { "address", CONFIG_TEXT, AT(direct.address), NULL,
      "address to listen on; further devices of a fleet take the next ones", .names = NULL },
    { "plain_port", CONFIG_U32, AT(direct.plain_port), "16992",
      "port for plain HTTP, 0 picks a free one", .max = 65535 },
    { "tls_port", CONFIG_U32, AT(direct.tls_port), "16993", "port for TLS, 0 picks a free one",
      .max = 65535 },
    { "presence_port", CONFIG_U32, AT(direct.presence_port), "623",
      "UDP port for presence pings (RMCP), 0 picks a free one", .max = 65535 },
    { "local", CONFIG_BOOL, AT(direct.local), "false",
      "connections count as coming from the host ($$OsAdmin may log on)", .names = NULL },
    { .name = NULL },
};

static const struct config_key k_dhcp[] = {
    { "interface", CONFIG_TEXT, AT(dhcp.interface), NULL,
      "network interface behind which a DHCP server is asked for address and domain (option 15); "
      "needs CAP_NET_RAW",
      .names = NULL },
    { .name = NULL },
};

static const struct config_key k_service[] = {
    { "kind", CONFIG_ENUM, AT(service.kind), "auto",
      "auto: the firmware on 16992 and 16993, echo elsewhere; http: a page instead of it; refuse: "
      "CHANNEL_OPEN_FAILURE 2; "
      "silent: takes "
      "and says nothing",
      .names = k_services },
    { "delay", CONFIG_DURATION, AT(service.delay_us), "0", "wait before a channel is confirmed",
      .names = NULL },
    { "closes_first", CONFIG_BOOL, AT(service.closes_first), "false",
      "close the channel after each answer", .names = NULL },
    { "chunk_parser", CONFIG_ENUM, AT(service.chunk_parser), "tolerant",
      "strict: HTTP answers 400 when the last chunk, 0 CRLF CRLF, is split over two messages",
      .names = k_chunk_parsers },
    { .name = NULL },
};

const struct config_key device_config_keys[] = {
    { "uuid", CONFIG_TEXT, AT(uuid), NULL, "system UUID; default: from the seed", .names = NULL },
    { "host_name", CONFIG_TEXT, AT(host_name), "pc", "name of the PC", .names = NULL },
    { "cira", CONFIG_MAP, 0, NULL, "calling home", .children = k_cira },
    { "tls", CONFIG_MAP, 0, NULL, "TLS of the tunnel", .children = k_tls },
    { "firmware", CONFIG_MAP, AT(firmware), NULL, "the AMT firmware",
      .children = firmware_config_keys },
    { "state_dir", CONFIG_TEXT, AT(state_dir), NULL,
      "folder that keeps what the devices were told; without one a device begins anew",
      .names = NULL },
    { "setup_file", CONFIG_TEXT, AT(setup_file), NULL,
      "a USB key with this setup.bin is plugged in when the device starts; a record that is used "
      "up "
      "is marked in the file",
      .names = NULL },
    { "direct", CONFIG_MAP, 0, NULL, "its own network ports, besides the tunnel",
      .children = k_direct },
    { "capture", CONFIG_MAP, AT(capture), NULL, "its sessions as pcapng files, decrypted",
      .children = capture_config_keys },
    { "dhcp", CONFIG_MAP, 0, NULL, "the wired port in a real network", .children = k_dhcp },
    { "forward", CONFIG_NUMBERS, AT(forward), "[16993, 16992, 664, 623, 16995, 16994, 5900]",
      "ports announced, in this order", .names = NULL },
    { "forward_address", CONFIG_TEXT, AT(forward_address), NULL,
      "address announced with them; default: host_name", .names = NULL },
    { "service", CONFIG_MAP, 0, NULL, "what answers on the ports", .children = k_service },
    { .name = NULL },
};

enum amt_err device_config_load(const char *profile_path, const struct yaml_node *overlay,
                                const char *overlay_path, struct device_config *config,
                                struct amt_diag_list *errors)
{
    TRY(config_read(device_config_keys, NULL, "defaults", config, errors));
    if (profile_path != NULL) {
        TRY(profile_overlay(profile_path, config, errors));
    }
    if (overlay != NULL) {
        TRY(profile_overlay_map(overlay, overlay_path, config, errors));
    }
    return AMT_OK;
}

void device_config_fini(struct device_config *config)
{
    if (config->cira.password != NULL) {
        amt_wipe(config->cira.password, strlen(config->cira.password));
    }
    if (config->firmware.admin_password != NULL) {
        amt_wipe(config->firmware.admin_password, strlen(config->firmware.admin_password));
    }
    config_fini(device_config_keys, config);
    for (uint32_t i = 0; i < DEVICE_DOCUMENTS_MAX; i++) {
        yaml_free(config->documents[i]);
        config->documents[i] = NULL;
    }
    config->firmware.instance_set_count = 0;
}
