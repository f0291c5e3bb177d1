// SPDX-License-Identifier: MIT
/*
 * Direct convolutions: a unit is some rows of output pixels of an image by some output channels of
 * a group. What these pixels see of X is staged once, padding included, as bytes x' = x + offset
 * that are unsigned; then with Z = x_zp + offset
 *
 *	y = sum (x' - Z) w = sum x'w - Z sum w
 *
 * for padding, too, which is staged as Z. Pixels that see some of it are areas of their own, which leave
 * out the taps that see nothing else. See micro_kernels.h for the rest.
 */
#include <string.h>

#include "convolution/conv.h"
#include "epilogue/tail.h"
#include "operators.h"
#include "product/gemm.h"

/* Staged X of a unit, and the most pieces that a patch has. */
#define STRIP_BYTES		(384U << 10)
#define MOST_RUNS		2048U
/* Pixels of a part: where they and their sums are should stay in a level 1 cache. */
#define PART_PIXELS		192U
/* Multiply-accumulates between two looks at whether the job is canceled. */
#define POLL_MACS		(1U << 26)
/* A multiple of what every instruction set computes at once. */
#define PIXELS_AT_ONCE		24U
/* B of a block of channels, where it is not used in place. */
#define PANEL_BYTES		(768U << 10)
/* Past the last pixel's last piece a step may reach, and so do vectors that are stored. */
#define SLACK			128
/* Units are this many multiply-accumulates at least, or more threads would be no gain. */
#define UNIT_MACS		(1U << 21)
#define UNITS_PER_THREAD	4
/* Pixels are told apart by the taps that are inside if there are so few kinds of rows, and of columns. */
#define MOST_BANDS		5
#define MOST_TAPS		64U
/* Parts of few pixels are slow but for so many strips of channels. */
#define AREA_CHANNELS		(XQK_DIRECT_STRIPS * XQK_LANES)

/* Outputs [from, to) along a dimension, and the kernel's taps [first, last) that they use. */
struct band {
	uint32_t from, to, first, last;
};

struct work {
	const struct xqk_plan *plan;
	const struct xqk_product *product;
	uint32_t image, group, p0, p1;
	uint32_t channels;		/* of a group in X */
	uint32_t outputs;		/* of a group in Y */
	uint32_t columns;		/* of the strip */
	uint32_t piece, pieces;		/* bytes that are together in a patch; how many there are */
	uint32_t steps;			/* of a piece */
	struct band rows[MOST_BANDS], across[MOST_BANDS];
	uint32_t bands, bands_across;
	const struct band *p, *q;	/* of the area at hand */
	bool in_place;			/* tiles of W are used where they are */
	bool unstaged;			/* so is X */
	bool direct;			/* so is Y, and no epilogue comes before */
	struct xqk_tail tail;
	/* the epilogue that sums go through before they are stored, or NULL */
	const struct xqk_bounded *bytes;
	uint8_t zero;			/* Z */

	/* Scratch memory. */
	uint8_t *strip;
	const uint8_t **x;		/* [pixels of a part] */
	uint8_t **y;
	struct xqk_direct_run *run;
	uint32_t runs;
	const uint8_t **b;		/* [tiles][XQK_DIRECT_STRIPS] */
	uint8_t *panel;
	uint8_t *w_rows;		/* [XQK_LANES][steps of a patch] W's rows by pieces */
	int32_t *start;
	int32_t *tap_sums;		/* [taps][XQK_DIRECT_STRIPS * XQK_LANES] of W, where areas use some */
	/* [pixels of a part][64], where they are not written to Y */
	int32_t *sums;
	void *tail_memory;
};

/* Columns of X that a row of output pixels sees. */
static uint64_t columns_of(const struct xq_conv_dims *d)
{
	return (uint64_t)(d->out_w - 1) * d->stride_w +
	       (uint64_t)(d->kernel_w - 1) * d->dilation_w + 1;
}

static uint64_t rows_of(const struct xq_conv_dims *d, uint32_t rows)
{
	return (uint64_t)(rows - 1) * d->stride_h + (uint64_t)(d->kernel_h - 1) * d->dilation_h + 1;
}

