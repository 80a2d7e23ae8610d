/* Reading the activation log back: passwords of a device, and all entries for people. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <jansson.h>
#include <openssl/cms.h> /* after pem.h, which it looks for */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "mps/activation/log.h"

enum amt_err activation_log_each(const char *path, activation_log_line_fn *on_line, void *ctx,
                                 struct amt_diag *diag)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the activation log %s", path);
    }
    for (uint32_t number = 1; getline(&line, &cap, file) >= 0; number++) {
        json_t *object = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;
        on_line(ctx, number, object); /* NULL for a damaged line (ACT-SRV-033) */
        json_decref(object);
    }
    if (line != NULL) {
        amt_wipe(line, cap);
    }
    free(line);
    (void)fclose(file);
    return AMT_OK;
}

struct passwords {
    const char *uuid;
    struct secret *newest_first;
    uint32_t count;
    EVP_PKEY *key; /* of the recipient; NULL */
};

/* Puts a password in front; one that was there moves. */
static void push(struct passwords *p, const char *text)
{
    struct secret secret = { .len = 0 };
    uint32_t at = 0;
    if (secret_set(&secret, text, (uint32_t)strlen(text)) != AMT_OK || secret.len == 0) {
        return;
    }
    while (at < p->count && !secret_equal(&p->newest_first[at], secret.bytes, secret.len)) {
        at += 1;
    }
    if (at == p->count && p->count < 3) {
        p->count += 1;
    }
    at = at < 3 ? at : 2;
    for (; at > 0; at--) {
        p->newest_first[at] = p->newest_first[at - 1];
    }
    p->newest_first[0] = secret;
    secret_fini(&secret);
}

/* The text inside a CMS message in PEM; the key must be its recipient's. */
static bool decrypt(const char *pem, EVP_PKEY *key, char out[static SECRET_MAX_BYTES + 1])
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    BIO *content = BIO_new(BIO_s_secmem());
    CMS_ContentInfo *cms = in == NULL ? NULL : PEM_read_bio_CMS(in, NULL, NULL, NULL);
    int len = -1;
    /* Without the flag a key that does not fit would give noise instead of an error. */
    if (cms != NULL && content != NULL &&
        CMS_decrypt(cms, key, NULL, NULL, content, CMS_BINARY | CMS_DEBUG_DECRYPT) == 1) {
        len = BIO_read(content, out, SECRET_MAX_BYTES);
    }
    out[len > 0 ? len : 0] = '\0';
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    BIO_free(in);
    ERR_clear_error();
    return len > 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void take_line(void *ctx, uint32_t number, const json_t *object)
{
    struct passwords *p = ctx;
    char opened[SECRET_MAX_BYTES + 1] = "";
    (void)number;
    const char *uuid = text_of(object, "amtUuid");
    const char *password = text_of(object, "password");
    const char *sealed = text_of(object, "password-cms");
    password = password != NULL ? password : text_of(object, "pass"); /* bare metal */
    sealed = sealed != NULL ? sealed : text_of(object, "pass-cms");
    if (uuid == NULL || strcasecmp(uuid, p->uuid) != 0) {
        return;
    }
    if (password != NULL) {
        push(p, password);
    } else if (sealed != NULL && p->key != NULL && decrypt(sealed, p->key, opened)) {
        push(p, opened);
    }
    amt_wipe(opened, sizeof opened);
}

static enum amt_err read_key(const char *path, EVP_PKEY **key, struct amt_diag *diag)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the key %s", path);
    }
    *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    ERR_clear_error();
    if (*key == NULL) {
        return amt_diag_set(diag, AMT_ECERT, "%s is no private key in PEM", path);
    }
    return AMT_OK;
}

enum amt_err activation_log_passwords(const char *path, const struct uuid *uuid,
                                      struct secret passwords[static 3], uint32_t *count,
                                      struct amt_diag *diag)
{
    return activation_log_open_passwords(path, uuid, NULL, passwords, count, diag);
}

enum amt_err activation_log_open_passwords(const char *path, const struct uuid *uuid,
                                           const char *key_path, struct secret passwords[static 3],
                                           uint32_t *count, struct amt_diag *diag)
{
    char text[UUID_TEXT_BYTES];
    struct passwords p = { .uuid = text, .newest_first = passwords };
    uuid_format(uuid, text);
    *count = 0;
    if (key_path != NULL) {
        TRY(read_key(key_path, &p.key, diag));
    }
    enum amt_err err = activation_log_each(path, take_line, &p, diag);
    EVP_PKEY_free(p.key);
    *count = p.count;
    return err;
}
