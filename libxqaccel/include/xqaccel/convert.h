/* SPDX-License-Identifier: MIT */
/*
 * Packing orders and block formats of other projects, to and from unpacked elements and the
 * device's row order.
 *
 * Every decoder checks the size of what it is given and accepts any bytes: a file that lies
 * gives wrong numbers or an error, never an access outside the arrays. Return: 0 or a negative
 * errno: -EINVAL an argument makes no sense (a size that is not that of the count is one),
 * -ERANGE a value out of the format's range, -EDOM a number that is not finite, -EOVERFLOW,
 * -ENOMEM. Source and destination do not overlap.
 */
#ifndef XQACCEL_CONVERT_H
#define XQACCEL_CONVERT_H

#include <xqaccel/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- orders of narrow integers ------------------------------------------------------------- */

/**
 * enum xq_packing - how other projects pack a [rows][k] matrix of narrow integers
 * @XQ_PACKING_ONNX_S4: ONNX INT4 tensors: the elements in C order, two a byte, the first in the
 *	low nibble. Nothing starts anew at a row: an odd k lets the next row begin in a high nibble
 * @XQ_PACKING_ONNX_U4: ONNX UINT4, the same order
 * @XQ_PACKING_ONNX_S2: ONNX INT2: four a byte, the first in the lowest bits
 * @XQ_PACKING_ONNX_U2: ONNX UINT2
 * @XQ_PACKING_CMSIS_S4: weights of CMSIS-NN's s4 kernels: low nibble first and running on across
 *	row ends, which is ONNX's order
 * @XQ_PACKING_OFFSET8: s4 plus 8, so 0..15, two a byte, the even column in the high nibble; a row
 *	starts at a byte: [-3, 1, -7, 2] is 89, 26
 *
 * Bits that are left over are written as 0 and ignored when read.
 */
enum xq_packing {
	XQ_PACKING_ONNX_S4,
	XQ_PACKING_ONNX_U4,
	XQ_PACKING_ONNX_S2,
	XQ_PACKING_ONNX_U2,
	XQ_PACKING_CMSIS_S4,
	XQ_PACKING_OFFSET8,
};

/** xq_packing_type() - the elements' type, XQ_NONE for no packing */
enum xq_type xq_packing_type(enum xq_packing packing);

/** xq_packing_size() - bytes of a packed [rows][k] matrix */
int xq_packing_size(enum xq_packing packing, size_t rows, size_t k, size_t *bytes);

/**
 * xq_packing_encode() - pack
 * @src: [rows][k] unpacked elements
 * @dst: @size bytes, which xq_packing_size() tells
 * @bad: if not NULL, set to the index of the first value out of range (-ERANGE)
 */
int xq_packing_encode(enum xq_packing packing, const void *src, size_t rows, size_t k, void *dst,
		      size_t size, size_t *bad);

/** xq_packing_decode() - unpack */
int xq_packing_decode(enum xq_packing packing, const void *src, size_t size, size_t rows, size_t k,
		      void *dst);

/**
 * xq_packing_to_rows() - from a foreign order to the device's row order (xqaccel/pack.h)
 * @dst: rows of xq_row_size() bytes, @dst_stride bytes apart
 */
int xq_packing_to_rows(enum xq_packing packing, const void *src, size_t size, size_t rows, size_t k,
		       void *dst, size_t dst_stride);

/** xq_packing_from_rows() - the way back; unused bits of the rows are ignored */
int xq_packing_from_rows(enum xq_packing packing, const void *src, size_t src_stride, size_t rows,
			 size_t k, void *dst, size_t size);

/* ---- ggml's block formats -------------------------------------------------------------------- */

/**
 * enum xq_ggml - blocks of ggml (llama.cpp); d and m are fp16, little endian
 * @XQ_GGML_Q8_0: 32 elements in 34 bytes: d, then 32 int8 q; x = d q
 * @XQ_GGML_Q4_0: 32 in 18: d, then 16 bytes with element j in the low and j + 16 in the high
 *	nibble of byte j; x = d (q - 8)
 * @XQ_GGML_Q4_1: 32 in 20: d, m, then nibbles as in Q4_0; x = d q + m
 * @XQ_GGML_TQ2_0: 256 in 66: 64 bytes, then d. Byte 32 h + j (h is 0 or 1, j below 32) has the
 *	elements 128 h + 32 n + j in bits 2 n and 2 n + 1; x = d (q - 1)
 * @XQ_GGML_MXFP4: 32 in 17: an exponent byte e, then nibbles as in Q4_0, each a E2M1 number;
 *	x = 2^(e - 127) E2M1(q), NaN for e = 255 (OCP Microscaling 1.0)
 */
enum xq_ggml {
	XQ_GGML_Q8_0,
	XQ_GGML_Q4_0,
	XQ_GGML_Q4_1,
	XQ_GGML_TQ2_0,
	XQ_GGML_MXFP4,
};

/** xq_ggml_block_elements() - elements of a block, 0 for no format */
size_t xq_ggml_block_elements(enum xq_ggml format);

/** xq_ggml_block_bytes() - bytes of a block, 0 for no format */
size_t xq_ggml_block_bytes(enum xq_ggml format);

/** xq_ggml_size() - bytes of @n elements, which must be whole blocks (-EINVAL) */
int xq_ggml_size(enum xq_ggml format, size_t n, size_t *bytes);

/**
 * xq_ggml_encode() - floats to blocks, as ggml's reference quantizers do
 * @bad: if not NULL, set to the index of the first element that is not finite (-EDOM) or whose
 *	block needs a d or m that fp16 does not have (-ERANGE)
 *
 * Q8_0: d = max|x| / 127, q = round(x / d), halves away from zero. Q4_0: d = v / -8 for the v
 * of largest magnitude (the first of several), q = min(15, trunc(x / d + 8.5)). Q4_1: d =
 * (max - min) / 15, m = min, q = min(15, trunc((x - m) / d + 0.5)). TQ2_0: d = max|x|, q =
 * round(x / d) + 1. MXFP4: e = floor(log2(max|x|)) + 125 (0 to 254), q the nearest number, the
 * one of smaller magnitude if two are. The divisions are products with a float32 1 / d that is
 * made before d is rounded to fp16.
 */
int xq_ggml_encode(enum xq_ggml format, const float *x, size_t n, void *blocks, size_t size,
		   size_t *bad);

/** xq_ggml_decode() - blocks to floats. Results are not finite where the block's d or m isn't */
int xq_ggml_decode(enum xq_ggml format, const void *blocks, size_t size, float *x, size_t n);

/**
 * xq_ggml_split() - blocks to integer codes in natural order, for integer products
 * @codes: [@n], int8_t: q, q - 8, q, q - 1; for MXFP4 the index into xq_ggml_mxfp4_table(), so
 *	that these are elements of s8, s4, u4, t2 (a hostile block may hold 2) and c4
 * @scale: one per block: d; for MXFP4 2^(e - 128), because the table holds doubled numbers
 * @offset: one per block: m of Q4_1, else 0; may be NULL
 */
int xq_ggml_split(enum xq_ggml format, const void *blocks, size_t size, size_t n, int8_t *codes,
		  float *scale, float *offset);

/** xq_ggml_mxfp4_table() - the sixteen numbers of E2M1, doubled, as a codebook for c4 */
const int8_t *xq_ggml_mxfp4_table(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
