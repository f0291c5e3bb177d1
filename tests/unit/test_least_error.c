// SPDX-License-Identifier: MIT
/*
 * Calibration that minimizes an error is never worse than min-max by that error, whatever the values, and
 * near the optimum where that can be computed. The references are naive: every clip, every zero
 * point, whole histograms.
 */
#include <stdlib.h>

#include <xqaccel/binary.h>
#include <xqaccel/blockfloat.h>
#include <xqaccel/calibrate.h>
#include <xqaccel/codebook.h>

#include "distributions.h"

enum { MANY = 20000, MOST_PARAMS = 4000 };

static float x[MANY], y[MANY];
static int16_t q[MANY];		/* or bytes */
static float scale[MOST_PARAMS], other_scale[MOST_PARAMS];
static int32_t zp[MOST_PARAMS], other_zp[MOST_PARAMS];

static struct xq_layout vector_of(size_t n)
{
	struct xq_layout layout;

	xq_layout_tensor(&n, 1, &layout);
	return layout;
}

/* Squared error of each parameter's elements. */
static void errors_of(const struct xq_layout *layout, const struct xq_qtype *type, enum xq_scheme scheme,
		      const float *s, const int32_t *z, double *sum)
{
	struct xq_qtype used = scheme == XQ_SYMMETRIC ? xq_qtype_symmetric(type) : *type;
	size_t blocks = layout->per == XQ_PER_BLOCK ? (layout->axis + layout->block - 1) / layout->block : 0;

	EXPECT(!xq_quantize(x, layout, &used, s, scheme == XQ_SYMMETRIC ? NULL : z, NULL, q, NULL), "quantize");
	EXPECT(!xq_dequantize(q, layout, &used, s, scheme == XQ_SYMMETRIC ? NULL : z, y, NULL), "dequantize");
	memset(sum, 0, xq_layout_params(layout) * sizeof(*sum));
	for (size_t i = 0; i < xq_layout_elements(layout); i++) {
		size_t a = i / layout->inner % layout->axis, o = i / layout->inner / layout->axis, p = 0;

		if (layout->per == XQ_PER_CHANNEL)
			p = a;
		if (layout->per == XQ_PER_BLOCK)
			p = (o * blocks + a / layout->block) * layout->inner + i % layout->inner;
		sum[p] += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
	}
}

static struct xq_layout random_layout(void)
{
	size_t dims[3] = { (size_t)ktap_range(1, 4), (size_t)ktap_range(1, 8), (size_t)ktap_range(1, 40) };
	struct xq_layout layout;

	if (ktap_range(0, 9) == 0)
		dims[2] = (size_t)ktap_range(1, 100);
	switch (ktap_range(0, 2)) {
	case 0:
		xq_layout_tensor(dims, 3, &layout);
		break;
	case 1:
		xq_layout_channel(dims, 3, (int)ktap_range(0, 2), &layout);
		break;
	default:
		xq_layout_block(dims, 3, (int)ktap_range(0, 2), (size_t)ktap_range(1, 40), &layout);
	}
	return layout;
}

static void random_type(struct xq_qtype *type)
{
	unsigned int bits = (unsigned int)ktap_range(2, 9);

	xq_qtype_bits(bits == 9 ? 16 : bits, ktap_range(0, 1), type);
	if (ktap_range(0, 9) == 0)
		xq_qtype_of(XQ_T2, type);
}

