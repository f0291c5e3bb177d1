// SPDX-License-Identifier: MIT
/* Calibration: each method against its definition computed from all the data at once. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/calibrate.h>

#include "ktap.h"

enum { MANY = 30000 };

static float data[MANY];

static double laplace(void)
{
	double u = ktap_unit() - 0.5;

	return (u < 0 ? 1 : -1) * log(1 - 2 * fabs(u) + 1e-300);
}

static struct xq_layout vector_of(size_t n)
{
	struct xq_layout layout;

	EXPECT(!xq_layout_tensor(&n, 1, &layout), "layout");
	return layout;
}

/* Feeds n values in batches of random size. */
static struct xq_observer *observe(const struct xq_calibration *how, const float *x, size_t n, size_t largest)
{
	struct xq_observer *o = NULL;

	EXPECT(!xq_observer_create(how, 1, &o), "create");
	for (size_t at = 0; at < n;) {
		size_t count = (size_t)ktap_range(0, (int64_t)largest);
		struct xq_layout layout;

		count = count < n - at ? count : n - at;
		layout = vector_of(count);
		EXPECT(!xq_observer_feed(o, x + at, &layout, NULL), "feed");
		at += count;
	}
	return o;
}

static void ask(struct xq_observer *o, enum xq_type name, enum xq_scheme scheme, float *low, float *high)
{
	struct xq_qtype type;

	xq_qtype_of(name, &type);
	EXPECT(!xq_observer_range(o, 0, &type, scheme, low, high), "range");
}