static uint64_t strip_of(const struct xq_conv_dims *d, uint32_t rows)
{
	return rows_of(d, rows) * columns_of(d) * (d->in_c / d->groups) + SLACK;
}

/* Neighbours along a row of the kernel are together in X, unless they are dilated. */
static void pieces_of(const struct xq_conv_dims *d, uint32_t *piece, uint32_t *pieces)
{
	const uint32_t channels = d->in_c / d->groups;

	*piece = d->dilation_w == 1 ? d->kernel_w * channels : channels;
	*pieces = d->dilation_w == 1 ? d->kernel_h : d->kernel_h * d->kernel_w;
}

static bool is_in_place(const struct xqk_conv *conv, uint32_t piece)
{
	return conv->dims.flags & XQACCEL_JOB_B_TILED && piece % 4 == 0;
}

/*
 * Pixels by themselves, as bytes that are unsigned already: whole steps, so that nothing past them
 * is read.
 */
static bool is_unstaged(const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;

	return d->kernel_h == 1 && d->kernel_w == 1 && d->x_format == XQACCEL_FMT_U8 &&
	       conv->view[XQK_CONV_X].flat && d->in_c / d->groups % 4 == 0 && !xq_conv_padded(d);
}

/*
 * Pixels of a part, each of which gives so many multiply-accumulates; the epilogue has a limit of
 * its own.
 */
static uint32_t part_pixels(bool waits, uint64_t pixel)
{
	const uint32_t most = waits ? XQK_TAIL_ROWS : PART_PIXELS;
	const uint64_t polled = POLL_MACS / pixel;

	return polled >= most ? most : polled < PIXELS_AT_ONCE ? PIXELS_AT_ONCE :
	       (uint32_t)(polled / PIXELS_AT_ONCE * PIXELS_AT_ONCE);
}

bool xqk_direct_fits(const struct xqk_plan *plan)
{
	const struct xqk_conv *conv = &plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	uint32_t piece, pieces;
	uint64_t steps;

	if (!plan->isa->direct || d->transposed || !d->batch || !d->in_c || !d->out_c ||
	    !d->out_h || !d->out_w || d->w_format != XQACCEL_FMT_S8 ||
	    !conv->view[XQK_CONV_W].flat || conv->w_zp || xqk_present(&conv->view[XQK_CONV_W_ZP]))
		return false;
	/* Without padding a zero point may have any value. */
	if (conv->x_zp < -128 || conv->x_zp > (d->x_format == XQACCEL_FMT_U8 ? 255 : 127) ||
	    (d->x_format == XQACCEL_FMT_U8 && conv->x_zp < 0))
		return false;
	/* Groups are units of their own, which must not share bytes of Y. */
	if (d->groups > 1 && !xqk_tail_aligned(&conv->epilogue, d->out_c / d->groups))
		return false;
	pieces_of(d, &piece, &pieces);
	steps = ((uint64_t)piece + 3) / 4 * pieces;
	/*
	 * Pieces that are not whole steps waste the rest; other ways are slower by more than half.
	 */
	return 4 * steps <= 2 * xq_conv_k(d) && columns_of(d) < STRIP_BYTES &&
	       rows_of(d, 1) < STRIP_BYTES && strip_of(d, 1) <= STRIP_BYTES &&
	       pieces + steps / XQK_TILE_STEPS + 1 <= MOST_RUNS &&
	       (is_in_place(conv, piece) ||
		steps * XQK_DIRECT_STRIPS * XQK_STEP_BYTES <= PANEL_BYTES);
}

bool xqk_direct_makes_bytes(const struct xqk_plan *plan)
{
	const struct xqk_conv *conv = &plan->conv;
	const struct xq_epilogue *e = &conv->epilogue.dims;
	uint32_t piece, pieces;

	pieces_of(&conv->dims, &piece, &pieces);
	return plan->isa->direct && plan->isa->direct->run_bytes &&
	       (uint64_t)(piece + 3) / 4 * pieces <= plan->isa->direct->run_bytes_steps &&
	       e->kind == XQ_EPILOGUE_REQUANT && e->profile == XQ_PROFILE_ONNX &&
	       !e->index_format && xq_format_bits(e->format) == 8 && conv->view[XQK_CONV_Y].flat;
}

