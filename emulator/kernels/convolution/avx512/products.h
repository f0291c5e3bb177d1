/* SPDX-License-Identifier: MIT */
/*
 * The products of direct convolutions on AVX-512 VNNI, with all sums in registers. B is loaded plainly and used as it
 * is: on cores with two 512-bit ports, any other vector operation of the loop would take the place of a VPDPBUSD.
 */
#ifndef XQK_CONVOLUTION_PRODUCTS_AVX512_H
#define XQK_CONVOLUTION_PRODUCTS_AVX512_H

#include <immintrin.h>

#include "isa.h"

#define XQK_ADD_RUN_PIXELS	8	/* most of a call */

/*
 * In assembler, because of the intrinsic GCC makes copies of a third of the sums in each step and keeps
 * some in memory, which costs a quarter of the speed.
 */
static inline __attribute__((always_inline)) __m512i xqk_products(__m512i sum, __m512i x, __m512i w)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
	return sum;
}

static inline __attribute__((always_inline)) void
xqk_add_run(__m512i sum[][XQK_DIRECT_STRIPS], const uint8_t *const *x, const struct xqk_direct *job,
	const struct xqk_direct_run *run, const unsigned int pixels, const unsigned int strips)
{
	const uint8_t *b[XQK_DIRECT_STRIPS], *a[XQK_ADD_RUN_PIXELS];
	unsigned int p, s;
	size_t at;

#pragma GCC unroll 4
	for (s = 0; s < strips; s++)
		b[s] = job->b[run->tile * XQK_DIRECT_STRIPS + s] + run->first * XQK_STEP_BYTES;
#pragma GCC unroll 8
	for (p = 0; p < pixels; p++)
		a[p] = x[p] + run->a;
	for (at = 0; at < 4 * (size_t)run->steps; at += 4) {
		__m512i operand[XQK_DIRECT_STRIPS];

#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			operand[s] = _mm512_loadu_si512(b[s]);
			b[s] += XQK_STEP_BYTES;
		}
#pragma GCC unroll 8
		for (p = 0; p < pixels; p++) {
			const __m512i row = _mm512_set1_epi32(*(const xqk_unaligned *)(a[p] + at));

#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[p][s] = xqk_products(sum[p][s], row, operand[s]);
		}
	}
}

/*
 * part(arguments..., first, pixels) for all pixels, where the last is a constant of at most @most.
 * They are divided evenly over as few parts as there can be, mostly of two sizes: one of a single
 * pixel would wait for its own sums.
 */
#define XQK_DIRECT_PARTS(all, most, part, ...)							\
	do {											\
		uint32_t parts_ = ((all) + (most) - 1) / (most), at_ = 0;			\
												\
		for (; parts_; parts_--) {							\
			const uint32_t end_ = at_ + ((all) - at_ + parts_ - 1) / parts_;	\
												\
			while (at_ < end_) {							\
				if (end_ - at_ >= (most)) {					\
					part(__VA_ARGS__, at_, most);				\
					at_ += (most);						\
				} else if (end_ - at_ >= (most) - 1) {				\
					part(__VA_ARGS__, at_, (most) - 1);			\
					at_ += (most) - 1;					\
				} else if (end_ - at_ >= 4) {					\
					part(__VA_ARGS__, at_, 4);				\
					at_ += 4;						\
				} else if (end_ - at_ >= 2) {					\
					part(__VA_ARGS__, at_, 2);				\
					at_ += 2;						\
				} else {							\
					part(__VA_ARGS__, at_, 1);				\
					at_++;							\
				}								\
			}									\
		}										\
	} while (0)

#endif
