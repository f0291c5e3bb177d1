// SPDX-License-Identifier: MIT
/* Products with real group scales: weights and scales packed once, rows of x for each batch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/grouped.h>
#include <xqaccel/pack.h>

#include "driver/xq_geometry.h"
#include "group_scales.h"
#include "grouped.h"
#include "libxqaccel/src/device/job.h"
#include "libxqaccel/src/pack/rows.h"
#include "widen.h"
#include "workspace.h"

#define STAGED_BYTES	(64UL << 20)	/* of x and y at once, unless one row needs more */
#define PART_ALIGN	64UL

/**
 * struct xq_grouped - packed weights
 * @x: how elements of x come to the device
 * @x_types: of the scales that each batch brings
 * @constants: weights, scales, minima and codebook
 * @job: what is the same in all jobs
 */
struct xq_grouped {
	struct xq_device *dev;
	size_t inputs, outputs, bytes;
	struct xq_widening x;
	struct xq_group_scales x_types;
	struct xq_buffer *constants;
	struct xq_gemm job;
};

/* Where the next part of the buffer begins. */
static size_t take(size_t *used, size_t bytes)
{
	const size_t at = *used;

	*used += (bytes + PART_ALIGN - 1) / PART_ALIGN * PART_ALIGN;
	return at;
}

/* ---- packing ------------------------------------------------------------------------------------- */

/* One level of scales or minima behind what the buffer has; without a buffer it only counts. */
static void put_level(struct xq_grouped *g, enum xq_type type, const void *from, size_t elements, size_t *used,
		      struct xq_operand *out)
{
	const bool tiled = g->job.flags & XQACCEL_JOB_B_TILED;
	size_t at;

	if (!type)
		return;
	at = take(used, xq_group_scales_bytes(type, g->outputs, elements, tiled));
	if (!g->constants)
		return;
	xq_group_scales_pack(type, from, g->outputs, elements, tiled, (uint8_t *)xq_buffer_data(g->constants) + at);
	*out = (struct xq_operand){ .buffer = g->constants, .offset = at,
				    .stride = xq_group_scales_stride(type, elements, tiled) };
}

static void put_scales(struct xq_grouped *g, const struct xq_grouped_config *c, size_t *used)
{
	const size_t groups = c->inputs / c->group;
	const size_t supergroups = c->w_supergroup ? c->inputs / c->w_supergroup : 0;

	put_level(g, c->w_scales.type, c->w_scales.scale, groups, used, &g->job.b_scale);
	put_level(g, c->w_scales.type2, c->w_scales.scale2, supergroups, used, &g->job.b_scale2);
	put_level(g, c->w_minima.type, c->w_minima.scale, groups, used, &g->job.b_min);
	put_level(g, c->w_minima.type2, c->w_minima.scale2, supergroups, used, &g->job.b_min2);
}

static int put_weights(struct xq_grouped *g, const struct xq_grouped_config *c, const struct xq_widening *w)
{
	const size_t row = xq_row_size(w->type, c->inputs);
	uint8_t *data = xq_buffer_data(g->constants);
	size_t r, bad;

	if (g->job.flags & XQACCEL_JOB_B_TILED)
		return xq_pack_tiles(&w->codes, c->weights, c->outputs, c->inputs, c->inputs, data, &bad) ?
		       0 : -ERANGE;
	for (r = 0; r < c->outputs; r++)
		if (!xq_pack_row(&w->codes, (const uint8_t *)c->weights + r * c->inputs, c->inputs,
				 data + r * row, &bad))
			return -ERANGE;
	return 0;
}

/* The buffer: tiles (or rows) of weights, then what belongs to their groups, then the codebook. */
static int pack_constants(struct xq_grouped *g, const struct xq_grouped_config *c, const struct xq_widening *w)
{
	const bool tiled = g->job.flags & XQACCEL_JOB_B_TILED;
	const size_t row = xq_row_size(w->type, c->inputs);
	size_t used = 0, table;
	int err;

	take(&used, tiled ? xq_tiled_size(w->type, c->outputs, c->inputs) : c->outputs * row);
	put_scales(g, c, &used);
	g->bytes = used;
	err = xq_buffer_create(g->dev, used + 256, &g->constants);
	if (!err)
		err = put_weights(g, c, w);
	if (err)
		return err;
	used = 0;
	take(&used, tiled ? xq_tiled_size(w->type, c->outputs, c->inputs) : c->outputs * row);
	put_scales(g, c, &used);
	table = used;
	g->job.b = (struct xq_operand){ .buffer = g->constants, .stride = tiled ? 0 : row };
	if (w->type == XQ_C4 || w->type == XQ_C8) {
		memcpy((uint8_t *)xq_buffer_data(g->constants) + table, c->codebook, w->type == XQ_C4 ? 16 : 256);
		g->job.codebook = (struct xq_operand){ .buffer = g->constants, .offset = table };
	}
	return 0;
}

