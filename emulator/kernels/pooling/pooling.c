// SPDX-License-Identifier: MIT
/* Pools: which rows and columns of the input an output row is made of. */
#include "operators.h"

/* Elements of a reduced row: what stays in a cache of the first level, and the most there may be. */
#define USUAL_ELEMENTS	16384
#define MOST_ELEMENTS	65536

/* Channels at a time where pixels are taken one by one. */
#define FEW_CHANNELS	4096

/* Sums of so many elements fit in 16 bits, and can be divided there: see small_finish(). */
#define SMALL_SIGNED	256
#define SMALL_UNSIGNED	128

/**
 * struct work - one output row
 * @row: @rows: rows of the input that its windows have inside
 * @outputs: rows that are made at once, see struct xqk_pixels
 * @reduced: one row of bytes, of 16 or 32 bits
 * @copy: rows of the input that lie scattered
 */
struct work {
	const struct xqk_pooling_kernels *k;
	const struct xqk_pooling *pool;
	uint64_t batch, row, rows, out_row, outputs;
	bool small;
	uint8_t flip;
	int32_t least, greatest;
	void *reduced;
	uint8_t *copy, *y;
	const atomic_bool *cancel;
};

/* Of count windows along a dimension: elements [*first, *first + return) of the i-th one. */
static uint64_t inside(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t pad, uint64_t i, uint64_t *first)
{
	const int64_t from = (int64_t)(i * stride) - pad, to = from + kernel;
	const int64_t low = from < 0 ? 0 : from, high = to < size ? to : size;

	*first = (uint64_t)(low < size ? low : size);
	return high > low ? (uint64_t)(high - low) : 0;
}

static void reduce(const struct work *w, const uint8_t *const *rows, size_t count, size_t n, bool more)
{
	if (w->pool->dims.kind == XQ_POOL_MAX)
		w->k->max_rows(w->reduced, rows, count, n, w->flip, more);
	else if (w->small)
		w->k->sum_rows16(w->reduced, rows, count, n, w->flip, more);
	else
		w->k->sum_rows32(w->reduced, rows, count, n, w->flip, more);
}

/* Output pixels from element `at` of rows that were not reduced on. */
static void finish_small(const struct work *w, const struct xqk_pixels *p, const uint8_t *const *rows, size_t at)
{
	const uint8_t *from[XQK_POOLING_SMALL + 1];
	size_t i;

	for (i = 0; i < w->rows + w->outputs - 1; i++)
		from[i] = rows[i] + at;
	if (w->pool->dims.kind == XQ_POOL_MAX)
		w->k->max_windows(p, from, w->rows);
	else
		w->k->mean_windows(p, from, w->rows);
}

/* Output pixels from element `at` of the reduced row on. */
static void finish(const struct work *w, const struct xqk_pixels *p, size_t at)
{
	if (w->pool->dims.kind == XQ_POOL_MAX)
		w->k->max_pixels(p, (const uint8_t *)w->reduced + at);
	else if (w->small)
		w->k->mean_pixels16(p, (const uint16_t *)w->reduced + at);
	else
		w->k->mean_pixels32(p, (const uint32_t *)w->reduced + at);
}

/* What a window without elements gives. */
static uint8_t nothing(const struct work *w)
{
	const int32_t v = w->pool->dims.kind == XQ_POOL_MAX ? w->least : 0;

	return (uint8_t)(v < w->least ? w->least : v > w->greatest ? w->greatest : v);
}

static uint64_t y_at(const struct work *w, uint64_t pixel)
{
	const struct xqk_view *y = &w->pool->y;

	return w->batch * y->batch_stride + w->out_row * y->stride + pixel * y->group_stride;
}

static void put(const struct work *w, uint64_t pixel, uint64_t channel, const uint8_t *bytes, size_t n)
{
	xqk_view_copy(&w->pool->y, y_at(w, pixel) + channel, (uint8_t *)bytes, n, true);
}

static uint64_t x_at(const struct work *w, uint64_t row, uint64_t pixel)
{
	const struct xqk_view *x = &w->pool->x;

	return w->batch * x->batch_stride + row * x->stride + pixel * x->group_stride;
}

