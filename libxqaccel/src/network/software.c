// SPDX-License-Identifier: MIT
/*
 * Steps on the CPU, by the device's own kernels: what a device lacks has the same bits here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "libxqaccel/src/ops/operator_run.h"

/* An operand in this process; absent if it has no storage. */
static struct xqk_view view_of(const struct xqn_place *p, uint8_t *const *memory)
{
	if (p->storage < 0)
		return (struct xqk_view){ 0 };
	return (struct xqk_view){
		.flat = memory[p->storage] + p->offset, .stride = p->stride, .group_stride = p->plane_stride,
		.batch_stride = p->batch_stride,
	};
}

/* ---- accumulators --------------------------------------------------------------------------------------- */

/* Rows of accumulators that go to one level of rows of the output. */
struct finish {
	const struct xqaccel_work *work;
	struct xqk_operator job;
	uint32_t rows, channels;
};

/* There is no epilogue for int32 results; a bias is all that they can have. */
static void add_bias(const struct finish *f)
{
	const int32_t *bias = (const int32_t *)f->job.finish.epilogue.view[XQ_EPILOGUE_BIAS].flat;
	const int32_t *acc = (const int32_t *)f->job.finish.acc.flat;
	uint32_t r, i;

	for (r = 0; r < f->rows; r++, acc += f->channels) {
		int32_t *y = (int32_t *)(f->job.finish.y.flat + r * f->job.finish.y.stride);

		for (i = 0; i < f->channels; i++)
			y[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)bias[i]);
	}
}

static int finish_rows(struct finish *f)
{
	struct xqk_finish *k = &f->job.finish;
	struct xqk_view *scale = &k->epilogue.view[XQ_EPILOGUE_ROW_SCALE];
	int err = 0;

	k->m = f->rows;
	k->n = f->channels;
	k->acc.stride = 4ULL * f->channels;
	if (f->work->epilogue.kind)
		err = xq_operator_run(NULL, &f->job);
	else
		add_bias(f);
	k->acc.flat += k->acc.stride * f->rows;
	if (scale->flat)
		scale->flat += 4ULL * f->rows;
	return err;
}

/* Accumulators without gaps to the output, whose rows may be in planes and batches. */
static int finish(const struct xqn_step *step, uint8_t *acc, uint8_t *const *memory)
{
	const struct xqaccel_work *w = &step->work;
	const bool conv = w->op == XQACCEL_OP_CONV;
	const uint32_t batches = conv ? w->conv.batch : w->gemm.batch, planes = conv ? w->conv.out_h : 1;
	const struct xqn_place *y = &step->place[XQACCEL_C];
	struct finish f = {
		.work = w, .job = { .kind = XQK_FINISH }, .rows = conv ? w->conv.out_w : w->gemm.m,
		.channels = xq_work_columns(w),
	};
	uint32_t b, p;
	unsigned int i;
	int err = 0;

	f.job.finish.epilogue.dims = xq_work_epilogue(w);
	for (i = 0; i < XQ_EPILOGUE_OPERANDS; i++)
		f.job.finish.epilogue.view[i] = view_of(&step->place[XQACCEL_EPILOGUE_BIAS + i], memory);
	f.job.finish.acc.flat = acc;
	/* Planes that follow each other as rows do are more rows. */
	if (y->plane_stride == y->stride * f.rows && y->batch_stride == y->plane_stride * planes) {
		f.rows = (uint32_t)xq_work_rows(w);
		f.job.finish.y = view_of(y, memory);
		return finish_rows(&f);
	}
	for (b = 0; b < batches && !err; b++) {
		for (p = 0; p < planes && !err; p++) {
			f.job.finish.y = view_of(y, memory);
			f.job.finish.y.flat += b * y->batch_stride + p * y->plane_stride;
			err = finish_rows(&f);
		}
	}
	return err;
}

