/* Host based setup (wsman.md 4.3, activation.md 5): chain, signature, states. */
#include "base/unit.h"

#include <stdio.h>
#include <string.h>

#include "simulator/firmware/tests/provisioning_setup.h"
#include "simulator/firmware/users.h"

static const char *host_setup(struct pc *pc, const char *property)
{
    return pc_property(pc_get(pc, HOST_SETUP, NULL), property);
}

static const char *configuration(struct pc *pc, const char *property)
{
    return pc_property(pc_get(pc, CONFIGURATION, NULL), property);
}

static int setup(struct pc *pc, const char *hash)
{
    char input[256];
    (void)snprintf(input, sizeof input,
                   "<r:NetAdminPassEncryptionType>2</r:NetAdminPassEncryptionType>"
                   "<r:NetworkAdminPassword>%s</r:NetworkAdminPassword>",
                   hash);
    return pc_call(pc, HOST_SETUP, "Setup", NULL, input);
}

/* ACT-DEV-001 */
static void the_service_looks_as_captured(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    (void)pc_get(&pc, HOST_SETUP, NULL);
    assert_non_null(strstr(
        text_chars(&pc.body),
        "<g:IPS_HostBasedSetupService><g:AllowedControlModes>2</g:AllowedControlModes>"
        "<g:AllowedControlModes>1</g:AllowedControlModes><g:CertChainStatus>0</g:CertChainStatus>"
        "<g:ConfigurationNonce>oKGio6SlpqeoqaqrrK2ur7CxsrM=</g:ConfigurationNonce>"
        "<g:CreationClassName>IPS_HostBasedSetupService</g:CreationClassName>"
        "<g:CurrentControlMode>0</g:CurrentControlMode><g:ElementName>Intel(r) AMT Host Based "
        "Setup Service</g:ElementName><g:Name>Intel(r) AMT Host Based Setup Service</g:Name>"
        "<g:SystemCreationClassName>CIM_ComputerSystem</g:SystemCreationClassName>"
        "<g:SystemName>Intel(r) AMT</g:SystemName></g:IPS_HostBasedSetupService>"));
    assert_string_equal(configuration(&pc, "ProvisioningState"), "0");
    assert_string_equal(configuration(&pc, "TrustedDNSSuffix"), "corp.example.com");
    pc_close(&pc);
}

/* ACT-DEV-008, ACT-DEV-017, WSM-074, WSM-076 */
static void the_vector_chain_and_signature_activate(void **state)
{
    struct pc pc;
    char realm[48], nonce[40];
    (void)state;
    setup_open(&pc, NULL);
    (void)snprintf(realm, sizeof realm, "%s", provisioning_realm(pc.firmware));
    (void)snprintf(nonce, sizeof nonce, "%s", host_setup(&pc, "ConfigurationNonce"));
    assert_int_equal(setup_add(&pc, "leaf", true, false), 0);
    assert_string_equal(host_setup(&pc, "CertChainStatus"), "1");
    assert_int_equal(setup_add(&pc, "int2", false, false), 0);
    assert_int_equal(setup_add(&pc, "int1", false, false), 0);
    assert_int_equal(setup_add(&pc, "root", false, true), 0);
    assert_string_equal(host_setup(&pc, "CertChainStatus"), "2");
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, "N3w-Passw0rd"),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     0);
    /* The local system account still reads. */
    assert_string_equal(host_setup(&pc, "CurrentControlMode"), "2");
    assert_string_equal(host_setup(&pc, "CertChainStatus"), "0");
    assert_string_not_equal(host_setup(&pc, "ConfigurationNonce"), nonce); /* WSM-073 */
    setup_as_admin(&pc, "N3w-Passw0rd");                                   /* WSM-064 */
    assert_string_equal(configuration(&pc, "ProvisioningMode"), "1");
    assert_string_equal(configuration(&pc, "ProvisioningState"), "2");
    assert_string_equal(pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "DigestRealm"),
                        realm); /* WSM-013 */
    setup_as_admin(&pc, "wrong");
    (void)pc_wsman(&pc, "Get", HOST_SETUP, NULL, NULL);
    assert_int_equal(pc.status, 401);
    pc_close(&pc);
}

