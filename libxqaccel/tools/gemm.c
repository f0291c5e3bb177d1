// SPDX-License-Identifier: MIT
/*
 * xq gemm: numpy.matmul of quantized tensors on the device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/matmul.h>

#include "accumulator.h"
#include "arguments.h"
#include "command.h"
#include "gemm_real.h"
#include "matmul_shapes.h"
#include "options.h"
#include "output.h"
#include "product.h"
#include "progress.h"
#include "requant.h"

/**
 * struct gemm - the command's arguments and tensors
 */
struct gemm {
	const char *path[2], *output, *device;
	enum xq_type a_type, b_type;
	bool transpose_b;
	const char *a_zp, *b_zp, *codebook, *a_scale, *b_scale, *bias;
	int64_t group;
	bool grouped, real;	/* real: group scales are floats, and so is C */
	const float *a_reals, *b_reals;
	struct requant requant;

	struct tensor a, b, c, y;
	struct tensor a_zps, b_zps, table, a_scales, b_scales, biases;
	struct product product;
};

static int parse(struct gemm *g, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &g->output, "C.npy", "where the product goes", NULL },
		{ "device", 0, OPTION_STRING, &g->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "transpose-b", 0, OPTION_FLAG, &g->transpose_b, NULL, "B is [..., N, K]", NULL },
		{ "a-type", 0, OPTION_TYPE, &g->a_type, OPTION_TYPES_LEFT, "default: from the dtype", NULL },
		{ "b-type", 0, OPTION_TYPE, &g->b_type, OPTION_TYPES_RIGHT, "default: from the dtype", NULL },
		{ "a-zp", 0, OPTION_STRING, &g->a_zp, "Z", "zero point of A, or one per row: [M] or [.., M, 1]", NULL },
		{ "b-zp", 0, OPTION_STRING, &g->b_zp, "Z", "zero point of B, or one per column: [N] or [.., 1, N]", NULL },
		{ "codebook", 0, OPTION_STRING, &g->codebook, "T.npy", "int8 [16] or [256], for c4 and c8", NULL },
		{ "group", 0, OPTION_INT, &g->group, "G", "elements of K in a group, the last may be short; alone: C is [.., K/G, M, N]", &g->grouped },
		{ "a-group-scale", 0, OPTION_STRING, &g->a_scale, "S.npy", "scales [M, K/G]: integers; or floats, then C is float32", NULL },
		{ "b-group-scale", 0, OPTION_STRING, &g->b_scale, "S.npy", "scales [N, K/G], likewise", NULL },
		{ "bias", 0, OPTION_STRING, &g->bias, "B.npy", "int32 [N], added with wrapping", NULL },
		REQUANT_OPTIONS(&g->requant),
	};
	int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), g->path,
					 2, 2, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!g->output)
		return usage("-o C.npy is missing");
	if (g->grouped && g->group < 1)
		return fail("--group must be at least 1 (%" PRId64 ")", g->group);
	if (!g->grouped && (g->a_scale || g->b_scale))
		return usage("--%s needs --group", g->a_scale ? "a-group-scale" : "b-group-scale");
	status = requant_check(&g->requant);
	return status == OPTIONS_DONE && output_prepare(g->output) ? EXIT_ERROR : status;
}

static int read_operands(struct gemm *g)
{
	struct xq_matmul *mm = &g->product.mm;

	if (argument_tensor(g->path[0], &g->a) || argument_tensor(g->path[1], &g->b) ||
	    argument_elements("a-type", g->path[0], &g->a, g->a_type, &mm->a_type) ||
	    argument_elements("b-type", g->path[1], &g->b, g->b_type, &mm->b_type) ||
	    matmul_shapes(&g->a, &g->b, g->transpose_b, mm))
		return EXIT_ERROR;
	mm->a = g->a.data;
	mm->b = g->b.data;
	mm->group = (size_t)g->group;
	return 0;
}

/* A dimension counted from the last; absent ones are 1. */
static size_t from_last(const struct tensor *t, unsigned int back)
{
	return back < t->ndim ? t->dim[t->ndim - 1 - back] : 1;
}

/*
 * One number, one for each row (column) of all matrices, or with leading dimensions, which are those
 * of the operand or 1. Sets the steps of the latter.
 */
static bool zero_points_fit(const struct tensor *t, const struct tensor *operand, size_t count, bool column,
			    const struct xq_matmul *mm, size_t *step)
{
	const size_t along = from_last(t, column ? 1 : 0), across = from_last(t, column ? 0 : 1);
	size_t matrix = along;

	if (t->count == 1)
		return true;
	if (t->ndim == 1)
		return t->dim[0] == count;
	if (across != 1 || (along != count && along != 1))
		return false;
	for (unsigned int back = 2; back < t->ndim; back++) {
		const size_t size = from_last(t, back);

		if (size != 1 && (size != from_last(operand, back) || back - 2 >= mm->dims))
			return false;
		if (size != 1)
			step[mm->dims - 1 - (back - 2)] = matrix;
		matrix *= size;
	}
	return true;
}