/* Whether taps that see padding only may be left out. Row scales are for pixels in their order. */
static bool tells_areas(const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;

	return xq_conv_padded(d) && d->kernel_h <= MOST_TAPS && d->kernel_h * d->kernel_w <= MOST_TAPS &&
	       d->out_c / d->groups >= AREA_CHANNELS && !xqk_present(&conv->epilogue.view[XQ_EPILOGUE_ROW_SCALE]);
}

static size_t lay_out(struct work *work, const struct xqk_plan *plan, uint8_t *scratch)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const struct xqk_epilogue *e = &plan->conv.epilogue;
	const bool waits = e->dims.kind && !xqk_direct_makes_bytes(plan);
	const size_t pixels = part_pixels(waits, 1), held = part_pixels(e->dims.kind, 1);
	size_t used = 0, tiles, patch;

	work->plan = plan;
	work->product = plan->isa->product;
	work->channels = d->in_c / d->groups;
	work->outputs = d->out_c / d->groups;
	work->columns = (uint32_t)columns_of(d);
	pieces_of(d, &work->piece, &work->pieces);
	work->steps = (work->piece + 3) / 4;
	work->in_place = is_in_place(&plan->conv, work->piece);
	work->unstaged = is_unstaged(&plan->conv);
	work->direct = plan->conv.view[XQK_CONV_Y].flat && !e->dims.kind;
	patch = (size_t)work->steps * work->pieces;
	tiles = patch / XQK_TILE_STEPS + 1;

	work->strip = xqk_take(scratch, &used, strip_of(d, plan->block_m));
	work->x = xqk_take(scratch, &used, pixels * sizeof(*work->x));
	work->y = xqk_take(scratch, &used, pixels * sizeof(*work->y));
	work->run = xqk_take(scratch, &used, (work->pieces + tiles) * sizeof(*work->run));
	work->b = xqk_take(scratch, &used, tiles * XQK_DIRECT_STRIPS * sizeof(*work->b));
	work->panel = xqk_take(scratch, &used, work->in_place ? 0 : tiles * XQK_TILE_STEPS *
			       XQK_DIRECT_STRIPS * XQK_STEP_BYTES);
	work->w_rows = xqk_take(scratch, &used, work->in_place ? 0 : XQK_LANES * 4 * (patch + 1));
	work->start = xqk_take(scratch, &used, 4 * XQK_DIRECT_STRIPS * XQK_LANES);
	work->tap_sums = xqk_take(scratch, &used, tells_areas(&plan->conv) ?
				  (size_t)d->kernel_h * d->kernel_w * 4 * XQK_DIRECT_STRIPS * XQK_LANES : 0);
	work->sums = xqk_take(scratch, &used,
			      work->direct ? 0 : held * 4 * XQK_DIRECT_STRIPS * XQK_LANES + 64);
	work->tail_memory = xqk_take(scratch, &used, xqk_tail_bytes(e));
	return used;
}

/* Rows of a unit: as many as the strip holds, fewer if that is not enough for all threads. */
static uint32_t unit_rows(const struct xqk_plan *plan, uint64_t wanted)
{
	const struct xqk_conv *conv = &plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	const uint64_t others = (uint64_t)d->batch * d->groups;
	uint32_t rows = d->out_h, parts;

	while (rows > 1 && strip_of(d, rows) > STRIP_BYTES)
		rows = (rows + 1) / 2;
	parts = (d->out_h + rows - 1) / rows;
	if (others * parts < wanted)
		parts = (uint32_t)((wanted + others - 1) / others);
	rows = (d->out_h + parts - 1) / parts;
	return rows ? rows : 1;
}

void xqk_plan_direct(struct xqk_plan *plan, unsigned int threads)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const uint64_t macs = (uint64_t)d->batch * d->out_h * d->out_w * d->out_c;
	uint64_t wanted = macs / UNIT_MACS * xq_conv_k(d) +
			  macs % UNIT_MACS * xq_conv_k(d) / UNIT_MACS;
	struct work work;

	if (wanted > (uint64_t)threads * UNITS_PER_THREAD)
		wanted = (uint64_t)threads * UNITS_PER_THREAD;
	if (threads < 2 || !wanted)
		wanted = 1;
	atomic_init(&plan->bytes_copied, 0);
	plan->block_m = unit_rows(plan, wanted);
	plan->chunks_m = (d->out_h + plan->block_m - 1) / plan->block_m;
	plan->units = (uint64_t)d->batch * d->groups * plan->chunks_m;
	plan->chunks = (uint32_t)(plan->units < wanted ? plan->units : wanted);
	plan->scratch_bytes = lay_out(&work, plan, NULL);
}

