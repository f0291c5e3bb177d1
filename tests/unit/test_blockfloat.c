// SPDX-License-Identifier: MIT
/* Formats with two levels of scales against their definitions, computed another way. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/blockfloat.h>
#include <xqaccel/float_formats.h>

#include "ktap.h"

enum { MANY = 4000 };

static float x[MANY], y[MANY];
static int8_t q[MANY];
static uint8_t codes[MANY], scale[MANY], micro[MANY];

static void random_matrix(size_t *rows, size_t *k)
{
	int spread = (int)ktap_range(0, 40);

	*rows = (size_t)ktap_range(0, 12);
	*k = (size_t)ktap_range(0, 200);
	for (size_t i = 0; i < *rows * *k; i++)
		x[i] = ktap_range(0, 15) ? (float)ldexp(ktap_normal(), (int)ktap_range(-spread, spread)) :
			ktap_range(0, 1) ? 0 : (float)ktap_range(-4, 4);
	/* Whole blocks of zeros. */
	for (size_t i = 0; i < *rows * *k && ktap_range(0, 4) == 0; i++)
		x[i] = i % 64 < 32 ? 0 : x[i];
}

static double largest(const float *v, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)v[i]));
	return most;
}

static int exponent_of(double v)
{
	return v > 0 ? (int)fmax(-127, floor(log2(v))) : -127;
}

static void mx(void)
{
	static const int mantissa[] = { 2, 4, 7 };

	for (int round = 0; round < 900; round++) {
		enum xq_mx format = (enum xq_mx)(round % 3);
		int m = mantissa[format];
		size_t rows, k, blocks;

		random_matrix(&rows, &k);
		blocks = (k + 15) / 16;
		EXPECT(!xq_mx_encode(x, rows, k, format, q, scale, micro, NULL), "encode");
		EXPECT(!xq_mx_decode(q, scale, micro, rows, k, format, y), "decode");
		for (size_t r = 0; r < rows; r++) {
			for (size_t i = 0; i < k; i++) {
				size_t from = i / 16 * 16, pair = i / 2 * 2, at = r * blocks + i / 16;
				const float *row = x + r * k;
				int e = exponent_of(largest(row + from, k - from < 16 ? k - from : 16));
				int p = exponent_of(largest(row + pair, k - pair < 2 ? 1 : 2));
				int shift = p < e || largest(row + pair, k - pair < 2 ? 1 : 2) < ldexp(1, e);
				double step = ldexp(1, e - shift - m + 1), code = rint(row[i] / step);

				code = fmin(fmax(code, 1 - (1 << m)), (1 << m) - 1);
				EXPECT(scale[at] == e + 127, "exponent %d, not %d", scale[at], e + 127);
				EXPECT((micro[at] >> (i % 16 / 2) & 1) == shift, "micro-exponent of %zu", i);
				EXPECT(q[r * k + i] == code, "%g: %d, not %g", row[i], q[r * k + i], code);
				EXPECT(y[r * k + i] == (float)(code * step), "decode %g", y[r * k + i]);
				/* Saturation costs at most one step, all else half a step. */
				EXPECT(fabs((double)row[i] - y[r * k + i]) <= step, "error");
			}
		}
	}
	EXPECT(xq_mx_storage(1, 5, XQ_MX6).bits == 5 * 5 + 3 + 8, "short block");
}