/* ---- making it ------------------------------------------------------------------------------------- */

static uint32_t real_flags(const struct xq_grouped_config *c)
{
	return XQACCEL_JOB_GROUP_REAL | (c->supergroup_sum ? XQACCEL_JOB_SUPERGROUP_SUM : 0);
}

/* The job's own rules, before anything is packed by its numbers. */
static int check(const struct xq_device *dev, const struct xq_grouped_config *c)
{
	const struct xqaccel_info *info = xq_device_info(dev);
	const enum xq_type types[] = { c->x_scales.type, c->x_scales.type2, c->w_scales.type, c->w_scales.type2,
				       c->w_minima.type, c->w_minima.type2 };
	const uint64_t needed = XQACCEL_FEATURE_GROUP_REAL |
				(c->supergroup_sum ? XQACCEL_FEATURE_SUPERGROUP_SUM : 0);
	struct xq_dims dims;
	size_t i, elements;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((unsigned int)types[i] >= XQ_TYPE_COUNT)
			return -EINVAL;
	if (c->inputs > info->max_dim || c->outputs > info->max_dim ||
	    __builtin_mul_overflow(c->inputs, c->outputs, &elements))
		return -EOVERFLOW;
	dims = (struct xq_dims){
		.flags = real_flags(c), .m = 1, .n = (uint32_t)c->outputs, .k = (uint32_t)c->inputs,
		.batch = 1, .group = c->group, .a_supergroup = c->x_supergroup,
		.b_supergroup = c->w_supergroup, .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8,
		.a_scale_format = (uint8_t)c->x_scales.type, .a_scale2_format = (uint8_t)c->x_scales.type2,
		.b_scale_format = (uint8_t)c->w_scales.type, .b_scale2_format = (uint8_t)c->w_scales.type2,
		.b_min_format = (uint8_t)c->w_minima.type, .b_min2_format = (uint8_t)c->w_minima.type2,
	};
	if (!xq_dims_valid(&dims))
		return -EINVAL;
	return (info->features & needed) == needed ? 0 : -EOPNOTSUPP;
}

static void describe_job(struct xq_grouped *g, const struct xq_grouped_config *c, const struct xq_widening *w)
{
	const bool tiled = xq_device_has_tiled(g->dev, w->type) &&
			   xq_tiled_size(w->type, c->outputs, c->inputs) / 2 <
			   c->outputs * xq_row_size(w->type, c->inputs);

	g->job = (struct xq_gemm){
		.n = (uint32_t)c->outputs, .k = (uint32_t)c->inputs, .a_type = g->x.type, .b_type = w->type,
		.flags = real_flags(c) | (tiled ? XQACCEL_JOB_B_TILED : 0), .group = c->group,
		.a_scale_type = c->x_scales.type, .a_scale2_type = c->x_scales.type2,
		.b_scale_type = c->w_scales.type, .b_scale2_type = c->w_scales.type2,
		.b_min_type = c->w_minima.type, .b_min2_type = c->w_minima.type2,
		.a_supergroup = c->x_supergroup, .b_supergroup = c->w_supergroup,
		.a_zp = (int32_t)((uint32_t)c->x_zp + (uint32_t)g->x.offset),
		.b_zp = (int32_t)((uint32_t)c->w_zp + (uint32_t)w->offset),
	};
}

int xq_grouped_create(struct xq_device *dev, const struct xq_grouped_config *config, struct xq_grouped **grouped)
{
	struct xq_widening w;
	struct xq_grouped *g;
	int err = check(dev, config);

	if (err)
		return err;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->dev = dev;
	g->inputs = config->inputs;
	g->outputs = config->outputs;
	g->x_types = config->x_scales;
	err = xq_widen_pair(dev, config->x_type, config->w_type, config->codebook, &g->x, &w);
	if (!err) {
		describe_job(g, config, &w);
		err = pack_constants(g, config, &w);
	}
	if (err) {
		xq_grouped_destroy(g);
		return err;
	}
	*grouped = g;
	return 0;
}

