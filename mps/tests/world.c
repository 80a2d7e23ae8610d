#include "mps/tests/world.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/tests/events_doc.h"

static struct world_pki pki;

static const struct mps_user k_users[] = {
    { .name = USER, .password = PASSWORD },
    { .name = OWNER, .password = OWNER_PASSWORD, .uuid = "00000000-0000-0000-0000-000000000007" },
};

static struct pki_identity *issue(const char *name, bool is_authority, bool for_server,
                                  const struct pki_identity *issuer)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_request request = { .common_name = name,
                                   .key = PKI_P256,
                                   .is_authority = is_authority,
                                   .for_server = for_server,
                                   .for_client = !is_authority && !for_server };
    struct pki_identity *identity = pki_issue(&request, issuer, &diag);
    if (identity == NULL) {
        fail_msg("%s", diag.text);
    }
    return identity;
}

int world_make_pki(void **state)
{
    (void)state;
    pki.root = issue("World Root", true, false, NULL);
    pki.server = issue("mps.lab.test", false, true, pki.root);
    pki.client = issue("00000000-0000-0000-0000-000000000007", false, false, pki.root);
    pki.stranger = issue("00000000-0000-0000-0000-000000000007", false, false, NULL);
    pki.trust = pki_trust_new();
    return pki.trust != NULL && pki_trust_add(pki.trust, pki.root) == AMT_OK ? 0 : -1;
}

int world_free_pki(void **state)
{
    (void)state;
    pki_identity_free(pki.root);
    pki_identity_free(pki.server);
    pki_identity_free(pki.client);
    pki_identity_free(pki.stranger);
    pki_trust_free(pki.trust);
    return 0;
}

const struct world_pki *world_pki(void)
{
    return &pki;
}

static void note_field(struct text *out, const struct log_field *field)
{
    text_printf(out, " %s=", field->name);
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        text_append(out, field->text, field->len);
        break;
    case LOG_FIELD_LIST:
        for (uint32_t i = 0; i < field->len; i++) {
            text_printf(out, "%s%u", i == 0 ? "" : ",", field->list[i]);
        }
        break;
    case LOG_FIELD_U64:
    case LOG_FIELD_I64:
    case LOG_FIELD_BOOL:
        text_printf(out, "%lld", (long long)field->number);
        break;
    case LOG_FIELD_SECRET:
        text_puts(out, "(hidden)");
        break;
    case LOG_FIELD_END:
        break;
    }
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct world *w = ctx;
    events_doc_check(name, level, fields);
    text_puts(&w->events, name);
    for (; fields->kind != LOG_FIELD_END; fields++) {
        note_field(&w->events, fields);
    }
    text_puts(&w->events, "\n");
}

void world_set(struct world *w, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (config_set(mps_config_keys, key, value, &w->config, &diag) != AMT_OK) {
        fail_msg("%s", diag.text);
    }
}

void world_init(struct world *w, bool is_tls)
{
    static const struct virtual_world k_world = { .seed = 1 };
    world_init_on(w, loop_new_virtual(&k_world, NULL), is_tls);
}

void world_init_on(struct world *w, struct loop *loop, bool is_tls)
{
    memset(w, 0, sizeof *w);
    w->is_tls = is_tls;
    w->loop = loop;
    assert_non_null(w->loop);
    w->log = log_new(w->loop);
    assert_non_null(w->log);
    assert_int_equal(log_observe(w->log, on_event, w), AMT_OK);
    assert_int_equal(config_read(mps_config_keys, NULL, "test", &w->config, NULL), AMT_OK);
    world_set(w, "listen", "127.0.0.1:0");
    w->config.users = k_users;
    w->config.user_count = sizeof k_users / sizeof k_users[0];
    w->config.identity = pki.server;
    w->config.client_trust = pki.trust;
    w->config.tls = is_tls ? MPS_TLS_DEFAULT : MPS_TLS_OFFLOAD;
}

void world_start(struct world *w)
{
    struct amt_diag diag = { .err = AMT_OK };
    w->mps = mps_start(w->loop, &w->config, w->log, &diag);
    if (w->mps == NULL) {
        fail_msg("%s", diag.text);
    }
}

void world_fini(struct world *w)
{
    mps_free(w->mps);
    if (loop_is_virtual(w->loop)) {
        world_run(w, 6 * SECOND_US); /* what closed streams still had to say */
    }
    tls_context_free(w->client);
    log_free(w->log);
    loop_free(w->loop);
    text_fini(&w->events);
    config_fini(mps_config_keys, &w->config);
}

void world_run(struct world *w, uint64_t us)
{
    (void)loop_run_until(w->loop, NULL, NULL, loop_now_us(w->loop) + us);
}

uint64_t world_now_us(const struct world *w)
{
    return loop_now_us(w->loop);
}

static const char *find_event(const struct world *w, const char *event, const char *from)
{
    size_t len = strlen(event);
    while (from != NULL && *from != '\0') {
        if (strncmp(from, event, len) == 0 && (from[len] == ' ' || from[len] == '\n')) {
            return from;
        }
        from = strchr(from, '\n');
        from = from == NULL ? NULL : from + 1;
    }
    (void)w;
    return NULL;
}

uint32_t world_count(const struct world *w, const char *event)
{
    uint32_t count = 0;
    const char *at = find_event(w, event, text_chars(&w->events));
    while (at != NULL) {
        count += 1;
        at = find_event(w, event, at + 1);
    }
    return count;
}

void world_expect_event(const struct world *w, const char *event, const char *text)
{
    char line[1024] = "";
    const char *at = find_event(w, event, text_chars(&w->events));
    while (at != NULL) {
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        at = find_event(w, event, at + 1);
    }
    if (line[0] == '\0' || strstr(line, text) == NULL) {
        fail_msg("expected %s with \"%s\"; the latest is \"%s\"; all:\n%s", event, text, line,
                 text_chars(&w->events));
    }
}

void world_forget_events(struct world *w)
{
    text_fini(&w->events);
}

void world_both(void (*test)(bool is_tls))
{
    test(false);
    test(true);
}

bool is_online(struct world *w, uint32_t number)
{
    struct uuid uuid = uuid_of_number(number);
    struct mps_device_view view;
    return mps_find_device(w->mps, &uuid, &view);
}
