// SPDX-License-Identifier: MIT
/* Worked examples of the lectures that the library follows, one case each, to the printed figure. */
#include <math.h>
#include <stdlib.h>

#include <xqaccel/binary.h>
#include <xqaccel/blockfloat.h>
#include <xqaccel/calibrate.h>
#include <xqaccel/codebook.h>
#include <xqaccel/quantize.h>

#include "ktap.h"

static const float w[16] = {
	2.09f, -0.98f, 1.48f, 0.09f,
	0.05f, -0.14f, -1.08f, 2.12f,
	-0.91f, 1.92f, 0.00f, -1.03f,
	1.87f, 0.00f, 1.53f, 1.49f,
};

static const size_t w_dims[2] = { 4, 4 };

/* Equal when printed with that many decimals. */
static bool printed(double value, double figure, int decimals)
{
	return fabs(value - figure) <= 0.5000001 * pow(10, -decimals);
}

static void expect_codes(const int8_t *q, const int8_t *expected)
{
	for (int i = 0; i < 16; i++)
		EXPECT(q[i] == expected[i], "q[%d] = %d, not %d", i, q[i], expected[i]);
}

static double frobenius(const float *y)
{
	struct xq_error e;

	EXPECT(!xq_error_measure(w, y, 16, &e), "measure");
	return e.frobenius;
}

static void linear(const struct xq_layout *layout, enum xq_scheme scheme, const float *scales, int zp,
		   const int8_t *codes, double error)
{
	struct xq_qtype s2;
	int8_t q[16];
	float scale[4], y[16];
	int32_t zero[4];

	EXPECT(!xq_qtype_of(XQ_S2, &s2), "s2");
	EXPECT(!xq_quantize_found(w, layout, &s2, scheme, NULL, NULL, q, scale, zero, NULL), "quantize");
	for (size_t i = 0; i < xq_layout_params(layout); i++) {
		EXPECT(printed(scale[i], scales[i], 4), "S = %g, not %g", scale[i], scales[i]);
		EXPECT(zero[i] == zp, "Z = %d, not %d", zero[i], zp);
	}
	expect_codes(q, codes);
	EXPECT(!xq_dequantize(q, layout, &s2, scale, zero, y, NULL), "dequantize");
	EXPECT(printed(frobenius(y), error, 4), "error %.6f, not %.4f", frobenius(y), error);
}

static void symmetric_per_tensor(void)
{
	static const int8_t codes[16] = { 1, 0, 1, 0, 0, 0, -1, 1, 0, 1, 0, 0, 1, 0, 1, 1 };
	struct xq_layout layout;

	xq_layout_tensor(w_dims, 2, &layout);
	linear(&layout, XQ_SYMMETRIC, (float[]){ 2.12f }, 0, codes, 2.2846);
}

static void symmetric_per_channel(void)
{
	static const int8_t codes[16] = { 1, 0, 1, 0, 0, 0, -1, 1, 0, 1, 0, -1, 1, 0, 1, 1 };
	struct xq_layout layout;

	xq_layout_channel(w_dims, 2, 0, &layout);
	linear(&layout, XQ_SYMMETRIC, (float[]){ 2.09f, 2.12f, 1.92f, 1.87f }, 0, codes, 2.0795);
}

static void affine_per_tensor(void)
{
	static const int8_t codes[16] = { 1, -2, 0, -1, -1, -1, -2, 1, -2, 1, -1, -2, 1, -1, 0, 0 };
	struct xq_layout layout;

	xq_layout_tensor(w_dims, 2, &layout);
	linear(&layout, XQ_AFFINE, (float[]){ 1.0667f }, -1, codes, 0.8634);
}

static void binary_without_scale(void)
{
	int8_t q[16];
	float y[16], one = 1;

	EXPECT(!xq_binary_sign(w, 16, q, NULL), "sign");
	EXPECT(!xq_scaled_decode(q, 1, 16, &one, y), "decode");
	EXPECT(printed(pow(frobenius(y), 2), 9.2832, 4), "squared error %f", pow(frobenius(y), 2));
}

static void binary_with_scale(void)
{
	int8_t q[16];
	float y[16], alpha;

	EXPECT(!xq_bwn_encode(w, 1, 16, q, &alpha, NULL), "encode");
	EXPECT(printed(alpha, 1.04875, 5), "alpha %.7f", alpha);
	EXPECT(!xq_scaled_decode(q, 1, 16, &alpha, y), "decode");
	EXPECT(printed(pow(frobenius(y), 2), 9.2452, 4), "squared error %f", pow(frobenius(y), 2));
}

