/* Whole activations as MeshCentral sends them, byte by byte, against what a device answers. */
#include "base/unit.h"

#include <stdio.h>
#include <string.h>

#include "simulator/firmware/tests/provisioning_setup.h"

#define FOLDER AMTLAB_SOURCE_DIR "/simulator/firmware/tests/data/activation/wire/"

static void read_file(const char *name, const char *suffix, struct text *out)
{
    char path[300], block[4096];
    (void)snprintf(path, sizeof path, "%s%s%s", FOLDER, name, suffix);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t len; (len = fread(block, 1, sizeof block, file)) > 0;) {
        text_append(out, block, len);
    }
    assert_int_equal(fclose(file), 0);
}

/* The number of a message is the device's own. */
static void without_message_id(struct text *out, const char *envelope)
{
    const char *from = strstr(envelope, "<b:MessageID>");
    const char *to = strstr(envelope, "</b:MessageID>");
    assert_non_null(from);
    assert_non_null(to);
    text_append(out, envelope, (size_t)(from - envelope));
    text_puts(out, to);
}

/* Sends a request of the vectors; the answer is that of the vectors from `from` on. */
static void replay(struct pc *pc, const char *name, const char *from)
{
    struct text request = { 0 }, expected = { 0 }, ours = { 0 }, theirs = { 0 };
    read_file(name, ".req.xml", &request);
    read_file(name, ".rsp.xml", &expected);
    pc_post(pc, text_chars(&request));
    assert_int_equal(pc->status, 200);
    without_message_id(&ours, text_chars(&pc->body));
    without_message_id(&theirs, text_chars(&expected));
    assert_string_equal(strstr(text_chars(&ours), from), strstr(text_chars(&theirs), from));
    text_fini(&request);
    text_fini(&expected);
    text_fini(&ours);
    text_fini(&theirs);
}

/* The device of the vectors: nonce, realm and suffix are theirs. */
static void open_device(struct pc *pc)
{
    static const char k_realm[] = "Digest:0123456789ABCDEF0123456789ABCDEF";
    setup_open(pc, "15.0.23.1706");
    memcpy(pc->firmware->provisioning->realm, k_realm, sizeof k_realm);
}

static void read_state(struct pc *pc)
{
    struct text request = { 0 };
    read_file("01-get-generalsettings", ".req.xml", &request);
    pc_post(pc, text_chars(&request));
    text_fini(&request);
    assert_int_equal(pc->status, 200);
    assert_non_null(
        strstr(text_chars(&pc->body), "<g:DigestRealm>Digest:0123456789ABCDEF0123456789ABCDEF<"));
    /* The vectors leave out the common namespace, which captures of this class declare. */
    replay(pc, "02-get-hbss", "<a:Body>");
}

static void send_chain(struct pc *pc)
{
    replay(pc, "03-addnextcert-0-leaf", "<?xml");
    replay(pc, "04-addnextcert-1-int2", "<?xml");
    replay(pc, "05-addnextcert-2-int1", "<?xml");
    replay(pc, "06-addnextcert-3-root", "<?xml");
}

/* ACT-DEV-003, 005, 008, 017; the admin's password is P@ssw0rd (ACT-DEV-007). */
static void an_admin_activation_and_what_follows(void **state)
{
    struct pc pc;
    (void)state;
    open_device(&pc);
    read_state(&pc);
    send_chain(&pc);
    replay(&pc, "07-adminsetup", "<?xml");
    setup_as_admin(&pc, "P@ssw0rd");
    replay(&pc, "10-setmebxpassword", "<?xml");
    replay(&pc, "14-setadminaclentryex", "<?xml");
    replay(&pc, "11-commitchanges", "<?xml");
    replay(&pc, "12-unprovision", "<?xml");
    pc_run(&pc, UINT64_C(5) * US_PER_SECOND);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    pc_close(&pc);
}

static void a_client_activation_with_its_upgrade(void **state)
{
    struct pc pc;
    (void)state;
    open_device(&pc);
    read_state(&pc);
    replay(&pc, "08-setup-ccm", "<?xml");
    setup_as_admin(&pc, "P@ssw0rd");
    send_chain(&pc);
    /* The signature of the vectors is over their nonce; the device drew a new one (WSM-073). */
    static const uint8_t k_first = 0xa0;
    for (uint8_t i = 0; i < NONCE_BYTES; i++) {
        pc.firmware->provisioning->nonce[i] = (uint8_t)(k_first + i);
    }
    replay(&pc, "09-upgradeclienttoadmin", "<?xml");
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    replay(&pc, "13-partialunprovision", "<?xml");
    pc_close(&pc);
}

static void refusals(void **state)
{
    struct pc pc;
    (void)state;
    open_device(&pc);
    send_chain(&pc);
    replay(&pc, "16-adminsetup-error5", "<?xml");
    assert_int_equal(setup_add(&pc, "leaf-otherroot", true, false), 0);
    replay(&pc, "15-addnextcert-error4", "<?xml");
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_admin_activation_and_what_follows),
        cmocka_unit_test(a_client_activation_with_its_upgrade),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