/* One output pixel, tap by tap. */
static void pool_pixel(const struct work *w, uint64_t pixel)
{
	const struct xq_pool_dims *d = &w->pool->dims;
	const uint8_t *rows[XQK_POOLING_ROWS];
	uint64_t first, taps = inside(d->in_w, d->kernel_w, d->stride_w, d->pad_left, pixel, &first);
	uint32_t channel, n;

	for (channel = 0; channel < d->channels; channel += n) {
		const uint64_t all = taps * w->rows;
		struct xqk_pixels p = { .y = w->y, .pixels = 1, .taps = 1, .count = (uint32_t)all,
					.flip = w->flip, .least = w->least, .greatest = w->greatest };
		uint64_t tap;

		n = d->channels - channel < FEW_CHANNELS ? d->channels - channel : FEW_CHANNELS;
		p.channels = n;
		for (tap = 0; tap < all;) {
			const uint64_t before = tap;
			size_t count;

			/* Windows may be of 2^23 elements, each of all channels. */
			if (xqk_canceled(w->cancel))
				return;
			for (count = 0; count < XQK_POOLING_ROWS && tap < all; count++, tap++)
				rows[count] = xqk_view_read(&w->pool->x, channel +
							    x_at(w, w->row + tap / taps, first + tap % taps),
							    w->copy + count * FEW_CHANNELS, n);
			reduce(w, rows, count, n, before);
		}
		if (all)
			finish(w, &p, 0);
		else
			memset(w->y, nothing(w), n);
		put(w, pixel, channel, w->y, n);
	}
}

/*
 * Pixels [from, to), whose windows' rows are in the reduced row from column `left` on; or in rows, unless
 * that is NULL.
 */
static void finish_pixels(const struct work *w, uint64_t from, uint64_t to, uint64_t left, const uint8_t *const *rows)
{
	const struct xq_pool_dims *d = &w->pool->dims;
	const struct xqk_view *y = &w->pool->y;
	uint8_t *bytes;

	while (from < to) {
		uint64_t first, taps, pixels = 1, i;
		struct xqk_pixels p = { .step = (size_t)d->stride_w * d->channels, .channels = d->channels,
					.outputs = w->outputs, .y_row = y->stride, .flip = w->flip,
					.least = w->least, .greatest = w->greatest };

		taps = inside(d->in_w, d->kernel_w, d->stride_w, d->pad_left, from, &first);
		/* As many as have all their taps inside. */
		if (taps == d->kernel_w) {
			pixels = ((uint64_t)d->in_w + d->pad_left - taps) / d->stride_w + 1 - from;
			pixels = pixels < to - from ? pixels : to - from;
		}
		p.pixels = pixels;
		p.taps = taps;
		p.count = (uint32_t)(taps * w->rows);
		bytes = y->flat ? y->flat + y_at(w, from) : w->y;
		p.y = bytes;
		p.y_pitch = y->flat ? y->group_stride : d->channels;
		if (taps && rows) {
			finish_small(w, &p, rows, (first - left) * d->channels);
		} else if (taps) {
			finish(w, &p, (first - left) * d->channels);
		} else if (y->flat) {
			for (i = 0; i < w->outputs; i++)
				memset(bytes + i * y->stride, nothing(w), d->channels);
		} else {
			memset(w->y, nothing(w), d->channels);
		}
		for (; !y->flat && pixels; pixels--, from++, bytes += d->channels)
			put(w, from, 0, bytes, d->channels);
		from += pixels;
	}
}

static bool is_small(const struct work *w)
{
	return w->k->max_windows && w->rows <= XQK_POOLING_SMALL && w->pool->dims.kernel_w <= XQK_POOLING_SMALL;
}

/* Whether the windows of this output row and of the next one have two rows in common, and all inside. */
static bool is_pair(const struct work *w)
{
	const struct xq_pool_dims *d = &w->pool->dims;
	uint64_t first;

	return is_small(w) && w->pool->y.flat && d->stride_h == 1 && d->kernel_h == XQK_POOLING_SMALL &&
	       w->rows == XQK_POOLING_SMALL && w->out_row + 1 < d->out_h &&
	       inside(d->in_h, d->kernel_h, 1, d->pad_top, w->out_row + 1, &first) == XQK_POOLING_SMALL;
}