static void ternary(void)
{
	static const int8_t codes[16] = { 1, -1, 1, 0, 0, 0, -1, 1, -1, 1, 0, -1, 1, 0, 1, 1 };
	int8_t q[16];
	float scale, delta;
	int nonzero = 0;

	EXPECT(!xq_twn_encode(w, 1, 16, q, &scale, &delta, NULL), "encode");
	EXPECT(printed(delta, 0.734125, 6), "Delta %.7f", delta);
	for (int i = 0; i < 16; i++)
		nonzero += q[i] != 0;
	EXPECT(nonzero == 11, "%d are not zero", nonzero);
	EXPECT(printed(scale, 1.5, 1), "scale %g", scale);
	expect_codes(q, codes);
}

static void kmeans(void)
{
	static const float centroids[4] = { -1.00f, 0.00f, 1.50f, 2.00f };
	float table[4];

	EXPECT(!xq_codebook_fit(w, 16, NULL, 2, table, NULL), "fit");
	for (int i = 0; i < 4; i++)
		EXPECT(printed(table[i], centroids[i], 2), "centroid %d is %g", i, table[i]);
}

static void xnor_dot(void)
{
	uint32_t a = 0xa, b = 0xd;

	EXPECT(xq_xnor_dot(&a, &b, 4) == -2, "%d", (int)xq_xnor_dot(&a, &b, 4));
}

static void vsquant_bits(void)
{
	const struct xq_vsquant format = { .bits = 4, .scale_bits = 4, .vector = 16 };

	for (size_t n = 16; n <= 4096; n *= 4) {
		double bits = xq_vsquant_storage(3, n, &format).bits_per_element;

		EXPECT(bits == 4.25 + 16.0 / (double)n, "N = %zu: %g", n, bits);
	}
}

static void mx_bits(void)
{
	EXPECT(xq_mx_storage(5, 64, XQ_MX4).bits_per_element == 4, "MX4");
	EXPECT(xq_mx_storage(5, 64, XQ_MX6).bits_per_element == 6, "MX6");
	EXPECT(xq_mx_storage(5, 64, XQ_MX9).bits_per_element == 9, "MX9");
}

/* To one unit of the second decimal: the root at 3 bits is 3.897, printed as 3.89. */
static void laplace_clips(void)
{
	static const double figures[] = { 2.83, 3.89, 5.03 };

	for (unsigned int bits = 2; bits <= 4; bits++) {
		double clip = xq_laplace_clip(bits);

		EXPECT(fabs(clip - figures[bits - 2]) < 0.01, "%u bits: %f", bits, clip);
	}
}

static void storage_and_step(void)
{
	const size_t dims[2] = { 64, 48 };
	const float low = -1.5f, high = 2.5f;
	struct xq_layout layout;

	xq_layout_tensor(dims, 2, &layout);
	for (unsigned int k = 2; k <= 8; k++) {
		struct xq_qtype type;
		uint64_t bytes;
		int32_t zp;
		float scale;

		xq_qtype_bits(k, true, &type);
		bytes = xq_linear_storage(&layout, &type, XQ_SYMMETRIC, 16).bytes;
		EXPECT(bytes == 64 * 48 * k / 8 + 2, "symmetric, %u bits: %d bytes", k, (int)bytes);
		bytes = xq_linear_storage(&layout, &type, XQ_AFFINE, 16).bytes;
		EXPECT(bytes == 64 * 48 * k / 8 + 4, "affine, %u bits: %d bytes", k, (int)bytes);
		xq_range_params(low, high, &type, XQ_SYMMETRIC, &scale, &zp);
		EXPECT(scale == high / (float)((1 << (k - 1)) - 1), "symmetric step %g", scale);
		xq_range_params(low, high, &type, XQ_AFFINE, &scale, &zp);
		EXPECT(scale == (high - low) / (float)((1 << k) - 1), "affine step %g", scale);
	}
}

static void training_state(void)
{
	EXPECT(xq_training_bytes(1000, 16, 16, 8, 8) == 6000, "bytes");
}

static void int8_round_trip(void)
{
	enum { N = 100000 };
	float *x = malloc(N * sizeof(*x)), *y = malloc(N * sizeof(*y)), scale;
	int8_t *q = malloc(N);
	struct xq_layout layout;
	struct xq_qtype s8;
	struct xq_error e;
	double mean = 0;

	for (int i = 0; i < N; i++) {
		x[i] = (float)(2 * ktap_unit() - 1);
		mean += fabs(x[i]) / N;
	}
	xq_layout_tensor((size_t[]){ N }, 1, &layout);
	xq_qtype_of(XQ_S8, &s8);
	EXPECT(!xq_quantize_found(x, &layout, &s8, XQ_SYMMETRIC, NULL, NULL, q, &scale, NULL, NULL), "quantize");
	EXPECT(!xq_dequantize(q, &layout, &s8, &scale, NULL, y, NULL), "dequantize");
	xq_error_measure(x, y, N, &e);
	EXPECT(e.mean_abs / mean < 0.005, "mean error %.3f %%", 100 * e.mean_abs / mean);
	free(x);
	free(y);
	free(q);
}