static void the_record_tells_who_activated(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    setup_add_chain(&pc, "leaf");
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     0);
    setup_as_admin(&pc, PC_PASSWORD);
    assert_int_equal(pc_count(&pc, "IPS_AdminProvisioningRecord"), 1);
    assert_int_equal(pc_count(&pc, "IPS_ProvisioningAuditRecord"), 1);
    const struct xml_node *record = pc_get(&pc, "IPS_AdminProvisioningRecord", NULL);
    assert_string_equal(pc_property(record, "CertificateCN"), "vpro.example.com");
    assert_string_equal(pc_property(record, "SelectedHashType"), "2");
    assert_string_equal(pc_property(record, "SelectedHashData"),
                        "bb7VBmEvjMh9KOSSB9cXZGszy5dMxOfwuay9TtYRaT4=");
    assert_string_equal(pc_property(record, "SecureDNS"), "true");
    assert_string_equal(pc_property(record, "HashIsOemDefault"), "false");
    assert_string_equal(pc_property(record, "CaCertificateSerials"),
                        "00000000000000000000000000001003"
                        "00000000000000000000000000001002"
                        "00000000000000000000000000001001");
    assert_string_equal(
        pc_property(pc_get(&pc, "IPS_ProvisioningRecordLog", NULL), "CurrentNumberOfRecords"), "1");
    pc_close(&pc);
}

/* ACT-DEV-018 */
static void without_a_whole_chain_the_state_is_wrong(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    const char *signature = setup_vector(&pc, "signatureSha256Base64");
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD), signature), 2);
    assert_int_equal(setup_add(&pc, "leaf", true, false), 0);
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD), signature), 2);
    pc_close(&pc);
}

/* ACT-DEV-019: one wrong parameter after the other. */
static void wrong_parameters_give_3(void **state)
{
    static const struct {
        const char *type, *hash, *nonce, *algorithm, *signature;
    } k_cases[] = {
        { "1", NULL, NULL, "2", NULL },
        { "2", "b6710485f86e6174cca7404518df56d", NULL, "2", NULL }, /* 31 digits */
        { "2", "z6710485f86e6174cca7404518df56da", NULL, "2", NULL },
        { "2", NULL, "wMHCw8TFxsfIycrLzM3Oz9DR0g==", "2", NULL },
        { "2", NULL, NULL, "1", NULL },
        { "2", NULL, NULL, "2", "" },
    };
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    setup_add_chain(&pc, "leaf");
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct text input = { 0 };
        const char *hash = k_cases[i].hash, *nonce = k_cases[i].nonce;
        const char *signature = k_cases[i].signature;
        text_printf(&input,
                    "<r:NetAdminPassEncryptionType>%s</r:NetAdminPassEncryptionType>"
                    "<r:NetworkAdminPassword>%s</r:NetworkAdminPassword><r:McNonce>%s</r:McNonce>"
                    "<r:SigningAlgorithm>%s</r:SigningAlgorithm><r:DigitalSignature>%s"
                    "</r:DigitalSignature>",
                    k_cases[i].type, hash == NULL ? setup_hash(&pc, PC_PASSWORD) : hash,
                    nonce == NULL ? setup_vector(&pc, "mcNonceBase64") : nonce,
                    k_cases[i].algorithm,
                    signature == NULL ? setup_vector(&pc, "signatureSha256Base64") : signature);
        assert_int_equal(pc_call(&pc, HOST_SETUP, "AdminSetup", NULL, text_chars(&input)), 3);
        text_fini(&input);
    }
    pc_close(&pc);
}

/* ACT-DEV-020, ACT-DEV-024: and then the right one still works with the same nonce. */
static void wrong_signatures_give_5_and_change_nothing(void **state)
{
    static const char *const k_wrong[] = { "signatureSha1Base64", "signatureWrongOrderBase64",
                                           "signatureWrongKeyBase64" };
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    setup_add_chain(&pc, "leaf");
    for (size_t i = 0; i < sizeof k_wrong / sizeof *k_wrong; i++) {
        assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                     setup_vector(&pc, k_wrong[i])),
                         5);
        assert_string_equal(host_setup(&pc, "CurrentControlMode"), "0");
        assert_string_equal(host_setup(&pc, "ConfigurationNonce"), "oKGio6SlpqeoqaqrrK2ur7CxsrM=");
    }
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     0);
    pc_close(&pc);
}

