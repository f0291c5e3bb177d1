/* SPDX-License-Identifier: MIT */
/*
 * Linear quantization: r = S (q - Z).
 *
 * Pure functions on arrays. They print nothing, hold no state and may be called from any
 * number of threads at once; the caller owns every array. Results are 0 or a negative errno:
 *
 *   -EINVAL	an argument makes no sense (a NULL array, a type that is not linear, an axis out of range)
 *   -EDOM	an element or a scale is not finite, or a scale to quantize by is not positive; the fault
 *		names it
 *   -ERANGE	a zero point does not fit the type; the fault names it
 *   -EOVERFLOW	a size does not fit size_t
 *   -ENOMEM	no memory
 *
 * What an output array holds after an error is not defined.
 *
 * Arithmetic. float32 throughout, in the default rounding mode of IEEE 754 and without
 * contraction to fused operations; scalar and vector code give identical bits. Integer
 * elements narrower than a byte are held one a byte ("unpacked", see xqaccel/types.h).
 */
#ifndef XQACCEL_QUANTIZE_H
#define XQACCEL_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

#include <xqaccel/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * enum xq_fault_kind - which array a struct xq_fault speaks of
 * @XQ_FAULT_NONE: nothing to report
 * @XQ_FAULT_INPUT: an element of the input is not finite
 * @XQ_FAULT_SCALE: a scale is not finite, or one to quantize by is not positive
 * @XQ_FAULT_ZERO_POINT: a zero point is outside the type
 * @XQ_FAULT_CODE: a code is outside its range (an index past the end of a codebook)
 */
enum xq_fault_kind {
	XQ_FAULT_NONE,
	XQ_FAULT_INPUT,
	XQ_FAULT_SCALE,
	XQ_FAULT_ZERO_POINT,
	XQ_FAULT_CODE,
};

/**
 * struct xq_fault - the first offending element; written only when a function fails for it
 * @kind: in which array
 * @index: its index in that array
 * @value: what stands there
 *
 * Every function that takes one accepts NULL.
 */
struct xq_fault {
	enum xq_fault_kind kind;
	size_t index;
	double value;
};

/* ---- integer types of any width --------------------------------------------------------------- */

/**
 * struct xq_qtype - an integer target of linear quantization
 * @min: smallest code that may be produced
 * @max: largest code
 * @bits: bits of one packed code; 2 to 8 are held in one byte, 16 in two
 * @is_signed: codes are int8_t / int16_t, else uint8_t / uint16_t
 */
struct xq_qtype {
	int32_t min, max;
	unsigned int bits;
	bool is_signed;
};

/** xq_qtype_of() - the target of an element type: s8 u8 s4 u4 s2 u2 t2 s16 u16, else -EINVAL */
int xq_qtype_of(enum xq_type type, struct xq_qtype *out);

/** xq_qtype_bits() - two's complement or unsigned of 2..8 or 16 bits, else -EINVAL */
int xq_qtype_bits(unsigned int bits, bool is_signed, struct xq_qtype *out);

/**
 * xq_qtype_symmetric() - the same target without codes below -max
 *
 * Symmetric quantization uses [-qmax, qmax], so that the negative of every code is a code.
 */
struct xq_qtype xq_qtype_symmetric(const struct xq_qtype *type);

/* ---- granularity ------------------------------------------------------------------------------ */

/**
 * enum xq_per - how many elements share one scale and zero point
 * @XQ_PER_TENSOR: all; one parameter
 * @XQ_PER_CHANNEL: those with the same index along an axis; one parameter per index
 * @XQ_PER_BLOCK: runs of @block elements along an axis (the last may be shorter); the parameters
 *	have the shape of the tensor with that axis divided by @block, rounded up
 */
enum xq_per {
	XQ_PER_TENSOR,
	XQ_PER_CHANNEL,
	XQ_PER_BLOCK,
};

/**
 * struct xq_layout - a C-order tensor seen as [outer][axis][inner], and its granularity
 *
 * Element (o, a, i) is at (o * axis + a) * inner + i. Its parameter is number 0, a, or
 * (o * ceil(axis / block) + a / block) * inner + i for the three granularities.
 */