static int convolution(const struct xqn_step *step, uint8_t *const *memory)
{
	const struct xqaccel_conv *c = &step->work.conv;
	const bool finishes = step->work.epilogue.kind || step->place[XQACCEL_EPILOGUE_BIAS].storage >= 0;
	struct xqk_conv k = { .dims = xq_work_conv(&step->work), .x_zp = c->x_zp, .w_zp = c->w_zp };
	uint8_t *acc = NULL;
	int err;

	k.view[XQK_CONV_X] = view_of(&step->place[XQACCEL_X], memory);
	k.view[XQK_CONV_W] = view_of(&step->place[XQACCEL_W], memory);
	k.view[XQK_CONV_Y] = view_of(&step->place[XQACCEL_Y], memory);
	k.view[XQK_CONV_W_ZP] = view_of(&step->place[XQACCEL_W_ZP], memory);
	k.view[XQK_CONV_CODEBOOK] = view_of(&step->place[XQACCEL_CODEBOOK], memory);
	if (finishes) {
		acc = malloc(4 * xq_work_rows(&step->work) * c->out_c);
		if (!acc)
			return -ENOMEM;
		k.view[XQK_CONV_Y] = (struct xqk_view){
			.flat = acc, .stride = 4ULL * c->out_c, .group_stride = 4ULL * c->out_c * c->out_w,
			.batch_stride = 4ULL * c->out_c * c->out_w * c->out_h,
		};
	}
	err = xq_convolution_run(&k);
	if (!err && finishes)
		err = finish(step, acc, memory);
	free(acc);
	return err;
}

static int product(const struct xqn_step *step, uint8_t *const *memory)
{
	struct xqk_gemm k = {
		.dims = xq_work_dims(&step->work), .a_zp = step->work.gemm.a_zp, .b_zp = step->work.gemm.b_zp,
		.epilogue.dims = xq_work_epilogue(&step->work),
	};
	unsigned int i;

	for (i = 0; i < XQ_GEMM_OPERANDS; i++)
		k.view[i] = view_of(&step->place[i], memory);
	for (i = 0; i < XQ_EPILOGUE_OPERANDS; i++)
		k.epilogue.view[i] = view_of(&step->place[XQACCEL_EPILOGUE_BIAS + i], memory);
	return xq_product_run(&k);
}

/* ---- what is no product ------------------------------------------------------------------------------------ */

static int operator(const struct xqn_step *step, uint8_t *const *memory)
{
	const struct xqk_view a = view_of(&step->place[XQACCEL_A], memory),
			      b = view_of(&step->place[XQACCEL_B], memory),
			      y = view_of(&step->place[XQACCEL_C], memory);
	struct xqk_operator job = { 0 };

	switch (step->work.op) {
	case XQACCEL_OP_POOL:
		job.kind = XQK_POOLING;
		job.pooling = (struct xqk_pooling){ .dims = step->pool, .x = a, .y = y };
		/* The kernel's rows are lines of pixels. */
		job.pooling.x.stride = a.group_stride;
		job.pooling.x.group_stride = a.stride;
		job.pooling.y.stride = y.group_stride;
		job.pooling.y.group_stride = y.stride;
		break;
	case XQACCEL_OP_ELEMENTWISE:
		job.kind = XQK_ELEMENTWISE;
		job.elementwise = (struct xqk_elementwise){ .dims = step->elementwise, .a = a, .b = b, .y = y };
		break;
	case XQACCEL_OP_SOFTMAX:
		job.kind = XQK_SOFTMAX;
		job.softmax = (struct xqk_softmax){ .dims = step->softmax, .x = a, .y = y };
		break;
	case XQACCEL_OP_MEAN:
		job.kind = XQK_MEAN;
		job.mean = (struct xqk_mean){ .dims = step->mean, .x = a, .y = y };
		break;
	default:
		job.kind = XQK_COPY;
		job.copy = (struct xqk_copy){
			.dims = step->copy, .x = a, .y = y, .scale = view_of(&step->place[XQN_ROW_SCALE], memory),
			.zero_point = view_of(&step->place[XQN_ROW_ZP], memory),
		};
		break;
	}
	return xq_operator_run(NULL, &job);
}

static int call(const struct xqn_call *c, uint8_t *const *memory)
{
	struct xq_network_value value[2 * XQ_NETWORK_OPERANDS];
	unsigned int i;

	for (i = 0; i < c->inputs + c->outputs; i++) {
		const struct xqn_view *v = &c->view[i];

		value[i] = (struct xq_network_value){ .type = v->type, .dims = v->dims,
						      .data = memory[v->storage] + v->offset };
		memcpy(value[i].dim, v->dim, sizeof(v->dim));
	}
	return c->compute(c->arg, value, value + c->inputs);
}

int xqn_compute(const struct xqn_step *step, uint8_t *const *memory)
{
	switch (step->kind) {
	case XQN_CALL:
		return call(step->call, memory);
	case XQN_FINISH:
		return finish(step, memory[step->place[XQACCEL_A].storage] + step->place[XQACCEL_A].offset, memory);
	default:
		break;
	}
	switch (step->work.op) {
	case XQACCEL_OP_GEMM:
		return product(step, memory);
	case XQACCEL_OP_CONV:
		return convolution(step, memory);
	default:
		return operator(step, memory);
	}
}
