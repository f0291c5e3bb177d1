/* SPDX-License-Identifier: MIT */
/*
 * The dot of a few rows with tiles as they are, where unpacking them first would cost
 * more than it saves: the matrix-vector product. Included by a file that defines
 *
 *	XQK_DOT_TILES	name of the function
 *	XQK_VECTOR	name of the product of one row without groups, if it is wanted
 *	XQK_TILES_REAL	name of the dots of groups with real scales
 *	XQK_ROW_REAL	name of the same of one row, with scales as they are
 *	XQK_BITS	of an element, 8 at most
 *	XQK_FLIP	what the code is exclusive-ored with
 *	XQK_LEFT	by how much the operand is shifted left
 *	XQK_LOOKUP(code)	operands from codes, if there is a codebook
 */
#include <immintrin.h>

#include "vector.h"

#define ROWS		4
#define STEPS		(8 / XQK_BITS)
#define CODE		((1 << XQK_BITS) - 1)
/* VPTERNLOG of (a & b) ^ c */
#define AND_XOR		0x6a
/* All elements of a byte are flipped at once where that takes fewer constants or steps. */
#define FLIP_WORD	(XQK_BITS == 4 ? 0x11 * XQK_FLIP : XQK_BITS == 2 ? 0x55 * XQK_FLIP : XQK_FLIP)

/*
 * One row is bound by the operations on B. So codes are not shifted down: those at bit
 * b have sums of their own, which are 2^b times too large. Bits 0..3 and 4..7 share.
 */
#ifdef XQK_LOOKUP
#define SUMS		1
#else
#define SUMS		(STEPS < 4 ? STEPS : 4)
#endif

static inline __attribute__((always_inline)) __m512i
operand(__m512i word, const unsigned int step, const bool scaled, const __m512i *table)
{
	const unsigned int bit = step * XQK_BITS, keep = scaled ? bit % (SUMS * XQK_BITS) : 0;

	if (bit != keep)
		word = _mm512_srli_epi32(word, bit - keep);
#ifdef XQK_LOOKUP
	return XQK_LOOKUP(word);
#else
	(void)table;
	if (XQK_BITS == 8)
		return word;
	if (FLIP_WORD || !XQK_FLIP)
		return _mm512_and_si512(word, _mm512_set1_epi8((char)(CODE << keep)));
	return _mm512_ternarylogic_epi32(word, _mm512_set1_epi8((char)(CODE << keep)),
					 _mm512_set1_epi8((char)(XQK_FLIP << keep)), AND_XOR);
#endif
}

