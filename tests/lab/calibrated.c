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
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/binary.h>
#include <xqaccel/calibrate.h>
#include <xqaccel/codebook.h>
#include <xqaccel/float_formats.h>
#include <xqaccel/reconstruct.h>

#include "infer.h"
#include "schemes.h"
#include "solve.h"

/* Rows of inputs that a layer is fitted to. */
#define SAMPLES 8192

#define ROUNDS 6	/* of codes and scales in turn */
#define RIDGE 0.01	/* lambda, in means of the diagonal of X X^T */

/* One layer's samples, centred, with what they were centred by. */
struct fit {
	const struct lab_op *op;
	size_t n, k, rows;
	float *x, *y;			/* [n][k] and [n][rows] */
	double *x_mean, *y_mean;
	double *gram;			/* [k][k], with the ridge */
	float *w;			/* W', [rows][k] */
};

bool lab_calibration_init(struct lab_calibration *c, const struct lab_model *m,
			  const struct lab_images *images, size_t most)
{
	struct lab_scratch s;

	*c = (struct lab_calibration){ .model = m };
	if (!lab_scratch_init(&s, m))
		return false;
	c->memory = calloc(most, sizeof(*c->memory));
	c->tensors = calloc(most, sizeof(*c->tensors));
	while (c->memory && c->tensors && c->n < most && c->n < images->n) {
		c->memory[c->n] = lab_tensors(m, c->tensors[c->n]);
		if (!c->memory[c->n])
			break;
		lab_set_input(m, images->pixels + c->n * lab_size(images->shape), c->tensors[c->n][m->input]);
		for (int i = 0; i < m->ops; i++)
			lab_run_op(m, &m->op[i], c->tensors[c->n], &s);
		c->n++;
	}
	lab_scratch_free(&s);
	return c->n > 0;
}

void lab_calibration_free(struct lab_calibration *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->memory[i]);
	free(c->memory);
	free(c->tensors);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 33;
}

static void fit_free(struct fit *f)
{
	free(f->x);
	free(f->y);
	free(f->x_mean);
	free(f->y_mean);
	free(f->gram);
	free(f->w);
}

static void centre(float *rows, size_t n, size_t width, double *mean)
{
	for (size_t s = 0; s < n; s++)
		for (size_t i = 0; i < width; i++)
			mean[i] += rows[s * width + i] / (double)n;
	for (size_t s = 0; s < n; s++)
		for (size_t i = 0; i < width; i++)
			rows[s * width + i] -= (float)mean[i];
}

/* The tensor that an addition will put beside this layer's output, if it is there already. */
static int summand_of(const struct lab_model *m, int index)
{
	for (int i = index + 1; i < m->ops; i++) {
		const struct lab_op *op = &m->op[i];
		int other;

		if (op->kind != LAB_ADD || (op->in[0] != m->op[index].out && op->in[1] != m->op[index].out))
			continue;
		other = op->in[0] == m->op[index].out ? op->in[1] : op->in[0];
		for (int j = 0; j < index; j++)
			if (m->op[j].out == other)
				return other;
	}
	return -1;
}

/* Before the activation, as the float network has it, plus what the other summand lacks. */
static void target(const struct lab_calibration *c, const struct lab_op *op, int summand, size_t image,
		   float *const *quantized, int position, const float *column, float *y)
{
	struct lab_shape os = c->model->shape[op->out];
	size_t area = (size_t)(os.height * os.width);

	for (size_t r = 0; r < op->rows; r++) {
		double sum = op->bias[r];

		for (size_t i = 0; i < op->k; i++)
			sum += (double)op->weights[r * op->k + i] * column[i];
		if (summand >= 0)
			sum += (double)c->tensors[image][summand][r * area + (size_t)position] -
			       quantized[summand][r * area + (size_t)position];
		y[r] = (float)sum;
	}
}

/* quantized: the tensors of the network that is being built, for each image. */
static bool fit_init(struct fit *f, const struct lab_calibration *c, int index,
		     float *(*quantized)[LAB_MAX_TENSORS])
{
	const struct lab_op *op = &c->model->op[index];
	struct lab_shape os = c->model->shape[op->out];
	size_t positions = (size_t)(os.height * os.width), each = SAMPLES / c->n;
	uint64_t random = 1;
	int summand = summand_of(c->model, index);
	float *column = malloc(op->k * sizeof(*column));

	each = each < 1 ? 1 : each > positions ? positions : each;
	*f = (struct fit){ .op = op, .n = each * c->n, .k = op->k, .rows = op->rows };
	f->x = malloc(f->n * f->k * sizeof(*f->x));
	f->y = malloc(f->n * f->rows * sizeof(*f->y));
	f->x_mean = calloc(f->k, sizeof(*f->x_mean));
	f->y_mean = calloc(f->rows, sizeof(*f->y_mean));
	f->gram = calloc(f->k * f->k, sizeof(*f->gram));
	f->w = malloc(f->rows * f->k * sizeof(*f->w));
	if (!column || !f->x || !f->y || !f->x_mean || !f->y_mean || !f->gram || !f->w) {
		free(column);
		fit_free(f);
		return false;
	}
	for (size_t s = 0; s < f->n; s++) {
		size_t image = s / each;
		int position = (int)(each == positions ? s % each : next_random(&random) % positions);

		lab_column(c->model, op, c->tensors[image][op->in[0]], position, column);
		target(c, op, summand, image, quantized[image], position, column, f->y + s * f->rows);
		lab_column(c->model, op, quantized[image][op->in[0]], position, f->x + s * f->k);
	}
	free(column);
	centre(f->x, f->n, f->k, f->x_mean);
	centre(f->y, f->n, f->rows, f->y_mean);
	return true;
}

