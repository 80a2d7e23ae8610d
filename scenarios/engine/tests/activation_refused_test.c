/* What a device, its host or the line between can do to an activation, and the code each gets
 * (activation.md 10). Somebody meddles with single answers of a real firmware. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenarios/engine/tests/activation_pc.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/meddle.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"

enum harm { SAY, FAULT, SWALLOW, SWALLOW_ANSWER, CHANGE, NEW_NONCE, OTHER_NONCE, OTHER_ADMIN };

/* What happens to the answers of one operation. */
struct meddler {
    struct activation_pc *pc;
    const char *class_name, *operation;
    enum harm harm;
    char value;            /* SAY: the ReturnValue, a digit */
    const char *from, *to; /* CHANGE: of the same length */
    uint32_t from_call, calls;
};

static void replace(struct text *bytes, const char *from, const char *to)
{
    char *at = strstr(bytes->chars, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void fault(struct firmware_passing *passing)
{
    static const char k_body[] =
        "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:b=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><a:Header/><a:Body><a:Fault>"
        "<a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:InvalidParameter</a:Value>"
        "</a:Subcode></a:Code><a:Reason><a:Text>no</a:Text></a:Reason></a:Fault></a:Body>"
        "</a:Envelope>";
    text_printf(passing->bytes,
                "HTTP/1.1 400 Bad Request\r\nContent-Type: application/soap+xml; charset=UTF-8\r\n"
                "Content-Length: %u\r\n\r\n%s",
                (unsigned)sizeof k_body - 1u, k_body);
}

static void change_answer(struct meddler *m, struct firmware_passing *passing)
{
    char said[] = "ReturnValue>0<";
    char *nonce;
    static const uint8_t k_other[DIGEST_MD5_BYTES] = { 1 };
    switch (m->harm) {
    case SAY:
        said[12] = m->value;
        replace(passing->bytes, "ReturnValue>0<", said);
        break;
    case CHANGE:
        replace(passing->bytes, m->from, m->to);
        break;
    case NEW_NONCE:   /* another each time */
    case OTHER_NONCE: /* always the same one, and not the device's */
        nonce = strstr(passing->bytes->chars, "ConfigurationNonce>");
        assert_non_null(nonce);
        nonce[19] = m->harm == OTHER_NONCE ? (char)(nonce[19] == 'A' ? 'B' : 'A')
                                           : (char)('A' + m->calls % 26);
        break;
    case OTHER_ADMIN:
        users_set_admin(m->pc->firmware, NULL, k_other);
        break;
    case SWALLOW_ANSWER:
        passing->is_dropped = true;
        passing->hangs_up = true;
        break;
    case FAULT:
    case SWALLOW:
        break;
    }
}

static void meddle(void *ctx, struct firmware_passing *passing)
{
    struct meddler *m = ctx;
    if (strcmp(passing->class_name, m->class_name) != 0 ||
        strcmp(passing->operation, m->operation) != 0 || passing->status == 401) {
        return;
    }
    if (!passing->is_answer) {
        passing->is_dropped = m->harm == SWALLOW;
        if (m->harm == FAULT) {
            fault(passing);
        }
    } else if (++m->calls >= m->from_call) {
        change_answer(m, passing);
    }
}

/* After activation_pc_init. */
static void begin_again(struct activation_pc *pc, const char *leaf)
{
    pc->config.chunk_bytes = 16384; /* so that no chunk ends in what is changed */
    activation_pc_start(pc);
    activation_pc_certificate(pc, leaf, false);
    activation_pc_report(pc);
}

static void begin_with(struct activation_pc *pc, const char *leaf)
{
    activation_pc_init(pc);
    begin_again(pc, leaf);
}

static void end_with(struct activation_pc *pc, enum activation_failure failure)
{
    activation_pc_run(pc);
    if (pc->result.failure != failure || pc->result.outcome != ACTIVATION_FAILED) {
        print_message("%s instead of %s: %s\n%s", activation_failure_code(pc->result.failure),
                      activation_failure_code(failure), pc->detail, pc->said);
    }
    assert_int_equal(pc->result.outcome, ACTIVATION_FAILED);
    assert_string_equal(activation_failure_code(pc->result.failure),
                        activation_failure_code(failure));
    assert_non_null(strstr(pc->said, activation_failure_code(failure)));
    activation_pc_fini(pc);
}

static void meddled(struct meddler meddler, enum activation_policy_type type,
                    enum activation_failure failure)
{
    struct activation_pc pc;
    begin_with(&pc, "leaf");
    pc.policy.type = type;
    meddler.pc = &pc;
    firmware_set_meddler(pc.firmware, meddle, &meddler);
    end_with(&pc, failure);
}

#define SETUP "IPS_HostBasedSetupService"

static void answers_of_add_next_certificate(void **state)
{
    static const struct {
        char value;
        uint32_t from_call;
        enum activation_failure failure;
    } k_rows[] = {
        { '1', 1, ACT_F_CERTIFICATE_ENCODING }, { '3', 1, ACT_F_LEAF_NOT_FIRST },
        { '4', 2, ACT_F_CHAIN_BROKEN },         { '4', 4, ACT_F_ROOT_HASH_GONE },
        { '5', 4, ACT_F_CHAIN_TOO_LONG },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        meddled((struct meddler){ .class_name = SETUP,
                                  .operation = "AddNextCertInChain",
                                  .harm = SAY,
                                  .value = k_rows[i].value,
                                  .from_call = k_rows[i].from_call },
                ACTIVATION_POLICY_ADMIN, k_rows[i].failure);
    }
    meddled(
        (struct meddler){ .class_name = SETUP, .operation = "AddNextCertInChain", .harm = FAULT },
        ACTIVATION_POLICY_ADMIN, ACT_F_CERTIFICATE_ENCODING);
}

static void answers_of_the_setup_methods(void **state)
{
    static const struct {
        const char *method;
        char value;
        enum activation_policy_type type;
        enum activation_failure failure;
    } k_rows[] = {
        { "AdminSetup", '1', ACTIVATION_POLICY_ADMIN, ACT_F_INTERNAL_ERROR },
        { "AdminSetup", '2', ACTIVATION_POLICY_ADMIN, ACT_F_CHAIN_NOT_COMPLETE },
        { "AdminSetup", '3', ACTIVATION_POLICY_ADMIN, ACT_F_PASSWORD_HASH_MALFORMED },
        { "AdminSetup", '6', ACTIVATION_POLICY_ADMIN, ACT_F_FLASH_WEAR_OUT },
        { "Setup", '2', ACTIVATION_POLICY_CLIENT, ACT_F_IN_PROVISIONING },
        { "Setup", '3', ACTIVATION_POLICY_CLIENT, ACT_F_PASSWORD_HASH_MALFORMED },
        { "Setup", '4', ACTIVATION_POLICY_CLIENT, ACT_F_CLIENT_MODE_DISABLED },
        { "Setup", '6', ACTIVATION_POLICY_CLIENT, ACT_F_FLASH_WEAR_OUT },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        meddled((struct meddler){ .class_name = SETUP,
                                  .operation = k_rows[i].method,
                                  .harm = SAY,
                                  .value = k_rows[i].value },
                k_rows[i].type, k_rows[i].failure);
    }
}

/* All facts agree, and still it says 5: the signature. */
static void the_signature_is_refused(void **state)
{
    (void)state;
    meddled((struct meddler){ .class_name = SETUP, .operation = "Get", .harm = OTHER_NONCE },
            ACTIVATION_POLICY_ADMIN, ACT_F_SIGNATURE_REJECTED);
    meddled((struct meddler){ .class_name = SETUP, .operation = "Get", .harm = NEW_NONCE },
            ACTIVATION_POLICY_ADMIN, ACT_F_NONCE_STALE);
}

/* What the firmware refuses by itself. */
static void certificates_that_release_16_does_not_take(void **state)
{
    struct activation_pc pc;
    (void)state;
    begin_with(&pc, "leaf-sha1");
    end_with(&pc, ACT_F_SHA1_NOT_SUPPORTED);
    begin_with(&pc, "leaf-1024");
    end_with(&pc, ACT_F_KEY_TOO_SHORT);
}

static void the_report(void **state)
{
    struct activation_pc pc;
    (void)state;
    begin_with(&pc, "leaf");
    for (uint32_t i = 0; i < pc.report.hash_count; i++) {
        pc.report.hashes[i].is_active = false;
    }
    end_with(&pc, ACT_F_HASHES_INACTIVE);
    begin_with(&pc, "leaf");
    pc.report.wired_link = 0;
    assert_int_equal(provisioning_set_dhcp_suffix(pc.firmware, ""), AMT_OK);
    end_with(&pc, ACT_F_WIRED_LINK_DOWN);
    begin_with(&pc, "leaf");
    pc.report.is_tls_enforced = true;
    end_with(&pc, ACT_F_LOCAL_TLS_ENFORCED);
}

static void the_realm(void **state)
{
    (void)state;
    meddled((struct meddler){ .class_name = "AMT_GeneralSettings",
                              .operation = "Get",
                              .harm = CHANGE,
                              .from = "Realm>Digest:",
                              .to = "Realm>Digezt:" },
            ACTIVATION_POLICY_ADMIN, ACT_F_REALM_MALFORMED);
    meddled((struct meddler){ .class_name = "AMT_GeneralSettings", /* another one afterwards */
                              .operation = "Get",
                              .harm = CHANGE,
                              .from = "Realm>Digest:",
                              .to = "Realm>Digezt:",
                              .from_call = 2 },
            ACTIVATION_POLICY_ADMIN, ACT_F_REALM_DIFFERS);
}

/* Done, but the administrator is another one than was told. */
static void the_administrator_is_refused(void **state)
{
    (void)state;
    meddled((struct meddler){ .class_name = SETUP, .operation = "AdminSetup", .harm = OTHER_ADMIN },
            ACTIVATION_POLICY_ADMIN, ACT_F_PASSWORD_HASH_WRONG);
}

static void a_fault_of_admin_setup(void **state)
{
    struct activation_pc pc;
    struct meddler meddler = { .class_name = SETUP, .operation = "AdminSetup", .harm = FAULT };
    (void)state;
    begin_with(&pc, "leaf");
    meddler.pc = &pc;
    pc.report.version = "19.0.0";
    firmware_set_meddler(pc.firmware, meddle, &meddler);
    end_with(&pc, ACT_F_ADMIN_SETUP_ABSENT);
    meddled(meddler, ACTIVATION_POLICY_ADMIN, ACT_F_PASSWORD_HASH_MALFORMED);
}

/* F45: what was done counts; F58: what was not done is no success. */
static void the_answer_is_lost(void **state)
{
    struct activation_pc pc;
    struct meddler meddler = { .class_name = SETUP,
                               .operation = "AdminSetup",
                               .harm = SWALLOW_ANSWER };
    (void)state;
    begin_with(&pc, "leaf");
    meddler.pc = &pc;
    firmware_set_meddler(pc.firmware, meddle, &meddler);
    activation_pc_run(&pc);
    assert_int_equal(pc.result.outcome, ACTIVATION_DONE);
    assert_string_equal(activation_failure_code(pc.result.failure), "ACT-F-45");
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    activation_pc_fini(&pc);
    meddler.harm = SWALLOW;
    meddled(meddler, ACTIVATION_POLICY_ADMIN, ACT_F_DEVICE_TOO_SLOW);
}

static void client_mode_that_stays(void **state)
{
    struct activation_pc pc;
    (void)state;
    begin_with(&pc, "leaf");
    pc.policy.type = ACTIVATION_POLICY_CLIENT;
    activation_pc_run(&pc);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_CLIENT_CONTROL);
    pc.policy.type = ACTIVATION_POLICY_ADMIN;
    activation_pc_report(&pc);
    pc.unprovision_status = 3;
    activation_pc_run(&pc);
    assert_string_equal(activation_failure_code(pc.result.failure), "ACT-F-49");
    activation_pc_report(&pc);
    pc.channel.unprovision_client_mode = NULL;
    end_with(&pc, ACT_F_CLIENT_MODE_PRESENT);
}

/* --- TLS from the host (4.7) --- */

struct tls_host {
    struct activation_pc pc;
    int status; /* of the start */
    bool takes_another_client, is_announced_wrong;
};

/* The host starts it for the certificate whose hash it was told. */
static void start_tls(void *ctx, const char *hash_hex)
{
    struct tls_host *host = ctx; /* the pc is its first member */
    uint8_t client[32] = { 0 };
    uint8_t own[32] = { 0 };
    size_t len = 0;
    struct text hex = { 0 };
    const X509 *certificate = tls_settings_factory_certificate(host->pc.firmware);
    assert_int_equal(text_parse_hex(hash_hex, client, sizeof client, &len), AMT_OK);
    client[0] ^= host->takes_another_client ? 1 : 0;
    assert_non_null(certificate);
    assert_int_equal(X509_digest(certificate, EVP_sha256(), own, NULL), 1);
    own[0] ^= host->is_announced_wrong ? 1 : 0;
    text_hex(&hex, own, sizeof own);
    if (host->status == 0) {
        assert_int_equal(provisioning_start_host_based(host->pc.firmware, KEYS_HASH_SHA256, client),
                         AMT_OK);
    }
    activation_job_host_done(host->pc.job, host->status, text_chars(&hex));
    text_fini(&hex);
}

static void begin_tls(struct tls_host *host)
{
    memset(host, 0, sizeof *host);
    activation_pc_init(&host->pc);
    host->pc.config.plain_local_port = false;
    begin_again(&host->pc, "leaf");
    host->pc.report.is_tls_enforced = true;
    host->pc.channel.start_tls_configuration = start_tls;
}

static void tls_from_the_host(void **state)
{
    struct tls_host host;
    (void)state;
    begin_tls(&host);
    host.status = 48;
    end_with(&host.pc, ACT_F_START_CONFIGURATION_REFUSED);
    begin_tls(&host);
    host.is_announced_wrong = true;
    end_with(&host.pc, ACT_F_TLS_HASH_DIFFERS);
    begin_tls(&host);
    host.takes_another_client = true;
    end_with(&host.pc, ACT_F_PROVISIONING_HASH_DIFFERS);
    begin_tls(&host);
    activation_pc_run(&host.pc);
    if (host.pc.result.outcome != ACTIVATION_DONE) {
        print_message("%s\n%s", host.pc.detail, host.pc.said);
    }
    assert_int_equal(host.pc.result.outcome, ACTIVATION_DONE);
    assert_int_equal(firmware_mode(host.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    activation_pc_fini(&host.pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_add_next_certificate),
        cmocka_unit_test(answers_of_the_setup_methods),
        cmocka_unit_test(the_signature_is_refused),
        cmocka_unit_test(certificates_that_release_16_does_not_take),
        cmocka_unit_test(the_report),
        cmocka_unit_test(the_realm),
        cmocka_unit_test(the_administrator_is_refused),
        cmocka_unit_test(a_fault_of_admin_setup),
        cmocka_unit_test(the_answer_is_lost),
        cmocka_unit_test(client_mode_that_stays),
        cmocka_unit_test(tls_from_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
