// SPDX-License-Identifier: MIT
/*
 * Depthwise on AVX-512 VNNI. VPDPBUSD adds four products to each lane of 32 bits; if a lane is a
 * channel, they are four taps. Four taps of a column are brought together: the bytes of four rows
 * of X are interleaved once for a column, then each output takes a vector of 16 channels from
 * every column that it sees, and that has four taps. X is the unsigned operand.
 */
#include <immintrin.h>
#include <string.h>

#include "convolution/micro_kernels.h"
#include "isa.h"

#define VECTOR		16			/* channels of a vector of sums */
#define VECTORS		4
#define ROWS		4			/* of X in a lane */
#define COLUMN_BYTES	(ROWS * XQK_DEPTHWISE_CHANNELS)

static size_t line_bytes(uint32_t kernel_h)
{
	return (size_t)(kernel_h + ROWS - 1) / ROWS * XQK_DEPTHWISE_COLUMNS * COLUMN_BYTES;
}

/*
 * A channel's taps as words of four rows' bytes, [rows / 4][kernel_w]; then the words of 16 channels
 * are interleaved. w is [rows / 4][kernel_w][channels / 16] vectors of that.
 */
static void arrange(int8_t *w, const int8_t *const *rows, uint32_t channels, uint32_t kernel_h,
		    uint32_t kernel_w)
{
	const uint32_t words = (kernel_h + ROWS - 1) / ROWS * kernel_w;
	uint8_t word[VECTOR][ROWS * XQK_DEPTHWISE_TAPS] __attribute__((aligned(64)));
	uint8_t strip[VECTOR * ROWS * XQK_DEPTHWISE_TAPS] __attribute__((aligned(64)));
	const uint8_t *pointers[VECTOR];
	uint8_t from[64];
	uint32_t c, i, v, byte;
	__mmask64 mask = 0;

	for (i = 0; i < words && 4 * words <= 64; i++)
		for (byte = 0; byte < ROWS; byte++) {
			const uint32_t tap = (i / kernel_w * ROWS + byte) * kernel_w + i % kernel_w;

			from[4 * i + byte] = (uint8_t)tap;
			if (i / kernel_w * ROWS + byte < kernel_h)
				mask |= (__mmask64)1 << (4 * i + byte);
		}
	for (v = 0; v < VECTORS; v++) {
		for (c = 0; c < VECTOR; c++) {
			const uint32_t channel = v * VECTOR + c, taps = kernel_h * kernel_w;

			pointers[c] = word[c];
			if (channel >= channels) {
				memset(word[c], 0, 4 * words);
			} else if (4 * words <= 64) {
				const __m512i row = _mm512_maskz_loadu_epi8(
					taps < 64 ? ((__mmask64)1 << taps) - 1 : ~(__mmask64)0,
					rows[channel]);

				_mm512_store_si512(word[c], _mm512_maskz_permutexvar_epi8(
					mask, _mm512_loadu_si512(from), row));
			} else {
				memset(word[c], 0, 4 * words);
				for (i = 0; i < taps; i++)
					word[c][4 * (i / kernel_w / ROWS * kernel_w + i % kernel_w) +
						i / kernel_w % ROWS] = (uint8_t)rows[channel][i];
			}
		}
		xqk_product_avx512vnni.interleave_b(strip, pointers, words);
		for (i = 0; i < words; i++)
			memcpy(w + (i * VECTORS + v) * 64, strip + 64 * i, 64);
	}
}

/* What has to be done to a row of 64 channels: dword 4 j + l to 4 l + j, so that unpacking keeps the order. */
static inline __m512i turned(__m512i row)
{
	const __m512i from = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

	return _mm512_permutexvar_epi32(from, row);
}