static int rising(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void minmax(void)
{
	struct xq_calibration how = { .method = XQ_CAL_MINMAX };

	for (int round = 0; round < 300; round++) {
		size_t n = (size_t)ktap_range(1, 500);
		float low = INFINITY, high = -INFINITY, got[2];
		double shift = ktap_normal() * 3;
		struct xq_observer *o;

		for (size_t i = 0; i < n; i++) {
			data[i] = (float)(ktap_normal() + shift);
			low = fminf(low, data[i]);
			high = fmaxf(high, data[i]);
		}
		o = observe(&how, data, n, 60);
		ask(o, XQ_U8, XQ_AFFINE, &got[0], &got[1]);
		EXPECT(got[0] == fminf(low, 0) && got[1] == fmaxf(high, 0), "[%g, %g]", got[0], got[1]);
		ask(o, XQ_S8, XQ_SYMMETRIC, &got[0], &got[1]);
		EXPECT(got[1] == fmaxf(-low, high) && got[0] == -got[1], "[%g, %g]", got[0], got[1]);
		xq_observer_free(o);
	}
}

static void batch_averages(void)
{
	for (int round = 0; round < 200; round++) {
		struct xq_calibration how = { .method = round & 1 ? XQ_CAL_EMA : XQ_CAL_MEAN_MINMAX,
					      .alpha = round & 1 ? 0.1 + 0.8 * ktap_unit() : 0 };
		int batches = (int)ktap_range(1, 12);
		double low = 0, high = 0;
		struct xq_observer *o;
		float got[2];

		EXPECT(!xq_observer_create(&how, 1, &o), "create");
		for (int b = 0; b < batches; b++) {
			struct xq_layout layout = vector_of(20);
			double least = INFINITY, most = -INFINITY, weight = how.alpha;

			for (int i = 0; i < 20; i++) {
				data[i] = (float)(ktap_normal() * (b + 1));
				least = fmin(least, data[i]);
				most = fmax(most, data[i]);
			}
			EXPECT(!xq_observer_feed(o, data, &layout, NULL), "feed");
			if (how.method == XQ_CAL_MEAN_MINMAX) {
				low += least / batches;
				high += most / batches;
			} else {
				low = b ? weight * least + (1 - weight) * low : least;
				high = b ? weight * most + (1 - weight) * high : most;
			}
		}
		ask(o, XQ_S8, XQ_AFFINE, &got[0], &got[1]);
		EXPECT(fabs(got[0] - low) < 1e-5 && fabs(got[1] - high) < 1e-5, "[%g, %g], not [%g, %g]",
		       got[0], got[1], low, high);
		xq_observer_free(o);
	}
}

/* numpy.percentile's definition, of sorted values. */
static double percentile_of(const float *sorted, size_t n, double percentile)
{
	double at = percentile / 100 * (double)(n - 1), low = floor(at);
	size_t i = (size_t)low < n - 1 ? (size_t)low : n - 1;

	return i + 1 < n ? sorted[i] + ((double)sorted[i + 1] - sorted[i]) * (at - low) : sorted[i];
}

/* Of few values and of many, alone and in a histogram's bins. */
static void percentile(void)
{
	for (int round = 0; round < 120; round++) {
		struct xq_calibration how = { .method = XQ_CAL_PERCENTILE, .percentile = 90 + 10 * ktap_unit() };
		size_t n = (size_t)(round & 1 ? ktap_range(1, 40) : ktap_range(2000, MANY));
		double low, high, clip, bin, magnitude = ldexp(1, (int)ktap_range(-20, 20));
		struct xq_layout layout = vector_of(n);
		float got[2], scale, symmetric_scale;
		struct xq_observer *o;
		struct xq_qtype u8, s8;
		int32_t zp;

		xq_qtype_of(XQ_U8, &u8);
		xq_qtype_of(XQ_S8, &s8);
		for (size_t i = 0; i < n; i++)
			data[i] = (float)((ktap_normal() + 0.3) * magnitude);
		o = observe(&how, data, n, 3000);
		EXPECT(!xq_find_params(data, &layout, &u8, XQ_AFFINE, &how, &scale, &zp, NULL), "find");
		EXPECT(!xq_find_params(data, &layout, &s8, XQ_SYMMETRIC, &how, &symmetric_scale, NULL, NULL), "find");
		ask(o, XQ_U8, XQ_AFFINE, &got[0], &got[1]);
		qsort(data, n, sizeof(*data), rising);
		low = fmin(percentile_of(data, n, 100 - how.percentile), 0);
		high = fmax(percentile_of(data, n, how.percentile), 0);
		bin = fmax(-data[0], data[n - 1]) / 2048;
		EXPECT(fabs((high - low) / 255 - scale) <= 1e-6 * scale, "%zu values: S %g, not %g", n, scale, (high - low) / 255);
		EXPECT(fabs(got[0] - low) <= 2 * bin, "%zu values: low %g, not %g", n, got[0], low);
		EXPECT(fabs(got[1] - high) <= 2 * bin, "%zu values: high %g, not %g", n, got[1], high);
		ask(o, XQ_S8, XQ_SYMMETRIC, &got[0], &got[1]);
		for (size_t i = 0; i < n; i++)
			data[i] = fabsf(data[i]);
		qsort(data, n, sizeof(*data), rising);
		clip = percentile_of(data, n, how.percentile);
		EXPECT(fabs(got[1] - clip) <= 2 * bin, "%zu values: T %g, not %g", n, got[1], clip);
		EXPECT(fabs(clip / 127 - symmetric_scale) <= 1e-6 * symmetric_scale, "%zu values: S %g, not %g", n,
		       symmetric_scale, clip / 127);
		xq_observer_free(o);
	}
}

/* In fewer than 1 / (1 - P) values the largest must not become the second largest. */
static void percentile_of_four(void)
{
	struct xq_calibration how = { .method = XQ_CAL_PERCENTILE, .percentile = 99.99 };
	struct xq_layout layout = vector_of(4);
	struct xq_observer *o;
	struct xq_qtype s8;
	float scale, got[2];

	xq_qtype_of(XQ_S8, &s8);
	memcpy(data, (float[]){ 1, 2, 3, 100 }, 4 * sizeof(*data));
	EXPECT(!xq_find_params(data, &layout, &s8, XQ_SYMMETRIC, &how, &scale, NULL, NULL), "find");
	EXPECT(fabs(scale * 127 - 99.9709) < 1e-3, "T %g", scale * 127);
	o = observe(&how, data, 4, 2);
	ask(o, XQ_S8, XQ_SYMMETRIC, &got[0], &got[1]);
	EXPECT(fabs(got[1] - 99.9709) < 1e-3, "T %g", got[1]);
	xq_observer_free(o);
}

/* Squared error of codes and their numbers for a clip. */
static double clip_error(const float *x, size_t n, double clip, double levels)
{
	double error = 0, step = clip / levels;

	for (size_t i = 0; i < n; i++)
		error += pow(x[i] - fmin(fmax(rint(x[i] / step), -levels), levels) * step, 2);
	return error;
}

static void mse(void)
{
	const enum xq_type types[] = { XQ_S8, XQ_S4, XQ_S2 };

	for (int round = 0; round < 24; round++) {
		struct xq_calibration how = { .method = XQ_CAL_MSE };
		size_t n = 4000;
		struct xq_qtype type;
		struct xq_observer *o;
		double best = INFINITY, most = 0, found;
		float got[2];

		xq_qtype_of(types[round % 3], &type);
		for (size_t i = 0; i < n; i++) {
			data[i] = (float)(round & 1 ? laplace() : ktap_normal());
			data[i] = i % 7 ? data[i] : 0;
			most = fmax(most, fabsf(data[i]));
		}
		o = observe(&how, data, n, 1000);
		EXPECT(!xq_observer_range(o, 0, &type, XQ_SYMMETRIC, &got[0], &got[1]), "range");
		for (int i = 1; i <= 500; i++)
			best = fmin(best, clip_error(data, n, most * i / 500, type.max));
		found = clip_error(data, n, got[1], type.max);
		/* The observer has bins, and stays with min-max where these can't tell what is better. */
		EXPECT(found <= best * 1.05, "%u bits: error %g at %g, best %g", type.bits, found, got[1], best);
		xq_observer_free(o);
	}
}

/* Both ends of a lopsided range: not worse than any range of a coarse grid. */
static void mse_affine(void)
{
	struct xq_calibration how = { .method = XQ_CAL_MSE };
	struct xq_qtype u4;
	struct xq_observer *o;
	double best = INFINITY, found = INFINITY;
	size_t n = 3000;
	float got[2];

	xq_qtype_of(XQ_U4, &u4);
	for (size_t i = 0; i < n; i++)
		data[i] = (float)(laplace() + 1.5);
	o = observe(&how, data, n, 1000);
	EXPECT(!xq_observer_range(o, 0, &u4, XQ_AFFINE, &got[0], &got[1]), "range");
	for (int i = 0; i <= 60; i++) {
		for (int j = 0; j <= 60; j++) {
			double low = i == 60 ? got[0] : -4.0 * i / 60, high = i == 60 ? got[1] : 8.0 * (j + 1) / 60;
			double step = (high - low) / 15, error = 0;

			for (size_t e = 0; e < n; e++) {
				double over = data[e] > high ? data[e] - high : data[e] < low ? low - data[e] : 0;

				error += over > 0 ? over * over : step * step / 12;
			}
			if (i == 60)
				found = error;
			else
				best = fmin(best, error);
		}
	}
	EXPECT(found <= best * 1.005, "error %g at [%g, %g], best %g", found, got[0], got[1], best);
	xq_observer_free(o);
}

static void analytic(void)
{
	static const double gauss[] = { 1.71, 2.15, 2.55 };
	const enum xq_type types[] = { XQ_S2, XQ_S4 };

	for (unsigned int bits = 2; bits <= 4; bits++)
		EXPECT(fabs(xq_gauss_clip(bits) - gauss[bits - 2]) < 0.01, "%u: %g", bits, xq_gauss_clip(bits));
	for (unsigned int bits = 1; bits <= 24; bits++) {
		double a = xq_laplace_clip(bits);

		EXPECT(fabs(a * exp(a) / (3 * pow(4, bits)) - 1) < 1e-12, "%u bits: %g", bits, a);
	}
	EXPECT(xq_laplace_clip(0) == 0 && xq_gauss_clip(25) == 0, "bits out of range");
	for (int round = 0; round < 4; round++) {
		struct xq_calibration how = { .method = round & 1 ? XQ_CAL_GAUSS : XQ_CAL_LAPLACE };
		unsigned int bits = round & 2 ? 4 : 2;
		double spread = 0, shift = 3, expected, mean = 0;
		struct xq_observer *o;
		float got[2];

		for (int i = 0; i < MANY; i++) {
			data[i] = (float)(round & 1 ? 2 * ktap_normal() : 2 * laplace());
			spread += (round & 1 ? pow(data[i], 2) : fabs(data[i])) / MANY;
		}
		expected = round & 1 ? xq_gauss_clip(bits) * sqrt(spread) : xq_laplace_clip(bits) * spread;
		o = observe(&how, data, MANY, 5000);
		ask(o, types[round >> 1], XQ_SYMMETRIC, &got[0], &got[1]);
		EXPECT(fabs(got[1] / expected - 1) < 1e-5, "T %g, not %g", got[1], expected);
		xq_observer_free(o);
		for (int i = 0; i < MANY; i++) {
			data[i] += (float)shift;
			mean += data[i] / MANY;
		}
		o = observe(&how, data, MANY, 5000);
		ask(o, types[round >> 1], XQ_AFFINE, &got[0], &got[1]);
		EXPECT(fabs(got[1] - (mean + expected)) < 0.02, "high %g, not %g", got[1], mean + expected);
		EXPECT(fabs(got[0] - (mean - expected)) < 0.02, "low %g, not %g", got[0], mean - expected);
		xq_observer_free(o);
	}
}

/* A narrow body and one far outlier: the outlier has to go. */
static void kl(void)
{
	struct xq_calibration how = { .method = XQ_CAL_KL };
	struct xq_observer *o;
	float got[2];

	for (int i = 0; i < MANY; i++)
		data[i] = (float)(0.5 * ktap_normal());
	data[17] = 10;
	o = observe(&how, data, MANY, 5000);
	ask(o, XQ_S8, XQ_SYMMETRIC, &got[0], &got[1]);
	EXPECT(got[1] > 0.7 && got[1] < 3, "T %g", got[1]);
	EXPECT(got[0] == -got[1], "low %g", got[0]);
	xq_observer_free(o);
	/* Evenly spread data loses by any clip. */
	for (int i = 0; i < MANY; i++)
		data[i] = (float)(i - MANY / 2) / MANY;
	o = observe(&how, data, MANY, 5000);
	ask(o, XQ_S8, XQ_SYMMETRIC, &got[0], &got[1]);
	EXPECT(got[1] > 0.48 && got[1] <= 0.5, "T %g", got[1]);
	xq_observer_free(o);
}

/* The answer doesn't depend on how the data was cut, nor does growth lose elements. */
static void batches_do_not_matter(void)
{
	const enum xq_calibrate methods[] = { XQ_CAL_MINMAX, XQ_CAL_PERCENTILE, XQ_CAL_MSE, XQ_CAL_LAPLACE,
					      XQ_CAL_GAUSS, XQ_CAL_KL };

	for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
		for (int round = 0; round < 10; round++) {
			struct xq_calibration how = { .method = methods[m], .bins = 512 };
			size_t n = (size_t)ktap_range(1, 3000);
			enum xq_scheme scheme = (enum xq_scheme)(round & 1);
			struct xq_observer *whole, *cut;
			float a[2], b[2];

			for (size_t i = 0; i < n; i++)
				data[i] = (float)ldexp(ktap_normal(), (int)(i * 12 / n) - (round == 9 ? 130 : 4));
			whole = observe(&how, data, n, n * 100);
			cut = observe(&how, data, n, 40);
			ask(whole, XQ_S4, scheme, &a[0], &a[1]);
			ask(cut, XQ_S4, scheme, &b[0], &b[1]);
			/* Sums of merged bins are associated otherwise: the last bits may differ. */
			EXPECT(fabsf(a[1] - b[1]) <= 1e-5f * fabsf(a[1]) && fabsf(a[0] - b[0]) <= 1e-5f * fabsf(a[0]),
			       "method %d: [%g, %g] and [%g, %g]", methods[m], a[0], a[1], b[0], b[1]);
			xq_observer_free(whole);
			xq_observer_free(cut);
		}
	}
}

