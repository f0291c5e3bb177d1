// SPDX-License-Identifier: MIT
/* Float inference of a model, and its accuracy. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "infer.h"
#include "parallel.h"

/* Images that a thread takes at a time. */
#define PIECE 50

static float pool_window(const struct lab_op *op, const float *in, int width)
{
	bool average = op->kind == LAB_AVERAGE_POOL;
	float result = average ? 0 : -INFINITY;

	for (int i = 0; i < op->kernel[0]; i++, in += width) {
		for (int j = 0; j < op->kernel[1]; j++) {
			if (average)
				result += in[j];
			else if (in[j] > result)
				result = in[j];
		}
	}
	return average ? result / (float)(op->kernel[0] * op->kernel[1]) : result;
}

static void pool(const struct lab_model *m, const struct lab_op *op, const float *in, float *out)
{
	struct lab_shape is = m->shape[op->in[0]], os = m->shape[op->out];

	for (int c = 0; c < os.channels; c++, in += is.height * is.width)
		for (int y = 0; y < os.height; y++)
			for (int x = 0; x < os.width; x++)
				*out++ = pool_window(op, in + y * op->stride[0] * is.width +
						     x * op->stride[1], is.width);
}

static void add(const float *a, const float *b, size_t n, bool relu, float *out)
{
	for (size_t i = 0; i < n; i++) {
		float sum = a[i] + b[i];

		out[i] = relu && sum < 0 ? 0 : sum;
	}
}

void lab_run_op(const struct lab_model *m, const struct lab_op *op, float *const *tensors,
		struct lab_scratch *s)
{
	float *out = tensors[op->out];

	switch (op->kind) {
	case LAB_CONV:
		lab_convolution(m, op, tensors[op->in[0]], out, s);
		break;
	case LAB_ADD:
		add(tensors[op->in[0]], tensors[op->in[1]], lab_size(m->shape[op->out]), op->relu,
		    out);
		break;
	default:
		pool(m, op, tensors[op->in[0]], out);
		break;
	}
}

void lab_set_input(const struct lab_model *m, const uint8_t *pixels, float *input)
{
	struct lab_shape s = m->shape[m->input];
	size_t area = (size_t)(s.height * s.width);

	for (size_t p = 0; p < area; p++)
		for (size_t c = 0; c < (size_t)s.channels; c++)
			input[c * area + p] =
				(float)pixels[p * (size_t)s.channels + c] * m->input_scale;
}

float *lab_tensors(const struct lab_model *m, float **tensors)
{
	size_t total = lab_size(m->shape[m->input]);
	float *memory, *at;

	for (int i = 0; i < m->ops; i++)
		total += lab_size(m->shape[m->op[i].out]);
	memory = at = malloc(total * sizeof(float));
	if (!memory)
		return NULL;
	tensors[m->input] = at;
	at += lab_size(m->shape[m->input]);
	for (int i = 0; i < m->ops; i++) {
		tensors[m->op[i].out] = at;
		at += lab_size(m->shape[m->op[i].out]);
	}
	return memory;
}

/* ---- accuracy ----------------------------------------------------------------------------------- */

struct survey {
	const struct lab_model *m;
	const struct lab_images *images;
	atomic_size_t right;
};

static bool classify(const struct survey *survey, size_t image, float *const *tensors,
		     struct lab_scratch *s)
{
	const struct lab_model *m = survey->m;
	const float *out = tensors[m->output];
	size_t best = 0;

	lab_set_input(m, survey->images->pixels + image * lab_size(survey->images->shape),
		      tensors[m->input]);
	for (int i = 0; i < m->ops; i++)
		lab_run_op(m, &m->op[i], tensors, s);
	for (size_t c = 1; c < lab_size(m->shape[m->output]); c++)
		best = out[c] > out[best] ? c : best;
	return best == survey->images->labels[image];
}

static bool classify_piece(void *argument, size_t piece)
{
	struct survey *survey = argument;
	float *tensors[LAB_MAX_TENSORS], *memory = lab_tensors(survey->m, tensors);
	struct lab_scratch s;
	bool ok = memory && lab_scratch_init(&s, survey->m);

	for (size_t i = piece * PIECE; ok && i < lab_piece_end(piece, PIECE, survey->images->n);
	     i++)
		if (classify(survey, i, tensors, &s))
			atomic_fetch_add(&survey->right, 1);
	if (ok)
		lab_scratch_free(&s);
	free(memory);
	return ok;
}

bool lab_accuracy(const struct lab_model *m, const struct lab_images *images, size_t *right)
{
	struct survey survey = { .m = m, .images = images };
	bool ok = lab_parallel(lab_pieces(images->n, PIECE), classify_piece, &survey);

	*right = survey.right;
	return ok;
}
