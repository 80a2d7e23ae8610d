/* The one include of a unit test; cmocka.h insists on this order. */
#ifndef AMTLAB_BASE_UNIT_H
#define AMTLAB_BASE_UNIT_H
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#endif
