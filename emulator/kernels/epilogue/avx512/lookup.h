/* SPDX-License-Identifier: MIT */
/* Tables of 256 bytes in four registers. */
#ifndef XQK_LOOKUP_AVX512_H
#define XQK_LOOKUP_AVX512_H

#include <immintrin.h>
#include <stdint.h>

struct table256 {
	__m512i part[4];
};

static inline struct table256 load_table(const uint8_t *table)
{
	return (struct table256){ { _mm512_loadu_si512(table), _mm512_loadu_si512(table + 64),
				    _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192) } };
}

/* table[i] of 64 bytes: the lower seven bits choose in either half, the highest one between them. */
static inline __m512i look_up(const struct table256 *t, __m512i i)
{
	const __m512i low = _mm512_permutex2var_epi8(t->part[0], i, t->part[1]);
	const __m512i high = _mm512_permutex2var_epi8(t->part[2], i, t->part[3]);

	return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(i), high);
}

#endif