/* Four rows of a column, interleaved; only the vectors that hold channels. */
static inline __attribute__((always_inline)) void
interleave(uint8_t *to, __m512i r0, __m512i r1, __m512i r2, __m512i r3, const unsigned int vectors)
{
	const __m512i low01 = _mm512_unpacklo_epi8(r0, r1), low23 = _mm512_unpacklo_epi8(r2, r3);
	const __m512i high01 = _mm512_unpackhi_epi8(r0, r1), high23 = _mm512_unpackhi_epi8(r2, r3);

	_mm512_store_si512(to, _mm512_unpacklo_epi16(low01, low23));
	if (vectors > 1)
		_mm512_store_si512(to + 64, _mm512_unpackhi_epi16(low01, low23));
	if (vectors > 2)
		_mm512_store_si512(to + 128, _mm512_unpacklo_epi16(high01, high23));
	if (vectors > 3)
		_mm512_store_si512(to + 192, _mm512_unpackhi_epi16(high01, high23));
}

/*
 * Three rows of a column: of a vector's lanes of 32 bits the third byte comes by itself, the fourth
 * has weights of 0.
 */
struct threes {
	__m512i two[VECTORS], third[VECTORS];
};

static inline struct threes make_threes(void)
{
	const __m512i channel = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	struct threes t;
	int v;

	for (v = 0; v < VECTORS; v++) {
		const __m512i c = _mm512_add_epi32(channel, _mm512_set1_epi32(VECTOR * v));

		t.two[v] = _mm512_or_si512(c, _mm512_slli_epi32(_mm512_add_epi32(c, _mm512_set1_epi32(64)), 8));
		t.third[v] = _mm512_slli_epi32(c, 16);
	}
	return t;
}

static inline __attribute__((always_inline)) void
interleave_three(uint8_t *to, const struct threes *t, __m512i r0, __m512i r1, __m512i r2, const unsigned int vectors)
{
	unsigned int v;

#pragma GCC unroll 4
	for (v = 0; v < vectors; v++)
		_mm512_store_si512(to + 64 * v, _mm512_mask_permutexvar_epi8(
			_mm512_permutex2var_epi8(r0, t->two[v], r1), 0x4444444444444444, t->third[v], r2));
}

/* So many channels as there are vectors for. */
static inline __attribute__((always_inline)) __m512i load_whole(const uint8_t *x, const unsigned int vectors)
{
	if (vectors == 4)
		return _mm512_loadu_si512(x);
	if (vectors == 2)
		return _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)x));
	return _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)x));
}

/*
 * Columns [from, to) of those that are inside of X, by four rows, of which `rows` are there. Whole: all of them
 * are in X and all vectors are full, so that no mask is needed.
 */
static inline __attribute__((always_inline)) void
stage_inside(const struct xqk_depthwise *job, const uint8_t *const *row, uint8_t *line, uint32_t from,
	     uint32_t to, const unsigned int rows, const unsigned int vectors, const bool whole)
{
	const __mmask64 mask = job->channels < 64 ? ((__mmask64)1 << job->channels) - 1 : ~(__mmask64)0;
	const __m512i flip = _mm512_set1_epi8((char)job->flip), pad = _mm512_set1_epi8((char)job->pad);
	const size_t ahead = job->ahead;
	const uint32_t new_rows = job->stride_h < rows ? rows - job->stride_h : 0;
	const struct threes threes = make_threes();
	const uint8_t *x[ROWS];
	__mmask64 there[ROWS];
	unsigned int r;
	uint32_t i;

	for (r = 0; r < rows; r++) {
		there[r] = row[r] ? mask : 0;
		x[r] = row[r] ? row[r] + ((size_t)job->first + from) * job->column : (const uint8_t *)line;
	}
	for (i = from; i < to; i++) {
		__m512i value[ROWS];

#pragma GCC unroll 4
		for (r = 0; r < ROWS; r++) {
			if (r >= rows) {
				value[r] = _mm512_setzero_si512();
				continue;
			}
			value[r] = _mm512_xor_si512(flip, whole ? load_whole(x[r], vectors) :
						    _mm512_maskz_loadu_epi8(there[r], x[r]));
			if (!whole && !there[r])
				value[r] = pad;
			if (ahead && r >= new_rows)
				_mm_prefetch((const char *)x[r] + ahead, _MM_HINT_T0);
			x[r] += job->column;
		}
		if (rows == 3) {
			interleave_three(line + (size_t)i * COLUMN_BYTES, &threes, value[0], value[1], value[2],
					 vectors);
			continue;
		}
#pragma GCC unroll 4
		for (r = 0; r < rows; r++)
			value[r] = turned(value[r]);
		interleave(line + (size_t)i * COLUMN_BYTES, value[0], value[1], value[2], value[3], vectors);
	}
}

