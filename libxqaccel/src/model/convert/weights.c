// SPDX-License-Identifier: MIT
/*
 * Weights of a layer as codes.
 *
 * Here they are rows: one for each output channel, its products in the order of input channel, place. Scales come first, by
 * the weights alone; then, if it is known what the layer's inputs are like, codes are chosen by what they do to
 * its outputs (xqaccel/reconstruct.h), and scales are fitted to the codes.
 *
 * With quantized weights before it a layer sees inputs y instead of x. What is nearest to W x is then not W y: the target is
 * W* = W C G^-1 with C = sum of x y^T and G = sum of y y^T, and about their means the rest is the bias: b* = b + W mean(x) - V
 * mean(y). G is lifted on its diagonal, so that little data leaves W* near W.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/binary.h>
#include <xqaccel/codebook.h>
#include <xqaccel/pack.h>
#include <xqaccel/reconstruct.h>

#include "conversion.h"

/* AdaRound's time grows with the square of a row; beyond this codes are only chosen one by one, as they are for 8 bits. */
#define ADAROUND_K	1152

/* Part of the mean of G's diagonal that is added to it. */
#define LIFT		0.01

/**
 * struct rows - weights being quantized
 * @w: [channels][k]; @target: what codes are chosen for
 * @scale: [channels][params of a row]
 * @codes: [channels][k], indices into @level
 * @level: [entries], what a code stands for, without its scale
 */
struct rows {
	const struct xqc_layer *layer;
	enum xq_type type;
	size_t channels, k, each, block;
	bool shared;
	float *w, *target, *scale;
	uint8_t *codes;
	int8_t level[256];
	unsigned int entries;
};

/* Number of the scale of element i in its row. */
static size_t scale_at(const struct rows *r, size_t i)
{
	const size_t inner = r->layer->inner;

	return r->block ? i / inner / r->block * inner + i % inner : 0;
}

static float scale_of(const struct rows *r, size_t row, size_t i)
{
	return r->scale[r->shared ? 0 : row * r->each + scale_at(r, i)];
}

static int begin(const struct xq_post_training *p, struct rows *r)
{
	const struct xqc_layer *l = r->layer;
	const size_t count = l->elements;

	r->channels = l->channels;
	r->k = l->k;
	r->block = p->options.group;
	r->shared = !r->block && !p->options.per_channel;
	r->each = r->block ? (r->k / l->inner + r->block - 1) / r->block * l->inner : 1;
	r->w = malloc(count * sizeof(*r->w) + 1);
	r->target = malloc(count * sizeof(*r->target) + 1);
	r->codes = malloc(count + 1);
	r->scale = malloc(r->channels * r->each * sizeof(*r->scale) + 1);
	if (!r->w || !r->target || !r->codes || !r->scale)
		return -ENOMEM;
	for (size_t c = 0; c < r->channels; c++)
		for (size_t i = 0; i < r->k; i++)
			r->w[c * r->k + i] = l->weight[l->axis ? i * r->channels + c : c * r->k + i];
	memcpy(r->target, r->w, count * sizeof(*r->w));
	return 0;
}

static void end(struct rows *r)
{
	free(r->w);
	free(r->target);
	free(r->codes);
	free(r->scale);
}

/* ---- scales and codes by the weights alone -------------------------------------------------------------------- */

static struct xq_layout layout_of(const struct rows *r)
{
	if (r->shared)
		return (struct xq_layout){ .per = XQ_PER_TENSOR, .outer = 1, .axis = r->channels, .inner = r->k, .block = 1 };
	if (!r->block)
		return (struct xq_layout){ .per = XQ_PER_CHANNEL, .outer = 1, .axis = r->channels, .inner = r->k, .block = 1 };
	return (struct xq_layout){ .per = XQ_PER_BLOCK, .outer = r->channels, .axis = r->k / r->layer->inner, .inner = r->layer->inner,
				   .block = r->block };
}