/* n elements of a row of the strip, signs flipped so that they are unsigned. */
static void stage_elements(const struct work *work, uint32_t y, uint32_t x, uint64_t n,
			   uint8_t *dst)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_X];
	const uint64_t first = (uint64_t)work->group * work->channels;
	uint32_t format = conv->dims.x_format;
	uint64_t i;

	/* Of bytes the signed kind comes with its top bit flipped if it is called the other. */
	if (format == XQACCEL_FMT_S8 || format == XQACCEL_FMT_U8)
		format = format == XQACCEL_FMT_S8 ? XQACCEL_FMT_U8 : XQACCEL_FMT_S8;
	xqk_widen(work->product, v, format, xqk_line_of_x(&conv->dims, work->image, y, x),
		  xqk_pixel_at(v, work->image, y, x), first, first + n, (int8_t *)dst);
	if (xq_format_bits(format) < 8)
		for (i = 0; i < n; i++)
			dst[i] ^= 0x80;
}

/* Columns [from, to) of X, next to each other. */
static void stage_columns(const struct work *work, uint32_t y, uint32_t from, uint32_t to,
			  uint8_t *dst)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	uint32_t x;

	if (d->groups == 1 && conv->view[XQK_CONV_X].flat &&
	    conv->view[XQK_CONV_X].stride * 8 == (uint64_t)d->in_c * xq_format_bits(d->x_format)) {
		stage_elements(work, y, from, (uint64_t)(to - from) * d->in_c, dst);
		return;
	}
	for (x = from; x < to; x++, dst += work->channels)
		stage_elements(work, y, x, work->channels, dst);
}

/* Whether any output row of the unit sees this row of the strip. */
static bool is_seen(const struct xq_conv_dims *d, uint32_t row)
{
	uint32_t r;

	for (r = 0; r < d->kernel_h; r++)
		if (row >= (uint64_t)r * d->dilation_h &&
		    (row - r * d->dilation_h) % d->stride_h == 0)
			return true;
	return false;
}

/* What the unit's pixels see. */
static void stage_strip(struct work *work)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const uint32_t rows = (uint32_t)rows_of(d, work->p1 - work->p0);
	const uint32_t before = d->pad_left < work->columns ? d->pad_left : work->columns;
	const uint32_t inside = work->columns - before < d->in_w ? work->columns - before : d->in_w;
	const size_t pitch = (size_t)work->columns * work->channels;
	uint8_t *dst = work->strip;
	uint32_t row;

	for (row = 0; row < rows; row++, dst += pitch) {
		const int64_t y = (int64_t)((uint64_t)work->p0 * d->stride_h) + row - d->pad_top;

		if (!is_seen(d, row))
			continue;
		if (y < 0 || y >= d->in_h) {
			memset(dst, work->zero, pitch);
			continue;
		}
		memset(dst, work->zero, (size_t)before * work->channels);
		stage_columns(work, (uint32_t)y, 0, inside, dst + (size_t)before * work->channels);
		memset(dst + (size_t)(before + inside) * work->channels, work->zero,
		       (size_t)(work->columns - before - inside) * work->channels);
	}
}

/* The taps of an output that are inside; all if none is. */
static struct band taps_of(uint32_t output, uint32_t in, uint32_t kernel, uint32_t stride, uint32_t dilation,
			   uint32_t pad)
{
	const int64_t from = (int64_t)((uint64_t)output * stride) - pad;
	struct band b = { output, output + 1, 0, kernel };

	while (b.first < kernel && from + (int64_t)b.first * dilation < 0)
		b.first++;
	while (b.last > b.first && from + (int64_t)(b.last - 1) * dilation >= in)
		b.last--;
	return b.first < b.last ? b : (struct band){ output, output + 1, 0, kernel };
}

