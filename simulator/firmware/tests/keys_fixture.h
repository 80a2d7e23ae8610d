/* A device with its certificate store and TLS settings, for the tests of both. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_KEYS_FIXTURE_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_KEYS_FIXTURE_H

#include "base/unit.h"
#include "runtime/pki.h"
#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/tls_settings.h"

/* Certificates and keys that are made once per test program: they are the slow part. */
struct keys_pki {
    struct pki_identity *root, *middle, *leaf, *other_root, *console, *stranger;
    EVP_PKEY *rsa, *other_rsa; /* 2048 bits */
    X509 *certificate;         /* of rsa, by root: "C=US,ST=OR,O=Lab,CN=device.lab.test" */
};
extern struct keys_pki keys_pki;
int keys_make_pki(void **state);
int keys_free_pki(void **state);

struct keys_fixture {
    struct loop *loop;
    struct firmware *firmware;
    struct firmware_config config;
    struct firmware_profile *profile; /* its release and config can be changed */
    struct arena arena;
    struct firmware_user user;
    struct firmware_call call;
    struct wsman_instance *out; /* of the last method */
    uint32_t answered_status;   /* of a method that answered later */
    uint32_t answers;
};
/* An admin-controlled device of that release, with 4 key pairs and 6 certificates. */
void keys_fixture_init(struct keys_fixture *f, uint32_t release);
void keys_fixture_fini(struct keys_fixture *f);
/* Methods may answer later from here on. */
void keys_fixture_defer(struct keys_fixture *f);

/* Each forgets the fault of the call before. */
struct wsman_instance *keys_input(struct keys_fixture *f);
uint32_t keys_call(struct keys_fixture *f, const char *method, const struct wsman_instance *in);
struct wsman_instance *keys_list(struct keys_fixture *f, const char *class_name);
/* Lists, and says whether that went well. */
bool keys_try_list(struct keys_fixture *f, const char *class_name);
uint32_t keys_count(struct keys_fixture *f, const char *class_name);
enum wsman_fault keys_delete(struct keys_fixture *f, const char *class_name,
                             const char *instance_id);
/* A Put of `changed` over what a Get of instance_id shows. */
enum wsman_fault keys_put(struct keys_fixture *f, const char *class_name, const char *instance_id,
                          const struct wsman_instance *changed);
const struct wsman_ref *keys_create(struct keys_fixture *f, const struct wsman_instance *instance);
/* InstanceID of what the last method made. */
const char *keys_made(const struct keys_fixture *f, const char *parameter);

/* Status of the method. */
uint32_t keys_add_certificate(struct keys_fixture *f, X509 *certificate, bool is_root);
uint32_t keys_add_key(struct keys_fixture *f, EVP_PKEY *key);
/* A console's certificate with that serial number; crl as in OpenSSL's files: "URI:http://…". */
struct pki_identity *keys_issue_console(int serial, const char *crl);
/* A certificate for the key under keys_pki.root; the caller frees it. */
X509 *keys_issue(EVP_PKEY *key, const char *common_name);

#endif
