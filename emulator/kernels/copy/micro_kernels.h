/* SPDX-License-Identifier: MIT */
/* The loops of copies: transposition, and conversion of contiguous elements. */
#ifndef XQK_COPY_MICRO_KERNELS_H
#define XQK_COPY_MICRO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct xqk_quantize - from f32: y = round_half_even(x / scale) + zero_point, saturated
 */
struct xqk_quantize {
	float scale;
	int32_t zero_point, least, greatest;
};

/**
 * struct xqk_runs - groups of rows, each a run of bytes in both tensors
 * @bytes: of a row
 * @rows: of a group
 * @x_row: @y_row: bytes from one row to the next; rows of x may be the same one
 * @x_group: @y_group: bytes from one group to the next
 */
struct xqk_runs {
	uint8_t *y;
	const uint8_t *x;
	size_t bytes, rows, groups, x_row, y_row, x_group, y_group;
};

/**
 * struct xqk_copy_kernels - an instruction set's loops
 * @transpose: by log2 of an element's bytes: element (r, c) of x, whose rows are x_stride bytes apart, goes to
 *	(c, r) of y
 * @widen: elements of 8, 16 or 32 bits, signed or not, less a zero point modulo 2^32
 * @quantize: to bytes, or to words of 16 bits
 * @dequantize: y = (f32)v * scale
 * @runs: see struct xqk_runs
 * @range: widens [*least, *greatest] to what is finite in x
 */
struct xqk_copy_kernels {
	void (*transpose[3])(uint8_t *y, size_t y_stride, const uint8_t *x, size_t x_stride, size_t rows, size_t columns);
	void (*runs)(const struct xqk_runs *r);
	void (*widen)(int32_t *v, const void *x, size_t n, unsigned int bits, int is_signed, int32_t zero_point);
	void (*quantize)(void *y, const float *x, size_t n, const struct xqk_quantize *q, int wide);
	void (*dequantize)(float *y, const int32_t *v, size_t n, float scale);
	void (*range)(const float *x, size_t n, float *least, float *greatest);
};

extern const struct xqk_copy_kernels xqk_copy_scalar;
extern const struct xqk_copy_kernels xqk_copy_avx2;
extern const struct xqk_copy_kernels xqk_copy_avx512;

#endif