/* Outputs [from, to) by the taps that are inside; as one that uses all taps if there are too many kinds. */
static uint32_t find_bands(struct band band[MOST_BANDS], uint32_t from, uint32_t to, uint32_t in,
			   uint32_t kernel, uint32_t stride, uint32_t dilation, uint32_t pad)
{
	uint32_t count = 0, i;

	for (i = from; i < to; i++) {
		const struct band b = taps_of(i, in, kernel, stride, dilation, pad);

		if (count && band[count - 1].first == b.first && band[count - 1].last == b.last) {
			band[count - 1].to = i + 1;
			continue;
		}
		if (count == MOST_BANDS) {
			count = 0;
			break;
		}
		band[count++] = b;
	}
	if (count)
		return count;
	band[0] = (struct band){ from, to, 0, kernel };
	return 1;
}

static void find_areas(struct work *work)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const bool told = tells_areas(&work->plan->conv);

	work->rows[0] = (struct band){ work->p0, work->p1, 0, d->kernel_h };
	work->across[0] = (struct band){ 0, d->out_w, 0, d->kernel_w };
	work->bands = work->bands_across = 1;
	if (told)
		work->bands = find_bands(work->rows, work->p0, work->p1, d->in_h, d->kernel_h, d->stride_h,
					 d->dilation_h, d->pad_top);
	/* A piece can be cut between whole steps. */
	if (told && work->channels % 4 == 0)
		work->bands_across = find_bands(work->across, 0, d->out_w, d->in_w, d->kernel_w,
						d->stride_w, d->dilation_w, d->pad_left);
}

/* Pixel i of the area. */
static void pixel_of(const struct work *work, uint32_t i, uint32_t *p, uint32_t *q)
{
	const uint32_t width = work->q->to - work->q->from;

	*p = work->p->from + i / width;
	*q = work->q->from + i % width;
}

/* Addresses so many bytes apart; a loop that compilers make vectors of. */
static void point(uint8_t **to, uintptr_t at, uint64_t step, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++, at += step)
		to[i] = (uint8_t *)at;
}

/*
 * Where the patches of a part of the area are, and where what is made of them goes, from an output
 * channel on.
 */
static void point_to_pixels(struct work *work, uint32_t first, uint32_t pixels, uint32_t o)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const struct xqk_view *in = &work->plan->conv.view[XQK_CONV_X],
			      *out = &work->plan->conv.view[XQK_CONV_Y];
	const size_t step = d->stride_w * (work->unstaged ? (size_t)in->stride : work->channels);
	const size_t pitch = (size_t)work->columns * work->channels;
	uint32_t p, q, i, j, some;

	pixel_of(work, first, &p, &q);
	for (i = 0; i < pixels; i += some, p++, q = work->q->from) {
		const uint8_t *x = work->unstaged ?
			in->flat + xqk_pixel_at(in, work->image, p * d->stride_h, q * d->stride_w) +
				(uint64_t)work->group * work->channels :
			work->strip + (size_t)(p - work->p0) * d->stride_h * pitch + q * step;
		const uint64_t line = xqk_line_of_y(d, work->image, p, q),
			       at = xqk_pixel_at(out, work->image, p, q);

		some = pixels - i < work->q->to - q ? pixels - i : work->q->to - q;
		point((uint8_t **)(uintptr_t)(work->x + i), (uintptr_t)x, step, some);
		if (work->bytes)
			point(work->y + i, (uintptr_t)out->flat + at + o, out->stride, some);
		else if (work->direct)
			point(work->y + i, (uintptr_t)out->flat + at + 4 * (uint64_t)o, out->stride,
			      some);
		for (j = 0; !work->bytes && work->tail.epilogue && j < some; j++)
			work->tail.place[i + j] = (struct xqk_place){ line + j,
								       at + j * out->stride };
	}
}

/* So many steps from step `at` of B on, and from a distance of A on, cut where B's tiles end. */
static void cut_run(struct work *work, uint32_t a, uint32_t at, uint32_t steps)
{
	uint32_t done, some;

	for (done = 0; done < steps; done += some, at += some) {
		const uint32_t left = XQK_TILE_STEPS - at % XQK_TILE_STEPS;

		some = steps - done < left ? steps - done : left;
		work->run[work->runs++] = (struct xqk_direct_run){
			.a = a + 4 * done, .tile = at / XQK_TILE_STEPS, .first = at % XQK_TILE_STEPS,
			.steps = some,
		};
	}
}