/* Every distribution, granularity, type and scheme. */
static void never_worse(void)
{
	static const enum xq_calibrate methods[] = { XQ_CAL_MSE, XQ_CAL_LAPLACE, XQ_CAL_GAUSS };
	static double least[MOST_PARAMS], found[MOST_PARAMS];

	for (int round = 0; round < 16 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		enum xq_scheme scheme = (enum xq_scheme)ktap_range(0, 1);
		struct xq_layout layout = random_layout();
		struct xq_qtype type;

		random_type(&type);
		fill(kind, x, xq_layout_elements(&layout));
		EXPECT(!xq_find_params(x, &layout, &type, scheme, NULL, other_scale, other_zp, NULL), "min-max");
		errors_of(&layout, &type, scheme, other_scale, other_zp, least);
		for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
			struct xq_calibration how = { .method = methods[m] };

			EXPECT(!xq_find_params(x, &layout, &type, scheme, &how, scale, zp, NULL), "find");
			errors_of(&layout, &type, scheme, scale, zp, found);
			for (size_t p = 0; p < xq_layout_params(&layout); p++)
				EXPECT(found[p] <= least[p] * (1 + 1e-12) || isinf(least[p]),
				       "method %d, distribution %d, scheme %d, [%d, %d]: error %g, min-max %g", methods[m],
				       kind, scheme, type.min, type.max, found[p], least[p]);
		}
	}
}

/* The same of an observer, which has only a histogram: feeds what it then quantizes. */
static void observers_never_worse(void)
{
	static const enum xq_calibrate methods[] = { XQ_CAL_MSE, XQ_CAL_LAPLACE, XQ_CAL_GAUSS };

	for (int round = 0; round < 9 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		enum xq_scheme scheme = (enum xq_scheme)ktap_range(0, 1);
		struct xq_calibration how = { .method = methods[round / DISTRIBUTIONS % 3], .bins = round & 1 ? 512 : 0 };
		size_t n = (size_t)ktap_range(1, round % 9 ? 300 : 20000);
		struct xq_layout layout = vector_of(n);
		struct xq_observer *o;
		struct xq_qtype type;
		double least, found;

		random_type(&type);
		fill(kind, x, n);
		EXPECT(!xq_observer_create(&how, 1, &o) && !xq_observer_feed(o, x, &layout, NULL), "observe");
		EXPECT(!xq_observer_params(o, &type, scheme, scale, zp), "params");
		xq_observer_free(o);
		errors_of(&layout, &type, scheme, scale, zp, &found);
		EXPECT(!xq_find_params(x, &layout, &type, scheme, NULL, scale, zp, NULL), "min-max");
		errors_of(&layout, &type, scheme, scale, zp, &least);
		EXPECT(found <= least * (1 + 1e-9) || isinf(least), "method %d, distribution %d: error %g, min-max %g",
		       how.method, kind, found, least);
	}
}

static double naive_error(size_t n, double s, double low, double high)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double off = (double)x[i] - fmin(fmax(rint((double)x[i] / s), low), high) * s;

		sum += off * off;
	}
	return sum;
}

/* The best of very many scales, for codes from low to high. */
static double brute_force(size_t n, double low, double high, double whole)
{
	double best = INFINITY;

	for (int i = 1; i <= 500; i++)
		best = fmin(best, naive_error(n, whole * i / 500, low, high));
	return best;
}

static double whole_scale(size_t n, double low, double high)
{
	double whole = 0;

	for (size_t i = 0; i < n; i++) {
		if (x[i] > 0 && high > 0)
			whole = fmax(whole, (double)x[i] / high);
		if (x[i] < 0 && low < 0)
			whole = fmax(whole, (double)x[i] / low);
	}
	return whole;
}

/* Kinds for which double is the same as float32 to the digits that count. */
static bool plain(enum distribution kind)
{
	return kind != ZEROS && kind != DENORMAL && kind != LARGEST_FLOATS;
}

static void near_optimum(void)
{
	static const size_t sizes[] = { 1, 2, 5, 16, 32, 128, 600 };

	for (int round = 0; round < 6 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		struct xq_calibration how = { .method = XQ_CAL_MSE };
		size_t n = sizes[round % 7];
		struct xq_layout layout = vector_of(n);
		double found, best, energy = 0;
		struct xq_qtype type;

		if (!plain(kind))
			continue;
		xq_qtype_bits((unsigned int)ktap_range(2, 8), true, &type);
		fill(kind, x, n);
		for (size_t i = 0; i < n; i++)
			energy += (double)x[i] * (double)x[i];
		EXPECT(!xq_find_params(x, &layout, &type, XQ_SYMMETRIC, &how, scale, zp, NULL), "find");
		errors_of(&layout, &type, XQ_SYMMETRIC, scale, zp, &found);
		best = brute_force(n, -type.max, type.max, whole_scale(n, -type.max, type.max));
		EXPECT(found <= best * 1.05 + 1e-12 * energy, "distribution %d, %zu values, %u bits: %g, best %g", kind, n,
		       type.bits, found, best);
	}
}

