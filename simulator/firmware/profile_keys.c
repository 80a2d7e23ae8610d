/* The keys of `firmware:` in a profile. */
#include "simulator/firmware/firmware.h"

#define AT(member) offsetof(struct firmware_config, member)

static const char *const k_modes[] = { "none", "client", "admin", NULL };
static const char *const k_qop[] = { "auth", "auth_int", NULL };
static const char *const k_realms[] = { "short", "full", NULL };
static const char *const k_der_keys[] = { "pkcs1", "spki", NULL };
static const char *const k_domains[] = { "table", "exact", "suffix", NULL };
static const char *const k_denials[] = { "fault", "status", NULL };
static const char *const k_unknown[] = { "unreachable", "selectors", NULL };
static const char *const k_hosts[] = { "off",  "booting", "bios",       "os",
                                       "hung", "asleep",  "hibernated", NULL };

const struct config_key firmware_config_keys[] = {
    { "version", CONFIG_TEXT, AT(version), "16.1.25.2124", "version in the Server header",
      .names = NULL },
    { "product", CONFIG_TEXT, AT(product), "Active Management Technology",
      "product name in the Server header; Standard Manageability for that SKU", .names = NULL },
    { "sku", CONFIG_U32, AT(sku), "16392", "Sku of CIM_SoftwareIdentity, a decimal bit mask",
      .names = NULL },
    { "build_number", CONFIG_TEXT, AT(build_number), NULL,
      "Build Number of CIM_SoftwareIdentity; default: the fourth part of version", .names = NULL },
    { "control_mode", CONFIG_ENUM, AT(control_mode), "admin",
      "how a device is born: not provisioned, client or admin control mode", .names = k_modes },
    { "admin_user", CONFIG_TEXT, AT(admin_user), "admin", "name of the administrator",
      .names = NULL },
    { "admin_password", CONFIG_TEXT, AT(admin_password), NULL,
      "password of the administrator; default: P@ssw0rd", .names = NULL },
    { "admin_password_file", CONFIG_TEXT, AT(admin_password_file), NULL,
      "file whose first line is that password", .names = NULL },
    { "host_name", CONFIG_TEXT, AT(host_name), NULL,
      "name of the PC as AMT shows it; default: host_name of the device", .names = NULL },
    { "domain_name", CONFIG_TEXT, AT(domain_name), "", "its domain", .names = NULL },
    { "network_suffix", CONFIG_TEXT, AT(network_suffix), NULL,
      "DNS suffix that the network hands out (DHCP option 15), for environment detection; default: "
      "none",
      .names = NULL },
    { "static_is_outside", CONFIG_BOOL, AT(static_is_outside), "false",
      "with a static address of its own the device takes itself to be outside; else it does not "
      "know, "
      "and only the user may call an external server (reports disagree)",
      .names = NULL },
    { "has_wired", CONFIG_BOOL, AT(has_wired), "true", "there is a wired port", .names = NULL },
    { "has_wireless", CONFIG_BOOL, AT(has_wireless), "true", "there is a wireless port",
      .names = NULL },
    { "has_kvm", CONFIG_BOOL, AT(has_kvm), "true", "the SKU can redirect the screen",
      .names = NULL },
    { "plain_network_port", CONFIG_BOOL, AT(plain_network_port), "true",
      "16992 may be open to network clients (not from AMT 16.1 on)", .names = NULL },
    { "plain_local_port", CONFIG_BOOL, AT(plain_local_port), "true",
      "16992 is open on the host interface (not from AMT 19 on)", .names = NULL },
    { "qop", CONFIG_ENUM, AT(qop), "auth", "quality of protection that a challenge offers",
      .names = k_qop },
    { "realm", CONFIG_ENUM, AT(realm), "full",
      "digest realm: 32 random digits, or 4 and zeros (up to about AMT 11)", .names = k_realms },
    { "der_key", CONFIG_ENUM, AT(der_key), "spki", "form of AMT_PublicPrivateKeyPair.DERKey",
      .names = k_der_keys },
    { "domain_match", CONFIG_ENUM, AT(domain_match), "table",
      "how the name in a provisioning certificate must fit the DNS suffix: by its registered part, "
      "as "
      "a table of top level domains says; equal; or equal or above it",
      .names = k_domains },
    { "denial", CONFIG_ENUM, AT(denial), "fault",
      "a method without the right answers AccessDenied, or return value 16", .names = k_denials },
    { "unknown_instance", CONFIG_ENUM, AT(unknown_instance), "unreachable",
      "selectors that select nothing: DestinationUnreachable, or InvalidSelectors",
      .names = k_unknown },
    { "nonce_lifetime", CONFIG_DURATION, AT(nonce_lifetime_us), "5m",
      "how long a digest nonce is taken", .names = NULL },
    { "checks_nc", CONFIG_BOOL, AT(checks_nc), "false", "refuse a nonce count that was used before",
      .names = NULL },
    { "lockout", CONFIG_BOOL, AT(lockout), "false",
      "refuse logons for 5 s to 80 s after 10 failures in a row", .names = NULL },
    { "empty_response_passes", CONFIG_BOOL, AT(empty_response_passes), "false",
      "the defect CVE-2017-5689: as many digits are compared as were sent", .names = NULL },
    { "chunk_bytes", CONFIG_SIZE, AT(chunk_bytes), "768B",
      "size of the buffers that answers are cut into", .min = 256, .max = 16384 },
    { "mps_login_max", CONFIG_U32, AT(mps_login_max), "64",
      "most characters of a user name and of a password for an MPS; guides also say 16", .min = 1,
      .max = 64 },
    { "certificates_max", CONFIG_U32, AT(certificates_max), "16", "room for certificates", .min = 1,
      .max = 64 },
    { "key_pairs_max", CONFIG_U32, AT(key_pairs_max), "16", "room for key pairs", .min = 1,
      .max = 64 },
    { "power_delay", CONFIG_DURATION, AT(power_delay_us), "2s",
      "from a power request to the new state", .names = NULL },
    { "key_delay", CONFIG_DURATION, AT(key_delay_us), "1s", "least time GenerateKeyPair takes",
      .names = NULL },
    { "boot", CONFIG_DURATION, AT(boot_us), "15s", "from power on to the operating system",
      .names = NULL },
    { "host", CONFIG_ENUM, AT(host), "os", "what the host is doing at the start",
      .names = k_hosts },
    { "absent_classes", CONFIG_TEXTS, AT(absent_classes), NULL,
      "classes that this SKU lacks besides those its release lacks", .names = NULL },
    { "absent_properties", CONFIG_TEXTS, AT(absent_properties), NULL,
      "properties that it lacks, as Class.Property", .names = NULL },
    { "hash_algorithms", CONFIG_TEXTS, AT(hash_algorithms), "[sha1, sha256]",
      "hashes of trusted roots: sha1, sha256, sha384", .names = NULL },
    { "instances", CONFIG_NODE, AT(instances), NULL,
      "Class: [ { Property: value } ], instead of what devices are born with", .names = NULL },
    { .name = NULL },
};
