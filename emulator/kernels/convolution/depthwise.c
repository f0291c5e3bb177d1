// SPDX-License-Identifier: MIT
/*
 * Depthwise convolutions, also with several output channels for each input channel.
 *
 * A unit is some output rows of an image by up to 64 output channels. Elements of X and W in the
 * kernel's domain, x' and w', differ from those in memory by constants, which the zero points
 * follow. Padding is an x' that equals the zero point, so with T taps
 *
 *	y = sum (x' - zx)(w' - zw) = sum x'w' - zx sum w' - zw (sum x' - T zx)
 *
 * where sum x' is what the kernel makes of weights that are all 1.
 */
#include <string.h>

#include "convolution/conv.h"
#include "epilogue/tail.h"
#include "operators.h"
#include "product/gemm.h"

/* Output rows of a unit, fewer if threads would have nothing to do. */
#define UNIT_ROWS		64
#define UNITS_PER_THREAD	4

/* One unit in work. */
struct work {
	const struct xqk_plan *plan;
	const struct xqk_depthwise_kernels *kernels;
	bool in_place;			/* X is read where it is */
	bool direct;			/* so is Y written, and no epilogue comes before */
	struct xqk_tail tail;
	uint32_t multiplier, taps;
	uint32_t channels;		/* of the unit */
	uint32_t o0;			/* the first one */
	uint32_t image;
	int32_t x_zero;			/* in the kernel's domain */
	bool w_zeros;			/* some zero point of W is not 0 */
	struct xqk_depthwise job;

	/* Scratch memory. */
	int8_t *rows;			/* [64][taps] weights */
	int8_t *w, *ones;
	int32_t *start, *no_start, *w_zero;	/* [64] */
	uint8_t *strip;			/* [kernel_h][columns][64], if X is not in place */
	int32_t *y, *sums;		/* [columns][64] */
	void *line, *tail_memory;
};

static uint32_t multiplier_of(const struct xq_conv_dims *d)
{
	return d->in_c ? d->out_c / d->in_c : 0;
}

/* Columns of X that a tap after the first one may be away. */
static uint64_t reach_of(const struct xq_conv_dims *d)
{
	return (uint64_t)(d->kernel_w - 1) * d->dilation_w;
}

bool xqk_depthwise_fits(const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;

	return d->in_c && d->groups == d->in_c && !d->transposed &&
	       d->kernel_h <= XQK_DEPTHWISE_ROWS && d->kernel_w <= XQK_DEPTHWISE_TAPS / d->kernel_h &&
	       reach_of(d) < XQK_DEPTHWISE_COLUMNS;
}

static bool is_in_place(const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;

	return conv->view[XQK_CONV_X].flat && multiplier_of(d) == 1 &&
	       (d->x_format == XQACCEL_FMT_S8 || d->x_format == XQACCEL_FMT_U8);
}

/* Outputs of a row that one call can have. */
static uint32_t most_outputs(const struct xq_conv_dims *d)
{
	return (uint32_t)((XQK_DEPTHWISE_COLUMNS - 1 - reach_of(d)) / d->stride_w) + 1;
}

static size_t lay_out(struct work *work, const struct xqk_plan *plan, uint8_t *scratch)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const size_t w_bytes = xqk_depthwise_w_bytes(d->kernel_h, d->kernel_w);
	const size_t outputs = sizeof(int32_t) * XQK_DEPTHWISE_COLUMNS * XQK_DEPTHWISE_CHANNELS;
	size_t used = 0;

	work->rows = xqk_take(scratch, &used, (size_t)XQK_DEPTHWISE_CHANNELS * XQK_DEPTHWISE_TAPS);
	work->w = xqk_take(scratch, &used, w_bytes);
	work->ones = xqk_take(scratch, &used, w_bytes);
	work->start = xqk_take(scratch, &used, 4 * XQK_DEPTHWISE_CHANNELS);
	work->no_start = xqk_take(scratch, &used, 4 * XQK_DEPTHWISE_CHANNELS);
	work->w_zero = xqk_take(scratch, &used, 4 * XQK_DEPTHWISE_CHANNELS);
	work->strip = xqk_take(scratch, &used, (size_t)d->kernel_h * XQK_DEPTHWISE_COLUMNS *
			   XQK_DEPTHWISE_CHANNELS);
	work->y = xqk_take(scratch, &used, outputs + 64);
	work->sums = xqk_take(scratch, &used, outputs);
	work->line = xqk_take(scratch, &used, plan->isa->depthwise->line_bytes(d->kernel_h));
	work->tail_memory = xqk_take(scratch, &used, xqk_tail_bytes(&plan->conv.epilogue));
	return used;
}

