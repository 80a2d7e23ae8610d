/* Certificates and keys as PEM files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/pki_internal.h"

#define PEM_MAX_BYTES (1024L * 1024L)

static BIO *read_file(const char *path, bool is_key, struct amt_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        (void)amt_diag_errno(diag, errno, "cannot read %s", path);
        if (fd >= 0) {
            (void)close(fd);
        }
        return NULL;
    }
    BIO *bio = NULL;
    if (is_key && (status.st_mode & 077) != 0) {
        (void)amt_diag_set(diag, AMT_ECERT, "the private key %s can be read by others (mode %04o)",
                           path, (unsigned)(status.st_mode & 07777));
        (void)amt_diag_hint(diag, "chmod 600 %s", path);
    } else if (status.st_size > PEM_MAX_BYTES) {
        (void)amt_diag_set(diag, AMT_ETOOBIG, "%s is too large for a PEM file", path);
    } else {
        bio = BIO_new_fd(fd, BIO_CLOSE);
        fd = bio == NULL ? fd : -1;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return bio;
}

/* True when OpenSSL stopped reading because there is no further certificate, and not because
 * there is one that is damaged. */
static bool is_end_of_pem(void)
{
    unsigned long error = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (is_end) {
        ERR_clear_error();
    }
    return is_end;
}

static enum amt_err damaged(const char *path, struct amt_diag *diag)
{
    char reason[160];
    pki_openssl_reason(reason, sizeof reason);
    (void)amt_diag_set(diag, AMT_ECERT, "%s holds a certificate that cannot be read: %s", path,
                       reason);
    (void)amt_diag_hint(diag, "write the file anew from its source; all certificates before the "
                              "damaged one were good");
    return AMT_ECERT;
}

static enum amt_err not_pem(const char *path, const char *what, struct amt_diag *diag)
{
    ERR_clear_error(); /* OpenSSL's own words would be "no start line" */
    (void)amt_diag_set(diag, AMT_ECERT, "%s holds no %s in PEM form", path, what);
    (void)amt_diag_hint(diag, "its text must begin with -----BEGIN %s-----", what);
    return AMT_ECERT;
}

/* A service has nobody to ask: OpenSSL would prompt on the terminal. */
static int refuse_passphrase(char *out, int cap, int is_writing, void *is_encrypted)
{
    (void)is_writing;
    if (cap > 0) {
        out[0] = '\0';
    }
    *(bool *)is_encrypted = true;
    return -1;
}

static EVP_PKEY *load_key(const char *path, struct amt_diag *diag)
{
    BIO *bio = read_file(path, true, diag);
    if (bio == NULL) {
        return NULL;
    }
    bool is_encrypted = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &is_encrypted);
    BIO_free(bio);
    if (key == NULL && is_encrypted) {
        ERR_clear_error();
        (void)amt_diag_set(diag, AMT_ECERT, "the private key %s is encrypted", path);
        (void)amt_diag_hint(diag, "decrypt it: openssl pkey -in %s -out FILE, then chmod 600 FILE",
                            path);
    } else if (key == NULL) {
        (void)not_pem(path, "PRIVATE KEY", diag);
    }
    return key;
}

/* All certificates from here to the end of the file, in its order. */
static enum amt_err read_rest(BIO *bio, const char *path, STACK_OF(X509) * all,
                              struct amt_diag *diag)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    while (certificate != NULL) {
        if (sk_X509_push(all, certificate) <= 0) {
            X509_free(certificate);
            return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        }
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }
    return is_end_of_pem() ? AMT_OK : damaged(path, diag);
}

/* Moves the certificates to identity->above, nearest first: peers expect that order (RFC 5246,
 * 7.4.2). One that is above nothing is a mistake that would only show at a device. */
static enum amt_err order_chain(struct pki_identity *identity, STACK_OF(X509) * all,
                                const char *path, struct amt_diag *diag)
{
    X509 *below = identity->certificate;
    for (int i = 0; i < sk_X509_num(all);) {
        X509 *certificate = sk_X509_value(all, i);
        if (X509_check_issued(certificate, below) != X509_V_OK) {
            i += 1;
        } else if (sk_X509_push(identity->above, certificate) > 0) {
            (void)sk_X509_delete(all, i);
            below = certificate;
            i = 0;
        } else {
            return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        }
    }
    if (sk_X509_num(all) == 0) {
        return AMT_OK;
    }
    char name[64];
    pki_common_name(sk_X509_value(all, 0), name, sizeof name);
    (void)amt_diag_set(diag, AMT_ECERT,
                       "%s holds a certificate, \"%s\", that issued none of the others", path,
                       name);
    (void)amt_diag_hint(diag, "the server's certificate comes first, then those that lead from it "
                              "to the root, and no others");
    return AMT_ECERT;
}

static enum amt_err read_chain(BIO *bio, struct pki_identity *identity, const char *path,
                               struct amt_diag *diag)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    if (all == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    enum amt_err err = read_rest(bio, path, all, diag);
    if (err == AMT_OK) {
        err = order_chain(identity, all, path, diag);
    }
    sk_X509_pop_free(all, X509_free);
    return err;
}

