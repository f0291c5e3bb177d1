/* SPDX-License-Identifier: MIT */
/*
 * Loops of copies that a compiler turns into the vector code of the instruction set whose file includes
 * them.
 */
#ifndef XQK_COPY_TEMPLATE_H
#define XQK_COPY_TEMPLATE_H

#include <math.h>
#include <string.h>

#include "copy/micro_kernels.h"

/*
 * A square of vectors is transposed by interleaving row i with row i + N / 2 as often as N has bits: each
 * time the bits of an element's place, row before column, are rotated by one.
 */
#define DEFINE_SQUARE(type, n, ...)								\
	typedef type square_##type __attribute__((vector_size(16)));				\
												\
	static inline void transpose_square_##type(uint8_t *y, size_t y_stride, const uint8_t *x, size_t x_stride) \
	{											\
		square_##type a[n], b[n];							\
		unsigned int i, round;								\
												\
		for (i = 0; i < n; i++)								\
			memcpy(&a[i], x + i * x_stride, 16);					\
		for (round = 1; round < n; round *= 2) {					\
			for (i = 0; i < n / 2; i++) {						\
				b[2 * i] = low_##type(a[i], a[i + n / 2]);			\
				b[2 * i + 1] = high_##type(a[i], a[i + n / 2]);			\
			}									\
			memcpy(a, b, sizeof(a));						\
		}										\
		for (i = 0; i < n; i++)								\
			memcpy(y + i * y_stride, &a[i], 16);					\
	}											\
												\
	static void transpose_##type(uint8_t *y, size_t y_stride, const uint8_t *x, size_t x_stride, \
				     size_t rows, size_t columns)				\
	{											\
		const size_t size = sizeof(type), whole = rows / n * n;				\
		size_t r, c, i;									\
												\
		for (c = 0; c + n <= columns; c += n) {						\
			for (r = 0; r < whole; r += n)						\
				transpose_square_##type(y + c * y_stride + r * size, y_stride,	\
							x + r * x_stride + c * size, x_stride);	\
			for (; r < rows; r++)							\
				for (i = c; i < c + n; i++)					\
					memcpy(y + i * y_stride + r * size, x + r * x_stride + i * size, size); \
		}										\
		for (; c < columns; c++)							\
			for (r = 0; r < rows; r++)						\
				memcpy(y + c * y_stride + r * size, x + r * x_stride + c * size, size); \
	}
#define low_uint8_t(a, b)	__builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define high_uint8_t(a, b)	__builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define low_uint16_t(a, b)	__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define high_uint16_t(a, b)	__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define low_uint32_t(a, b)	__builtin_shufflevector(a, b, 0, 4, 1, 5)
#define high_uint32_t(a, b)	__builtin_shufflevector(a, b, 2, 6, 3, 7)
DEFINE_SQUARE(uint8_t, 16)
DEFINE_SQUARE(uint16_t, 8)
DEFINE_SQUARE(uint32_t, 4)

/* Bytes of a vector, by which longer runs are moved. */
#ifndef RUN_VECTOR
#define RUN_VECTOR	16
#endif

/* Runs of a constant size; what rows repeat is read once. */
static inline __attribute__((always_inline)) void fixed_runs(const struct xqk_runs *r, const size_t n)
{
	const size_t rows = r->rows, x_row = r->x_row, y_row = r->y_row;
	size_t group, i;

	for (group = 0; group < r->groups; group++) {
		const uint8_t *x = r->x + group * r->x_group;
		uint8_t *y = r->y + group * r->y_group, run[64];

		memcpy(run, x, n);
		for (i = 0; i < rows; i++, x += x_row, y += y_row) {
			if (x_row)
				memcpy(run, x, n);
			memcpy(y, run, n);
		}
	}
}

/* Without the way to memcpy(); the last vector may overlap the one before. */
static inline __attribute__((always_inline)) void vector_runs(const struct xqk_runs *r, const size_t each)
{
	const size_t n = r->bytes;
	size_t group, row, i;

	for (group = 0; group < r->groups; group++)
		for (row = 0; row < r->rows; row++) {
			const uint8_t *x = r->x + group * r->x_group + row * r->x_row;
			uint8_t *y = r->y + group * r->y_group + row * r->y_row;

			for (i = 0; i + each <= n; i += each)
				memcpy(y + i, x + i, each);
			if (i < n)
				memcpy(y + n - each, x + n - each, each);
		}
}