/* The runs of some of a patch's taps. */
static void cut_runs(struct work *work, const struct band *down, const struct band *across)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const uint32_t row = d->dilation_h * work->columns * work->channels;
	const uint32_t skipped = across->first * work->channels;
	uint32_t r, t;

	work->runs = 0;
	for (r = down->first; r < down->last; r++) {
		if (d->dilation_w == 1) {
			const bool all = across->last - across->first == d->kernel_w;

			cut_run(work, r * row + skipped, r * work->steps + skipped / 4,
				all ? work->steps : (across->last - across->first) * work->channels / 4);
			continue;
		}
		for (t = across->first; t < across->last; t++)
			cut_run(work, r * row + t * d->dilation_w * work->channels,
				(r * d->kernel_w + t) * work->steps, work->steps);
	}
}

/* A row of W by pieces of whole steps. */
static void stage_row(const struct work *work, uint32_t o, uint8_t *dst)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_W];
	const uint32_t n = o % work->outputs;
	const uint64_t tiles = xq_tiles_k(XQACCEL_FMT_S8, xq_conv_k(&conv->dims));
	uint32_t i, byte, k = 0;

	for (i = 0; i < work->pieces; i++, dst += 4 * work->steps) {
		memset(dst + 4 * (work->steps - 1), 0, 4);
		if (!(conv->dims.flags & XQACCEL_JOB_B_TILED)) {
			memcpy(dst, v->flat + o * v->stride + (size_t)i * work->piece, work->piece);
			continue;
		}
		for (byte = 0; byte < work->piece; byte++, k++)
			dst[byte] = v->flat[work->group * v->batch_stride + (n / XQK_LANES * tiles +
				    k / 4 / XQK_TILE_STEPS) * XQACCEL_TILE_BYTES + XQK_STEP_BYTES *
				    (k / 4 % XQK_TILE_STEPS) + 4 * (n % XQK_LANES) + k % 4];
	}
}

/* Channels [n, n + columns) of the group as B. */
static void stage_b(struct work *work, uint32_t n, uint32_t strips)
{
	const struct xqk_view *v = &work->plan->conv.view[XQK_CONV_W];
	const uint32_t steps = work->steps * work->pieces;
	const uint64_t tiles = (steps + XQK_TILE_STEPS - 1) / XQK_TILE_STEPS;
	const uint8_t *rows[XQK_LANES];
	uint32_t s, t, lane;

	for (s = 0; s < strips; s++) {
		uint8_t *panel = work->panel + s * tiles * XQK_TILE_STEPS * XQK_STEP_BYTES;

		if (work->in_place)
			panel = v->flat + work->group * v->batch_stride +
				(n / XQK_LANES + s) * tiles * XQACCEL_TILE_BYTES;
		for (t = 0; t < tiles; t++)
			work->b[t * XQK_DIRECT_STRIPS + s] = panel + t * XQACCEL_TILE_BYTES;
		for (lane = 0; !work->in_place && lane < XQK_LANES; lane++) {
			const uint32_t o = n + s * XQK_LANES + lane;

			rows[lane] = work->w_rows + (size_t)lane * 4 * steps;
			if (o < work->outputs)
				stage_row(work, work->group * work->outputs + o,
					  work->w_rows + (size_t)lane * 4 * steps);
			else
				rows[lane] = rows[lane - 1];
		}
		if (!work->in_place)
			work->product->interleave_b(panel, rows, steps);
	}
}

static void sum_runs(struct work *work, struct xqk_direct *job, uint32_t strips, int32_t *sums)
{
	uint32_t s;

	job->runs = work->runs;
	for (s = 0; s < strips; s++)
		work->plan->isa->direct->sum(job, s, sums + s * XQK_LANES);
}

/* Whether areas use some taps of a row only, so that a row's sum is of no use to them. */
static bool cuts_rows(const struct work *work)
{
	return work->bands_across > 1 || work->across->first ||
	       work->across->last != work->plan->conv.dims.kernel_w;
}