/* Every zero point with every scale. */
static void near_optimum_affine(void)
{
	static const size_t sizes[] = { 1, 2, 5, 16, 60, 280 };

	for (int round = 0; round < 3 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		struct xq_calibration how = { .method = XQ_CAL_MSE };
		unsigned int bits = (unsigned int)ktap_range(2, 4);
		size_t n = sizes[round % 6];
		struct xq_layout layout = vector_of(n);
		double found, best = INFINITY, energy = 0;
		struct xq_qtype type;

		if (!plain(kind))
			continue;
		xq_qtype_bits(bits, round & 1, &type);
		fill(kind, x, n);
		for (size_t i = 0; i < n; i++)
			energy += (double)x[i] * (double)x[i];
		EXPECT(!xq_find_params(x, &layout, &type, XQ_AFFINE, &how, scale, zp, NULL), "find");
		errors_of(&layout, &type, XQ_AFFINE, scale, zp, &found);
		for (int z = 0; z < 1 << bits; z++) {
			double whole = whole_scale(n, -z, (1 << bits) - 1 - z);

			for (int i = 1; i <= 120 && whole > 0; i++)
				best = fmin(best, naive_error(n, whole * i / 120, -z, (1 << bits) - 1 - z));
		}
		EXPECT(found <= best * 1.1 + 1e-12 * energy, "distribution %d, %zu values, %u bits: %g, best %g", kind, n, bits,
		       found, best);
	}
}

/* The best of some scales up to min-max's, and of some zero points if there are any. */
static double coarse_grid(size_t n, const struct xq_qtype *type, enum xq_scheme scheme, double whole)
{
	int levels = type->max - type->min, tries = scheme == XQ_SYMMETRIC ? 60 : 6;
	double best = INFINITY;

	for (int i = 1; i <= tries; i++) {
		for (int z = 0; z <= levels; z += scheme == XQ_SYMMETRIC ? levels + 1 : levels / 10) {
			double low = scheme == XQ_SYMMETRIC ? -type->max : -z;
			double high = scheme == XQ_SYMMETRIC ? type->max : levels - z;
			double error = naive_error(n, whole * i / tries, low, high);

			best = error < best ? error : best;
		}
	}
	return best;
}

/* Many values are searched in bins: still near the best of many clips. */
static void large_tensors(void)
{
	static const enum distribution kinds[] = { NORMAL, LAPLACE, RELU, ONE_OUTLIER, FAR_OUTLIER, MANY_SIZES, INTEGERS };

	for (size_t round = 0; round < 2 * sizeof(kinds) / sizeof(kinds[0]); round++) {
		struct xq_calibration how = { .method = XQ_CAL_MSE };
		enum xq_scheme scheme = (enum xq_scheme)(round & 1);
		struct xq_layout layout = vector_of(MANY);
		struct xq_qtype type;
		double found, best;

		xq_qtype_bits(round % 3 ? 4 : 8, true, &type);
		fill(kinds[round / 2], x, MANY);
		EXPECT(!xq_find_params(x, &layout, &type, scheme, &how, scale, zp, NULL), "find");
		errors_of(&layout, &type, scheme, scale, zp, &found);
		EXPECT(!xq_find_params(x, &layout, &type, scheme, NULL, scale, zp, NULL), "min-max");
		best = coarse_grid(MANY, &type, scheme, (double)scale[0]);
		EXPECT(found <= best * 1.02, "distribution %d, scheme %d, %u bits: %g, best %g", kinds[round / 2], scheme,
		       type.bits, found, best);
	}
}

