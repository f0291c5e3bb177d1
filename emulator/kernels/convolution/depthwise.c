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
/* Outputs of a row in one call: with their sums, what they are made of stays in a level 1 cache. */
#define MOST_OUTPUTS		28

_Static_assert(MOST_OUTPUTS <= XQK_TAIL_ROWS && XQK_TAIL_ROWS <= 2 * MOST_OUTPUTS, "outputs of a call of the epilogue");

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
	bool together;			/* a call of the epilogue has several rows of outputs */
	uint32_t waiting;		/* outputs in y for it */
	struct xqk_place first;		/* where the first one goes */

	/* Scratch memory. */
	int8_t *rows;			/* [64][taps] weights */
	int8_t *w, *ones;
	int32_t *start, *no_start, *w_zero;	/* [64] */
	uint8_t *strip;			/* [most_rows()][columns][64], if X is not in place */
	int32_t *y, *sums;		/* [2][outputs][64] */
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
	const uint64_t most = (XQK_DEPTHWISE_COLUMNS - 1 - reach_of(d)) / d->stride_w + 1;

	const uint32_t wanted = d->stride_w == 2 ? MOST_OUTPUTS / 2 : MOST_OUTPUTS;

	return most < wanted ? (uint32_t)most : wanted;
}

/* Rows of X that a call may name. */
static size_t most_rows(const struct xq_conv_dims *d)
{
	return d->kernel_h > XQK_DEPTHWISE_PAIR_ROWS ? d->kernel_h : XQK_DEPTHWISE_PAIR_ROWS;
}

static size_t lay_out(struct work *work, const struct xqk_plan *plan, uint8_t *scratch)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const size_t w_bytes = xqk_depthwise_w_bytes(d->kernel_h, d->kernel_w);
	const size_t outputs = 2 * sizeof(int32_t) * MOST_OUTPUTS * XQK_DEPTHWISE_CHANNELS;
	size_t used = 0;

	work->rows = xqk_take(scratch, &used, (size_t)XQK_DEPTHWISE_CHANNELS * XQK_DEPTHWISE_TAPS);
	work->w = xqk_take(scratch, &used, w_bytes);
	work->ones = xqk_take(scratch, &used, w_bytes);
	work->start = xqk_take(scratch, &used, 4 * XQK_DEPTHWISE_CHANNELS);
	work->no_start = xqk_take(scratch, &used, 4 * XQK_DEPTHWISE_CHANNELS);
	work->w_zero = xqk_take(scratch, &used, 4 * XQK_DEPTHWISE_CHANNELS);
	work->strip = xqk_take(scratch, &used, most_rows(d) * XQK_DEPTHWISE_COLUMNS *
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

/* Zero points of the unit's weights, in the kernel's domain; of 64 channels, so that the loop is vectors. */
static void find_zero_points(struct work *work)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const uint32_t bias = (uint32_t)xqk_weight_bias(conv);
	const int32_t same = (int32_t)((uint32_t)conv->w_zp - bias);
	int32_t *zero = work->w_zero;
	uint32_t c;

	work->w_zeros = same != 0;
	for (c = 0; c < XQK_DEPTHWISE_CHANNELS; c++)
		zero[c] = same;
	if (!xqk_present(&conv->view[XQK_CONV_W_ZP]))
		return;
	work->w_zeros = false;
	for (c = 0; c < work->channels; c++) {
		zero[c] = (int32_t)((uint32_t)xqk_weight_zero(conv, work->o0 + c) - bias);
		work->w_zeros |= zero[c] != 0;
	}
}

/* What sums start from, given those of the taps. */
static void find_start(int32_t *start, const int32_t *w_zero, int32_t x_zero, uint32_t taps)
{
	uint32_t c;

	for (c = 0; c < XQK_DEPTHWISE_CHANNELS; c++)
		start[c] = (int32_t)((uint32_t)x_zero * (taps * (uint32_t)w_zero[c] - (uint32_t)start[c]));
}

