// SPDX-License-Identifier: MIT
/* Pools: an NCHW image is many of one channel. */
#include <errno.h>

#include <xqaccel/pool.h>

#include "operator_run.h"

static size_t or_one(size_t stride)
{
	return stride ? stride : 1;
}

static int output(size_t in, size_t before, size_t after, size_t kernel, size_t stride, size_t *out)
{
	size_t whole;

	if (__builtin_add_overflow(in, before, &whole) || __builtin_add_overflow(whole, after, &whole))
		return -EOVERFLOW;
	if (!kernel || whole < kernel)
		return -EINVAL;
	*out = (whole - kernel) / or_one(stride) + 1;
	return 0;
}

int xq_pool_output(const struct xq_pool *p, size_t *h, size_t *w)
{
	int err = output(p->in_h, p->pad_top, p->pad_bottom, p->kernel_h, p->stride_h, h);

	return err ? err : output(p->in_w, p->pad_left, p->pad_right, p->kernel_w, p->stride_w, w);
}

/* The bytes of batch images of channels planes, none of them too many. */
static bool fits(size_t batch, size_t h, size_t w, size_t channels)
{
	size_t bytes;

	return !__builtin_mul_overflow(batch, h, &bytes) && !__builtin_mul_overflow(bytes, w, &bytes) &&
	       !__builtin_mul_overflow(bytes, channels, &bytes);
}

int xq_pool(struct xq_workspace *ws, const struct xq_pool *p)
{
	const bool planes = p->layout == XQ_NCHW;
	struct xqk_operator job = { .kind = XQK_POOLING };
	struct xqk_pooling *k = &job.pooling;
	size_t h, w, images;
	int err = xq_pool_output(p, &h, &w);

	if (err)
		return err;
	if ((p->kind != XQ_MAX_POOL && p->kind != XQ_AVERAGE_POOL) || (!planes && p->layout != XQ_NHWC))
		return -EINVAL;
	if (__builtin_mul_overflow(p->batch, planes ? p->channels : 1, &images) ||
	    !xq_dims_small((size_t[]){ images, p->in_h, p->in_w, p->channels, h, w, p->kernel_h, p->kernel_w,
				       or_one(p->stride_h), or_one(p->stride_w), p->pad_top, p->pad_left }, 12) ||
	    !fits(p->batch, p->in_h, p->in_w, p->channels) || !fits(p->batch, h, w, p->channels) ||
	    (uint64_t)p->kernel_h * p->kernel_w > XQ_MAX_WINDOW)
		return -EOVERFLOW;
	k->dims = (struct xq_pool_dims){
		.kind = p->kind == XQ_MAX_POOL ? XQ_POOL_MAX : XQ_POOL_AVERAGE, .format = (__u8)p->type,
		.batch = (uint32_t)images, .in_h = (uint32_t)p->in_h, .in_w = (uint32_t)p->in_w,
		.channels = planes ? 1 : (uint32_t)p->channels, .out_h = (uint32_t)h, .out_w = (uint32_t)w,
		.kernel_h = (uint32_t)p->kernel_h, .kernel_w = (uint32_t)p->kernel_w,
		.stride_h = (uint32_t)or_one(p->stride_h), .stride_w = (uint32_t)or_one(p->stride_w),
		.pad_top = (uint32_t)p->pad_top, .pad_left = (uint32_t)p->pad_left,
	};
	xq_operator_bounds(p->clamp, p->act_min, p->act_max, &k->dims.act_min, &k->dims.act_max);
	if (!xq_pool_valid(&k->dims))
		return -EINVAL;
	k->x.group_stride = k->y.group_stride = k->dims.channels;
	k->x.stride = k->x.group_stride * k->dims.in_w;
	k->y.stride = k->y.group_stride * k->dims.out_w;
	k->x.batch_stride = k->x.stride * k->dims.in_h;
	k->y.batch_stride = k->y.stride * k->dims.out_h;
	k->x.flat = (uint8_t *)p->x;
	k->y.flat = p->y;
	if (!images || !k->dims.channels || !h || !w)
		return 0;
	if (!p->y || (!p->x && p->in_h && p->in_w))
		return -EINVAL;
	return xq_operator_run(ws, &job);
}
