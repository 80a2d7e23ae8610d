#include "scenarios/engine/tests/activation_pc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/users.h"

#define CERTS AMTLAB_SOURCE_DIR "/mps/activation/tests/data/certs/"

static struct stream *open_port(void *ctx, uint32_t port)
{
    struct activation_pc *pc = ctx;
    struct stream *ours;
    struct stream *theirs;
    assert_int_equal(stream_memory_pair(pc->loop, &ours, &theirs), AMT_OK);
    if (pc->refuses_ports || !firmware_port_is_open(pc->firmware, port, FIRMWARE_LOCAL)) {
        stream_reset(theirs);
    } else if (port == 16993) {
        firmware_serve_tls(pc->firmware, theirs, FIRMWARE_LOCAL);
    } else {
        firmware_serve(pc->firmware, theirs, FIRMWARE_LOCAL);
    }
    return ours;
}

static void stop_configuration(void *ctx)
{
    struct activation_pc *pc = ctx;
    activation_job_host_done(pc->job, 3, NULL);
}

static void unprovision(void *ctx)
{
    struct activation_pc *pc = ctx;
    int status = pc->unprovision_status;
    if (status < 0) {
        status = provisioning_mode(pc->firmware) == FIRMWARE_CLIENT_CONTROL ? 0 : 3;
        if (status == 0) {
            firmware_unprovision(pc->firmware, false);
        }
    }
    activation_job_host_done(pc->job, status, NULL);
}

static void read_state_again(void *ctx)
{
    struct activation_pc *pc = ctx;
    activation_pc_report(pc);
    activation_job_report_changed(pc->job, &pc->report);
}

static void say(void *ctx, const char *text)
{
    struct activation_pc *pc = ctx;
    size_t used = strlen(pc->said);
    (void)snprintf(pc->said + used, sizeof pc->said - used, "%s\n", text);
}

void activation_pc_init(struct activation_pc *pc)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag diag = { .err = AMT_OK };
    memset(pc, 0, sizeof *pc);
    pc->loop = loop_new_virtual(&k_world, NULL);
    pc->log = log_new(pc->loop);
    pc->unprovision_status = -1;
    assert_int_equal(config_read(firmware_config_keys, NULL, "defaults", &pc->config, NULL),
                     AMT_OK);
    pc->config.control_mode = FIRMWARE_NOT_PROVISIONED;
    assert_int_equal(
        config_set(firmware_config_keys, "network_suffix", "corp.example.com", &pc->config, &diag),
        AMT_OK);
    (void)snprintf(pc->dir, sizeof pc->dir, "/tmp/amtlab-act-XXXXXX");
    assert_non_null(mkdtemp(pc->dir));
    (void)snprintf(pc->log_path, sizeof pc->log_path, "%s/log", pc->dir);
    assert_int_equal(activation_log_open(pc->log_path, NULL, &pc->activation_log, &diag), AMT_OK);
    pc->certificates = activation_certificates_new();
    pc->policy.type = ACTIVATION_POLICY_ADMIN;
    pc->channel = (struct activation_channel){ .open_port = open_port,
                                               .stop_configuration = stop_configuration,
                                               .unprovision_client_mode = unprovision,
                                               .read_state_again = read_state_again,
                                               .say = say,
                                               .ctx = pc };
    pc->settings = (struct activation_settings){ .loop = pc->loop,
                                                 .log = pc->log,
                                                 .certificates = pc->certificates,
                                                 .activation_log = pc->activation_log,
                                                 .policy = &pc->policy,
                                                 .group = "lab" };
}

static void trust_test_root(struct activation_pc *pc)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    FILE *file = fopen(CERTS "root.pem", "r");
    assert_non_null(file);
    X509 *root = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    assert_int_equal(X509_digest(root, EVP_sha256(), hash, &len), 1);
    X509_free(root);
    assert_int_equal(keys_hash_add(pc->firmware, "Test Root", KEYS_HASH_SHA256, hash), AMT_OK);
}

