// SPDX-License-Identifier: MIT
/*
 * Schemes that look at a layer's inputs.
 *
 * AdaRound rounds each layer for the inputs of the float network. Reconstruction goes through
 * the network in order and fits each layer's outputs, computed from what the quantized layers
 * before it deliver, to those of the float network: with centred inputs x (quantized side) and
 * target outputs y, the best float weights are W' = (Y X^T + lambda W)(X X^T + lambda I)^-1; they
 * are quantized by coordinate descent in the metric X X^T, in turn with their scales, and the
 * bias takes up the means. The second summand of an addition is corrected for the error of the
 * first.
 */
#include <stdlib.h>
#include <string.h>

#include <xqaccel/binary.h>
#include <xqaccel/calibrate.h>
#include <xqaccel/codebook.h>
#include <xqaccel/float_formats.h>
#include <xqaccel/reconstruct.h>

#include "fit.h"
#include "infer.h"
#include "parallel.h"
#include "solve.h"

#define ROUNDS 6 /* of codes and scales in turn */

/* Rows that a thread takes at a time: as many as xq_adaround() optimizes together. */
#define PIECE 16

/* Writes reconstructed weights of some rows to v. */
typedef bool (*fit_encode)(const struct lab_fit *f, unsigned int bits, size_t from, size_t rows,
			   float *v);

/* ---- one layer ---------------------------------------------------------------------------------- */

/* Codes from -m to m, -1 and +1 for one bit. */
static bool first_codes(const float *w, size_t rows, size_t k, unsigned int bits, int8_t *q,
			float *scale)
{
	struct xq_calibration how = { .method = XQ_CAL_MSE };
	struct xq_layout layout;
	struct xq_qtype type;

	if (bits == 1)
		return !xq_bwn_encode(w, rows, k, q, scale, NULL);
	if (bits == 2)
		return !xq_ternary_best_encode(w, rows, k, q, scale, NULL);
	xq_qtype_bits(bits, true, &type);
	xq_layout_channel((size_t[]){ rows, k }, 2, 0, &layout);
	return !xq_quantize_found(w, &layout, &type, XQ_SYMMETRIC, &how, NULL, q, scale, NULL,
				  NULL);
}

static bool encode_linear(const struct lab_fit *f, unsigned int bits, size_t from, size_t rows,
			  float *v)
{
	const float *w = f->w + from * f->k;
	size_t n = rows * f->k, entries = bits == 1 ? 2 : (1u << bits) - 1;
	int low = bits == 1 ? -1 : -(int)(entries / 2), step = bits == 1 ? 2 : 1;
	int8_t *q = malloc(n);
	uint8_t *codes = malloc(n);
	float *scale = malloc(rows * sizeof(*scale)),
	      *table = malloc(rows * entries * sizeof(*table));
	bool ok = q && codes && scale && table && first_codes(w, rows, f->k, bits, q, scale);

	for (int round = 0; round < ROUNDS && ok; round++) {
		for (size_t i = 0; i < rows * entries; i++)
			table[i] = scale[i / entries] * (float)(low + step * (int)(i % entries));
		for (size_t i = 0; i < n; i++)
			codes[i] = (uint8_t)((q[i] - low) / step);
		ok = !xq_refine_codes(w, rows, f->k, f->gram, table, entries, 0, codes, NULL);
		for (size_t i = 0; i < n && ok; i++)
			q[i] = (int8_t)(low + step * codes[i]);
		ok = ok && !xq_refit_scale(w, q, rows, f->k, f->gram, scale);
	}
	ok = ok && !xq_scaled_decode(q, rows, f->k, scale, v);
	free(q);
	free(codes);
	free(scale);
	free(table);
	return ok;
}

/* The best entries of one row's table for its codes, from the normal equations. */
static bool refit_table(const struct lab_fit *f, size_t row, const uint8_t *codes, size_t entries,
			float *table)
{
	double a[16 * 16] = { 0 }, b[16] = { 0 };

	for (size_t i = 0; i < f->k; i++) {
		for (size_t j = 0; j < f->k; j++) {
			double g = f->gram[i * f->k + j];

			a[codes[i] * entries + codes[j]] += g;
			b[codes[i]] += g * (double)f->w[row * f->k + j];
		}
	}
	/* An entry without weights keeps its place. */
	for (size_t e = 0; e < entries; e++) {
		if (a[e * entries + e] == 0) {
			a[e * entries + e] = 1;
			b[e] = table[e];
		}
	}
	if (!lab_cholesky(a, entries))
		return false;
	lab_cholesky_solve(a, entries, b);
	for (size_t e = 0; e < entries; e++)
		table[e] = (float)b[e];
	return true;
}

static bool encode_codebook(const struct lab_fit *f, unsigned int bits, size_t from, size_t rows,
			    float *v)
{
	size_t entries = (size_t)1 << bits;
	uint8_t *codes = malloc(f->k);
	float table[16];
	bool ok = codes != NULL;

	for (size_t r = from; r < from + rows && ok; r++, v += f->k) {
		const float *w = f->w + r * f->k;

		ok = !xq_codebook_fit(w, f->k, NULL, bits, table, NULL) &&
		     !xq_codebook_encode(w, f->k, table, bits, codes, NULL);
		for (int round = 0; round < ROUNDS && ok; round++) {
			ok = !xq_refine_codes(w, 1, f->k, f->gram, table, entries, 0, codes, NULL);
			if (ok && !refit_table(f, r, codes, entries, table))
				break;
		}
		for (size_t e = 0; e < entries; e++)
			table[e] = xq_float_decode_one(xq_float_encode_one(table[e], XQ_FLOAT_FP16,
									   XQ_OVERFLOW_SATURATE),
						       XQ_FLOAT_FP16);
		ok = ok && !xq_refine_codes(w, 1, f->k, f->gram, table, entries, 0, codes, NULL) &&
		     !xq_codebook_decode(codes, f->k, table, bits, v, NULL);
	}
	free(codes);
	return ok;
}