/* Of each tap, or row of them, by itself: areas add up what they need. One area does without. */
static void sum_taps(struct work *work, struct xqk_direct *job, uint32_t strips)
{
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	struct band down = { 0 }, across = { 0 };
	int32_t *sums = work->tap_sums;

	if (!work->zero || work->bands * work->bands_across == 1)
		return;
	across.last = d->kernel_w;
	for (; down.last < d->kernel_h; down.first = down.last) {
		down.last++;
		if (!cuts_rows(work)) {
			cut_runs(work, &down, &across);
			sum_runs(work, job, strips, sums);
			sums += AREA_CHANNELS;
			continue;
		}
		for (across.first = 0; across.first < d->kernel_w; across.first++, sums += AREA_CHANNELS) {
			const struct band tap = { 0, 0, across.first, across.first + 1 };

			cut_runs(work, &down, &tap);
			sum_runs(work, job, strips, sums);
		}
		across.first = 0;
	}
}

/* What sums of the area start from. */
static void start_sums(struct work *work, struct xqk_direct *job, uint32_t strips)
{
	const bool cut = cuts_rows(work);
	const uint32_t each = cut ? work->plan->conv.dims.kernel_w : 1;
	const uint32_t first = cut ? work->q->first : 0, last = cut ? work->q->last : 1;
	const bool several = work->zero && work->bands * work->bands_across > 1;
	int32_t *start = work->start;
	uint32_t r, t, i;

	memset(start, 0, 4 * AREA_CHANNELS);
	if (work->zero && !several)
		sum_runs(work, job, strips, start);
	for (r = work->p->first; several && r < work->p->last; r++)
		for (t = first; t < last; t++) {
			const int32_t *sums = work->tap_sums + (r * each + t) * AREA_CHANNELS;

			for (i = 0; i < AREA_CHANNELS; i++)
				start[i] = (int32_t)((uint32_t)start[i] + (uint32_t)sums[i]);
		}
	for (i = 0; i < AREA_CHANNELS; i++)
		start[i] = (int32_t)(0 - work->zero * (uint32_t)start[i]);
	if (work->tail.epilogue)
		xqk_tail_add_bias(&work->tail, start);
}

/* Sums of a part to a Y that is in pieces. */
static void store(const struct work *work, uint32_t first, uint32_t pixels, uint32_t o,
		  uint32_t columns)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xqk_view *v = &conv->view[XQK_CONV_Y];
	uint32_t i, byte;
	size_t run;

	for (i = 0; i < pixels; i++) {
		uint32_t p, q;

		pixel_of(work, first + i, &p, &q);
		for (byte = 0; byte < 4 * columns; byte += (uint32_t)run) {
			uint8_t *to = xqk_at(v, xqk_line_of_y(&conv->dims, work->image, p, q),
					     xqk_pixel_at(v, work->image, p, q),
					     4 * (uint64_t)o + byte, &run);

			run = run < 4 * columns - byte ? run : 4 * columns - byte;
			memcpy(to, work->y[i] + byte, run);
		}
	}
}

/* The area's pixels by the staged channels, some after the other; false if canceled. */
static bool run_area(struct work *work, struct xqk_direct *job, uint32_t o, uint32_t columns,
		     unsigned int strips, const atomic_bool *cancel)
{
	const uint32_t pixels = (work->p->to - work->p->from) * (work->q->to - work->q->from);
	const struct xq_conv_dims *d = &work->plan->conv.dims;
	const uint32_t most = part_pixels(work->tail.epilogue && !work->bytes,
					  4ULL * work->steps * work->pieces * strips * XQK_LANES);
	uint32_t done, parts;

	cut_runs(work, work->p, work->q);
	job->runs = work->runs;
	start_sums(work, job, strips);
	for (done = 0; done < pixels; done += job->pixels) {
		if (xqk_canceled(cancel))
			return false;
		/* As many as the others, so that there is no small rest. */
		parts = (pixels - done + most - 1) / most;
		job->pixels = (pixels - done + parts - 1) / parts;
		point_to_pixels(work, done, job->pixels, o);
		if (work->bytes) {
			work->plan->isa->direct->run_bytes(job, strips, work->bytes);
			continue;
		}
		work->plan->isa->direct->run(job, strips);
		if (work->tail.epilogue)
			xqk_tail_rows(&work->tail, work->sums, XQK_DIRECT_STRIPS * XQK_LANES,
				      (work->image * d->out_h + work->p0) * d->out_w + done,
				      job->pixels, true);
		else if (!work->direct)
			store(work, done, job->pixels, o, columns);
	}
	return true;
}

