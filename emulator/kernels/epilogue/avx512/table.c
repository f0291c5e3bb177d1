// SPDX-License-Identifier: MIT
/* Epilogues for AVX-512. */
#include "epilogue/avx512/requantize.h"
#include "epilogue/avx512/lookup.h"
#include "epilogue/template.h"

XQK_REQUANT_DEFINE_ALL

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
	.steps = steps_loop,
	.reals = reals_loop,
	.lookup = lookup,
	.pack = pack,
};
