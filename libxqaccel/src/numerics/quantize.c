// SPDX-License-Identifier: MIT
/* Quantization with given parameters: cuts a tensor into spans for the inner loops. */
#include <errno.h>
#include <stdlib.h>

#include <xqaccel/quantize.h>

#include "layout.h"
#include "parameters.h"
#include "quantize_kernels.h"
#include "round.h"

/* Channels with fewer contiguous elements than this are done many at a time. */
#define SHORT_RUN 32

/* At least this many elements per call then. */
#define TILE 1024

struct job {
	const float *x;
	const struct xq_layout *layout;
	const struct xq_qtype *type;
	struct xq_rounding rounding;
	uint8_t *q;
	size_t code_bytes;
	xq_quantize_span one, each;
	struct xq_fault *fault;
};

static size_t stochastic_span(const struct job *job, size_t start, size_t n, const float *scale,
			      const int32_t *zp, int each)
{
	const float *x = job->x + start;

	for (size_t i = 0; i < n; i++) {
		int32_t z = zp[each ? i : 0], code;
		float v;

		if (!xq_is_finite(x[i]))
			return i;
		v = xq_clampf(x[i] / scale[each ? i : 0], (float)(job->type->min - z),
			      (float)(job->type->max - z));
		code = xq_round_stochastic(v, xq_random24(job->rounding.seed, job->rounding.first + start + i)) + z;
		if (job->code_bytes == 2)
			((uint16_t *)(void *)job->q)[start + i] = (uint16_t)code;
		else
			job->q[start + i] = (uint8_t)code;
	}
	return n;
}

static int span(const struct job *job, size_t start, size_t n, const float *scale, const int32_t *zp,
		int each)
{
	size_t done;

	if (!n)
		return 0;
	if (job->rounding.mode == XQ_ROUND_STOCHASTIC)
		done = stochastic_span(job, start, n, scale, zp, each);
	else
		done = (each ? job->each : job->one)(job->x + start, n, scale, zp, job->type->min,
						     job->type->max, job->q + start * job->code_bytes);
	if (done == n)
		return 0;
	return xq_fault_set(job->fault, XQ_FAULT_INPUT, start + done, job->x[start + done], -EDOM);
}

/*
 * Channels whose elements are far apart (the last axis) or in short runs (small kernels): the
 * parameters are written out for each element of a few rows, which are then one long span.
 */
static int short_channels(const struct job *job, const float *scale, const int32_t *zp)
{
	const struct xq_layout *l = job->layout;
	size_t row = l->axis * l->inner, rows = 1, n;
	float *scales;
	int32_t *zps;
	int err = 0;

	if (row < TILE)
		rows = TILE / row < l->outer ? TILE / row : l->outer;
	n = row * rows;
	scales = malloc(n * sizeof(*scales));
	zps = malloc(n * sizeof(*zps));
	if (!scales || !zps)
		err = -ENOMEM;
	for (size_t i = 0; i < n && !err; i++) {
		scales[i] = scale[i / l->inner % l->axis];
		zps[i] = zp[i / l->inner % l->axis];
	}
	for (size_t o = 0; o < l->outer && !err; o += rows) {
		size_t count = l->outer - o < rows ? l->outer - o : rows;

		err = span(job, o * row, count * row, scales, zps, 1);
	}
	free(scales);
	free(zps);
	return err;
}

static int channels(const struct job *job, const float *scale, const int32_t *zp)
{
	const struct xq_layout *l = job->layout;
	int err = 0;

	if (l->inner < SHORT_RUN && l->axis > 1)
		return short_channels(job, scale, zp);
	for (size_t o = 0; o < l->outer && !err; o++)
		for (size_t a = 0; a < l->axis && !err; a++)
			err = span(job, (o * l->axis + a) * l->inner, l->inner, scale + a, zp + a, 0);
	return err;
}

static int blocks(const struct job *job, const float *scale, const int32_t *zp)
{
	const struct xq_layout *l = job->layout;
	size_t per_row = xq_layout_blocks(l);
	int err = 0;

	for (size_t o = 0; o < l->outer && !err; o++) {
		for (size_t b = 0; b < per_row && !err; b++) {
			size_t first = b * l->block, p = (o * per_row + b) * l->inner;
			size_t count = l->axis - first < l->block ? l->axis - first : l->block;
			size_t start = (o * l->axis + first) * l->inner;

			if (l->inner == 1) {
				err = span(job, start, count, scale + p, zp + p, 0);
				continue;
			}
			for (size_t a = 0; a < count && !err; a++)
				err = span(job, start + a * l->inner, l->inner, scale + p, zp + p, 1);
		}
	}
	return err;
}

int xq_quantize(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
		const float *scale, const int32_t *zero_point, const struct xq_rounding *rounding,
		void *q, struct xq_fault *fault)
{
	const struct xq_quantize_kernels *kernels = xq_quantize_kernels_best();
	struct job job = { .x = x, .layout = layout, .type = type, .q = q, .fault = fault };
	int32_t *zeros = NULL;
	int even, wide, err;

	err = xq_check_parameters(layout, type, scale, false, zero_point, fault);
	if (err)
		return err;
	if (rounding)
		job.rounding = *rounding;
	if (job.rounding.mode > XQ_ROUND_STOCHASTIC)
		return -EINVAL;
	if (!xq_layout_elements(layout))
		return 0;
	if (!x || !q)
		return -EINVAL;
	even = job.rounding.mode == XQ_ROUND_EVEN;
	wide = type->bits > 8;
	job.code_bytes = wide ? 2 : 1;
	job.one = kernels->quantize[XQ_SPAN_ONE_SCALE][even][wide];
	job.each = kernels->quantize[XQ_SPAN_SCALE_EACH][even][wide];
	if (!zero_point) {
		zero_point = zeros = calloc(xq_layout_params(layout), sizeof(*zeros));
		if (!zeros)
			return -ENOMEM;
	}
	switch (layout->per) {
	case XQ_PER_TENSOR:
		err = span(&job, 0, xq_layout_elements(layout), scale, zero_point, 0);
		break;
	case XQ_PER_CHANNEL:
		err = channels(&job, scale, zero_point);
		break;
	case XQ_PER_BLOCK:
		err = blocks(&job, scale, zero_point);
		break;
	}
	free(zeros);
	return err;
}
