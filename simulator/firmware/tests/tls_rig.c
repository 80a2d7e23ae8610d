#include "tls_rig.h"

#include <string.h>

/* --- handshakes --- */

static void on_open(void *ctx)
{
    ((struct tls_rig_end *)ctx)->is_open = true;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct tls_rig_end *end = ctx;
    memcpy(end->received, in, len < sizeof end->received ? len : sizeof end->received - 1);
}

static void on_end(void *ctx, const struct stream_end *why)
{
    struct tls_rig_end *end = ctx;
    end->has_ended = true;
    end->why = *why;
}

static const struct stream_handler k_handler = { .on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_end = on_end };

const char *tls_rig_ciphers;

/* A console connects to the device's TLS port: identity may be NULL, version 0 for any. */
void tls_rig_shake(struct keys_fixture *f, struct tls_rig_handshake *h, enum firmware_door door,
                   const struct pki_identity *identity, enum tls_version version)
{
    struct tls_settings settings = { .identity = identity,
                                     .ciphers = tls_rig_ciphers,
                                     .sends_chain = true,
                                     .legacy = true,
                                     .min_version = version,
                                     .max_version = version };
    static const struct tls_name_check k_no_check = { .name = NULL };
    struct stream *a = NULL;
    struct stream *b = NULL;
    *h = (struct tls_rig_handshake){ .context = tls_context_new(&settings, NULL) };
    struct tls_context *own = tls_settings_context(f->firmware, door);
    assert_non_null(h->context);
    assert_non_null(own);
    assert_int_equal(stream_memory_pair(f->loop, &a, &b), AMT_OK);
    h->device.stream = tls_accept(f->loop, own, a, &k_handler, &h->device);
    h->console.stream = tls_connect(f->loop, h->context, &k_no_check, b, &k_handler, &h->console);
    loop_run(f->loop);
    if (h->console.is_open && h->device.is_open) {
        assert_int_equal(stream_write(h->console.stream, "hello", 5), AMT_OK);
        loop_run(f->loop);
        assert_string_equal(h->device.received, "hello");
    }
}

void tls_rig_hang_up(struct keys_fixture *f, struct tls_rig_handshake *h)
{
    stream_close(h->console.stream);
    stream_close(h->device.stream);
    loop_run(f->loop);
    tls_context_free(h->context);
}

/* Common Name that the device shows; "" when the handshake fails. */
const char *tls_rig_shown_name(struct keys_fixture *f, enum firmware_door door)
{
    static char name[80];
    struct tls_rig_handshake h;
    tls_rig_shake(f, &h, door, NULL, TLS_VERSION_DEFAULT);
    name[0] = '\0';
    if (h.console.is_open && h.device.is_open) {
        tls_peer_common_name(h.console.stream, name, sizeof name);
    }
    tls_rig_hang_up(f, &h);
    return name;
}

/* --- settings --- */

enum wsman_fault tls_rig_put(struct keys_fixture *f, const char *id, const char *property,
                             bool value)
{
    struct wsman_instance *changed = keys_input(f);
    wsman_set_bool(changed, property, value);
    return keys_put(f, TLS_RIG_SETTINGS, id, changed);
}

enum wsman_fault tls_rig_put_names(struct keys_fixture *f, const char *const *names)
{
    struct wsman_instance *changed = keys_input(f);
    for (size_t i = 0; names[i] != NULL; i++) {
        wsman_add(changed, "TrustedCN", names[i]);
    }
    return keys_put(f, TLS_RIG_SETTINGS, TLS_RIG_NETWORK, changed);
}

const char *tls_rig_get(struct keys_fixture *f, const char *id, const char *property)
{
    struct wsman_instance *list = keys_list(f, TLS_RIG_SETTINGS);
    while (strcmp(wsman_get(list, "InstanceID"), id) != 0) {
        list = list->next;
    }
    return wsman_get(list, property);
}

struct wsman_instance *tls_rig_context_of(struct keys_fixture *f, const char *certificate,
                                          const char *collection)
{
    struct wsman_instance *instance = wsman_instance_new(&f->arena, TLS_RIG_CONTEXT);
    wsman_set_ref(
        instance, "ElementInContext",
        wsman_ref_new(&f->arena, "AMT_PublicKeyCertificate", 1, "InstanceID", certificate));
    wsman_set_ref(instance, "ElementProvidingContext",
                  wsman_ref_new(&f->arena, "AMT_TLSProtocolEndpointCollection", 1, "ElementName",
                                collection));
    return instance;
}

/* Key, certificate and context, the way of all clients. */
void tls_rig_equip(struct keys_fixture *f)
{
    assert_int_equal(keys_add_key(f, keys_pki.rsa), PT_SUCCESS);
    assert_int_equal(keys_add_certificate(f, keys_pki.certificate, false), PT_SUCCESS);
    assert_non_null(
        keys_create(f, tls_rig_context_of(f, TLS_RIG_CERTIFICATE_0, TLS_RIG_OTHER_SPELLING)));
}

void tls_rig_enable(struct keys_fixture *f)
{
    tls_rig_equip(f);
    assert_int_equal(tls_rig_put(f, TLS_RIG_NETWORK, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_rig_put(f, TLS_RIG_LOCAL, "Enabled", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f->firmware), PT_SUCCESS);
}

void tls_rig_make_mutual(struct keys_fixture *f)
{
    assert_int_equal(keys_add_certificate(f, pki_certificate(keys_pki.root), true), PT_SUCCESS);
    assert_int_equal(tls_rig_put(f, TLS_RIG_NETWORK, "MutualAuthentication", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f->firmware), PT_SUCCESS);
}

bool tls_rig_accepts(struct keys_fixture *f, enum firmware_door door,
                     const struct pki_identity *console)
{
    struct tls_rig_handshake h;
    tls_rig_shake(f, &h, door, console, TLS_VERSION_DEFAULT);
    bool is_open = h.device.is_open;
    assert_int_equal(h.console.is_open, is_open);
    assert_int_equal(h.device.has_ended, !is_open);
    tls_rig_hang_up(f, &h);
    return is_open;
}
