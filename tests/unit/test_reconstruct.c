// SPDX-License-Identifier: MIT
/* Rounding for a layer's inputs: better than to nearest, and never worse than where it began. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/reconstruct.h>

#include "ktap.h"

enum { ROWS = 20, K = 40, SAMPLES = 200 };

static float w[ROWS * K], v[ROWS * K], x[SAMPLES * K];
static double gram[K * K];
static int8_t q[ROWS * K], nearest[ROWS * K];
static float scale[ROWS];

/* Inputs that move together, as a layer's do: rounding errors may cancel. */
static void random_layer(void)
{
	memset(gram, 0, sizeof(gram));
	for (int s = 0; s < SAMPLES; s++) {
		double common = 2 * ktap_normal();

		for (int i = 0; i < K; i++)
			x[s * K + i] = (float)fmax(ktap_normal() + common, 0);
	}
	for (int i = 0; i < ROWS * K; i++)
		w[i] = (float)ktap_normal();
}

static void quantize_nearest(const struct xq_qtype *type)
{
	struct xq_layout layout;

	xq_layout_channel((size_t[]){ ROWS, K }, 2, 0, &layout);
	EXPECT(!xq_quantize_found(w, &layout, type, XQ_SYMMETRIC, NULL, NULL, nearest, scale, NULL, NULL), "quantize");
}

static double loss_of(const int8_t *codes)
{
	double loss = 0, exact = 0;

	for (int r = 0; r < ROWS; r++)
		for (int i = 0; i < K; i++)
			v[r * K + i] = scale[r] * codes[r * K + i];
	EXPECT(!xq_gram_loss(w, v, ROWS, K, gram, &loss), "loss");
	/* The same from outputs. */
	for (int s = 0; s < SAMPLES; s++) {
		for (int r = 0; r < ROWS; r++) {
			double e = 0;

			for (int i = 0; i < K; i++)
				e += ((double)w[r * K + i] - v[r * K + i]) * x[s * K + i];
			exact += e * e;
		}
	}
	EXPECT(fabs(loss / exact - 1) < 1e-6, "loss %g, outputs differ by %g", loss, exact);
	return loss;
}

static double round_half_away(double value)
{
	return value < 0 ? ceil(value - 0.5) : floor(value + 0.5);
}

static void adaround(void)
{
	for (unsigned int bits = 2; bits <= 4; bits++) {
		struct xq_adaround_options o = { .iterations = 600 };
		struct xq_qtype type;
		double before, after;
		int8_t again[ROWS * K];

		xq_qtype_bits(bits, true, &type);
		type = xq_qtype_symmetric(&type);
		random_layer();
		EXPECT(!xq_gram_add(gram, x, 100, K, NULL), "gram");
		EXPECT(!xq_gram_add(gram, x + 100 * K, SAMPLES - 100, K, NULL), "gram");
		quantize_nearest(&type);
		before = loss_of(nearest);
		EXPECT(!xq_adaround(w, ROWS, K, gram, &type, scale, &o, q, NULL), "adaround");
		after = loss_of(q);
		EXPECT(after < 0.5 * before, "%u bits: loss %g, was %g", bits, after, before);
		for (int i = 0; i < ROWS * K; i++) {
			float t = w[i] / scale[i / K];

			EXPECT(q[i] >= type.min && q[i] <= type.max, "code %d", q[i]);
			EXPECT(fabsf((float)q[i] - t) < 1.0001f, "%g became %d", t, q[i]);
		}
		EXPECT(!xq_adaround(w, ROWS, K, gram, &type, scale, &o, again, NULL), "again");
		EXPECT(!memcmp(q, again, sizeof(q)), "two runs differ");
	}
}

/* Few steps, large ones, scales that are far too small or large: what is learned may be worse, the result not. */
static void adaround_never_worse(void)
{
	for (int round = 0; round < 60; round++) {
		struct xq_adaround_options o = { .iterations = (unsigned int)ktap_range(1, 30),
						 .rate = ktap_range(0, 1) ? 5 : 0.01 };
		struct xq_qtype type;

		xq_qtype_bits((unsigned int)ktap_range(2, 8), true, &type);
		type = xq_qtype_symmetric(&type);
		random_layer();
		EXPECT(!xq_gram_add(gram, x, SAMPLES, K, NULL), "gram");
		quantize_nearest(&type);
		for (int r = 0; r < ROWS; r++)
			scale[r] *= (float)ldexp(1, round % 3 * (int)ktap_range(-12, 3));
		if (round % 10 == 9)
			scale[0] = FLT_TRUE_MIN;
		EXPECT(!xq_adaround(w, ROWS, K, gram, &type, scale, &o, q, NULL), "adaround");
		for (int r = 0; r < ROWS; r++) {
			double learned, plain;

			for (int i = 0; i < K; i++) {
				double code = fmin(fmax(round_half_away(w[r * K + i] / scale[r]), type.min), type.max);

				v[i] = scale[r] * (float)q[r * K + i];
				v[K + i] = scale[r] * (float)code;
			}
			EXPECT(!xq_gram_loss(w + r * K, v, 1, K, gram, &learned), "loss");
			EXPECT(!xq_gram_loss(w + r * K, v + K, 1, K, gram, &plain), "loss");
			EXPECT(learned <= plain * (1 + 1e-6), "case %d, row %d: loss %g, to nearest %g", round, r, learned, plain);
		}
	}
}

