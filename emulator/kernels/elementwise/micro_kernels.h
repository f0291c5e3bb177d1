/* SPDX-License-Identifier: MIT */
/* The loops of sums and products of two rows of bytes. */
#ifndef XQK_ELEMENTWISE_MICRO_KERNELS_H
#define XQK_ELEMENTWISE_MICRO_KERNELS_H

#include "epilogue/micro_kernels.h"

/**
 * struct xqk_sum - a sum whose terms come from tables by the input's byte
 * @a: @b: the tables
 * @planes_a: @planes_b: their bytes apart, [4][256], lowest first
 * @lanes: one lane for all elements
 */
struct xqk_sum {
	int32_t a[256], b[256];
	uint8_t planes_a[4][256], planes_b[4][256];
	struct xqk_lanes lanes;
};

/**
 * struct xqk_real - results by f32: y = round_half_even(v) + zero_point between bounds
 * @a: @b: of a sum, tables of terms by the input's byte
 * @scale: @zero: @is_signed: of a sum what those tables are made of: (f32)(element - zero) * scale
 * @moderate: and scales and factor are finite and far from the ends of f32's range, 2^-60 to 2^60
 * @factor: of a sum what it is divided by, of a product what it is multiplied by
 */
struct xqk_real {
	float a[256], b[256];
	float scale[2];
	int32_t zero[2];
	bool is_signed[2], moderate;
	float factor;
	int32_t zero_point, least, greatest;
};

/**
 * struct xqk_straight - a sum as a straight line: (high * 2^15 + low) * (x ^ flip) of both inputs,
 *	plus add, modulo 2^32, shifted right by shift; then between bounds
 * @high: @low: of a and of b
 */
struct xqk_straight {
	int16_t high[2], low[2];
	int32_t add, shift;
	uint8_t flip[2];
	bool is_signed;		/* the results are */
	int32_t least, greatest;
};

/**
 * struct xqk_carried - the same sum by whole numbers and a carry: sat(sat(whole[v] + (level[v] >=
 *	level[w])) + sat(whole[w] + excess[v])), of bytes with a sign, then ^ flip, then between bounds
 * @whole: @level: @excess: by the inputs' bytes, v those of a and w those of b
 * @swapped: or the other way round
 * @wide: whether excess is more than zeros
 * @flip: 0x80 if the results have no sign
 * @least: @greatest: as bytes
 * @bounded: whether those are closer than the ends of the range
 */
struct xqk_carried {
	int8_t whole[2][256], excess[256];
	uint8_t level[2][256];
	bool swapped, wide, bounded;
	uint8_t flip, least, greatest;
};

/**
 * struct xqk_bytes - a sum of bytes that come from tables by the input's byte
 * @is_signed: those bytes, and the result
 */
struct xqk_bytes {
	uint8_t term[2][256];
	bool is_signed;
	int32_t least, greatest;
};

/**
 * struct xqk_product_line - results of products along a straight line in f32
 * @flip: @zero: the product p is that of (x ^ flip) - zero of both inputs
 * @bias: what makes all p unsigned numbers of 16 bits
 * @scale: @add: t = round_half_even(p * scale + add), by one fma, saturated to 16 bits
 * @twice: whether t is rounded again, halves away from zero: * fraction / 2^15
 * @zero_point: is added, then come the bounds
 */
struct xqk_product_line {
	uint8_t flip[2];
	int16_t zero[2];
	uint16_t bias;
	float scale, add;
	bool twice;
	int16_t fraction, zero_point;
	bool is_signed;		/* the results are */
	int32_t least, greatest;
};

/**
 * struct xqk_elementwise_kernels - an instruction set's loops, for n elements
 *
 * @sum: table sums modulo 2^32, requantized
 * @bytes: saturating sums, signed or not, of elements of the inputs' tables, between bounds
 * @product: (x ^ flip) - zero point of both, multiplied
 * @real_sum: @real_product: see struct xqk_real; the latter from products
 * @straight: see struct xqk_straight; NULL if it would be no faster
 * @carried: see struct xqk_carried; NULL if it would be no faster than straight
 * @product_line: see struct xqk_product_line; or NULL
 * @near: sets near[i] if any a[i] + b[j] is nearer to a multiple of 2^shift than distance; or NULL
 */
struct xqk_elementwise_kernels {
	void (*sum)(const struct xqk_sum *s, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y);
	void (*bytes)(const struct xqk_bytes *s, const uint8_t *a, const uint8_t *b, size_t n,
		      uint8_t *y);
	void (*product)(const uint8_t *a, const uint8_t *b, size_t n, const uint8_t flip[2],
			const int32_t zero_point[2], int32_t *v);
	void (*real_sum)(const struct xqk_real *r, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y);
	void (*real_product)(const struct xqk_real *r, const int32_t *v, size_t n, uint8_t *y);
	void (*straight)(const struct xqk_straight *s, const uint8_t *a, const uint8_t *b, size_t n,
			 uint8_t *y);
	void (*carried)(const struct xqk_carried *s, const uint8_t *a, const uint8_t *b, size_t n,
			uint8_t *y);
	void (*product_line)(const struct xqk_product_line *line, const uint8_t *a, const uint8_t *b,
			     size_t n, uint8_t *y);
	void (*near)(const int32_t a[256], const int32_t b[256], int32_t shift, uint32_t distance,
		     bool near[256]);
};

/* Elements of one call, at most; of @bytes, @straight, @carried and @product_line there may be more. */
#define XQK_ELEMENTS_MOST	1024

extern const struct xqk_elementwise_kernels xqk_elementwise_scalar;
extern const struct xqk_elementwise_kernels xqk_elementwise_avx2;
extern const struct xqk_elementwise_kernels xqk_elementwise_avx512;

#endif