struct xq_layout {
	enum xq_per per;
	size_t outer, axis, inner;
	size_t block;
};

/** xq_layout_tensor() - one parameter for a tensor of these dimensions (ndim 0: one element) */
int xq_layout_tensor(const size_t *dims, unsigned int ndim, struct xq_layout *out);

/** xq_layout_channel() - one parameter per index of @axis; negative axes count from the end */
int xq_layout_channel(const size_t *dims, unsigned int ndim, int axis, struct xq_layout *out);

/** xq_layout_block() - one parameter per @block elements along @axis; block 0 is -EINVAL */
int xq_layout_block(const size_t *dims, unsigned int ndim, int axis, size_t block,
		    struct xq_layout *out);

/** xq_layout_elements() - number of elements */
size_t xq_layout_elements(const struct xq_layout *layout);

/** xq_layout_params() - number of scales */
size_t xq_layout_params(const struct xq_layout *layout);

/* ---- rounding --------------------------------------------------------------------------------- */

/**
 * enum xq_round - how x / S becomes an integer
 * @XQ_ROUND_NEAREST: to nearest, halves away from zero (roundf)
 * @XQ_ROUND_EVEN: to nearest, halves to even (rintf; ONNX)
 * @XQ_ROUND_STOCHASTIC: down or up, up with the probability of the fraction. The random number of
 *	an element depends on the seed and the element's index alone, so neither threads nor
 *	block sizes change the result; its resolution is 2^-24
 */
enum xq_round {
	XQ_ROUND_NEAREST,
	XQ_ROUND_EVEN,
	XQ_ROUND_STOCHASTIC,
};

/**
 * struct xq_rounding - how to round
 * @mode: how
 * @seed: of stochastic rounding
 * @first: index of the first element, for a tensor that comes in pieces: they round as it would whole
 */
struct xq_rounding {
	enum xq_round mode;
	uint64_t seed;
	uint64_t first;
};

/**
 * xq_random24() - the random number of stochastic rounding
 * @seed: any value
 * @index: element's index
 *
 * A counter-based generator: the finalizer of SplitMix64 (Steele, Lea, Flood 2014) applied to
 * seed and counter. Return: 0 to 2^24 - 1.
 */
uint32_t xq_random24(uint64_t seed, uint64_t index);

/* ---- quantize and dequantize ------------------------------------------------------------------ */

/**
 * xq_quantize() - codes of a tensor for given parameters
 * @x: the elements
 * @layout: shape and granularity
 * @type: target
 * @scale: one positive finite float per parameter
 * @zero_point: one per parameter, within the type; NULL means zeros
 * @rounding: NULL means to nearest, halves away from zero
 * @q: codes, int8_t, uint8_t, int16_t or uint16_t as the type says
 * @fault: NULL, or the element that made the call fail
 *
 * q = saturate(round(x / S) + Z), the division in float32. With XQ_ROUND_EVEN this is ONNX
 * QuantizeLinear (opset 25), where the zero point is added after rounding.
 */
int xq_quantize(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
		const float *scale, const int32_t *zero_point, const struct xq_rounding *rounding,
		void *q, struct xq_fault *fault);

/**
 * xq_dequantize() - x = (q - Z) * S in float32
 *
 * Arguments as of xq_quantize(), but scales may be zero and negative, as those of ggml's Q4_0
 * blocks are. Codes are taken as they are, also outside [min, max]; the difference is exact, the
 * product is rounded once (ONNX DequantizeLinear).
 */
int xq_dequantize(const void *q, const struct xq_layout *layout, const struct xq_qtype *type,
		  const float *scale, const int32_t *zero_point, float *x, struct xq_fault *fault);

/** enum xq_scheme - where the range of codes lies */
enum xq_scheme {
	XQ_SYMMETRIC,	/* Z = 0 and codes in [-qmax, qmax] */
	XQ_AFFINE,	/* the whole type; Z is where 0.0 falls, so that zero is exact */
};

