// SPDX-License-Identifier: MIT
/*
 * Depthwise on AVX-512 VNNI. VPDPBUSD adds four products to each lane of 32 bits; if a lane is a
 * channel, they are four taps. Four taps of a column are brought together: the bytes of four rows
 * of X are interleaved once for a column, then each output takes a vector of 16 channels from
 * every column that it sees, and that has four taps. X is the unsigned operand.
 */
#include <immintrin.h>
#include <string.h>

#include "convolution/avx512/products.h"
#include "convolution/micro_kernels.h"
#include "isa.h"

#define VECTOR		16			/* channels of a vector of sums */
#define VECTORS		4
#define ROWS		4			/* of X in a lane */
#define COLUMN_BYTES	(ROWS * XQK_DEPTHWISE_CHANNELS)
#define LINE_BYTES	(XQK_DEPTHWISE_COLUMNS * COLUMN_BYTES)
#define COLUMNS_AHEAD	8			/* of X, which is fetched: as long as a level 2 cache takes */

/* Of the rows of a kernel, and of two rows of outputs at least two lines. */
static size_t line_bytes(uint32_t kernel_h)
{
	return (size_t)(kernel_h > ROWS ? (kernel_h + ROWS - 1) / ROWS : 2) * LINE_BYTES;
}

/* Bytes [0, n) of a vector. */
static inline __mmask64 first_bytes(size_t n)
{
	return n < 64 ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
}

/* The most taps of kernels that follow each other in memory for arrange_together(), and its loads of 16 channels. */
#define TOGETHER_TAPS		16
#define TOGETHER_LOADS		4

/*
 * Channels that follow each other: a load has the taps of several, of which bytes are taken to the words where
 * they belong.
 */