static inline __attribute__((always_inline)) void
pad_columns(uint8_t *line, uint32_t from, uint32_t to, __m512i pad, const unsigned int vectors)
{
	unsigned int v;
	uint32_t i;

	for (i = from; i < to; i++)
		for (v = 0; v < vectors; v++)
			_mm512_store_si512(line + (size_t)i * COLUMN_BYTES + 64 * v, pad);
}

static inline __attribute__((always_inline)) void
stage_rows(const struct xqk_depthwise *job, const uint8_t *const *row, uint8_t *line, uint32_t from, uint32_t to,
	   const unsigned int rows, const unsigned int vectors)
{
	bool whole = vectors != 3 && job->channels == VECTOR * vectors;
	unsigned int r;

	for (r = 0; r < rows; r++)
		whole &= row[r] != NULL;
	if (whole)
		stage_inside(job, row, line, from, to, rows, vectors, true);
	else
		stage_inside(job, row, line, from, to, rows, vectors, false);
}

static inline __attribute__((always_inline)) void
stage_line(const struct xqk_depthwise *job, uint32_t columns, const unsigned int vectors)
{
	const __m512i pad = _mm512_set1_epi8((char)job->pad);
	const int64_t left = -job->first, right = (int64_t)job->width - job->first;
	const uint32_t from = left < 0 ? 0 : left < columns ? (uint32_t)left : columns;
	const uint32_t to = right < from ? from : right < columns ? (uint32_t)right : columns;
	uint8_t *line = job->line;
	uint32_t r;

	for (r = 0; r < job->kernel_h; r += ROWS, line += (size_t)columns * COLUMN_BYTES) {
		const uint8_t *const *row = job->row + r;

		/* Rows past the kernel's have weights of 0. */
		pad_columns(line, 0, from, pad, vectors);
		pad_columns(line, to, columns, pad, vectors);
		switch (job->kernel_h - r) {
		case 1:
			stage_rows(job, row, line, from, to, 1, vectors);
			break;
		case 2:
			stage_rows(job, row, line, from, to, 2, vectors);
			break;
		case 3:
			stage_rows(job, row, line, from, to, 3, vectors);
			break;
		default:
			stage_rows(job, row, line, from, to, 4, vectors);
			break;
		}
	}
}

static inline __attribute__((always_inline)) void
store(const struct xqk_depthwise *job, uint32_t q, const __m512i *sums, const unsigned int vectors)
{
	uint8_t *y = job->y + q * job->y_stride;
	const uint32_t last = job->channels - (vectors - 1) * VECTOR;
	unsigned int v;

#pragma GCC unroll 4
	for (v = 0; v + 1 < vectors; v++)
		_mm512_storeu_si512(y + 64 * v, sums[v]);
	_mm512_mask_storeu_epi32(y + 64 * (vectors - 1), (__mmask16)((1U << last) - 1), sums[vectors - 1]);
}

