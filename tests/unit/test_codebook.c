// SPDX-License-Identifier: MIT
/* Codebooks: the table is a fixed point of k-means, codes are the nearest entries. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/codebook.h>

#include "distributions.h"

enum { MANY = 3000 };

static float x[MANY], y[MANY], weight[MANY];
static uint8_t codes[MANY];

/* First of the nearest entries, by trying all. */
static unsigned int nearest(float v, const float *table, unsigned int bits)
{
	unsigned int best = 0;

	for (unsigned int c = 1; c < 1u << bits; c++)
		if (fabs((double)v - table[c]) < fabs((double)v - table[best]))
			best = c;
	return best;
}

static size_t random_values(void)
{
	size_t n = (size_t)ktap_range(1, ktap_range(0, 1) ? 40 : MANY);
	int kind = (int)ktap_range(0, 2);

	for (size_t i = 0; i < n; i++) {
		x[i] = kind == 0 ? (float)ktap_range(-20, 20) : (float)(ktap_normal() * 3 + kind);
		weight[i] = (float)ktap_range(0, 3);
	}
	return n;
}

static void fixed_point(void)
{
	for (int round = 0; round < 500; round++) {
		size_t n = random_values();
		unsigned int bits = (unsigned int)ktap_range(2, 8);
		double sum[256] = { 0 }, mass[256] = { 0 };
		float table[256];
		bool weighted = ktap_range(0, 1);

		EXPECT(!xq_codebook_fit(x, n, weighted ? weight : NULL, bits, table, NULL), "fit");
		for (unsigned int c = 1; c < 1u << bits; c++)
			EXPECT(table[c] >= table[c - 1], "entry %u falls", c);
		/* Values in the very middle may belong to either side. */
		for (size_t i = 0; i < n; i++) {
			unsigned int c = nearest(x[i], table, bits);
			double w = weighted ? weight[i] : 1;

			while (c && table[c - 1] == table[c])
				c--;
			sum[c] += w * x[i];
			mass[c] += w;
		}
		for (unsigned int c = 0; c < 1u << bits; c++)
			EXPECT(mass[c] == 0 || fabs(sum[c] / mass[c] - table[c]) < 0.02,
			       "case %d: entry %u of %u bits is %g, mean %g", round, c, bits, table[c],
			       sum[c] / mass[c]);
	}
}

/* Values that are few enough are represented exactly. */
static void few_values(void)
{
	for (int round = 0; round < 300; round++) {
		unsigned int bits = (unsigned int)ktap_range(2, 4);
		float table[16], kept[4];
		size_t n = (size_t)ktap_range(1, 60);
		double error = 0;

		for (int c = 0; c < 4; c++)
			kept[c] = (float)(c * 5 + ktap_unit());
		for (size_t i = 0; i < n; i++)
			x[i] = kept[ktap_range(0, 3)];
		EXPECT(!xq_codebook_fit(x, n, NULL, bits, table, NULL), "fit");
		EXPECT(!xq_codebook_encode(x, n, table, bits, codes, NULL), "encode");
		EXPECT(!xq_codebook_decode(codes, n, table, bits, y, NULL), "decode");
		for (size_t i = 0; i < n; i++)
			error = fmax(error, fabs((double)x[i] - y[i]));
		EXPECT(error < 1e-6, "%zu values of 4, %u bits: error %g", n, bits, error);
	}
}

static void encode_decode(void)
{
	for (int round = 0; round < 1000; round++) {
		size_t n = random_values();
		unsigned int bits = (unsigned int)ktap_range(2, 8);
		float table[256];

		/* Unsorted tables, with equal entries. */
		for (unsigned int c = 0; c < 1u << bits; c++)
			table[c] = ktap_range(0, 3) ? (float)(ktap_normal() * 4) : (float)ktap_range(-3, 3);
		EXPECT(!xq_codebook_encode(x, n, table, bits, codes, NULL), "encode");
		EXPECT(!xq_codebook_decode(codes, n, table, bits, y, NULL), "decode");
		for (size_t i = 0; i < n; i++) {
			EXPECT(codes[i] == nearest(x[i], table, bits), "%g: code %u (%.9g), not %u (%.9g)", x[i],
			       codes[i], table[codes[i]], nearest(x[i], table, bits),
			       table[nearest(x[i], table, bits)]);
			EXPECT(y[i] == table[codes[i]], "decode");
		}
	}
}

