// SPDX-License-Identifier: MIT
/*
 * Direct convolution on AVX-512 VNNI. Pixels are taken so many at a time that their sums, a step of
 * B and one broadcast are in registers. B is loaded plainly and used as it is: on cores with two
 * 512-bit ports, any other vector operation of the loop would take the place of a VPDPBUSD.
 */
#include "convolution/avx512/direct_bytes.h"
#include "convolution/avx512/direct_rows.h"
#include "convolution/avx512/products.h"

#define MOST_PIXELS	8

static inline __attribute__((always_inline)) void
part(const struct xqk_direct *job, const unsigned int strips, uint32_t first,
     const unsigned int pixels)
{
	const __mmask16 last = (__mmask16)((1U << job->last) - 1);
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
#pragma GCC unroll 8
	for (p = 0; p < pixels; p++) {
		uint8_t *y = job->y[first + p];

#pragma GCC unroll 4
		for (s = 0; s + 1 < strips; s++)
			_mm512_storeu_si512(y + 64 * s, sum[p][s]);
		_mm512_mask_storeu_epi32(y + 64 * (strips - 1), last, sum[p][strips - 1]);
	}
}

#define RUN(strips, most)									\
	static void run_##strips(const struct xqk_direct *job)					\
	{											\
		XQK_DIRECT_PARTS(job->pixels, most, part, job, strips);				\
	}
RUN(1, 8)
RUN(2, 8)
RUN(3, 8)

/* Four strips: parts of two sizes that differ by one pixel. */
static void run_4(const struct xqk_direct *job)
{
	static xqk_direct_rows_fn *const by_rows[] = {
		xqk_direct_rows_1_avx512, xqk_direct_rows_2_avx512, xqk_direct_rows_3_avx512, xqk_direct_rows_4_avx512,
		xqk_direct_rows_5_avx512, xqk_direct_rows_6_avx512,
	};
	const size_t parts = (job->pixels + XQK_DIRECT_MOST - 1) / XQK_DIRECT_MOST;
	const size_t rows = job->pixels / parts, larger = job->pixels % parts;

	if (larger)
		by_rows[rows](job, 0, larger);
	by_rows[rows - 1](job, larger * (rows + 1), parts - larger);
}

static void run(const struct xqk_direct *job, unsigned int strips)
{
	static void (*const by_strips[])(const struct xqk_direct *job) = { run_1, run_2, run_3, run_4 };

	by_strips[strips - 1](job);
}

static void sum(const struct xqk_direct *job, unsigned int strip, int32_t *sums)
{
	const __m512i ones = _mm512_set1_epi8(1);
	__m512i even = _mm512_setzero_si512(), odd = even;
	uint32_t i, step;

	for (i = 0; i < job->runs; i++) {
		const struct xqk_direct_run *r = &job->run[i];
		const uint8_t *b = job->b[r->tile * XQK_DIRECT_STRIPS + strip] + r->first * XQK_STEP_BYTES;

		for (step = 0; step + 2 <= r->steps; step += 2, b += 2 * XQK_STEP_BYTES) {
			even = _mm512_dpbusd_epi32(even, ones, _mm512_loadu_si512(b));
			odd = _mm512_dpbusd_epi32(odd, ones, _mm512_loadu_si512(b + XQK_STEP_BYTES));
		}
		if (step < r->steps)
			even = _mm512_dpbusd_epi32(even, ones, _mm512_loadu_si512(b));
	}
	_mm512_storeu_si512(sums, _mm512_add_epi32(even, odd));
}

const struct xqk_direct_kernels xqk_direct_avx512 = {
	.run = run, .run_bytes = xqk_direct_bytes_avx512, .run_bytes_steps = 128, .sum = sum,
};
