// SPDX-License-Identifier: MIT
/* Copies for AVX-512. */
#include <immintrin.h>

#include "copy/template.h"

/* As range(): what is not finite changes nothing. A row may be as short as a group, so it is a few instructions. */
static void range_avx512(const float *x, size_t n, float *least, float *greatest)
{
	const __m512 most = _mm512_set1_ps(3.402823466e38f);
	__m512 low = _mm512_set1_ps(*least), high = _mm512_set1_ps(*greatest);
	size_t i;

	for (i = 0; i < n; i += 16) {
		const __mmask16 there = n - i < 16 ? (__mmask16)((1U << (n - i)) - 1) : 0xffff;
		const __m512 v = _mm512_maskz_loadu_ps(there, x + i);
		const __mmask16 finite = _mm512_mask_cmp_ps_mask(there, _mm512_abs_ps(v), most, _CMP_LE_OQ);

		low = _mm512_mask_min_ps(low, finite, v, low);
		high = _mm512_mask_max_ps(high, finite, v, high);
	}
	*least = _mm512_reduce_min_ps(low);
	*greatest = _mm512_reduce_max_ps(high);
}

const struct xqk_copy_kernels xqk_copy_avx512 = {
	.transpose = { transpose_uint8_t, transpose_uint16_t, transpose_uint32_t },
	.widen = widen,
	.quantize = quantize,
	.dequantize = dequantize,
	.range = range_avx512,
};
