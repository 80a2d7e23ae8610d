#include "mps/store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/memory.h"

static enum amt_err create_key(const char *path, struct seal *seal, struct amt_diag *diag)
{
    if (RAND_bytes(seal->key, SEAL_KEY_BYTES) != 1) {
        return amt_diag_set(diag, AMT_EBUG, "no random numbers for the key file %s", path);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return amt_diag_errno(diag, errno, "cannot create the key file %s", path);
    }
    bool is_written = write(fd, seal->key, SEAL_KEY_BYTES) == (ssize_t)SEAL_KEY_BYTES;
    bool is_synced = is_written && fsync(fd) == 0;
    int error = errno;
    (void)close(fd);
    if (!is_synced) {
        (void)unlink(path); /* half a key would lock the store for ever */
        (void)amt_diag_errno(diag, error, "cannot write the key file %s", path);
        (void)amt_diag_hint(diag, "free some space on that disk, then start again");
        return AMT_ESYS;
    }
    return AMT_OK;
}

static enum amt_err check_key_file(int fd, const char *path, struct amt_diag *diag)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return amt_diag_errno(diag, errno, "cannot read the key file %s", path);
    }
    if ((status.st_mode & 077) != 0) {
        (void)amt_diag_set(diag, AMT_ECERT, "the key file %s can be read by others (mode %04o)",
                           path, (unsigned)(status.st_mode & 07777));
        (void)amt_diag_hint(diag,
                            "chmod 600 %s; if others may have read it, give the groups new "
                            "passwords",
                            path);
        return AMT_ECERT;
    }
    if (status.st_size != (off_t)SEAL_KEY_BYTES) {
        (void)amt_diag_set(diag, AMT_ECERT, "the key file %s has %lld bytes, not %u", path,
                           (long long)status.st_size, SEAL_KEY_BYTES);
        (void)amt_diag_hint(diag, "restore it from a backup; without it the stored CIRA passwords "
                                  "are lost");
        return AMT_ECERT;
    }
    return AMT_OK;
}

enum amt_err seal_load(const char *path, struct seal *seal, struct amt_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return create_key(path, seal, diag);
    }
    if (fd < 0) {
        return amt_diag_errno(diag, errno, "cannot read the key file %s", path);
    }
    enum amt_err err = check_key_file(fd, path, diag);
    if (err == AMT_OK && read(fd, seal->key, SEAL_KEY_BYTES) != (ssize_t)SEAL_KEY_BYTES) {
        err = amt_diag_errno(diag, errno, "cannot read the key file %s", path);
    }
    (void)close(fd);
    return err;
}

void seal_fini(struct seal *seal)
{
    amt_wipe(seal, sizeof *seal);
}

static bool encrypt(EVP_CIPHER_CTX *context, const struct seal *seal, const char *label,
                    const struct secret *plain, struct sealed *sealed)
{
    int len = 0;
    uint8_t *nonce = sealed->bytes;
    uint8_t *text = nonce + SEAL_NONCE_BYTES;
    uint8_t *tag = text + plain->len;
    bool good =
        RAND_bytes(nonce, (int)SEAL_NONCE_BYTES) == 1 &&
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, nonce) == 1 &&
        EVP_EncryptUpdate(context, NULL, &len, (const uint8_t *)label, (int)strlen(label)) == 1 &&
        EVP_EncryptUpdate(context, text, &len, plain->bytes, (int)plain->len) == 1 &&
        EVP_EncryptFinal_ex(context, tag, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, (int)SEAL_TAG_BYTES, tag) == 1;
    sealed->len = SEAL_NONCE_BYTES + plain->len + SEAL_TAG_BYTES;
    return good;
}

enum amt_err seal_close(const struct seal *seal, const char *label, const struct secret *plain,
                        struct sealed *sealed)
{
    memset(sealed, 0, sizeof *sealed);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context != NULL && encrypt(context, seal, label, plain, sealed);
    EVP_CIPHER_CTX_free(context);
    return good ? AMT_OK : AMT_EBUG;
}

static bool decrypt(EVP_CIPHER_CTX *context, const struct seal *seal, const char *label,
                    const uint8_t *sealed, uint32_t len, struct secret *plain)
{
    uint32_t text_len = len - SEAL_NONCE_BYTES - SEAL_TAG_BYTES;
    const uint8_t *text = sealed + SEAL_NONCE_BYTES;
    uint8_t tag[SEAL_TAG_BYTES];
    memcpy(tag, text + text_len, sizeof tag);
    int out_len = 0;
    plain->len = text_len;
    return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, sealed) == 1 &&
           EVP_DecryptUpdate(context, NULL, &out_len, (const uint8_t *)label, (int)strlen(label)) ==
               1 &&
           EVP_DecryptUpdate(context, plain->bytes, &out_len, text, (int)text_len) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, (int)SEAL_TAG_BYTES, tag) == 1 &&
           EVP_DecryptFinal_ex(context, tag, &out_len) == 1;
}

enum amt_err seal_open(const struct seal *seal, const char *label, const void *sealed, uint32_t len,
                       struct secret *plain)
{
    secret_fini(plain);
    if (len < SEAL_NONCE_BYTES + SEAL_TAG_BYTES || len > SEAL_MAX_BYTES) {
        return AMT_ECERT;
    }
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context != NULL && decrypt(context, seal, label, sealed, len, plain);
    EVP_CIPHER_CTX_free(context);
    if (!good) {
        secret_fini(plain);
    }
    return good ? AMT_OK : AMT_ECERT;
}