void xq_grouped_destroy(struct xq_grouped *grouped)
{
	if (!grouped)
		return;
	xq_buffer_destroy(grouped->constants);
	free(grouped);
}

size_t xq_grouped_bytes(const struct xq_grouped *grouped)
{
	return grouped->bytes;
}

int xq_grouped_describe(const struct xq_grouped *grouped, struct xqaccel_job_desc *job)
{
	return xq_job_from_gemm(grouped->dev, &grouped->job, job);
}

/* ---- running it ---------------------------------------------------------------------------------- */

/* Scales of some rows of x into the buffer of an operand. */
static int stage_scales(struct xq_workspace *ws, unsigned int operand, enum xq_type type, const void *from,
			size_t first, size_t rows, size_t elements, struct xq_operand *out)
{
	const size_t row = elements * xq_type_bits(type) / 8;
	void *data;
	int err;

	if (!type)
		return 0;
	err = xq_workspace_stage(ws, operand, rows * row, &data);
	if (err)
		return err;
	memcpy(data, (const uint8_t *)from + first * row, rows * row);
	*out = (struct xq_operand){ .buffer = ws->stage[operand], .stride = row };
	return 0;
}

static int stage_x(const struct xq_grouped *g, struct xq_workspace *ws, const uint8_t *x, size_t rows,
		   struct xq_gemm *job)
{
	const size_t row_bytes = xq_row_size(g->x.type, g->inputs);
	size_t r, bad;
	void *a;
	int err = xq_workspace_stage(ws, XQACCEL_A, rows * row_bytes, &a);

	for (r = 0; r < rows && !err; r++)
		if (!xq_pack_row(&g->x.codes, x + r * g->inputs, g->inputs, (uint8_t *)a + r * row_bytes, &bad))
			err = -ERANGE;
	job->a = (struct xq_operand){ .buffer = ws->stage[XQACCEL_A], .stride = row_bytes };
	return err;
}

static int run_rows(const struct xq_grouped *g, struct xq_workspace *ws, const uint8_t *x,
		    const struct xq_group_scales *scales, size_t first, size_t rows, float *y,
		    struct xq_matmul_stats *stats)
{
	const size_t supergroups = g->job.a_supergroup ? g->inputs / g->job.a_supergroup : 0;
	struct xq_gemm job = g->job;
	struct xq_completion done;
	void *c;
	int err = stage_x(g, ws, x + first * g->inputs, rows, &job);

	if (!err)
		err = stage_scales(ws, XQACCEL_A_SCALE, g->x_types.type, scales->scale, first, rows,
				   g->inputs / g->job.group, &job.a_scale);
	if (!err)
		err = stage_scales(ws, XQACCEL_A_SCALE2, g->x_types.type2, scales->scale2, first, rows,
				   supergroups, &job.a_scale2);
	if (!err)
		err = xq_workspace_stage(ws, XQACCEL_C, rows * g->outputs * sizeof(*y), &c);
	if (err)
		return err;
	job.m = (uint32_t)rows;
	job.c = (struct xq_operand){ .buffer = ws->stage[XQACCEL_C], .stride = g->outputs * sizeof(*y) };
	err = xq_gemm_run(ws->queue, &job, &done);
	if (err)
		return err;
	xq_matmul_add_stats(stats, &done);
	memcpy(y + first * g->outputs, c, rows * g->outputs * sizeof(*y));
	return 0;
}

int xq_grouped_run(const struct xq_grouped *grouped, struct xq_workspace *workspace, const void *x,
		   const struct xq_group_scales *x_scales, size_t rows, float *y, struct xq_matmul_stats *stats)
{
	const size_t row = grouped->inputs + grouped->outputs * sizeof(*y) + 1;
	const size_t step = xq_workspace_budget(workspace, STAGED_BYTES) / row + 1;
	size_t at;
	int err = workspace->dev == grouped->dev && x_scales->type == grouped->x_types.type &&
		  x_scales->type2 == grouped->x_types.type2 ? 0 : -EINVAL;

	for (at = 0; at < rows && !err && grouped->outputs; at += step)
		err = run_rows(grouped, workspace, x, x_scales, at, rows - at < step ? rows - at : step, y, stats);
	return err;
}