static void refine(void)
{
	for (unsigned int bits = 2; bits <= 4; bits++) {
		static float table[ROWS * 16];
		static uint8_t codes[ROWS * K];
		struct xq_qtype type;
		double before, after, refitted;
		size_t entries;

		xq_qtype_bits(bits, true, &type);
		type = xq_qtype_symmetric(&type);
		entries = (size_t)(type.max - type.min + 1);
		random_layer();
		EXPECT(!xq_gram_add(gram, x, SAMPLES, K, NULL), "gram");
		quantize_nearest(&type);
		before = loss_of(nearest);
		for (int r = 0; r < ROWS; r++)
			for (size_t c = 0; c < entries; c++)
				table[(size_t)r * entries + c] = scale[r] * (float)(type.min + (int)c);
		for (int i = 0; i < ROWS * K; i++)
			codes[i] = (uint8_t)(nearest[i] - type.min);
		EXPECT(!xq_refine_codes(w, ROWS, K, gram, table, entries, 0, codes, NULL), "refine");
		for (int i = 0; i < ROWS * K; i++)
			q[i] = (int8_t)(codes[i] + type.min);
		after = loss_of(q);
		EXPECT(after < 0.5 * before, "%u bits: loss %g, was %g", bits, after, before);
		/* No single code can be changed to advantage. */
		for (int trial = 0; trial < 200; trial++) {
			int i = (int)ktap_range(0, ROWS * K - 1);
			int8_t old = q[i];

			q[i] = (int8_t)ktap_range(type.min, type.max);
			EXPECT(loss_of(q) >= after * (1 - 1e-9), "changing %d from %d to %d helps", i, old, q[i]);
			q[i] = old;
		}
		EXPECT(!xq_refit_scale(w, q, ROWS, K, gram, scale), "refit");
		refitted = loss_of(q);
		EXPECT(refitted <= after * (1 + 1e-9), "refit: %g, was %g", refitted, after);
		for (int r = 0; r < ROWS; r++)
			scale[r] *= r & 1 ? 1.01f : 0.99f;
		EXPECT(loss_of(q) >= refitted, "another scale is better");
	}
}

static void errors(void)
{
	static uint8_t codes[ROWS * K];
	float table[2 * ROWS] = { 0 };
	struct xq_fault fault;
	struct xq_qtype type;

	xq_qtype_bits(4, true, &type);
	random_layer();
	quantize_nearest(&type);
	EXPECT(!xq_adaround(w, 0, K, gram, &type, scale, NULL, q, NULL), "no rows");
	EXPECT(!xq_adaround(w, ROWS, K, gram, &type, scale, &(struct xq_adaround_options){ .iterations = 2 }, q, NULL),
	       "inputs that are all zero");
	codes[3] = 2;
	EXPECT(xq_refine_codes(w, ROWS, K, gram, table, 2, 0, codes, &fault) == -EDOM && fault.index == 3, "code");
	EXPECT(xq_refine_codes(w, ROWS, K, gram, table, 1, 0, codes, NULL) == -EINVAL, "one entry");
	scale[2] = -1;
	EXPECT(xq_adaround(w, ROWS, K, gram, &type, scale, NULL, q, &fault) == -EDOM && fault.index == 2, "scale");
	w[5] = NAN;
	EXPECT(xq_adaround(w, ROWS, K, gram, &type, scale, NULL, q, &fault) == -EDOM && fault.index == 5, "NaN");
	xq_qtype_bits(16, true, &type);
	EXPECT(xq_adaround(w, ROWS, K, gram, &type, scale, NULL, q, NULL) == -EINVAL, "16 bits");
	x[7] = INFINITY;
	EXPECT(xq_gram_add(gram, x, 1, K, &fault) == -EDOM && fault.index == 7, "infinity");
}

KTAP_MAIN({ "AdaRound", adaround },
	  { "AdaRound is never worse than to nearest", adaround_never_worse },
	  { "coordinate descent and scales", refine },
	  { "errors", errors })