static int to_int32(struct tensor *t, const int32_t **values)
{
	struct tensor ints;
	size_t i;

	if (!tensor_alloc(&ints, 'i', 4, t->ndim, t->dim))
		return fail("there is not enough memory");
	for (i = 0; i < t->count; i++)
		((int32_t *)ints.data)[i] = (int32_t)tensor_int(t, i);
	tensor_free(t);
	*t = ints;
	*values = ints.data;
	return 0;
}

static int read_zero_point(const char *option, const char *text, const struct tensor *operand, size_t count,
			   bool column, const struct xq_matmul *mm, size_t *step, struct tensor *t,
			   const int32_t **values, size_t *given)
{
	if (!text)
		return 0;
	if (argument_ints(option, text, INT32_MIN, INT32_MAX, t))
		return EXIT_ERROR;
	if (!zero_points_fit(t, operand, count, column, mm, step))
		return fail("--%s must be one number, or one for each of the %zu %s (it is %s)", option, count,
			    column ? "rows of A" : "columns of B", tensor_shape(t));
	/* Of one matrix. */
	*given = t->count == 1 ? 1 : t->ndim == 1 ? t->count : from_last(t, column ? 1 : 0);
	return to_int32(t, values);
}

static int read_scale(const char *option, const char *path, size_t rows, size_t groups,
		      struct tensor *t, const int32_t **values, const float **reals)
{
	if (!path)
		return 0;
	if (argument_tensor(path, t) ||
	    (!gemm_scale_is_real(t) && argument_ints_check(option, path, INT32_MIN, INT32_MAX, t)))
		return EXIT_ERROR;
	if (t->ndim != 2 || t->dim[0] != rows || t->dim[1] != groups)
		return fail("--%s must be [%zu, %zu], %s by groups of K (it is %s)", option, rows, groups,
			    option[0] == 'a' ? "rows of A" : "columns of B", tensor_shape(t));
	return gemm_scale_is_real(t) ? gemm_real_scale(option, t, reals) : to_int32(t, values);
}

/* Both real, or both integers. */
static int check_scales(struct gemm *g)
{
	g->real = g->a_reals || g->b_reals;
	if (g->real && (g->product.mm.a_scale || g->product.mm.b_scale))
		return fail("--a-group-scale and --b-group-scale must both be integers or both be floats");
	if (g->real && g->requant.profile)
		return fail("with real group scales there is no int32 to requantize");
	return 0;
}

static int read_codebook(struct gemm *g)
{
	struct xq_matmul *mm = &g->product.mm;
	const size_t entries = mm->b_type == XQ_C4 ? 16 : mm->b_type == XQ_C8 ? 256 : 0;

	if (!entries != !g->codebook)
		return fail(entries ? "--b-type %s needs --codebook" : "--codebook goes with --b-type c4 and c8 (B is %s)",
			    xq_type_name(mm->b_type));
	if (!entries)
		return 0;
	if (argument_tensor(g->codebook, &g->table))
		return EXIT_ERROR;
	if (g->table.kind != 'i' || g->table.bytes != 1 || g->table.ndim != 1 ||
	    g->table.count != entries)
		return fail("--codebook must be int8 [%zu] (%s is %s %s)", entries, g->codebook,
			    tensor_type_name(&g->table), tensor_shape(&g->table));
	mm->codebook = g->table.data;
	return 0;
}

/* Sums of groups are left to the caller, so there is nothing to add to or to requantize. */
static int read_epilogue(struct gemm *g)
{
	if (g->grouped && !g->a_scale && !g->b_scale && (g->bias || g->requant.profile))
		return fail("with --group, %s needs --a-group-scale or --b-group-scale", g->bias ? "--bias" : "--requant");
	return argument_bias(g->bias, g->product.mm.n, &g->biases, &g->product.mm.bias) || requant_read(&g->requant, g->product.mm.n);
}

static int read_parameters(struct gemm *g)
{
	struct xq_matmul *mm = &g->product.mm;
	const size_t groups = g->grouped ? product_groups(mm) : 0;

	return read_zero_point("a-zp", g->a_zp, &g->a, mm->m, true, mm, g->product.a_zp_step, &g->a_zps, &mm->a_zp,
			       &mm->a_zps) ||
	       read_zero_point("b-zp", g->b_zp, &g->b, mm->n, false, mm, g->product.b_zp_step, &g->b_zps, &mm->b_zp,
			       &mm->b_zps) ||
	       read_scale("a-group-scale", g->a_scale, mm->m, groups, &g->a_scales, &mm->a_scale, &g->a_reals) ||
	       read_scale("b-group-scale", g->b_scale, mm->n, groups, &g->b_scales, &mm->b_scale, &g->b_reals) ||
	       check_scales(g) || read_codebook(g) || read_epilogue(g);
}