void xqk_plan_depthwise(struct xqk_plan *plan, unsigned int threads)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const uint32_t blocks = (d->out_c + XQK_DEPTHWISE_CHANNELS - 1) / XQK_DEPTHWISE_CHANNELS;
	const uint64_t wanted = threads < 2 ? 1 : (uint64_t)threads * UNITS_PER_THREAD;
	const uint64_t each = (uint64_t)d->batch * blocks;
	uint64_t rows = UNIT_ROWS;
	struct work work;

	atomic_init(&plan->bytes_copied, 0);
	plan->chunks = 0;
	plan->units = 0;
	plan->scratch_bytes = 0;
	if (!d->out_h || !d->out_w || !each)
		return;
	if (each < wanted && d->out_h * each / wanted < rows)
		rows = d->out_h * each / wanted + 1;
	plan->block_m = (uint32_t)(rows < d->out_h ? rows : d->out_h);
	plan->chunks_m = (d->out_h + plan->block_m - 1) / plan->block_m;
	plan->chunks_n = blocks;
	plan->units = each * plan->chunks_m;
	plan->chunks = (uint32_t)(plan->units < wanted ? plan->units : wanted);
	plan->scratch_bytes = lay_out(&work, plan, NULL);
}

/* Weights of the unit's channels, and what their zero points take off. */
static void stage_weights(struct work *work)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	const struct xqk_view *v = &conv->view[XQK_CONV_W];
	const bool in_place = v->flat && d->w_format == XQACCEL_FMT_S8 &&
			      !(d->flags & XQACCEL_JOB_B_TILED);
	const bool zero_points = xqk_present(&conv->view[XQK_CONV_W_ZP]);
	const int8_t *row[XQK_DEPTHWISE_CHANNELS];
	uint32_t c, tap;

	memset(work->start, 0, 4 * XQK_DEPTHWISE_CHANNELS);
	memset(work->no_start, 0, 4 * XQK_DEPTHWISE_CHANNELS);
	work->w_zeros = false;
	for (c = 0; c < work->channels; c++) {
		uint32_t sum = 0;

		if (in_place) {
			row[c] = (const int8_t *)v->flat + (work->o0 + c) * v->stride;
		} else {
			row[c] = work->rows + (size_t)c * work->taps;
			xqk_weight_row(work->plan, work->o0 + c, work->rows + (size_t)c * work->taps);
		}
		for (tap = 0; !work->kernels->sum && tap < work->taps; tap++)
			sum += (uint32_t)row[c][tap];
		work->start[c] = (int32_t)sum;
		work->w_zero[c] = (int32_t)((uint32_t)(zero_points ? xqk_weight_zero(conv, work->o0 + c) : conv->w_zp) -
					    (uint32_t)xqk_weight_bias(conv));
		work->w_zeros |= work->w_zero[c] != 0;
	}
	work->kernels->arrange(work->w, row, work->channels, d->kernel_h, d->kernel_w);
	if (work->kernels->sum)
		work->kernels->sum(work->w, d->kernel_h, d->kernel_w, work->start);
	for (c = 0; c < work->channels; c++)
		work->start[c] = (int32_t)((uint32_t)work->x_zero * (work->taps * (uint32_t)work->w_zero[c] -
								     (uint32_t)work->start[c]));
	if (!work->w_zeros)
		return;
	memset(work->rows, 1, work->taps);
	for (c = 0; c < work->channels; c++)
		row[c] = work->rows;
	work->kernels->arrange(work->ones, row, work->channels, d->kernel_h, d->kernel_w);
}

/* The channels of a pixel, those of the unit from its first on. */
static void stage_pixel(const struct work *work, uint32_t y, uint32_t x, int8_t *dst)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_X];
	const uint32_t first = work->o0 / work->multiplier;
	const uint32_t end = (work->o0 + work->channels - 1) / work->multiplier + 1;
	int8_t once[XQK_DEPTHWISE_CHANNELS];
	uint32_t c;

	xqk_widen(work->plan->isa->product, v, conv->dims.x_format,
		  xqk_line_of_x(&conv->dims, work->image, y, x), xqk_pixel_at(v, work->image, y, x),
		  first, end, work->multiplier == 1 ? dst : once);
	for (c = 0; work->multiplier > 1 && c < work->channels; c++)
		dst[c] = once[(work->o0 + c) / work->multiplier - first];
}