struct heard {
    uint64_t result;
    char why[128];
};

static void hear(void *ctx, const char *name, enum log_level level, const struct log_field *fields)
{
    struct heard *heard = ctx;
    (void)level;
    if (strcmp(name, "provisioning.step") != 0) {
        return;
    }
    for (; fields->kind != LOG_FIELD_END; fields++) {
        if (strcmp(fields->name, "result") == 0) {
            heard->result = fields->number;
        } else if (strcmp(fields->name, "why") == 0) {
            (void)snprintf(heard->why, sizeof heard->why, "%s", fields->text);
        }
    }
}

static void the_log_says_why_a_step_was_refused(void **state)
{
    struct pc pc;
    struct heard heard = { .why = "" };
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(log_observe(pc.log, hear, &heard), AMT_OK);
    assert_int_equal(setup_add(&pc, "leaf-otherroot", true, false), 0);
    assert_string_equal(heard.why, "");
    assert_int_equal(setup_add(&pc, "root-other", false, true), 4);
    assert_int_equal(heard.result, 4);
    assert_string_equal(heard.why, "the root is not among the active hashes");
    setup_add_chain(&pc, "leaf");
    assert_int_equal(provisioning_set_trusted_suffix(pc.firmware, "example.net"), AMT_OK);
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     5);
    assert_string_equal(heard.why, "the leaf's name does not fit the DNS suffix");
    assert_int_equal(provisioning_set_trusted_suffix(pc.firmware, "example.com"), AMT_OK);
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureWrongOrderBase64")),
                     5);
    assert_string_equal(heard.why, "the signature is not the leaf's over both nonces");
    log_unobserve(pc.log, hear, &heard);
    pc_close(&pc);
}

/* ACT-DEV-021 */
static void the_leaf_must_be_marked_and_of_our_domain(void **state)
{
    static const struct {
        const char *leaf, *suffix;
        int result;
    } k_cases[] = {
        { "leaf-nousage", "corp.example.com", 5 },
        { "leaf-noserverauth", "corp.example.com", 5 },
        { "leaf-oucase", "corp.example.com", 5 },
        { "leaf-nocn", "corp.example.com", 5 },
        { "leaf-otherdomain", "corp.example.com", 5 },
        { "leaf", "example.net", 5 },
        { "leaf", NULL, 5 },
        { "leaf-ou", "corp.example.com", 0 },
        { "leaf-wildcard", "example.com", 0 },
        { "leaf", "EXAMPLE.com.", 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct pc pc;
        setup_open(&pc, NULL);
        assert_int_equal(provisioning_set_trusted_suffix(pc.firmware, k_cases[i].suffix), AMT_OK);
        setup_add_chain(&pc, k_cases[i].leaf);
        assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                     setup_sign(&pc, k_cases[i].leaf)),
                         k_cases[i].result);
        pc_close(&pc);
    }
}