static inline __attribute__((always_inline)) void
dot_tiles(const struct xqk_dot *dot, const unsigned int rows, const unsigned int strips)
{
	const bool scaled = rows == 1;
	const unsigned int sums = scaled ? SUMS : 1;
	__m512i sum[ROWS][XQK_STRIPS][SUMS], table[4];
	const uint8_t *const *tile = dot->b;
	const uint8_t *a = dot->a;
	uint32_t first = dot->first, left = dot->steps, word;
	unsigned int r, s, step, i;

	(void)table;
#ifdef XQK_LOOKUP
	XQK_LOAD_TABLE(dot, table);
#endif
#pragma GCC unroll 4
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
#pragma GCC unroll 4
			for (i = 0; i < sums; i++)
				sum[r][s][i] = _mm512_setzero_si512();

	while (left) {
		const uint32_t words = XQK_TILE_STEPS - first < left ? XQK_TILE_STEPS - first : left;
		const uint8_t *b[XQK_STRIPS];

#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			b[s] = tile[s] + first * XQK_STEP_BYTES;
		for (word = 0; word < words; word++, a += 4 * STEPS) {
			__m512i raw[XQK_STRIPS];

#pragma GCC unroll 4
			for (s = 0; s < strips; s++) {
				raw[s] = _mm512_loadu_si512(b[s]);
				if (FLIP_WORD)
					raw[s] = _mm512_xor_si512(raw[s], _mm512_set1_epi8((char)FLIP_WORD));
				/* Loads are scarce: this one may not be repeated for each step. */
				__asm__("" : "+v" (raw[s]));
				b[s] += XQK_STEP_BYTES;
			}
#pragma GCC unroll 8
			for (step = 0; step < STEPS; step++) {
				__m512i x[XQK_STRIPS];

#pragma GCC unroll 4
				for (s = 0; s < strips; s++)
					x[s] = operand(raw[s], step, scaled, table);
#pragma GCC unroll 4
				for (r = 0; r < rows; r++) {
					const __m512i row = _mm512_set1_epi32(
						*(const int32_t *)(a + r * dot->a_stride + 4 * step));

#pragma GCC unroll 4
					for (s = 0; s < strips; s++)
						sum[r][s][step % sums] = _mm512_dpbusd_epi32(
							sum[r][s][step % sums], x[s], row);
				}
			}
		}
		left -= words;
		first = 0;
		tile += XQK_STRIPS;
	}

#pragma GCC unroll 4
	for (r = 0; r < rows; r++) {
#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
#pragma GCC unroll 4
			for (i = 1; i < sums; i++)
				sum[r][s][0] = _mm512_add_epi32(sum[r][s][0],
					_mm512_srai_epi32(sum[r][s][i], i * XQK_BITS));
			_mm512_store_si512(dot->c + r * XQK_COLUMNS + s * XQK_LANES,
					   _mm512_slli_epi32(sum[r][s][0], XQK_LEFT));
		}
	}
}

#define XQK_CASE(rows, strips)				\
	case (rows) * 8 + (strips):			\
		dot_tiles(dot, rows, strips);		\
		break;
#define XQK_CASES(rows)					\
	XQK_CASE(rows, 1) XQK_CASE(rows, 2) XQK_CASE(rows, 3) XQK_CASE(rows, 4)

void XQK_DOT_TILES(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	switch (rows * 8 + strips) {
	XQK_CASES(1)
	XQK_CASES(2)
	XQK_CASES(3)
	XQK_CASES(4)
	}
}

#include "groups_tiles.h"
#include "row_real.h"

#ifdef XQK_VECTOR

/* Strips taken at a time, which are streams from memory; words of each in turn. */
#define STREAMS		2
#define WORDS		(STEPS < 4 ? 4 / STEPS : 1)
/* All that the step of a word takes is a mask. */
#ifdef XQK_LOOKUP
#define MASKED		0
#else
#define MASKED		(XQK_BITS < 8)
#endif

static inline __attribute__((always_inline)) void
add_product(__m512i *sum, __m512i b, __m512i a)
{
	/* Of the intrinsic's sum the compiler makes copies. */
	__asm__("vpdpbusd %2, %1, %0" : "+v" (*sum) : "v" (b), "v" (a));
}

/*
 * The products of a step of two streams. The order of the four instructions is worth a
 * quarter on Zen 4, which gives them to its two schedulers in turn: with one of each kind
 * after the other, one scheduler would have all multiplications.
 */
static inline __attribute__((always_inline)) void
add_masked_products(__m512i *sum0, __m512i *sum1, __m512i b0, __m512i b1, __m512i mask, __m512i a)
{
	__m512i b0_step, b1_step;

	__asm__("vpandd %4, %6, %2\n\tvpandd %5, %6, %3\n\t"
		"vpdpbusd %7, %2, %0\n\tvpdpbusd %7, %3, %1"
		: "+v" (*sum0), "+v" (*sum1), "=&v" (b0_step), "=&v" (b1_step)
		: "v" (b0), "v" (b1), "v" (mask), "v" (a));
}