/* Pixels whose windows' columns fit in the reduced row. */
static void pool_pixels(const struct work *w, uint64_t from, uint64_t to)
{
	const struct xq_pool_dims *d = &w->pool->dims;
	const uint8_t *rows[XQK_POOLING_ROWS];
	uint64_t left, right, row = 0;
	size_t n, count;

	inside(d->in_w, d->kernel_w, d->stride_w, d->pad_left, from, &left);
	right = inside(d->in_w, d->kernel_w, d->stride_w, d->pad_left, to - 1, &right) + right;
	n = right > left ? (right - left) * d->channels : 0;
	if (n && is_small(w)) {
		for (count = 0; count < w->rows + w->outputs - 1; count++)
			rows[count] = xqk_view_read(&w->pool->x, x_at(w, w->row + count, left),
						    w->copy + count * MOST_ELEMENTS, n);
		finish_pixels(w, from, to, left, rows);
		return;
	}
	while (n && row < w->rows) {
		const bool more = row;

		if (xqk_canceled(w->cancel))
			return;
		for (count = 0; count < XQK_POOLING_ROWS && row < w->rows; count++, row++)
			rows[count] = xqk_view_read(&w->pool->x, x_at(w, w->row + row, left),
						    w->copy + count * MOST_ELEMENTS, n);
		reduce(w, rows, count, n, more);
	}
	finish_pixels(w, from, to, left, NULL);
}

/* Channels from which on larger windows that share nothing go by pixels, which are in order in memory. */
#define MANY_CHANNELS	256

/* Output pixels that are made at once, 0 if even one needs too long a reduced row or is better taken by itself. */
static uint64_t piece(const struct xq_pool_dims *d)
{
	const uint64_t one = (uint64_t)d->kernel_w * d->channels, more = (uint64_t)d->stride_w * d->channels;
	const uint64_t most = USUAL_ELEMENTS / (d->channels ? d->channels : 1);

	if (one > MOST_ELEMENTS)
		return 0;
	if (d->channels >= MANY_CHANNELS && d->kernel_w > XQK_POOLING_SMALL &&
	    (d->out_w == 1 || d->stride_w >= d->kernel_w))
		return 0;
	if (one >= USUAL_ELEMENTS)
		return 1;
	/* Outputs are no more than what the copy of them holds. */
	return (USUAL_ELEMENTS - one) / more + 1 < most ? (USUAL_ELEMENTS - one) / more + 1 : most;
}

static bool run(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first, uint64_t last,
		void *scratch, const atomic_bool *cancel)
{
	const struct xqk_pooling *pool = &operator->pooling;
	const struct xq_pool_dims *d = &pool->dims;
	const bool dense = pool->x.group_stride == d->channels;
	const uint64_t pixels = dense ? piece(d) : 0;
	struct work w = {
		.k = isa->operators->pooling, .pool = pool, .cancel = cancel, .flip = d->format == XQACCEL_FMT_S8 ? 0x80 : 0,
		.small = (uint64_t)d->kernel_h * d->kernel_w <=
			 (d->format == XQACCEL_FMT_S8 ? SMALL_SIGNED : SMALL_UNSIGNED),
	};
	uint64_t unit, from, each;
	size_t used = 0;

	w.reduced = xqk_take(scratch, &used, 4 * MOST_ELEMENTS);
	w.copy = xqk_take(scratch, &used, XQK_POOLING_ROWS * MOST_ELEMENTS);
	w.y = xqk_take(scratch, &used, MOST_ELEMENTS);
	xq_clamp_range(d->format, d->act_min, d->act_max, &w.least, &w.greatest);
	for (unit = first; unit < last; unit += w.outputs) {
		w.batch = unit / d->out_h;
		w.out_row = unit % d->out_h;
		w.rows = inside(d->in_h, d->kernel_h, d->stride_h, d->pad_top, w.out_row, &w.row);
		each = w.rows && pixels ? pixels : 1;
		w.outputs = pixels && unit + 1 < last && is_pair(&w) ? 2 : 1;
		for (from = 0; from < d->out_w; from += each) {
			if (xqk_canceled(cancel))
				return false;
			if (!pixels || !w.rows)
				pool_pixel(&w, from);
			else
				pool_pixels(&w, from, d->out_w - from < each ? d->out_w : from + each);
		}
	}
	return !xqk_canceled(cancel);
}

static uint64_t rows(const struct xqk_operator *operator)
{
	const struct xq_pool_dims *d = &operator->pooling.dims;

	return d->channels && d->out_w ? (uint64_t)d->batch * d->out_h : 0;
}

static uint64_t row_bytes(const struct xqk_operator *operator)
{
	const struct xq_pool_dims *d = &operator->pooling.dims;
	const uint32_t taps = d->kernel_h < d->in_h ? d->kernel_h : d->in_h;

	return ((uint64_t)d->in_w * taps + d->out_w) * d->channels;
}

static size_t scratch_bytes(const struct xqk_operator *operator)
{
	(void)operator;
	return (4 + XQK_POOLING_ROWS + 1) * MOST_ELEMENTS;
}

const struct xqk_operator_kind xqk_kind_pooling = { rows, row_bytes, scratch_bytes, run };