/* Weights per channel and inputs per tensor in int8, sums in int32, against float. */
static void int8_linear_layer(void)
{
	enum { OUT = 64, IN = 256, BATCH = 32 };
	static float weights[OUT * IN], x[BATCH * IN], exact[BATCH * OUT], y[BATCH * OUT];
	static int8_t qw[OUT * IN], qx[BATCH * IN];
	float sw[OUT], sx;
	struct xq_layout lw, lx;
	struct xq_qtype s8;
	struct xq_error e;

	for (int i = 0; i < OUT * IN; i++)
		weights[i] = (float)ktap_normal();
	for (int i = 0; i < BATCH * IN; i++)
		x[i] = (float)(2 * ktap_unit() - 1);
	xq_qtype_of(XQ_S8, &s8);
	xq_layout_channel((size_t[]){ OUT, IN }, 2, 0, &lw);
	xq_layout_tensor((size_t[]){ BATCH, IN }, 2, &lx);
	xq_quantize_found(weights, &lw, &s8, XQ_SYMMETRIC, NULL, NULL, qw, sw, NULL, NULL);
	xq_quantize_found(x, &lx, &s8, XQ_SYMMETRIC, NULL, NULL, qx, &sx, NULL, NULL);
	for (int b = 0; b < BATCH; b++) {
		for (int o = 0; o < OUT; o++) {
			int32_t acc = 0;
			double sum = 0;

			for (int i = 0; i < IN; i++) {
				acc += qx[b * IN + i] * qw[o * IN + i];
				sum += (double)x[b * IN + i] * weights[o * IN + i];
			}
			exact[b * OUT + o] = (float)sum;
			y[b * OUT + o] = (float)acc * sx * sw[o];
		}
	}
	xq_error_measure(exact, y, BATCH * OUT, &e);
	EXPECT(e.norm_relative < 0.01, "relative error %.3f %%", 100 * e.norm_relative);
}

static int codes_below(float high, double limit)
{
	struct xq_qtype u8;
	float scale;
	int32_t zp;

	xq_qtype_of(XQ_U8, &u8);
	xq_range_params(0, high, &u8, XQ_AFFINE, &scale, &zp);
	return (int)round(limit / scale);
}

static void percentile_calibration(void)
{
	enum { N = 20000 };
	struct xq_calibration how = { .method = XQ_CAL_PERCENTILE, .percentile = 99.9 };
	struct xq_observer *observer;
	struct xq_layout layout;
	struct xq_qtype u8;
	float *x = malloc(N * sizeof(*x)), low, high;

	for (int i = 0; i < N; i++)
		x[i] = (float)(5 * ktap_unit());
	x[N / 2] = 100;
	xq_layout_tensor((size_t[]){ N }, 1, &layout);
	xq_qtype_of(XQ_U8, &u8);
	EXPECT(codes_below(100, 5) == 13, "min/max leaves %d codes", codes_below(100, 5));
	EXPECT(!xq_observer_create(&how, 1, &observer), "create");
	EXPECT(!xq_observer_feed(observer, x, &layout, NULL), "feed");
	EXPECT(!xq_observer_range(observer, 0, &u8, XQ_AFFINE, &low, &high), "range");
	EXPECT(codes_below(high, 5) >= 250, "the percentile leaves %d codes", codes_below(high, 5));
	xq_observer_free(observer);
	free(x);
}

KTAP_MAIN({ "symmetric per tensor, 2 bit", symmetric_per_tensor },
	  { "symmetric per channel, 2 bit", symmetric_per_channel },
	  { "affine per tensor, 2 bit", affine_per_tensor },
	  { "binary without scale", binary_without_scale },
	  { "binary with scale (BWN)", binary_with_scale },
	  { "ternary (TWN)", ternary },
	  { "k-means, 2 bit codebook", kmeans },
	  { "XNOR dot product", xnor_dot },
	  { "VS-Quant bits an element", vsquant_bits },
	  { "MX4, MX6, MX9 bits an element", mx_bits },
	  { "Laplace optimal clipping", laplace_clips },
	  { "storage and step of scale and affine", storage_and_step },
	  { "8-bit training state", training_state },
	  { "int8 round trip under 0.5 %", int8_round_trip },
	  { "int8 linear layer within 1 %", int8_linear_layer },
	  { "percentile calibration", percentile_calibration })
