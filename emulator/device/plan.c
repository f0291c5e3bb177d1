// SPDX-License-Identifier: MIT
/*
 * From a job that was checked and mapped to chunks of work for the threads: the words of each
 * operation, and its operands as views, in the form that the kernels take.
 */
#include <string.h>

#include "device.h"

static struct xqk_epilogue epilogue_of(const struct xqdev_job *job)
{
	struct xqk_epilogue e = { .dims = xq_work_epilogue(&job->work) };

	memcpy(e.view, &job->view[XQACCEL_EPILOGUE_BIAS], sizeof(e.view));
	return e;
}

static void plan_gemm(struct xqdev *dev, struct xqdev_job *job)
{
	struct xqk_gemm gemm = {
		.dims = xq_work_dims(&job->work),
		.a_zp = job->work.gemm.a_zp,
		.b_zp = job->work.gemm.b_zp,
		.epilogue = epilogue_of(job),
	};

	memcpy(gemm.view, job->view, sizeof(gemm.view));
	xqk_plan(&job->task.plan, dev->isa, &gemm, xqk_pool_threads(dev->pool));
}

static void plan_conv(struct xqdev *dev, struct xqdev_job *job)
{
	const struct xqk_conv conv = {
		.dims = xq_work_conv(&job->work),
		.x_zp = job->work.conv.x_zp,
		.w_zp = job->work.conv.w_zp,
		.epilogue = epilogue_of(job),
		.view = {
			[XQK_CONV_X] = job->view[XQACCEL_X],
			[XQK_CONV_W] = job->view[XQACCEL_W],
			[XQK_CONV_Y] = job->view[XQACCEL_Y],
			[XQK_CONV_W_ZP] = job->view[XQACCEL_W_ZP],
			[XQK_CONV_CODEBOOK] = job->view[XQACCEL_CODEBOOK],
		},
	};

	xqk_plan_conv(&job->task.plan, dev->isa, &conv, xqk_pool_threads(dev->pool));
}

static void plan_operator(struct xqdev *dev, struct xqdev_job *job, const struct xqk_operator *o)
{
	xqk_plan_operator(&job->task.plan, dev->isa, o, xqk_pool_threads(dev->pool));
}

/* An image's rows are pixels in a descriptor, lines in the kernels' pools. */
static struct xqk_view lines_of(struct xqk_view view)
{
	const uint64_t pixel = view.stride;

	view.stride = view.group_stride;
	view.group_stride = pixel;
	return view;
}

static void plan_pool(struct xqdev *dev, struct xqdev_job *job)
{
	const struct xqk_operator o = {
		.kind = XQK_POOLING,
		.pooling = {
			.dims = xq_work_pool(&job->work),
			.x = lines_of(job->view[XQACCEL_X]),
			.y = lines_of(job->view[XQACCEL_Y]),
		},
	};

	plan_operator(dev, job, &o);
}

static void put_strides(const struct xqk_view *view, __u64 *stride)
{
	stride[2] = view->batch_stride;
	stride[3] = view->group_stride;
	stride[4] = view->stride;
}

static void drop(unsigned int first, unsigned int dims, __u64 *stride)
{
	memmove(stride, stride + first, (dims - first) * sizeof(*stride));
}

/* Leading dimensions of one index are none. */
static unsigned int leading_ones(const __u32 *dim)
{
	unsigned int i = 0;

	while (i < XQ_TENSOR_DIMS - 1 && dim[i] == 1)
		i++;
	return i;
}

static void plan_elementwise(struct xqdev *dev, struct xqdev_job *job)
{
	struct xqk_operator o = {
		.kind = XQK_ELEMENTWISE,
		.elementwise = {
			.a = job->view[XQACCEL_A],
			.b = job->view[XQACCEL_B],
			.y = job->view[XQACCEL_Y],
		},
	};
	struct xq_elementwise *e = &o.elementwise.dims;
	unsigned int ones;

	xq_work_elementwise(&job->work, e);
	put_strides(&o.elementwise.a, e->a.stride);
	put_strides(&o.elementwise.b, e->b.stride);
	put_strides(&o.elementwise.y, e->stride);
	ones = leading_ones(e->dim);
	e->dims = (__u8)(XQ_TENSOR_DIMS - ones);
	memmove(e->dim, e->dim + ones, e->dims * sizeof(*e->dim));
	drop(ones, XQ_TENSOR_DIMS, e->a.stride);
	drop(ones, XQ_TENSOR_DIMS, e->b.stride);
	drop(ones, XQ_TENSOR_DIMS, e->stride);
	plan_operator(dev, job, &o);
}

static void plan_softmax(struct xqdev *dev, struct xqdev_job *job)
{
	const struct xqk_operator o = {
		.kind = XQK_SOFTMAX,
		.softmax = {
			.dims = xq_work_softmax(&job->work),
			.x = job->view[XQACCEL_X],
			.y = job->view[XQACCEL_Y],
		},
	};

	plan_operator(dev, job, &o);
}

static void plan_mean(struct xqdev *dev, struct xqdev_job *job)
{
	const struct xqk_operator o = {
		.kind = XQK_MEAN,
		.mean = {
			.dims = xq_work_mean(&job->work),
			.x = job->view[XQACCEL_X],
			.y = job->view[XQACCEL_Y],
		},
	};

	plan_operator(dev, job, &o);
}

static void plan_copy(struct xqdev *dev, struct xqdev_job *job)
{
	struct xqk_operator o = {
		.kind = XQK_COPY,
		.copy = {
			.x = job->view[XQACCEL_X],
			.y = job->view[XQACCEL_Y],
			.scale = job->view[XQACCEL_Y_SCALE],
			.zero_point = job->view[XQACCEL_Y_ZP],
		},
	};
	struct xq_copy_dims *d = &o.copy.dims;
	unsigned int ones;

	xq_work_copy(&job->work, d);
	put_strides(&o.copy.x, d->x_stride);
	put_strides(&o.copy.y, d->y_stride);
	ones = leading_ones(d->dim);
	d->dims = (__u8)(XQ_TENSOR_DIMS - ones);
	memmove(d->dim, d->dim + ones, d->dims * sizeof(*d->dim));
	drop(ones, XQ_TENSOR_DIMS, d->x_stride);
	drop(ones, XQ_TENSOR_DIMS, d->y_stride);
	plan_operator(dev, job, &o);
}

void xqdev_job_plan(struct xqdev *dev, struct xqdev_job *job)
{
	switch (job->work.op) {
	case XQACCEL_OP_GEMM:
		plan_gemm(dev, job);
		break;
	case XQACCEL_OP_CONV:
		plan_conv(dev, job);
		break;
	case XQACCEL_OP_POOL:
		plan_pool(dev, job);
		break;
	case XQACCEL_OP_ELEMENTWISE:
		plan_elementwise(dev, job);
		break;
	case XQACCEL_OP_SOFTMAX:
		plan_softmax(dev, job);
		break;
	case XQACCEL_OP_MEAN:
		plan_mean(dev, job);
		break;
	case XQACCEL_OP_COPY:
		plan_copy(dev, job);
		break;
	}
}