/* All areas by the staged channels; false if canceled. */
static bool run_block(struct work *work, struct xqk_direct *job, uint32_t o, uint32_t columns,
		      unsigned int strips, const atomic_bool *cancel)
{
	sum_taps(work, job, strips);
	for (work->p = work->rows; work->p < work->rows + work->bands; work->p++)
		for (work->q = work->across; work->q < work->across + work->bands_across; work->q++)
			if (!run_area(work, job, o, columns, strips, cancel))
				return false;
	return true;
}

/*
 * Where sums of the staged channels go: through an epilogue at once, to memory for one or to be
 * stored, or to Y.
 */
static void choose_outputs(struct work *work)
{
	uint32_t i;

	work->bytes = xqk_direct_makes_bytes(work->plan) ? xqk_tail_single(&work->tail) : NULL;
	for (i = 0; !work->bytes && !work->direct && i < part_pixels(work->tail.epilogue, 1); i++)
		work->y[i] = (uint8_t *)(work->sums + (size_t)i * XQK_DIRECT_STRIPS * XQK_LANES);
}

/*
 * The unit's pixels by all channels of the group, so many strips at a time that all blocks are
 * about the same.
 */
static bool run_unit(struct work *work, const atomic_bool *cancel)
{
	uint32_t left = (work->outputs + XQK_LANES - 1) / XQK_LANES, n, strips, columns;
	uint32_t blocks = (left + XQK_DIRECT_STRIPS - 1) / XQK_DIRECT_STRIPS;
	struct xqk_direct job = {
		.x = work->x,
		.y = work->y,
		.run = work->run,
		.b = work->b,
		.start = work->start,
	};

	if (!work->unstaged)
		stage_strip(work);
	for (n = 0; n < work->outputs; n += columns, left -= strips, blocks--) {
		const uint32_t o = work->group * work->outputs + n;

		if (xqk_canceled(cancel))
			return false;
		strips = (left + blocks - 1) / blocks;
		columns = work->outputs - n < strips * XQK_LANES ? work->outputs - n
								 : strips * XQK_LANES;
		job.last = columns - (strips - 1) * XQK_LANES;
		stage_b(work, n, strips);
		if (work->tail.epilogue)
			xqk_tail_columns(&work->tail, o, columns);
		choose_outputs(work);
		if (!run_block(work, &job, o, columns, strips, cancel))
			return false;
	}
	return true;
}

bool xqk_run_direct(const struct xqk_plan *plan, uint32_t chunk, void *scratch,
		    const atomic_bool *cancel)
{
	const struct xq_conv_dims *d = &plan->conv.dims;
	const uint64_t last = plan->units * (chunk + 1) / plan->chunks;
	uint64_t unit = plan->units * chunk / plan->chunks;
	struct work work;

	lay_out(&work, plan, scratch);
	xqk_tail_start(&work.tail, plan->isa, &plan->conv.epilogue,
		       xqk_acc_most(xq_conv_k(d), d->x_format, plan->conv.x_zp, d->w_format, 0),
		       &plan->conv.view[XQK_CONV_Y], work.tail_memory);
	work.zero = (uint8_t)(plan->conv.x_zp + (d->x_format == XQACCEL_FMT_U8 ? 0 : 128));
	for (; unit < last; unit++) {
		const uint64_t part = unit / plan->chunks_m;

		work.p0 = (uint32_t)(unit % plan->chunks_m) * plan->block_m;
		work.p1 = d->out_h - work.p0 < plan->block_m ? d->out_h : work.p0 + plan->block_m;
		work.group = (uint32_t)(part % d->groups);
		work.image = (uint32_t)(part / d->groups);
		find_areas(&work);
		if (!run_unit(&work, cancel))
			return false;
	}
	return true;
}
