// SPDX-License-Identifier: MIT
/*
 * Float convolutions, vectorized over output positions without im2col.
 *
 * Each input plane is copied once with its padding and split by the remainder of row and column
 * divided by the stride. In such a plane of width Wq the input of kernel element (i, j) for
 * output (y, x) is at (y + i / stride) Wq + x + j / stride: a constant distance from y Wq + x.
 * So all outputs y Wq + x are computed as one long row; those with x beyond the output's width
 * are thrown away.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer.h"
#include "product.h"

struct planes {
	size_t height, width;		/* of one plane */
	size_t count;			/* channels * stride[0] * stride[1] */
	size_t length;			/* of the long row of outputs, whole tiles */
};

static struct planes planes_of(const struct lab_model *m, const struct lab_op *op)
{
	struct lab_shape out = m->shape[op->out];
	const int size[2] = { out.height, out.width };
	size_t q[2], length;

	for (int d = 0; d < 2; d++) {
		int padded = (size[d] - 1) * op->stride[d] + op->kernel[d];

		q[d] = (size_t)((padded + op->stride[d] - 1) / op->stride[d]);
	}
	length = (size_t)(out.height - 1) * q[1] + (size_t)out.width;
	return (struct planes){
		.height = q[0],
		.width = q[1],
		.count = (size_t)(m->shape[op->in[0]].channels * op->stride[0] * op->stride[1]),
		.length = (length + LAB_TILE - 1) / LAB_TILE * LAB_TILE,
	};
}

/* to[x] = row[first + x * step], 0 outside of the row */
static void copy_row(float *to, size_t n, const float *row, int width, int first, int step)
{
	size_t from = first < 0 ? (size_t)((-first + step - 1) / step) : 0;
	size_t end = first < width ? (size_t)((width - first + step - 1) / step) : 0;

	end = end < n ? end : n;
	from = from < end ? from : end;
	memset(to, 0, from * sizeof(*to));
	if (step == 1)
		memcpy(to + from, row + (first + (int)from), (end - from) * sizeof(*to));
	for (size_t x = from; x < end && step != 1; x++)
		to[x] = row[first + (int)x * step];
	memset(to + end, 0, (n - end) * sizeof(*to));
}

static void fill_planes(const struct lab_model *m, const struct lab_op *op, const struct planes *p,
			const float *in, float *to)
{
	struct lab_shape is = m->shape[op->in[0]];

	for (int c = 0; c < is.channels; c++, in += is.height * is.width) {
		for (int a = 0; a < op->stride[0]; a++) {
			for (int b = 0; b < op->stride[1]; b++) {
				for (int y = 0; y < (int)p->height; y++, to += p->width) {
					int row = y * op->stride[0] + a - op->pad[0];

					if (row < 0 || row >= is.height)
						memset(to, 0, p->width * sizeof(*to));
					else
						copy_row(to, p->width, in + row * is.width,
							 is.width, b - op->pad[1], op->stride[1]);
				}
			}
		}
	}
}

/* Where the inputs of each weight of a row begin. */
static void set_sources(const struct lab_model *m, const struct lab_op *op, const struct planes *p,
			const float *planes, const float **source)
{
	int channels = m->shape[op->in[0]].channels;

	for (int i = 0; i < op->kernel[0]; i++) {
		for (int j = 0; j < op->kernel[1]; j++) {
			for (int c = 0; c < channels; c++) {
				int plane = (c * op->stride[0] + i % op->stride[0]) * op->stride[1] +
					    j % op->stride[1];
				size_t row = (size_t)plane * p->height + (size_t)(i / op->stride[0]);

				*source++ = planes + row * p->width + j / op->stride[1];
			}
		}
	}
}

static void finish_row(float *out, const float *sum, int n, float bias, float least)
{
	for (int x = 0; x < n; x++) {
		float v = sum[x] + bias;

		out[x] = v > least ? v : least;
	}
}

void lab_convolution(const struct lab_model *m, const struct lab_op *op, const float *in,
		     float *out, struct lab_scratch *s)
{
	struct lab_shape os = m->shape[op->out];
	struct planes p = planes_of(m, op);
	float least = op->relu ? 0 : -INFINITY;

	if (os.height == 1 && os.width == 1) {
		lab_column(m, op, in, 0, s->column);
		lab_dense(op->weights, op->rows, op->k, s->column, out);
		for (size_t r = 0; r < op->rows; r++)
			finish_row(out + r, out + r, 1, op->bias[r], least);
		return;
	}
	fill_planes(m, op, &p, in, s->planes);
	set_sources(m, op, &p, s->planes, s->source);
	lab_product(op->weights, op->rows, op->k, s->source, p.length, s->sums);
	for (size_t r = 0; r < op->rows; r++)
		for (int y = 0; y < os.height; y++, out += os.width)
			finish_row(out, s->sums + r * p.length + (size_t)y * p.width, os.width,
				   op->bias[r], least);
}

void lab_column(const struct lab_model *m, const struct lab_op *op, const float *in, int position,
		float *column)
{
	struct lab_shape is = m->shape[op->in[0]], os = m->shape[op->out];
	int top = position / os.width * op->stride[0] - op->pad[0];
	int left = position % os.width * op->stride[1] - op->pad[1];

	for (int i = top; i < top + op->kernel[0]; i++)
		for (int j = left; j < left + op->kernel[1]; j++)
			for (int c = 0; c < is.channels; c++)
				*column++ = i >= 0 && i < is.height && j >= 0 && j < is.width ?
					in[(c * is.height + i) * is.width + j] : 0;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

bool lab_scratch_init(struct lab_scratch *s, const struct lab_model *m)
{
	size_t planes = 0, sums = 0, k = 0;

	for (int i = 0; i < m->ops; i++) {
		const struct lab_op *op = &m->op[i];
		struct planes p;

		if (op->kind != LAB_CONV)
			continue;
		p = planes_of(m, op);
		k = larger(k, op->k);
		planes = larger(planes, p.count * p.height * p.width);
		sums = larger(sums, op->rows * p.length);
	}
	/* The last tile of a plane reads what follows it, so there must be numbers. */
	s->planes = calloc(planes + LAB_TILE, sizeof(float));
	s->sums = calloc(sums, sizeof(float));
	s->column = calloc(k, sizeof(float));
	s->source = calloc(k, sizeof(*s->source));
	if (s->planes && s->sums && s->column && s->source)
		return true;
	lab_scratch_free(s);
	return false;
}

void lab_scratch_free(struct lab_scratch *s)
{
	free(s->planes);
	free(s->sums);
	free(s->column);
	free(s->source);
}