static size_t params_of(const struct rows *r)
{
	return r->shared ? 1 : r->channels * r->each;
}

/* Number of the scale of a weight. */
static size_t param_at(const struct rows *r, size_t weight)
{
	return r->shared ? 0 : weight / r->k * r->each + scale_at(r, weight % r->k);
}

/* Squared errors of all that share a scale, which codes are still themselves. */
static void add_errors(const struct rows *r, const float *scale, const uint8_t *codes, double *error)
{
	memset(error, 0, params_of(r) * sizeof(*error));
	for (size_t i = 0; i < r->channels * r->k; i++) {
		const size_t at = param_at(r, i);
		const double d = (double)r->w[i] - (double)((float)(int8_t)codes[i] * scale[at]);

		error[at] += d * d;
	}
}

/* A scale that has more squared error than that of the greatest weight gives way to it. */
static int no_worse_than_minmax(struct rows *r, const struct xq_layout *layout, const struct xq_qtype *type,
				const struct xq_rounding *rounding)
{
	const size_t count = r->channels * r->k, params = params_of(r);
	double *error = malloc(2 * params * sizeof(*error) + 1);
	float *scale = malloc(params * sizeof(*scale) + 1);
	uint8_t *codes = malloc(count + 1);
	int err = error && scale && codes ? 0 : -ENOMEM;

	if (!err)
		err = xq_quantize_found(r->w, layout, type, XQ_SYMMETRIC, NULL, rounding, codes, scale, NULL, NULL);
	if (!err) {
		add_errors(r, r->scale, r->codes, error);
		add_errors(r, scale, codes, error + params);
	}
	for (size_t i = 0; i < count && !err; i++) {
		const size_t at = param_at(r, i);

		if (!(error[at] <= error[params + at]))
			r->codes[i] = codes[i];
	}
	for (size_t at = 0; at < params && !err; at++)
		if (!(error[at] <= error[params + at]))
			r->scale[at] = scale[at];
	free(error);
	free(scale);
	free(codes);
	return err;
}

static int find_linear(struct xq_post_training *p, struct rows *r)
{
	const struct xq_calibration *how = r->type == XQ_S8 ? &p->options.weight_range : &p->options.narrow_weight_range;
	const struct xq_layout layout = layout_of(r);
	struct xq_rounding even = { .mode = XQ_ROUND_EVEN };
	struct xq_qtype type;
	int err = xq_qtype_of(r->type, &type);

	if (err)
		return err;
	type = xq_qtype_symmetric(&type);
	r->entries = (unsigned int)(type.max - type.min + 1);
	for (unsigned int e = 0; e < r->entries; e++)
		r->level[e] = (int8_t)(type.min + (int32_t)e);
	err = xq_quantize_found(r->w, &layout, &type, XQ_SYMMETRIC, how, &even, r->codes, r->scale, NULL, NULL);
	if (!err && how->method != XQ_CAL_MINMAX)
		err = no_worse_than_minmax(r, &layout, &type, &even);
	for (size_t i = 0; i < r->channels * r->k && !err; i++)
		r->codes[i] = (uint8_t)((int8_t)r->codes[i] - type.min);
	return err;
}

/* Mean or greatest magnitude of the weights that share a scale. */
static void magnitudes(struct rows *r, bool greatest)
{
	const size_t params = params_of(r);
	double *sum = calloc(params, sizeof(*sum));
	size_t *count = calloc(params, sizeof(*count));

	for (size_t i = 0; sum && count && i < r->channels * r->k; i++) {
		const size_t at = param_at(r, i);
		const double x = fabs((double)r->w[i]);

		sum[at] = greatest ? fmax(sum[at], x) : sum[at] + x;
		count[at]++;
	}
	for (size_t i = 0; i < params; i++) {
		r->scale[i] = sum && count ? (float)(sum[i] / (double)(greatest || !count[i] ? 1 : count[i])) : 1;
		if (!(r->scale[i] > 0))
			r->scale[i] = 1;
	}
	free(sum);
	free(count);
}

