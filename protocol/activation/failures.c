#include "protocol/activation/failures.h"

#include <string.h>

static const struct {
    const char *code, *name, *cause, *cure;
} k_failures[ACTIVATION_FAILURE_END_] = {
    [ACTIVATION_NO_FAILURE] = { "", "", "", "" },
    [ACT_F_NO_CERTIFICATES] = { "ACT-F-01", "no-certificates",
                                "the server has no activation certificate",
                                "load a provisioning certificate (mps "
                                "activation.certificates, or AmtAcmActivation in "
                                "MeshCentral's config.json)" },
    [ACT_F_CERTIFICATE_LOAD] = { "ACT-F-02", "certificate-load",
                                 "a provisioning certificate could not be loaded",
                                 "fix what the server's start warned about this certificate "
                                 "set" },
    [ACT_F_NO_HASHES] = { "ACT-F-03", "no-hashes", "the device reported no trusted root hashes",
                          "run the client with administrator rights and a working MEI "
                          "driver" },
    [ACT_F_HASHES_INACTIVE] = { "ACT-F-04", "hashes-inactive",
                                "all trusted root hashes of the device are inactive",
                                "activate a root hash in MEBx or with a setup.bin" },
    [ACT_F_NO_SUFFIX] = { "ACT-F-05", "no-suffix", "the device reported no DNS suffix",
                          "set DHCP option 15 on the wired network, the Trusted FQDN in MEBx, "
                          "or use a setup.bin" },
    [ACT_F_NO_CERTIFICATE_FOR_SUFFIX] = { "ACT-F-06", "no-certificate-for-suffix",
                                          "no activation certificate covers the device's DNS "
                                          "suffix",
                                          "get a certificate for this suffix, or change the "
                                          "suffix (DHCP option 15, Trusted FQDN in MEBx, "
                                          "setup.bin)" },
    [ACT_F_ROOT_NOT_TRUSTED] = { "ACT-F-07", "root-not-trusted",
                                 "the root of the matching certificate is not in the device's "
                                 "list of trusted hashes",
                                 "use a certificate under a listed root, or add the root's "
                                 "hash with MEBx or a setup.bin" },
    [ACT_F_ROOT_ONLY_SHA384] = { "ACT-F-08", "root-only-sha384",
                                 "the device knows the root only by its SHA-384 hash, which "
                                 "the server does not compare",
                                 "add the SHA-256 hash of the root to the device, or use a "
                                 "server that compares SHA-384" },
    [ACT_F_ALREADY_ADMIN_MODE] = { "ACT-F-09", "already-admin-mode",
                                   "the device is already in admin control mode",
                                   "manage it with its password, or unprovision it first" },
    [ACT_F_IN_PROVISIONING] = { "ACT-F-10", "in-provisioning",
                                "a provisioning session is open on the device",
                                "stop it (host command StopConfiguration), wait, and try "
                                "again" },
    [ACT_F_CLIENT_TOO_OLD] = { "ACT-F-11", "client-too-old",
                               "the client is too old for ACM activation",
                               "update the client: it must send core-ver" },
    [ACT_F_SUFFIX_DIFFERS] = { "ACT-F-12", "suffix-differs",
                               "the device's own domain name is not covered by the "
                               "certificate, though the reported one is",
                               "compare DHCP option 15 of the wired port with what was "
                               "reported; Wi-Fi, VPN and static addresses do not count" },
    [ACT_F_DHCP_OPTION_MISSING] = { "ACT-F-13", "dhcp-option-missing",
                                    "the wired network hands out no DHCP option 15",
                                    "check the wired link and configure option 15; the suffix "
                                    "of the operating system does not count" },
    [ACT_F_WIRED_LINK_DOWN] = { "ACT-F-14", "wired-link-down", "the wired link is down",
                                "plug the cable in and wait for an address" },
    [ACT_F_MEBX_SUFFIX_WRONG] = { "ACT-F-15", "mebx-suffix-wrong",
                                  "the Trusted FQDN in MEBx is wrong",
                                  "clear or correct it in MEBx: it goes before DHCP option "
                                  "15" },
    [ACT_F_SUFFIX_MALFORMED] = { "ACT-F-16", "suffix-malformed",
                                 "the DNS suffix is malformed (trailing dot or blank)",
                                 "write the suffix without dot or blanks at its end" },
    [ACT_F_CHAIN_BROKEN] = { "ACT-F-17", "chain-broken",
                             "certificate verification failed: the chain has a gap or the "
                             "wrong order",
                             "send leaf, intermediates and root in order, none left out" },
    [ACT_F_ROOT_HASH_GONE] = { "ACT-F-18", "root-hash-gone",
                               "the root is not trusted by this firmware any more, though its "
                               "hash was reported",
                               "read the hashes again; activate the root's entry in MEBx" },
    [ACT_F_SHA1_NOT_SUPPORTED] = { "ACT-F-19", "sha1-not-supported",
                                   "SHA-1 certificates are not supported by this AMT version",
                                   "use a chain that is signed with SHA-256 from leaf to "
                                   "root" },
    [ACT_F_KEY_TOO_SHORT] = { "ACT-F-20", "key-too-short",
                              "a key of the chain is shorter than this AMT version accepts",
                              "use RSA keys of 2048 bits or more" },
    [ACT_F_USAGE_MISSING] = { "ACT-F-21", "usage-missing",
                              "the certificate has neither the activation usage OID "
                              "2.16.840.1.113741.1.2.3 nor the activation OU",
                              "get a certificate made for Intel AMT provisioning" },
    [ACT_F_OU_WRONG_CASE] = { "ACT-F-22", "ou-wrong-case",
                              "the OU is not exactly \"Intel(R) Client Setup Certificate\"",
                              "capital letters matter: get the certificate reissued" },
    [ACT_F_SERVER_AUTH_MISSING] = { "ACT-F-23", "server-auth-missing",
                                    "the certificate lacks the usage serverAuth",
                                    "get a certificate with serverAuth (1.3.6.1.5.5.7.3.1) "
                                    "too" },
    [ACT_F_CHAIN_TOO_LONG] = { "ACT-F-24", "chain-too-long",
                               "the certificate chain is longer than the firmware takes",
                               "use a chain of at most four certificates" },
    [ACT_F_LEAF_NOT_FIRST] = { "ACT-F-25", "leaf-not-first",
                               "the leaf was not sent first, or not marked as leaf",
                               "send the leaf first with IsLeafCertificate true" },
    [ACT_F_CHAIN_NOT_COMPLETE] = { "ACT-F-26", "chain-not-complete",
                                   "AdminSetup was called before the chain was complete",
                                   "send every certificate up to the root, marked "
                                   "IsRootCertificate" },
    [ACT_F_CERTIFICATE_ENCODING] = { "ACT-F-27", "certificate-encoding",
                                     "a certificate is not valid base64 or DER",
                                     "send the DER encoding in strict base64" },
    [ACT_F_WRONG_PRIVATE_KEY] = { "ACT-F-28", "wrong-private-key",
                                  "the private key is not that of the leaf",
                                  "load the key that belongs to the certificate" },
    [ACT_F_SIGNATURE_REJECTED] = { "ACT-F-29", "signature-rejected",
                                   "the device rejected the signature",
                                   "sign ConfigurationNonce followed by McNonce, 40 bytes, "
                                   "with RSA PKCS#1 v1.5 and SHA-256" },
    [ACT_F_SIGNATURE_SHA1] = { "ACT-F-30", "signature-sha1",
                               "the device does not accept a SHA-1 signature",
                               "sign with SHA-256 (SigningAlgorithm 2)" },
    [ACT_F_NONCE_STALE] = { "ACT-F-31", "nonce-stale",
                            "the device changed its nonce between reading and signing",
                            "read the nonce again and repeat once" },
    [ACT_F_PASSWORD_HASH_WRONG] = { "ACT-F-32", "password-hash-wrong",
                                    "the password hash was made for another realm or user",
                                    "hash admin:realm:password with the DigestRealm that the "
                                    "device shows" },
    [ACT_F_PASSWORD_HASH_MALFORMED] = { "ACT-F-33", "password-hash-malformed",
                                        "the password hash is malformed or of the wrong type",
                                        "send 32 hexadecimal digits with encryption type 2" },
    [ACT_F_FLASH_WEAR_OUT] = { "ACT-F-34", "flash-wear-out",
                               "the flash of the device refuses to be written so often",
                               "wait some minutes and try again" },
    [ACT_F_INTERNAL_ERROR] = { "ACT-F-35", "internal-error",
                               "the firmware reported an internal error",
                               "try again; if it stays, power-cycle the device (remove AC)" },
    [ACT_F_LOCAL_ACCOUNT_REJECTED] = { "ACT-F-36", "local-account-rejected",
                                       "the device refuses the local account",
                                       "read it again from the MEI driver: it changes when "
                                       "the ME restarts" },
    [ACT_F_NO_HOST_ACCESS] = { "ACT-F-37", "no-host-access",
                               "the client cannot reach the ME: no administrator rights or no "
                               "driver",
                               "run it as administrator and check the MEI driver" },
    [ACT_F_LOCAL_PORT_REFUSED] = { "ACT-F-38", "local-port-refused",
                                   "nothing answers on the local AMT port",
                                   "start LMS, or use the client's own access to the ME" },
    [ACT_F_LOCAL_TLS_ENFORCED] = { "ACT-F-39", "local-tls-enforced",
                                   "the device takes local connections by TLS only",
                                   "activate by TLS (port 16993)" },
    [ACT_F_ADMIN_SETUP_ABSENT] = { "ACT-F-40", "admin-setup-absent",
                                   "this AMT version has no AdminSetup",
                                   "use secure host based setup over TLS "
                                   "(StartConfigurationHBased)" },
    [ACT_F_START_CONFIGURATION_REFUSED] = { "ACT-F-41", "start-configuration-refused",
                                            "the device refused to start host based "
                                            "configuration",
                                            "wait until its random generator and certificate "
                                            "are ready, and try again" },
    [ACT_F_TLS_HASH_DIFFERS] = { "ACT-F-42", "tls-hash-differs",
                                 "the device's TLS certificate is not the one it announced",
                                 "look for somebody in between; start the configuration "
                                 "again" },
    [ACT_F_PROVISIONING_HASH_DIFFERS] = { "ACT-F-43", "provisioning-hash-differs",
                                          "the provisioning certificate is not the one whose "
                                          "hash was announced",
                                          "announce the SHA-256 of the leaf that is used as "
                                          "client certificate" },
    [ACT_F_MEBX_PASSWORD_REQUIRED] = { "ACT-F-44", "mebx-password-required",
                                       "the device wants a MEBx password before it commits",
                                       "set one with SetMEBxPassword, then CommitChanges" },
    [ACT_F_REPLY_LOST] = { "ACT-F-45", "reply-lost",
                           "the answer was lost, but the device is activated",
                           "nothing: the control mode was read back" },
    [ACT_F_LOG_NOT_WRITABLE] = { "ACT-F-46", "log-not-writable",
                                 "the activation log cannot be written, so nothing was "
                                 "activated",
                                 "make room, or fix the rights of the log file and its "
                                 "folder" },
    [ACT_F_CLIENT_MODE_DISABLED] = { "ACT-F-47", "client-mode-disabled",
                                     "client control mode is disabled on this device",
                                     "activate in admin control mode, or unconfigure the ME" },
    [ACT_F_CLIENT_MODE_PRESENT] = { "ACT-F-48", "client-mode-present",
                                    "the device is in client control mode while the policy "
                                    "wants admin control mode",
                                    "nothing: it is upgraded or deactivated first" },
    [ACT_F_DEACTIVATION_REFUSED] = { "ACT-F-49", "deactivation-refused",
                                     "the device refused to leave client control mode",
                                     "unprovision it with its password" },
    [ACT_F_REALM_DIFFERS] = { "ACT-F-50", "realm-differs",
                              "the realm of the logon differs from DigestRealm",
                              "activate again: the stored password hash cannot work" },
    [ACT_F_REALM_MALFORMED] = { "ACT-F-51", "realm-malformed",
                                "the digest realm is not \"Digest:\" and 32 digits",
                                "update the firmware; its realm cannot be used" },
    [ACT_F_POLICY_NONE] = { "ACT-F-52", "policy-none",
                            "the device group is missing or its policy is none",
                            "create the group, or give it an activation policy" },
    [ACT_F_LOGIN_REFUSED] = { "ACT-F-53", "login-refused",
                              "the server refused the client's login, or the client refused "
                              "the server's certificate",
                              "check --id and --serverhttpshash against the server's "
                              "activation command" },
    [ACT_F_CERTIFICATE_EXPIRED] = { "ACT-F-54", "certificate-expired",
                                    "the provisioning certificate has expired or is not valid "
                                    "yet",
                                    "renew it, or check the clock" },
    [ACT_F_PROFILE_MISSING] = { "ACT-F-55", "profile-missing",
                                "the profile or domain does not exist on the server",
                                "create it, or name one that exists" },
    [ACT_F_PROTOCOL_VERSION] = { "ACT-F-56", "protocol-version",
                                 "the server does not speak the client's protocol version",
                                 "update the older of the two" },
    [ACT_F_ANSWER_NOT_CHUNKED] = { "ACT-F-57", "answer-not-chunked",
                                   "the device's answers are not chunked, as the server "
                                   "expects",
                                   "check what stands between server and device; AMT answers "
                                   "chunked" },
    [ACT_F_DEVICE_TOO_SLOW] = { "ACT-F-58", "device-too-slow", "the device answers too slowly",
                                "try again with a longer limit; nothing is repeated that may "
                                "have been done" },
    [ACT_F_HELLO_NO_MATCH] = { "ACT-F-59", "hello-no-match",
                               "no activation certificate matches a hash of the hello packet",
                               "load a certificate under one of the listed roots" },
    [ACT_F_TRUSTED_FQDN_DIFFERS] = { "ACT-F-60", "trusted-fqdn-differs",
                                     "the configured trusted FQDN is no name of a loaded "
                                     "certificate",
                                     "write the certificate's domain into trustedFqdn" },
};

const char *activation_failure_code(enum activation_failure failure)
{
    return k_failures[failure].code;
}

const char *activation_failure_name(enum activation_failure failure)
{
    return k_failures[failure].name;
}

const char *activation_failure_cause(enum activation_failure failure)
{
    return k_failures[failure].cause;
}

const char *activation_failure_cure(enum activation_failure failure)
{
    return k_failures[failure].cure;
}

enum activation_failure activation_failure_find(const char *code_or_name)
{
    for (int i = 1; i < ACTIVATION_FAILURE_END_; i++) {
        if (strcmp(k_failures[i].code, code_or_name) == 0 ||
            strcmp(k_failures[i].name, code_or_name) == 0) {
            return (enum activation_failure)i;
        }
    }
    return ACTIVATION_NO_FAILURE;
}