/* ---- KL divergence --------------------------------------------------------------------------------- */

static double naive_divergence(const double *count, int clip, int levels, int bins)
{
	double total = 0, kept = 0, sum = 0, mass = 0, filled = 0;
	int level = -1;

	for (int b = 0; b < bins; b++) {
		total += count[b];
		kept += b < clip ? count[b] : 0;
	}
	for (int b = 0; b < clip; b++) {
		double p = count[b] + (b == clip - 1 ? total - kept : 0);

		if (((b + 1) * levels - 1) / clip != level) {
			level = ((b + 1) * levels - 1) / clip;
			mass = filled = 0;
			for (int o = b; o < clip && ((o + 1) * levels - 1) / clip == level; o++) {
				mass += count[o];
				filled += count[o] > 0;
			}
		}
		if (p > 0 && count[b] == 0)
			return INFINITY;
		if (p > 0)
			sum += p / total * log(p / total / (mass / filled / kept));
	}
	return sum;
}

/* The clip that was chosen has no larger divergence than min-max, nor than any other; ties take the largest. */
static void kl_least(void)
{
	static double count[256];

	for (int round = 0; round < 4 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		struct xq_calibration how = { .method = XQ_CAL_KL, .bins = 256 };
		size_t n = (size_t)ktap_range(1, 3000), nonzero = 0;
		struct xq_layout layout = vector_of(n);
		int bins = 256, levels, clip, best, exponent;
		double largest = 0, width, least = INFINITY, found;
		struct xq_qtype type;

		if (kind == ZEROS || kind == DENORMAL)
			continue;
		xq_qtype_bits((unsigned int)ktap_range(2, 5), true, &type);
		levels = type.max + 1;
		fill(kind, x, n);
		for (size_t i = 0; i < n; i++) {
			largest = fmax(largest, fabs((double)x[i]));
			nonzero += x[i] != 0;
		}
		EXPECT(!xq_find_params(x, &layout, &type, XQ_SYMMETRIC, &how, scale, zp, NULL), "find");
		if (nonzero < 16 * (size_t)levels) {
			EXPECT(fabs((double)scale[0] * type.max / fmax(largest, 1e-300) - 1) < 1e-6 || largest == 0,
			       "distribution %d, %zu of %zu values: T %g of %g", kind, nonzero, n,
			       (double)scale[0] * type.max, largest);
			continue;
		}
		while (bins > (int)nonzero)
			bins /= 2;
		frexp(largest, &exponent);
		width = ldexp(1, exponent) / bins;
		memset(count, 0, sizeof(count));
		for (size_t i = 0; i < n; i++)
			count[(int)(fabs((double)x[i]) / width)] += x[i] != 0;
		best = (int)(largest / width) + 1;
		for (int c = best; c >= levels; c--) {
			double d = naive_divergence(count, c, levels, bins);

			if (d < least - 1e-9) {
				least = d;
				best = c;
			}
		}
		clip = (int)rint(ceil((double)scale[0] * type.max / width - 1e-3));
		/* The largest may stand where its bin begins. */
		if ((double)scale[0] * type.max > largest * (1 - 1e-6))
			clip = (int)(largest / width) + 1;
		found = naive_divergence(count, clip, levels, bins);
		EXPECT(found <= least + 1e-9, "distribution %d, %zu values, %u bits: divergence %g at %d, %g at %d", kind, n,
		       type.bits, found, clip, least, best);
	}
}

static double relative_error(size_t rows, size_t k, size_t group, enum xq_type name, enum xq_calibrate method)
{
	struct xq_calibration how = { .method = method };
	struct xq_layout layout;
	struct xq_qtype type;
	static double sum[MOST_PARAMS];
	double error = 0, energy = 0;

	xq_qtype_of(name, &type);
	xq_layout_block((size_t[]){ rows, k }, 2, 1, group, &layout);
	EXPECT(!xq_find_params(x, &layout, &type, XQ_SYMMETRIC, &how, scale, zp, NULL), "find");
	errors_of(&layout, &type, XQ_SYMMETRIC, scale, zp, sum);
	for (size_t p = 0; p < xq_layout_params(&layout); p++)
		error += sum[p];
	for (size_t i = 0; i < rows * k; i++)
		energy += (double)x[i] * (double)x[i];
	return sqrt(error / energy);
}