static void runs(const struct xqk_runs *r)
{
	size_t group, row;

	if (r->bytes == 16)
		fixed_runs(r, 16);
	else if (r->bytes == 32)
		fixed_runs(r, 32);
	else if (r->bytes == 64)
		fixed_runs(r, 64);
	else if (r->bytes >= RUN_VECTOR && r->bytes <= 512)
		vector_runs(r, RUN_VECTOR);
	else if (r->bytes >= 16 && r->bytes <= 512)
		vector_runs(r, 16);
	else
		for (group = 0; group < r->groups; group++)
			for (row = 0; row < r->rows; row++)
				memcpy(r->y + group * r->y_group + row * r->y_row,
				       r->x + group * r->x_group + row * r->x_row, r->bytes);
}

#define DEFINE_WIDEN(type)									\
	static inline void widen_##type(int32_t *restrict v, const type *restrict x, size_t n, int32_t zero_point) \
	{											\
		size_t i;									\
												\
		for (i = 0; i < n; i++)								\
			v[i] = (int32_t)((uint32_t)x[i] - (uint32_t)zero_point);		\
	}
DEFINE_WIDEN(int8_t)
DEFINE_WIDEN(uint8_t)
DEFINE_WIDEN(int16_t)
DEFINE_WIDEN(uint16_t)
DEFINE_WIDEN(int32_t)

static void widen(int32_t *v, const void *x, size_t n, unsigned int bits, int is_signed, int32_t zero_point)
{
	if (bits == 8 && is_signed)
		widen_int8_t(v, x, n, zero_point);
	else if (bits == 8)
		widen_uint8_t(v, x, n, zero_point);
	else if (bits == 16 && is_signed)
		widen_int16_t(v, x, n, zero_point);
	else if (bits == 16)
		widen_uint16_t(v, x, n, zero_point);
	else
		widen_int32_t(v, x, n, zero_point);
}

/* Zero points are small, so bounds less the zero point are exact. */
#define DEFINE_QUANTIZE(type)									\
	static inline void quantize_##type(type *restrict y, const float *restrict x, size_t n,	\
					   const struct xqk_quantize *q)			\
	{											\
		const float low = (float)(q->least - q->zero_point), high = (float)(q->greatest - q->zero_point); \
		const float scale = q->scale;							\
		const int32_t zero_point = q->zero_point;					\
		size_t i;									\
												\
		for (i = 0; i < n; i++) {							\
			float v = x[i] / scale;							\
												\
			v = v == v ? rintf(v) : 0;						\
			v = v < low ? low : v > high ? high : v;				\
			y[i] = (type)((int32_t)v + zero_point);					\
		}										\
	}
DEFINE_QUANTIZE(uint8_t)
DEFINE_QUANTIZE(uint16_t)

static void quantize(void *y, const float *x, size_t n, const struct xqk_quantize *q, int wide)
{
	if (wide)
		quantize_uint16_t(y, x, n, q);
	else
		quantize_uint8_t(y, x, n, q);
}

static void dequantize(float *restrict y, const int32_t *restrict v, size_t n, float scale)
{
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = (float)v[i] * scale;
}

static inline float finite_or(float v, float other)
{
	return fabsf(v) <= 3.402823466e38f ? v : other;
}

/*
 * Sixteen at a time, because the order of minima does not matter but compilers do not know. The loop of whole
 * sixteens has no other way out, or it would not become vectors.
 */
static inline void range(const float *restrict x, size_t n, float *restrict least, float *restrict greatest)
{
	const float before = *least;
	float low[16], high[16];
	size_t i, j;

	for (j = 0; j < 16; j++) {
		low[j] = *least;
		high[j] = *greatest;
	}
	for (i = 0; i + 16 <= n; i += 16) {
		for (j = 0; j < 16; j++) {
			const float v = finite_or(x[i + j], before);

			low[j] = v < low[j] ? v : low[j];
			high[j] = v > high[j] ? v : high[j];
		}
	}
	for (j = 0; i + j < n; j++) {
		const float v = finite_or(x[i + j], before);

		low[j] = v < low[j] ? v : low[j];
		high[j] = v > high[j] ? v : high[j];
	}
	for (j = 0; j < 16; j++) {
		*least = low[j] < *least ? low[j] : *least;
		*greatest = high[j] > *greatest ? high[j] : *greatest;
	}
}

#endif
