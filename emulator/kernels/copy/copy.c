// SPDX-License-Identifier: MIT
/*
 * Copies of boxes. What is only moved is moved by whole rows, by squares if the row of one tensor is a
 * column of the other, or element by element; what is converted goes by parts of rows.
 */
#include "copy/copy.h"

/* Elements of a row that are a unit of work, a multiple of 8. */
#define PIECE	65536

/* Rows of a transposed block: several cache lines in both directions. */
#define BLOCK	128

/* Rows between two looks at whether the job is canceled. */
#define ROWS	4096

static bool flat(const struct xqk_copy *c)
{
	return c->x.flat && c->y.flat;
}

static uint32_t last_of(const struct xq_copy_dims *d)
{
	return d->dims - 1U;
}

static uint32_t element_bytes(const struct xq_copy_dims *d)
{
	return xq_format_bits(d->x_format) / 8;
}

/*
 * The dimension along which x is contiguous while y is along the last one; that one if there is none.
 * Only for memory in one piece.
 */
static uint32_t turned(const struct xqk_copy *c)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t bytes = element_bytes(d), last = last_of(d);
	uint32_t i;

	if (d->kind != XQ_COPY_NONE || !flat(c) || !bytes || d->y_stride[last] != bytes || d->x_stride[last] == bytes ||
	    d->dim[last] < 4)
		return last;
	for (i = 0; i < last; i++)
		if (d->x_stride[i] == bytes && d->dim[i] >= 4)
			return i;
	return last;
}

static uint32_t parts(uint32_t size, uint32_t part)
{
	return size / part + !!(size % part);
}

/* Units of a row; a row with a scale of its own is one. */
static uint32_t pieces(const struct xq_copy_dims *d)
{
	return d->kind == XQ_COPY_DYNAMIC ? 1 : parts(d->dim[last_of(d)], PIECE);
}

static uint64_t rows(const struct xqk_operator *operator)
{
	const struct xqk_copy *c = &operator->copy;
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t t = turned(c);
	const uint64_t all = xqk_rows(d->dim, d->dims);

	if (t == last_of(d) || !all)
		return all * pieces(d);
	return all / d->dim[t] * parts(d->dim[t], BLOCK);
}

static uint64_t row_bytes(const struct xqk_operator *operator)
{
	const struct xq_copy_dims *d = &operator->copy.dims;
	const uint64_t bytes = xq_row_bytes(d->x_format, d->dim[last_of(d)]) + xq_row_bytes(d->y_format, d->dim[last_of(d)]);

	return turned(&operator->copy) == last_of(d) ? bytes / (pieces(d) + !pieces(d)) : bytes * BLOCK;
}

static size_t scratch_bytes(const struct xqk_operator *operator)
{
	(void)operator;
	return sizeof(struct xqk_convert) + 64;
}

/* ---- blocks of columns that become rows -------------------------------------------------------------- */

static bool run_turned(const struct xqk_isa *isa, const struct xqk_copy *c, uint32_t t, uint64_t first, uint64_t last,
		       const atomic_bool *cancel)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t inner = last_of(d), blocks = parts(d->dim[t], BLOCK), bytes = element_bytes(d);
	struct xq_copy_dims outer = *d;

	/* Of the other dimensions only: this one has one index. */
	outer.dim[t] = 1;
	for (; first < last; first++) {
		const uint32_t from = (uint32_t)(first % blocks) * BLOCK;
		const uint32_t count = d->dim[t] - from < BLOCK ? d->dim[t] - from : BLOCK;
		const uint64_t x = xqk_distance(outer.dim, outer.x_stride, inner, first / blocks) + from * d->x_stride[t];
		const uint64_t y = xqk_distance(outer.dim, outer.y_stride, inner, first / blocks) + from * d->y_stride[t];
		uint32_t i, n;

		for (i = 0; i < d->dim[inner]; i += n) {
			n = d->dim[inner] - i < BLOCK ? d->dim[inner] - i : BLOCK;
			isa->operators->copy->transpose[bytes / 2](c->y.flat + y + (uint64_t)i * bytes, d->y_stride[t],
								   c->x.flat + x + i * d->x_stride[inner],
								   d->x_stride[inner], n, count);
			if (xqk_canceled(cancel))
				return false;
		}
	}
	return true;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static void copy_elements(const struct xqk_copy *c, uint64_t x, uint64_t y, uint32_t n)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t bytes = element_bytes(d), last = last_of(d);
	const uint64_t x_step = d->x_stride[last], y_step = d->y_stride[last];
	uint32_t i;

	if (flat(c) && bytes == 1) {
		for (i = 0; i < n; i++)
			c->y.flat[y + i * y_step] = c->x.flat[x + i * x_step];
		return;
	}
	for (i = 0; i < n; i++) {
		uint8_t element[4];

		xqk_view_copy(&c->x, x + i * x_step, element, bytes, false);
		xqk_view_copy(&c->y, y + i * y_step, element, bytes, true);
	}
}

