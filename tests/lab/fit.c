// SPDX-License-Identifier: MIT
/* Samples of a layer's inputs and outputs, and the best float weights for them. */
#include <stdlib.h>
#include <string.h>

#include <xqaccel/reconstruct.h>

#include "fit.h"
#include "infer.h"
#include "parallel.h"
#include "product.h"
#include "solve.h"

/* Rows of inputs that a layer is fitted to. */
#define SAMPLES 8192

#define RIDGE 0.01	/* lambda, in means of the diagonal of X X^T */
#define IMAGES 16	/* images, and rows of weights, that a thread takes at a time */
#define ROWS 8

/* ---- the float network -------------------------------------------------------------------------- */

struct forward {
	const struct lab_model *m;
	int index;
	lab_tensor_list *tensors;
	size_t n;
};

static bool forward_piece(void *argument, size_t piece)
{
	struct forward *forward = argument;
	struct lab_scratch s;

	if (!lab_scratch_init(&s, forward->m))
		return false;
	for (size_t i = piece * IMAGES; i < lab_piece_end(piece, IMAGES, forward->n); i++)
		lab_run_op(forward->m, &forward->m->op[forward->index], forward->tensors[i], &s);
	lab_scratch_free(&s);
	return true;
}

bool lab_run_all(const struct lab_model *m, int index, lab_tensor_list *tensors, size_t n)
{
	struct forward forward = { m, index, tensors, n };

	return lab_parallel(lab_pieces(n, IMAGES), forward_piece, &forward);
}

bool lab_calibration_init(struct lab_calibration *c, const struct lab_model *m,
			  const struct lab_images *images, size_t most)
{
	bool ok = true;

	*c = (struct lab_calibration){ .model = m };
	c->memory = calloc(most, sizeof(*c->memory));
	c->tensors = calloc(most, sizeof(*c->tensors));
	while (c->memory && c->tensors && c->n < most && c->n < images->n) {
		c->memory[c->n] = lab_tensors(m, c->tensors[c->n]);
		if (!c->memory[c->n])
			break;
		lab_set_input(m, images->pixels + c->n * lab_size(images->shape),
			      c->tensors[c->n][m->input]);
		c->n++;
	}
	for (int i = 0; i < m->ops && ok; i++)
		ok = lab_run_all(m, i, c->tensors, c->n);
	return ok && c->n > 0;
}

void lab_calibration_free(struct lab_calibration *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->memory[i]);
	free(c->memory);
	free(c->tensors);
}

/* ---- samples ------------------------------------------------------------------------------------ */

struct sampling {
	struct lab_fit *f;
	const struct lab_calibration *c;
	lab_tensor_list *quantized;
	size_t each;			/* samples of an image */
	int *position;			/* [n] */
	int summand;
};

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 33;
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

		if (op->kind != LAB_ADD ||
		    (op->in[0] != m->op[index].out && op->in[1] != m->op[index].out))
			continue;
		other = op->in[0] == m->op[index].out ? op->in[1] : op->in[0];
		for (int j = 0; j < index; j++)
			if (m->op[j].out == other)
				return other;
	}
	return -1;
}

/* Before the activation, as the float network has it, plus what the other summand lacks. */
static void target(const struct sampling *all, size_t image, int position, const float *column,
		   float *y)
{
	const struct lab_op *op = all->f->op;
	struct lab_shape os = all->c->model->shape[op->out];
	size_t area = (size_t)(os.height * os.width);

	lab_dense(op->weights, op->rows, op->k, column, y);
	for (size_t r = 0; r < op->rows; r++) {
		size_t at = r * area + (size_t)position;

		y[r] += op->bias[r];
		if (all->summand >= 0)
			y[r] += all->c->tensors[image][all->summand][at] -
				all->quantized[image][all->summand][at];
	}
}

static bool sample_piece(void *argument, size_t piece)
{
	struct sampling *all = argument;
	const struct lab_model *m = all->c->model;
	struct lab_fit *f = all->f;
	float *column = malloc(f->k * sizeof(*column));
	int in = f->op->in[0];

	if (!column)
		return false;
	for (size_t image = piece * IMAGES; image < lab_piece_end(piece, IMAGES, all->c->n);
	     image++) {
		for (size_t s = image * all->each; s < (image + 1) * all->each; s++) {
			lab_column(m, f->op, all->c->tensors[image][in], all->position[s], column);
			target(all, image, all->position[s], column, f->y + s * f->rows);
			lab_column(m, f->op, all->quantized[image][in], all->position[s],
				   f->x + s * f->k);
		}
	}
	free(column);
	return true;
}

