// SPDX-License-Identifier: MIT
/* Requantization: turns profiles into the parameters of the inner loops, and cuts up tensors. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/requantize.h>

#include "parallel.h"
#include "requantize_kernels.h"

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
	struct xq_requant_lanes lanes;
	void *memory;
	xq_requant_span span;
	int wide;
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
	if ((unsigned int)rq->profile >= XQ_REQUANT_PROFILES)
		return -EINVAL;
	return check_shift(rq);
}

/*
 * Bounds are put before the zero point is added, where nothing can overflow: clamping t to
 * [low - Z, high - Z] and adding Z is clamping t + Z. If t can't reach one of the ends because
 * it is an int32, that end is where int32 ends; if all t lie beyond one end, the result is a constant.
 */
static void set_bounds(struct xq_requant_lanes *p, const struct xq_requant *rq)
{
	int32_t low, high;

	bounds(rq, &low, &high);
	p->zero_point = rq->zero_point;
	p->low_y = low;
	p->high_y = high;
	p->low64 = (int64_t)low - rq->zero_point;
	p->high64 = (int64_t)high - rq->zero_point;
	if (rq->profile == XQ_REQUANT_ONNX || rq->profile == XQ_REQUANT_FLOOR_SHIFT)
		return;
	if (p->low64 > INT32_MAX || p->high64 < INT32_MIN) {
		p->low = p->high = p->low64 > INT32_MAX ? low : high;
		p->zero_point = 0;
		return;
	}
	p->low = p->low64 < INT32_MIN ? INT32_MIN : (int32_t)p->low64;
	p->high = p->high64 > INT32_MAX ? INT32_MAX : (int32_t)p->high64;
}

/* The writable lanes. */
struct arrays {
	int64_t *add;
	int32_t *bias, *multiplier, *shift, *right;
	float *scale;
};

/* What the loops want of channel c. */
static void set_lane(const struct arrays *a, size_t lane, const struct xq_requant *rq,
		     const int32_t *bias, size_t c)
{
	size_t param = rq->params == 1 ? 0 : c;
	int32_t n;

	a->bias[lane] = bias ? bias[c] : 0;
	if (rq->profile == XQ_REQUANT_ONNX) {
		a->scale[lane] = rq->scale[param];
		return;
	}
	n = rq->shift[param];
	a->multiplier[lane] = rq->multiplier[param];
	if (rq->profile == XQ_REQUANT_FLOOR_SHIFT) {
		a->add[lane] = rq->add ? rq->add[param] : 0;
		a->shift[lane] = n;
	} else if (rq->profile == XQ_REQUANT_TFLITE) {
		a->shift[lane] = n > 0 ? 31 - n : 31;
		a->right[lane] = n < 0 ? -n : 0;
	} else {
		a->shift[lane] = 31 - n;
	}
}

static int set_lanes(struct job *job, const struct xq_requant *rq, const int32_t *bias)
{
	const size_t lane_bytes = sizeof(int64_t) + 4 * sizeof(int32_t) + sizeof(float);
	size_t count = job->lane_count;
	struct arrays a;

	job->memory = calloc(count, lane_bytes);
	if (!job->memory)
		return -ENOMEM;
	a.add = job->memory;
	a.bias = (int32_t *)(a.add + count);
	a.multiplier = a.bias + count;
	a.shift = a.multiplier + count;
	a.right = a.shift + count;
	a.scale = (float *)(a.right + count);
	for (size_t i = 0; i < count; i++)
		set_lane(&a, i, rq, bias, job->mode == LANE_EACH ?
			 i / job->shape.inner % job->shape.channels : i);
	job->lanes = (struct xq_requant_lanes){
		.bias = a.bias, .scale = a.scale, .multiplier = a.multiplier,
		.shift = a.shift, .right = a.right, .add = a.add,
	};
	set_bounds(&job->lanes, rq);
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
		struct xq_requant_lanes lanes = xq_requant_lanes_at(&job->lanes, lane);

		job->span(job->acc + start, n, &lanes, job->out + (start << job->wide));
	}
}

int xq_requantize_with(const struct xq_requant_kernels *kernels, const int32_t *acc,
		       const struct xq_channels *shape, const int32_t *bias,
		       const struct xq_requant *rq, void *out)
{
	struct job job = { .acc = acc, .shape = *shape, .out = out };
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
	job.span = kernels->span[rq->profile][job.mode == LANE_EACH][job.wide];
	err = set_lanes(&job, rq, bias);
	if (!err)
		xq_parallel(job.units, job.elements < THREAD_ELEMENTS ? 1 : rq->threads, work, &job);
	free(job.memory);
	return err;
}

int xq_requantize(const int32_t *acc, const struct xq_channels *shape, const int32_t *bias,
		  const struct xq_requant *rq, void *out)
{
	const struct xq_requant_kernels *list[3];
	size_t n = xq_requant_kernels_list(list);

	return xq_requantize_with(list[n - 1], acc, shape, bias, rq, out);
}