/* Gradient descent on the entries finds the means from a bad start. */
static void fine_tuning(void)
{
	float table[4] = { -3, -2, 2, 3 }, gradient[MANY];
	double table_gradient[4], before = 0, after = 0;
	size_t n = 1000;

	for (size_t i = 0; i < n; i++)
		x[i] = (float)ktap_normal();
	for (int step = 0; step < 200; step++) {
		double error = 0;

		xq_codebook_encode(x, n, table, 2, codes, NULL);
		xq_codebook_decode(codes, n, table, 2, y, NULL);
		for (size_t i = 0; i < n; i++) {
			gradient[i] = 2 * (y[i] - x[i]) / (float)n;
			error += pow(y[i] - x[i], 2) / (double)n;
		}
		before = step ? before : error;
		after = error;
		EXPECT(!xq_codebook_gradient(gradient, codes, n, 2, table_gradient, NULL), "gradient");
		EXPECT(!xq_codebook_step(table, table_gradient, 2, 0.5), "step");
	}
	EXPECT(after < 0.3 * before, "error %g, was %g", after, before);
	codes[0] = 0;
	codes[1] = 3;
	codes[2] = 3;
	gradient[0] = 1;
	gradient[1] = 2;
	gradient[2] = 4;
	xq_codebook_gradient(gradient, codes, 3, 2, table_gradient, NULL);
	EXPECT(table_gradient[0] == 1 && table_gradient[1] == 0 && table_gradient[3] == 6, "sums");
}

static void int8_table(void)
{
	float table[16], scale;
	int8_t entries[16];

	for (int round = 0; round < 200; round++) {
		double largest = 0;

		for (int c = 0; c < 16; c++) {
			table[c] = (float)ktap_normal();
			largest = fmax(largest, fabsf(table[c]));
		}
		EXPECT(!xq_codebook_to_s8(table, 4, entries, &scale, NULL), "to s8");
		EXPECT(scale == (float)largest / 127, "S %g", scale);
		for (int c = 0; c < 16; c++)
			EXPECT(entries[c] == (int)rint((double)(table[c] / scale)), "entry %d", c);
	}
	memset(table, 0, sizeof(table));
	EXPECT(!xq_codebook_to_s8(table, 4, entries, &scale, NULL) && scale == 1 && entries[3] == 0, "zeros");
}

static void errors(void)
{
	float table[16] = { 0 };
	struct xq_fault fault;

	EXPECT(xq_codebook_fit(x, 10, NULL, 1, table, NULL) == -EINVAL, "1 bit");
	EXPECT(xq_codebook_fit(x, 10, NULL, 9, table, NULL) == -EINVAL, "9 bits");
	EXPECT(!xq_codebook_fit(NULL, 0, NULL, 4, table, NULL) && table[15] == 0, "no values");
	for (int i = 0; i < 10; i++)
		x[i] = (float)i;
	x[6] = -INFINITY;
	EXPECT(xq_codebook_fit(x, 10, NULL, 4, table, &fault) == -EDOM && fault.index == 6, "infinity");
	EXPECT(xq_codebook_encode(x, 10, table, 4, codes, &fault) == -EDOM && fault.index == 6, "infinity");
	x[6] = 6;
	weight[3] = -1;
	EXPECT(xq_codebook_fit(x, 10, weight, 4, table, &fault) == -EDOM && fault.index <= 3, "weight");
	codes[4] = 16;
	EXPECT(xq_codebook_decode(codes, 10, table, 4, y, &fault) == -EDOM && fault.kind == XQ_FAULT_CODE,
	       "code 16 of 16");
	EXPECT(xq_codebook_storage(100, 4, 1, 32).bits == 400 + 512, "storage");
}

/* Least error of sorted values in k runs, by trying every run for every end. */
static double least_error(size_t n, size_t k, bool weighted)
{
	double *last = calloc(n + 1, sizeof(*last)), *now = calloc(n + 1, sizeof(*now)), best;

	for (size_t j = 1; j <= n; j++)
		last[j] = INFINITY;
	for (size_t c = 0; c < k; c++) {
		double *swap = last;

		for (size_t j = 1; j <= n; j++) {
			double mass = 0, mean = 0, squares = 0;

			now[j] = last[j];
			for (size_t i = j; i-- > 0;) {
				double w = weighted ? weight[i] : 1, off = x[i] - mean;

				mass += w;
				if (w > 0) {
					mean += off * w / mass;
					squares += w * off * (x[i] - mean);
				}
				now[j] = fmin(now[j], last[i] + squares);
			}
		}
		now[0] = 0;
		last = now;
		now = swap;
	}
	best = last[n];
	free(last);
	free(now);
	return best;
}

