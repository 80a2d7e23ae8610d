/*
 * A PC's own side of a firmware: tools that ask over the host interface, and USB keys at boot.
 * Byte 0: bits 0-1 control mode at birth, bits 2-3 release. Then pieces: u16 length (little-endian), and
 * that many bytes of a request; with bit 15 of the length they are a setup.bin instead. Oracles: an answer is a response to the
 * command that was asked, there is none only to what is no request; state and control mode fit
 * together; nobody gets into admin control mode over the host interface; a refused key leaves the MEBx
 * password and the file alone; a used up record is marked.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/mei/pthi.h"
#include "protocol/setupbin/codec.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/setup_file.h"
#include "simulator/host/pthi.h"

#define PIECES_MAX 24u
#define IS_KEY     0x8000u

static const struct firmware_profile *profile(uint32_t mode, uint32_t release)
{
    static struct firmware_profile *made[3][4];
    static struct firmware_config configs[3][4];
    static const char *const k_versions[] = { "16.1.25.2124", "11.8.55.3510", "19.0.0.1000",
                                              "9.1.2.1000" };
    struct firmware_config *config = &configs[mode][release];
    if (made[mode][release] == NULL) {
        FUZZ_REQUIRE(config_read(firmware_config_keys, NULL, "fuzz", config, NULL) == AMT_OK);
        amt_free(config->version);
        config->version = amt_strdup(k_versions[release]);
        config->control_mode = (int)mode;
        made[mode][release] = firmware_profile_new(config, "fuzz", NULL);
        FUZZ_REQUIRE(made[mode][release] != NULL);
    }
    return made[mode][release];
}

static void check_state(const struct firmware *firmware)
{
    FUZZ_REQUIRE((provisioning_state(firmware) == PROVISIONING_POST) ==
                 (firmware_mode(firmware) != FIRMWARE_NOT_PROVISIONED));
}

static void ask(struct firmware *firmware, const uint8_t *in, uint32_t len)
{
    static uint8_t out[PTHI_MESSAGE_MAX];
    static struct pthi_response response;
    uint32_t out_len = 0;
    bool was_admin = firmware_mode(firmware) == FIRMWARE_ADMIN_CONTROL;
    uint32_t status = host_pthi_answer(firmware, in, len, out, sizeof out, &out_len);
    bool is_request = len >= PTHI_HEADER_BYTES && (in[6] & 0x80) == 0;
    FUZZ_REQUIRE((out_len > 0) == is_request);
    if (is_request) {
        uint32_t command = in[4] | UINT32_C(0x100) * in[5] | UINT32_C(0x10000) * in[6] |
                           UINT32_C(0x1000000) * in[7];
        FUZZ_REQUIRE(pthi_decode_response(out, out_len, command, &response) == AMT_OK);
        FUZZ_REQUIRE(response.status == status);
    }
    FUZZ_REQUIRE((firmware_mode(firmware) == FIRMWARE_ADMIN_CONTROL) == was_admin);
}

static void plug_in(struct firmware *firmware, const uint8_t *in, uint32_t len)
{
    struct setup_file_result result;
    struct amt_diag diag = { .err = AMT_OK };
    uint8_t *file = amt_memdup(in, len);
    FUZZ_REQUIRE(file != NULL);
    bool had_factory_password = mebx_password_is(firmware, "admin", 5);
    enum amt_err err = setup_file_apply(firmware, file, len, &result, &diag);
    if (err == AMT_OK) {
        FUZZ_REQUIRE(result.record > 0);
        FUZZ_REQUIRE(result.is_file_changed == ((file[26] & SETUPBIN_KEEP_RECORDS) == 0));
    } else {
        FUZZ_REQUIRE(diag.text[0] != '\0' && !result.is_file_changed);
        FUZZ_REQUIRE(memcmp(file, in, len) == 0);
        FUZZ_REQUIRE(mebx_password_is(firmware, "admin", 5) == had_factory_password);
    }
    setup_file_result_fini(&result);
    amt_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtual_world k_world = { .seed = 1 };
    if (size < 1 || size > 16384) {
        return 0;
    }
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    struct firmware_settings settings = { .profile = profile((data[0] & 3u) % 3, data[0] >> 2 & 3u),
                                          .seed = 1 };
    FUZZ_REQUIRE(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &settings.uuid) == AMT_OK);
    struct firmware *firmware = firmware_new(loop, &settings, NULL);
    FUZZ_REQUIRE(firmware != NULL);
    size_t at = 1;
    for (uint32_t i = 0; i < PIECES_MAX && size - at >= 2; i++) {
        uint32_t head = data[at] + 256u * data[at + 1], len = head & 0x3fffu;
        at += 2;
        len = len > size - at ? (uint32_t)(size - at) : len;
        if ((head & IS_KEY) != 0) {
            plug_in(firmware, data + at, len);
        } else {
            ask(firmware, data + at, len);
        }
        check_state(firmware);
        at += len;
    }
    firmware_free(firmware);
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + 1000);
    loop_free(loop);
    return 0;
}