/* The nearest level of each weight. */
static void nearest(struct rows *r, const float *w)
{
	for (size_t i = 0; i < r->channels * r->k; i++) {
		const float x = w[i] / scale_of(r, i / r->k, i % r->k);
		float best = INFINITY;

		for (unsigned int e = 0; e < r->entries; e++) {
			const float d = fabsf(x - (float)r->level[e]);

			if (d < best) {
				best = d;
				r->codes[i] = (uint8_t)e;
			}
		}
	}
}

static void find_binary(struct rows *r)
{
	magnitudes(r, false);
	r->entries = 2;
	r->level[0] = -1;
	r->level[1] = 1;
	nearest(r, r->w);
}

/* One table for all weights, as parts of the greatest that shares their scale. */
static int find_codebook(struct rows *r)
{
	const size_t count = r->channels * r->k;
	float table[16], unit, *part = malloc(count * sizeof(*part) + 1), *weight = malloc(count * sizeof(*weight) + 1);
	int err = part && weight ? 0 : -ENOMEM;

	magnitudes(r, true);
	for (size_t i = 0; i < count && !err; i++) {
		const float s = scale_of(r, i / r->k, i % r->k);

		part[i] = r->w[i] / s;
		weight[i] = s * s;
	}
	if (!err)
		err = xq_codebook_fit(part, count, weight, 4, table, NULL);
	if (!err)
		err = xq_codebook_to_s8(table, 4, r->level, &unit, NULL);
	r->entries = 16;
	for (size_t i = 0; i < params_of(r) && !err; i++)
		r->scale[i] *= unit;
	free(part);
	free(weight);
	if (!err)
		nearest(r, r->w);
	return err;
}

/* ---- codes by what they do --------------------------------------------------------------------------------------- */

/* L L^T of a matrix, in place; false if it is not positive definite. */
static bool cholesky(double *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j <= i; j++) {
			double sum = a[i * n + j];

			for (size_t m = 0; m < j; m++)
				sum -= a[i * n + m] * a[j * n + m];
			if (i == j && !(sum > 0))
				return false;
			a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
		}
	}
	return true;
}

/* x becomes x (L L^T)^-1. */
static void solve(const double *l, size_t n, double *x)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t m = 0; m < i; m++)
			x[i] -= l[i * n + m] * x[m];
		x[i] /= l[i * n + i];
	}
	for (size_t i = n; i-- > 0;) {
		for (size_t m = i + 1; m < n; m++)
			x[i] -= l[m * n + i] * x[m];
		x[i] /= l[i * n + i];
	}
}

/* W* = W + W (C - G) G^-1 of one group. */
static int aim(struct rows *r, const struct xqc_moments *m, size_t group, const double *gram)
{
	const size_t k = r->k, rows = r->channels / m->groups;
	const double *cross = m->cross + group * k * k;
	double *factor = malloc(k * k * sizeof(*factor)), *x = malloc(k * sizeof(*x));
	int err = factor && x ? 0 : -ENOMEM;

	if (!err) {
		memcpy(factor, gram, k * k * sizeof(*factor));
		if (!cholesky(factor, k))
			err = -EDOM;
	}
	for (size_t c = group * rows; c < (group + 1) * rows && !err; c++) {
		memset(x, 0, k * sizeof(*x));
		for (size_t i = 0; i < k; i++)
			for (size_t j = 0; j < k; j++)
				x[j] += (double)r->w[c * k + i] * (cross[i * k + j] - m->gram[group * k * k + i * k + j]);
		solve(factor, k, x);
		for (size_t i = 0; i < k; i++)
			r->target[c * k + i] = (float)((double)r->w[c * k + i] + x[i]);
	}
	free(factor);
	free(x);
	return err == -EDOM ? 0 : err;
}