static void vsquant(void)
{
	for (int round = 0; round < 900; round++) {
		struct xq_vsquant f = { .bits = (unsigned int)ktap_range(2, 8), .vector = (size_t)ktap_range(1, 40),
					.scale_bits = (unsigned int)ktap_range(1, 8) };
		double qmax = (1 << (f.bits - 1)) - 1, top = (1 << f.scale_bits) - 1;
		size_t rows, k, vectors;
		float gamma[12];

		random_matrix(&rows, &k);
		vectors = (k + f.vector - 1) / f.vector;
		EXPECT(!xq_vsquant_encode(x, rows, k, &f, q, scale, gamma, NULL), "encode");
		EXPECT(!xq_vsquant_decode(q, scale, gamma, rows, k, &f, y), "decode");
		for (size_t r = 0; r < rows; r++) {
			const float *row = x + r * k;
			double g = largest(row, k) / qmax / top;

			EXPECT(gamma[r] < FLT_MIN ||
			       xq_float_decode_one(xq_float_encode_one(gamma[r], XQ_FLOAT_BF16, 0), XQ_FLOAT_BF16) == gamma[r],
			       "gamma %g is not bf16", gamma[r]);
			if (g > 1e-43)
				EXPECT(fabs(gamma[r] / g - 1) <= 0x1p-8, "gamma %g, not %g", gamma[r], g);
			for (size_t i = 0; i < k; i++) {
				size_t v = i / f.vector, from = v * f.vector;
				double most = largest(row + from, k - from < f.vector ? k - from : f.vector);
				double s = most > 0 ? fmin(fmax(rint(most / qmax / gamma[r]), 1), top) : 0;
				double code = s > 0 ? fmin(fmax(rint(row[i] / (gamma[r] * s)), -qmax), qmax) : 0;

				EXPECT(scale[r * vectors + v] == s, "Sq %d, not %g", scale[r * vectors + v], s);
				EXPECT(q[r * k + i] == code, "%g: %d, not %g", row[i], q[r * k + i], code);
				EXPECT(y[r * k + i] == gamma[r] * (float)s * (float)code, "decode");
			}
		}
	}
}

static void mxint8(void)
{
	for (int round = 0; round < 500; round++) {
		size_t rows, k, blocks;

		random_matrix(&rows, &k);
		blocks = (k + 31) / 32;
		EXPECT(!xq_mxint8_encode(x, rows, k, q, scale, NULL), "encode");
		EXPECT(!xq_mxint8_decode(q, scale, rows, k, y), "decode");
		for (size_t r = 0; r < rows; r++) {
			for (size_t i = 0; i < k; i++) {
				size_t from = i / 32 * 32;
				int e = exponent_of(largest(x + r * k + from, k - from < 32 ? k - from : 32));
				double code = fmin(fmax(rint(ldexp(x[r * k + i], 6 - e)), -127), 127);

				EXPECT(scale[r * blocks + i / 32] == e + 127, "scale");
				EXPECT(q[r * k + i] == code, "%g: %d, not %g", x[r * k + i], q[r * k + i], code);
				EXPECT(y[r * k + i] == (float)ldexp(code, e - 6), "decode");
			}
		}
	}
	EXPECT(xq_mxint8_storage(2, 64).bits_per_element == 8.25, "bits");
}

/* The nearest of the sixteen, an even code if two are as near. */
static double nearest_e2m1(double v)
{
	static const double grid[] = { 0, 0.5, 1, 1.5, 2, 3, 4, 6 };
	int best = 0;

	for (int c = 1; c < 8; c++) {
		double d = fabs(fabs(v) - grid[c]), least = fabs(fabs(v) - grid[best]);

		if (d < least || (d == least && c % 2 == 0))
			best = c;
	}
	return v < 0 ? -grid[best] : grid[best];
}

static void mxfp4(void)
{
	for (int round = 0; round < 500; round++) {
		size_t rows, k, blocks;

		random_matrix(&rows, &k);
		blocks = (k + 31) / 32;
		EXPECT(!xq_mxfp4_encode(x, rows, k, codes, scale, NULL), "encode");
		EXPECT(!xq_mxfp4_decode(codes, scale, rows, k, y), "decode");
		for (size_t r = 0; r < rows; r++) {
			for (size_t i = 0; i < k; i++) {
				size_t from = i / 32 * 32;
				double most = largest(x + r * k + from, k - from < 32 ? k - from : 32);
				int e = most > 0 ? (int)fmax(exponent_of(most) - 2, -127) : -127;

				EXPECT(scale[r * blocks + i / 32] == e + 127, "scale %d", scale[r * blocks + i / 32]);
				EXPECT(codes[r * k + i] < 16, "code %d", codes[r * k + i]);
				EXPECT(y[r * k + i] == (float)ldexp(nearest_e2m1(ldexp(x[r * k + i], -e)), e),
				       "%g: %g, not %g", x[r * k + i], y[r * k + i],
				       ldexp(nearest_e2m1(ldexp(x[r * k + i], -e)), e));
			}
		}
	}
	EXPECT(xq_mxfp4_storage(2, 64).bits_per_element == 4.25, "bits");
}

