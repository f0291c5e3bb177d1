// SPDX-License-Identifier: MIT
/* Codebooks: the table is a fixed point of k-means, codes are the nearest entries. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/codebook.h>

#include "ktap.h"

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

		EXPECT(!xq_codebook_fit(x, n, weighted ? weight : NULL, bits, 100000, table, NULL), "fit");
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
		EXPECT(!xq_codebook_fit(x, n, NULL, bits, 0, table, NULL), "fit");
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

	EXPECT(xq_codebook_fit(x, 10, NULL, 1, 0, table, NULL) == -EINVAL, "1 bit");
	EXPECT(xq_codebook_fit(x, 10, NULL, 9, 0, table, NULL) == -EINVAL, "9 bits");
	EXPECT(!xq_codebook_fit(NULL, 0, NULL, 4, 0, table, NULL) && table[15] == 0, "no values");
	for (int i = 0; i < 10; i++)
		x[i] = (float)i;
	x[6] = -INFINITY;
	EXPECT(xq_codebook_fit(x, 10, NULL, 4, 0, table, &fault) == -EDOM && fault.index == 6, "infinity");
	EXPECT(xq_codebook_encode(x, 10, table, 4, codes, &fault) == -EDOM && fault.index == 6, "infinity");
	x[6] = 6;
	weight[3] = -1;
	EXPECT(xq_codebook_fit(x, 10, weight, 4, 0, table, &fault) == -EDOM && fault.index <= 3, "weight");
	codes[4] = 16;
	EXPECT(xq_codebook_decode(codes, 10, table, 4, y, &fault) == -EDOM && fault.kind == XQ_FAULT_CODE,
	       "code 16 of 16");
	EXPECT(xq_codebook_storage(100, 4, 1, 32).bits == 400 + 512, "storage");
}

KTAP_MAIN({ "the table is a fixed point", fixed_point },
	  { "few values are exact", few_values },
	  { "codes are the nearest entries", encode_decode },
	  { "fine-tuning", fine_tuning },
	  { "int8 table", int8_table },
	  { "errors", errors })
