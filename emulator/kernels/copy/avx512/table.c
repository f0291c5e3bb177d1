// SPDX-License-Identifier: MIT
/* Copies for AVX-512. */
#include <immintrin.h>

#define RUN_VECTOR	64
#include "copy/template.h"

/* As range(): what is not finite changes nothing. A row may be as short as a group, so it is a few instructions. */
static void range_avx512(const float *x, size_t n, float *least, float *greatest)
{
	const __m512 most = _mm512_set1_ps(3.402823466e38f);
	__m512 low = _mm512_set1_ps(*least), high = _mm512_set1_ps(*greatest);
	size_t i;

	for (i = 0; i < n; i += 16) {
		const __mmask16 there = n - i < 16 ? (__mmask16)((1U << (n - i)) - 1) : 0xffff;
		const __m512 v = _mm512_maskz_loadu_ps(there, x + i);
		const __mmask16 finite = _mm512_mask_cmp_ps_mask(there, _mm512_abs_ps(v), most, _CMP_LE_OQ);

		low = _mm512_mask_min_ps(low, finite, v, low);
		high = _mm512_mask_max_ps(high, finite, v, high);
	}
	*least = _mm512_reduce_min_ps(low);
	*greatest = _mm512_reduce_max_ps(high);
}

/*
 * Squares of 16 by 16 elements of 32 bits, as the template's of four, whose rows are whole cache
 * lines: each line is read and written once, however far apart they are.
 */
static inline void square32(uint8_t *y, size_t y_stride, const uint8_t *x, size_t x_stride)
{
	const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
					      23);
	const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
					       15, 31);
	__m512i a[16], b[16];

#pragma GCC unroll 16
	for (int i = 0; i < 16; i++)
		a[i] = _mm512_loadu_si512(x + i * x_stride);
#pragma GCC unroll 2
	for (int round = 0; round < 2; round++) {
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			b[2 * i] = _mm512_permutex2var_epi32(a[i], low, a[i + 8]);
			b[2 * i + 1] = _mm512_permutex2var_epi32(a[i], high, a[i + 8]);
		}
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			a[2 * i] = _mm512_permutex2var_epi32(b[i], low, b[i + 8]);
			a[2 * i + 1] = _mm512_permutex2var_epi32(b[i], high, b[i + 8]);
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < 16; i++)
		_mm512_storeu_si512(y + i * y_stride, a[i]);
}

static void transpose32(uint8_t *y, size_t y_stride, const uint8_t *x, size_t x_stride, size_t rows,
			size_t columns)
{
	const size_t whole_rows = rows / 16 * 16, whole_columns = columns / 16 * 16;

	for (size_t c = 0; c < whole_columns; c += 16)
		for (size_t r = 0; r < whole_rows; r += 16)
			square32(y + c * y_stride + 4 * r, y_stride, x + r * x_stride + 4 * c,
				 x_stride);
	transpose_uint32_t(y + 4 * whole_rows, y_stride, x + whole_rows * x_stride, x_stride,
			   rows - whole_rows, columns);
	transpose_uint32_t(y + whole_columns * y_stride, y_stride, x + 4 * whole_columns, x_stride,
			   whole_rows, columns - whole_columns);
}

/*
 * Of smaller elements four squares below each other at once, each in a lane of 16 bytes: 16 bytes of rows
 * that are a square apart make a vector, and columns are whole cache lines.
 */
#define DEFINE_SQUARES(type, n, suffix)								\
	static inline void squares_##type(uint8_t *y, size_t y_stride, const uint8_t *x, size_t x_stride) \
	{											\
		__m512i a[n], b[n];								\
												\
		_Pragma("GCC unroll 16")							\
		for (size_t i = 0; i < (n); i++) {						\
			const uint8_t *row = x + i * x_stride;					\
			const __m128i *second = (const void *)(row + (n) * x_stride);		\
			const __m128i *third = (const void *)(row + 2 * (n) * x_stride);	\
			const __m128i *fourth = (const void *)(row + 3 * (n) * x_stride);	\
			__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)row));	\
												\
			v = _mm512_inserti32x4(v, _mm_loadu_si128(second), 1);			\
			v = _mm512_inserti32x4(v, _mm_loadu_si128(third), 2);			\
			a[i] = _mm512_inserti32x4(v, _mm_loadu_si128(fourth), 3);		\
		}										\
		_Pragma("GCC unroll 4")								\
		for (unsigned int round = 1; round < (n); round *= 2) {				\
			_Pragma("GCC unroll 8")							\
			for (int i = 0; i < (n) / 2; i++) {					\
				b[2 * i] = _mm512_unpacklo_##suffix(a[i], a[i + (n) / 2]);	\
				b[2 * i + 1] = _mm512_unpackhi_##suffix(a[i], a[i + (n) / 2]);	\
			}									\
			_Pragma("GCC unroll 16")						\
			for (int i = 0; i < (n); i++)						\
				a[i] = b[i];							\
		}										\
		_Pragma("GCC unroll 16")							\
		for (size_t i = 0; i < (n); i++)						\
			_mm512_storeu_si512(y + i * y_stride, a[i]);				\
	}											\
												\
	static void transpose_squares_##type(uint8_t *y, size_t y_stride, const uint8_t *x,	\
					     size_t x_stride, size_t rows, size_t columns)	\
	{											\
		const size_t size = sizeof(type), whole_rows = rows / (4 * (n)) * 4 * (n);	\
		const size_t whole_columns = columns / (n) * (n);				\
												\
		for (size_t r = 0; r < whole_rows; r += 4 * (n))				\
			for (size_t c = 0; c < whole_columns; c += (n))				\
				squares_##type(y + c * y_stride + r * size, y_stride,		\
					       x + r * x_stride + c * size, x_stride);		\
		transpose_##type(y + size * whole_rows, y_stride, x + whole_rows * x_stride,	\
				 x_stride, rows - whole_rows, columns);				\
		transpose_##type(y + whole_columns * y_stride, y_stride, x + size * whole_columns, \
				 x_stride, whole_rows, columns - whole_columns);		\
	}
DEFINE_SQUARES(uint8_t, 16, epi8)
DEFINE_SQUARES(uint16_t, 8, epi16)

const struct xqk_copy_kernels xqk_copy_avx512 = {
	.transpose = { transpose_squares_uint8_t, transpose_squares_uint16_t, transpose32 },
	.runs = runs,
	.widen = widen,
	.quantize = quantize,
	.dequantize = dequantize,
	.range = range_avx512,
};
