/* SPDX-License-Identifier: MIT */
/* The micro-kernels of AVX2, which table.c puts into its table. */
#ifndef XQK_KERN_AVX2_H
#define XQK_KERN_AVX2_H

#include <immintrin.h>

#include "product/micro_kernels.h"

#define XQK_DOT_ROWS	16	/* of a dot; it takes them some at a time */

/* s8: any operands of 16 bits. u4, u2: operands of 0..15, 0..3; see dot_narrow.h. */
xqk_dot_fn xqk_dot_s8_avx2;
xqk_dot_fn xqk_dot_u4_avx2;
xqk_dot_fn xqk_dot_u2_avx2;
xqk_dot_fn xqk_dot_b1_avx2;
xqk_dot_fold_fn xqk_dot_fold_s8_avx2;
xqk_dot_fold_fn xqk_dot_fold_u4_avx2;
xqk_dot_fold_fn xqk_dot_fold_u2_avx2;
xqk_dot_fold_fn xqk_dot_fold_b1_avx2;
xqk_dot_groups_fn xqk_dot_groups_u4_avx2;
xqk_dot_groups_fn xqk_dot_groups_u2_avx2;

/* Few rows by tiles as they are. */
#define XQK_TILES_ROWS	8
xqk_dot_fn xqk_dot_tiles_s8_avx2;
xqk_dot_fn xqk_dot_tiles_u8_avx2;
xqk_dot_fn xqk_dot_tiles_c4_avx2;
xqk_dot_fn xqk_dot_tiles_s4_avx2;
xqk_dot_fn xqk_dot_tiles_u4_avx2;
xqk_dot_fn xqk_dot_tiles_s2_avx2;
xqk_dot_fn xqk_dot_tiles_u2_avx2;
xqk_dot_fn xqk_dot_tiles_b1_avx2;

xqk_thin_fn xqk_thin_s8_avx2;

xqk_unpack_fn xqk_unpack_s8_avx2;
xqk_unpack_fn xqk_unpack_u8_avx2;
xqk_unpack_fn xqk_unpack_s4_avx2;
xqk_unpack_fn xqk_unpack_u4_avx2;
xqk_unpack_fn xqk_unpack_s2_avx2;
xqk_unpack_fn xqk_unpack_u2_avx2;
xqk_unpack_fn xqk_unpack_b1_avx2;
xqk_unpack_fn xqk_unpack_c4_avx2;
xqk_unpack_fn xqk_unpack_c8_avx2;
xqk_unpack_fn xqk_unpack_bits_avx2;

int32_t xqk_start_a_avx2(const void *a, uint32_t steps);
void xqk_start_b_avx2(const struct xqk_dot *dot, int32_t *column_start, unsigned int strips);

/*
 * The sums of a loop stay in registers only if the loop's order stays as it was written:
 * compilers move loads away from their use, or repeat them, until 16 do not suffice.
 */
#define XQK_ADD(bits, letter)								\
	static inline __attribute__((always_inline)) __m256i				\
	xqk_add_##bits(__m256i sum, __m256i x)						\
	{										\
		__asm__ volatile("vpadd" letter " %1, %0, %0" : "+x"(sum) : "x"(x));	\
		return sum;								\
	}
XQK_ADD(8, "b")
XQK_ADD(16, "w")
XQK_ADD(32, "d")

static inline __attribute__((always_inline)) __m256i xqk_keep(__m256i x)
{
	__asm__ volatile("" : "+x"(x));
	return x;
}

static inline __attribute__((always_inline)) __m256i xqk_load(const uint8_t *p)
{
	return xqk_keep(_mm256_loadu_si256((const __m256i *)p));
}

#endif
