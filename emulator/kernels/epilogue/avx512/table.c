// SPDX-License-Identifier: MIT
/* Epilogues for AVX-512. */
#include "epilogue/avx512/requantize.h"
#include "epilogue/avx512/bounded.h"
#include "epilogue/avx512/lookup.h"
#include "epilogue/template.h"

XQK_REQUANT_DEFINE_ALL

/* Sums stay in a register while thresholds go by. */
static void steps(const int32_t *acc, size_t n, const struct xqk_steps *steps, void *out, bool wide)
{
	const __m512i low = _mm512_set1_epi32(steps->low), high = _mm512_set1_epi32(steps->high);
	const __m512i one = _mm512_set1_epi32(1);
	size_t i;
	uint32_t t;

	for (i = 0; i < n; i += 16) {
		const __mmask16 some = mask_of(n - i);
		const __m512i flip = _mm512_maskz_loadu_epi32(some, steps->flip + i);
		const __m512i sum = _mm512_add_epi32(_mm512_maskz_loadu_epi32(some, acc + i),
						     _mm512_maskz_loadu_epi32(some, steps->bias + i));
		const int32_t *threshold = steps->threshold + i;
		__m512i y = _mm512_setzero_si512();

		for (t = 0; t < steps->count; t++, threshold += steps->pitch)
			y = _mm512_mask_add_epi32(y, _mm512_cmpge_epi32_mask(sum, _mm512_maskz_loadu_epi32(some, threshold)),
						  y, one);
		y = _mm512_add_epi32(_mm512_sub_epi32(_mm512_xor_si512(y, flip), flip),
				     _mm512_maskz_loadu_epi32(some, steps->start + i));
		y = _mm512_min_epi32(_mm512_max_epi32(y, low), high);
		if (wide)
			_mm512_mask_cvtepi32_storeu_epi16((uint16_t *)out + i, some, y);
		else
			_mm512_mask_cvtepi32_storeu_epi8((uint8_t *)out + i, some, y);
	}
}

static void lookup(uint8_t *bytes, size_t n, const uint8_t *table)
{
	const struct table256 t = load_table(table);
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __mmask64 some = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
		const __m512i at = _mm512_maskz_loadu_epi8(some, bytes + i);

		_mm512_mask_storeu_epi8(bytes + i, some, look_up(&t, at));
	}
}

static void pack(uint8_t *dst, const uint8_t *src, size_t n, unsigned int bits)
{
	size_t i = 0;

	for (; bits == 1 && i + 64 <= n; i += 64) {
		const uint64_t set = ~_mm512_movepi8_mask(_mm512_loadu_si512(src + i));

		memcpy(dst + i / 8, &set, 8);
	}
	pack_loop(dst + i / 8, src + i, n - i, bits);
}

const struct xqk_epilogue_kernels xqk_epilogue_avx512 = {
	.requant = XQK_REQUANT_TABLE,
	.bounded = XQK_BOUNDED_AVX512,
	.steps = steps,
	.reals = reals_loop,
	.lookup = lookup,
	.pack = pack,
};