static void per_channel(void)
{
	for (int method = XQ_CAL_MINMAX; method <= XQ_CAL_KL; method++) {
		struct xq_calibration how = { .method = (enum xq_calibrate)method, .bins = 256 };
		size_t dims[3] = { 5, 3, 40 };
		struct xq_layout layout;
		struct xq_observer *o, *single;
		struct xq_qtype s8;
		float scale[3], one, part[200];
		int32_t zp[3], z;

		xq_qtype_of(XQ_S8, &s8);
		for (int i = 0; i < 600; i++)
			data[i] = (float)(ktap_normal() * (1 + i / 40 % 3 * 10));
		xq_layout_channel(dims, 3, 1, &layout);
		EXPECT(!xq_observer_create(&how, 3, &o), "create");
		EXPECT(!xq_observer_feed(o, data, &layout, NULL), "feed");
		EXPECT(!xq_observer_params(o, &s8, XQ_AFFINE, scale, zp), "params");
		for (int c = 0; c < 3; c++) {
			struct xq_layout flat = vector_of(200);

			for (int i = 0; i < 200; i++)
				part[i] = data[i / 40 * 120 + c * 40 + i % 40];
			EXPECT(!xq_observer_create(&how, 1, &single), "create");
			EXPECT(!xq_observer_feed(single, part, &flat, NULL), "feed");
			EXPECT(!xq_observer_params(single, &s8, XQ_AFFINE, &one, &z), "params");
			EXPECT(one == scale[c] && z == zp[c], "method %d, channel %d: %g, %g", method, c,
			       scale[c], one);
			xq_observer_free(single);
		}
		xq_observer_free(o);
	}
}

