/* A new device into whose MEBx somebody has typed something. */
#include <openssl/evp.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/pki.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"

static enum amt_err trust_root(struct firmware *firmware, const char *path, struct amt_diag *diag)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    uint32_t len = 0;
    uint8_t *der = pki_load_der(path, &len, diag);
    if (der == NULL) {
        return diag == NULL ? AMT_ESYS : diag->err;
    }
    bool is_hashed = EVP_Digest(der, len, hash, &hash_len, EVP_sha256(), NULL) == 1;
    enum amt_err err =
        is_hashed ? keys_hash_add(firmware, "By hand", KEYS_HASH_SHA256, hash) : AMT_ENOMEM;
    amt_free(der);
    if (err != AMT_OK && err != AMT_EEXISTS) {
        return amt_diag_set(diag, err, "mebx.roots: %s: %s", path, amt_err_text(err));
    }
    return AMT_OK;
}

enum amt_err mebx_be_born(struct firmware *firmware, struct amt_diag *diag)
{
    const struct firmware_mebx *mebx = &firmware->profile->config.mebx;
    bool is_address =
        mebx->server != NULL && (strchr(mebx->server, ':') != NULL ||
                                 strspn(mebx->server, "0123456789.") == strlen(mebx->server));
    if (mebx->trusted_fqdn != NULL &&
        provisioning_set_trusted_suffix(firmware, mebx->trusted_fqdn) != AMT_OK) {
        return amt_diag_set(diag, AMT_ETOOBIG, "mebx.trusted_fqdn: longer than a DNS name");
    }
    enum amt_err err = mebx->server == NULL ? AMT_OK
                       : is_address         ? mebx_set_server_address(firmware, mebx->server)
                                            : mebx_set_server_fqdn(firmware, mebx->server);
    if (err != AMT_OK) {
        return amt_diag_set(diag, err, "mebx.server: %s", amt_err_text(err));
    }
    if (mebx->server_port != MEBX_DEFAULT_PORT) {
        mebx_set_server_port(firmware, (uint16_t)mebx->server_port);
    }
    for (uint32_t i = 0; i < mebx->roots.count; i++) {
        TRY(trust_root(firmware, mebx->roots.items[i], diag));
    }
    return AMT_OK;
}
