// SPDX-License-Identifier: MIT
/* Gram matrices of inputs, and the loss they define. */
#include <errno.h>

#include <xqaccel/reconstruct.h>

#include "rows.h"

/* Rows of x that are added in one pass over the matrix. */
#define TOGETHER 8

int xq_gram_add(double *gram, const float *x, size_t n, size_t k, struct xq_fault *fault)
{
	size_t total;
	int err = xq_check_rows(x, n, k, &total, fault);

	if (err)
		return err;
	if (k && !gram)
		return -EINVAL;
	for (size_t from = 0; from < n; from += TOGETHER) {
		size_t to = n - from < TOGETHER ? n : from + TOGETHER;

		for (size_t i = 0; i < k; i++) {
			double *row = gram + i * k;

			for (size_t s = from; s < to; s++) {
				const float *v = x + s * k;
				double a = v[i];

				if (a == 0)
					continue;
				for (size_t j = 0; j < k; j++)
					row[j] += a * (double)v[j];
			}
		}
	}
	return 0;
}

int xq_gram_loss(const float *w, const float *v, size_t rows, size_t k, const double *gram,
		 double *loss)
{
	double sum = 0;
	size_t total;

	if (__builtin_mul_overflow(rows, k, &total))
		return -EOVERFLOW;
	if (!loss || (total && (!w || !v || !gram)))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		const float *a = w + r * k, *b = v + r * k;

		for (size_t i = 0; i < k; i++) {
			double row = 0;

			for (size_t j = 0; j < k; j++)
				row += gram[i * k + j] * ((double)a[j] - (double)b[j]);
			sum += row * ((double)a[i] - (double)b[i]);
		}
	}
	*loss = sum;
	return 0;
}
