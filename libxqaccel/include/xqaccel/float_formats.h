/* SPDX-License-Identifier: MIT */
/*
 * Storage casts: small floating-point formats, and integers that wrap.
 *
 * Errors, ownership and threads are as in xqaccel/quantize.h.
 */
#ifndef XQACCEL_FLOAT_FORMATS_H
#define XQACCEL_FLOAT_FORMATS_H

#include <xqaccel/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * enum xq_float_format - sign, exponent, mantissa; largest finite number
 * @XQ_FLOAT_BF16: 1-8-7, 3.39e38, infinities and NaN
 * @XQ_FLOAT_FP16: IEEE 754 binary16: 1-5-10, 65504, infinities and NaN
 * @XQ_FLOAT_E4M3: OCP FP8 E4M3: 448, no infinity, one NaN (0x7f)
 * @XQ_FLOAT_E5M2: OCP FP8 E5M2: 57344, infinities and NaN
 * @XQ_FLOAT_E2M1: OCP FP4: 0, 0.5, 1, 1.5, 2, 3, 4, 6; neither infinity nor NaN
 * @XQ_FLOAT_E2M1_IEEE: the same bits read in IEEE's manner: 0, 0.5, 1, 1.5, 2, 3, infinity, NaN
 */
enum xq_float_format {
	XQ_FLOAT_BF16,
	XQ_FLOAT_FP16,
	XQ_FLOAT_E4M3,
	XQ_FLOAT_E5M2,
	XQ_FLOAT_E2M1,
	XQ_FLOAT_E2M1_IEEE,
};

/** enum xq_overflow - what becomes of numbers that round to more than the largest */
enum xq_overflow {
	/* The largest number, also for infinity. NaN stays NaN. */
	XQ_OVERFLOW_SATURATE,
	/* Infinity; NaN where the format has none; the largest number where it has neither. */
	XQ_OVERFLOW_SPECIAL,
};

/** xq_float_bits() - bits of one number, 0 for no format */
unsigned int xq_float_bits(enum xq_float_format format);

/**
 * xq_float_encode_one() - round to nearest, halves to even, subnormals kept
 *
 * The sign is kept, also of zero and NaN. A NaN becomes the format's quiet NaN; where it has
 * none (E2M1), the largest number.
 */
uint16_t xq_float_encode_one(float x, enum xq_float_format format, enum xq_overflow overflow);

/** xq_float_decode_one() - exact; bits above the format's are ignored */
float xq_float_decode_one(uint16_t code, enum xq_float_format format);

/** xq_float_encode() - @n numbers; codes are uint16_t for the 16-bit formats, else uint8_t */
int xq_float_encode(const float *x, size_t n, enum xq_float_format format, enum xq_overflow overflow,
		    void *codes);

/** xq_float_decode() - the reverse */
int xq_float_decode(const void *codes, size_t n, enum xq_float_format format, float *x);

/**
 * xq_cast_from_float() - ONNX Cast of floats to an integer type
 * @type: an integer type of xqaccel/types.h but t2, b1, c4, c8
 * @q: unpacked elements
 *
 * The fraction is dropped (toward zero), then the low bits are kept: 9 becomes -7 in s4. This
 * wraps and doesn't saturate. fp16 and bf16 sources are decoded first, which is exact.
 */
int xq_cast_from_float(const float *x, size_t n, enum xq_type type, void *q, struct xq_fault *fault);

/** xq_cast_to_float() - exact for all types but s32, which is rounded to nearest even */
int xq_cast_to_float(const void *q, size_t n, enum xq_type type, float *x);

/** xq_cast_integer() - between unpacked integer types, keeping the low bits */
int xq_cast_integer(const void *from, enum xq_type from_type, size_t n, enum xq_type to_type, void *to);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
