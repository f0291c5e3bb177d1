// SPDX-License-Identifier: MIT
/*
 * What inputs of layers are like: means and products, over rows that were fed.
 *
 * A convolution sees the columns of its windows; of an image some are drawn, the same in both models. The float model and the one
 * whose first layers are quantized run side by side.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/src/model/cpu/sgemm.h"
#include "conversion.h"

/* Columns of a group that are looked at: so many for each product of an output, over all rows. */
#define SAMPLES		64
#define SAMPLES_LEAST	4096

/* What is kept of the rows at most. */
#define KEPT_BYTES	((size_t)256 << 20)
#define KEPT_ROWS	512

#define PLACES		3	/* dimensions of an image */

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static size_t input_bytes(const struct xqc_model *m, unsigned int i)
{
	struct xq_model_tensor t;
	size_t bytes;

	if (xq_session_input(m->session, i, &t))
		return 0;
	bytes = xq_model_type_bytes(t.type);
	for (unsigned int d = 0; d < t.dims; d++)
		bytes *= (size_t)t.dim[d];
	return bytes;
}

int xqc_rows_keep(struct xq_post_training *p, const void *const *inputs)
{
	struct xqc_rows *rows = &p->rows;
	uint8_t **more;
	size_t whole = 0;

	rows->inputs = xq_model_inputs(p->seen.model);
	if (!rows->bytes) {
		rows->bytes = calloc(rows->inputs + 1, sizeof(*rows->bytes));
		if (!rows->bytes)
			return -ENOMEM;
		for (unsigned int i = 0; i < rows->inputs; i++)
			rows->bytes[i] = input_bytes(&p->seen, i);
	}
	for (unsigned int i = 0; i < rows->inputs; i++)
		whole += rows->bytes[i];
	if (rows->count == KEPT_ROWS || (rows->count && rows->total + whole > KEPT_BYTES))
		return 0;
	more = realloc(rows->input, (rows->count + 1) * rows->inputs * sizeof(*more));
	if (!more)
		return -ENOMEM;
	rows->input = more;
	more += rows->count * rows->inputs;
	memset(more, 0, rows->inputs * sizeof(*more));
	rows->count++;
	for (unsigned int i = 0; i < rows->inputs; i++) {
		more[i] = malloc(rows->bytes[i] + 1);
		if (!more[i])
			return -ENOMEM;
		memcpy(more[i], inputs[i], rows->bytes[i]);
	}
	rows->total += whole;
	return 0;
}

