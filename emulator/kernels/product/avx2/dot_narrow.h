/* SPDX-License-Identifier: MIT */
/*
 * The dot of narrow elements on AVX2, one source for each width: with operands of B that
 * are unsigned and small, VPMADDUBSW can't saturate, and so many of its sums of two
 * products fit 16 bits before they must be widened. Included by a file that defines
 *
 *	XQK_DOT		name of the dot
 *	XQK_DOT_FOLD	name of the dot with fold
 *	XQK_LARGEST	operand of B
 */
#include "kernels.h"

#define XQK_MOST_ROWS	6
#define XQK_RUN_STEPS	(INT16_MAX / (2 * 128 * XQK_LARGEST))
/* A part of some 16 KiB of whole runs. */
#define XQK_PART_STEPS	(256 / XQK_RUN_STEPS * XQK_RUN_STEPS)

/* sum[r][half] (+)= sums of two products of a step; the first one sets them. */
static inline __attribute__((always_inline)) void
add_step(__m256i sum[XQK_MOST_ROWS][2], const uint8_t *a, const uint8_t *a3, size_t a_stride,
	 const uint8_t *b, const unsigned int rows, const bool first)
{
	const __m256i b0 = xqk_load(b), b1 = xqk_load(b + 32);
	unsigned int r;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const uint8_t *row = r < 3 ? a + r * a_stride : a3 + (r - 3) * a_stride;
		const __m256i x = _mm256_set1_epi32(*(const int32_t *)row);
		const __m256i pairs0 = _mm256_maddubs_epi16(b0, x);
		const __m256i pairs1 = _mm256_maddubs_epi16(b1, x);

		sum[r][0] = first ? xqk_keep(pairs0) : xqk_add_16(sum[r][0], pairs0);
		sum[r][1] = first ? xqk_keep(pairs1) : xqk_add_16(sum[r][1], pairs1);
	}
}

static inline __attribute__((always_inline)) void
add_products(__m256i (*to)[2], const uint8_t *a, size_t a_stride, const uint8_t *b,
	     uint32_t steps, const unsigned int rows)
{
	const __m256i ones = _mm256_set1_epi16(1);
	const uint8_t *const last = b + steps * XQK_STEP_BYTES, *end;
	/* With a pointer to the fourth row, each one's address is a part of an instruction. */
	const uint8_t *a3 = a + 3 * a_stride;
	__m256i sum[XQK_MOST_ROWS][2];
	unsigned int r;

	while (b < last) {
		end = last - b < XQK_RUN_STEPS * XQK_STEP_BYTES ? last :
		      b + XQK_RUN_STEPS * XQK_STEP_BYTES;
		__asm__("" : "+r"(a3));
		add_step(sum, a, a3, a_stride, b, rows, true);
		a += 4;
		a3 += 4;
		b += XQK_STEP_BYTES;
#pragma GCC unroll 1
		for (; b < end; b += XQK_STEP_BYTES) {
			__asm__("" : "+r"(a3));
			add_step(sum, a, a3, a_stride, b, rows, false);
			a += 4;
			a3 += 4;
		}
		/* The sums of 32 bits are not worth registers, nor copies on the stack. */
		__asm__ volatile("" : : : "memory");
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			to[r][0] = _mm256_add_epi32(to[r][0], _mm256_madd_epi16(sum[r][0], ones));
			to[r][1] = _mm256_add_epi32(to[r][1], _mm256_madd_epi16(sum[r][1], ones));
		}
	}
}

#include "dot.h"