/* Scales that differ within a row become part of the inputs. */
static int refine_row(struct rows *r, size_t row, const double *gram, double *scaled, float *part)
{
	const size_t k = r->k;
	float table[256];
	const float *w = r->target + row * k;

	for (unsigned int e = 0; e < r->entries; e++)
		table[e] = (float)r->level[e] * (r->block ? 1 : scale_of(r, row, 0));
	if (r->block) {
		for (size_t i = 0; i < k; i++) {
			const double s = (double)scale_of(r, row, i);

			part[i] = w[i] / (float)s;
			for (size_t j = 0; j < k; j++)
				scaled[i * k + j] = gram[i * k + j] * s * (double)scale_of(r, row, j);
		}
	}
	return xq_refine_codes(r->block ? part : w, 1, k, r->block ? scaled : gram, table, r->entries, 0, r->codes + row * k, NULL);
}

static double loss_of(const struct rows *r, size_t row, const double *gram, float *back)
{
	double loss = 0;

	for (size_t i = 0; i < r->k; i++)
		back[i] = (float)r->level[r->codes[row * r->k + i]] * scale_of(r, row, i);
	xq_gram_loss(r->target + row * r->k, back, 1, r->k, gram, &loss);
	return loss;
}

/* Scales of rows: what else than the weights' own range loses less, with codes to nearest. */
static void search_scales(struct rows *r, size_t from, size_t to, const double *gram, float *back)
{
	static const float factors[] = { 1, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 1.1f };
	uint8_t *best_codes = malloc(r->k + 1);

	for (size_t row = from; row < to && best_codes; row++) {
		struct rows one = *r;
		const float begin = r->scale[row];
		float best_scale = begin;
		double best = INFINITY;

		one.channels = 1;
		one.scale = r->scale + row;
		one.codes = r->codes + row * r->k;
		one.target = r->target + row * r->k;
		for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++) {
			double loss;

			r->scale[row] = begin * factors[f];
			nearest(&one, one.target);
			loss = loss_of(&one, 0, gram, back);
			if (loss < best) {
				best = loss;
				best_scale = r->scale[row];
				memcpy(best_codes, one.codes, r->k);
			}
		}
		r->scale[row] = best_scale;
		memcpy(one.codes, best_codes, r->k);
	}
	free(best_codes);
}

/* Scales as they are best for the codes. */
static int refit(struct rows *r, size_t from, size_t to, const double *gram, int8_t *q)
{
	int err = 0;

	for (size_t row = from; row < to && !err; row++) {
		for (size_t i = 0; i < r->k; i++)
			q[i] = r->level[r->codes[row * r->k + i]];
		err = xq_refit_scale(r->target + row * r->k, q, 1, r->k, gram, r->scale + row);
	}
	return err;
}

static int adaround(struct rows *r, size_t from, size_t to, const double *gram)
{
	struct xq_qtype type;
	float *scale = malloc((to - from) * sizeof(*scale) + 1);
	int err = scale ? xq_qtype_of(r->type, &type) : -ENOMEM;

	if (!err) {
		type = xq_qtype_symmetric(&type);
		for (size_t row = from; row < to; row++)
			scale[row - from] = scale_of(r, row, 0);
		err = xq_adaround(r->target + from * r->k, to - from, r->k, gram, &type, scale, NULL, r->codes + from * r->k, NULL);
	}
	for (size_t i = from * r->k; i < to * r->k && !err; i++)
		r->codes[i] = (uint8_t)((int8_t)r->codes[i] - type.min);
	free(scale);
	return err;
}

/**
 * struct scratch - memory for one group
 * @gram: @scaled: [k][k]
 * @part: @q: [k]
 * @codes: @scale: @loss: of all rows, as they were best
 */
struct scratch {
	double *gram, *scaled, *loss;
	float *part, *scale;
	uint8_t *codes;
	int8_t *q;
};