static int alloc_result(struct gemm *g)
{
	struct xq_matmul shape = g->product.mm;
	size_t dim[TENSOR_MAX_DIMS + 1];
	unsigned int ndim;

	/* Groups are added up. */
	if (g->real)
		shape.group = 0;
	ndim = matmul_result(&g->a, &g->b, &shape, dim);
	if (ndim > TENSOR_MAX_DIMS)
		return fail("C would have %u dimensions, more than %d", ndim, TENSOR_MAX_DIMS);
	if (!tensor_alloc(&g->c, g->real ? 'f' : 'i', 4, ndim, dim))
		return fail("there is not enough memory for C");
	g->product.mm.c = g->c.data;
	return g->requant.profile ? requant_alloc(&g->requant, &g->y, ndim, dim) : 0;
}

/* C to Y, if that is asked for; they are one column after the other where B is a vector. */
static int requantize(struct gemm *g)
{
	const size_t n = g->product.mm.n;
	const struct xq_channels shape = { n ? g->c.count / n : 0, n, 1 };
	int err;

	if (!g->requant.profile)
		return 0;
	err = xq_requantize(g->c.data, &shape, NULL, &g->requant.rq, g->y.data);
	return err ? fail("cannot requantize: %s", strerror(-err)) : 0;
}

/* Then C has an element for each group, and each takes only that group's products. */
static bool keeps_groups(const struct gemm *g)
{
	return g->grouped && !g->a_scale && !g->b_scale;
}

static size_t terms(const struct gemm *g)
{
	const struct xq_matmul *mm = &g->product.mm;

	return keeps_groups(g) && mm->group < mm->k ? mm->group : mm->k;
}

static void check_accumulators(const struct gemm *g)
{
	const struct xq_matmul *mm = &g->product.mm;
	const double a = accumulator_reach(&g->a, mm->a_zp, g->a_zps.count, NULL);
	const double b = accumulator_reach(&g->b, mm->b_zp, g->b_zps.count, mm->codebook);
	const double scales = accumulator_largest(mm->a_scale, g->a_scales.count) *
			      accumulator_largest(mm->b_scale, g->b_scales.count);

	accumulator_check(a * b * scales * (double)terms(g) + (mm->bias ? accumulator_largest(mm->bias, mm->n) : 0),
			  terms(g));
}

static int run_on(struct gemm *g, struct xq_device *dev)
{
	struct xq_matmul_stats stats = { 0 };
	const size_t k = g->product.mm.k, most = xq_device_info(dev)->max_dim;
	struct xq_workspace *workspace;
	int err;

	if (k > most)
		return fail("K is %zu, and %s takes at most %zu (A is %s, B is %s)", k, xq_device_name(dev), most,
			    tensor_shape(&g->a), tensor_shape(&g->b));
	g->product.mm.stats = &stats;
	err = xq_workspace_create(dev, &workspace);
	if (!err) {
		progress_start("computing", &stats.macs, g->c.count * terms(g));
		err = product_run(workspace, &g->product);
		progress_stop();
		xq_workspace_destroy(workspace);
	}
	if (err == -EOVERFLOW)
		return fail("the matrices are too large for %s (A is %s, B is %s)", xq_device_name(dev), tensor_shape(&g->a),
			    tensor_shape(&g->b));
	return err ? fail("the product failed on %s: %s", xq_device_name(dev), strerror(-err)) : 0;
}

static int run(struct gemm *g)
{
	struct xq_device *dev;
	int status;

	if (argument_device(g->device, &dev))
		return EXIT_ERROR;
	status = g->real ? gemm_real(dev, &g->product.mm, g->a_reals, g->b_reals, g->c.data) : run_on(g, dev);
	xq_device_close(dev);
	if (!status && !g->real)
		check_accumulators(g);
	return status;
}

int cmd_gemm(int argc, char **argv)
{
	struct gemm g = { 0 };
	int status = parse(&g, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = read_operands(&g) || read_parameters(&g) || alloc_result(&g) || run(&g) ||
		 requantize(&g) || output_tensor(g.output, g.requant.profile ? &g.y : &g.c) || output_commit();
	tensor_free(&g.a);
	tensor_free(&g.b);
	tensor_free(&g.c);
	tensor_free(&g.y);
	tensor_free(&g.a_zps);
	tensor_free(&g.b_zps);
	tensor_free(&g.table);
	tensor_free(&g.a_scales);
	tensor_free(&g.b_scales);
	tensor_free(&g.biases);
	requant_free(&g.requant);
	return status ? EXIT_ERROR : EXIT_OK;
}