static bool allocate(struct lab_fit *f)
{
	f->x = malloc(f->n * f->k * sizeof(*f->x));
	f->y = malloc(f->n * f->rows * sizeof(*f->y));
	f->x_mean = calloc(f->k, sizeof(*f->x_mean));
	f->y_mean = calloc(f->rows, sizeof(*f->y_mean));
	f->gram = calloc(f->k * f->k, sizeof(*f->gram));
	f->w = malloc(f->rows * f->k * sizeof(*f->w));
	return f->x && f->y && f->x_mean && f->y_mean && f->gram && f->w;
}

bool lab_fit_init(struct lab_fit *f, const struct lab_calibration *c, int index,
		  lab_tensor_list *quantized)
{
	const struct lab_op *op = &c->model->op[index];
	struct lab_shape os = c->model->shape[op->out];
	size_t positions = (size_t)(os.height * os.width), each = SAMPLES / c->n;
	struct sampling all = { f, c, quantized, .summand = summand_of(c->model, index) };
	uint64_t random = 1;
	bool ok;

	all.each = each < 1 ? 1 : each > positions ? positions : each;
	*f = (struct lab_fit){ .op = op, .n = all.each * c->n, .k = op->k, .rows = op->rows };
	all.position = malloc(f->n * sizeof(*all.position));
	ok = allocate(f) && all.position;
	for (size_t s = 0; s < f->n && ok; s++)
		all.position[s] = (int)(all.each == positions ? s % all.each :
								next_random(&random) % positions);
	ok = ok && lab_parallel(lab_pieces(c->n, IMAGES), sample_piece, &all);
	free(all.position);
	if (ok) {
		centre(f->x, f->n, f->k, f->x_mean);
		centre(f->y, f->n, f->rows, f->y_mean);
		ok = !xq_gram_add(f->gram, f->x, f->n, f->k, NULL);
	}
	if (!ok)
		lab_fit_free(f);
	return ok;
}

void lab_fit_free(struct lab_fit *f)
{
	free(f->x);
	free(f->y);
	free(f->x_mean);
	free(f->y_mean);
	free(f->gram);
	free(f->w);
}

/* ---- the best float weights --------------------------------------------------------------------- */

struct solution {
	struct lab_fit *f;
	const double *factor;
	double ridge;
};

static bool solve_piece(void *argument, size_t piece)
{
	struct solution *all = argument;
	struct lab_fit *f = all->f;
	size_t from = piece * ROWS, to = lab_piece_end(piece, ROWS, f->rows);
	double *right = malloc((to - from) * f->k * sizeof(*right));

	if (!right)
		return false;
	for (size_t i = 0; i < (to - from) * f->k; i++)
		right[i] = all->ridge * (double)f->op->weights[from * f->k + i];
	for (size_t s = 0; s < f->n; s++) {
		const float *x = f->x + s * f->k;

		for (size_t r = from; r < to; r++) {
			double *sum = right + (r - from) * f->k, y = f->y[s * f->rows + r];

			for (size_t i = 0; i < f->k; i++)
				sum[i] += y * (double)x[i];
		}
	}
	for (size_t r = from; r < to; r++) {
		double *row = right + (r - from) * f->k;

		lab_cholesky_solve(all->factor, f->k, row);
		for (size_t i = 0; i < f->k; i++)
			f->w[r * f->k + i] = (float)row[i];
	}
	free(right);
	return true;
}

bool lab_fit_solve(struct lab_fit *f)
{
	double *factor = malloc(f->k * f->k * sizeof(*factor));
	struct solution all = { f, factor, 0 };
	bool ok = factor != NULL;

	for (size_t i = 0; i < f->k; i++)
		all.ridge += f->gram[i * f->k + i] / (double)f->k * RIDGE;
	all.ridge = all.ridge > 0 ? all.ridge : 1;
	for (size_t i = 0; i < f->k; i++)
		f->gram[i * f->k + i] += all.ridge;
	if (ok) {
		memcpy(factor, f->gram, f->k * f->k * sizeof(*factor));
		ok = lab_cholesky(factor, f->k) &&
		     lab_parallel(lab_pieces(f->rows, ROWS), solve_piece, &all);
	}
	free(factor);
	return ok;
}