void activation_pc_start(struct activation_pc *pc)
{
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    pc->profile = firmware_profile_new(&pc->config, "test", &errors);
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    assert_non_null(pc->profile);
    struct firmware_settings settings = { .profile = pc->profile, .seed = 1, .log = pc->log };
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &settings.uuid), AMT_OK);
    pc->firmware = firmware_new(pc->loop, &settings, &diag);
    assert_non_null(pc->firmware);
    trust_test_root(pc);
}

void activation_pc_certificate(struct activation_pc *pc, const char *leaf, bool is_compatible)
{
    char leaf_path[256];
    char key_path[256];
    struct amt_diag_list problems = { .count = 0 };
    (void)snprintf(leaf_path, sizeof leaf_path, CERTS "%s.pem", leaf);
    (void)snprintf(key_path, sizeof key_path, CERTS "%s.key", leaf);
    const char *const paths[] = { CERTS "root.pem", leaf_path, CERTS "int1.pem", CERTS "int2.pem",
                                  NULL };
    const struct activation_certificate_source source = {
        .label = leaf, .cert_paths = paths, .key_path = key_path, .is_compatible = is_compatible
    };
    enum amt_err err =
        activation_certificates_load(pc->certificates, &source, 1767225600u, &problems);
    if (err != AMT_OK) {
        amt_diag_list_print(&problems, stderr);
    }
    amt_diag_list_fini(&problems);
    assert_int_equal(err, AMT_OK);
}

void activation_pc_report(struct activation_pc *pc)
{
    struct keys_hash hash;
    activation_report_wipe(&pc->report);
    pc->report = (struct activation_report){ .conversation = ACTIVATION_BY_MESH,
                                             .version = "16.1.25",
                                             .dns_suffix = "corp.example.com",
                                             .local_user = "$$OsAdmin",
                                             .has_core_version = true,
                                             .wired_link = 1 };
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &pc->report.uuid), AMT_OK);
    const char *password = users_os_admin_password(pc->firmware);
    assert_int_equal(secret_set(&pc->report.local_password, password, (uint32_t)strlen(password)),
                     AMT_OK);
    pc->report.control_mode = (uint32_t)firmware_mode(pc->firmware);
    for (uint32_t i = 0;
         keys_hash_at(pc->firmware, i, &hash) && pc->report.hash_count < ACTIVATION_HASHES_MAX;
         i++) {
        struct activation_hash *out = &pc->report.hashes[pc->report.hash_count++];
        out->type = (enum activation_hash_type)hash.type;
        memcpy(out->bytes, hash.bytes, hash.len);
        out->len = hash.len;
        out->is_active = hash.is_active;
        out->is_default = hash.is_default;
        out->has_flags = true;
        out->name = "";
    }
}

static void on_done(void *ctx, const struct activation_result *result)
{
    struct activation_pc *pc = ctx;
    pc->is_done = true;
    pc->result = *result;
    (void)snprintf(pc->detail, sizeof pc->detail, "%s", result->detail);
}

static bool is_done(void *ctx)
{
    return ((struct activation_pc *)ctx)->is_done;
}

void activation_pc_run(struct activation_pc *pc)
{
    activation_job_free(pc->job);
    pc->is_done = false;
    pc->said[0] = '\0';
    pc->job = activation_job_new(&pc->settings, &pc->report, &pc->channel, on_done, pc);
    assert_non_null(pc->job);
    (void)loop_run_until(pc->loop, is_done, pc,
                         loop_now_us(pc->loop) + 600 * (uint64_t)US_PER_SECOND);
    assert_true(pc->is_done);
}

void activation_pc_fini(struct activation_pc *pc)
{
    activation_job_free(pc->job);
    firmware_free(pc->firmware);
    firmware_profile_free(pc->profile);
    config_fini(firmware_config_keys, &pc->config);
    activation_certificates_free(pc->certificates);
    activation_log_close(pc->activation_log);
    activation_report_wipe(&pc->report);
    (void)loop_run_until(pc->loop, NULL, NULL,
                         loop_now_us(pc->loop) + 10 * (uint64_t)US_PER_SECOND);
    log_free(pc->log);
    loop_free(pc->loop);
    (void)unlink(pc->log_path);
    (void)rmdir(pc->dir);
}
