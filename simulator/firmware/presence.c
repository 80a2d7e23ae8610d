#include "simulator/firmware/presence.h"

#include <string.h>

#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/settings.h"

#define PLAIN_PORT    16992u
#define TLS_PORT      16993u
#define ASF_VERSION   1u
#define DASH_SINCE    320u
#define NIBBLE_MAX    15u
#define SETTINGS      "AMT_GeneralSettings"
#define PING_PROPERTY "RmcpPingResponseEnabled"

struct presence {
    struct firmware *firmware;
    struct udp_socket *socket;
};

/* As written, else as the device was born. */
static bool is_enabled(const struct firmware *firmware)
{
    const char *written = settings_get(firmware, SETTINGS, "", PING_PROPERTY);
    if (written != NULL) {
        return written[0] == 't' || written[0] == 'T' || written[0] == '1'; /* wsman.md 2.7 */
    }
    const struct profile_class *class = firmware_profile_class(firmware->profile, SETTINGS);
    return wsman_get_bool(class == NULL ? NULL : class->instances, PING_PROPERTY, true);
}

static uint8_t to_nibble(uint32_t value)
{
    return (uint8_t)(value > NIBBLE_MAX ? NIBBLE_MAX : value);
}

/* From release 16 on the version does not fit its four bits: the largest stands for it (unverified);
 * scanners read the whole version from the Server header. */
static void describe(const struct firmware *firmware, struct rmcp_presence *presence)
{
    bool has_plain = firmware_port_is_open(firmware, PLAIN_PORT, FIRMWARE_NETWORK);
    bool has_tls = firmware_port_is_open(firmware, TLS_PORT, FIRMWARE_NETWORK);
    uint32_t release = firmware->profile->release;
    *presence = (struct rmcp_presence){
        .enterprise = RMCP_ENTERPRISE_INTEL,
        .open_port = (uint16_t)(has_tls     ? TLS_PORT
                                : has_plain ? PLAIN_PORT
                                            : 0),
        .major = to_nibble(release / 100),
        .minor = to_nibble(release % 100 / 10),
        .provisioning = (uint8_t)provisioning_state(firmware),
        .has_both_ports = has_plain && has_tls,
        .asf_version = ASF_VERSION,
        .is_dash = release >= DASH_SINCE,
    };
}

uint32_t presence_answer(const struct firmware *firmware, const uint8_t *in, uint32_t len,
                         uint8_t out[static RMCP_PONG_BYTES])
{
    struct rmcp_message message;
    if (rmcp_decode(in, len, &message) != AMT_OK || message.kind != RMCP_PING ||
        provisioning_state(firmware) == PROVISIONING_PRE || !provisioning_network_is_on(firmware) ||
        !is_enabled(firmware)) {
        return 0;
    }
    message.kind = RMCP_PONG;
    describe(firmware, &message.presence);
    return rmcp_encode(&message, out, RMCP_PONG_BYTES);
}

static void on_datagram(void *ctx, const struct address *from, const uint8_t *in, uint32_t len)
{
    const struct presence *presence = ctx;
    uint8_t out[RMCP_PONG_BYTES];
    uint32_t out_len = presence_answer(presence->firmware, in, len, out);
    if (out_len > 0 && udp_send(presence->socket, from, out, out_len) != AMT_OK) {
        LOG(presence->firmware->log, LOG_DEBUG, "presence.not_sent",
            log_text("uuid", presence->firmware->uuid_text), log_text("to", from->host));
    }
}

struct presence *presence_open(struct loop *loop, struct firmware *firmware,
                               const struct address *address, struct amt_diag *diag)
{
    struct presence *presence = amt_alloc(sizeof *presence);
    if (presence == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    presence->firmware = firmware;
    presence->socket = udp_open(loop, address, on_datagram, presence, diag);
    if (presence->socket == NULL) {
        amt_free(presence);
        return NULL;
    }
    return presence;
}

void presence_address(const struct presence *presence, struct address *address)
{
    udp_address(presence->socket, address);
}

void presence_close(struct presence *presence)
{
    if (presence != NULL) {
        udp_close(presence->socket);
        amt_free(presence);
    }
}