/* activation.md 3.3 */
static void domains_match_by_the_table(void **state)
{
    static const struct {
        const char *name, *suffix;
        bool matches;
    } k_cases[] = {
        { "vpro.example.com", "example.com", true },
        { "vpro.example.com", "a.b.example.com", true },
        { "vpro.example.com", "EXAMPLE.COM", true },
        { "vpro.example.com", "badexample.com", false },
        { "vpro.example.com", "example.net", false },
        { "vpro.example.com", "com", false },
        { "*.example.com", "corp.example.com", true },
        { "vpro.lab.example.co.uk", "x.example.co.uk", true },
        { "vpro.lab.example.co.uk", "co.uk", false },
        { "vpro.example.uk", "example.uk", false },
        { "vpro.corp.internal", "corp.internal", false },
        { "vpro.corp.internal", "x.vpro.corp.internal", true },
        { "localhost", "localhost", true },
        { "", "example.com", false },
        { "vpro.example.com", "", false },
        { "vpro.example.com", ".", false },
        { "vpro.example.com", NULL, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        assert_int_equal(
            provisioning_domain_matches(k_cases[i].name, k_cases[i].suffix, DOMAIN_TABLE),
            k_cases[i].matches);
    }
}

/* ACT-DEV-022 */
static void domains_match_by_the_other_rules(void **state)
{
    static const struct {
        const char *name, *suffix;
        bool is_exact, is_suffix;
    } k_cases[] = {
        { "vpro.example.com", "example.com", false, false },
        { "vpro.example.com", "VPRO.example.com.", true, true },
        { "vpro.example.com", "x.vpro.example.com", false, true },
        { "*.example.com", "example.com", true, true },
        { "*.example.com", "corp.example.com", false, true },
        { "example.com", "badexample.com", false, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        const char *name = k_cases[i].name, *suffix = k_cases[i].suffix;
        assert_int_equal(provisioning_domain_matches(name, suffix, DOMAIN_EXACT),
                         k_cases[i].is_exact);
        assert_int_equal(provisioning_domain_matches(name, suffix, DOMAIN_SUFFIX),
                         k_cases[i].is_suffix);
    }
}

/* ACT-DEV-023 */
static void the_trusted_suffix_goes_before_that_of_dhcp(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(provisioning_set_dhcp_suffix(pc.firmware, "example.net"), AMT_OK);
    assert_string_equal(provisioning_suffix(pc.firmware), "corp.example.com");
    assert_int_equal(provisioning_set_trusted_suffix(pc.firmware, ""), AMT_OK);
    assert_string_equal(provisioning_suffix(pc.firmware), "example.net");
    assert_string_equal(configuration(&pc, "DhcpDNSSuffix"), "example.net");
    assert_string_equal(configuration(&pc, "TrustedDNSSuffix"), "");
    pc_close(&pc);
}

static void chains_are_checked_link_by_link(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(setup_add(&pc, "int2", false, false), 3); /* ACT-DEV-010 */
    assert_int_equal(setup_add(&pc, "leaf", true, false), 0);
    assert_int_equal(setup_add(&pc, "int1", false, false), 4); /* not its issuer */
    assert_string_equal(host_setup(&pc, "CertChainStatus"), "0");
    assert_int_equal(setup_add(&pc, "leaf-badsig", true, false), 0);
    assert_int_equal(setup_add(&pc, "int2", false, false), 4); /* ACT-DEV-012 */
    assert_int_equal(setup_add(&pc, "leaf-otherroot", true, false), 0);
    assert_int_equal(setup_add(&pc, "root-other", false, true), 4); /* ACT-DEV-011 */
    assert_int_equal(setup_add(&pc, "leaf", true, false), 0);       /* ACT-DEV-009 */
    assert_int_equal(setup_add(&pc, "int2", false, false), 0);
    setup_add_chain(&pc, "leaf");
    assert_int_equal(setup_add(&pc, "int2", false, false), 3); /* it is complete */
    assert_int_equal(pc_call(&pc, HOST_SETUP, "AddNextCertInChain", NULL,
                             "<r:NextCertificate>AAEC</r:NextCertificate>"
                             "<r:IsLeafCertificate>true</r:IsLeafCertificate>"),
                     1); /* ACT-DEV-014 */
    pc_close(&pc);
}

/* ACT-DEV-013 */
static void a_chain_of_five_is_too_long(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(setup_add(&pc, "leaf-5chain", true, false), 0);
    assert_int_equal(setup_add(&pc, "int3", false, false), 0);
    assert_int_equal(setup_add(&pc, "int2", false, false), 0);
    assert_int_equal(setup_add(&pc, "int1", false, false), 0);
    assert_int_equal(setup_add(&pc, "root", false, true), 5);
    assert_string_equal(host_setup(&pc, "CertChainStatus"), "0");
    pc_close(&pc);
}

/* ACT-DEV-015 */
static void weak_certificates_are_refused_from_release_16_on(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, "16.0.15.1735");
    assert_int_equal(setup_add(&pc, "leaf-1024", true, false), 4);
    assert_int_equal(setup_add(&pc, "leaf-sha1", true, false), 4);
    pc_close(&pc);
    setup_open(&pc, "14.0.39.1339");
    setup_add_chain(&pc, "leaf-1024");
    setup_add_chain(&pc, "leaf-sha1");
    setup_add_chain(&pc, "leaf-expired"); /* no trusted clock before provisioning */
    pc_close(&pc);
}

/* ACT-DEV-025, WSM-075, WSM-076 */
static void setup_gives_client_control_once(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(setup(&pc, "b6710485f86e6174cca7404518df56"), 3);
    assert_int_equal(setup(&pc, setup_hash(&pc, "N3w-Passw0rd")), 0);
    setup_as_admin(&pc, "N3w-Passw0rd");
    assert_string_equal(host_setup(&pc, "CurrentControlMode"), "1");
    assert_string_equal(configuration(&pc, "ProvisioningMode"), "4");
    assert_string_equal(configuration(&pc, "ProvisioningState"), "2");
    assert_int_equal(pc_count(&pc, "IPS_ClientProvisioningRecord"), 1);
    assert_int_equal(setup(&pc, setup_hash(&pc, "N3w-Passw0rd")), 2);
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     2);
    pc_close(&pc);
}

