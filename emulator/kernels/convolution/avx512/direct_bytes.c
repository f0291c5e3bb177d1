// SPDX-License-Identifier: MIT
/*
 * Direct convolution on AVX-512 VNNI with its epilogue by scales in f32: sums become bytes before they leave the
 * registers. Of patches of a few steps, what sums cost on their way through memory is as much as the products.
 */
#include "convolution/avx512/products.h"
#include "convolution/avx512/direct_bytes.h"
#include "epilogue/avx512/single.h"

#define MOST_PIXELS	8

/* What is the same for all pixels. Results are made signed, and turned by a flip of their highest bits if they are not. */
struct finish {
	__m512 scale[XQK_DIRECT_STRIPS];
	__m512i base, low, high, flip, order;
	bool plain;				/* results are signed and have no closer bounds */
	__mmask64 bytes;			/* of a pixel */
};

static inline __attribute__((always_inline)) struct finish
make_finish(const struct xqk_direct *job, const struct xqk_bounded *bounded, const unsigned int strips)
{
	const int32_t shift = bounded->low < 0 ? 0 : 128;
	const unsigned int bytes = (strips - 1) * XQK_LANES + job->last;
	struct finish f = {
		.base = xqk_single_base(bounded->zero_point - shift),
		.plain = bounded->low == INT8_MIN && bounded->high == INT8_MAX,
		.low = _mm512_set1_epi8((char)(bounded->low - shift)),
		.high = _mm512_set1_epi8((char)(bounded->high - shift)),
		.flip = _mm512_set1_epi8((char)shift),
		.order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
		.bytes = bytes < 64 ? ((__mmask64)1 << bytes) - 1 : ~(__mmask64)0,
	};
	unsigned int s;

	for (s = 0; s < strips; s++)
		f.scale[s] = _mm512_loadu_ps(bounded->single_scale + s * XQK_LANES);
	return f;
}

/* Four vectors to 64 bytes in their order. */
static inline __attribute__((always_inline)) __m512i
bytes_of(const struct finish *f, __m512i words0, __m512i words1)
{
	__m512i y = _mm512_packs_epi16(words0, words1);

	if (!f->plain)
		y = _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(y, f->low), f->high), f->flip);
	return _mm512_permutexvar_epi32(f->order, y);
}

static inline __attribute__((always_inline)) void
put_pixels(const struct finish *f, uint8_t *const *y, const __m512i sum[][XQK_DIRECT_STRIPS], const unsigned int pixels,
	   const unsigned int strips)
{
	unsigned int p;

	if (strips > 2) {
#pragma GCC unroll 8
		for (p = 0; p < pixels; p++)
			_mm512_mask_storeu_epi8(y[p], f->bytes, bytes_of(f,
				xqk_single_words(sum[p][0], sum[p][1], f->scale[0], f->scale[1], f->base),
				xqk_single_words(sum[p][2], sum[p][strips - 1], f->scale[2], f->scale[strips - 1],
						 f->base)));
	} else if (strips == 2) {
#pragma GCC unroll 4
		for (p = 0; p < pixels; p += 2) {
			const unsigned int other = p + 1 < pixels ? p + 1 : p;
			const __m512i bytes = bytes_of(f,
				xqk_single_words(sum[p][0], sum[p][1], f->scale[0], f->scale[1], f->base),
				xqk_single_words(sum[other][0], sum[other][1], f->scale[0], f->scale[1], f->base));

			_mm256_mask_storeu_epi8(y[p], (__mmask32)f->bytes, _mm512_castsi512_si256(bytes));
			_mm256_mask_storeu_epi8(y[other], (__mmask32)f->bytes, _mm512_extracti64x4_epi64(bytes, 1));
		}
	} else {
#pragma GCC unroll 2
		for (p = 0; p < pixels; p += 4) {
			const unsigned int p1 = p + 1 < pixels ? p + 1 : p, p2 = p + 2 < pixels ? p + 2 : p;
			const unsigned int p3 = p + 3 < pixels ? p + 3 : p;
			const __m512i bytes = bytes_of(f,
				xqk_single_words(sum[p][0], sum[p1][0], f->scale[0], f->scale[0], f->base),
				xqk_single_words(sum[p2][0], sum[p3][0], f->scale[0], f->scale[0], f->base));

			_mm_mask_storeu_epi8(y[p], (__mmask16)f->bytes, _mm512_castsi512_si128(bytes));
			_mm_mask_storeu_epi8(y[p1], (__mmask16)f->bytes, _mm512_extracti32x4_epi32(bytes, 1));
			_mm_mask_storeu_epi8(y[p2], (__mmask16)f->bytes, _mm512_extracti32x4_epi32(bytes, 2));
			_mm_mask_storeu_epi8(y[p3], (__mmask16)f->bytes, _mm512_extracti32x4_epi32(bytes, 3));
		}
	}
}

static inline __attribute__((always_inline)) void
part(const struct xqk_direct *job, const struct finish *f, const unsigned int strips,
     uint32_t first, const unsigned int pixels)
{
	__m512i sum[MOST_PIXELS][XQK_DIRECT_STRIPS];
	unsigned int p, s;
	uint32_t i;

#pragma GCC unroll 8
	for (p = 0; p < pixels; p++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			sum[p][s] = _mm512_loadu_si512(job->start + XQK_LANES * s);
	for (i = 0; i < job->runs; i++)
		xqk_add_run(sum, job->x + first, job, job->run + i, pixels, strips);
	put_pixels(f, job->y + first, sum, pixels, strips);
}

#define RUN(strips, most)									\
	static void run_##strips(const struct xqk_direct *job,					\
				 const struct xqk_bounded *bounded)				\
	{											\
		const struct finish f = make_finish(job, bounded, strips);			\
												\
		XQK_DIRECT_PARTS(job->pixels, most, part, job, &f, strips);			\
	}
RUN(1, 8)
RUN(2, 8)
RUN(3, 8)
RUN(4, 6)

void xqk_direct_bytes_avx512(const struct xqk_direct *job, unsigned int strips, const struct xqk_bounded *bounded)
{
	static void (*const by_strips[])(const struct xqk_direct *job, const struct xqk_bounded *bounded) = {
		run_1, run_2, run_3, run_4,
	};

	by_strips[strips - 1](job, bounded);
}
