/* The roots whose provisioning certificates the device believes: AMT_ProvisioningCertificateHash. */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/legality.h"

#define ID_PREFIX       "Certificate Hash "
#define NAME_BYTES      64
#define FIRST_USER_SLOT 20   /* handles 20 to 22 are the users', built-in ones go on behind them */
#define MORE_BUILT_IN   700  /* first release with built-in entries behind the users' */
#define SHA384_ADDABLE  1200 /* known to clients since then (unverified) */
#define SHA1_GONE       1600 /* SHA-1 entries cannot be added from here on (activation.md 2.5) */

/* From until, the release before which it was taken out; 0: always, never. Names are labels: only
 * the hash matters. Source: activation.md 2.5. */
struct factory_hash {
    const char *name;
    enum keys_hash_type type;
    uint32_t from, until;
    const char *hex;
};
static const struct factory_hash k_factory[] = {
    { "Go Daddy Class 2 CA", KEYS_HASH_SHA1, 0, 1100, "2796bae63f1801e277261ba0d77770028f20eee4" },
    { "Comodo AAA CA", KEYS_HASH_SHA1, 0, 1100, "d1eb23a46d17d68fd92564c2f1f1601764d8e349" },
    { "Starfield Class 2 CA", KEYS_HASH_SHA1, 0, 1100, "ad7e1c28b064ef8f6003402014c3d0e3370eb58a" },
    { "VeriSign Class 3 G1", KEYS_HASH_SHA1, 0, 1100, "742c3192e607e424eb4549542be1bbc53e6174e2" },
    { "VeriSign Class 3 G2", KEYS_HASH_SHA1, 0, 1100, "85371ca6e550143dce2803471bde3a09e8f8770f" },
    { "VeriSign Class 3 G3", KEYS_HASH_SHA1, 0, 1100, "132d0d45534b6997cdb2d5c339e25576609b5cc6" },
    { "Go Daddy Class 2 CA", KEYS_HASH_SHA256, 0, 0,
      "c3846bf24b9e93ca64274c0ec67c1ecc5e024ffcacd2d74019350e81fe546ae4" },
    { "Go Daddy Root CA G2", KEYS_HASH_SHA256, 0, 0,
      "45140b3247eb9cc8c5b4f0d7b53091f73292089e6e5a63e2749dd3aca9198eda" },
    { "Comodo AAA Certificate Services", KEYS_HASH_SHA256, 0, 0,
      "d7a7a0fb5d7e2731d771e9484ebcdef71d5f0c3e0a2948782bc83ee0ea699ef4" },
    { "Starfield Class 2 CA", KEYS_HASH_SHA256, 0, 0,
      "1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658" },
    { "Starfield Root CA G2", KEYS_HASH_SHA256, 0, 0,
      "2ce1cb0bf9d2f9e102993fbe215152c3b2dd0cabde1c68e5319b839154dbb7f5" },
    { "VeriSign Class 3 Primary CA G5", KEYS_HASH_SHA256, 0, 0,
      "9acfab7e43c8d880d06b262a94deeee4b4659989c3d0caf19baf6405e41ab7df" },
    { "Baltimore CyberTrust Root", KEYS_HASH_SHA256, 0, 0,
      "16af57a9f676b0ab126095aa5ebadef22ab31119d644ac95cd4b93dbf3f26aeb" },
    { "Cybertrust Global Root", KEYS_HASH_SHA256, 0, 0,
      "960adf0063e96356750c2965dd0a0867da0b9cbd6e77714aeafb2349ab393da3" },
    { "Verizon Global Root", KEYS_HASH_SHA256, 0, 0,
      "68ad50909b04363c605ef13581a939ff2c96372e3f12325b0a6861e1d59f6603" },
    { "Entrust.net CA (2048)", KEYS_HASH_SHA256, 0, 0,
      "6dc47172e01cbcb0bf62580d895fe2b8ac9ad4f873801e0c10b9c837d21eb177" },
    { "Entrust Root CA", KEYS_HASH_SHA256, 0, 0,
      "73c176434f1bc6d5adf45b0e76e727287c8de57616c1e6e6141a2b2cbc7d8e4c" },
    { "Entrust Root CA G2", KEYS_HASH_SHA256, 1180, 0,
      "43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339" },
    { "VeriSign Universal Root", KEYS_HASH_SHA256, 1180, 0,
      "2399561127a57125de8cefea610ddf2fa078b5c8067f4e828290bfb860e84b3c" },
    { "AffirmTrust Premium", KEYS_HASH_SHA256, 1180, 0,
      "70a73f7f376b60074248904534b11482d5bf0e698ecc498df52577ebf2e93b9a" },
    { "DigiCert Global Root CA", KEYS_HASH_SHA256, 1180, 0,
      "4348a0e9444c78cb265e058d5e8944b4d84f9662bd26db257f8934a443c70161" },
    { "DigiCert Global Root G2", KEYS_HASH_SHA256, 1180, 0,
      "cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f" },
    { "DigiCert Global Root G3", KEYS_HASH_SHA256, 1180, 0,
      "31ad6648f8104138c738f39ea4320133393e3a18cc02296ef97c2ac9ef6731d0" },
    { "DigiCert Trusted Root G4", KEYS_HASH_SHA256, 1180, 0,
      "552f7bdcf1a7af9e6ce672017f4f12abf77240c78e761ac203d1d9d20ac89988" },
    { "Root 67540a47", KEYS_HASH_SHA256, 1180, 0,
      "67540a47aa5b9f34570a99723cfefa96a96ee3f0d9b8bf4def9440b8065d665d" },
    { "Root 72243952", KEYS_HASH_SHA256, 1180, 0,
      "7224395222cd588c4f2683716922addb41e39b581ac34fa87b39efa896fbb39e" },
    { "GlobalSign Root R3", KEYS_HASH_SHA256, 1180, 0,
      "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b" },
    { "GlobalSign ECC Root R5", KEYS_HASH_SHA256, 1180, 0,
      "179fbc148a3dd00fd24ea13458cc43bfa7f59c8182d783a513f6ebec100c8924" },
    { "GlobalSign Root R6", KEYS_HASH_SHA256, 1180, 0,
      "2cabeafe37d06ca22aba7391c0033d25982952c453647349763a3ab5ad6ccf69" },
    { "VeriSign Class 3 G1", KEYS_HASH_SHA256, 0, 1190,
      "e7685634efacf69ace939a6b255b7b4fabef42935b50a265acb5cb6027e44e70" },
    { "VeriSign Class 3 G3", KEYS_HASH_SHA256, 0, 1190,
      "eb04cf5eb1f39afa762f2bb120f296cba520c1b97db1589565b81cb9a17b7244" },
    { "VeriSign Class 3 G2", KEYS_HASH_SHA256, 0, 1190,
      "83ce3c1229688a593d485f81973c0f9195431eda37cc5e36430e79c7a888638b" },
    { "VeriSign Class 3", KEYS_HASH_SHA256, 0, 1190,
      "a4b6b3996fc2f306b3fd8681bd63413d8c5009cc4fa329c2ccf0e2fa1b140305" },
    { "GTE CyberTrust", KEYS_HASH_SHA256, 0, 1190,
      "a53125188d2110aa964b02c7b7c6da3203170894e5fb71fffb6667d5e6810a36" },
};
#define FACTORY_COUNT ((uint32_t)(sizeof k_factory / sizeof k_factory[0]))
_Static_assert(sizeof k_factory / sizeof k_factory[0] <= 64, "disabled_hashes is a 64-bit mask");