/* Weights of the unit's channels, and what their zero points take off. */
static void stage_weights(struct work *work)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	const struct xqk_view *v = &conv->view[XQK_CONV_W];
	const bool in_place = v->flat && d->w_format == XQACCEL_FMT_S8 &&
			      !(d->flags & XQACCEL_JOB_B_TILED);
	const int8_t *row[XQK_DEPTHWISE_CHANNELS], *first = (const int8_t *)v->flat + work->o0 * v->stride;
	const uint32_t channels = work->channels;
	uint32_t c, tap;

	memset(work->start, 0, 4 * XQK_DEPTHWISE_CHANNELS);
	memset(work->no_start, 0, 4 * XQK_DEPTHWISE_CHANNELS);
	for (c = 0; in_place && c < channels; c++)
		row[c] = first + c * v->stride;
	for (c = 0; !in_place && c < channels; c++) {
		row[c] = work->rows + (size_t)c * work->taps;
		xqk_weight_row(work->plan, work->o0 + c, work->rows + (size_t)c * work->taps);
	}
	for (c = 0; !work->kernels->sum && c < channels; c++)
		for (tap = 0; tap < work->taps; tap++)
			work->start[c] += row[c][tap];
	work->kernels->arrange(work->w, row, channels, d->kernel_h, d->kernel_w);
	if (work->kernels->sum)
		work->kernels->sum(work->w, d->kernel_h, d->kernel_w, work->start);
	find_zero_points(work);
	find_start(work->start, work->w_zero, work->x_zero, work->taps);
	if (!work->w_zeros)
		return;
	memset(work->rows, 1, work->taps);
	for (c = 0; c < channels; c++)
		row[c] = work->rows;
	work->kernels->arrange(work->ones, row, channels, d->kernel_h, d->kernel_w);
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

/* The rows that rows of outputs see from p on, where they are or as columns [first, first + columns). */
static void find_rows(struct work *work, uint32_t p, int64_t first, uint32_t columns,
		      const uint8_t **row)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const struct xqk_view *v = &work->plan->conv.view[XQK_CONV_X];
	uint32_t r, i, y;

	for (r = 0; r < xqk_depthwise_rows(&work->job); r++) {
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
	const int32_t *sums = work->sums;
	uint32_t p, q, c;

	job.again |= job.rows == 2;
	job.w = work->ones;
	job.start = work->no_start;
	job.y = (uint8_t *)work->sums;
	job.y_stride = 4 * XQK_DEPTHWISE_CHANNELS;
	job.y_row = job.outputs * job.y_stride;
	work->kernels->run(&job);
	for (p = 0; p < job.rows; p++) {
		for (q = 0; q < job.outputs; q++, sums += XQK_DEPTHWISE_CHANNELS) {
			uint8_t *y = work->job.y + p * work->job.y_row + q * work->job.y_stride;

			for (c = 0; c < work->channels; c++) {
				uint32_t value;

				memcpy(&value, y + 4 * c, 4);
				value -= (uint32_t)work->w_zero[c] * (uint32_t)sums[c];
				memcpy(y + 4 * c, &value, 4);
			}
		}
	}
}

/* A row of outputs that were not written in place. */
static void store(const struct work *work, const int32_t *sums, uint32_t p, uint32_t q0)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_Y];
	uint32_t q, byte;
	size_t run;

	for (q = 0; q < work->job.outputs; q++) {
		const uint8_t *from = (const uint8_t *)(sums + q * XQK_DEPTHWISE_CHANNELS);

		for (byte = 0; byte < 4 * work->channels; byte += (uint32_t)run) {
			uint8_t *to = xqk_at(v, xqk_line_of_y(&conv->dims, work->image, p, q0 + q),
					     xqk_pixel_at(v, work->image, p, q0 + q),
					     4 * (uint64_t)work->o0 + byte, &run);

			run = run < 4 * work->channels - byte ? run : 4 * work->channels - byte;
			memcpy(to, from + byte, run);
		}
	}
}

/* Outputs through the epilogue; [q0, q0 + outputs) of row p, or from there on the next rows', too. */
static void finish(struct work *work, const int32_t *sums, struct xqk_place first, uint32_t outputs)
{
	xqk_tail_line(&work->tail, sums, XQK_DEPTHWISE_CHANNELS, (uint32_t)first.line, outputs, first,
		      work->plan->conv.view[XQK_CONV_Y].stride, true);
}

static void finish_waiting(struct work *work)
{
	if (work->waiting)
		finish(work, work->y, work->first, work->waiting);
	work->waiting = 0;
}