/* Bytes of both that are in one piece; what is past the last element of a packed row becomes 0. */
static void copy_bytes(const struct xqk_copy *c, uint64_t x, uint64_t y, uint32_t n)
{
	const uint32_t bits = xq_format_bits(c->dims.x_format);
	uint64_t left = xq_row_bytes(c->dims.x_format, n), done;
	const uint32_t past = (uint32_t)((uint64_t)n * bits % 8);
	uint8_t last;

	if (past) {
		left--;
		xqk_view_copy(&c->x, x + left, &last, 1, false);
		last &= (uint8_t)((1U << past) - 1);
		xqk_view_copy(&c->y, y + left, &last, 1, true);
	}
	for (; left; left -= done, x += done, y += done) {
		size_t x_run, y_run;
		const uint8_t *from = xqk_at(&c->x, 0, x, 0, &x_run);
		uint8_t *to = xqk_at(&c->y, 0, y, 0, &y_run);

		done = x_run < y_run ? x_run : y_run;
		done = done < left ? done : left;
		memcpy(to, from, done);
	}
}

static void fill(const struct xqk_copy *c, uint64_t x, uint64_t y, uint32_t n)
{
	if (c->y.flat && element_bytes(&c->dims) == 1) {
		uint8_t byte;

		xqk_view_copy(&c->x, x, &byte, 1, false);
		memset(c->y.flat + y, byte, n);
	} else {
		copy_elements(c, x, y, n);
	}
}

static void copy_row(const struct xqk_copy *c, uint64_t x, uint64_t y, uint32_t n)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t bytes = element_bytes(d), last = last_of(d);

	if (!bytes || (d->x_stride[last] == bytes && d->y_stride[last] == bytes))
		copy_bytes(c, x, y, n);
	else if (!d->x_stride[last] && d->y_stride[last] == bytes)
		fill(c, x, y, n);
	else
		copy_elements(c, x, y, n);
}

/* Whether rows are runs of bytes in both tensors, in memory in one piece; then how many. */
static size_t run_bytes(const struct xqk_copy *c)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t bytes = element_bytes(d), last = last_of(d);

	if (d->kind != XQ_COPY_NONE || !flat(c) || !bytes || pieces(d) != 1 || d->x_stride[last] != bytes ||
	    d->y_stride[last] != bytes)
		return 0;
	return (size_t)d->dim[last] * bytes;
}

/* The next index of so many dimensions, from the last of them on. */
static void step(const struct xq_copy_dims *d, uint32_t dims, uint32_t *index, uint64_t *x, uint64_t *y)
{
	uint32_t i = dims;

	while (i--) {
		*x += d->x_stride[i];
		*y += d->y_stride[i];
		if (++index[i] < d->dim[i])
			return;
		index[i] = 0;
		*x -= d->x_stride[i] * d->dim[i];
		*y -= d->y_stride[i] * d->dim[i];
	}
}

static void start(const struct xq_copy_dims *d, uint64_t row, uint32_t *index)
{
	uint32_t i = last_of(d);

	while (i--) {
		index[i] = (uint32_t)(row % d->dim[i]);
		row /= d->dim[i];
	}
}