uint32_t keys_hash_len(enum keys_hash_type type)
{
    switch (type) {
    case KEYS_HASH_MD5:
        return 16;
    case KEYS_HASH_SHA1:
        return 20;
    case KEYS_HASH_SHA256:
        return 32;
    case KEYS_HASH_SHA384:
        return 48;
    }
    return 0;
}

static const EVP_MD *hash_digest(enum keys_hash_type type)
{
    switch (type) {
    case KEYS_HASH_MD5:
        return EVP_md5();
    case KEYS_HASH_SHA1:
        return EVP_sha1();
    case KEYS_HASH_SHA256:
        return EVP_sha256();
    case KEYS_HASH_SHA384:
        return EVP_sha384();
    }
    return NULL;
}

static bool profile_has(const struct firmware *firmware, enum keys_hash_type type)
{
    static const char *const k_names[] = { "md5", "sha1", "sha256", "sha384" };
    const struct config_texts *texts = &firmware->profile->config.hash_algorithms;
    for (uint32_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->items[i], k_names[type]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_born_with(const struct firmware *firmware, const struct factory_hash *hash)
{
    uint32_t release = firmware->profile->release;
    return firmware->profile->config.built_in_roots && profile_has(firmware, hash->type) &&
           release >= hash->from && (hash->until == 0 || release < hash->until);
}

/* A place in the list of all entries: either built in or a user's. */
struct place {
    uint32_t handle;  /* as the host interface counts */
    uint32_t factory; /* index into k_factory, or KEYS_NONE */
    uint32_t user;    /* index of the user's entry, or KEYS_NONE */
};

static bool is_user_handle(uint32_t handle)
{
    return handle >= FIRST_USER_SLOT && handle < FIRST_USER_SLOT + KEYS_USER_HASHES_MAX;
}

/* The next hash that the device is born with, from *factory on; KEYS_NONE behind the last. */
static uint32_t next_factory(const struct firmware *firmware, uint32_t *factory)
{
    while (*factory < FACTORY_COUNT && !is_born_with(firmware, &k_factory[*factory])) {
        *factory += 1;
    }
    return *factory < FACTORY_COUNT ? (*factory)++ : KEYS_NONE;
}

/* The at-th entry in the order of the handles. */
static bool find_place(const struct firmware *firmware, uint32_t at, struct place *place)
{
    bool has_more = firmware_is_release(firmware, MORE_BUILT_IN);
    uint32_t end = FIRST_USER_SLOT + KEYS_USER_HASHES_MAX + (has_more ? FACTORY_COUNT : 0);
    uint32_t factory = 0;
    for (uint32_t handle = 0; handle < end; handle++) {
        *place = (struct place){ .handle = handle, .factory = KEYS_NONE, .user = KEYS_NONE };
        if (is_user_handle(handle)) {
            uint32_t user = handle - FIRST_USER_SLOT;
            place->user = firmware->keys->user_hashes[user].name == NULL ? KEYS_NONE : user;
        } else {
            place->factory = next_factory(firmware, &factory);
        }
        if ((place->factory != KEYS_NONE || place->user != KEYS_NONE) && at-- == 0) {
            return true;
        }
    }
    return false;
}

static void read_factory(const struct keys *keys, uint32_t index, struct keys_hash *hash)
{
    const struct factory_hash *from = &k_factory[index];
    size_t len = 0;
    *hash = (struct keys_hash){ .name = from->name,
                                .type = from->type,
                                .len = keys_hash_len(from->type),
                                .is_active = (keys->disabled_hashes >> index & 1) == 0,
                                .is_default = true };
    (void)!text_parse_hex(from->hex, hash->bytes, sizeof hash->bytes, &len);
}

static void read_user(const struct keys *keys, uint32_t index, struct keys_hash *hash)
{
    const struct keys_user_hash *from = &keys->user_hashes[index];
    *hash = (struct keys_hash){ .name = from->name,
                                .type = from->type,
                                .len = keys_hash_len(from->type),
                                .is_active = from->is_active };
    memcpy(hash->bytes, from->bytes, sizeof hash->bytes);
}

static bool read_place(const struct firmware *firmware, uint32_t at, struct place *place,
                       struct keys_hash *hash)
{
    if (!find_place(firmware, at, place)) {
        return false;
    }
    if (place->factory != KEYS_NONE) {
        read_factory(firmware->keys, place->factory, hash);
    } else {
        read_user(firmware->keys, place->user, hash);
    }
    hash->handle = place->handle;
    return true;
}

bool keys_hash_at(const struct firmware *firmware, uint32_t at, struct keys_hash *hash)
{
    struct place place;
    return read_place(firmware, at, &place, hash);
}

bool keys_hash_of_root(const struct firmware *firmware, X509 *root, struct keys_hash *hash)
{
    for (uint32_t at = 0; keys_hash_at(firmware, at, hash); at++) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        if (hash->is_active && X509_digest(root, hash_digest(hash->type), digest, &len) == 1 &&
            len == hash->len && memcmp(digest, hash->bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct firmware *firmware, enum keys_hash_type type,
                     const uint8_t *bytes)
{
    struct keys_hash hash;
    for (uint32_t at = 0; keys_hash_at(firmware, at, &hash); at++) {
        if (hash.type == type && memcmp(hash.bytes, bytes, hash.len) == 0) {
            return true;
        }
    }
    return false;
}

/* MD5 proves nothing in any release; SHA-1 went later. */
bool keys_hash_may_add(const struct firmware *firmware, enum keys_hash_type type)
{
    switch (type) {
    case KEYS_HASH_MD5:
        return false;
    case KEYS_HASH_SHA1:
        return !firmware_is_release(firmware, SHA1_GONE);
    case KEYS_HASH_SHA256:
        return true;
    case KEYS_HASH_SHA384:
        return profile_has(firmware, type) || firmware_is_release(firmware, SHA384_ADDABLE);
    }
    return false;
}

static struct keys_user_hash *free_place(struct keys *keys)
{
    for (uint32_t i = 0; i < KEYS_USER_HASHES_MAX; i++) {
        if (keys->user_hashes[i].name == NULL) {
            return &keys->user_hashes[i];
        }
    }
    return NULL;
}

enum amt_err keys_hash_add(struct firmware *firmware, const char *name, enum keys_hash_type type,
                           const uint8_t *bytes)
{
    struct keys_user_hash *place = free_place(firmware->keys);
    if (!keys_hash_may_add(firmware, type)) {
        return AMT_ECERT;
    }
    if (is_known(firmware, type, bytes)) {
        return AMT_EEXISTS;
    }
    if (place == NULL) {
        return AMT_ELIMIT;
    }
    char *copy = amt_strdup(name);
    if (copy == NULL) {
        return AMT_ENOMEM;
    }
    *place = (struct keys_user_hash){ .name = copy, .type = type, .is_active = true };
    memcpy(place->bytes, bytes, keys_hash_len(type));
    firmware_changed(firmware);
    return AMT_OK;
}

enum amt_err keys_hash_switch(struct firmware *firmware, enum keys_hash_type type,
                              const uint8_t *bytes, bool is_on)
{
    for (uint32_t i = 0; i < KEYS_USER_HASHES_MAX; i++) {
        struct keys_user_hash *hash = &firmware->keys->user_hashes[i];
        if (hash->name != NULL && hash->type == type &&
            memcmp(hash->bytes, bytes, keys_hash_len(type)) == 0) {
            hash->is_active = is_on;
            firmware_changed(firmware);
            return AMT_OK;
        }
    }
    return AMT_EUNKNOWN;
}

static void write_id(uint32_t handle, char out[static KEYS_ID_BYTES])
{
    (void)snprintf(out, KEYS_ID_BYTES, ID_PREFIX "%u", handle + 1);
}

struct wsman_instance *keys_list_hashes(struct firmware_call *call)
{
    struct wsman_instance *list = NULL;
    struct wsman_instance **last = &list;
    struct place place;
    struct keys_hash hash;
    for (uint32_t at = 0; read_place(call->firmware, at, &place, &hash); at++) {
        struct wsman_instance *shown =
            wsman_instance_new(call->arena, "AMT_ProvisioningCertificateHash");
        char id[KEYS_ID_BYTES];
        if (shown == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return list;
        }
        write_id(place.handle, id);
        wsman_set(shown, "Description", hash.name);
        wsman_set_bool(shown, "Enabled", hash.is_active);
        wsman_set_base64(shown, "HashData", hash.bytes, hash.len);
        wsman_set_u64(shown, "HashType", hash.type);
        wsman_set(shown, "InstanceID", id);
        wsman_set_bool(shown, "IsDefault", hash.is_default);
        *last = shown;
        last = &shown->next;
    }
    return list;
}

static bool find_by_id(const struct firmware *firmware, const char *id, struct place *place)
{
    struct keys_hash hash;
    for (uint32_t at = 0; id != NULL && read_place(firmware, at, place, &hash); at++) {
        char own[KEYS_ID_BYTES];
        write_id(place->handle, own);
        if (strcmp(own, id) == 0) {
            return true;
        }
    }
    return false;
}

static enum wsman_fault fault_of(enum amt_err err)
{
    return err == AMT_EEXISTS  ? WSMAN_ALREADY_EXISTS
           : err == AMT_ELIMIT ? WSMAN_QUOTA_LIMIT
           : err == AMT_ENOMEM ? WSMAN_INTERNAL_ERROR
                               : WSMAN_INVALID_REPRESENTATION;
}

static const struct wsman_ref *ref_to(struct firmware_call *call, enum keys_hash_type type,
                                      const uint8_t *bytes)
{
    struct place place;
    struct keys_hash hash;
    for (uint32_t at = 0; read_place(call->firmware, at, &place, &hash); at++) {
        if (hash.type == type && memcmp(hash.bytes, bytes, hash.len) == 0) {
            char id[KEYS_ID_BYTES];
            write_id(place.handle, id);
            return wsman_ref_new(call->arena, "AMT_ProvisioningCertificateHash", 1, "InstanceID",
                                 id);
        }
    }
    return NULL;
}

/* MeshCMD sends an empty InstanceID: the device names the entry. */
const struct wsman_ref *keys_create_hash(struct firmware_call *call,
                                         const struct wsman_instance *instance)
{
    size_t len = 0;
    const uint8_t *bytes = wsman_get_base64(instance, "HashData", &len);
    uint64_t type = wsman_get_u64(instance, "HashType", UINT64_MAX);
    const char *name = wsman_get(instance, "Description");
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return NULL;
    }
    if (bytes == NULL || type > KEYS_HASH_SHA384 ||
        len != keys_hash_len((enum keys_hash_type)type) || name == NULL || name[0] == '\0' ||
        strlen(name) >= NAME_BYTES) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, NULL);
        return NULL;
    }
    enum amt_err err = keys_hash_add(call->firmware, name, (enum keys_hash_type)type, bytes);
    if (err != AMT_OK) {
        (void)firmware_fault(call, fault_of(err), NULL);
        return NULL;
    }
    return ref_to(call, (enum keys_hash_type)type, bytes);
}

void keys_put_hash(struct firmware_call *call, const struct wsman_instance *old,
                   const struct wsman_instance *changed)
{
    struct keys *keys = call->firmware->keys;
    bool is_active = wsman_get_bool(changed, "Enabled", true);
    struct place place;
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (!find_by_id(call->firmware, wsman_get(old, "InstanceID"), &place)) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    if (place.user != KEYS_NONE) {
        keys->user_hashes[place.user].is_active = is_active;
    } else {
        uint64_t bit = UINT64_C(1) << place.factory;
        keys->disabled_hashes =
            is_active ? keys->disabled_hashes & ~bit : keys->disabled_hashes | bit;
    }
    firmware_changed(call->firmware);
}

void keys_hashes_switch_built_in(struct firmware *firmware, bool is_on)
{
    firmware->keys->disabled_hashes = is_on ? 0 : UINT64_MAX >> (64 - FACTORY_COUNT);
    firmware_changed(firmware);
}

void keys_hashes_switch_users(struct firmware *firmware, bool is_on)
{
    for (uint32_t i = 0; i < KEYS_USER_HASHES_MAX; i++) {
        struct keys_user_hash *hash = &firmware->keys->user_hashes[i];
        hash->is_active = is_on && hash->name != NULL;
    }
    firmware_changed(firmware);
}

void keys_hashes_forget_users(struct firmware *firmware)
{
    for (uint32_t i = 0; i < KEYS_USER_HASHES_MAX; i++) {
        amt_free(firmware->keys->user_hashes[i].name);
        firmware->keys->user_hashes[i] = (struct keys_user_hash){ .name = NULL };
    }
    firmware_changed(firmware);
}

void keys_hashes_reset(struct firmware *firmware)
{
    keys_hashes_forget_users(firmware);
    keys_hashes_switch_built_in(firmware, true);
}

const char *keys_disabled_hash(const struct keys *keys, uint32_t at)
{
    for (uint32_t i = 0; i < FACTORY_COUNT; i++) {
        if ((keys->disabled_hashes >> i & 1) != 0 && at-- == 0) {
            return k_factory[i].hex;
        }
    }
    return NULL;
}

bool keys_disable_hash(struct keys *keys, const char *hex)
{
    for (uint32_t i = 0; i < FACTORY_COUNT; i++) {
        if (strcmp(k_factory[i].hex, hex) == 0) {
            keys->disabled_hashes |= UINT64_C(1) << i;
            return true;
        }
    }
    return false;
}

void keys_remove_hash(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct place place;
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
    } else if (!find_by_id(call->firmware, wsman_get(instance, "InstanceID"), &place)) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
    } else if (place.user == KEYS_NONE) { /* built in: can only be switched off */
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
    } else {
        struct keys_user_hash *hash = &call->firmware->keys->user_hashes[place.user];
        amt_free(hash->name);
        *hash = (struct keys_user_hash){ .name = NULL };
        firmware_changed(call->firmware);
    }
}
