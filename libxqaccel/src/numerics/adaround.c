// SPDX-License-Identifier: MIT
/* AdaRound: learns for each weight whether to round it down or up. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/reconstruct.h>

#include "layout.h"
#include "rows.h"

/* Rows that are optimized together, so that the Gram matrix is read once for all of them. */
#define LANES 16

#define STRETCH 1.2f	/* zeta - gamma of the rectified sigmoid */
#define BELOW 0.1f	/* -gamma */

#define FAR_OUTSIDE 1e6f

/* Adam's usual constants. */
#define DECAY_MEAN 0.9f
#define DECAY_SQUARE 0.999f
#define TINY 1e-8f

typedef float lanes[LANES];

/* One block of rows, [k][LANES] each. */
struct block {
	lanes *target;		/* w / S */
	lanes *floor;
	lanes *v;		/* the variable */
	lanes *mean, *square;	/* Adam's moments */
	lanes *error;		/* soft code - target */
};

struct schedule {
	float rate, weight, beta;
	float correct_mean, correct_square;	/* Adam's bias corrections */
};

static struct xq_adaround_options with_defaults(const struct xq_adaround_options *given)
{
	struct xq_adaround_options o = { 0 };

	if (given)
		o = *given;
	o.iterations = o.iterations ? o.iterations : 1000;
	o.rate = o.rate > 0 ? o.rate : 0.02;
	o.weight = o.weight > 0 ? o.weight : 0.5;
	o.warmup = o.warmup > 0 ? o.warmup : 0.2;
	o.beta_start = o.beta_start > 0 ? o.beta_start : 20;
	o.beta_end = o.beta_end > 0 ? o.beta_end : 2;
	return o;
}

static float sigmoid(float v)
{
	return 1 / (1 + expf(-v));
}

static float rectified(float v)
{
	float h = STRETCH * sigmoid(v) - BELOW;

	return h < 0 ? 0 : h > 1 ? 1 : h;
}

static void begin_row(struct block *b, size_t k, int lane, const float *w, float scale)
{
	for (size_t i = 0; i < k; i++) {
		float target = w ? w[i] / scale : 0, down, p;

		/* What a quotient may overflow to is far outside any type. */
		target = target > FAR_OUTSIDE ? FAR_OUTSIDE : target < -FAR_OUTSIDE ? -FAR_OUTSIDE : target;
		down = floorf(target);
		p = (target - down + BELOW) / STRETCH;
		b->target[i][lane] = target;
		b->floor[i][lane] = down;
		b->v[i][lane] = -logf(1 / p - 1);
		b->mean[i][lane] = 0;
		b->square[i][lane] = 0;
	}
}

static void soft_errors(struct block *b, size_t k, const struct xq_qtype *type)
{
	for (size_t i = 0; i < k; i++) {
		for (int l = 0; l < LANES; l++) {
			float code = b->floor[i][l] + rectified(b->v[i][l]);

			code = code < (float)type->min ? (float)type->min : code;
			code = code > (float)type->max ? (float)type->max : code;
			b->error[i][l] = code - b->target[i][l];
		}
	}
}

/* d(loss + regularizer) / dV of one weight; slope is d loss / d code. */
static float gradient(float v, float down, float slope, const struct xq_qtype *type,
		      const struct schedule *now)
{
	float s = sigmoid(v), h = STRETCH * s - BELOW, from_centre;

	if (h <= 0 || h >= 1)
		return 0;
	if (down + h < (float)type->min || down + h > (float)type->max)
		slope = 0;
	from_centre = 2 * h - 1;
	if (now->weight > 0)
		slope -= 2 * now->weight * now->beta * powf(fabsf(from_centre), now->beta - 1) *
			 copysignf(1, from_centre);
	return slope * STRETCH * s * (1 - s);
}

static void step(struct block *b, size_t k, const float *gram, const struct xq_qtype *type,
		 const struct schedule *now)
{
	for (size_t i = 0; i < k; i++) {
		lanes slope = { 0 };

		for (size_t j = 0; j < k; j++) {
			float g = gram[i * k + j];

			for (int l = 0; l < LANES; l++)
				slope[l] += g * b->error[j][l];
		}
		for (int l = 0; l < LANES; l++) {
			float d = gradient(b->v[i][l], b->floor[i][l], 2 * slope[l], type, now);
			float *m = &b->mean[i][l], *s = &b->square[i][l];

			*m = DECAY_MEAN * *m + (1 - DECAY_MEAN) * d;
			*s = DECAY_SQUARE * *s + (1 - DECAY_SQUARE) * d * d;
			b->v[i][l] -= now->rate * (*m * now->correct_mean) /
				      (sqrtf(*s * now->correct_square) + TINY);
		}
	}
}