static bool run_rows(const struct xqk_isa *isa, const struct xqk_copy *c, uint64_t first, uint64_t last_unit,
		     struct xqk_convert *convert, const atomic_bool *cancel)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t last = last_of(d), each = pieces(d);
	uint64_t row = first / each, unit;
	uint64_t x = xqk_distance(d->dim, d->x_stride, last, row), y = xqk_distance(d->dim, d->y_stride, last, row);
	uint32_t index[XQ_TENSOR_DIMS];

	start(d, row, index);
	if (d->kind != XQ_COPY_NONE)
		xqk_convert_start(convert, isa, c);
	for (unit = first; unit < last_unit; unit++) {
		const uint32_t from = (uint32_t)(unit % each) * PIECE;
		const uint32_t n = each == 1 ? d->dim[last] : d->dim[last] - from < PIECE ? d->dim[last] - from : PIECE;

		if (d->kind != XQ_COPY_NONE) {
			if (!xqk_convert_row(convert, row, x, y, from, n, cancel))
				return false;
		} else {
			const uint32_t bits = xq_format_bits(d->x_format);

			copy_row(c, x + (bits < 8 ? xq_row_bytes(d->x_format, from) : from * d->x_stride[last]),
				 y + (bits < 8 ? xq_row_bytes(d->y_format, from) : from * d->y_stride[last]), n);
			if (unit % 64 == 0 && xqk_canceled(cancel))
				return false;
		}
		if (unit % each == each - 1) {
			step(d, last, index, &x, &y);
			row++;
		}
	}
	return true;
}

/* Groups of rows, each an index of a dimension: as many as are whole before its end, or the last row. */
static uint32_t groups(const struct xq_copy_dims *d, uint32_t dimension, uint32_t index, uint32_t rows,
		       uint64_t left)
{
	uint32_t n = ROWS / rows;

	n = d->dim[dimension] - index < n ? d->dim[dimension] - index : n;
	return left / rows < n ? (uint32_t)(left / rows) : n;
}

/* Rows that are runs of bytes; those along two dimensions go without a look at the others. */
static bool run_runs(const struct xqk_isa *isa, const struct xqk_copy *c, uint64_t first, uint64_t last_row,
		     size_t bytes, const atomic_bool *cancel)
{
	const struct xq_copy_dims *d = &c->dims;
	const uint32_t last = last_of(d), rows_in = last ? d->dim[last - 1] : 1;
	const uint64_t x_step = last ? d->x_stride[last - 1] : 0, y_step = last ? d->y_stride[last - 1] : 0;
	struct xqk_runs r = { .bytes = bytes, .x_row = x_step, .y_row = y_step };
	uint32_t index[XQ_TENSOR_DIMS], at = (uint32_t)(first % rows_in), n;
	uint64_t row = first, x, y;

	/* x and y are where the dimension before the last begins, at is its index. */
	start(d, first, index);
	x = xqk_distance(d->dim, d->x_stride, last, first) - at * x_step;
	y = xqk_distance(d->dim, d->y_stride, last, first) - at * y_step;
	while (row < last_row) {
		r.x = c->x.flat + x + at * x_step;
		r.y = c->y.flat + y + at * y_step;
		n = rows_in - at < ROWS ? rows_in - at : ROWS;
		n = last_row - row < n ? (uint32_t)(last_row - row) : n;
		r.rows = n;
		r.groups = 1;
		if (last > 1 && n == rows_in) {
			r.x_group = d->x_stride[last - 2];
			r.y_group = d->y_stride[last - 2];
			r.groups = groups(d, last - 2, index[last - 2], n, last_row - row);
		}
		isa->operators->copy->runs(&r);
		row += n * r.groups;
		at += n;
		if (at == rows_in) {
			at = 0;
			if (last > 1) {
				index[last - 2] += (uint32_t)r.groups - 1;
				x += (r.groups - 1) * d->x_stride[last - 2];
				y += (r.groups - 1) * d->y_stride[last - 2];
			}
			step(d, last ? last - 1 : 0, index, &x, &y);
		}
		if (xqk_canceled(cancel))
			return false;
	}
	return true;
}

static bool run(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first, uint64_t last,
		void *scratch, const atomic_bool *cancel)
{
	const struct xqk_copy *c = &operator->copy;
	const uint32_t t = turned(c);
	const size_t bytes = run_bytes(c);

	if (bytes)
		return run_runs(isa, c, first, last, bytes, cancel);
	return t == last_of(&c->dims) ? run_rows(isa, c, first, last, scratch, cancel) :
	       run_turned(isa, c, t, first, last, cancel);
}

const struct xqk_operator_kind xqk_kind_copy = { rows, row_bytes, scratch_bytes, run };