/* xq_find_params() runs every method on every granularity. */
static void found(void)
{
	for (int round = 0; round < 400; round++) {
		struct xq_calibration how = { .method = (enum xq_calibrate)(round % 8) };
		size_t dims[2] = { (size_t)ktap_range(0, 9), (size_t)ktap_range(1, 65) };
		enum xq_scheme scheme = (enum xq_scheme)(round / 8 % 2);
		float scale[700];
		int32_t zp[700];
		struct xq_layout layout;
		struct xq_qtype type;

		xq_qtype_bits((unsigned int)ktap_range(2, 8), ktap_range(0, 1), &type);
		for (size_t i = 0; i < dims[0] * dims[1]; i++)
			data[i] = i % 5 && i / 65 % 4 ? (float)ktap_normal() : 0;
		if (round % 3 == 0)
			xq_layout_tensor(dims, 2, &layout);
		else if (round % 3 == 1)
			xq_layout_channel(dims, 2, -1, &layout);
		else
			xq_layout_block(dims, 2, (int)ktap_range(0, 1), (size_t)ktap_range(1, 20), &layout);
		EXPECT(!xq_find_params(data, &layout, &type, scheme, &how, scale, zp, NULL), "find");
		for (size_t p = 0; p < xq_layout_params(&layout); p++)
			EXPECT(isfinite(scale[p]) && scale[p] > 0 && zp[p] >= type.min && zp[p] <= type.max,
			       "method %d: S %g, Z %d", how.method, scale[p], zp[p]);
	}
}