/* A handful of values says nothing of a distribution: the clip must not follow chance. */
static void kl_small_groups(void)
{
	fill(NORMAL, x, 64 * 256);
	for (size_t group = 16; group <= 256; group *= 2) {
		double s8 = relative_error(64, 256, group, XQ_S8, XQ_CAL_KL);
		double s4 = relative_error(64, 256, group, XQ_S4, XQ_CAL_KL);

		EXPECT(s8 < 0.008, "groups of %zu, s8: relative error %g", group, s8);
		EXPECT(s4 < 0.14, "groups of %zu, s4: relative error %g", group, s4);
	}
}

/* ---- known values ------------------------------------------------------------------------------------ */

static double error_with(enum xq_calibrate method, enum xq_type name, enum xq_scheme scheme, size_t n)
{
	struct xq_calibration how = { .method = method };
	struct xq_layout layout = vector_of(n);
	struct xq_qtype type;
	double error;

	xq_qtype_of(name, &type);
	EXPECT(!xq_find_params(x, &layout, &type, scheme, &how, scale, zp, NULL), "find");
	errors_of(&layout, &type, scheme, scale, zp, &error);
	return error;
}

static void known_values(void)
{
	double error;

	for (size_t n = 2; n <= 3; n++) {
		fill(n == 2 ? SIGNS : SIGNS_AND_ZERO, x, n);
		error = error_with(XQ_CAL_MSE, XQ_U8, XQ_AFFINE, n);
		EXPECT(error < 1.6e-5, "%zu values: error %g", n, error);
	}
	fill(NORMAL, x, 2000);
	x[2000] = 1000;
	error = error_with(XQ_CAL_MSE, XQ_S4, XQ_SYMMETRIC, 2001) / 2001;
	EXPECT(error < 1.05, "mean squared error %g", error);
	fill(SMALL_INTEGERS, x, 15);
	error = error_with(XQ_CAL_KL, XQ_S4, XQ_SYMMETRIC, 15);
	EXPECT(error == 0 && scale[0] == 1, "error %g, S %g", error, scale[0]);
}

/* ---- the unit of the values makes no difference ------------------------------------------------------ */

static void unit_linear(void)
{
	static int16_t first[MANY];

	for (int round = 0; round < 8 * TINY; round++) {
		enum distribution kind = (enum distribution)(round % TINY);
		enum xq_scheme scheme = (enum xq_scheme)ktap_range(0, 1);
		struct xq_calibration how = { .method = (enum xq_calibrate)ktap_range(0, XQ_CAL_KL) };
		struct xq_layout layout = random_layout();
		size_t n = xq_layout_elements(&layout), params = xq_layout_params(&layout);
		int shift = (int)ktap_range(-60, 60);
		struct xq_qtype type;

		random_type(&type);
		fill(kind, x, n);
		memset(q, 0, sizeof(q));
		EXPECT(!xq_quantize_found(x, &layout, &type, scheme, &how, NULL, q, other_scale, other_zp, NULL), "quantize");
		memcpy(first, q, sizeof(q));
		for (size_t i = 0; i < n; i++)
			x[i] = ldexpf(x[i], shift);
		EXPECT(!xq_quantize_found(x, &layout, &type, scheme, &how, NULL, q, scale, zp, NULL), "quantize");
		EXPECT(!memcmp(first, q, n * (type.bits > 8 ? 2 : 1)), "method %d, distribution %d, 2^%d: other codes",
		       how.method, kind, shift);
		for (size_t p = 0; p < params; p++)
			EXPECT(scale[p] == ldexpf(other_scale[p], shift) || (scale[p] == 1 && other_scale[p] == 1),
			       "method %d, distribution %d, 2^%d: S %g and %g", how.method, kind, shift, scale[p], other_scale[p]);
	}
}