/* The Gram matrix with its ridge, and W'. */
static bool fit_solve(struct fit *f)
{
	double *factor = malloc(f->k * f->k * sizeof(*factor)), *right = malloc(f->k * sizeof(*right));
	double ridge = 0;
	bool ok = factor && right && !xq_gram_add(f->gram, f->x, f->n, f->k, NULL);

	for (size_t i = 0; i < f->k && ok; i++)
		ridge += f->gram[i * f->k + i] / (double)f->k * RIDGE;
	ridge = ridge > 0 ? ridge : 1;
	for (size_t i = 0; i < f->k && ok; i++)
		f->gram[i * f->k + i] += ridge;
	if (ok) {
		memcpy(factor, f->gram, f->k * f->k * sizeof(*factor));
		ok = lab_cholesky(factor, f->k);
	}
	for (size_t r = 0; r < f->rows && ok; r++) {
		for (size_t i = 0; i < f->k; i++)
			right[i] = ridge * (double)f->op->weights[r * f->k + i];
		for (size_t s = 0; s < f->n; s++)
			for (size_t i = 0; i < f->k; i++)
				right[i] += (double)f->y[s * f->rows + r] * f->x[s * f->k + i];
		lab_cholesky_solve(factor, f->k, right);
		for (size_t i = 0; i < f->k; i++)
			f->w[r * f->k + i] = (float)right[i];
	}
	free(factor);
	free(right);
	return ok;
}

/* ---- one layer ---------------------------------------------------------------------------------- */

/* Writes reconstructed weights to v and adds what they cost. */
typedef bool (*fit_encode)(const struct fit *f, unsigned int bits, float *v, struct lab_cost *cost);

/* Codes from -m to m, -1 and +1 for one bit. */
static bool encode_linear(const struct fit *f, unsigned int bits, float *v, struct lab_cost *cost)
{
	size_t n = f->rows * f->k, entries = bits == 1 ? 2 : (1u << bits) - 1;
	int low = bits == 1 ? -1 : -(int)(entries / 2), step = bits == 1 ? 2 : 1;
	int8_t *q = malloc(n);
	uint8_t *codes = malloc(n);
	float *scale = malloc(f->rows * sizeof(*scale)), *table = malloc(f->rows * entries * sizeof(*table));
	bool ok = q && codes && scale && table;

	if (ok && bits == 1) {
		ok = !xq_bwn_encode(f->w, f->rows, f->k, q, scale, NULL);
	} else if (ok && bits == 2) {
		ok = !xq_ternary_best_encode(f->w, f->rows, f->k, q, scale, NULL);
	} else if (ok) {
		struct xq_calibration how = { .method = XQ_CAL_MSE };
		struct xq_layout layout;
		struct xq_qtype type;

		xq_qtype_bits(bits, true, &type);
		xq_layout_channel((size_t[]){ f->rows, f->k }, 2, 0, &layout);
		ok = !xq_quantize_found(f->w, &layout, &type, XQ_SYMMETRIC, &how, NULL, q, scale, NULL, NULL);
	}
	for (int round = 0; round < ROUNDS && ok; round++) {
		for (size_t i = 0; i < f->rows * entries; i++)
			table[i] = scale[i / entries] * (float)(low + step * (int)(i % entries));
		for (size_t i = 0; i < n; i++)
			codes[i] = (uint8_t)((q[i] - low) / step);
		ok = !xq_refine_codes(f->w, f->rows, f->k, f->gram, table, entries, 0, codes, NULL);
		for (size_t i = 0; i < n && ok; i++)
			q[i] = (int8_t)(low + step * codes[i]);
		ok = ok && !xq_refit_scale(f->w, q, f->rows, f->k, f->gram, scale);
	}
	ok = ok && !xq_scaled_decode(q, f->rows, f->k, scale, v);
	cost->code_bits += (uint64_t)n * bits;
	cost->param_bits += (uint64_t)f->rows * 32;
	free(q);
	free(codes);
	free(scale);
	free(table);
	return ok;
}

/* The best entries of one row's table for its codes, from the normal equations. */
static bool refit_table(const struct fit *f, size_t row, const uint8_t *codes, size_t entries, float *table)
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

