// SPDX-License-Identifier: MIT
/* Fine-tuning of a table's entries, its int8 form, and what a codebook costs. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <xqaccel/codebook.h>

#include "layout.h"
#include "quantize_kernels.h"
#include "round.h"

static bool bits_valid(unsigned int bits)
{
	return bits >= 2 && bits <= 8;
}

int xq_codebook_gradient(const float *gradient, const uint8_t *codes, size_t n, unsigned int bits,
			 double *table_gradient, struct xq_fault *fault)
{
	if (!bits_valid(bits) || !table_gradient || (n && (!gradient || !codes)))
		return -EINVAL;
	memset(table_gradient, 0, ((size_t)1 << bits) * sizeof(*table_gradient));
	for (size_t i = 0; i < n; i++) {
		if (codes[i] >> bits)
			return xq_fault_set(fault, XQ_FAULT_CODE, i, codes[i], -EDOM);
		if (!xq_is_finite(gradient[i]))
			return xq_fault_set(fault, XQ_FAULT_INPUT, i, gradient[i], -EDOM);
		table_gradient[codes[i]] += gradient[i];
	}
	return 0;
}

int xq_codebook_step(float *table, const double *table_gradient, unsigned int bits, double rate)
{
	if (!bits_valid(bits) || !table || !table_gradient)
		return -EINVAL;
	for (size_t c = 0; c < (size_t)1 << bits; c++)
		table[c] = (float)((double)table[c] - rate * table_gradient[c]);
	return 0;
}

int xq_codebook_to_s8(const float *table, unsigned int bits, int8_t *entries, float *scale,
		      struct xq_fault *fault)
{
	struct xq_qtype s8;
	struct xq_layout layout;
	size_t k = (size_t)1 << bits;
	struct xq_rounding even = { .mode = XQ_ROUND_EVEN };

	if (!bits_valid(bits) || !table || !entries || !scale)
		return -EINVAL;
	xq_qtype_of(XQ_S8, &s8);
	xq_layout_tensor(&k, 1, &layout);
	return xq_quantize_found(table, &layout, &s8, XQ_SYMMETRIC, NULL, &even, entries, scale, NULL,
				 fault);
}

struct xq_storage xq_codebook_storage(size_t n, unsigned int bits, size_t tables,
				      unsigned int entry_bits)
{
	return xq_storage_of(n, (uint64_t)n * bits, (uint64_t)tables * entry_bits << bits);
}