static void arrange_together(int8_t *w, const int8_t *first, uint32_t channels, uint32_t kernel_h, uint32_t kernel_w)
{
	const uint32_t taps = kernel_h * kernel_w, each = 64 / taps, words = (kernel_h + ROWS - 1) / ROWS * kernel_w;
	const uint32_t loads = (VECTOR + each - 1) / each;
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i low = _mm512_and_si512(_mm512_mullo_epi32(lane, _mm512_set1_epi32((int)taps)), _mm512_set1_epi32(255));
	/* Of a byte: its channel's first one, modulo 256. */
	const __m512i channel = _mm512_mullo_epi32(low, _mm512_set1_epi32(0x01010101));
	uint32_t v, i, l, row;

	for (v = 0; v < VECTORS; v++) {
		const size_t left = channels > v * VECTOR ? (size_t)(channels - v * VECTOR) * taps : 0;
		__m512i from[TOGETHER_LOADS];

		for (l = 0; l < loads; l++) {
			const size_t skipped = (size_t)l * each * taps;

			from[l] = _mm512_maskz_loadu_epi8(left > skipped ? first_bytes(left - skipped) : 0,
							  first + (size_t)v * VECTOR * taps + skipped);
		}
		for (i = 0; i < words; i++) {
			__m512i word = _mm512_setzero_si512();
			uint32_t tap = 0, there = 0;

			for (row = 0; row < ROWS && i / kernel_w * ROWS + row < kernel_h; row++) {
				tap |= ((i / kernel_w * ROWS + row) * kernel_w + i % kernel_w) << 8 * row;
				there |= 1U << row;
			}
			for (l = 0; l < loads; l++) {
				const uint32_t end = (l + 1) * each < VECTOR ? (l + 1) * each : VECTOR;
				const __mmask64 bytes = first_bytes(4 * end) & ~first_bytes(4 * l * each);
				const __m512i at = _mm512_sub_epi8(_mm512_add_epi8(channel, _mm512_set1_epi32((int)tap)),
								   _mm512_set1_epi8((char)(l * each * taps)));

				word = _mm512_mask_permutexvar_epi8(word, bytes & 0x1111111111111111 * there, at, from[l]);
			}
			_mm512_store_si512(w + (i * VECTORS + v) * 64, word);
		}
	}
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

	if (kernel_h * kernel_w <= TOGETHER_TAPS &&
	    rows[channels - 1] == rows[0] + (size_t)(channels - 1) * kernel_h * kernel_w) {
		arrange_together(w, rows[0], channels, kernel_h, kernel_w);
		return;
	}
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
			_mm_prefetch((const char *)x[r] + COLUMNS_AHEAD * job->column, _MM_HINT_T0);
			x[r] += job->column;
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

/* Some rows, four a line, with their padding. */
static inline __attribute__((always_inline)) void
stage_lines(const struct xqk_depthwise *job, const uint8_t *const *row, uint32_t rows, uint8_t *line, uint32_t columns,
	    const unsigned int vectors)
{
	const __m512i pad = _mm512_set1_epi8((char)job->pad);
	const int64_t left = -job->first, right = (int64_t)job->width - job->first;
	const uint32_t from = left < 0 ? 0 : left < columns ? (uint32_t)left : columns;
	const uint32_t to = right < from ? from : right < columns ? (uint32_t)right : columns;
	uint32_t r;

	for (r = 0; r < rows; r += ROWS, row += ROWS, line += (size_t)columns * COLUMN_BYTES) {
		/* Rows past the kernel's have weights of 0. */
		pad_columns(line, 0, from, pad, vectors);
		pad_columns(line, to, columns, pad, vectors);
		switch (rows - r) {
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
store(const struct xqk_depthwise *job, uint32_t p, uint32_t q, const __m512i *sums, const unsigned int vectors)
{
	uint8_t *y = job->y + p * job->y_row + q * job->y_stride;
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
		store(job, 0, q, sums, vectors);
	}
}

/* Three columns of at most four rows: all weights stay in registers. */
static inline __attribute__((always_inline)) void
outputs_of_three(const struct xqk_depthwise *job, const uint8_t *x, const unsigned int vectors)
{
	const uint32_t step = job->dilation * COLUMN_BYTES;
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
		store(job, 0, q, sums, vectors);
	}
}

/*
 * The same for two rows of outputs, of which the second one's weights are rows further down, with a stride of 2 in
 * the next line, too. Vectors [first, first + vectors), at most two, so that all weights are in registers.
 */
static inline __attribute__((always_inline)) void
two_rows_of_three(const struct xqk_depthwise *job, const uint8_t *x, const uint8_t *next, const unsigned int first,
		  const unsigned int vectors, const __mmask16 last, const bool strided)
{
	const uint32_t step = job->dilation * COLUMN_BYTES, stride = job->stride * COLUMN_BYTES;
	const size_t y_row = job->y_row, y_stride = job->y_stride;
	uint8_t *y = job->y + 64 * first;
	__m512i w[3][2][3], start[2];
	unsigned int v, s, p;
	uint32_t q;

	x += 64 * first;
	next += 64 * first;
	for (v = 0; v < vectors; v++) {
		start[v] = _mm512_loadu_si512(job->start + VECTOR * (first + v));
		for (s = 0; s < 3; s++) {
			w[s][v][0] = _mm512_load_si512(job->w + 64 * (s * VECTORS + first + v));
			w[s][v][1] = _mm512_slli_epi32(w[s][v][0], strided ? 16 : 8);
			w[s][v][2] = _mm512_srli_epi32(w[s][v][0], 16);
		}
	}
	for (q = 0; q < job->outputs; q++, x += stride, next += stride, y += y_stride) {
		__m512i sums[2][2];

#pragma GCC unroll 2
		for (v = 0; v < vectors; v++)
			sums[0][v] = sums[1][v] = start[v];
#pragma GCC unroll 3
		for (s = 0; s < 3; s++) {
#pragma GCC unroll 2
			for (v = 0; v < vectors; v++) {
				const __m512i columns = _mm512_load_si512(x + s * step + 64 * v);

				sums[0][v] = xqk_products(sums[0][v], columns, w[s][v][0]);
				sums[1][v] = xqk_products(sums[1][v], columns, w[s][v][1]);
				if (strided)
					sums[1][v] = xqk_products(sums[1][v], _mm512_load_si512(next + s * step + 64 * v),
							      w[s][v][2]);
			}
		}
#pragma GCC unroll 2
		for (p = 0; p < 2; p++) {
			if (vectors > 1)
				_mm512_storeu_si512(y + p * y_row, sums[p][0]);
			_mm512_mask_storeu_epi32(y + p * y_row + 64 * (vectors - 1), last, sums[p][vectors - 1]);
		}
	}
}

static inline __attribute__((always_inline)) void
two_rows(const struct xqk_depthwise *job, const uint8_t *x, const uint8_t *next, const unsigned int vectors,
	 const bool strided)
{
	const __mmask16 last = (__mmask16)((1U << (job->channels - (vectors - 1) * VECTOR)) - 1);

	two_rows_of_three(job, x, next, 0, vectors < 2 ? vectors : 2, vectors <= 2 ? last : (__mmask16)0xffff, strided);
	if (vectors > 2)
		two_rows_of_three(job, x, next, 2, vectors - 2, last, strided);
}

/*
 * By a stride of 2: lines of four rows take turns, the next two rows of outputs have this one's second as their first.
 * The last row of outputs may be alone.
 */
static inline __attribute__((always_inline)) void
strided_rows(const struct xqk_depthwise *job, uint32_t columns, const unsigned int vectors)
{
	uint8_t *line = (uint8_t *)job->line + job->turn % 2 * LINE_BYTES;
	uint8_t *next = (uint8_t *)job->line + (job->turn + 1) % 2 * LINE_BYTES;

	if (!job->again)
		stage_lines(job, job->row, ROWS, line, columns, vectors);
	if (job->rows == 1) {
		outputs_of_three(job, line, vectors);
		return;
	}
	stage_lines(job, job->row + ROWS, ROWS, next, columns, vectors);
	two_rows(job, line, next, vectors, true);
}

#define RUN(vectors)									\
	static void run_##vectors(const struct xqk_depthwise *job, uint32_t columns)	\
	{										\
		uint8_t *line = job->line;						\
											\
		if (job->stride_h == 2 && (job->rows == 2 || job->again)) {		\
			strided_rows(job, columns, vectors);				\
			return;								\
		}									\
		stage_lines(job, job->row, xqk_depthwise_rows(job), line, columns, vectors); \
		if (job->rows == 2)							\
			two_rows(job, line, line, vectors, false);			\
		else if (job->kernel_w == 3 && job->kernel_h <= ROWS)			\
			outputs_of_three(job, line, vectors);				\
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
	.takes_unsigned = true, .pairs = true, .line_bytes = line_bytes, .arrange = arrange, .sum = sum, .run = run,
};