void xqc_rows_free(struct xqc_rows *rows)
{
	for (size_t i = 0; i < rows->count * rows->inputs; i++)
		free(rows->input[i]);
	free(rows->input);
	free(rows->bytes);
	*rows = (struct xqc_rows){ 0 };
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */

/**
 * struct view - a layer's input as a matrix of columns
 * @conv: windows of an image; else rows of k elements
 * @dim: of the image; @in: its channels; @out: windows along each dimension
 */
struct view {
	bool conv;
	unsigned int dims;
	size_t batch, in, dim[PLACES], out[PLACES], kernel[PLACES];
	int64_t stride[PLACES], dilation[PLACES], begin[PLACES];
	size_t columns;
};

static int64_t listed(const int64_t *list, size_t count, size_t i, int64_t otherwise)
{
	return i < count ? list[i] : otherwise;
}

/* Size of the output along a dimension, and where its first window begins. */
static void set_place(const Onnx__NodeProto *node, struct view *v, unsigned int d)
{
	size_t pads, strides, dilations;
	const int64_t *pad = xqc_ints(node, "pads", &pads), *stride = xqc_ints(node, "strides", &strides);
	const int64_t *dilation = xqc_ints(node, "dilations", &dilations);
	const bool lower = xqc_text_is(node, "auto_pad", "SAME_LOWER");
	int64_t end = listed(pad, pads, d + v->dims, 0), reach, whole;

	v->stride[d] = listed(stride, strides, d, 1);
	v->dilation[d] = listed(dilation, dilations, d, 1);
	v->begin[d] = listed(pad, pads, d, 0);
	reach = (int64_t)(v->kernel[d] - 1) * v->dilation[d] + 1;
	if (lower || xqc_text_is(node, "auto_pad", "SAME_UPPER")) {
		whole = ((int64_t)v->dim[d] - 1) / v->stride[d] * v->stride[d] + reach - (int64_t)v->dim[d];
		whole = whole < 0 ? 0 : whole;
		v->begin[d] = lower ? whole - whole / 2 : whole / 2;
		end = whole - v->begin[d];
	}
	whole = (int64_t)v->dim[d] + v->begin[d] + end - reach;
	v->out[d] = whole < 0 ? 0 : (size_t)(whole / v->stride[d]) + 1;
}

static bool view_of(const struct xq_post_training *p, const struct xqc_layer *l, const struct xq_model_tensor *t, size_t count,
		    struct view *v)
{
	const int at = xqc_producer(&p->doc, l->output);

	*v = (struct view){ .conv = !strcmp(l->type, "Conv") };
	if (!v->conv) {
		v->columns = count / l->k;
		return count % l->k == 0;
	}
	if (at < 0 || t->dims != l->w->n_dims || t->dims < 3 || t->dims > 2 + PLACES)
		return false;
	v->dims = t->dims - 2;
	v->batch = (size_t)t->dim[0];
	v->in = (size_t)t->dim[1];
	v->columns = v->batch;
	for (unsigned int d = 0; d < v->dims; d++) {
		v->dim[d] = (size_t)t->dim[2 + d];
		v->kernel[d] = (size_t)l->w->dims[2 + d];
		set_place(p->doc.node[at], v, d);
		v->columns *= v->out[d];
	}
	return v->in == l->groups * (l->k / l->inner);
}

/* One column of a group: [channels of the group][kernel]. */
static void column_of(const struct xqc_layer *l, const struct view *v, const float *x, size_t group, size_t number, float *to)
{
	const size_t channels = l->k / l->inner;
	int64_t at[PLACES] = { 0 };
	size_t image = 1, rest = number;

	if (!v->conv) {
		memcpy(to, x + number * l->k, l->k * sizeof(*to));
		return;
	}
	for (unsigned int d = v->dims; d-- > 0;) {
		at[d] = (int64_t)(rest % v->out[d]) * v->stride[d] - v->begin[d];
		rest /= v->out[d];
		image *= v->dim[d];
	}
	x += (rest * v->in + group * channels) * image;
	for (size_t i = 0; i < l->inner; i++) {
		size_t tap = i, place = 0, step = 1;
		bool inside = true;

		for (unsigned int d = v->dims; d-- > 0;) {
			const int64_t y = at[d] + (int64_t)(tap % v->kernel[d]) * v->dilation[d];

			inside = inside && y >= 0 && y < (int64_t)v->dim[d];
			place += (size_t)(inside ? y : 0) * step;
			step *= v->dim[d];
			tap /= v->kernel[d];
		}
		for (size_t c = 0; c < channels; c++)
			to[c * l->inner + i] = inside ? x[c * image + place] : 0;
	}
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static int begin(const struct xqc_layer *l, bool apart, struct xqc_moments *m)
{
	const size_t square = l->groups * l->k * l->k;

	*m = (struct xqc_moments){ .groups = l->groups, .k = l->k, .centred = xqc_may_have_bias(l) };
	m->mean = calloc(l->groups * l->k, sizeof(double));
	m->other = calloc(l->groups * l->k, sizeof(double));
	m->gram = calloc(square, sizeof(double));
	m->cross = apart ? calloc(square, sizeof(double)) : m->gram;
	return m->mean && m->other && m->gram && m->cross ? 0 : -ENOMEM;
}

void xqc_moments_free(struct xqc_moments *m)
{
	free(m->mean);
	free(m->other);
	free(m->gram);
	if (m->cross != m->gram)
		free(m->cross);
	*m = (struct xqc_moments){ 0 };
}

/**
 * struct columns - of one group and row
 * @x: @y: [count][k]; @turned: [k][count] of one of them
 * @product: [k][k]
 */
struct columns {
	size_t count, k;
	float *x, *y, *turned, *product;
};

static int make_columns(struct columns *c, size_t count, size_t k)
{
	*c = (struct columns){ .count = count, .k = k };
	c->x = malloc((count * k + 1) * sizeof(float));
	c->y = malloc((count * k + 1) * sizeof(float));
	c->turned = malloc((count * k + 1) * sizeof(float));
	c->product = malloc((k * k + 1) * sizeof(float));
	return c->x && c->y && c->turned && c->product ? 0 : -ENOMEM;
}

static void free_columns(struct columns *c)
{
	free(c->x);
	free(c->y);
	free(c->turned);
	free(c->product);
}

/* Of few columns in float32, of all of them in double. */
static void add_products(double *sum, const struct columns *c, const float *x)
{
	const size_t k = c->k;

	for (size_t i = 0; i < k; i++)
		for (size_t s = 0; s < c->count; s++)
			c->turned[i * c->count + s] = x[s * k + i];
	xqm_sgemm(k, k, c->count, c->turned, c->count, c->y, k, c->product, k);
	for (size_t i = 0; i < k * k; i++)
		sum[i] += (double)c->product[i];
}

static void add_columns(struct xqc_moments *m, size_t group, const struct columns *c)
{
	const size_t k = m->k;

	for (size_t s = 0; s < c->count; s++) {
		for (size_t i = 0; i < k; i++) {
			m->mean[group * k + i] += (double)c->x[s * k + i];
			m->other[group * k + i] += (double)c->y[s * k + i];
		}
	}
	add_products(m->gram + group * k * k, c, c->y);
	if (m->cross != m->gram)
		add_products(m->cross + group * k * k, c, c->x);
}

/* Sums become means, products those about the means. */
static void finish(struct xqc_moments *m)
{
	const double n = m->samples ? (double)m->samples : 1;

	for (size_t i = 0; i < m->groups * m->k; i++) {
		m->mean[i] /= n;
		m->other[i] /= n;
	}
	for (size_t g = 0; g < m->groups && m->centred; g++) {
		const double *mean = m->mean + g * m->k, *other = m->other + g * m->k;

		for (size_t i = 0; i < m->k; i++) {
			for (size_t j = 0; j < m->k; j++) {
				const size_t at = (g * m->k + i) * m->k + j;

				m->gram[at] -= n * other[i] * other[j];
				if (m->cross != m->gram)
					m->cross[at] -= n * mean[i] * other[j];
			}
		}
	}
}

/* The layer's input in one of the models, for the row that it just ran. */
static const float *value_of(const struct xq_post_training *p, const struct xqc_model *model, const struct xqc_layer *l, size_t row,
			     struct xq_model_tensor *t, size_t *count)
{
	for (unsigned int i = model->first; i < model->outputs; i++) {
		if (xq_session_output(model->session, i, t) || strcmp(t->name, l->input))
			continue;
		*count = model->count[i];
		return t->type == XQ_F32 ? model->value[i] : NULL;
	}
	for (unsigned int i = 0; i < p->rows.inputs; i++) {
		if (xq_session_input(model->session, i, t) || strcmp(t->name, l->input) || t->type != XQ_F32)
			continue;
		*count = p->rows.bytes[i] / sizeof(float);
		return (const float *)p->rows.input[row * p->rows.inputs + i];
	}
	return NULL;
}

static int add_row(const struct xq_post_training *p, const struct xqc_layer *l, const struct xqc_model *seen,
		   const struct xqc_model *now, size_t row, struct xqc_moments *m)
{
	struct xq_model_tensor t;
	size_t count = 0, own = 0, many;
	const float *x = value_of(p, seen, l, row, &t, &count), *y = value_of(p, now, l, row, &t, &own);
	struct columns c;
	struct view v;
	int err;

	if (!x || !y || count != own || !view_of(p, l, &t, count, &v))
		return -EOPNOTSUPP;
	many = (SAMPLES * l->k + SAMPLES_LEAST) / p->rows.count + 1;
	many = v.columns < many ? v.columns : many;
	err = make_columns(&c, many, l->k);
	for (size_t g = 0; g < l->groups && !err; g++) {
		for (size_t s = 0; s < many; s++) {
			const size_t at = many == v.columns ? s : (xq_random24(row, s) * v.columns) >> 24;

			column_of(l, &v, x, g, at, c.x + s * l->k);
			column_of(l, &v, y, g, at, c.y + s * l->k);
		}
		add_columns(m, g, &c);
	}
	m->samples += many;
	free_columns(&c);
	return err;
}

/* ---- both models ------------------------------------------------------------------------------------------------- */

/* Layers before number @to have weights that are what their codes stand for. */
void xqc_put_back(struct xq_post_training *p, unsigned int to)
{
	for (unsigned int i = 0; i < to; i++) {
		const struct xqc_layer *l = &p->layer[i];
		const int at = xqc_producer(&p->doc, l->output);
		const struct xqc_weights *q = l->quantized;
		const int64_t channels = (int64_t)l->channels;
		Onnx__NodeProto *node = q && at >= 0 ? xqc_edit(&p->doc, (unsigned int)at) : NULL;
		const char *name;

		if (!node)
			continue;
		name = xqc_new_name(&p->doc, l->weights, "rounded");
		xqc_refer_constant(&p->doc, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (unsigned int)l->w->n_dims, l->w->dims, q->back,
				   l->elements * sizeof(float));
		node->input[1] = (char *)(uintptr_t)name;
		if (!q->bias)
			continue;
		name = xqc_new_name(&p->doc, l->weights, "corrected");
		xqc_refer_constant(&p->doc, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, &channels, q->bias,
				   l->channels * sizeof(float));
		node->input[2] = (char *)(uintptr_t)name;
		node->n_input = 3;
	}
}

/* The inputs of layers as outputs. */
static int open_model(struct xq_post_training *p, struct xqc_model *m, unsigned int from, unsigned int to, bool quantized)
{
	const char **names = calloc(to - from + 1, sizeof(*names));
	struct xqc_state state;
	unsigned int count = 0;
	int err;

	if (!names)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	for (unsigned int i = from; i < to; i++) {
		bool twice = xqc_is_input(&p->doc, p->layer[i].input);

		for (unsigned int k = 0; k < count; k++)
			twice |= !strcmp(names[k], p->layer[i].input);
		if (!twice)
			names[count++] = p->layer[i].input;
	}
	xqc_save(&p->doc, &state);
	if (quantized)
		xqc_put_back(p, from);
	err = xqc_failed(&p->doc) ? xqc_fail_document(p) : xqc_model_open(p, m, names, count);
	xqc_restore(&p->doc, &state);
	free(names);
	return err;
}

int xqc_moments_gather(struct xq_post_training *p, unsigned int from, unsigned int to, bool apart, struct xqc_moments *moments)
{
	struct xqc_model seen = { 0 }, now = { 0 };
	int err = open_model(p, &seen, from, to, false);

	if (!err && apart)
		err = open_model(p, &now, from, to, true);
	for (unsigned int i = from; i < to && !err; i++)
		if (!p->layer[i].excluded)
			err = begin(&p->layer[i], apart, &moments[i - from]);
	for (size_t row = 0; row < p->rows.count && !err; row++) {
		const void *const *inputs = (const void *const *)(p->rows.input + row * p->rows.inputs);

		err = xqc_model_run(p, &seen, inputs);
		if (!err && apart)
			err = xqc_model_run(p, &now, inputs);
		for (unsigned int i = from; i < to && !err; i++)
			if (!p->layer[i].excluded)
				err = add_row(p, &p->layer[i], &seen, apart ? &now : &seen, row, &moments[i - from]);
	}
	for (unsigned int i = from; i < to && !err; i++)
		finish(&moments[i - from]);
	xqc_model_close(&seen);
	xqc_model_close(&now);
	return err && !p->error[0] ? xqc_fail(p, err, "inputs of layers cannot be looked at: %s", strerror(-err)) : err;
}

/* ---- layer by layer ---------------------------------------------------------------------------------------------- */

/* Layers that are looked at together, so that the rows run not much more often than this. */
#define PASSES		16
/* And as many as fit. */
#define MOMENTS_BYTES	((size_t)1 << 30)

static size_t moments_bytes(const struct xqc_layer *l)
{
	return 2 * l->groups * l->k * l->k * sizeof(double);
}

int xqc_reconstruct(struct xq_post_training *p)
{
	const unsigned int step = (p->layers + PASSES - 1) / PASSES;
	struct xqc_moments *moments = calloc(step + 1, sizeof(*moments));
	int err = moments ? 0 : xqc_fail(p, -ENOMEM, "there is not enough memory");

	for (unsigned int from = 0, to; from < p->layers && !err; from = to) {
		size_t bytes = moments_bytes(&p->layer[from]);

		for (to = from + 1; to < p->layers && to < from + step; to++) {
			bytes += moments_bytes(&p->layer[to]);
			if (bytes > MOMENTS_BYTES)
				break;
		}
		err = xqc_moments_gather(p, from, to, from > 0, moments);
		for (unsigned int i = from; i < to; i++) {
			if (!err && !p->layer[i].excluded)
				err = xqc_weights_make(p, &p->layer[i], p->layer[i].width, &moments[i - from], &p->layer[i].quantized);
			xqc_moments_free(&moments[i - from]);
		}
	}
	free(moments);
	return err;
}
