#include "simulator/firmware/tests/provisioning_setup.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/unit.h"
#include "protocol/http/digest.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/users.h"

#define FOLDER AMTLAB_SOURCE_DIR "/simulator/firmware/tests/data/activation/"

const char *setup_vector(struct pc *pc, const char *name)
{
    json_t *vectors = json_load_file(FOLDER "vectors.json", 0, NULL);
    const char *text = json_string_value(json_object_get(vectors, name));
    assert_non_null(text);
    const char *copy = arena_text(&pc->arena, text, strlen(text));
    json_decref(vectors);
    return copy;
}

static void path_of(const char *name, const char *suffix, char out[static 256])
{
    (void)snprintf(out, 256, "%s%s%s", FOLDER, name, suffix);
}

/* A PEM file is base64 in lines between two others. */
const char *setup_certificate(struct pc *pc, const char *name)
{
    char path[256], line[128];
    struct text base64 = { 0 };
    path_of(name, ".pem", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] != '-') {
            text_append(&base64, line, strcspn(line, "\r\n"));
        }
    }
    assert_int_equal(fclose(file), 0);
    const char *copy = arena_text(&pc->arena, text_chars(&base64), base64.len);
    text_fini(&base64);
    return copy;
}

static void nonces(struct pc *pc, uint8_t out[static 2 * NONCE_BYTES])
{
    uint8_t bytes[NONCE_BYTES + 3];
    size_t len = 0;
    const char *theirs = setup_vector(pc, "mcNonceBase64");
    memcpy(out, pc->firmware->provisioning->nonce, NONCE_BYTES);
    assert_int_equal(base64_decode(theirs, strlen(theirs), bytes, &len), AMT_OK);
    memcpy(out + NONCE_BYTES, bytes, NONCE_BYTES);
}

const char *setup_sign(struct pc *pc, const char *leaf)
{
    char path[256];
    uint8_t bytes[2 * NONCE_BYTES], signature[512];
    size_t len = sizeof signature;
    path_of(leaf, ".key", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    nonces(pc, bytes);
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, bytes, sizeof bytes), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    struct text base64 = { 0 };
    base64_encode(&base64, signature, len);
    const char *copy = arena_text(&pc->arena, text_chars(&base64), base64.len);
    text_fini(&base64);
    return copy;
}

const char *setup_hash(struct pc *pc, const char *password)
{
    uint8_t ha1[DIGEST_MD5_BYTES];
    struct text hex = { 0 };
    digest_ha1("admin", provisioning_realm(pc->firmware), password, strlen(password), ha1);
    text_hex(&hex, ha1, sizeof ha1);
    const char *copy = arena_text(&pc->arena, text_chars(&hex), hex.len);
    text_fini(&hex);
    return copy;
}

void setup_as_host(struct pc *pc)
{
    pc->user = "$$OsAdmin";
    pc->password = users_os_admin_password(pc->firmware);
    pc->door = FIRMWARE_LOCAL;
}

void setup_as_admin(struct pc *pc, const char *password)
{
    pc->user = "admin";
    pc->password = password;
    pc->door = FIRMWARE_CIRA;
}

void setup_open(struct pc *pc, const char *version)
{
    pc_init(pc);
    pc->config.control_mode = FIRMWARE_NOT_PROVISIONED;
    if (version != NULL) {
        amt_free(pc->config.version);
        pc->config.version = amt_strdup(version);
    }
    pc_start(pc);
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(provisioning_set_trusted_suffix(pc->firmware, "corp.example.com"), AMT_OK);
    assert_int_equal(text_parse_hex(setup_vector(pc, "rootSha256"), bytes, sizeof bytes, &len),
                     AMT_OK);
    assert_int_equal(keys_hash_add(pc->firmware, "Test", KEYS_HASH_SHA256, bytes), AMT_OK);
    const char *nonce = setup_vector(pc, "fwNonceBase64");
    assert_int_equal(base64_decode(nonce, strlen(nonce), bytes, &len), AMT_OK);
    assert_int_equal(len, NONCE_BYTES);
    memcpy(pc->firmware->provisioning->nonce, bytes, NONCE_BYTES);
    setup_as_host(pc);
}

int setup_add(struct pc *pc, const char *name, bool is_leaf, bool is_root)
{
    struct text input = { 0 };
    text_printf(&input,
                "<r:NextCertificate>%s</r:NextCertificate><r:IsLeafCertificate>%s"
                "</r:IsLeafCertificate><r:IsRootCertificate>%s</r:IsRootCertificate>",
                setup_certificate(pc, name), is_leaf ? "true" : "false",
                is_root ? "true" : "false");
    int result = pc_call(pc, HOST_SETUP, "AddNextCertInChain", NULL, text_chars(&input));
    text_fini(&input);
    return result;
}

void setup_add_chain(struct pc *pc, const char *leaf)
{
    assert_int_equal(setup_add(pc, leaf, true, false), 0);
    assert_int_equal(setup_add(pc, "int2", false, false), 0);
    assert_int_equal(setup_add(pc, "int1", false, false), 0);
    assert_int_equal(setup_add(pc, "root", false, true), 0);
}

int setup_prove(struct pc *pc, const char *method, const char *hash, const char *signature)
{
    struct text input = { 0 };
    if (hash != NULL) {
        text_printf(&input,
                    "<r:NetAdminPassEncryptionType>2</r:NetAdminPassEncryptionType>"
                    "<r:NetworkAdminPassword>%s</r:NetworkAdminPassword>",
                    hash);
    }
    text_printf(&input,
                "<r:McNonce>%s</r:McNonce><r:SigningAlgorithm>2</r:SigningAlgorithm>"
                "<r:DigitalSignature>%s</r:DigitalSignature>",
                setup_vector(pc, "mcNonceBase64"), signature);
    int result = pc_call(pc, HOST_SETUP, method, NULL, text_chars(&input));
    text_fini(&input);
    return result;
}