static double table_error(size_t n, const float *table, unsigned int bits, bool weighted)
{
	double error = 0;

	for (size_t i = 0; i < n; i++)
		error += (weighted ? weight[i] : 1) * pow((double)x[i] - table[nearest(x[i], table, bits)], 2);
	return error;
}

static int rising(const void *a, const void *b)
{
	float v = *(const float *)a, w = *(const float *)b;

	return (v > w) - (v < w);
}

/* The table's entries are float32: each may be off by half a unit in its last place. */
static double slack(size_t n)
{
	double energy = 0;

	for (size_t i = 0; i < n; i++)
		energy += (double)x[i] * x[i];
	return energy * 0x1p-46;
}

static void exact(void)
{
	for (int round = 0; round < 14 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		unsigned int bits = (unsigned int)ktap_range(2, round % 20 ? 4 : 5);
		size_t n = (size_t)ktap_range(1, round % 20 ? 50 : 150);
		bool weighted = ktap_range(0, 2) == 0;
		float table[256];
		double best, found;

		if (kind == DENORMAL || kind == LARGEST_FLOATS)
			continue;
		fill(kind, x, n);
		for (size_t i = 0; i < n; i++)
			weight[i] = (float)ktap_range(i != 0, 3);
		EXPECT(!xq_codebook_fit(x, n, weighted ? weight : NULL, bits, table, NULL), "fit");
		for (unsigned int c = 1; c < 1u << bits; c++)
			EXPECT(table[c] >= table[c - 1], "distribution %d: entry %u falls", kind, c);
		/* Weights go with their values. */
		for (size_t i = 1; i < n; i++) {
			for (size_t j = i; j > 0 && x[j] < x[j - 1]; j--) {
				float v = x[j], w = weight[j];

				x[j] = x[j - 1];
				weight[j] = weight[j - 1];
				x[j - 1] = v;
				weight[j - 1] = w;
			}
		}
		best = least_error(n, (size_t)1 << bits, weighted);
		found = table_error(n, table, bits, weighted);
		EXPECT(found <= best * (1 + 1e-6) + slack(n) * 3, "distribution %d, %zu values, %u bits: %g, best %g", kind, n,
		       bits, found, best);
	}
}

/* More different values than the exact solution takes. */
static void many_values(void)
{
	static const enum distribution kinds[] = { NORMAL, UNIFORM, LAPLACE, LOG_NORMAL, FAR_OUTLIER, CLUSTERS, MANY_SIZES };

	for (size_t d = 0; d < sizeof(kinds) / sizeof(kinds[0]); d++) {
		for (unsigned int bits = 2; bits <= 3; bits++) {
			float table[256];
			double best, found;

			fill(kinds[d], x, 1200);
			qsort(x, 1200, sizeof(*x), rising);
			EXPECT(!xq_codebook_fit(x, 1200, NULL, bits, table, NULL), "fit");
			best = least_error(1200, (size_t)1 << bits, false);
			found = table_error(1200, table, bits, false);
			EXPECT(found <= best * 1.01, "distribution %d, %u bits: %g, best %g", kinds[d], bits, found, best);
		}
	}
}

/* So many that they are taken in chunks: no worse than by a sample that is solved exactly; outliers are kept. */
static void very_many_values(void)
{
	enum { COUNT = 150000 };
	float *all = malloc(COUNT * sizeof(*all)), table[256], other[256];
	double error = 0, of_sample = 0;

	for (size_t i = 0; i < COUNT; i++)
		all[i] = (float)ktap_normal();
	all[COUNT / 2] = 1e6f;
	EXPECT(!xq_codebook_fit(all, COUNT, NULL, 4, table, NULL), "fit");
	EXPECT(table[15] == 1e6f, "the outlier became %g", table[15]);
	memcpy(x, all, 1000 * sizeof(*x));
	x[0] = 1e6f;
	EXPECT(!xq_codebook_fit(x, 1000, NULL, 4, other, NULL), "fit");
	for (size_t i = 0; i < COUNT; i++) {
		error += pow((double)all[i] - table[nearest(all[i], table, 4)], 2);
		of_sample += pow((double)all[i] - other[nearest(all[i], other, 4)], 2);
	}
	EXPECT(error <= of_sample, "error %g, of a sample's table %g", error, of_sample);
	/* Max 1960: fifteen levels leave 0.0107 of a normal distribution. */
	EXPECT(error / COUNT < 0.0108, "mean squared error %g", error / COUNT);
	free(all);
}

