// SPDX-License-Identifier: MIT
/* Signs, and signs with a scale per row. */
#include <errno.h>
#include <math.h>

#include <xqaccel/binary.h>

#include "layout.h"
#include "quantize_kernels.h"
#include "rows.h"

int xq_check_rows(const float *x, size_t rows, size_t k, size_t *n, struct xq_fault *fault)
{
	size_t bad;

	if (__builtin_mul_overflow(rows, k, n) || *n > PTRDIFF_MAX / sizeof(float))
		return -EOVERFLOW;
	if (*n && !x)
		return -EINVAL;
	bad = *n ? xq_first_not_finite(x, *n) : 0;
	if (bad < *n)
		return xq_fault_set(fault, XQ_FAULT_INPUT, bad, x[bad], -EDOM);
	return 0;
}

double xq_mean_abs(const float *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += fabs((double)x[i]);
	return n ? sum / (double)n : 0;
}

int xq_binary_sign(const float *x, size_t n, int8_t *q, struct xq_fault *fault)
{
	int err = xq_check_rows(x, 1, n, &n, fault);

	if (err)
		return err;
	if (n && !q)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		q[i] = x[i] >= 0 ? 1 : -1;
	return 0;
}

int xq_binary_stochastic(const float *x, size_t n, uint64_t seed, int8_t *q, struct xq_fault *fault)
{
	int err = xq_check_rows(x, 1, n, &n, fault);

	if (err)
		return err;
	if (n && !q)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		double p = fmin(fmax(((double)x[i] + 1) / 2, 0), 1);

		q[i] = p * 16777216.0 > xq_random24(seed, i) ? 1 : -1;
	}
	return 0;
}

int xq_bwn_encode(const float *x, size_t rows, size_t k, int8_t *q, float *alpha,
		  struct xq_fault *fault)
{
	size_t n;
	int err = xq_check_rows(x, rows, k, &n, fault);

	if (err)
		return err;
	if (rows && !alpha)
		return -EINVAL;
	for (size_t r = 0; r < rows; r++)
		alpha[r] = (float)xq_mean_abs(x + r * k, k);
	return xq_binary_sign(x, n, q, fault);
}

int xq_scaled_decode(const int8_t *q, size_t rows, size_t k, const float *scale, float *x)
{
	size_t n;

	if (__builtin_mul_overflow(rows, k, &n))
		return -EOVERFLOW;
	if ((rows && !scale) || (n && (!q || !x)))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++)
		for (size_t i = r * k; i < (r + 1) * k; i++)
			x[i] = scale[r] * (float)q[i];
	return 0;
}

struct xq_storage xq_scaled_storage(size_t rows, size_t k, unsigned int code_bits,
				    unsigned int scale_bits)
{
	return xq_storage_of(rows * k, (uint64_t)rows * k * code_bits, (uint64_t)rows * scale_bits);
}