/* The rows that a row of outputs sees, where they are or as columns [first, first + columns). */
static void find_rows(struct work *work, uint32_t p, int64_t first, uint32_t columns,
		      const uint8_t **row)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const struct xqk_view *v = &work->plan->conv.view[XQK_CONV_X];
	uint32_t r, i, y;

	for (r = 0; r < d->kernel_h; r++) {
		row[r] = NULL;
		if (!xq_conv_row(d, p, r, &y))
			continue;
		if (work->in_place) {
			row[r] = v->flat + xqk_pixel_at(v, work->image, y, 0) + work->o0;
			continue;
		}
		row[r] = work->strip + (size_t)r * columns * XQK_DEPTHWISE_CHANNELS;
		for (i = 0; i < columns; i++)
			if (first + i >= 0 && first + i < d->in_w)
				stage_pixel(work, y, (uint32_t)(first + i), (int8_t *)row[r] +
					    (size_t)i * XQK_DEPTHWISE_CHANNELS);
	}
}

/* Takes off what zero points of W do. */
static void subtract_sums(struct work *work)
{
	struct xqk_depthwise job = work->job;
	uint32_t q, c;

	job.w = work->ones;
	job.start = work->no_start;
	job.y = (uint8_t *)work->sums;
	job.y_stride = 4 * XQK_DEPTHWISE_CHANNELS;
	work->kernels->run(&job);
	for (q = 0; q < job.outputs; q++) {
		uint8_t *y = work->job.y + q * work->job.y_stride;

		for (c = 0; c < work->channels; c++) {
			uint32_t value;

			memcpy(&value, y + 4 * c, 4);
			value -= (uint32_t)work->w_zero[c] *
				 (uint32_t)work->sums[q * XQK_DEPTHWISE_CHANNELS + c];
			memcpy(y + 4 * c, &value, 4);
		}
	}
}

/* Outputs that were not written in place. */
static void store(const struct work *work, uint32_t p, uint32_t q0)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_Y];
	uint32_t q, byte;
	size_t run;

	for (q = 0; q < work->job.outputs; q++) {
		const uint8_t *from = (const uint8_t *)(work->y + q * XQK_DEPTHWISE_CHANNELS);

		for (byte = 0; byte < 4 * work->channels; byte += (uint32_t)run) {
			uint8_t *to = xqk_at(v, xqk_line_of_y(&conv->dims, work->image, p, q0 + q),
					     xqk_pixel_at(v, work->image, p, q0 + q),
					     4 * (uint64_t)work->o0 + byte, &run);

			run = run < 4 * work->channels - byte ? run : 4 * work->channels - byte;
			memcpy(to, from + byte, run);
		}
	}
}

/* Outputs through the epilogue. */
static void finish(struct work *work, uint32_t p, uint32_t q0)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_Y];
	struct xqk_place place;
	uint32_t q, i, some;

	for (q = 0; q < work->job.outputs; q += some) {
		some = work->job.outputs - q < XQK_TAIL_ROWS ? work->job.outputs - q : XQK_TAIL_ROWS;
		place.line = xqk_line_of_y(&conv->dims, work->image, p, q0 + q);
		place.distance = xqk_pixel_at(v, work->image, p, q0 + q);
		for (i = 0; i < some; i++, place.line++, place.distance += v->stride)
			work->tail.place[i] = place;
		xqk_tail_rows(&work->tail, work->y + q * XQK_DEPTHWISE_CHANNELS, XQK_DEPTHWISE_CHANNELS,
			      (uint32_t)xqk_line_of_y(&conv->dims, work->image, p, q0 + q), some, true);
	}
}

/* Outputs [q0, q0 + outputs) of row p. */
static void run_outputs(struct work *work, uint32_t p, uint32_t q0, uint32_t outputs)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const struct xqk_view *y = &work->plan->conv.view[XQK_CONV_Y];
	const uint32_t columns = (uint32_t)((outputs - 1) * d->stride_w + reach_of(d) + 1);
	const int64_t first = (int64_t)((uint64_t)q0 * d->stride_w) - d->pad_left;
	const uint8_t *row[XQK_DEPTHWISE_ROWS];
	struct xqk_depthwise *job = &work->job;

	find_rows(work, p, first, columns, row);
	job->row = row;
	job->first = first;
	job->outputs = outputs;
	job->ahead = work->in_place && p + 1 < d->out_h ?
		     (size_t)d->stride_h * work->plan->conv.view[XQK_CONV_X].group_stride : 0;
	if (!work->in_place) {
		/* So that column 0 of X would be where the strip's column of that number is. */
		unsigned int r;

		for (r = 0; r < d->kernel_h; r++)
			if (row[r])
				row[r] -= first * (int64_t)job->column;
	}
	if (work->direct) {
		job->y = y->flat + xqk_pixel_at(y, work->image, p, q0) + 4 * (uint64_t)work->o0;
		job->y_stride = y->stride;
	} else {
		job->y = (uint8_t *)work->y;
		job->y_stride = 4 * XQK_DEPTHWISE_CHANNELS;
	}
	work->kernels->run(job);
	if (work->w_zeros)
		subtract_sums(work);
	if (work->tail.epilogue)
		finish(work, p, q0);
	else if (!work->direct)
		store(work, p, q0);
}

