#include "simulator/firmware/tests/pc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "protocol/http/digest.h"
#include "protocol/wsman/names.h"
#include "simulator/firmware/provisioning.h"

void pc_init(struct pc *pc)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag_list errors = { .count = 0 };
    memset(pc, 0, sizeof *pc);
    pc->loop = loop_new_virtual(&k_world, NULL);
    pc->log = log_new(pc->loop);
    pc->user = "admin";
    pc->password = PC_PASSWORD;
    assert_int_equal(config_read(firmware_config_keys, NULL, "defaults", &pc->config, &errors),
                     AMT_OK);
    amt_diag_list_fini(&errors);
}

void pc_start(struct pc *pc)
{
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    pc->profile = firmware_profile_new(&pc->config, "test", &errors);
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    assert_non_null(pc->profile);
    struct firmware_settings settings = {
        .profile = pc->profile, .seed = 1, .log = pc->log, .state_dir = pc->state_dir
    };
    assert_int_equal(uuid_parse("55e3ae13-bfd2-61bb-17a0-88aedd7037ea", &settings.uuid), AMT_OK);
    pc->firmware = firmware_new(pc->loop, &settings, &diag);
    if (pc->firmware == NULL) {
        amt_diag_print(&diag, stderr);
    }
    assert_non_null(pc->firmware);
}

void pc_open(struct pc *pc)
{
    pc_init(pc);
    pc_start(pc);
}