static bool encode_codebook(const struct fit *f, unsigned int bits, float *v, struct lab_cost *cost)
{
	size_t entries = (size_t)1 << bits;
	uint8_t *codes = malloc(f->k);
	float table[16];
	bool ok = codes != NULL;

	for (size_t r = 0; r < f->rows && ok; r++) {
		const float *w = f->w + r * f->k;

		ok = !xq_codebook_fit(w, f->k, NULL, bits, 0, table, NULL) &&
		     !xq_codebook_encode(w, f->k, table, bits, codes, NULL);
		for (int round = 0; round < ROUNDS && ok; round++) {
			ok = !xq_refine_codes(w, 1, f->k, f->gram, table, entries, 0, codes, NULL);
			if (ok && !refit_table(f, r, codes, entries, table))
				break;
		}
		for (size_t e = 0; e < entries; e++)
			table[e] = xq_float_decode_one(xq_float_encode_one(table[e], XQ_FLOAT_FP16,
									   XQ_OVERFLOW_SATURATE), XQ_FLOAT_FP16);
		ok = ok && !xq_refine_codes(w, 1, f->k, f->gram, table, entries, 0, codes, NULL) &&
		     !xq_codebook_decode(codes, f->k, table, bits, v + r * f->k, NULL);
	}
	cost->code_bits += (uint64_t)f->rows * f->k * bits;
	cost->param_bits += (uint64_t)f->rows * entries * 16;
	free(codes);
	return ok;
}

/* y = V (x - mean x) + mean y */
static void set_layer(const struct fit *f, const float *v, struct lab_op *op)
{
	memcpy(op->weights, v, f->rows * f->k * sizeof(*v));
	for (size_t r = 0; r < f->rows; r++) {
		double bias = f->y_mean[r];

		for (size_t i = 0; i < f->k; i++)
			bias -= (double)v[r * f->k + i] * f->x_mean[i];
		op->bias[r] = (float)bias;
	}
}

static bool rebuild_layer(const struct lab_calibration *c, int index, float *(*quantized)[LAB_MAX_TENSORS],
			  unsigned int bits, fit_encode encode, struct lab_model *m, struct lab_cost *cost)
{
	struct fit f;
	float *v;
	bool ok;

	if (!fit_init(&f, c, index, quantized))
		return false;
	v = malloc(f.rows * f.k * sizeof(*v));
	ok = v && fit_solve(&f) && encode(&f, bits, v, cost);
	if (ok) {
		lab_count_error(f.op, v, cost);
		set_layer(&f, v, &m->op[index]);
	}
	free(v);
	fit_free(&f);
	return ok;
}

static bool rebuild(const struct lab_calibration *c, unsigned int bits, fit_encode encode,
		    struct lab_model *m, struct lab_cost *cost)
{
	float *(*quantized)[LAB_MAX_TENSORS] = calloc(c->n, sizeof(*quantized));
	float **memory = calloc(c->n, sizeof(*memory));
	struct lab_scratch s;
	bool ok = quantized && memory && lab_scratch_init(&s, m);

	for (size_t i = 0; i < c->n && ok; i++) {
		memory[i] = lab_tensors(m, quantized[i]);
		ok = memory[i] != NULL;
		if (ok)
			memcpy(quantized[i][m->input], c->tensors[i][m->input],
			       lab_size(m->shape[m->input]) * sizeof(float));
	}
	for (int op = 0; op < m->ops && ok; op++) {
		if (m->op[op].kind == LAB_CONV)
			ok = rebuild_layer(c, op, quantized, bits, encode, m, cost);
		for (size_t i = 0; i < c->n && ok; i++)
			lab_run_op(m, &m->op[op], quantized[i], &s);
	}
	if (quantized && memory)
		lab_scratch_free(&s);
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
	struct xq_calibration how = { .method = XQ_CAL_MSE };
	struct xq_qtype type, symmetric;
	bool ok = true;

	xq_qtype_bits(bits, true, &type);
	symmetric = xq_qtype_symmetric(&type);
	for (int i = 0; i < m->ops && ok; i++) {
		struct lab_op *op = &m->op[i];
		struct xq_layout layout;
		struct fit f;
		int8_t *q;
		float *scale, *v;

		if (op->kind != LAB_CONV)
			continue;
		if (!fit_init(&f, c, i, c->tensors))
			return false;
		q = malloc(op->rows * op->k);
		scale = malloc(op->rows * sizeof(*scale));
		v = malloc(op->rows * op->k * sizeof(*v));
		xq_layout_channel((size_t[]){ op->rows, op->k }, 2, 0, &layout);
		ok = q && scale && v && !xq_gram_add(f.gram, f.x, f.n, f.k, NULL) &&
		     !xq_find_params(op->weights, &layout, &type, XQ_SYMMETRIC, &how, scale, NULL, NULL) &&
		     !xq_adaround(op->weights, op->rows, op->k, f.gram, &symmetric, scale, NULL, q, NULL) &&
		     !xq_scaled_decode(q, op->rows, op->k, scale, v);
		if (ok) {
			cost->code_bits += (uint64_t)op->rows * op->k * bits;
			cost->param_bits += (uint64_t)op->rows * 32;
			lab_count_error(op, v, cost);
			set_layer(&f, v, op);
		}
		free(q);
		free(scale);
		free(v);
		fit_free(&f);
	}
	return ok;
}
