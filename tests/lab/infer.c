// SPDX-License-Identifier: MIT
/* Float inference: im2col and a small matrix product that the compiler vectorizes. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "infer.h"

/* Output positions and rows of one tile of the product. */
#define TILE 32
#define TILE_ROWS 4
#define MAX_THREADS 16

typedef float vector __attribute__((vector_size(TILE * sizeof(float)), aligned(4)));

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FAST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FAST
#endif

static int positions_of(const struct lab_model *m, const struct lab_op *op)
{
	return m->shape[op->out].height * m->shape[op->out].width;
}

static size_t padded(size_t positions)
{
	return (positions + TILE - 1) / TILE * TILE;
}

/* sums[r][p] = sum over k of w[r][k] columns[k][p] */
FAST static void product(const float *w, size_t rows, size_t k, const float *columns, size_t stride,
			 float *sums)
{
	for (size_t p = 0; p < stride; p += TILE) {
		for (size_t r = 0; r < rows; r += TILE_ROWS) {
			size_t count = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
			vector sum[TILE_ROWS] = { 0 };

			for (size_t i = 0; i < k; i++) {
				const vector *c = (const vector *)(const void *)(columns + i * stride + p);

				for (size_t j = 0; j < TILE_ROWS; j++)
					sum[j] += w[(r + (j < count ? j : 0)) * k + i] * *c;
			}
			for (size_t j = 0; j < count; j++)
				memcpy(sums + (r + j) * stride + p, &sum[j], sizeof(sum[j]));
		}
	}
}

static void im2col(const struct lab_model *m, const struct lab_op *op, const float *in, size_t stride,
		   float *columns)
{
	struct lab_shape is = m->shape[op->in[0]], os = m->shape[op->out];

	for (int i = 0; i < op->kernel[0]; i++) {
		for (int j = 0; j < op->kernel[1]; j++) {
			for (int c = 0; c < is.channels; c++, columns += stride) {
				const float *plane = in + c * is.height * is.width;

				for (int y = 0; y < os.height; y++) {
					int row = y * op->stride[0] + i - op->pad[0];

					for (int x = 0; x < os.width; x++) {
						int column = x * op->stride[1] + j - op->pad[1];
						bool inside = row >= 0 && row < is.height && column >= 0 &&
							      column < is.width;

						columns[y * os.width + x] =
							inside ? plane[row * is.width + column] : 0;
					}
				}
			}
		}
	}
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

static void convolution(const struct lab_model *m, const struct lab_op *op, const float *in, float *out,
			struct lab_scratch *s)
{
	size_t positions = (size_t)positions_of(m, op), stride = padded(positions);

	im2col(m, op, in, stride, s->columns);
	product(op->weights, op->rows, op->k, s->columns, stride, s->sums);
	for (size_t r = 0; r < op->rows; r++)
		for (size_t p = 0; p < positions; p++)
			out[r * positions + p] = s->sums[r * stride + p] + op->bias[r];
}

static void pool(const struct lab_model *m, const struct lab_op *op, const float *in, float *out)
{
	struct lab_shape is = m->shape[op->in[0]], os = m->shape[op->out];
	bool average = op->kind == LAB_AVERAGE_POOL;

	for (int c = 0; c < os.channels; c++) {
		for (int y = 0; y < os.height; y++) {
			for (int x = 0; x < os.width; x++) {
				float result = average ? 0 : -INFINITY;

				for (int i = 0; i < op->kernel[0]; i++) {
					for (int j = 0; j < op->kernel[1]; j++) {
						int row = y * op->stride[0] + i, column = x * op->stride[1] + j;
						float v = in[(c * is.height + row) * is.width + column];

						result = average ? result + v : fmaxf(result, v);
					}
				}
				*out++ = average ? result / (float)(op->kernel[0] * op->kernel[1]) : result;
			}
		}
	}
}

void lab_run_op(const struct lab_model *m, const struct lab_op *op, float *const *tensors,
		struct lab_scratch *s)
{
	size_t n = lab_size(m->shape[op->out]);
	float *out = tensors[op->out];

	switch (op->kind) {
	case LAB_CONV:
		convolution(m, op, tensors[op->in[0]], out, s);
		break;
	case LAB_ADD:
		for (size_t i = 0; i < n; i++)
			out[i] = tensors[op->in[0]][i] + tensors[op->in[1]][i];
		break;
	default:
		pool(m, op, tensors[op->in[0]], out);
		break;
	}
	for (size_t i = 0; i < n && op->relu; i++)
		out[i] = fmaxf(out[i], 0);
}

void lab_set_input(const struct lab_model *m, const uint8_t *pixels, float *input)
{
	struct lab_shape s = m->shape[m->input];
	size_t area = (size_t)(s.height * s.width);

	for (size_t p = 0; p < area; p++)
		for (size_t c = 0; c < (size_t)s.channels; c++)
			input[c * area + p] = (float)pixels[p * (size_t)s.channels + c] * m->input_scale;
}

bool lab_scratch_init(struct lab_scratch *s, const struct lab_model *m)
{
	size_t columns = 0, sums = 0;

	for (int i = 0; i < m->ops; i++) {
		const struct lab_op *op = &m->op[i];
		size_t stride = op->kind == LAB_CONV ? padded((size_t)positions_of(m, op)) : 0;

		columns = op->k * stride > columns ? op->k * stride : columns;
		sums = op->rows * stride > sums ? op->rows * stride : sums;
	}
	/* The padding of columns is computed with, so it must hold numbers. */
	s->columns = calloc(columns, sizeof(float));
	s->sums = calloc(sums, sizeof(float));
	if (s->columns && s->sums)
		return true;
	lab_scratch_free(s);
	return false;
}

void lab_scratch_free(struct lab_scratch *s)
{
	free(s->columns);
	free(s->sums);
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
	atomic_size_t next, right;
	atomic_bool failed;
};

static bool classify(struct survey *survey, size_t image, float *const *tensors, struct lab_scratch *s)
{
	const struct lab_model *m = survey->m;
	const float *out = tensors[m->output];
	size_t best = 0;

	lab_set_input(m, survey->images->pixels + image * lab_size(survey->images->shape), tensors[m->input]);
	for (int i = 0; i < m->ops; i++)
		lab_run_op(m, &m->op[i], tensors, s);
	for (size_t c = 1; c < lab_size(m->shape[m->output]); c++)
		best = out[c] > out[best] ? c : best;
	return best == survey->images->labels[image];
}

static void *worker(void *argument)
{
	struct survey *survey = argument;
	float *tensors[LAB_MAX_TENSORS], *memory = lab_tensors(survey->m, tensors);
	struct lab_scratch s;
	size_t image;

	if (!memory || !lab_scratch_init(&s, survey->m)) {
		atomic_store(&survey->failed, true);
		free(memory);
		return NULL;
	}
	while ((image = atomic_fetch_add(&survey->next, 1)) < survey->images->n)
		if (classify(survey, image, tensors, &s))
			atomic_fetch_add(&survey->right, 1);
	lab_scratch_free(&s);
	free(memory);
	return NULL;
}

size_t lab_accuracy(const struct lab_model *m, const struct lab_images *images)
{
	struct survey survey = { .m = m, .images = images };
	pthread_t threads[MAX_THREADS];
	long wanted = sysconf(_SC_NPROCESSORS_ONLN), started = 0;

	while (started < wanted - 1 && started < MAX_THREADS &&
	       !pthread_create(&threads[started], NULL, worker, &survey))
		started++;
	worker(&survey);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return survey.failed ? 0 : survey.right;
}
