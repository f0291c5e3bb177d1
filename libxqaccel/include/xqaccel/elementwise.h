/* SPDX-License-Identifier: MIT */
/*
 * Sums and products of two quantized tensors. Their scales differ, so both are requantized; whose
 * arithmetic does it has to be named, as with struct xq_requant.
 */
#ifndef XQACCEL_ELEMENTWISE_H
#define XQACCEL_ELEMENTWISE_H

#include <xqaccel/matmul.h>
#include <xqaccel/requantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Dimensions that a tensor may have. */
#define XQ_ELEMENTWISE_DIMS	16

/**
 * struct xq_shape - dimensions of a C-order tensor
 */
struct xq_shape {
	unsigned int dims;
	size_t dim[XQ_ELEMENTWISE_DIMS];
};

/**
 * struct xq_factor - a fixed-point factor
 * @multiplier: @shift: M and N, see enum xq_requant_profile
 * @add: A, for floor shift
 */
struct xq_factor {
	int32_t multiplier, shift;
	int64_t add;
};

/**
 * struct xq_input - one of two tensors
 * @type: s8 or u8
 * @shape: the shapes of both are broadcast as numpy does: aligned at the last dimension, and
 *	of each pair of sizes that differ one is 1, or missing
 * @data: elements
 * @zero_point: at most 32000, either way
 * @scale: ONNX
 * @factor: of a sum by the other profiles
 */
struct xq_input {
	enum xq_type type;
	struct xq_shape shape;
	const void *data;
	int32_t zero_point;
	float scale;
	struct xq_factor factor;
};

/**
 * struct xq_elementwise_args - a sum or product; zero what is not needed
 * @profile: whose arithmetic
 * @a: @b: the tensors
 * @y_type: s8 or u8
 * @y: the result, of the broadcast shape; may not overlap the inputs
 * @y_zp: its zero point; at most 32000, either way, for ONNX
 * @y_scale: ONNX
 * @y_factor: the other profiles; not of a sum by floor shift
 * @left_shift: of a sum by the TFLite profiles; (255 + |zero point|) * 2^left_shift must be below
 *	2^31
 * @clamp: whether @act_min and @act_max count
 * @act_min: @act_max: bounds of Y besides the type's own; they must leave a value
 */
struct xq_elementwise_args {
	enum xq_requant_profile profile;
	struct xq_input a, b;
	enum xq_type y_type;
	void *y;
	int32_t y_zp;
	float y_scale;
	struct xq_factor y_factor;
	unsigned int left_shift;
	bool clamp;
	int32_t act_min, act_max;
};

/** xq_broadcast() - the shape of a result: 0, or -EINVAL if the shapes do not fit */
int xq_broadcast(const struct xq_shape *a, const struct xq_shape *b, struct xq_shape *y);

/**
 * xq_add() - the sum
 *
 * With v = a - Za, w = b - Zb:
 *
 * - TFLite profiles: v * 2^left_shift and w * 2^left_shift, each by its factor as the profile does,
 *   the sum of both modulo 2^32, by y_factor, plus Zy.
 * - floor shift: floor((v M + A) / 2^N) and the same of w, each saturated to the output's type,
 *   and so is their sum.
 * - ONNX (com.microsoft QLinearAdd): (Sa v + Sb w) / Sy, each step rounded to float32; to nearest,
 *   halves to even, plus Zy.
 *
 * Then the result is clamped. Return: 0, -EINVAL types, shapes, bounds, zero points or shifts that
 * make no sense, -EDOM a scale that is not finite or not positive, -EOVERFLOW, -ENOMEM. Computed on
 * the workspace's device if that has the operation, else on the CPU, with the same bits.
 */
int xq_add(struct xq_workspace *workspace, const struct xq_elementwise_args *args);

/**
 * xq_mul() - the product
 *
 * v * w by y_factor as the profile does, plus Zy; for ONNX (com.microsoft QLinearMul)
 * float32(v * w) * m to nearest, halves to even, plus Zy, with m as of xq_scale_product().
 * Otherwise as xq_add().
 */
int xq_mul(struct xq_workspace *workspace, const struct xq_elementwise_args *args);

/**
 * xq_add_factors() - TFLite's left shift and factors of a sum from scales
 *
 * The shift is 20; with S the larger scale of both inputs the factors are Sa / 2S, Sb / 2S and
 * 2S / (2^20 Sy) by xq_quantize_multiplier(). Return: 0 or -EDOM.
 */
int xq_add_factors(float a_scale, float b_scale, float y_scale, struct xq_elementwise_args *args);

/**
 * xq_mul_factors() - TFLite's factor of a product: that of float32(float32(Sa Sb) / Sy)
 *
 * Return: 0 or -EDOM.
 */
int xq_mul_factors(float a_scale, float b_scale, float y_scale, struct xq_elementwise_args *args);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