static void errors(void)
{
	const struct xq_calibration wrong[] = { { .method = (enum xq_calibrate)8 }, { .bins = 100 }, { .bins = 32 },
						{ .alpha = 1.5 }, { .alpha = NAN }, { .percentile = 40 } };
	struct xq_calibration how = { .method = XQ_CAL_KL };
	struct xq_layout layout = vector_of(10);
	struct xq_fault fault = { 0 };
	struct xq_observer *o;
	struct xq_qtype s8;
	float low, high;

	xq_qtype_of(XQ_S8, &s8);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		EXPECT(xq_observer_create(&wrong[i], 1, &o) == -EINVAL, "case %zu", i);
	EXPECT(xq_observer_create(&how, 0, &o) == -EINVAL, "no channels");
	EXPECT(!xq_observer_create(&how, 1, &o), "create");
	EXPECT(xq_observer_range(o, 0, &s8, XQ_SYMMETRIC, &low, &high) == -ENODATA, "nothing fed");
	memset(data, 0, 10 * sizeof(*data));
	EXPECT(!xq_observer_feed(o, data, &layout, NULL), "zeros");
	EXPECT(!xq_observer_range(o, 0, &s8, XQ_SYMMETRIC, &low, &high) && low == 0 && high == 0, "zeros");
	data[7] = NAN;
	EXPECT(xq_observer_feed(o, data, &layout, &fault) == -EDOM, "NaN");
	EXPECT(fault.kind == XQ_FAULT_INPUT && fault.index == 7, "index %zu", fault.index);
	data[0] = 5;
	data[7] = INFINITY;
	EXPECT(xq_observer_feed(o, data, &layout, &fault) == -EDOM, "infinity");
	EXPECT(!xq_observer_range(o, 0, &s8, XQ_SYMMETRIC, &low, &high) && high == 0, "the bad batch left %g", high);
	EXPECT(xq_observer_range(o, 1, &s8, XQ_SYMMETRIC, &low, &high) == -EINVAL, "channel 1 of 1");
	layout.per = XQ_PER_CHANNEL;
	layout.axis = 2;
	EXPECT(xq_observer_feed(o, data, &layout, NULL) == -EINVAL, "two channels for one");
	xq_observer_free(o);
	xq_observer_free(NULL);
}

KTAP_MAIN({ "min-max", minmax },
	  { "mean and moving average of batches", batch_averages },
	  { "percentile", percentile },
	  { "percentile of four values", percentile_of_four },
	  { "least squared error", mse },
	  { "least squared error, affine", mse_affine },
	  { "analytic clips", analytic },
	  { "KL divergence", kl },
	  { "batches do not matter", batches_do_not_matter },
	  { "per channel equals channel by channel", per_channel },
	  { "every method on every granularity", found },
	  { "errors", errors })