static void start_work(struct work *work, const struct xqk_plan *plan, void *scratch)
{
	const struct xqk_conv *conv = &plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	bool is_unsigned;

	work->plan = plan;
	work->kernels = plan->isa->depthwise;
	work->in_place = is_in_place(conv);
	work->direct = conv->view[XQK_CONV_Y].flat && !conv->epilogue.dims.kind;
	work->multiplier = multiplier_of(d);
	work->taps = d->kernel_h * d->kernel_w;
	lay_out(work, plan, scratch);
	xqk_tail_start(&work->tail, plan->isa, &conv->epilogue, xqk_present(&conv->view[XQK_CONV_W_ZP]) ? XQK_ACC_MOST :
		       xqk_acc_most(xq_conv_k(d), d->x_format, conv->x_zp, d->w_format, conv->w_zp),
		       &conv->view[XQK_CONV_Y], work->tail_memory);
	/* What is staged is signed, u8 less 128. */
	is_unsigned = work->in_place && d->x_format == XQACCEL_FMT_U8;
	work->x_zero = conv->x_zp;
	if (d->x_format == XQACCEL_FMT_U8 && !work->in_place)
		work->x_zero = (int32_t)((uint32_t)work->x_zero - 128);
	if (work->kernels->takes_unsigned && !is_unsigned)
		work->x_zero = (int32_t)((uint32_t)work->x_zero + 128);
	if (!work->kernels->takes_unsigned && is_unsigned)
		work->x_zero = (int32_t)((uint32_t)work->x_zero - 128);
	work->job = (struct xqk_depthwise){
		.column = work->in_place ? conv->view[XQK_CONV_X].stride : XQK_DEPTHWISE_CHANNELS,
		.width = d->in_w, .flip = work->kernels->takes_unsigned == is_unsigned ? 0 : 0x80,
		.pad = (uint8_t)work->x_zero, .kernel_h = d->kernel_h, .kernel_w = d->kernel_w,
		.stride = d->stride_w, .stride_h = d->stride_h, .dilation = d->dilation_w, .w = work->w, .start = work->start,
		.line = work->line,
	};
}

/* The epilogue of the unit's channels, whose sums start from its bias. */
static void start_tail(struct work *work)
{
	const int32_t *bias;
	uint32_t c;

	xqk_tail_columns(&work->tail, work->o0, work->channels);
	bias = xqk_tail_bias(&work->tail);
	for (c = 0; bias && c < work->channels; c++)
		work->start[c] = (int32_t)((uint32_t)work->start[c] + (uint32_t)bias[c]);
}

/* Rows [p0, p1) of the work's image and channels. */
static bool run_unit(struct work *work, uint32_t p0, uint32_t p1, const atomic_bool *cancel)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const uint32_t most = most_outputs(d);
	uint32_t p, q, outputs;

	stage_weights(work);
	if (work->tail.epilogue)
		start_tail(work);
	for (p = p0; p < p1; p++) {
		for (q = 0; q < d->out_w; q += outputs) {
			if (xqk_canceled(cancel))
				return false;
			outputs = d->out_w - q < most ? d->out_w - q : most;
			run_outputs(work, p, q, outputs);
		}
	}
	return true;
}

bool xqk_run_depthwise(const struct xqk_plan *plan, uint32_t chunk, void *scratch,
		       const atomic_bool *cancel)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const uint64_t last = plan->units * (chunk + 1) / plan->chunks;
	uint64_t unit = plan->units * chunk / plan->chunks;
	struct work work;

	start_work(&work, plan, scratch);
	for (; unit < last; unit++) {
		const uint64_t part = unit / plan->chunks_n;
		const uint32_t p0 = (uint32_t)(part % plan->chunks_m) * plan->block_m;

		work.image = (uint32_t)(part / plan->chunks_m);
		work.o0 = (uint32_t)(unit % plan->chunks_n) * XQK_DEPTHWISE_CHANNELS;
		work.channels = d->out_c - work.o0 < XQK_DEPTHWISE_CHANNELS ? d->out_c - work.o0 :
				XQK_DEPTHWISE_CHANNELS;
		work.job.channels = work.channels;
		if (!run_unit(&work, p0, d->out_h - p0 < plan->block_m ? d->out_h : p0 + plan->block_m,
			      cancel))
			return false;
	}
	return true;
}
