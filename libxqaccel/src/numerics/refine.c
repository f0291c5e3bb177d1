// SPDX-License-Identifier: MIT
/* Coordinate descent on codes, and scales for given codes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/reconstruct.h>

#include "layout.h"
#include "quantize_kernels.h"
#include "rows.h"

#define DEFAULT_SWEEPS 50

static uint8_t nearest(const float *table, size_t entries, double value, uint8_t current)
{
	double best = fabs(value - (double)table[current]);
	uint8_t code = current;

	/* Only what is strictly nearer is taken, so that the loop ends. */
	for (size_t c = 0; c < entries; c++) {
		double distance = fabs(value - (double)table[c]);

		if (distance < best) {
			best = distance;
			code = (uint8_t)c;
		}
	}
	return code;
}

/* residual = G (w - v) */
static void residual_of(const float *w, size_t k, const double *gram, const float *table,
			const uint8_t *codes, double *residual)
{
	for (size_t i = 0; i < k; i++)
		residual[i] = 0;
	for (size_t j = 0; j < k; j++) {
		double error = (double)w[j] - (double)table[codes[j]];

		for (size_t i = 0; i < k; i++)
			residual[i] += error * gram[j * k + i];
	}
}

static bool sweep(const float *w, size_t k, const double *gram, const float *table, size_t entries,
		  uint8_t *codes, double *residual)
{
	bool changed = false;

	for (size_t j = 0; j < k; j++) {
		double own = gram[j * k + j], step;
		uint8_t code;

		/* An input that never came: nearest to the weight itself. */
		if (own > 0)
			code = nearest(table, entries, (double)table[codes[j]] + residual[j] / own, codes[j]);
		else
			code = nearest(table, entries, w[j], codes[j]);
		if (code == codes[j])
			continue;
		step = (double)table[code] - (double)table[codes[j]];
		codes[j] = code;
		changed = true;
		for (size_t i = 0; i < k; i++)
			residual[i] -= step * gram[j * k + i];
	}
	return changed;
}

int xq_refine_codes(const float *w, size_t rows, size_t k, const double *gram, const float *table,
		    size_t entries, unsigned int sweeps, uint8_t *codes, struct xq_fault *fault)
{
	double *residual;
	size_t n, bad;
	int err = xq_check_rows(w, rows, k, &n, fault);

	if (err)
		return err;
	if (entries < 2 || entries > 256 || (n && (!gram || !table || !codes)))
		return -EINVAL;
	bad = n ? xq_first_not_finite(table, rows * entries) : 0;
	if (n && bad < rows * entries)
		return xq_fault_set(fault, XQ_FAULT_SCALE, bad, table[bad], -EDOM);
	for (size_t i = 0; i < n; i++)
		if (codes[i] >= entries)
			return xq_fault_set(fault, XQ_FAULT_CODE, i, codes[i], -EDOM);
	residual = malloc(k ? k * sizeof(*residual) : 1);
	if (!residual)
		return -ENOMEM;
	for (size_t r = 0; r < rows; r++) {
		unsigned int left = sweeps ? sweeps : DEFAULT_SWEEPS;

		residual_of(w + r * k, k, gram, table + r * entries, codes + r * k, residual);
		while (left-- && sweep(w + r * k, k, gram, table + r * entries, entries, codes + r * k,
				       residual))
			;
	}
	free(residual);
	return 0;
}

int xq_refit_scale(const float *w, const int8_t *q, size_t rows, size_t k, const double *gram,
		   float *scale)
{
	size_t n;

	if (__builtin_mul_overflow(rows, k, &n))
		return -EOVERFLOW;
	if (n && (!w || !q || !gram || !scale))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		double with_w = 0, with_q = 0, fitted;

		for (size_t i = 0; i < k; i++) {
			double row_w = 0, row_q = 0;

			if (!q[r * k + i])
				continue;
			for (size_t j = 0; j < k; j++) {
				row_w += gram[i * k + j] * (double)w[r * k + j];
				row_q += gram[i * k + j] * (double)q[r * k + j];
			}
			with_w += row_w * q[r * k + i];
			with_q += row_q * q[r * k + i];
		}
		fitted = with_q > 0 ? with_w / with_q : 0;
		if ((float)fitted > 0 && isfinite((float)fitted))
			scale[r] = (float)fitted;
	}
	return 0;
}
