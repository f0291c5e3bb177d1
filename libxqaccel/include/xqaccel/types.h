/* SPDX-License-Identifier: MIT */
/*
 * Element types of tensors: their range, width and names.
 */
#ifndef XQACCEL_TYPES_H
#define XQACCEL_TYPES_H

#include <linux/xqaccel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * enum xq_type - type of a tensor's elements
 *
 * The codes are those of the driver's interface. What each means and how it is
 * packed is said there (linux/xqaccel.h). "Unpacked" tensors hold one element
 * in an int8_t (signed types, t2 and b1 as -1 and +1), a uint8_t (unsigned types
 * and codebook indices), an int16_t, a uint16_t, an int32_t or a float; f16, bf16 and e8m0, which
 * are scales only, as their bits in a uint16_t or uint8_t.
 */
enum xq_type {
	XQ_NONE = XQACCEL_FMT_NONE,
	XQ_S8 = XQACCEL_FMT_S8,
	XQ_U8 = XQACCEL_FMT_U8,
	XQ_S4 = XQACCEL_FMT_S4,
	XQ_U4 = XQACCEL_FMT_U4,
	XQ_S2 = XQACCEL_FMT_S2,
	XQ_U2 = XQACCEL_FMT_U2,
	XQ_T2 = XQACCEL_FMT_T2,
	XQ_B1 = XQACCEL_FMT_B1,
	XQ_C4 = XQACCEL_FMT_C4,
	XQ_C8 = XQACCEL_FMT_C8,
	XQ_S16 = XQACCEL_FMT_S16,
	XQ_U16 = XQACCEL_FMT_U16,
	XQ_S32 = XQACCEL_FMT_S32,
	XQ_F32 = XQACCEL_FMT_F32,
	XQ_F16 = XQACCEL_FMT_F16,
	XQ_BF16 = XQACCEL_FMT_BF16,
	XQ_E8M0 = XQACCEL_FMT_E8M0,
	XQ_TYPE_COUNT = XQ_E8M0 + 1
};

/** xq_type_name() - "s8", "t2", ...; "?" for no type of this library */
const char *xq_type_name(enum xq_type type);

/** xq_type_by_name() - the type of a name as xq_type_name() gives it, else XQ_NONE */
enum xq_type xq_type_by_name(const char *name);

/** xq_type_bits() - bits of one packed element, 0 for no type */
unsigned int xq_type_bits(enum xq_type type);

/** xq_type_min() - smallest value (b1 and t2: -1; codebook indices: 0; real types: 0, which says nothing) */
int64_t xq_type_min(enum xq_type type);

/** xq_type_max() - largest value */
int64_t xq_type_max(enum xq_type type);

/** xq_type_signed() - whether unpacked elements are of a signed C type */
bool xq_type_signed(enum xq_type type);

/** xq_type_unpacked_bytes() - bytes of one unpacked element: 1, 2 or 4 */
size_t xq_type_unpacked_bytes(enum xq_type type);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
