/* The BIO between OpenSSL and a stream: reads what is in hand, writes straight to the lower
 * stream. */
#include <string.h>

#include "runtime/tls_internal.h"

static int bio_read(BIO *bio, char *out, size_t cap, size_t *count)
{
    struct tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    const uint8_t *from = t->in_len > 0 ? t->in : bytes_front(&t->kept);
    uint32_t have = t->in_len > 0 ? t->in_len : t->kept.len;
    if (have == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    uint32_t n = have < cap ? have : (uint32_t)cap;
    memcpy(out, from, n);
    if (t->in_len > 0) {
        t->in += n;
        t->in_len -= n;
    } else {
        bytes_consume(&t->kept, n);
    }
    *count = n;
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *count)
{
    struct tls_stream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->is_lower_ended) {
        return 0;
    }
    if (stream_write(t->lower, data, (uint32_t)len) != AMT_OK) {
        t->has_failed_write = true;
        return 0;
    }
    *count = len;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* One method for the process, made once: OpenSSL's own once guards it. */
static BIO_METHOD *bio_method;
static CRYPTO_ONCE bio_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "amtlab stream");
    if (method != NULL && BIO_meth_set_read_ex(method, bio_read) == 1 &&
        BIO_meth_set_write_ex(method, bio_write) == 1 &&
        BIO_meth_set_ctrl(method, bio_control) == 1 &&
        BIO_meth_set_create(method, bio_create) == 1) {
        bio_method = method;
    } else {
        BIO_meth_free(method);
    }
}

BIO *tls_bio_new(struct tls_stream *t)
{
    if (CRYPTO_THREAD_run_once(&bio_once, make_method) != 1 || bio_method == NULL) {
        return NULL;
    }
    BIO *bio = BIO_new(bio_method);
    if (bio != NULL) {
        BIO_set_data(bio, t);
    }
    return bio;
}