static void optimize(struct block *b, size_t k, const float *gram, const struct xq_qtype *type,
		     const struct xq_adaround_options *o)
{
	unsigned int warm = (unsigned int)(o->warmup * o->iterations);
	double mean = 1, square = 1;

	for (unsigned int t = 0; t < o->iterations; t++) {
		double late = t < warm ? 0 : (double)(t - warm) / (o->iterations - warm);
		struct schedule now = {
			.rate = (float)o->rate,
			.weight = t < warm ? 0 : (float)o->weight,
			.beta = (float)(o->beta_start + (o->beta_end - o->beta_start) * late),
		};

		mean *= (double)DECAY_MEAN;
		square *= (double)DECAY_SQUARE;
		now.correct_mean = (float)(1 / (1 - mean));
		now.correct_square = (float)(1 / (1 - square));
		soft_errors(b, k, type);
		step(b, k, gram, type, &now);
	}
}

static float clamp_code(float code, const struct xq_qtype *type)
{
	code = code < (float)type->min ? (float)type->min : code;
	return code > (float)type->max ? (float)type->max : code;
}

/* (w - S q)^T G (w - S q) */
static double row_loss(const float *w, size_t k, const double *gram, float scale, const float *code)
{
	double sum = 0;

	for (size_t i = 0; i < k; i++) {
		double row = 0;

		for (size_t j = 0; j < k; j++)
			row += gram[i * k + j] * ((double)w[j] - (double)scale * (double)code[j]);
		sum += row * ((double)w[i] - (double)scale * (double)code[i]);
	}
	return sum;
}

/* What was learned, unless rounding each weight to nearest is better. */
static void finish_row(const struct block *b, size_t k, int lane, const struct xq_qtype *type, const float *w,
		       const double *gram, float scale, float *scratch, uint8_t *q)
{
	float *learned = scratch, *nearest = scratch + k;

	for (size_t i = 0; i < k; i++) {
		learned[i] = clamp_code(b->floor[i][lane] + (rectified(b->v[i][lane]) >= 0.5f), type);
		nearest[i] = roundf(clamp_code(w[i] / scale, type));
	}
	if (!(row_loss(w, k, gram, scale, learned) <= row_loss(w, k, gram, scale, nearest)))
		learned = nearest;
	for (size_t i = 0; i < k; i++)
		q[i] = (uint8_t)(int32_t)learned[i];
}

/* The Gram matrix in units of the mean of its diagonal. */
static void normalize(const double *gram, size_t k, float *out)
{
	double mean = 0;

	for (size_t i = 0; i < k; i++)
		mean += gram[i * k + i] / (double)k;
	for (size_t i = 0; i < k * k; i++)
		out[i] = mean > 0 ? (float)(gram[i] / mean) : 0;
}

int xq_adaround(const float *w, size_t rows, size_t k, const double *gram, const struct xq_qtype *type,
		const float *scale, const struct xq_adaround_options *options, void *q,
		struct xq_fault *fault)
{
	struct xq_adaround_options o = with_defaults(options);
	size_t n, squares;
	float *normal, *scratch;
	lanes *memory;
	struct block b;
	int err;

	if (!xq_qtype_valid(type) || type->bits > 8 || o.warmup >= 1)
		return -EINVAL;
	err = xq_check_rows(w, rows, k, &n, fault);
	if (err)
		return err;
	if (!n)
		return 0;
	if (!gram || !scale || !q)
		return -EINVAL;
	for (size_t r = 0; r < rows; r++)
		if (!isfinite(scale[r]) || !(scale[r] > 0))
			return xq_fault_set(fault, XQ_FAULT_SCALE, r, scale[r], -EDOM);
	if (__builtin_mul_overflow(k, k, &squares))
		return -EOVERFLOW;
	normal = calloc(squares, sizeof(*normal));
	memory = calloc(k, 6 * sizeof(*memory));
	scratch = calloc(k, 2 * sizeof(*scratch));
	if (!normal || !memory || !scratch) {
		free(normal);
		free(memory);
		free(scratch);
		return -ENOMEM;
	}
	normalize(gram, k, normal);
	b = (struct block){ memory, memory + k, memory + 2 * k, memory + 3 * k, memory + 4 * k, memory + 5 * k };
	for (size_t from = 0; from < rows; from += LANES) {
		for (int l = 0; l < LANES; l++) {
			size_t r = from + (size_t)l;

			begin_row(&b, k, l, r < rows ? w + r * k : NULL, r < rows ? scale[r] : 1);
		}
		optimize(&b, k, normal, type, &o);
		for (size_t r = from; r < rows && r < from + LANES; r++)
			finish_row(&b, k, (int)(r - from), type, w + r * k, gram, scale[r], scratch,
				   (uint8_t *)q + r * k);
	}
	free(normal);
	free(scratch);
	free(memory);
	return 0;
}