static void a_certificate_that_comes_with_setup_must_fit(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    struct text input = { 0 };
    const char *const signatures[] = { setup_vector(&pc, "signatureWrongKeyBase64"),
                                       setup_vector(&pc, "signatureSha256Base64") };
    static const int k_results[] = { 5, 0 };
    for (size_t i = 0; i < 2; i++) {
        text_fini(&input);
        input = (struct text){ 0 };
        text_printf(&input,
                    "<r:NetAdminPassEncryptionType>2</r:NetAdminPassEncryptionType>"
                    "<r:NetworkAdminPassword>%s</r:NetworkAdminPassword><r:McNonce>%s</r:McNonce>"
                    "<r:Certificate>%s</r:Certificate><r:SigningAlgorithm>2</r:SigningAlgorithm>"
                    "<r:DigitalSignature>%s</r:DigitalSignature>",
                    setup_hash(&pc, PC_PASSWORD), setup_vector(&pc, "mcNonceBase64"),
                    setup_certificate(&pc, "leaf"), signatures[i]);
        assert_int_equal(pc_call(&pc, HOST_SETUP, "Setup", NULL, text_chars(&input)), k_results[i]);
    }
    text_fini(&input);
    setup_as_admin(&pc, PC_PASSWORD);
    assert_string_equal(
        pc_property(pc_get(&pc, "IPS_ClientProvisioningRecord", NULL), "ProvCertificateHash"),
        "Km5xGCmGWzBgK7YTuwsQxWBxR1AvEdtZK+shUEaEBgE=");
    pc_close(&pc);
}

static void client_control_can_be_banned(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(pc_call(&pc, HOST_SETUP, "DisableClientControlMode", NULL, NULL), 0);
    assert_int_equal(setup(&pc, setup_hash(&pc, PC_PASSWORD)), 4);
    assert_null(strstr(text_chars(&pc.body), "<g:AllowedControlModes>1"));
    (void)pc_get(&pc, HOST_SETUP, NULL); /* ACT-DEV-002 */
    assert_non_null(strstr(text_chars(&pc.body), "<g:AllowedControlModes>2"));
    assert_null(strstr(text_chars(&pc.body), "<g:AllowedControlModes>1"));
    pc_close(&pc);
}