struct pki_identity *pki_load(const char *cert_path, const char *key_path, struct amt_diag *diag)
{
    BIO *bio = read_file(cert_path, false, diag);
    if (bio == NULL) {
        return NULL;
    }
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = NULL;
    if (certificate == NULL) {
        (void)not_pem(cert_path, "CERTIFICATE", diag);
    } else {
        key = load_key(key_path, diag);
    }
    if (key == NULL) {
        X509_free(certificate);
        BIO_free(bio);
        return NULL;
    }
    struct pki_identity *identity = pki_identity_new(certificate, key);
    if (identity == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    bool good = identity != NULL && read_chain(bio, identity, cert_path, diag) == AMT_OK;
    BIO_free(bio);
    if (good && X509_check_private_key(identity->certificate, identity->key) != 1) {
        ERR_clear_error();
        (void)amt_diag_set(diag, AMT_ECERT, "the key %s does not belong to the certificate %s",
                           key_path, cert_path);
        (void)amt_diag_hint(diag, "give the key that the certificate was made for");
        good = false;
    }
    if (!good) {
        pki_identity_free(identity);
        identity = NULL;
    }
    return identity;
}

uint8_t *pki_load_der(const char *path, uint32_t *len, struct amt_diag *diag)
{
    BIO *bio = read_file(path, false, diag);
    if (bio == NULL) {
        return NULL;
    }
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (certificate == NULL) {
        (void)not_pem(path, "CERTIFICATE", diag);
        return NULL;
    }
    int size = i2d_X509(certificate, NULL);
    uint8_t *der = size > 0 ? amt_alloc((size_t)size) : NULL;
    if (der == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    } else {
        uint8_t *end = der;
        *len = (uint32_t)i2d_X509(certificate, &end);
    }
    X509_free(certificate);
    return der;
}

/* Syncs the folder too: the new name must survive a crash. */
static bool sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? amt_strdup(".") : amt_memdup(path, (size_t)(slash - path) + 1);
    int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    amt_free(folder);
    return good;
}

static bool write_certificates(BIO *bio, const void *what)
{
    const struct pki_identity *identity = what;
    bool good = PEM_write_bio_X509(bio, identity->certificate) == 1;
    for (int i = 0; good && i < sk_X509_num(identity->above); i++) {
        good = PEM_write_bio_X509(bio, sk_X509_value(identity->above, i)) == 1;
    }
    return good;
}

static bool write_key(BIO *bio, const void *what)
{
    const struct pki_identity *identity = what;
    return PEM_write_bio_PKCS8PrivateKey(bio, identity->key, NULL, NULL, 0, NULL, NULL) == 1;
}

enum amt_err pki_write_file(const char *path, uint32_t mode, pki_write_fn *write, const void *what,
                            struct amt_diag *diag)
{
    struct text temporary = { 0 };
    text_printf(&temporary, "%s.new", path);
    if (temporary.failed) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    (void)unlink(text_chars(&temporary)); /* left by a crash */
    int fd = open(text_chars(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    BIO *bio = fd < 0 ? NULL : BIO_new_fd(fd, BIO_NOCLOSE);
    bool good = bio != NULL && write(bio, what) && fsync(fd) == 0;
    int error = errno;
    BIO_free(bio);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (good && rename(text_chars(&temporary), path) != 0) {
        error = errno;
        good = false;
    }
    if (good && !sync_folder(path)) {
        error = errno;
        good = false;
    }
    enum amt_err err = AMT_OK;
    if (!good) {
        (void)unlink(text_chars(&temporary));
        err = amt_diag_errno(diag, error, "cannot write %s", path);
        (void)amt_diag_hint(diag, "check that the folder exists, may be written and has space");
    }
    text_fini(&temporary);
    return err;
}

enum amt_err pki_save(const struct pki_identity *identity, const char *cert_path,
                      const char *key_path, struct amt_diag *diag)
{
    if (key_path != NULL) {
        TRY(pki_write_file(key_path, 0600, write_key, identity, diag));
    }
    if (cert_path != NULL) {
        TRY(pki_write_file(cert_path, 0644, write_certificates, identity, diag));
    }
    return AMT_OK;
}

enum amt_err pki_trust_load(struct pki_trust *trust, const char *path, struct amt_diag *diag)
{
    BIO *bio = read_file(path, false, diag);
    if (bio == NULL) {
        return AMT_ESYS;
    }
    STACK_OF(X509) *all = sk_X509_new_null();
    enum amt_err err = AMT_ENOMEM;
    if (all == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    } else {
        err = read_rest(bio, path, all, diag);
    }
    BIO_free(bio);
    if (err == AMT_OK && sk_X509_num(all) == 0) {
        err = not_pem(path, "CERTIFICATE", diag);
    }
    for (int i = 0; err == AMT_OK && i < sk_X509_num(all); i++) {
        if (X509_STORE_add_cert(trust->store, sk_X509_value(all, i)) != 1) {
            err = amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        }
    }
    sk_X509_pop_free(all, X509_free);
    return err;
}
