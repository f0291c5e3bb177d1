// SPDX-License-Identifier: MIT
/* Loops on real scales for AVX-512, which has an instruction for halves. */
#include <immintrin.h>

#include "product/groups_template.h"

/* As widen_f16(), but for NaNs that signal, which become quiet: what is computed of either is the same NaN. */
static void widen_halves(float *dst, const uint8_t *src, size_t n)
{
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		_mm512_storeu_ps(dst + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(src + 2 * i))));
	widen_reals(dst + i, src + 2 * i, n - i, XQACCEL_FMT_F16);
}

static void widen(float *dst, const uint8_t *src, size_t n, uint32_t format)
{
	if (format == XQACCEL_FMT_F16)
		widen_halves(dst, src, n);
	else
		widen_reals(dst, src, n, format);
}

const struct xqk_real_kernels xqk_real_avx512 = {
	.widen = widen, .place = place_reals, .fold = fold_reals, .fold_minima = fold_summed_minima,
	.finish = finish_reals,
};
