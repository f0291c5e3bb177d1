// SPDX-License-Identifier: MIT
/*
 * A product of arrays as jobs. The innermost leading dimension becomes the batch of a job;
 * what is larger than the staging buffers is cut along the batch, the columns or the rows.
 */
#include <errno.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "libxqaccel/src/pack/rows.h"
#include "widen.h"
#include "workspace.h"

#define A_AND_C_BYTES	(64UL << 20)	/* staged at once, unless one row needs more */
#define B_BYTES		(128UL << 20)
#define JOB_MACS	(UINT64_C(1) << 32)	/* so that a job takes well under a second */
#define LEAST_ROWS	64UL		/* of such a job */
#define TRANSPOSE_ROWS	64		/* of B at once; a multiple of a tile's rows */

/**
 * struct product - one call of xq_matmul()
 * @planes: accumulators of an element of C: one, or one a group
 * @staged_b: matrix, column and number of columns that are in the buffer of B
 * @job: what is the same in all jobs
 */
struct product {
	struct xq_workspace *ws;
	struct xq_matmul *mm;
	struct xq_widening a, b;
	size_t planes;
	bool tiled;
	struct {
		const uint8_t *matrix;
		size_t column, columns, count;
	} staged_b;
	struct xq_gemm job;
};

/* A part of the product: count matrices, and in each some rows and columns. */
struct part {
	const uint8_t *a, *b;
	int32_t *c;
	size_t count, a_step, b_step;
	size_t row, rows, column, columns;
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* ---- staging -------------------------------------------------------------------------------------- */

static int bad_value(size_t *where, const uint8_t *base, const uint8_t *at)
{
	*where = (size_t)(at - base);
	return -ERANGE;
}

static int stage_a(struct product *p, const struct part *part)
{
	struct xq_matmul *mm = p->mm;
	const size_t row_bytes = xq_row_size(p->a.type, mm->k);
	const size_t count = part->a_step ? part->count : 1;
	size_t i, row, column;
	uint8_t *to;
	void *data;
	int err = xq_workspace_stage(p->ws, XQACCEL_A, count * part->rows * row_bytes, &data);

	if (err)
		return err;
	to = data;
	for (i = 0; i < count; i++) {
		const uint8_t *from = part->a + i * part->a_step * mm->m * mm->k + part->row * mm->k;

		for (row = 0; row < part->rows; row++, from += mm->k, to += row_bytes)
			if (!xq_pack_row(&p->a.codes, from, mm->k, to, &column))
				return bad_value(&mm->bad_a, mm->a, from + column);
	}
	p->job.a = (struct xq_operand){
		.buffer = p->ws->stage[XQACCEL_A], .stride = row_bytes,
		.batch_stride = part->a_step ? part->rows * row_bytes : 0,
	};
	return 0;
}

static size_t packed_b_bytes(const struct product *p, size_t columns)
{
	return p->tiled ? xq_tiled_size(p->b.type, columns, p->mm->k) :
	       columns * xq_row_size(p->b.type, p->mm->k);
}

/* rows[r] = column (first + r) of the [k][n] matrix, for cache lines' sake in blocks of k. */
static void transpose(const uint8_t *matrix, size_t n, size_t k, size_t first, size_t rows,
		      uint8_t *to)
{
	size_t block, i, r;

	for (block = 0; block < k; block += 64)
		for (r = 0; r < rows; r++)
			for (i = block; i < k && i < block + 64; i++)
				to[r * k + i] = matrix[i * n + first + r];
}

static bool pack_b(const struct product *p, const uint8_t *rows, size_t count, uint8_t *to,
		   size_t *bad)
{
	const size_t k = p->mm->k, row_bytes = xq_row_size(p->b.type, k);
	size_t r, column;

	if (p->tiled)
		return xq_pack_tiles(&p->b.codes, rows, count, k, k, to, bad);
	for (r = 0; r < count; r++) {
		if (!xq_pack_row(&p->b.codes, rows + r * k, k, to + r * row_bytes, &column)) {
			*bad = r * k + column;
			return false;
		}
	}
	return true;
}

/* Some columns of one matrix of B, by way of a transposed block if need be. */
static int pack_b_matrix(struct product *p, const uint8_t *matrix, size_t column, size_t columns,
			 uint8_t *to)
{
	struct xq_matmul *mm = p->mm;
	const size_t step = mm->b_transposed ? columns : smaller(columns, TRANSPOSE_ROWS);
	uint8_t *block = NULL;
	size_t at, bad;

	if (!mm->b_transposed && mm->k) {
		block = xq_workspace_scratch(p->ws, step * mm->k);
		if (!block)
			return -ENOMEM;
	}
	for (at = column; at < column + columns; at += step) {
		const size_t count = smaller(step, column + columns - at);
		const uint8_t *rows = block;

		if (mm->b_transposed)
			rows = matrix + at * mm->k;
		else
			transpose(matrix, mm->n, mm->k, at, count, block);
		if (!pack_b(p, rows, count, to, &bad))
			return bad_value(&mm->bad_b, mm->b, mm->b_transposed ? rows + bad :
					 matrix + bad % mm->k * mm->n + at + bad / mm->k);
		to += packed_b_bytes(p, count);
	}
	return 0;
}

static int stage_b(struct product *p, const struct part *part)
{
	const size_t count = part->b_step ? part->count : 1;
	const size_t bytes = packed_b_bytes(p, part->columns);
	size_t i;
	void *data;
	int err;

	if (p->staged_b.matrix == part->b && p->staged_b.column == part->column &&
	    p->staged_b.columns == part->columns && p->staged_b.count == count)
		return 0;
	p->staged_b.columns = 0;
	err = xq_workspace_stage(p->ws, XQACCEL_B, count * bytes, &data);
	for (i = 0; i < count && !err; i++)
		err = pack_b_matrix(p, part->b + i * part->b_step * p->mm->n * p->mm->k, part->column,
				    part->columns, (uint8_t *)data + i * bytes);
	if (err)
		return err;
	p->job.b = (struct xq_operand){
		.buffer = p->ws->stage[XQACCEL_B],
		.stride = p->tiled ? 0 : xq_row_size(p->b.type, p->mm->k),
		.batch_stride = part->b_step ? bytes : 0,
	};
	p->staged_b.matrix = part->b;
	p->staged_b.column = part->column;
	p->staged_b.columns = part->columns;
	p->staged_b.count = count;
	return 0;
}

/* int32 values as a vector or matrix, plus an offset. */
static int stage_ints(struct product *p, unsigned int operand, const int32_t *from, size_t count,
		      int32_t offset, struct xq_operand *out)
{
	int32_t *to;
	void *data;
	size_t i;
	int err;

	if (!from)
		return 0;
	err = xq_workspace_stage(p->ws, operand, count * sizeof(*to), &data);
	if (err)
		return err;
	to = data;
	for (i = 0; i < count; i++)
		to[i] = (int32_t)((uint32_t)from[i] + (uint32_t)offset);
	*out = (struct xq_operand){ .buffer = p->ws->stage[operand] };
	return 0;
}

/* Zero points and scales of the whole product; parts are named by offsets. */
static int stage_parameters(struct product *p)
{
	struct xq_matmul *mm = p->mm;
	const size_t groups = mm->group ? mm->k / mm->group : 0;
	void *table;
	int err;

	p->job.a_zp = p->a.offset;
	p->job.b_zp = p->b.offset;
	if (mm->a_zps == 1)
		p->job.a_zp = (int32_t)((uint32_t)mm->a_zp[0] + (uint32_t)p->a.offset);
	if (mm->b_zps == 1)
		p->job.b_zp = (int32_t)((uint32_t)mm->b_zp[0] + (uint32_t)p->b.offset);
	err = stage_ints(p, XQACCEL_A_ZP, mm->a_zps > 1 ? mm->a_zp : NULL, mm->a_zps, p->a.offset,
			 &p->job.a_zps);
	if (!err)
		err = stage_ints(p, XQACCEL_B_ZP, mm->b_zps > 1 ? mm->b_zp : NULL, mm->b_zps,
				 p->b.offset, &p->job.b_zps);
	if (!err)
		err = stage_ints(p, XQACCEL_A_SCALE, mm->a_scale, mm->m * groups, 0, &p->job.a_scale);
	if (!err)
		err = stage_ints(p, XQACCEL_B_SCALE, mm->b_scale, mm->n * groups, 0, &p->job.b_scale);
	p->job.a_scale.stride = p->job.a_scale.buffer ? 4 * groups : 0;
	p->job.b_scale.stride = p->job.b_scale.buffer ? 4 * groups : 0;
	if (err || (p->b.type != XQ_C4 && p->b.type != XQ_C8))
		return err;
	err = xq_workspace_stage(p->ws, XQACCEL_CODEBOOK, 256, &table);
	if (!err) {
		memcpy(table, mm->codebook, p->b.type == XQ_C4 ? 16 : 256);
		p->job.codebook.buffer = p->ws->stage[XQACCEL_CODEBOOK];
	}
	return err;
}

/* ---- running ---------------------------------------------------------------------------------------- */

static void take_c_row(const struct product *p, const int32_t *from, size_t column, size_t columns,
		       int32_t *to)
{
	const uint32_t *bias = (const uint32_t *)p->mm->bias;
	size_t i;

	if (!bias) {
		memcpy(to, from, columns * sizeof(*to));
		return;
	}
	for (i = 0; i < columns; i++)
		to[i] = (int32_t)((uint32_t)from[i] + bias[column + i]);
}

static void take_c(const struct product *p, const struct part *part, const int32_t *from)
{
	const struct xq_matmul *mm = p->mm;
	size_t plane, row;

	for (plane = 0; plane < part->count * p->planes; plane++) {
		int32_t *to = part->c + (plane * mm->m + part->row) * mm->n + part->column;

		for (row = 0; row < part->rows; row++, from += part->columns, to += mm->n)
			take_c_row(p, from, part->column, part->columns, to);
	}
}

static int run_part(struct product *p, const struct part *part)
{
	const size_t plane = part->rows * part->columns * sizeof(int32_t);
	struct xq_completion done;
	struct xq_gemm job;
	void *c;
	int err = xq_workspace_stage(p->ws, XQACCEL_C, part->count * p->planes * plane, &c);

	if (!err)
		err = stage_b(p, part);
	if (!err)
		err = stage_a(p, part);
	if (err)
		return err;
	job = p->job;
	job.m = (uint32_t)part->rows;
	job.n = (uint32_t)part->columns;
	job.batch = (uint32_t)part->count;
	job.c = (struct xq_operand){
		.buffer = p->ws->stage[XQACCEL_C], .stride = part->columns * sizeof(int32_t),
		.batch_stride = p->planes * plane,
	};
	job.group_stride = job.flags & XQACCEL_JOB_GROUP_ACC ? plane : 0;
	job.a_zps.offset = job.a_zps.buffer ? part->row * sizeof(int32_t) : 0;
	job.b_zps.offset = job.b_zps.buffer ? part->column * sizeof(int32_t) : 0;
	job.a_scale.offset = part->row * job.a_scale.stride;
	job.b_scale.offset = part->column * job.b_scale.stride;
	err = xq_gemm_run(p->ws->queue, &job, &done);
	if (err)
		return err;
	xq_matmul_add_stats(p->mm->stats, &done);
	take_c(p, part, c);
	return 0;
}

/* How much of a product fits the staging buffers. */
static void choose_parts(const struct product *p, const struct part *all, struct part *step)
{
	const struct xq_matmul *mm = p->mm;
	const size_t limit = xq_device_info(p->ws->dev)->max_dim;
	const size_t a_and_c = xq_workspace_budget(p->ws, A_AND_C_BYTES);
	const size_t a_row = xq_row_size(p->a.type, mm->k);
	/* A tile is full, so that a short K takes more there than in rows. */
	const size_t b_column = packed_b_bytes(p, XQACCEL_TILE_ROWS) / XQACCEL_TILE_ROWS;
	size_t c_row, bytes;

	step->columns = smaller(smaller(mm->n, limit), xq_workspace_budget(p->ws, B_BYTES) /
				(b_column + 4 * p->planes) + 1);
	if (step->columns < mm->n && step->columns > XQACCEL_TILE_ROWS)
		step->columns -= step->columns % XQACCEL_TILE_ROWS;
	c_row = 4 * step->columns * p->planes;
	step->rows = smaller(smaller(mm->m, limit), a_and_c / (a_row + c_row) + 1);
	step->rows = smaller(step->rows, LEAST_ROWS +
			     (size_t)(JOB_MACS / ((uint64_t)step->columns * mm->k + 1)));
	step->count = 1;
	if (step->rows < mm->m || step->columns < mm->n)
		return;
	bytes = mm->m * (c_row + (all->a_step ? a_row : 0)) +
		(all->b_step ? packed_b_bytes(p, mm->n) : 0);
	step->count = smaller(smaller(all->count, limit), a_and_c / (bytes + 1) + 1);
}

static int run_all(struct product *p, const struct part *all)
{
	const struct xq_matmul *mm = p->mm;
	struct part part = *all, step;
	size_t i;
	int err = 0;

	choose_parts(p, all, &step);
	for (i = 0; i < all->count; i += step.count) {
		part.a = all->a + i * all->a_step * mm->m * mm->k;
		part.b = all->b + i * all->b_step * mm->n * mm->k;
		part.c = all->c + i * p->planes * mm->m * mm->n;
		part.count = smaller(step.count, all->count - i);
		for (part.column = 0; part.column < mm->n; part.column += step.columns) {
			part.columns = smaller(step.columns, mm->n - part.column);
			for (part.row = 0; part.row < mm->m; part.row += step.rows) {
				part.rows = smaller(step.rows, mm->m - part.row);
				err = run_part(p, &part);
				if (err)
					return err;
			}
		}
	}
	return 0;
}

/* ---- leading dimensions ------------------------------------------------------------------------- */

/* Drops dimensions of one, and joins those that are one walk through memory. */
static void join_dims(struct xq_matmul *mm)
{
	unsigned int from, to = 0;

	for (from = 0; from < mm->dims; from++) {
		if (mm->dim[from] == 1)
			continue;
		if (to && mm->a_step[to - 1] == mm->a_step[from] * mm->dim[from] &&
		    mm->b_step[to - 1] == mm->b_step[from] * mm->dim[from]) {
			mm->dim[to - 1] *= mm->dim[from];
			mm->a_step[to - 1] = mm->a_step[from];
			mm->b_step[to - 1] = mm->b_step[from];
			continue;
		}
		mm->dim[to] = mm->dim[from];
		mm->a_step[to] = mm->a_step[from];
		mm->b_step[to] = mm->b_step[from];
		to++;
	}
	mm->dims = to;
}

/* Counts through the outer dimensions; false after the last. */
static bool next_index(const struct xq_matmul *mm, unsigned int dims, size_t *index)
{
	while (dims--) {
		if (++index[dims] < mm->dim[dims])
			return true;
		index[dims] = 0;
	}
	return false;
}

static int run_batches(struct product *p)
{
	struct xq_matmul *mm = p->mm;
	const unsigned int outer = mm->dims ? mm->dims - 1 : 0;
	size_t index[XQ_MATMUL_DIMS] = { 0 };
	struct part all = { .count = 1, .c = mm->c };
	unsigned int i;
	int err;

	if (mm->dims) {
		all.count = mm->dim[outer];
		all.a_step = mm->a_step[outer];
		all.b_step = mm->b_step[outer];
	}
	do {
		all.a = mm->a;
		all.b = mm->b;
		for (i = 0; i < outer; i++) {
			all.a += index[i] * mm->a_step[i] * mm->m * mm->k;
			all.b += index[i] * mm->b_step[i] * mm->n * mm->k;
		}
		err = run_all(p, &all);
		all.c += all.count * p->planes * mm->m * mm->n;
	} while (!err && next_index(mm, outer, index));
	return err;
}

/* ---- checks --------------------------------------------------------------------------------------- */

static int check(const struct xq_matmul *mm, const struct xqaccel_info *info)
{
	size_t count, bytes;
	unsigned int i;

	if (mm->dims > XQ_MATMUL_DIMS || (mm->a_zps > 1 && mm->a_zps != mm->m) ||
	    (mm->b_zps > 1 && mm->b_zps != mm->n) || (mm->a_zps && !mm->a_zp) ||
	    (mm->b_zps && !mm->b_zp))
		return -EINVAL;
	if (mm->group ? mm->k % mm->group : mm->a_scale || mm->b_scale)
		return -EINVAL;
	if (mm->group && mm->bias && !mm->a_scale && !mm->b_scale)
		return -EINVAL;
	if (mm->k > info->max_dim || __builtin_mul_overflow(mm->m, mm->n, &count) ||
	    (mm->group && __builtin_mul_overflow(count, mm->k / mm->group + 1, &count)))
		return -EOVERFLOW;
	for (i = 0; i < mm->dims; i++)
		if (__builtin_mul_overflow(count, mm->dim[i], &count))
			return -EOVERFLOW;
	return __builtin_mul_overflow(count, sizeof(int32_t), &bytes) ? -EOVERFLOW : 0;
}

static bool is_empty(const struct xq_matmul *mm)
{
	unsigned int i;

	for (i = 0; i < mm->dims; i++)
		if (!mm->dim[i])
			return true;
	return !mm->m || !mm->n;
}

int xq_matmul(struct xq_workspace *workspace, struct xq_matmul *mm)
{
	const struct xqaccel_info *info = xq_device_info(workspace->dev);
	struct xq_matmul own = *mm;
	struct product p = { .ws = workspace, .mm = &own, .planes = 1 };
	int err = check(mm, info);

	if (!err)
		err = xq_widen_pair(workspace->dev, mm->a_type, mm->b_type, mm->codebook, &p.a, &p.b);
	if (err || is_empty(mm))
		return err;
	own.bad_a = own.bad_b = SIZE_MAX;
	join_dims(&own);
	if (!mm->k)
		own.a_scale = own.b_scale = NULL;
	/* Tiles of few columns would be mostly padding. */
	p.tiled = xq_device_has_tiled(workspace->dev, p.b.type) && mm->n >= XQACCEL_TILE_ROWS;
	p.job = (struct xq_gemm){
		.k = (uint32_t)mm->k, .a_type = p.a.type, .b_type = p.b.type,
		.flags = p.tiled ? XQACCEL_JOB_B_TILED : 0,
		.group = mm->k ? (uint32_t)mm->group : 0,
	};
	if (mm->group && !mm->a_scale && !mm->b_scale) {
		p.job.flags |= XQACCEL_JOB_GROUP_ACC;
		p.planes = mm->k / mm->group;
	} else if (mm->group && mm->k) {
		p.job.a_scale_type = p.job.b_scale_type = XQ_S32;
	}
	if (!p.planes)
		return 0;
	err = stage_parameters(&p);
	if (!err)
		err = run_batches(&p);
	if (err == -ERANGE) {
		mm->bad_a = own.bad_a;
		mm->bad_b = own.bad_b;
	}
	return err;
}
