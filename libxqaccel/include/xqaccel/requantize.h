/* SPDX-License-Identifier: MIT */
/*
 * Requantization: from int32 accumulators to the integers of the next layer.
 *
 * The real value of an accumulator is acc * Sx * Sw and that of an output Sy * (y - Zy), so
 * y = Zy + acc * (Sx * Sw / Sy). Frameworks approximate the factor in different ways and round
 * at different places; who wants their numbers has to name whose. All that is given here is
 * exact: portable and vector code, and any number of threads, give the same bits.
 *
 * Pure functions on arrays, to be called from any thread. Return: 0 or a negative errno:
 * -EINVAL an argument makes no sense, -EDOM a scale that is not finite or has the wrong sign,
 * -ERANGE a shift out of range, -EOVERFLOW a size that does not fit size_t, -ENOMEM.
 */
#ifndef XQACCEL_REQUANTIZE_H
#define XQACCEL_REQUANTIZE_H

#include <xqaccel/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * enum xq_requant_profile - whose arithmetic; M, N, A, m are the parameters of a channel
 * @XQ_REQUANT_ONNX: y = round_half_even((double)acc * m) + Z with a float32 m (ONNX
 *	QLinearMatMul and QLinearConv; the zero point comes after rounding)
 * @XQ_REQUANT_TFLITE: double rounding, as gemmlowp, TFLite's and CMSIS-NN's default builds do:
 *	p = saturate32((acc * 2^max(N, 0) * M + 2^30) >> 31), which is the saturating rounding
 *	doubling high product, then p / 2^max(-N, 0) to nearest, halves away from zero, then + Z
 * @XQ_REQUANT_TFLITE_SINGLE: y = saturate32((acc * M + 2^(30 - N)) >> (31 - N)) + Z
 *	(TFLITE_SINGLE_ROUNDING, CMSIS_NN_USE_SINGLE_ROUNDING)
 * @XQ_REQUANT_FLOOR_SHIFT: y = ((acc * M + A) >> N) + Z in 64 bits, rounded down (DORY,
 *	gemmlowp's legacy pipeline with A = offset * M + 2^(N - 1)). Here N >= 0 is to the right
 *
 * ">>" rounds down. Intermediates of the fixed-point forms are exact; the sum with A wraps in
 * 64 bits. Z is added exactly, then the result is clamped.
 */
enum xq_requant_profile {
	XQ_REQUANT_ONNX,
	XQ_REQUANT_TFLITE,
	XQ_REQUANT_TFLITE_SINGLE,
	XQ_REQUANT_FLOOR_SHIFT,
};

/**
 * struct xq_requant - how to requantize
 * @profile: whose arithmetic
 * @type: of the output: s8 u8 s4 u4 s2 u2 t2 s16 u16, one element in one or two bytes
 * @params: elements of each of the four arrays: 1, or one for each channel
 * @scale: m, for ONNX
 * @multiplier: M, for the others
 * @shift: N: -31 to 30, above 0 to the left, for the TFLite profiles; 0 to 63, to the right,
 *	for floor shift
 * @add: A, for floor shift; NULL means zeros
 * @zero_point: Z, any value; it need not be one of the type
 * @clamp: whether @act_min and @act_max count
 * @act_min, @act_max: bounds of the output besides the type's own (a fused activation). They
 *	must leave at least one value
 * @threads: most threads to use, 0 for one per processor. Small outputs are done by the caller
 *	alone in any case
 */
struct xq_requant {
	enum xq_requant_profile profile;
	enum xq_type type;
	size_t params;
	const float *scale;
	const int32_t *multiplier;
	const int32_t *shift;
	const int64_t *add;
	int32_t zero_point;
	bool clamp;
	int32_t act_min, act_max;
	unsigned int threads;
};

/**
 * struct xq_channels - a C-order tensor seen as [outer][channels][inner]
 *
 * A channel-last tensor has inner = 1; NCHW has outer = N and inner = H * W.
 */
struct xq_channels {
	size_t outer, channels, inner;
};

/**
 * xq_requantize() - accumulators of a tensor to its output
 * @acc: accumulators
 * @shape: shape of @acc and @out
 * @bias: added to the accumulators, wrapping in 32 bits; one per channel, NULL for none
 * @rq: how
 * @out: int8_t, uint8_t, int16_t or uint16_t as rq->type says. It may not overlap @acc
 */
int xq_requantize(const int32_t *acc, const struct xq_channels *shape, const int32_t *bias,
		  const struct xq_requant *rq, void *out);

/** xq_requant_check() - whether xq_requantize() would accept this for so many channels */
int xq_requant_check(const struct xq_requant *rq, size_t channels);

/**
 * xq_bias_add() - acc += bias, wrapping in 32 bits
 * @bias: one per channel; NULL changes nothing
 */
int xq_bias_add(int32_t *acc, const struct xq_channels *shape, const int32_t *bias);

/**
 * xq_bias_fold() - put the input's zero point into the bias
 * @type: of the weights, at most 8 bits
 * @w: [n][k] unpacked weights
 * @x_zp: zero point of the input
 * @w_zp: zero points of the weights, one per output channel; NULL for zeros
 * @bias: [n], or NULL for zeros
 * @folded: [n], may be @bias
 *
 * q_bias = q_b - Zx * sum over k of (q_w - Zw), modulo 2^32: the sum of products of x (as
 * stored) and w - Zw, plus this, is what the sum of (x - Zx)(w - Zw) plus the bias would be.
 * It does not serve convolutions that pad.
 */
int xq_bias_fold(enum xq_type type, const void *w, size_t n, size_t k, int32_t x_zp,
		 const int32_t *w_zp, const int32_t *bias, int32_t *folded);

/**
 * xq_scale_product() - ONNX's factors m = float32(float32(Sx * Sw) / Sy)
 * @w_scale: @n scales
 * @m: @n results
 *
 * Sy must be positive and Sx not negative. Scales of weights may be zero (a channel of zeros) and
 * negative (ggml's Q4_0 blocks). -EDOM also if one is not finite or a factor overflows.
 */
int xq_scale_product(float x_scale, const float *w_scale, size_t n, float y_scale, float *m);

/**
 * xq_quantize_multiplier() - a real factor as M * 2^(N - 31) with M in [2^30, 2^31)
 *
 * TFLite's QuantizeMultiplier: M = round_half_away(mantissa * 2^31). A factor below 2^-32 or so
 * (N < -31) gives M = N = 0; one too large (N > 30) the largest, 2^31 - 1 and 30.
 */
int xq_quantize_multiplier(double real, int32_t *multiplier, int32_t *shift);

/**
 * xq_multiplier_product() - TFLite's multipliers of double(Sx) * double(Sw) / double(Sy)
 * @multiplier, @shift: @n results each. Conditions on scales as of xq_scale_product().
 */
int xq_multiplier_product(float x_scale, const float *w_scale, size_t n, float y_scale,
			  int32_t *multiplier, int32_t *shift);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
