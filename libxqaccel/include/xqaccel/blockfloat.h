/* SPDX-License-Identifier: MIT */
/*
 * Two-level scales: VS-Quant and the MX formats.
 *
 * Matrices are [rows][k] in C order. Blocks run along k, begin anew in every row, and the last
 * one of a row may be short. Elements, scales and exponents are separate arrays, one value a
 * byte; the bits that the format stores are given by the storage functions. Errors, ownership
 * and threads are as in xqaccel/quantize.h.
 */
#ifndef XQACCEL_BLOCKFLOAT_H
#define XQACCEL_BLOCKFLOAT_H

#include <xqaccel/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * struct xq_vsquant - a VS-Quant format (Dai et al. 2021)
 * @bits: of an element, signed, 2 to 8
 * @scale_bits: of a vector's integer scale, unsigned, 1 to 8
 * @vector: elements that share one, 16 as a rule
 *
 * r = gamma * Sq * q with a floating-point gamma per row and an integer Sq per vector.
 */
struct xq_vsquant {
	unsigned int bits, scale_bits;
	size_t vector;
};

/**
 * xq_vsquant_encode() - quantize a matrix
 * @q: codes in [-qmax, qmax], qmax = 2^(bits - 1) - 1; rows * k
 * @scale: Sq, rows * ceil(k / vector)
 * @gamma: one per row, with eight significant bits; at 2^-126 and above it is a bf16
 *
 * s = max |x| / qmax of each vector; gamma = max s / (2^scale_bits - 1) of the row, rounded
 * to eight significant bits (down if gamma * (2^scale_bits - 1) * qmax were not finite otherwise; 1 for
 * a row of zeros); Sq = round(s / gamma) in [1, 2^scale_bits - 1], 0 for a vector of zeros;
 * q = round(x / (gamma Sq)), saturated. Halves go to even; quotients in double. The unit of x makes
 * no difference: 2^k x has the same q and Sq.
 */
int xq_vsquant_encode(const float *x, size_t rows, size_t k, const struct xq_vsquant *format,
		      int8_t *q, uint8_t *scale, float *gamma, struct xq_fault *fault);

/** xq_vsquant_decode() - x = gamma * Sq * q, which has at most 23 bits: exact in float32 */
int xq_vsquant_decode(const int8_t *q, const uint8_t *scale, const float *gamma, size_t rows,
		      size_t k, const struct xq_vsquant *format, float *x);

/** xq_vsquant_storage() - bits + scale_bits / vector + 16 / k an element if k fills its vectors */
struct xq_storage xq_vsquant_storage(size_t rows, size_t k, const struct xq_vsquant *format);

/**
 * enum xq_mx - shared micro-exponents (Darvish Rouhani et al. 2023)
 * @XQ_MX4: sign and 2 bits of magnitude an element
 * @XQ_MX6: sign and 4 bits
 * @XQ_MX9: sign and 7 bits
 *
 * 8 exponent bits per 16 elements (first level) and 1 per 2 (second level): 4, 6, 9 bits an
 * element.
 */
enum xq_mx {
	XQ_MX4,
	XQ_MX6,
	XQ_MX9,
};

/** XQ_MX_BLOCK - elements that share an exponent */
#define XQ_MX_BLOCK 16

/**
 * xq_mx_encode() - quantize a matrix
 * @q: sign and magnitude as an integer in [-(2^m - 1), 2^m - 1]; rows * k
 * @exponent: E + 127 per block, E = floor(log2 max |x|) in [-127, 127]; 0 for zeros;
 *	rows * ceil(k / 16)
 * @micro: bit p is set if pair p is shifted down by one binary place, because both its
 *	elements are below 2^E; as many as exponents
 *
 * q = round(x / 2^(E - micro - (m - 1))), halves to even, saturated. An element's own exponent
 * is never more than one below what it could use, as the second level has one bit.
 */
int xq_mx_encode(const float *x, size_t rows, size_t k, enum xq_mx format, int8_t *q,
		 uint8_t *exponent, uint8_t *micro, struct xq_fault *fault);

/** xq_mx_decode() - x = q * 2^(E - micro - (m - 1)), rounded once where float32 can't hold it */
int xq_mx_decode(const int8_t *q, const uint8_t *exponent, const uint8_t *micro, size_t rows,
		 size_t k, enum xq_mx format, float *x);

/** xq_mx_storage() - exactly 4, 6, 9 bits an element if 16 divides k */
struct xq_storage xq_mx_storage(size_t rows, size_t k, enum xq_mx format);

/** XQ_OCP_BLOCK - elements that share a scale in the OCP formats */
#define XQ_OCP_BLOCK 32

/** XQ_E8M0_NAN - the scale that makes a whole block NaN; encoders never write it */
#define XQ_E8M0_NAN 255

/**
 * xq_mxint8_encode() - OCP Microscaling Formats v1.0, MXINT8
 * @q: two's complement with 6 fraction bits, in [-127, 127]; rows * k
 * @scale: E8M0: 127 + floor(log2 max |x|), clamped to 0..254; rows * ceil(k / 32)
 *
 * Section 6.3: X = 2^(floor(log2 max |x|) - emax), emax = 0 here; q = round(x / X * 64),
 * halves to even, saturated. -128 is not used, so that the code is symmetric.
 */
int xq_mxint8_encode(const float *x, size_t rows, size_t k, int8_t *q, uint8_t *scale,
		     struct xq_fault *fault);

/** xq_mxint8_decode() - x = 2^(scale - 127) * q / 64; NaN for scale 255 */
int xq_mxint8_decode(const int8_t *q, const uint8_t *scale, size_t rows, size_t k, float *x);

/** xq_mxint8_storage() - 8.25 bits an element if 32 divides k */
struct xq_storage xq_mxint8_storage(size_t rows, size_t k);

/**
 * xq_mxfp4_encode() - OCP Microscaling Formats v1.0, MXFP4
 * @q: E2M1 codes 0 to 15 (sign in bit 3); rows * k
 * @scale: E8M0 with emax = 2; rows * ceil(k / 32)
 *
 * Elements are x / X rounded to 0, 0.5, 1, 1.5, 2, 3, 4, 6, halves to even, saturated.
 */
int xq_mxfp4_encode(const float *x, size_t rows, size_t k, uint8_t *q, uint8_t *scale,
		    struct xq_fault *fault);

/** xq_mxfp4_decode() - x = 2^(scale - 127) * element; NaN for scale 255 */
int xq_mxfp4_decode(const uint8_t *q, const uint8_t *scale, size_t rows, size_t k, float *x);

/** xq_mxfp4_storage() - 4.25 bits an element if 32 divides k */
struct xq_storage xq_mxfp4_storage(size_t rows, size_t k);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
