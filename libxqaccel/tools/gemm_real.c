// SPDX-License-Identifier: MIT
/* xq gemm with real group scales: two matrices, by xqaccel/grouped.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/grouped.h>

#include "arguments.h"
#include "command.h"
#include "gemm_real.h"

bool gemm_scale_is_real(const struct tensor *t)
{
	return t->kind == 'f';
}

/* float16, bfloat16 and float32 are exact in float32. */
int gemm_real_scale(const char *option, struct tensor *t, const float **values)
{
	struct tensor reals;
	size_t i;

	if (t->bytes != 2 && t->bytes != 4)
		return fail("--%s must be of integers, float16, bfloat16 or float32 (it is %s)", option,
			    tensor_type_name(t));
	if (!tensor_alloc(&reals, 'f', 4, t->ndim, t->dim))
		return fail("there is not enough memory");
	for (i = 0; i < t->count; i++)
		((float *)reals.data)[i] = (float)tensor_double(t, i);
	tensor_free(t);
	*t = reals;
	*values = reals.data;
	return 0;
}

/* B as rows of weights. */
static uint8_t *transposed(const struct xq_matmul *mm)
{
	const uint8_t *from = mm->b;
	uint8_t *rows = malloc(mm->n * mm->k + 1);
	size_t k, n;

	for (k = 0; rows && k < mm->k; k++)
		for (n = 0; n < mm->n; n++)
			rows[n * mm->k + k] = *from++;
	return rows;
}

static int check(const struct xq_matmul *mm)
{
	if (mm->dims)
		return fail("with real group scales A and B are matrices, without leading dimensions");
	if (mm->k % mm->group)
		return fail("with real group scales K must be a multiple of the group (%zu by %zu)", mm->k, mm->group);
	if (mm->group > XQACCEL_MAX_GROUP_REAL)
		return fail("a group with real scales has at most %d elements (%zu)", XQACCEL_MAX_GROUP_REAL, mm->group);
	if (mm->a_zps > 1 || mm->b_zps > 1)
		return fail("with real group scales --a-zp and --b-zp are one number each");
	if (mm->bias)
		return fail("with real group scales there is no int32 to add --bias to");
	return 0;
}

static int run(struct xq_workspace *workspace, const struct xq_grouped_config *config,
	       const struct xq_matmul *mm, const float *a_scale, float *c)
{
	const struct xq_group_scales scales = { .type = config->x_scales.type, .scale = a_scale };
	struct xq_grouped *grouped;
	int err = xq_grouped_create(xq_workspace_device(workspace), config, &grouped);

	if (err)
		return err;
	err = xq_grouped_run(grouped, workspace, mm->a, &scales, mm->m, c, mm->stats);
	xq_grouped_destroy(grouped);
	return err;
}

int gemm_real(struct xq_device *dev, const struct xq_matmul *mm, const float *a_scale, const float *b_scale, float *c)
{
	uint8_t *rows = mm->b_transposed ? NULL : transposed(mm);
	const struct xq_grouped_config config = {
		.inputs = mm->k, .outputs = mm->n, .group = (uint32_t)mm->group, .x_type = mm->a_type,
		.w_type = mm->b_type, .weights = mm->b_transposed ? mm->b : rows, .codebook = mm->codebook,
		.x_zp = mm->a_zps ? mm->a_zp[0] : 0, .w_zp = mm->b_zps ? mm->b_zp[0] : 0,
		.x_scales = { .type = a_scale ? XQ_F32 : XQ_NONE },
		.w_scales = { .type = b_scale ? XQ_F32 : XQ_NONE, .scale = b_scale },
	};
	struct xq_workspace *workspace;
	int err = check(mm);

	if (err) {
		free(rows);
		return err;
	}
	err = config.weights ? xq_workspace_create(dev, &workspace) : -ENOMEM;
	if (!err) {
		err = run(workspace, &config, mm, a_scale, c);
		xq_workspace_destroy(workspace);
	}
	free(rows);
	return err ? fail("the product failed on %s: %s", xq_device_name(dev), strerror(-err)) : 0;
}
