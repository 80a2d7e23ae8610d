/* What is done a moment after an answer: all of it, also when answers follow each other quickly. */
#include <string.h>

#include "base/unit.h"
#include "protocol/wsman/names.h"
#include "simulator/firmware/exchange.h"
#include "simulator/firmware/tests/pc.h"

static void on_reply(void *ctx, int status, const struct text *envelope)
{
    (void)envelope;
    *(int *)ctx = status;
}

/* A method without parameters, as the administrator; its HTTP status. */
static int ask(struct pc *pc, const char *class_name, const char *method, const char *input)
{
    static const struct firmware_user k_admin = { .name = "admin", .is_admin = true };
    struct text out = { 0 };
    int status = 0;
    text_printf(&out,
                "<Envelope xmlns=\"%s\" xmlns:a=\"%s\" xmlns:w=\"%s\" xmlns:r=\"%s%s\"><Header>"
                "<a:Action>%s%s/%s</a:Action><a:To>/wsman</a:To><w:ResourceURI>%s%s"
                "</w:ResourceURI><a:MessageID>1</a:MessageID><a:ReplyTo><a:Address>%s</a:Address>"
                "</a:ReplyTo></Header><Body><r:%s_INPUT>%s</r:%s_INPUT></Body></Envelope>",
                WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, WSMAN_NS_AMT, class_name,
                WSMAN_NS_AMT, class_name, method, WSMAN_NS_AMT, class_name, WSMAN_ANONYMOUS, method,
                input, method);
    assert_null(firmware_exchange(pc->firmware, &k_admin, FIRMWARE_NETWORK, "192.0.2.1:5",
                                  text_chars(&out), out.len, on_reply, &status));
    text_fini(&out);
    return status;
}

static void the_end_of_provisioning_is_not_lost_behind_another_answer(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(ask(&pc, "AMT_SetupAndConfigurationService", "Unprovision",
                         "<r:ProvisioningMode>1</r:ProvisioningMode>"),
                     200);
    assert_int_equal(ask(&pc, "AMT_RemoteAccessService", "CloseRemoteAccessConnection", ""), 200);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    pc_close(&pc);
}

static void the_same_twice_is_done_once(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(&pc, "AMT_RemoteAccessService", "CloseRemoteAccessConnection", ""),
                         200);
    }
    assert_int_equal(pc.firmware->afterwards_count, 1);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(pc.firmware->afterwards_count, 0);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_provisioning_is_not_lost_behind_another_answer),
        cmocka_unit_test(the_same_twice_is_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
