// SPDX-License-Identifier: MIT
/* VS-Quant: an integer scale per vector, a floating-point one per row. */
#include <errno.h>
#include <math.h>

#include <xqaccel/blockfloat.h>
#include <xqaccel/float_formats.h>

#include "block.h"
#include "rows.h"

static bool format_valid(const struct xq_vsquant *f)
{
	return f && f->bits >= 2 && f->bits <= 8 && f->scale_bits >= 1 && f->scale_bits <= 8 && f->vector;
}

/* gamma as fp16 holds it, never zero or infinite. */
static float to_fp16(double gamma)
{
	gamma = fmin(fmax(gamma, 0x1p-14), 65504);
	return xq_float_decode_one(xq_float_encode_one((float)gamma, XQ_FLOAT_FP16, XQ_OVERFLOW_SATURATE),
				   XQ_FLOAT_FP16);
}

static void encode_row(const float *x, size_t k, const struct xq_vsquant *f, int8_t *q, uint8_t *scale,
		       float *gamma)
{
	double qmax = (1 << (f->bits - 1)) - 1, top = (1 << f->scale_bits) - 1;
	double largest = xq_max_abs(x, k);

	*gamma = largest > 0 ? to_fp16(largest / qmax / top) : 1;
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
