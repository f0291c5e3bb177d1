/* SPDX-License-Identifier: MIT */
/*
 * The dot of a few rows with tiles as they are, around its inner loop: for a matrix times a
 * vector a panel would be written for one use.
 */
#ifndef XQK_KERN_TILES_AVX2_H
#define XQK_KERN_TILES_AVX2_H

#include "kernels.h"

#define XQK_TILES_INLINE	static inline __attribute__((always_inline))

/* Adds the products of words of a strip and of a row's steps for them. */
typedef void xqk_add_words_fn(__m256i sum[2], const uint8_t *a, const uint8_t *b, uint32_t words,
			      const uint8_t *table);

XQK_TILES_INLINE void
xqk_tiles_row(const struct xqk_dot *dot, const uint8_t *a, int32_t *c, unsigned int strips,
	      const unsigned int word_steps, xqk_add_words_fn *add_words)
{
	unsigned int s;

	for (s = 0; s < strips; s++) {
		__m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
		const uint8_t *const *tile = dot->b + s;
		uint32_t first = dot->first, left, words;
		const uint8_t *from = a;

		for (left = dot->steps; left; left -= words, first = 0, tile += XQK_STRIPS) {
			words = XQK_TILE_STEPS - first;
			words = words < left ? words : left;
			add_words(sum, from, *tile + first * XQK_STEP_BYTES, words, dot->table);
			from += 4 * word_steps * words;
		}
		_mm256_store_si256((__m256i *)(c + s * XQK_LANES), sum[0]);
		_mm256_store_si256((__m256i *)(c + s * XQK_LANES) + 1, sum[1]);
	}
}

#define XQK_DOT_TILES(name, word_steps, add_words)					\
	void name(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)	\
	{										\
		unsigned int r;								\
											\
		for (r = 0; r < rows; r++)						\
			xqk_tiles_row(dot, dot->a + r * dot->a_stride,			\
				      dot->c + r * XQK_COLUMNS, strips, word_steps, add_words); \
	}

#endif
