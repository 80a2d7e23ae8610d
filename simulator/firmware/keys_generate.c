/* GenerateKeyPair: a real RSA key, made beside the loop; it takes as long as firmware takes. */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/legality.h"

/* Outlives the device if it must: work beside the loop cannot be called back. */
struct keys_work {
    struct keys *keys; /* NULL: nobody wants the key any more */
    uint32_t bits;
    EVP_PKEY *key;
    bool is_done, is_time_up;
    struct firmware_call *call;
    struct wsman_instance *out;
};

uint32_t keys_busy_status(const struct firmware *firmware)
{
    /* The schema of release 11 lists 2082 for this service; before, 2061 is what clients know. */
    return firmware_is_release(firmware, 1100) ? PT_OPERATION_IN_PROGRESS : PT_PKI_GENERATING_KEYS;
}

static void free_work(struct keys_work *work)
{
    EVP_PKEY_free(work->key);
    amt_free(work);
}

static EVP_PKEY *make_key(uint32_t bits)
{
    EVP_PKEY *key = EVP_RSA_gen((size_t)bits);
    ERR_clear_error();
    return key;
}

/* WSM-096: the key is in the list under the InstanceID that is returned. */
static uint32_t store(struct keys *keys, EVP_PKEY *key, struct arena *arena,
                      struct wsman_instance *out)
{
    if (key == NULL) {
        return PT_INTERNAL_ERROR;
    }
    uint32_t handle = keys_store_pair(keys, key);
    if (handle == KEYS_NONE) {
        EVP_PKEY_free(key);
        return PT_MAX_LIMIT_REACHED;
    }
    char id[KEYS_ID_BYTES];
    keys_pair_id(handle, id);
    wsman_set_ref(out, "KeyPair",
                  wsman_ref_new(arena, "AMT_PublicPrivateKeyPair", 1, "InstanceID", id));
    firmware_changed(keys->firmware);
    return PT_SUCCESS;
}

static void finish_if_ready(struct keys_work *work)
{
    struct keys *keys = work->keys;
    if (!work->is_done || !work->is_time_up) {
        return;
    }
    struct firmware_call *call = work->call;
    struct wsman_instance *out = work->out;
    EVP_PKEY *key = work->key;
    work->key = NULL;
    keys->work = NULL;
    free_work(work);
    uint32_t status = store(keys, key, call->arena, out);
    call->finish(call, status);
}

static void on_work(void *ctx)
{
    struct keys_work *work = ctx;
    work->key = make_key(work->bits);
}

static void on_worked(void *ctx)
{
    struct keys_work *work = ctx;
    work->is_done = true;
    if (work->keys == NULL) {
        free_work(work);
        return;
    }
    finish_if_ready(work);
}

static void on_time_up(void *ctx)
{
    struct keys *keys = ctx;
    keys->work->is_time_up = true;
    finish_if_ready(keys->work);
}

void keys_generate_stop(struct keys *keys, bool answers)
{
    struct keys_work *work = keys->work;
    if (work == NULL) {
        return;
    }
    timer_stop(&keys->work_delay);
    keys->work = NULL;
    work->keys = NULL;
    struct firmware_call *call = work->call;
    if (work->is_done) {
        free_work(work);
    }
    if (answers) {
        call->finish(call, PT_INTERNAL_ERROR);
    }
}

static uint32_t start(struct firmware_call *call, uint32_t bits, struct wsman_instance *out)
{
    struct keys *keys = call->firmware->keys;
    struct keys_work *work = amt_alloc(sizeof *work);
    if (work == NULL) {
        return PT_INTERNAL_ERROR;
    }
    *work = (struct keys_work){ .keys = keys, .bits = bits, .call = call, .out = out };
    if (loop_work(call->firmware->loop, on_work, on_worked, work) != AMT_OK) {
        free_work(work);
        return PT_INTERNAL_ERROR;
    }
    keys->work = work;
    timer_init(&keys->work_delay, call->firmware->loop, on_time_up, keys);
    timer_start(&keys->work_delay, call->firmware->profile->config.key_delay_us);
    call->is_deferred = true;
    return PT_SUCCESS;
}

static bool makes_length(const struct firmware *firmware, uint64_t bits)
{
    uint32_t count = 0;
    const uint32_t *lengths = keys_lengths(firmware, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] == bits) {
            return true;
        }
    }
    return false;
}

static bool has_room(const struct keys *keys)
{
    for (uint32_t i = 0; i < keys->pairs_max; i++) {
        if (keys->pairs[i] == NULL) {
            return true;
        }
    }
    return false;
}

uint32_t keys_generate_pair(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct keys *keys = call->firmware->keys;
    uint64_t bits = wsman_get_u64(in, "KeyLength", 0);
    if (!keys_may_change(call->firmware)) {
        return legality_deny(call, false);
    }
    if (keys->work != NULL) {
        return keys_busy_status(call->firmware);
    }
    if (wsman_get_u64(in, "KeyAlgorithm", 1) != 0 || !makes_length(call->firmware, bits)) {
        return PT_INVALID_PARAMETER;
    }
    if (!has_room(keys)) {
        return PT_MAX_LIMIT_REACHED;
    }
    if (call->finish == NULL) {
        return store(keys, make_key((uint32_t)bits), call->arena, out);
    }
    return start(call, (uint32_t)bits, out);
}