enum block_scheme { VSQUANT, MX4, MX6, MX9, MXINT8, MXFP4, BWN, TWN, TERNARY, KMEANS, BLOCK_SCHEMES };

static void encode(enum block_scheme scheme, size_t rows, size_t k, int8_t *codes, float *decoded)
{
	static const struct xq_vsquant format = { .bits = 8, .scale_bits = 4, .vector = 16 };
	static uint8_t exponent[MANY], micro[MANY];
	float param[256];
	int err;

	switch (scheme) {
	case VSQUANT:
		err = xq_vsquant_encode(x, rows, k, &format, codes, exponent, param, NULL) ||
		      xq_vsquant_decode(codes, exponent, param, rows, k, &format, decoded);
		break;
	case MX4:
	case MX6:
	case MX9:
		err = xq_mx_encode(x, rows, k, (enum xq_mx)(XQ_MX4 + (scheme - MX4)), codes, exponent, micro, NULL) ||
		      xq_mx_decode(codes, exponent, micro, rows, k, (enum xq_mx)(XQ_MX4 + (scheme - MX4)), decoded);
		break;
	case MXINT8:
		err = xq_mxint8_encode(x, rows, k, codes, exponent, NULL) ||
		      xq_mxint8_decode(codes, exponent, rows, k, decoded);
		break;
	case MXFP4:
		err = xq_mxfp4_encode(x, rows, k, (uint8_t *)codes, exponent, NULL) ||
		      xq_mxfp4_decode((uint8_t *)codes, exponent, rows, k, decoded);
		break;
	case BWN:
		err = xq_bwn_encode(x, rows, k, codes, param, NULL) || xq_scaled_decode(codes, rows, k, param, decoded);
		break;
	case TWN:
		err = xq_twn_encode(x, rows, k, codes, param, NULL, NULL) ||
		      xq_scaled_decode(codes, rows, k, param, decoded);
		break;
	case TERNARY:
		err = xq_ternary_best_encode(x, rows, k, codes, param, NULL) ||
		      xq_scaled_decode(codes, rows, k, param, decoded);
		break;
	default:
		err = xq_codebook_fit(x, rows * k, NULL, 3, param, NULL) ||
		      xq_codebook_encode(x, rows * k, param, 3, (uint8_t *)codes, NULL) ||
		      xq_codebook_decode((uint8_t *)codes, rows * k, param, 3, decoded, NULL);
	}
	EXPECT(!err, "scheme %d", scheme);
}

static void unit_blocks(void)
{
	static int8_t first[MANY];
	static float unit[MANY];

	for (int round = 0; round < 2 * BLOCK_SCHEMES * TINY; round++) {
		enum block_scheme scheme = (enum block_scheme)(round % BLOCK_SCHEMES);
		enum distribution kind = (enum distribution)(round / BLOCK_SCHEMES % TINY);
		size_t rows = (size_t)ktap_range(1, 8), k = (size_t)ktap_range(1, 100), n = rows * k;
		int shift = (int)ktap_range(-60, 60);

		fill(kind, x, n);
		encode(scheme, rows, k, first, unit);
		for (size_t i = 0; i < n; i++)
			x[i] = ldexpf(x[i], shift);
		encode(scheme, rows, k, (int8_t *)q, y);
		EXPECT(!memcmp(first, q, n), "scheme %d, distribution %d, 2^%d: other codes", scheme, kind, shift);
		for (size_t i = 0; i < n; i++)
			EXPECT(y[i] == ldexpf(unit[i], shift), "scheme %d, distribution %d, 2^%d: %g and %g", scheme, kind,
			       shift, y[i], unit[i]);
	}
}

