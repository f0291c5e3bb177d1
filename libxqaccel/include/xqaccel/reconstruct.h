/* SPDX-License-Identifier: MIT */
/*
 * Rounding that looks at a layer's inputs: AdaRound and coordinate descent.
 *
 * A linear layer y = W x, W [rows][k], is to give nearly the same outputs with quantized
 * weights V. Over the calibration inputs the squared error of row w is (w - v)^T G (w - v) with
 * the Gram matrix G = sum of x x^T, so that inputs enter through G alone and may come in any
 * number of batches. A convolution is such a layer on its im2col columns. For inputs that
 * were centred, G is their covariance and the mean goes into the bias.
 *
 * Deterministic; rows are independent. Errors, ownership and threads are as in
 * xqaccel/quantize.h; a Gram matrix must be symmetric and positive semidefinite, which is not
 * checked.
 */
#ifndef XQACCEL_RECONSTRUCT_H
#define XQACCEL_RECONSTRUCT_H

#include <xqaccel/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * xq_gram_add() - accumulate a batch of inputs
 * @gram: [k][k], zeros before the first batch
 * @x: [n][k]
 */
int xq_gram_add(double *gram, const float *x, size_t n, size_t k, struct xq_fault *fault);

/** xq_gram_loss() - (w - v)^T G (w - v), summed over the rows */
int xq_gram_loss(const float *w, const float *v, size_t rows, size_t k, const double *gram,
		 double *loss);

/**
 * struct xq_adaround_options - zero means the default
 * @iterations: steps of Adam, default 1000
 * @rate: learning rate, default 0.02
 * @weight: lambda of the regularizer, default 0.5 (the loss is divided by the mean of G's
 *	diagonal and counted in squared steps)
 * @warmup: share of the iterations without regularizer, default 0.2
 * @beta_start, @beta_end: its exponent, lowered linearly after the warm-up, default 20 and 2
 */
struct xq_adaround_options {
	unsigned int iterations;
	double rate, weight, warmup, beta_start, beta_end;
};

/**
 * xq_adaround() - choose between rounding down and up (Nagel et al. 2020)
 * @w: weights
 * @gram: [k][k]
 * @type: target, at most 8 bits; zero point 0
 * @scale: one per row, as found by any method
 * @options: NULL means the defaults
 * @q: codes, rows * k, int8_t or uint8_t
 *
 * Minimizes the loss plus lambda sum (1 - |2 h - 1|^beta) over V with codes
 * clamp(floor(w / S) + h(V)), h(V) = clamp(1.2 sigmoid(V) - 0.1, 0, 1), begun at
 * h = w / S - floor(w / S). At the end h is rounded. A row for which rounding each weight to nearest
 * loses less keeps that.
 */
int xq_adaround(const float *w, size_t rows, size_t k, const double *gram, const struct xq_qtype *type,
		const float *scale, const struct xq_adaround_options *options, void *q,
		struct xq_fault *fault);

/**
 * xq_refine_codes() - coordinate descent over a table's entries
 * @table: rows tables of @entries values each
 * @entries: 2 to 256
 * @sweeps: most passes over a row, 0 means 50
 * @codes: rows * k indices into the row's table; where to begin, and the result
 *
 * Each weight in turn takes the entry nearest to what would be best with all others as they
 * are: v_j + r_j / G_jj with r = G (w - v). The loss never rises; it ends when no code changes.
 * Any scheme fits: linear codes (the table is S (q - Z)), ternary, binary, codebooks.
 */
int xq_refine_codes(const float *w, size_t rows, size_t k, const double *gram, const float *table,
		    size_t entries, unsigned int sweeps, uint8_t *codes, struct xq_fault *fault);

/**
 * xq_refit_scale() - the best scales for given codes: (q^T G w) / (q^T G q) for each row
 * @scale: kept as it is where the quotient is not positive
 */
int xq_refit_scale(const float *w, const int8_t *q, size_t rows, size_t k, const double *gram,
		   float *scale);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
