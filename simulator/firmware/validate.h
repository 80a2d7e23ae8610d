/* Values against the descriptions of classes: types, required parameters, namespaces. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_VALIDATE_H
#define AMTLAB_SIMULATOR_FIRMWARE_VALIDATE_H

#include "protocol/wsman/message.h"
#include "simulator/firmware/classes.h"

/* NULL when values fit, or what is wrong with them. Empty references and texts of no length stand for
 * null where clients send them so. */
const char *validate_values(const struct class_property *property,
                            const struct wsman_value *values);
/* A body as sent: names known, namespaces right (WSM-052), values fit. class_name: whose namespace the
 * elements have. WSMAN_OK or the fault to answer with. is_method: parameters of the wrong type are
 * InvalidParameter, and required ones must be there. */
enum wsman_fault validate_body(const struct wsman_instance *body, const char *class_name,
                               const struct class_property *properties, uint32_t count,
                               bool is_method);

#endif
