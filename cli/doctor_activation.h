/* What the parts of `amtlab doctor activation` hand to each other. */
#ifndef AMTLAB_CLI_DOCTOR_ACTIVATION_H
#define AMTLAB_CLI_DOCTOR_ACTIVATION_H

#include "cli/activate.h"
#include "cli/doctor.h"

/* What the device is, as far as it was read. Texts live in arena. */
struct doctor_device {
    struct arena arena;
    struct activate_options options; /* for activate_device_open */
    struct activate_device *opened;
    struct activation_host host;
    struct activation_report report;
    bool has_report, has_wsman;
    uint32_t major;             /* of its version; 0: unknown */
    const char *trusted_suffix; /* MEBx, setup.bin, host command; "" */
    const char *dhcp_suffix;    /* of the lease; "" */
    const char *address;        /* of the wired port; "" */
    const char *own_suffix;     /* the one that counts; "" */
    const char *told_suffix;    /* what a server will hear; "" */
};

/* doctor_device.c. enum cli_exit; CLI_OK when there is a device to look at. */
int doctor_device_open(struct doctor *doctor, struct doctor_device *device);
void doctor_device_close(struct doctor_device *device);
void doctor_device_check(struct doctor *doctor, struct doctor_device *device);

/* doctor_certificates.c: certificates of files or a configuration against the device; the log. enum cli_exit. */
int doctor_certificates_check(struct doctor *doctor, const struct doctor_device *device);

/* doctor_server.c: --url */
void doctor_server_check(struct doctor *doctor, struct doctor_device *device);

#endif