/* Codes one by one, and scales for them, by turns. */
static int descend(struct rows *r, size_t from, size_t to, struct scratch *s)
{
	const bool own = !r->shared && !r->block;
	int err = 0;

	for (unsigned int round = 0; round < (own ? 3 : 1) && !err; round++) {
		for (size_t row = from; row < to && !err; row++)
			err = refine_row(r, row, s->gram, s->scaled, s->part);
		if (!err && own)
			err = refit(r, from, to, s->gram, s->q);
	}
	return err;
}

/* Keeps rows that are better than what was kept of them before, and takes back the others. */
static void keep_better(struct rows *r, size_t from, size_t to, bool first, struct scratch *s)
{
	const bool own = !r->shared && !r->block;

	for (size_t row = from; row < to; row++) {
		const double loss = loss_of(r, row, s->gram, s->part);
		uint8_t *codes = r->codes + row * r->k, *kept = s->codes + row * r->k;

		if (first || loss < s->loss[row]) {
			s->loss[row] = loss;
			memcpy(kept, codes, r->k);
			s->scale[row] = own ? r->scale[row] : 0;
		} else {
			memcpy(codes, kept, r->k);
			if (own)
				r->scale[row] = s->scale[row];
		}
	}
}

/* From the nearest codes, and from what AdaRound makes of them: the better of both for each row. */
static int choose_group(struct rows *r, const struct xqc_moments *m, size_t group, struct scratch *s)
{
	const size_t k = r->k, each = r->channels / m->groups, from = group * each, to = from + each;
	const bool learn = r->type != XQ_S8 && r->type != XQ_B1 && r->type != XQ_C4 && !r->block && k <= ADAROUND_K;
	double mean = 0;
	int err;

	for (size_t i = 0; i < k; i++)
		mean += m->gram[(group * k + i) * k + i] / (double)k;
	if (!(mean > 0))
		return 0;
	memcpy(s->gram, m->gram + group * k * k, k * k * sizeof(*s->gram));
	for (size_t i = 0; i < k; i++)
		s->gram[i * k + i] += LIFT * mean;
	err = aim(r, m, group, s->gram);
	if (!err && !r->shared && !r->block && k <= ADAROUND_K)
		search_scales(r, from, to, s->gram, s->part);
	if (!err)
		err = descend(r, from, to, s);
	if (err || !learn)
		return err;
	keep_better(r, from, to, true, s);
	err = adaround(r, from, to, s->gram);
	if (!err)
		err = descend(r, from, to, s);
	if (!err)
		keep_better(r, from, to, false, s);
	return err;
}

static int choose(struct rows *r, const struct xqc_moments *m)
{
	const size_t k = r->k;
	struct scratch s = {
		.gram = malloc(k * k * sizeof(double)), .scaled = malloc((r->block ? k * k : 1) * sizeof(double)),
		.part = malloc(k * sizeof(float)), .q = malloc(k), .loss = malloc(r->channels * sizeof(double)),
		.scale = malloc(r->channels * sizeof(float)), .codes = malloc(r->channels * k),
	};
	int err = s.gram && s.scaled && s.part && s.q && s.loss && s.scale && s.codes ? 0 : -ENOMEM;

	for (size_t g = 0; g < m->groups && !err; g++)
		err = choose_group(r, m, g, &s);
	free(s.gram);
	free(s.scaled);
	free(s.part);
	free(s.q);
	free(s.loss);
	free(s.scale);
	free(s.codes);
	return err;
}

/* b + W mean(x) - V mean(y): the error that all outputs of a channel have in common goes into the bias. */
static int correct_bias(const struct rows *r, const struct xqc_moments *m, struct xqc_weights *out)
{
	const float *b = r->layer->bias_value;

	out->bias = malloc(r->channels * sizeof(*out->bias) + 1);
	if (!out->bias)
		return -ENOMEM;
	for (size_t c = 0; c < r->channels; c++) {
		const size_t g = c / (r->channels / m->groups);
		double sum = b ? (double)b[c] : 0;

		for (size_t i = 0; i < r->k; i++)
			sum += (double)r->w[c * r->k + i] * m->mean[g * r->k + i] -
			       (double)r->level[r->codes[c * r->k + i]] * (double)scale_of(r, c, i) * m->other[g * r->k + i];
		out->bias[c] = (float)sum;
	}
	return 0;
}