/* ACT-DEV-026 */
static void client_control_is_upgraded_by_the_administrator(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(
        setup_prove(&pc, "UpgradeClientToAdmin", NULL, setup_vector(&pc, "signatureSha256Base64")),
        2);
    assert_int_equal(setup(&pc, setup_hash(&pc, PC_PASSWORD)), 0);
    setup_as_admin(&pc, PC_PASSWORD);
    assert_int_equal(setup_prove(&pc, "UpgradeClientToAdmin", NULL, setup_sign(&pc, "leaf")), 2);
    setup_add_chain(&pc, "leaf");
    setup_as_host(&pc);
    assert_int_equal(setup_prove(&pc, "UpgradeClientToAdmin", NULL, setup_sign(&pc, "leaf")), 5);
    setup_as_admin(&pc, PC_PASSWORD);
    assert_int_equal(setup_prove(&pc, "UpgradeClientToAdmin", NULL, setup_sign(&pc, "leaf")), 0);
    assert_string_equal(host_setup(&pc, "CurrentControlMode"), "2"); /* the password stays */
    assert_int_equal(setup_add(&pc, "leaf", true, false), 3);
    assert_int_equal(setup_prove(&pc, "UpgradeClientToAdmin", NULL, setup_sign(&pc, "leaf")), 2);
    assert_int_equal(pc_count(&pc, "IPS_ProvisioningAuditRecord"), 2);
    pc_close(&pc);
}

/* ACT-DEV-027, ACT-DEV-028, ACT-DEV-051 */
static void remote_configuration_keeps_the_host_out(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    setup_add_chain(&pc, "leaf");
    assert_int_equal(provisioning_stop(pc.firmware), AMT_ESTATE);
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    assert_string_equal(configuration(&pc, "ProvisioningState"), "1");
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     2);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "ExtendProvisioningPeriod", NULL,
                             "<r:Duration>25</r:Duration>"),
                     36);
    assert_int_equal(
        pc_call(&pc, CONFIGURATION, "ExtendProvisioningPeriod", NULL, "<r:Duration>1</r:Duration>"),
        0);
    assert_int_equal(pc_call(&pc, CONFIGURATION, "CommitChanges", NULL, NULL), 2057);
    pc_run(&pc, UINT64_C(3601) * US_PER_SECOND);
    assert_int_equal(provisioning_state(pc.firmware), PROVISIONING_PRE);
    (void)pc_wsman(&pc, "Get", HOST_SETUP, NULL, NULL); /* the nonce is too old: a new challenge */
    assert_int_equal(
        pc_call(&pc, CONFIGURATION, "ExtendProvisioningPeriod", NULL, "<r:Duration>1</r:Duration>"),
        32);
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     0);
    assert_int_equal(provisioning_start(pc.firmware), AMT_ESTATE);
    pc_close(&pc);
}

/* ACT-DEV-043: over TLS only, with its own return to a fault. */
static void release_19_has_no_admin_setup_from_the_host(void **state)
{
    struct pc pc;
    (void)state;
    setup_open(&pc, "19.0.0.1800");
    setup_add_chain(&pc, "leaf");
    assert_int_equal(setup_prove(&pc, "AdminSetup", setup_hash(&pc, PC_PASSWORD),
                                 setup_vector(&pc, "signatureSha256Base64")),
                     -1);
    assert_string_equal(pc_fault(&pc), "ActionNotSupported");
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_looks_as_captured),
        cmocka_unit_test(the_vector_chain_and_signature_activate),
        cmocka_unit_test(the_record_tells_who_activated),
        cmocka_unit_test(without_a_whole_chain_the_state_is_wrong),
        cmocka_unit_test(wrong_parameters_give_3),
        cmocka_unit_test(wrong_signatures_give_5_and_change_nothing),
        cmocka_unit_test(the_log_says_why_a_step_was_refused),
        cmocka_unit_test(the_leaf_must_be_marked_and_of_our_domain),
        cmocka_unit_test(domains_match_by_the_table),
        cmocka_unit_test(domains_match_by_the_other_rules),
        cmocka_unit_test(the_trusted_suffix_goes_before_that_of_dhcp),
        cmocka_unit_test(chains_are_checked_link_by_link),
        cmocka_unit_test(a_chain_of_five_is_too_long),
        cmocka_unit_test(weak_certificates_are_refused_from_release_16_on),
        cmocka_unit_test(setup_gives_client_control_once),
        cmocka_unit_test(a_certificate_that_comes_with_setup_must_fit),
        cmocka_unit_test(client_control_can_be_banned),
        cmocka_unit_test(client_control_is_upgraded_by_the_administrator),
        cmocka_unit_test(remote_configuration_keeps_the_host_out),
        cmocka_unit_test(release_19_has_no_admin_setup_from_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
