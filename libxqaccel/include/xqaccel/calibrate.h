/* SPDX-License-Identifier: MIT */
/*
 * Calibration: from values seen to the range that is worth representing.
 *
 * An observer accumulates batches in bounded memory and answers at any time. What it keeps
 * doesn't depend on how the data was cut into batches (except for the two methods that are
 * about batches), because histogram bins have widths that are powers of two and merge in pairs
 * when the range grows.
 *
 * One observer belongs to one thread at a time. Errors are those of xqaccel/quantize.h.
 */
#ifndef XQACCEL_CALIBRATE_H
#define XQACCEL_CALIBRATE_H

#include <xqaccel/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * enum xq_calibrate - how a range is chosen
 * @XQ_CAL_MINMAX: smallest and largest value
 * @XQ_CAL_MEAN_MINMAX: mean over batches of each batch's smallest and largest value
 * @XQ_CAL_EMA: r = alpha * r_batch + (1 - alpha) * r, begun with the first batch (Jacob et al. 2018)
 * @XQ_CAL_PERCENTILE: P-th percentile of |x| if symmetric, else the (100 - P)-th and P-th of x,
 *	as numpy.percentile defines it; an observer spreads the values of a bin evenly
 * @XQ_CAL_MSE: the least squared error, by search (the aim of OCTAV, Sakr et al. 2022). The range
 *	may end beyond the largest value, if that puts codes nearer to the values
 * @XQ_CAL_LAPLACE: the best clip of a Laplace distribution with the data's mean absolute
 *	deviation (ACIQ, Banner et al. 2019)
 * @XQ_CAL_GAUSS: the best clip of a normal distribution with the data's variance (ACIQ)
 * @XQ_CAL_KL: the clip with the least Kullback-Leibler divergence between the histogram of |x| and
 *	its quantized form (Migacz 2017), of equal ones the largest. With fewer than 16 values for
 *	each level it is min-max
 *
 * MSE, LAPLACE and GAUSS never have a larger squared error than min-max to nearest,
 * and KL never a larger divergence: what is not better is not taken. An observer, which has only bins, takes
 * what is certainly better.
 */
enum xq_calibrate {
	XQ_CAL_MINMAX,
	XQ_CAL_MEAN_MINMAX,
	XQ_CAL_EMA,
	XQ_CAL_PERCENTILE,
	XQ_CAL_MSE,
	XQ_CAL_LAPLACE,
	XQ_CAL_GAUSS,
	XQ_CAL_KL,
};

/**
 * struct xq_calibration - a method and its parameters; zero means the default
 * @method: how
 * @percentile: P in (50, 100], default 99.9
 * @alpha: weight of the newest batch in (0, 1], default 0.01
 * @bins: histogram bins on each side of zero, a power of two from 64 to 65536, default 4096;
 *	a channel takes 48 bytes for each (none for the first three methods)
 */
struct xq_calibration {
	enum xq_calibrate method;
	double percentile, alpha;
	unsigned int bins;
};

/** struct xq_observer - opaque; made by xq_observer_create() */
struct xq_observer;

/**
 * xq_observer_create() - an observer that has seen nothing
 * @how: method
 * @channels: 1, or how many channels are calibrated each for itself
 * @out: the observer, to be given to xq_observer_free()
 *
 * Return: 0, -EINVAL (a parameter out of its range) or -ENOMEM.
 */
int xq_observer_create(const struct xq_calibration *how, size_t channels, struct xq_observer **out);

/** xq_observer_free() - NULL is allowed */
void xq_observer_free(struct xq_observer *observer);

/**
 * xq_observer_feed() - one batch
 * @x: the batch
 * @layout: its shape; per tensor for one channel, per channel with the observer's number of them
 * @fault: NULL, or the element that is not finite
 *
 * A batch with an element that is not finite is refused whole: the observer is as before.
 * An empty batch changes nothing.
 */
int xq_observer_feed(struct xq_observer *observer, const float *x, const struct xq_layout *layout,
		     struct xq_fault *fault);

/**
 * xq_observer_range() - the range of one channel for a target
 * @type, @scheme: what the range will be used for; the methods that weigh clipping against
 *	rounding need to know
 * @low, @high: symmetric: -T and T; affine: low <= 0 <= high
 *
 * Return: 0, -ENODATA if nothing was fed, -EINVAL.
 */
int xq_observer_range(const struct xq_observer *observer, size_t channel,
		      const struct xq_qtype *type, enum xq_scheme scheme, float *low, float *high);

/**
 * xq_observer_params() - scale and zero point of every channel, by xq_range_params()
 * @scale, @zero_point: one per channel; zero_point may be NULL if symmetric
 */
int xq_observer_params(const struct xq_observer *observer, const struct xq_qtype *type,
		       enum xq_scheme scheme, float *scale, int32_t *zero_point);

/**
 * xq_laplace_clip() - best clip of Laplace(0, 1) at @bits bits
 *
 * The mean squared error of clipping at a with 2^M levels on [-a, a] is
 * 2 exp(-a) + a^2 / (3 * 4^M); its minimum solves a exp(a) = 3 * 4^M. 2.83, 3.89 and 5.03 at
 * 2, 3 and 4 bits. For a one-sided distribution take one bit more. Return: a, or 0 for bits
 * outside 1 to 24.
 */
double xq_laplace_clip(unsigned int bits);

/**
 * xq_gauss_clip() - best clip of a standard normal distribution at @bits bits
 *
 * Solves 2 (phi(a) - a Q(a)) = a / (3 * 4^M), with the density phi and the upper tail Q.
 * 1.71, 2.15 and 2.55 at 2, 3 and 4 bits.
 */
double xq_gauss_clip(unsigned int bits);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