/* ---- as they lie in the file ------------------------------------------------------------------------------------- */

static void set_shape(const struct rows *r, struct xqc_weights *out)
{
	const Onnx__TensorProto *w = r->layer->w;

	if (r->shared)
		return;
	if (!r->block) {
		out->dims = 1;
		out->dim[0] = (int64_t)r->channels;
		return;
	}
	out->dims = (unsigned int)w->n_dims;
	for (unsigned int d = 0; d < out->dims; d++)
		out->dim[d] = w->dims[d];
	out->dim[!r->layer->axis] = (int64_t)((size_t)(w->dims[!r->layer->axis] + (int64_t)r->block - 1) / r->block);
}

static int deliver(const struct rows *r, struct xqc_weights *out)
{
	const size_t count = r->channels * r->k;
	const struct xqc_layer *l = r->layer;
	struct xq_error error = { 0 };
	int err;

	out->type = r->type;
	out->block = r->block;
	out->params = params_of(r);
	out->codes = malloc(count + 1);
	out->back = malloc(count * sizeof(*out->back) + 1);
	out->scale = malloc(out->params * sizeof(*out->scale) + 1);
	if (!out->codes || !out->back || !out->scale)
		return -ENOMEM;
	set_shape(r, out);
	for (size_t c = 0; c < r->channels; c++) {
		for (size_t i = 0; i < r->k; i++) {
			const size_t to = l->axis ? i * r->channels + c : c * r->k + i;
			const uint8_t code = r->codes[c * r->k + i];

			out->codes[to] = r->type == XQ_C4 ? (int8_t)code : r->level[code];
			out->back[to] = (float)r->level[code] * scale_of(r, c, i);
		}
	}
	for (size_t i = 0; i < out->params; i++)
		out->scale[l->axis && r->block ? i % r->each * r->channels + i / r->each : i] = r->scale[i];
	if (r->type == XQ_C4)
		memcpy(out->table, r->level, sizeof(out->table));
	out->bytes = xq_row_size(r->type == XQ_T2 ? XQ_S2 : r->type, count) + out->params * sizeof(*out->scale) +
		     (r->type == XQ_C4 ? sizeof(out->table) : 0);
	err = xq_error_measure(l->weight, out->back, count, &error);
	out->snr_db = error.snr_db;
	return err;
}

bool xqc_may_have_bias(const struct xqc_layer *layer)
{
	return layer->bias || strcmp(layer->type, "MatMul");
}

int xqc_weights_make(struct xq_post_training *p, const struct xqc_layer *layer, enum xq_type type,
		     const struct xqc_moments *moments, struct xqc_weights **weights)
{
	struct rows r = { .layer = layer, .type = type };
	struct xqc_weights *out = calloc(1, sizeof(*out));
	int err = out ? begin(p, &r) : -ENOMEM;

	if (!err && type == XQ_B1)
		find_binary(&r);
	else if (!err)
		err = type == XQ_C4 ? find_codebook(&r) : find_linear(p, &r);
	if (!err && moments && p->options.rounding != XQ_ROUND_BY_VALUE)
		err = choose(&r, moments);
	if (!err && moments && p->options.correct_bias && xqc_may_have_bias(layer))
		err = correct_bias(&r, moments, out);
	if (!err)
		err = deliver(&r, out);
	end(&r);
	if (err) {
		xqc_weights_free(out);
		return xqc_fail(p, err, "the weights of %.200s cannot be quantized: %s", layer->node, strerror(-err));
	}
	*weights = out;
	return 0;
}

void xqc_weights_free(struct xqc_weights *weights)
{
	if (!weights)
		return;
	free(weights->codes);
	free(weights->scale);
	free(weights->bias);
	free(weights->back);
	free(weights);
}