/* Figures of the specification: 6 is the largest, scale 255 is NaN. */
static void specials(void)
{
	const float values[4] = { 6, 7.9f, -0.75f, 5 };

	EXPECT(!xq_mxfp4_encode(values, 1, 4, codes, scale, NULL), "encode");
	EXPECT(scale[0] == 127 && codes[0] == 7 && codes[1] == 7 && codes[2] == 10 && codes[3] == 6,
	       "%d: %d %d %d %d", scale[0], codes[0], codes[1], codes[2], codes[3]);
	scale[0] = XQ_E8M0_NAN;
	EXPECT(!xq_mxfp4_decode(codes, scale, 1, 4, y) && isnan(y[0]) && isnan(y[3]), "NaN");
	EXPECT(!xq_mxint8_decode(q, scale, 1, 4, y) && isnan(y[0]), "NaN");
	for (int i = 0; i < 32; i++)
		x[i] = i & 1 ? FLT_MAX : FLT_TRUE_MIN;
	EXPECT(!xq_mxint8_encode(x, 1, 32, q, scale, NULL) && scale[0] == 254, "FLT_MAX: scale %d", scale[0]);
	EXPECT(!xq_mxint8_decode(q, scale, 1, 32, y) && isfinite(y[1]) && y[0] == 0, "%g", y[1]);
	EXPECT(!xq_mx_encode(x, 1, 32, XQ_MX9, q, scale, micro, NULL) && scale[0] == 254, "FLT_MAX");
	EXPECT(!xq_mx_decode(q, scale, micro, 1, 32, XQ_MX9, y) && isfinite(y[1]), "%g", y[1]);
}

static void errors(void)
{
	struct xq_vsquant f = { .bits = 4, .scale_bits = 4, .vector = 0 };
	struct xq_fault fault;
	float gamma[4];

	for (int i = 0; i < 40; i++)
		x[i] = 1;
	EXPECT(xq_vsquant_encode(x, 2, 20, &f, q, scale, gamma, NULL) == -EINVAL, "vector 0");
	f.vector = 16;
	f.bits = 9;
	EXPECT(xq_vsquant_encode(x, 2, 20, &f, q, scale, gamma, NULL) == -EINVAL, "9 bits");
	f.bits = 4;
	x[33] = INFINITY;
	EXPECT(xq_vsquant_encode(x, 2, 20, &f, q, scale, gamma, &fault) == -EDOM && fault.index == 33, "VS-Quant");
	EXPECT(xq_mx_encode(x, 2, 20, XQ_MX4, q, scale, micro, &fault) == -EDOM && fault.index == 33, "MX4");
	EXPECT(xq_mxint8_encode(x, 2, 20, q, scale, &fault) == -EDOM && fault.index == 33, "MXINT8");
	EXPECT(xq_mxfp4_encode(x, 2, 20, codes, scale, &fault) == -EDOM && fault.index == 33, "MXFP4");
	EXPECT(xq_mx_encode(x, 2, 20, (enum xq_mx)3, q, scale, micro, NULL) == -EINVAL, "no such format");
	EXPECT(xq_mx_encode(x, SIZE_MAX, 20, XQ_MX4, q, scale, micro, NULL) == -EOVERFLOW, "overflow");
}

KTAP_MAIN({ "MX4, MX6, MX9", mx },
	  { "VS-Quant", vsquant },
	  { "MXINT8", mxint8 },
	  { "MXFP4", mxfp4 },
	  { "special values", specials },
	  { "errors", errors })