static bool encode_adaround(const struct lab_fit *f, unsigned int bits, size_t from, size_t rows,
			    float *v)
{
	const float *w = f->op->weights + from * f->k;
	struct xq_calibration how = { .method = XQ_CAL_MSE };
	struct xq_qtype type, symmetric;
	struct xq_layout layout;
	int8_t *q = malloc(rows * f->k);
	float *scale = malloc(rows * sizeof(*scale));
	bool ok;

	xq_qtype_bits(bits, true, &type);
	symmetric = xq_qtype_symmetric(&type);
	xq_layout_channel((size_t[]){ rows, f->k }, 2, 0, &layout);
	ok = q && scale &&
	     !xq_find_params(w, &layout, &type, XQ_SYMMETRIC, &how, scale, NULL, NULL) &&
	     !xq_adaround(w, rows, f->k, f->gram, &symmetric, scale, NULL, q, NULL) &&
	     !xq_scaled_decode(q, rows, f->k, scale, v);
	free(q);
	free(scale);
	return ok;
}

/* y = V (x - mean x) + mean y */
static void set_layer(const struct lab_fit *f, const float *v, struct lab_op *op)
{
	memcpy(op->weights, v, f->rows * f->k * sizeof(*v));
	for (size_t r = 0; r < f->rows; r++) {
		double bias = f->y_mean[r];

		for (size_t i = 0; i < f->k; i++)
			bias -= (double)v[r * f->k + i] * f->x_mean[i];
		op->bias[r] = (float)bias;
	}
}

struct encoding {
	const struct lab_fit *f;
	unsigned int bits;
	fit_encode encode;
	float *v;
};

static bool encode_piece(void *argument, size_t piece)
{
	struct encoding *e = argument;
	size_t from = piece * PIECE, to = lab_piece_end(piece, PIECE, e->f->rows);

	return e->encode(e->f, e->bits, from, to - from, e->v + from * e->f->k);
}

static bool encode_layer(const struct lab_fit *f, unsigned int bits, fit_encode encode,
			 struct lab_op *op, struct lab_cost *cost)
{
	struct encoding all = { f, bits, encode, malloc(f->rows * f->k * sizeof(*all.v)) };
	bool ok = all.v && lab_parallel(lab_pieces(f->rows, PIECE), encode_piece, &all);

	if (ok) {
		cost->code_bits += (uint64_t)f->rows * f->k * bits;
		cost->param_bits +=
			(uint64_t)f->rows * (encode == encode_codebook ? (uint64_t)16 << bits : 32);
		lab_count_error(f->op, all.v, cost);
		set_layer(f, all.v, op);
	}
	free(all.v);
	return ok;
}

/* ---- the network -------------------------------------------------------------------------------- */

static bool rebuild_layers(const struct lab_calibration *c, unsigned int bits, fit_encode encode,
			   lab_tensor_list *quantized, struct lab_model *m, struct lab_cost *cost)
{
	bool ok = true;

	for (int i = 0; i < m->ops && ok; i++) {
		if (m->op[i].kind == LAB_CONV) {
			struct lab_fit f;

			if (!lab_fit_init(&f, c, i, quantized))
				return false;
			ok = lab_fit_solve(&f) && encode_layer(&f, bits, encode, &m->op[i], cost);
			lab_fit_free(&f);
		}
		ok = ok && lab_run_all(m, i, quantized, c->n);
	}
	return ok;
}

static bool rebuild(const struct lab_calibration *c, unsigned int bits, fit_encode encode,
		    struct lab_model *m, struct lab_cost *cost)
{
	lab_tensor_list *quantized = calloc(c->n, sizeof(*quantized));
	float **memory = calloc(c->n, sizeof(*memory));
	bool ok = quantized && memory;

	for (size_t i = 0; i < c->n && ok; i++) {
		memory[i] = lab_tensors(m, quantized[i]);
		ok = memory[i] != NULL;
		if (ok)
			memcpy(quantized[i][m->input], c->tensors[i][m->input],
			       lab_size(m->shape[m->input]) * sizeof(float));
	}
	ok = ok && rebuild_layers(c, bits, encode, quantized, m, cost);
	for (size_t i = 0; i < c->n && memory; i++)
		free(memory[i]);
	free(memory);
	free(quantized);
	return ok;
}

bool lab_rebuild_linear(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
			struct lab_cost *cost)
{
	return rebuild(c, bits, encode_linear, m, cost);
}

bool lab_rebuild_codebook(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
			  struct lab_cost *cost)
{
	return rebuild(c, bits, encode_codebook, m, cost);
}

bool lab_adaround(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
		  struct lab_cost *cost)
{
	bool ok = true;

	for (int i = 0; i < m->ops && ok; i++) {
		struct lab_fit f;

		if (m->op[i].kind != LAB_CONV)
			continue;
		if (!lab_fit_init(&f, c, i, c->tensors))
			return false;
		ok = encode_layer(&f, bits, encode_adaround, &m->op[i], cost);
		lab_fit_free(&f);
	}
	return ok;
}
