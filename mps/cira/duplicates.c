#include "mps/cira/duplicates.h"

#include <string.h>

#include "base/memory.h"

#define IDS_MAX     256u
#define CHANGES     3u
#define WINDOW_US   (120u * 1000000ull)
#define REMEMBER_US (600u * 1000000ull)

struct duplicate {
    struct uuid uuid;
    uint32_t changes; /* 0: the place is free */
    uint64_t first_us, last_us;
    bool is_known;
};

struct duplicates {
    struct duplicate ids[IDS_MAX];
};

struct duplicates *duplicates_new(void)
{
    return amt_alloc(sizeof(struct duplicates));
}

void duplicates_free(struct duplicates *duplicates)
{
    amt_free(duplicates);
}

static bool is_same_id(const struct duplicate *at, const struct uuid *uuid)
{
    return at->changes > 0 && memcmp(&at->uuid, uuid, sizeof *uuid) == 0;
}

/* Its place, or the one that was used least recently. */
static struct duplicate *place_of(struct duplicates *duplicates, const struct uuid *uuid)
{
    struct duplicate *oldest = &duplicates->ids[0];
    for (uint32_t i = 0; i < IDS_MAX; i++) {
        struct duplicate *at = &duplicates->ids[i];
        if (is_same_id(at, uuid)) {
            return at;
        }
        if (at->last_us < oldest->last_us) {
            oldest = at;
        }
    }
    *oldest = (struct duplicate){ .uuid = *uuid };
    return oldest;
}

bool duplicates_changed(struct duplicates *duplicates, const struct uuid *uuid,
                        const struct session_look *before, const struct session_look *now,
                        uint64_t now_us)
{
    bool has_moved = strcmp(before->address, now->address) != 0;
    bool is_renamed =
        before->host[0] != '\0' && now->host[0] != '\0' && strcmp(before->host, now->host) != 0;
    if (!has_moved && !is_renamed) {
        return false;
    }
    struct duplicate *at = place_of(duplicates, uuid);
    bool is_old =
        at->is_known ? now_us - at->last_us > REMEMBER_US : now_us - at->first_us > WINDOW_US;
    if (at->changes == 0 || is_old) {
        *at = (struct duplicate){ .uuid = *uuid, .first_us = now_us };
    }
    at->changes += 1;
    at->last_us = now_us;
    at->is_known = at->is_known || at->changes >= CHANGES;
    return at->is_known;
}

bool duplicates_has(const struct duplicates *duplicates, const struct uuid *uuid, uint64_t now_us)
{
    for (uint32_t i = 0; i < IDS_MAX; i++) {
        const struct duplicate *at = &duplicates->ids[i];
        if (is_same_id(at, uuid)) {
            return at->is_known && now_us - at->last_us <= REMEMBER_US;
        }
    }
    return false;
}
