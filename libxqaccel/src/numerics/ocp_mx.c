// SPDX-License-Identifier: MIT
/* MXINT8 and MXFP4 of the OCP Microscaling Formats specification, version 1.0. */
#include <errno.h>
#include <math.h>

#include <xqaccel/blockfloat.h>
#include <xqaccel/float_formats.h>

#include "block.h"
#include "rows.h"

/* Exponent of the largest power of two that an E2M1 element can hold: 4. */
#define E2M1_EMAX 2

/* Fraction bits of an MXINT8 element. */
#define INT8_FRACTION 6

/* The scale of a block, as exponent; emax is that of the element type. */
static int scale_exponent(const float *x, size_t count, int emax)
{
	double largest = xq_max_abs(x, count);
	int e;

	if (largest == 0)
		return -127;
	e = xq_shared_exponent(largest) - emax;
	return e < -127 ? -127 : e;
}

static void encode_block(const float *x, size_t count, int fp4, void *q, uint8_t *scale)
{
	int e = scale_exponent(x, count, fp4 ? E2M1_EMAX : 0);

	*scale = (uint8_t)(e + 127);
	for (size_t i = 0; i < count; i++) {
		if (fp4)
			/* x / X fits float: the exponent of the block's largest was subtracted. */
			((uint8_t *)q)[i] = (uint8_t)xq_float_encode_one(
				(float)ldexp(x[i], -e), XQ_FLOAT_E2M1, XQ_OVERFLOW_SATURATE);
		else
			((int8_t *)q)[i] = (int8_t)xq_round_clamp(ldexp(x[i], INT8_FRACTION - e), -127, 127);
	}
}

static int encode(const float *x, size_t rows, size_t k, int fp4, void *q, uint8_t *scale,
		  struct xq_fault *fault)
{
	size_t n, blocks = xq_blocks(k, XQ_OCP_BLOCK);
	int err = xq_check_rows(x, rows, k, &n, fault);

	if (err)
		return err;
	if (n && (!q || !scale))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		for (size_t b = 0; b < blocks; b++) {
			size_t from = b * XQ_OCP_BLOCK;
			size_t count = k - from < XQ_OCP_BLOCK ? k - from : XQ_OCP_BLOCK;

			encode_block(x + r * k + from, count, fp4, (uint8_t *)q + r * k + from,
				     &scale[r * blocks + b]);
		}
	}
	return 0;
}

static int decode(const void *q, const uint8_t *scale, size_t rows, size_t k, int fp4, float *x)
{
	size_t blocks = xq_blocks(k, XQ_OCP_BLOCK), n;

	if (__builtin_mul_overflow(rows, k, &n))
		return -EOVERFLOW;
	if (n && (!q || !scale || !x))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		for (size_t i = 0; i < k; i++) {
			int e = scale[r * blocks + i / XQ_OCP_BLOCK];
			double element;

			if (fp4)
				element = xq_float_decode_one(((const uint8_t *)q)[r * k + i], XQ_FLOAT_E2M1);
			else
				element = ldexp(((const int8_t *)q)[r * k + i], -INT8_FRACTION);
			x[r * k + i] = e == XQ_E8M0_NAN ? NAN : (float)ldexp(element, e - 127);
		}
	}
	return 0;
}

int xq_mxint8_encode(const float *x, size_t rows, size_t k, int8_t *q, uint8_t *scale,
		     struct xq_fault *fault)
{
	return encode(x, rows, k, 0, q, scale, fault);
}

int xq_mxint8_decode(const int8_t *q, const uint8_t *scale, size_t rows, size_t k, float *x)
{
	return decode(q, scale, rows, k, 0, x);
}

struct xq_storage xq_mxint8_storage(size_t rows, size_t k)
{
	return xq_storage_of(rows * k, (uint64_t)rows * k * 8,
			     (uint64_t)rows * xq_blocks(k, XQ_OCP_BLOCK) * 8);
}

int xq_mxfp4_encode(const float *x, size_t rows, size_t k, uint8_t *q, uint8_t *scale,
		    struct xq_fault *fault)
{
	return encode(x, rows, k, 1, q, scale, fault);
}

int xq_mxfp4_decode(const uint8_t *q, const uint8_t *scale, size_t rows, size_t k, float *x)
{
	return decode(q, scale, rows, k, 1, x);
}

struct xq_storage xq_mxfp4_storage(size_t rows, size_t k)
{
	return xq_storage_of(rows * k, (uint64_t)rows * k * 4,
			     (uint64_t)rows * xq_blocks(k, XQ_OCP_BLOCK) * 8);
}
