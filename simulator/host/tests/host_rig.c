#include "simulator/host/tests/host_rig.h"

#include <string.h>

#include "base/unit.h"
#include "simulator/host/pthi.h"

static void on_close_tunnel(void *ctx)
{
    struct host_rig *rig = ctx;
    rig->tunnels_closed++;
}

void host_rig_open(struct host_rig *rig, enum firmware_mode mode, const char *version)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag_list errors = { .count = 0 };
    memset(rig, 0, sizeof *rig);
    rig->loop = loop_new_virtual(&k_world, NULL);
    rig->log = log_new(rig->loop);
    assert_int_equal(config_read(firmware_config_keys, NULL, "defaults", &rig->config, &errors),
                     AMT_OK);
    rig->config.control_mode = (int)mode;
    if (version != NULL) {
        amt_free(rig->config.version);
        rig->config.version = amt_strdup(version);
    }
    rig->profile = firmware_profile_new(&rig->config, "test", &errors);
    assert_non_null(rig->profile);
    amt_diag_list_fini(&errors);
    struct firmware_settings settings = { .profile = rig->profile, .seed = 1, .log = rig->log };
    settings.hooks.close_tunnel = on_close_tunnel;
    settings.hooks.ctx = rig;
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &settings.uuid), AMT_OK);
    rig->firmware = firmware_new(rig->loop, &settings, NULL);
    assert_non_null(rig->firmware);
}

void host_rig_close(struct host_rig *rig)
{
    firmware_free(rig->firmware);
    firmware_profile_free(rig->profile);
    config_fini(firmware_config_keys, &rig->config);
    host_rig_run(rig, US_PER_SECOND);
    log_free(rig->log);
    loop_free(rig->loop);
}

uint32_t host_rig_ask(struct host_rig *rig, const struct pthi_request *request, const void *from)
{
    uint8_t in[PTHI_MESSAGE_MAX];
    uint32_t len = pthi_encode_request(request, from, in, sizeof in);
    assert_true(len >= PTHI_HEADER_BYTES && len <= sizeof in);
    uint32_t status =
        host_pthi_answer(rig->firmware, in, len, rig->answer, sizeof rig->answer, &rig->answer_len);
    assert_int_equal(
        pthi_decode_response(rig->answer, rig->answer_len, request->command, &rig->response),
        AMT_OK); /* MEI-020 */
    assert_int_equal(rig->response.status, status);
    assert_true(status == PTHI_SUCCESS || rig->answer_len == 16);
    return status;
}

uint32_t host_rig_get(struct host_rig *rig, uint32_t command)
{
    struct pthi_request request = { .command = command };
    return host_rig_ask(rig, &request, NULL);
}

uint32_t host_rig_number(struct host_rig *rig, uint32_t command, uint32_t number)
{
    struct pthi_request request = { .command = command, .has_number = true, .number = number };
    return host_rig_ask(rig, &request, NULL);
}

uint32_t host_rig_text(struct host_rig *rig, uint32_t command, const char *text)
{
    struct pthi_request request = { .command = command };
    request.bytes.len = (uint32_t)strlen(text);
    return host_rig_ask(rig, &request, text);
}

bool host_rig_said(const struct host_rig *rig, const char *text)
{
    return rig->response.bytes.len == strlen(text) &&
           memcmp(rig->answer + rig->response.bytes.off, text, strlen(text)) == 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

void host_rig_run(struct host_rig *rig, uint64_t us)
{
    (void)loop_run_until(rig->loop, never, NULL, loop_now_us(rig->loop) + us);
}
