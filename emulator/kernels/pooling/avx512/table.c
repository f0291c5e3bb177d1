// SPDX-License-Identifier: MIT
/* Pools for AVX-512. */
#define SMALL_FINISH
#include <immintrin.h>

#include "pooling/micro_kernels.h"

struct divisor;
static inline void small_finish(uint8_t *y, const uint16_t *sum, size_t n, const struct xqk_pixels *p);

#include "pooling/template.h"

/* The compiler does not find the high half of a product. */
static inline void small_finish(uint8_t *y, const uint16_t *sum, size_t n, const struct xqk_pixels *p)
{
	const struct divisor d = divisor_of(p);
	const __m512i zero = _mm512_set1_epi16((short)d.zero), half = _mm512_set1_epi16((short)d.half);
	const __m512i factor = _mm512_set1_epi16((short)d.factor), flip = _mm512_set1_epi16(p->flip ? -1 : 0);
	const __m512i least = _mm512_set1_epi16((short)p->least), greatest = _mm512_set1_epi16((short)p->greatest);
	const __m128i shift = _mm_cvtsi32_si128((int)d.shift);

	for (size_t i = 0; i < n; i += 32) {
		const __mmask32 some = n - i < 32 ? (1U << (n - i)) - 1 : ~0U;
		const __m512i s = _mm512_sub_epi16(_mm512_maskz_loadu_epi16(some, sum + i), zero);
		const __m512i sign = _mm512_and_si512(_mm512_srai_epi16(s, 15), flip);
		__m512i v = _mm512_sub_epi16(_mm512_xor_si512(s, sign), sign);

		v = _mm512_srl_epi16(_mm512_mulhi_epu16(_mm512_add_epi16(v, half), factor), shift);
		v = _mm512_sub_epi16(_mm512_xor_si512(v, sign), sign);
		v = _mm512_min_epi16(_mm512_max_epi16(v, least), greatest);
		_mm512_mask_cvtepi16_storeu_epi8(y + i, some, v);
	}
}

const struct xqk_pooling_kernels xqk_pooling_avx512 = {
	.max_rows = max_rows,
	.sum_rows16 = sum_rows16,
	.sum_rows32 = sum_rows32,
	.max_pixels = max_pixels,
	.mean_pixels16 = mean_pixels16,
	.mean_pixels32 = mean_pixels32,
};
