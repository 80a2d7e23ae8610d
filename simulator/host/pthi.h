/*
 * The firmware's side of the host interface: what a tool on the PC asks of AMT (PTHI, also called AMTHI),
 * answered from the same model as WS-Man (mei.md 4.10).
 */
#ifndef AMTLAB_SIMULATOR_HOST_PTHI_H
#define AMTLAB_SIMULATOR_HOST_PTHI_H

#include "simulator/firmware/firmware.h"

/*
 * Answers the message in[0, len) into out[0, cap); *out_len gets the bytes of the answer, 0 when there is
 * none (shorter than a header, or itself a response: MEI-021). cap of PTHI_MESSAGE_MAX is enough for
 * every answer; with less, an answer that does not fit becomes status 1.
 *
 * Returns the status that was answered (enum pthi_status), for logs.
 */
uint32_t host_pthi_answer(struct firmware *firmware, const uint8_t *in, uint32_t len, uint8_t *out,
                          uint32_t cap, uint32_t *out_len);

#endif
