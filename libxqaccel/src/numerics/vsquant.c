// SPDX-License-Identifier: MIT
/* VS-Quant: an integer scale per vector, a floating-point one per row. */
#include <errno.h>
#include <float.h>
#include <math.h>

#include <xqaccel/blockfloat.h>

#include "block.h"
#include "rows.h"

/* Significant bits of gamma; with eight bits of Sq and seven of q a product is exact in float32. */
#define GAMMA_BITS 8

static bool format_valid(const struct xq_vsquant *f)
{
	return f && f->bits >= 2 && f->bits <= 8 && f->scale_bits >= 1 && f->scale_bits <= 8 && f->vector;
}

/*
 * gamma with the eight significant bits of bf16, never zero, and low enough that the row's largest
 * element is finite. Where bf16 is subnormal and has fewer bits, float32 still has them.
 */
static float short_gamma(double gamma, double codes)
{
	int exponent;
	double mantissa = frexp(gamma, &exponent);
	float rounded = (float)ldexp(xq_round_even_double(ldexp(mantissa, GAMMA_BITS)), exponent - GAMMA_BITS);

	if (rounded == 0)
		rounded = FLT_TRUE_MIN;
	if (!isfinite(rounded * (float)codes))
		rounded = (float)ldexp(floor(ldexp(mantissa, GAMMA_BITS)), exponent - GAMMA_BITS);
	return rounded;
}

static void encode_row(const float *x, size_t k, const struct xq_vsquant *f, int8_t *q, uint8_t *scale,
		       float *gamma)
{
	double qmax = (1 << (f->bits - 1)) - 1, top = (1 << f->scale_bits) - 1;
	double largest = xq_max_abs(x, k);

	*gamma = largest > 0 ? short_gamma(largest / qmax / top, qmax * top) : 1;
	for (size_t v = 0, from = 0; from < k; v++, from += f->vector) {
		size_t count = k - from < f->vector ? k - from : f->vector;
		double most = xq_max_abs(x + from, count), step;

		scale[v] = 0;
		if (most > 0)
			scale[v] = (uint8_t)fmin(fmax(xq_round_even_double(most / qmax / *gamma), 1), top);
		step = (double)*gamma * scale[v];
		for (size_t i = from; i < from + count; i++)
			q[i] = most > 0 ? (int8_t)xq_round_clamp(x[i] / step, -qmax, qmax) : 0;
	}
}

int xq_vsquant_encode(const float *x, size_t rows, size_t k, const struct xq_vsquant *format,
		      int8_t *q, uint8_t *scale, float *gamma, struct xq_fault *fault)
{
	size_t n, vectors;
	int err;

	if (!format_valid(format))
		return -EINVAL;
	err = xq_check_rows(x, rows, k, &n, fault);
	if (err)
		return err;
	if ((rows && !gamma) || (n && (!q || !scale)))
		return -EINVAL;
	vectors = xq_blocks(k, format->vector);
	for (size_t r = 0; r < rows; r++)
		encode_row(x + r * k, k, format, q + r * k, scale + r * vectors, gamma + r);
	return 0;
}

int xq_vsquant_decode(const int8_t *q, const uint8_t *scale, const float *gamma, size_t rows,
		      size_t k, const struct xq_vsquant *format, float *x)
{
	size_t vectors, n;

	if (!format_valid(format))
		return -EINVAL;
	if (__builtin_mul_overflow(rows, k, &n))
		return -EOVERFLOW;
	if (n && (!q || !scale || !gamma || !x))
		return -EINVAL;
	vectors = xq_blocks(k, format->vector);
	for (size_t r = 0; r < rows; r++)
		for (size_t i = 0; i < k; i++)
			x[r * k + i] = gamma[r] * (float)scale[r * vectors + i / format->vector] *
				       (float)q[r * k + i];
	return 0;
}

struct xq_storage xq_vsquant_storage(size_t rows, size_t k, const struct xq_vsquant *format)
{
	uint64_t vectors = (uint64_t)rows * xq_blocks(k, format->vector);

	return xq_storage_of(rows * k, (uint64_t)rows * k * format->bits,
			     vectors * format->scale_bits + (uint64_t)rows * 16);
}