/*
 * Whether outputs of rows that follow each other do so in Y, and are so few that they should wait for more: they are
 * whole rows, not parts of which others are made later.
 */
static bool should_wait(const struct work *work, uint32_t rows)
{
	const struct xqk_view *y = &work->plan->conv.view[XQK_CONV_Y];
	const uint32_t width = work->plan->conv.dims.out_w;

	return work->tail.epilogue && y->flat && width <= most_outputs(&work->plan->conv.dims) &&
	       y->group_stride == y->stride * width &&
	       2 * (uint64_t)rows * width <= XQK_TAIL_ROWS;
}

/* Outputs [q0, q0 + outputs) of some rows from p on. */
static void run_outputs(struct work *work, uint32_t p, uint32_t rows, uint32_t q0, uint32_t outputs)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const struct xqk_view *y = &work->plan->conv.view[XQK_CONV_Y];
	const uint32_t columns = (uint32_t)((outputs - 1) * d->stride_w + reach_of(d) + 1);
	const int64_t first = (int64_t)((uint64_t)q0 * d->stride_w) - d->pad_left;
	const uint8_t *row[XQK_DEPTHWISE_ROWS];
	struct xqk_depthwise *job = &work->job;
	uint32_t r;

	job->rows = rows;
	find_rows(work, p, first, columns, row);
	job->row = row;
	job->first = first;
	job->outputs = outputs;
	/* So that column 0 of X would be where the strip's column of that number is. */
	for (r = 0; !work->in_place && r < xqk_depthwise_rows(job); r++)
		if (row[r])
			row[r] -= first * (int64_t)job->column;
	if (work->direct) {
		job->y = y->flat + xqk_pixel_at(y, work->image, p, q0) + 4 * (uint64_t)work->o0;
		job->y_stride = y->stride;
		job->y_row = y->group_stride;
	} else {
		job->y = (uint8_t *)(work->y + (size_t)work->waiting * XQK_DEPTHWISE_CHANNELS);
		job->y_stride = 4 * XQK_DEPTHWISE_CHANNELS;
		job->y_row = outputs * job->y_stride;
	}
	work->kernels->run(job);
	if (work->w_zeros)
		subtract_sums(work);
	for (r = 0; r < rows && !work->direct; r++) {
		const int32_t *sums = work->y + (size_t)r * outputs * XQK_DEPTHWISE_CHANNELS;
		const struct xqk_place place = { xqk_line_of_y(d, work->image, p + r, q0),
						 xqk_pixel_at(y, work->image, p + r, q0) };

		if (!work->tail.epilogue)
			store(work, sums, p + r, q0);
		else if (!work->together)
			finish(work, sums, place, outputs);
		else if (!work->waiting)
			work->first = place;
		work->waiting += work->together ? outputs : 0;
	}
	if (work->waiting + 2 * outputs > XQK_TAIL_ROWS)
		finish_waiting(work);
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
	xqk_tail_columns(&work->tail, work->o0, work->channels);
	xqk_tail_add_bias(&work->tail, work->start);
}

/* Rows [p0, p1) of the work's image and channels. */
static bool run_unit(struct work *work, uint32_t p0, uint32_t p1, const atomic_bool *cancel)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const uint32_t parts = (d->out_w + most_outputs(d) - 1) / most_outputs(d);
	const uint32_t at_once = xqk_depthwise_pairs(work->kernels, d) ? 2 : 1;
	uint32_t p, rows, part;

	stage_weights(work);
	if (work->tail.epilogue)
		start_tail(work);
	work->together = should_wait(work, at_once);
	work->waiting = 0;
	for (part = 0; part < parts; part++) {
		const uint32_t q = (uint32_t)((uint64_t)d->out_w * part / parts);
		const uint32_t end = (uint32_t)((uint64_t)d->out_w * (part + 1) / parts);

		work->job.again = false;
		work->job.turn = 0;
		for (p = p0; p < p1; p += rows) {
			if (xqk_canceled(cancel))
				return false;
			rows = p1 - p < at_once ? p1 - p : at_once;
			run_outputs(work, p, rows, q, end - q);
			work->job.again = rows == 2;
			work->job.turn++;
		}
		finish_waiting(work);
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
