/* The hash table of the project: uthash. Entries iterate in the order of their insertion, so nothing
 * depends on hash order. Its default hash function falls through switch labels, which our warnings
 * forbid; FNV does not. */
#ifndef AMTLAB_BASE_HASH_H
#define AMTLAB_BASE_HASH_H

#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#endif
