/* SPDX-License-Identifier: MIT */
/*
 * Binary and ternary quantization.
 *
 * Matrices are [rows][k] in C order, a row being an output channel (rows = 1: one scale for
 * the whole tensor). Codes are int8_t: -1 and +1 (b1), or -1, 0 and +1 (t2). Means are summed in
 * double, in index order, and rounded once to float. Errors, ownership and threads are as in
 * xqaccel/quantize.h.
 */
#ifndef XQACCEL_BINARY_H
#define XQACCEL_BINARY_H

#include <xqaccel/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** xq_binary_sign() - +1 for x >= 0 (also -0.0), else -1 (BinaryConnect, BNN) */
int xq_binary_sign(const float *x, size_t n, int8_t *q, struct xq_fault *fault);

/**
 * xq_binary_stochastic() - +1 with probability min(max((x + 1) / 2, 0), 1), else -1
 *
 * The hard sigmoid of BinaryConnect (Courbariaux et al. 2015); random numbers as in
 * xq_random24().
 */
int xq_binary_stochastic(const float *x, size_t n, uint64_t seed, int8_t *q, struct xq_fault *fault);

/**
 * xq_bwn_encode() - signs and a scale per row (BWN; Rastegari et al. 2016)
 * @alpha: mean of |x| over the row, the scale with the least squared error; one per row
 */
int xq_bwn_encode(const float *x, size_t rows, size_t k, int8_t *q, float *alpha,
		  struct xq_fault *fault);

/**
 * xq_twn_encode() - ternary with a scale per row (TWN; Li et al. 2016)
 * @scale: mean of |x| over the elements with |x| > Delta, 1 if there are none
 * @delta: NULL, or where each row's threshold goes
 *
 * Delta = 0.7 mean |x|. Where a few large weights make that worse, in squared error, than min-max
 * codes with the scale max |x|, Delta is theirs, max |x| / 2 (and the scale the mean, which is better still).
 */
int xq_twn_encode(const float *x, size_t rows, size_t k, int8_t *q, float *scale, float *delta,
		  struct xq_fault *fault);

/**
 * xq_ternary_best_encode() - the ternary code and scale with the least squared error
 *
 * With the m largest magnitudes kept, the best scale is their mean and the error falls by
 * (their sum)^2 / m; all m are tried. TWN's threshold approximates this.
 */
int xq_ternary_best_encode(const float *x, size_t rows, size_t k, int8_t *q, float *scale,
			   struct xq_fault *fault);

/** xq_scaled_decode() - x = scale[row] * q, for BWN and ternary codes */
int xq_scaled_decode(const int8_t *q, size_t rows, size_t k, const float *scale, float *x);

/** xq_scaled_storage() - @code_bits (1 or 2) for each element and one scale per row */
struct xq_storage xq_scaled_storage(size_t rows, size_t k, unsigned int code_bits,
				    unsigned int scale_bits);

/**
 * struct xq_xnor_window - where a convolution's kernel is put on its input
 * @channels, @height, @width: input [channels][height][width]
 * @kernel: height and width of the kernel
 * @stride: steps down and to the right, at least 1
 * @pads: zeros above, left, below and right
 */
struct xq_xnor_window {
	size_t channels, height, width;
	size_t kernel[2], stride[2], pads[4];
};

/** xq_xnor_output() - height and width of the output; -EINVAL if the kernel doesn't fit */
int xq_xnor_output(const struct xq_xnor_window *window, size_t out[2]);

/**
 * xq_xnor_activation_scales() - XNOR-Net's scale of each output position
 * @scales: [height][width] of the output
 *
 * A is the mean of |x| over the channels, K the mean of A over the kernel's window (zeros in
 * the padding). The convolution is then about (sign x * sign w) K alpha, with alpha from
 * xq_bwn_encode(). For a linear layer take a 1 x 1 window over one position, that is mean |x|.
 */
int xq_xnor_activation_scales(const float *x, const struct xq_xnor_window *window, float *scales,
			      struct xq_fault *fault);

/**
 * xq_xnor_dot() - dot product of two vectors of -1 and +1
 * @w, @x: bits, 32 a word, first element in the lowest bit, bit 1 is +1; bits past @n are
 *	ignored
 *
 * -n + 2 popcount(w xnor x).
 */
int64_t xq_xnor_dot(const uint32_t *w, const uint32_t *x, size_t n);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