/* Clusters, and values that differ by ten orders of magnitude. */
static void known_values(void)
{
	static const float centre[] = { 0, 1, 2, 3, 4, 5, 100 };
	float table[256];
	double found;

	for (size_t i = 0; i < 700; i++)
		x[i] = (float)(centre[i % 7] + 0.01 * ktap_normal());
	qsort(x, 700, sizeof(*x), rising);
	EXPECT(!xq_codebook_fit(x, 700, NULL, 3, table, NULL), "fit");
	found = table_error(700, table, 3, false);
	EXPECT(found <= least_error(700, 8, false) * 1.0001, "clusters: error %g", found);
	memcpy(x, (float[]){ 1e10f, 1, 2, 3 }, 4 * sizeof(*x));
	EXPECT(!xq_codebook_fit(x, 4, NULL, 2, table, NULL), "fit");
	EXPECT(table[0] == 1 && table[1] == 2 && table[2] == 3 && table[3] == 1e10f, "%g %g %g %g", table[0], table[1],
	       table[2], table[3]);
}

/* Integers and the smallest values that there are: most of the range lies between the two. */
static void far_apart(void)
{
	float table[256];
	unsigned int i, bits;
	size_t n;

	for (i = 0; i < 1100; i++)
		x[i] = i < 200 ? (float)(i + 1) : ldexpf((float)(i - 199), -149);
	for (bits = 2; bits <= 8; bits++)
		EXPECT(!xq_codebook_fit(x, 1100, NULL, bits, table, NULL), "%u bits", bits);
	/* 200 entries are the integers, so no value is further off than the denormals are apart. */
	for (n = 0; n < 200; n++) {
		for (i = 0; i < 256 && table[i] != x[n]; i++)
			;
		EXPECT(i < 256, "%zu has no entry", n + 1);
	}
}

/* A linear code is a codebook: none of the same width is better. */
static void never_worse_than_linear(void)
{
	for (int round = 0; round < 6 * DISTRIBUTIONS; round++) {
		enum distribution kind = (enum distribution)(round % DISTRIBUTIONS);
		unsigned int bits = (unsigned int)ktap_range(2, 8);
		size_t n = (size_t)ktap_range(1, round % 20 ? 200 : 2500);
		struct xq_layout layout;
		struct xq_qtype type;
		double linear = 0, found;
		float table[256], scale;
		int32_t zp;

		if (kind == DENORMAL || kind == LARGEST_FLOATS)
			continue;
		fill(kind, x, n);
		xq_qtype_bits(bits, false, &type);
		xq_layout_tensor(&n, 1, &layout);
		EXPECT(!xq_quantize_found(x, &layout, &type, XQ_AFFINE, NULL, NULL, codes, &scale, &zp, NULL), "quantize");
		EXPECT(!xq_dequantize(codes, &layout, &type, &scale, &zp, y, NULL), "dequantize");
		for (size_t i = 0; i < n; i++)
			linear += pow((double)x[i] - y[i], 2);
		EXPECT(!xq_codebook_fit(x, n, NULL, bits, table, NULL), "fit");
		found = table_error(n, table, bits, false);
		EXPECT(found <= linear * (1 + 1e-6) + slack(n) * 1e-3, "distribution %d, %zu values, %u bits: %g, linear %g",
		       kind, n, bits, found, linear);
	}
}

KTAP_MAIN({ "the table is a fixed point", fixed_point },
	  { "the least squared error", exact },
	  { "of many values, within 1 %", many_values },
	  { "of very many values", very_many_values },
	  { "known values", known_values },
	  { "far apart", far_apart },
	  { "never worse than linear codes", never_worse_than_linear },
	  { "few values are exact", few_values },
	  { "codes are the nearest entries", encode_decode },
	  { "fine-tuning", fine_tuning },
	  { "int8 table", int8_table },
	  { "errors", errors })
