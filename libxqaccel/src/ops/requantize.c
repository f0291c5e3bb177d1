// SPDX-License-Identifier: MIT
/* Requantization: turns profiles into the parameters of the inner loops, and cuts up tensors. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/requantize.h>

#include "epilogue/epilogue.h"
#include "kernels.h"
#include "parallel.h"
#include "requantize_with.h"

_Static_assert((int)XQ_REQUANT_ONNX == XQ_PROFILE_ONNX && (int)XQ_REQUANT_TFLITE == XQ_PROFILE_TFLITE &&
	       (int)XQ_REQUANT_TFLITE_SINGLE == XQ_PROFILE_TFLITE_SINGLE &&
	       (int)XQ_REQUANT_FLOOR_SHIFT == XQ_PROFILE_FLOOR_SHIFT, "one arithmetic");

/* Channels with fewer contiguous elements than this are done many at a time. */
#define SHORT_RUN 64

/* At least this many elements per call then. */
#define TILE 1024

/* Outputs of fewer elements are not worth a second thread. */
#define THREAD_ELEMENTS (1 << 18)

/* How many lanes there are, and which a unit of work uses. */
enum mode {
	ONE_LANE,	/* the same for all elements */
	LANE_A_RUN,	/* a unit is a run of one channel */
	LANE_EACH,	/* a unit is a few rows, with a lane for each of its elements */
};

struct job {
	const int32_t *acc;
	struct xq_channels shape;
	size_t elements, units, unit;	/* of a unit: elements */
	enum mode mode;
	size_t lane_count;
	const struct xqk_isa *isa;
	struct xqk_lanes lanes;
	void *memory;
	bool wide;
	uint8_t *out;
};

static bool bounds(const struct xq_requant *rq, int32_t *low, int32_t *high)
{
	*low = (int32_t)xq_type_min(rq->type);
	*high = (int32_t)xq_type_max(rq->type);
	if (rq->clamp && rq->act_min > *low)
		*low = rq->act_min;
	if (rq->clamp && rq->act_max < *high)
		*high = rq->act_max;
	return *low <= *high;
}

static int check_shift(const struct xq_requant *rq)
{
	bool floor_shift = rq->profile == XQ_REQUANT_FLOOR_SHIFT;

	if (rq->params && (!rq->multiplier || !rq->shift))
		return -EINVAL;
	for (size_t i = 0; i < rq->params; i++) {
		if (rq->shift[i] < (floor_shift ? 0 : -31) || rq->shift[i] > (floor_shift ? 63 : 30))
			return -ERANGE;
	}
	return 0;
}

int xq_requant_check(const struct xq_requant *rq, size_t channels)
{
	int32_t low, high;

	if (rq->params != 1 && rq->params != channels)
		return -EINVAL;
	switch (rq->type) {
	case XQ_S8: case XQ_U8: case XQ_S4: case XQ_U4: case XQ_S2: case XQ_U2: case XQ_T2:
	case XQ_S16: case XQ_U16:
		break;
	default:
		return -EINVAL;
	}
	if (!bounds(rq, &low, &high))
		return -EINVAL;
	if (rq->profile == XQ_REQUANT_ONNX) {
		if (rq->params && !rq->scale)
			return -EINVAL;
		for (size_t i = 0; i < rq->params; i++) {
			if (!isfinite(rq->scale[i]))
				return -EDOM;
		}
		return 0;
	}
	if ((unsigned int)rq->profile >= XQ_PROFILES)
		return -EINVAL;
	return check_shift(rq);
}

static int set_lanes(struct job *job, const struct xq_requant *rq, const int32_t *bias)
{
	const bool each = job->mode == LANE_EACH;
	struct xqk_requant numbers = {
		.profile = rq->profile, .zero_point = rq->zero_point, .params = rq->params, .bias = bias,
		.multiplier = rq->multiplier, .shift = rq->shift, .add = rq->add, .scale = rq->scale,
	};
	size_t *channel = NULL;

	bounds(rq, &numbers.least, &numbers.greatest);
	job->memory = malloc(xqk_lanes_bytes(job->lane_count));
	if (each)
		channel = malloc(job->lane_count * sizeof(*channel));
	if (!job->memory || (each && !channel)) {
		free(channel);
		return -ENOMEM;
	}
	for (size_t i = 0; each && i < job->lane_count; i++)
		channel[i] = i / job->shape.inner % job->shape.channels;
	xqk_lanes_fill(&numbers, channel, 0, job->lane_count, job->memory, &job->lanes);
	free(channel);
	return 0;
}

static void cut_up(struct job *job, bool uniform)
{
	const struct xq_channels *s = &job->shape;
	size_t row = s->channels * s->inner, rows = 1;

	if (uniform || s->channels == 1) {
		job->mode = ONE_LANE;
		job->lane_count = 1;
		job->unit = 16 * TILE;
	} else if (s->inner >= SHORT_RUN) {
		job->mode = LANE_A_RUN;
		job->lane_count = s->channels;
		job->unit = s->inner;
	} else {
		if (row < TILE)
			rows = TILE / row < s->outer ? TILE / row : s->outer;
		job->mode = LANE_EACH;
		job->lane_count = job->unit = rows * row;
	}
	job->units = job->elements / job->unit + !!(job->elements % job->unit);
}

static void work(void *arg, size_t first, size_t last)
{
	const struct job *job = arg;

	for (size_t u = first; u < last; u++) {
		size_t start = u * job->unit;
		size_t n = job->elements - start < job->unit ? job->elements - start : job->unit;
		size_t lane = job->mode == LANE_A_RUN ? u % job->shape.channels : 0;
		struct xqk_lanes lanes = xqk_lanes_at(&job->lanes, lane);

		/* A run of one channel takes its first lane for all. */
		lanes.each = job->mode == LANE_EACH && lanes.each;
		xqk_requantize(job->isa, &lanes, job->acc + start, n, job->out + (start << job->wide),
			       job->wide);
	}
}

int xq_requantize_with(const struct xqk_isa *isa, const int32_t *acc,
		       const struct xq_channels *shape, const int32_t *bias,
		       const struct xq_requant *rq, void *out)
{
	struct job job = { .acc = acc, .shape = *shape, .isa = isa, .out = out };
	int err = xq_requant_check(rq, shape->channels);

	if (err)
		return err;
	if (__builtin_mul_overflow(shape->channels, shape->inner, &job.elements) ||
	    __builtin_mul_overflow(job.elements, shape->outer, &job.elements))
		return -EOVERFLOW;
	if (!job.elements)
		return 0;
	if (!acc || !out)
		return -EINVAL;
	cut_up(&job, rq->params == 1 && !bias);
	job.wide = xq_type_unpacked_bytes(rq->type) == 2;
	err = set_lanes(&job, rq, bias);
	if (!err)
		xq_parallel(job.units, job.elements < THREAD_ELEMENTS ? 1 : rq->threads, work, &job);
	free(job.memory);
	return err;
}

int xq_requantize(const int32_t *acc, const struct xq_channels *shape, const int32_t *bias,
		  const struct xq_requant *rq, void *out)
{
	return xq_requantize_with(xq_kernels(), acc, shape, bias, rq, out);
}