void pc_close(struct pc *pc)
{
    firmware_free(pc->firmware);
    firmware_profile_free(pc->profile);
    config_fini(firmware_config_keys, &pc->config);
    pc_run(pc, US_PER_SECOND);
    log_free(pc->log);
    loop_free(pc->loop);
    arena_fini(&pc->arena);
    text_fini(&pc->body);
    text_fini(&pc->raw);
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

void pc_run(struct pc *pc, uint64_t us)
{
    (void)loop_run_until(pc->loop, never, NULL, loop_now_us(pc->loop) + us);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct pc *pc = ctx;
    text_append(&pc->raw, (const char *)in, len);
}

void pc_send(struct pc *pc, const void *bytes, size_t len)
{
    static const struct stream_handler k_handler = { .on_data = on_data };
    struct stream *ours;
    struct stream *theirs;
    text_fini(&pc->raw);
    pc->raw = (struct text){ 0 };
    assert_int_equal(stream_memory_pair(pc->loop, &ours, &theirs), AMT_OK);
    stream_set_handler(ours, &k_handler, pc);
    firmware_serve(pc->firmware, theirs, pc->door);
    assert_int_equal(stream_write(ours, bytes, (uint32_t)len), AMT_OK);
    pc_run(pc, 3 * (uint64_t)US_PER_SECOND);
    stream_close(ours);
    pc_run(pc, US_PER_MS);
}

/* Status and body of raw; chunks are joined, strictly in AMT's form (WSM-005). */
static void read_answer(struct pc *pc)
{
    const char *raw = text_chars(&pc->raw);
    const char *head_end = strstr(raw, "\r\n\r\n");
    text_fini(&pc->body);
    pc->body = (struct text){ 0 };
    pc->status = strncmp(raw, "HTTP/1.1 ", 9) == 0 ? (int)strtol(raw + 9, NULL, 10) : 0;
    if (head_end == NULL) {
        return;
    }
    const char *at = head_end + 4;
    if (strstr(raw, "Transfer-Encoding: chunked") == NULL) {
        text_puts(&pc->body, at);
        return;
    }
    for (;;) {
        char *end;
        unsigned long size = strtoul(at, &end, 16);
        if (size == 0) {
            assert_string_equal(at, "0\r\n\r\n");
            break;
        }
        assert_int_equal(end - at, 4);
        text_append(&pc->body, end + 2, size);
        at = end + 2 + size + 2;
    }
}

static void take_challenge(struct pc *pc)
{
    const char *header = strstr(text_chars(&pc->raw), "WWW-Authenticate: ");
    struct digest_header challenge;
    char line[512] = "";
    if (header == NULL) {
        return;
    }
    header += strlen("WWW-Authenticate: ");
    size_t len = strcspn(header, "\r");
    assert_true(len < sizeof line);
    memcpy(line, header, len);
    assert_int_equal(digest_header_read(line, &challenge), AMT_OK);
    memcpy(pc->nonce, challenge.nonce.text, challenge.nonce.len);
    pc->nonce[challenge.nonce.len] = '\0';
    pc->count = 0;
}

static void post_once(struct pc *pc, const char *body)
{
    struct text out = { 0 };
    text_puts(&out, "POST /wsman HTTP/1.1\r\n");
    if (pc->nonce[0] != '\0') {
        char header[256];
        struct digest_header challenge;
        (void)snprintf(header, sizeof header, "Digest realm=\"%s\",nonce=\"%s\",qop=\"auth\"",
                       provisioning_realm(pc->firmware), pc->nonce);
        assert_int_equal(digest_header_read(header, &challenge), AMT_OK);
        struct digest_client client = { .user = pc->user,
                                        .password = pc->password,
                                        .password_len = strlen(pc->password),
                                        .method = "POST",
                                        .uri = "/wsman",
                                        .cnonce = "0a4f113b",
                                        .nc = ++pc->count };
        text_puts(&out, "Authorization: ");
        digest_authorize(&out, &challenge, &client);
        text_puts(&out, "\r\n");
    }
    text_printf(&out, "Host: pc:16992\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    pc_send(pc, text_chars(&out), out.len);
    read_answer(pc);
    text_fini(&out);
}

void pc_post(struct pc *pc, const char *body)
{
    if (pc->nonce[0] == '\0') {
        post_once(pc, "");
        take_challenge(pc);
    }
    post_once(pc, body);
    if (pc->status == 401 && !pc->gives_up) { /* perhaps the nonce is too old */
        take_challenge(pc);
        post_once(pc, body);
    }
    if (pc->status == 401) {
        pc->nonce[0] = '\0';
    }
}

static void put_action(struct text *out, const char *action, const char *class_name)
{
    for (int i = WSMAN_GET; i < WSMAN_METHOD; i++) {
        if (strcmp(action, wsman_operation_name((enum wsman_operation)i)) == 0) {
            text_puts(out, wsman_operation_action((enum wsman_operation)i));
            return;
        }
    }
    text_printf(out, "%s%s/%s", wsman_class_namespace(class_name), class_name, action);
}

static void put_selectors(struct text *out, const char *selectors)
{
    if (selectors == NULL) {
        return;
    }
    text_puts(out, "<w:SelectorSet>");
    while (*selectors != '\0') {
        size_t name = strcspn(selectors, "=");
        size_t value = strcspn(selectors + name + 1, "\n");
        text_printf(out, "<w:Selector Name=\"%.*s\">", (int)name, selectors);
        text_xml(out, selectors + name + 1, value);
        text_puts(out, "</w:Selector>");
        selectors += name + 1 + value;
        selectors += *selectors == '\n';
    }
    text_puts(out, "</w:SelectorSet>");
}

const struct xml_node *pc_wsman(struct pc *pc, const char *action, const char *class_name,
                                const char *selectors, const char *body)
{
    struct text out = { 0 };
    const char *ns = wsman_class_namespace(class_name);
    text_printf(&out,
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns=\"%s\" xmlns:a=\"%s\" "
                "xmlns:w=\"%s\" xmlns:n=\"%s\" xmlns:r=\"%s%s\"><Header><a:Action>",
                WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, WSMAN_NS_ENUMERATION,
                ns == NULL ? "" : ns, class_name);
    put_action(&out, action, class_name);
    text_printf(&out,
                "</a:Action><a:To>/wsman</a:To><w:ResourceURI>%s%s</w:ResourceURI>"
                "<a:MessageID>7</a:MessageID><a:ReplyTo><a:Address>%s</a:Address></a:ReplyTo>"
                "<w:OperationTimeout>PT60S</w:OperationTimeout>",
                ns == NULL ? "" : ns, class_name, WSMAN_ANONYMOUS);
    put_selectors(&out, selectors);
    text_printf(&out, "</Header><Body>%s</Body></Envelope>", body == NULL ? "" : body);
    pc_post(pc, text_chars(&out));
    text_fini(&out);
    if (pc->body.len == 0 || pc->status == 401) {
        return NULL;
    }
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    return xml_child(root, WSMAN_NS_SOAP, "Body");
}

const struct xml_node *pc_get(struct pc *pc, const char *class_name, const char *selectors)
{
    const struct xml_node *body = pc_wsman(pc, "Get", class_name, selectors, NULL);
    if (pc->status != 200) {
        print_message("Get %s: %d %s\n", class_name, pc->status, text_chars(&pc->body));
    }
    assert_int_equal(pc->status, 200);
    return body->first;
}

const char *pc_property(const struct xml_node *instance, const char *name)
{
    const char *text = xml_child_text(instance, NULL, name);
    return text == NULL ? "" : text;
}

int pc_call(struct pc *pc, const char *class_name, const char *method, const char *selectors,
            const char *input)
{
    struct text body = { 0 };
    text_printf(&body, "<r:%s_INPUT>%s</r:%s_INPUT>", method, input == NULL ? "" : input, method);
    const struct xml_node *answer = pc_wsman(pc, method, class_name, selectors, text_chars(&body));
    text_fini(&body);
    if (pc->status != 200 || answer == NULL || answer->first == NULL) {
        return -1;
    }
    return (int)strtol(pc_property(answer->first, "ReturnValue"), NULL, 10);
}

uint32_t pc_count(struct pc *pc, const char *class_name)
{
    char pull[256];
    uint32_t count = 0;
    const struct xml_node *answer = pc_wsman(pc, "Enumerate", class_name, NULL, "<n:Enumerate/>");
    assert_int_equal(pc->status, 200);
    const char *context = xml_child_text(answer->first, NULL, "EnumerationContext");
    while (context != NULL) {
        (void)snprintf(pull, sizeof pull,
                       "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext>"
                       "<n:MaxElements>999</n:MaxElements></n:Pull>",
                       context);
        answer = pc_wsman(pc, "Pull", class_name, NULL, pull);
        assert_int_equal(pc->status, 200);
        const struct xml_node *items = xml_child(answer->first, NULL, "Items");
        for (const struct xml_node *item = items->first; item != NULL; item = item->next) {
            count += 1;
        }
        context = xml_child_text(answer->first, NULL, "EnumerationContext");
    }
    return count;
}

const char *pc_fault(struct pc *pc)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root =
        pc->body.len == 0 ? NULL : xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    const struct xml_node *fault =
        xml_child(xml_child(root, WSMAN_NS_SOAP, "Body"), WSMAN_NS_SOAP, "Fault");
    const struct xml_node *code = xml_child(fault, WSMAN_NS_SOAP, "Code");
    const char *value =
        xml_child_text(xml_child(code, WSMAN_NS_SOAP, "Subcode"), WSMAN_NS_SOAP, "Value");
    const char *colon = value == NULL ? NULL : strchr(value, ':');
    return value == NULL ? "" : colon == NULL ? value : colon + 1;
}
