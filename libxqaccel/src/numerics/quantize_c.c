// SPDX-License-Identifier: MIT
/* Quantization's inner loops in portable C, and the choice between the tables. */
#include "error_span.h"
#include "quantize_kernels.h"
#include "round.h"

/*
 * Chunks, so that the test for finite elements is a sum without a branch in the loop and the
 * compiler can turn both loops into vector code.
 */
#define CHUNK 256

static inline int all_finite(const float *x, size_t n)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < n; i++)
		bad |= (uint32_t)!xq_is_finite(x[i]);
	return !bad;
}

size_t xq_first_not_finite(const float *x, size_t n)
{
	for (size_t from = 0; from < n; from += CHUNK) {
		size_t count = n - from < CHUNK ? n - from : CHUNK;

		if (all_finite(x + from, count))
			continue;
		for (size_t i = from; i < from + count; i++)
			if (!xq_is_finite(x[i]))
				return i;
	}
	return n;
}

static inline __attribute__((always_inline))
size_t span_body(const float *x, size_t n, const float *scale, const int32_t *zp, int32_t low,
		 int32_t high, void *q, int each, int even, int wide)
{
	for (size_t from = 0; from < n; from += CHUNK) {
		size_t count = n - from < CHUNK ? n - from : CHUNK;

		if (!all_finite(x + from, count))
			return from + xq_first_not_finite(x + from, count);
		for (size_t i = from; i < from + count; i++) {
			float s = each ? scale[i] : scale[0];
			int32_t z = each ? zp[i] : zp[0];
			float v = xq_clampf(x[i] / s, (float)(low - z), (float)(high - z));
			int32_t code = (even ? xq_round_even(v) : xq_round_nearest(v)) + z;

			if (wide)
				((uint16_t *)q)[i] = (uint16_t)code;
			else
				((uint8_t *)q)[i] = (uint8_t)code;
		}
	}
	return n;
}

XQ_SPAN_DEFINE_ALL()

static size_t range_span(const float *x, size_t n, float range[2])
{
	float low = range[0], high = range[1];

	for (size_t from = 0; from < n; from += CHUNK) {
		size_t count = n - from < CHUNK ? n - from : CHUNK;

		if (!all_finite(x + from, count))
			return from + xq_first_not_finite(x + from, count);
		for (size_t i = from; i < from + count; i++) {
			low = x[i] < low ? x[i] : low;
			high = x[i] > high ? x[i] : high;
		}
	}
	range[0] = low;
	range[1] = high;
	return n;
}

const struct xq_quantize_kernels xq_quantize_kernels_c = {
	.name = "c",
	.quantize = XQ_SPAN_TABLE,
	.range = range_span,
	.error = error_span,
};

size_t xq_quantize_kernels_list(const struct xq_quantize_kernels *list[3])
{
	size_t n = 0;

	list[n++] = &xq_quantize_kernels_c;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		list[n++] = &xq_quantize_kernels_avx2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		list[n++] = &xq_quantize_kernels_avx512;
#endif
	return n;
}

const struct xq_quantize_kernels *xq_quantize_kernels_best(void)
{
	const struct xq_quantize_kernels *list[3];

	return list[xq_quantize_kernels_list(list) - 1];
}