/* Each word has sums of its own: an addition has to wait for the one before. */
static inline __attribute__((always_inline)) void
vector_words(__m512i sum[STREAMS][WORDS][SUMS], const uint8_t *const *b, const uint8_t *a,
	     const unsigned int streams, const unsigned int words, const __m512i *table)
{
	unsigned int s, word, step;

#pragma GCC unroll 4
	for (word = 0; word < words; word++) {
		__m512i raw[STREAMS], row[STEPS];

#pragma GCC unroll 8
		for (step = 0; step < STEPS; step++) {
			row[step] = _mm512_set1_epi32(
				*(const int32_t *)(a + 4 * (word * STEPS + step)));
			/* Loads are scarce: this one may not be repeated for each strip, */
			__asm__("" : "+v" (row[step]));
		}
#pragma GCC unroll 2
		for (s = 0; s < streams; s++) {
			raw[s] = _mm512_loadu_si512(b[s] + word * XQK_STEP_BYTES);
			if (FLIP_WORD)
				raw[s] = _mm512_xor_si512(raw[s], _mm512_set1_epi8((char)FLIP_WORD));
			/* and this one not for each step. */
			__asm__("" : "+v" (raw[s]));
		}
#pragma GCC unroll 8
		for (step = 0; step < STEPS; step++) {
			if (MASKED && streams == 2) {
				add_masked_products(&sum[0][word][step], &sum[1][word][step], raw[0],
						    raw[1], _mm512_set1_epi8((char)(CODE << step *
						    XQK_BITS)), row[step]);
				continue;
			}
#pragma GCC unroll 2
			for (s = 0; s < streams; s++)
				add_product(&sum[s][word][step % SUMS],
					    operand(raw[s], step, true, table), row[step]);
		}
	}
}

static inline __attribute__((always_inline)) void
multiply_vector(const struct xqk_vector *vector, unsigned int strip, unsigned int apart,
		const unsigned int streams)
{
	__m512i sum[STREAMS][WORDS][SUMS], table[4];
	const uint8_t *const *tile = vector->b + strip;
	const uint8_t *a = vector->a, *b[STREAMS], *end;
	uint32_t left = vector->words, words;
	unsigned int s, word, i;

	(void)table;
#ifdef XQK_LOOKUP
	XQK_LOAD_TABLE(vector, table);
#endif
	for (s = 0; s < streams; s++)
		for (word = 0; word < WORDS; word++)
			for (i = 0; i < SUMS; i++)
				sum[s][word][i] = _mm512_setzero_si512();
	for (; left; left -= words, tile += XQK_VECTOR_STRIPS) {
		words = left < XQK_TILE_STEPS || vector->contiguous ? left : XQK_TILE_STEPS;
		for (s = 0; s < streams; s++)
			b[s] = tile[s * apart];
		end = a + words / WORDS * WORDS * 4 * STEPS;
		for (; a < end; a += WORDS * 4 * STEPS) {
			vector_words(sum, b, a, streams, WORDS, table);
			for (s = 0; s < streams; s++)
				b[s] += WORDS * XQK_STEP_BYTES;
		}
		end += words % WORDS * 4 * STEPS;
		for (; a < end; a += 4 * STEPS) {
			vector_words(sum, b, a, streams, 1, table);
			for (s = 0; s < streams; s++)
				b[s] += XQK_STEP_BYTES;
		}
	}
	for (s = 0; s < streams; s++) {
		__m512i all = _mm512_setzero_si512();

		for (i = 0; i < SUMS; i++) {
			for (word = 1; word < WORDS; word++)
				sum[s][0][i] = _mm512_add_epi32(sum[s][0][i], sum[s][word][i]);
			all = _mm512_add_epi32(all, _mm512_srai_epi32(sum[s][0][i], i * XQK_BITS));
		}
		xqk_vector_store(vector, strip + s * apart, _mm512_slli_epi32(all, XQK_LEFT));
	}
}

void XQK_VECTOR(const struct xqk_vector *vector, unsigned int strips)
{
	const unsigned int each = strips / STREAMS;
	unsigned int strip;

	/* Strips far apart: a stream then goes on where it ended, if B is contiguous. */
	for (strip = 0; strip < each; strip++)
		multiply_vector(vector, strip, each, STREAMS);
	for (strip = each * STREAMS; strip < strips; strip++)
		multiply_vector(vector, strip, 1, 1);
}

#endif
