// SPDX-License-Identifier: MIT
/* Adding and folding biases, modulo 2^32. */
#include <errno.h>

#include <xqaccel/requantize.h>

int xq_bias_add(int32_t *acc, const struct xq_channels *shape, const int32_t *bias)
{
	size_t run = 0;

	if (__builtin_mul_overflow(shape->outer, shape->channels, &run) ||
	    __builtin_mul_overflow(run, shape->inner, &run))
		return -EOVERFLOW;
	if (!bias || !run)
		return 0;
	if (!acc)
		return -EINVAL;
	for (size_t o = 0; o < shape->outer; o++) {
		for (size_t c = 0; c < shape->channels; c++) {
			for (size_t i = 0; i < shape->inner; i++, acc++)
				*acc = (int32_t)((uint32_t)*acc + (uint32_t)bias[c]);
		}
	}
	return 0;
}

int xq_bias_fold(enum xq_type type, const void *w, size_t n, size_t k, int32_t x_zp,
		 const int32_t *w_zp, const int32_t *bias, int32_t *folded)
{
	bool is_signed = xq_type_signed(type);
	const uint8_t *row = w;

	if (xq_type_unpacked_bytes(type) != 1 || (n && (!folded || (k && !w))))
		return -EINVAL;
	for (size_t i = 0; i < n; i++, row += k) {
		uint32_t sum = 0;

		for (size_t j = 0; j < k; j++)
			sum += is_signed ? (uint32_t)(int8_t)row[j] : row[j];
		if (w_zp)
			sum -= (uint32_t)k * (uint32_t)w_zp[i];
		folded[i] = (int32_t)((bias ? (uint32_t)bias[i] : 0) - (uint32_t)x_zp * sum);
	}
	return 0;
}