/**
 * xq_range_params() - scale and zero point of one range
 * @low, @high: smallest and largest value to be represented, finite, low <= high
 * @type: target
 * @scheme: symmetric or affine
 * @scale, @zero_point: results
 *
 * symmetric: S = max(|low|, |high|) / qmax, Z = 0.
 * affine: the range is first extended to contain 0; S = (high - low) / (qmax - qmin) and
 * Z = saturate(round_half_even(qmin - low / S)) (Jacob et al. 2018; ONNX DynamicQuantizeLinear).
 * All in float32. A range of zero gives S = 1. A subnormal S is rounded up, so that it holds the
 * range; if high - low overflows the division is done in double. Return: 0 or -EDOM.
 */
int xq_range_params(float low, float high, const struct xq_qtype *type, enum xq_scheme scheme,
		    float *scale, int32_t *zero_point);

struct xq_calibration;

/**
 * xq_find_params() - scales and zero points of a tensor from its own values
 * @how: calibration method (xqaccel/calibrate.h), NULL means min-max
 * @scale, @zero_point: xq_layout_params() results each; zero_point may be NULL if symmetric
 *
 * Every parameter is found from the elements that share it. Not for tensors that come in
 * batches: see struct xq_observer.
 */
int xq_find_params(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
		   enum xq_scheme scheme, const struct xq_calibration *how, float *scale,
		   int32_t *zero_point, struct xq_fault *fault);

/**
 * xq_quantize_found() - xq_find_params(), then xq_quantize() with what it found
 *
 * The symmetric scheme saturates to [-qmax, qmax]. u8, affine, per tensor, min-max and half to
 * even is ONNX DynamicQuantizeLinear.
 */
int xq_quantize_found(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
		      enum xq_scheme scheme, const struct xq_calibration *how,
		      const struct xq_rounding *rounding, void *q, float *scale,
		      int32_t *zero_point, struct xq_fault *fault);

/* ---- what it costs and what is lost ----------------------------------------------------------- */

/**
 * struct xq_error - how far a reconstruction is from the original
 * @elements: how many were compared
 * @mean_abs: mean of |x - y|
 * @max_abs: largest |x - y|
 * @mean_squared: mean of (x - y)^2
 * @mean_relative: mean of |x - y| / |x| over the elements with x != 0
 * @norm_relative: ||x - y|| / ||x||, 0 if both are 0
 * @frobenius: ||x - y||, the square root of the sum of squares
 * @snr_db: 10 log10(sum x^2 / sum (x - y)^2); infinity if nothing was lost
 */
struct xq_error {
	size_t elements;
	double mean_abs, max_abs, mean_squared, mean_relative, norm_relative, frobenius, snr_db;
};

/** xq_error_measure() - compare @n elements; sums are kept in double, in index order */
int xq_error_measure(const float *x, const float *y, size_t n, struct xq_error *out);

/**
 * struct xq_storage - what a quantized tensor occupies
 * @bits: codes and parameters, exactly
 * @bytes: the same in whole bytes: packed codes rounded up, then the parameters
 * @bits_per_element: bits / elements (0 for an empty tensor)
 * @ratio: bytes of the tensor as float32 / bytes
 */
struct xq_storage {
	uint64_t bits, bytes;
	double bits_per_element, ratio;
};

/**
 * xq_storage_of() - any scheme: @code_bits bits of codes and @param_bits bits of scales,
 * zero points, tables and exponents for @n elements
 */
struct xq_storage xq_storage_of(size_t n, uint64_t code_bits, uint64_t param_bits);

/**
 * xq_linear_storage() - a linearly quantized tensor
 * @param_bits: bits of one scale and of one zero point (16 or 32 as a rule)
 *
 * N elements of k bits take N k / 8 bytes, plus one number per parameter if symmetric and two
 * if affine.
 */
struct xq_storage xq_linear_storage(const struct xq_layout *layout, const struct xq_qtype *type,
				    enum xq_scheme scheme, unsigned int param_bits);

/**
 * xq_training_bytes() - optimizer state with 8-bit moments, in bytes
 * @n: parameters
 * @weight_bits, @gradient_bits: 16 each for bf16
 * @first_moment_bits, @second_moment_bits: 8 each for int8 and uint8
 */
uint64_t xq_training_bytes(size_t n, unsigned int weight_bits, unsigned int gradient_bits,
			   unsigned int first_moment_bits, unsigned int second_moment_bits);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