/* Nothing becomes infinite or lost at the ends of float32, except what is below a format's least step. */
static void ends_of_float(void)
{
	for (int round = 0; round < 4 * BLOCK_SCHEMES; round++) {
		enum block_scheme scheme = (enum block_scheme)(round % BLOCK_SCHEMES);
		static const enum distribution kinds[] = { TINY, HUGE_VALUES, DENORMAL, LARGEST_FLOATS };
		enum distribution kind = kinds[round / BLOCK_SCHEMES];
		double error = 0, energy = 0;

		fill(kind, x, 8 * 64);
		encode(scheme, 8, 64, (int8_t *)q, y);
		for (size_t i = 0; i < 8 * 64; i++) {
			EXPECT(isfinite(y[i]), "scheme %d, distribution %d: %g of %g", scheme, kind, y[i], x[i]);
			error += pow((double)x[i] - (double)y[i], 2);
			energy += pow((double)x[i], 2);
		}
		/* The exponents of the MX formats end at 2^-127. */
		if (kind != DENORMAL || scheme == VSQUANT || scheme >= BWN)
			EXPECT(error <= energy * (scheme == BWN || scheme == TWN || scheme == TERNARY ? 0.5 : 0.1),
			       "scheme %d, distribution %d: relative error %g", scheme, kind, sqrt(error / energy));
	}
}

static void unit_of_vsquant(void)
{
	static const double sigmas[] = { 1, 0.005, 1e-8, 1e20, 1e-37, 1e-40 };

	for (size_t s = 0; s < sizeof(sigmas) / sizeof(sigmas[0]); s++) {
		double error = 0, energy = 0;

		for (size_t i = 0; i < 64 * 256; i++)
			x[i] = (float)(ktap_normal() * sigmas[s]);
		encode(VSQUANT, 64, 256, (int8_t *)q, y);
		for (size_t i = 0; i < 64 * 256; i++) {
			error += pow((double)x[i] - (double)y[i], 2);
			energy += pow((double)x[i], 2);
		}
		EXPECT(sqrt(error / energy) < 0.0125, "sigma %g: relative error %g", sigmas[s], sqrt(error / energy));
	}
}

/* Min-max itself: every value within half a code, or half the least number of float32. */
static void minmax_holds_the_range(void)
{
	for (int round = 0; round < 30 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % 3 ? round / 3 % LARGEST_FLOATS : DENORMAL);
		enum xq_scheme scheme = (enum xq_scheme)ktap_range(0, 1);
		size_t n = (size_t)ktap_range(1, 200);
		struct xq_layout layout = vector_of(n);
		struct xq_qtype type;
		double error;

		random_type(&type);
		if (type.min >= 0)
			scheme = XQ_AFFINE;
		fill(kind, x, n);
		for (size_t i = 0; i < n && round % 3 == 0; i++)
			x[i] = ldexpf(x[i], -(int)ktap_range(0, 6));
		EXPECT(!xq_find_params(x, &layout, &type, scheme, NULL, scale, zp, NULL), "min-max");
		errors_of(&layout, &type, scheme, scale, zp, &error);
		/* The zero point is rounded too: up to a code at the ends of affine ranges. */
		for (size_t i = 0; i < n; i++)
			EXPECT(fabs((double)x[i] - (double)y[i]) <=
			       (double)scale[0] * (scheme == XQ_AFFINE ? 1.01 : 0.51) + (double)FLT_TRUE_MIN * 0.5,
			       "distribution %d, [%d, %d]: %g became %g, S %g", kind, type.min, type.max, x[i], y[i], scale[0]);
	}
}

KTAP_MAIN({ "squared error is never above min-max's", never_worse },
	  { "nor with an observer", observers_never_worse },
	  { "near the best of all clips", near_optimum },
	  { "near the best of all zero points and scales", near_optimum_affine },
	  { "large tensors", large_tensors },
	  { "KL: no clip has less, of equal ones the largest", kl_least },
	  { "KL: small groups", kl_small_groups },
	  { "known values", known_values },
	  { "the unit makes no difference: linear", unit_linear },
	  { "the unit makes no difference: schemes", unit_blocks },
	  { "VS-Quant from 1e-40 to 1e20", unit_of_vsquant },
	  { "the ends of float32", ends_of_float },
	  { "min-max holds its range", minmax_holds_the_range })
