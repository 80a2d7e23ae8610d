/* Building and reading messages for session tests. */
#ifndef AMTLAB_PROTOCOL_APF_TESTS_WIRE_H
#define AMTLAB_PROTOCOL_APF_TESTS_WIRE_H

#include "base/bytes.h"
#include "protocol/apf/codec.h"

/* Appends one message; the texts go into the message's views in the order the type has them. */
void wire_version(struct bytes *out, uint8_t last_uuid_byte);
void wire_service(struct bytes *out, uint8_t type, const char *service);
void wire_userauth(struct bytes *out, const char *user, const char *method, const char *password);
void wire_request(struct bytes *out, enum apf_request request, uint8_t want_reply, uint32_t port);
void wire_open(struct bytes *out, const char *type, uint32_t sender, uint32_t window,
               uint32_t port);
void wire_data(struct bytes *out, uint32_t channel, uint32_t len);
/* Types without text. */
void wire_plain(struct bytes *out, const struct apf_message *message);

/* Takes the first message of sent; AMT_EUNKNOWN when there is none. Views refer to `at`. */
bool wire_take(struct bytes *sent, enum apf_direction direction, enum apf_request pending,
               struct apf_message *message);
/* Fails the test unless the next message is of that type; returns it. */
struct apf_message wire_expect(struct bytes *sent, enum apf_direction direction,
                               enum apf_request pending, uint8_t type);
void wire_expect_silence(const struct bytes *sent);

#endif