/* Any kernel. */
static inline __attribute__((always_inline)) void
outputs(const struct xqk_depthwise *job, uint32_t columns, const unsigned int vectors)
{
	const uint32_t step = job->dilation * COLUMN_BYTES, groups = (job->kernel_h + ROWS - 1) / ROWS;
	const uint8_t *line = job->line;
	uint32_t q, g, s;
	unsigned int v;

	for (q = 0; q < job->outputs; q++) {
		const uint8_t *w = (const uint8_t *)job->w;
		__m512i sums[VECTORS];

#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sums[v] = _mm512_loadu_si512(job->start + VECTOR * v);
		for (g = 0; g < groups; g++) {
			const uint8_t *x = line + ((size_t)g * columns + q * job->stride) * COLUMN_BYTES;

			for (s = 0; s < job->kernel_w; s++, x += step, w += 64 * VECTORS) {
#pragma GCC unroll 4
				for (v = 0; v < vectors; v++)
					sums[v] = _mm512_dpbusd_epi32(sums[v],
						_mm512_load_si512(x + 64 * v), _mm512_load_si512(w + 64 * v));
			}
		}
		store(job, q, sums, vectors);
	}
}

/* Three columns of at most four rows: all weights stay in registers. */
static inline __attribute__((always_inline)) void
outputs_of_three(const struct xqk_depthwise *job, const unsigned int vectors)
{
	const uint32_t step = job->dilation * COLUMN_BYTES;
	const uint8_t *x = job->line;
	__m512i w[3][VECTORS], start[VECTORS];
	unsigned int v, s;
	uint32_t q;

#pragma GCC unroll 4
	for (v = 0; v < vectors; v++) {
		start[v] = _mm512_loadu_si512(job->start + VECTOR * v);
#pragma GCC unroll 3
		for (s = 0; s < 3; s++)
			w[s][v] = _mm512_load_si512(job->w + 64 * (s * VECTORS + v));
	}
	for (q = 0; q < job->outputs; q++, x += job->stride * COLUMN_BYTES) {
		__m512i sums[VECTORS];

#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sums[v] = start[v];
#pragma GCC unroll 3
		for (s = 0; s < 3; s++)
#pragma GCC unroll 4
			for (v = 0; v < vectors; v++)
				sums[v] = _mm512_dpbusd_epi32(sums[v], _mm512_load_si512(
						x + s * step + 64 * v), w[s][v]);
		store(job, q, sums, vectors);
	}
}

#define RUN(vectors)									\
	static void run_##vectors(const struct xqk_depthwise *job, uint32_t columns)	\
	{										\
		stage_line(job, columns, vectors);					\
		if (job->kernel_w == 3 && job->kernel_h <= ROWS)			\
			outputs_of_three(job, vectors);					\
		else									\
			outputs(job, columns, vectors);					\
	}
RUN(1)
RUN(2)
RUN(3)
RUN(4)

static void run(const struct xqk_depthwise *job)
{
	static void (*const by_vectors[])(const struct xqk_depthwise *job, uint32_t columns) = {
		run_1, run_2, run_3, run_4,
	};

	by_vectors[(job->channels - 1) / VECTOR](job, (job->outputs - 1) * job->stride +
						 (job->kernel_w - 1) * job->dilation + 1);
}

static void sum(const int8_t *w, uint32_t kernel_h, uint32_t kernel_w, int32_t *sums)
{
	const uint32_t words = (kernel_h + ROWS - 1) / ROWS * kernel_w;
	const __m512i ones = _mm512_set1_epi8(1);
	uint32_t i;
	int v;

	for (v = 0; v < VECTORS; v++) {
		__m512i all = _mm512_setzero_si512();

		for (i = 0; i < words; i++)
			all = _mm512_dpbusd_epi32(all, ones, _mm512_load_si512(w + (i * VECTORS + v) * 64));
		_mm512_storeu_si512(sums + VECTOR * v, all);
	}
}

const struct xqk_depthwise_kernels xqk_depthwise_avx512 = {
	.takes_unsigned = true, .line_bytes = line_bytes, .arrange = arrange, .sum = sum, .run = run,
};
