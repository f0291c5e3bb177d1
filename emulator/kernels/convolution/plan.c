// SPDX-License-Identifier: MIT
/* How a convolution is computed. */
#include "convolution/conv.h"
#include "product/gemm.h"

/* Whether pixels of an image with so many columns and rows are all one stride apart. */
static bool is_even(const struct xqk_view *v, uint32_t columns, uint32_t rows, uint32_t images)
{
	return v->flat && (rows < 2 || v->group_stride == columns * v->stride) &&
	       (images < 2 || v->batch_stride == (uint64_t)rows * columns * v->stride);
}

/* A kernel of one element without anything in its way: pixels are rows of A as they are. */
static bool is_product(const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;

	return d->kernel_h == 1 && d->kernel_w == 1 && d->stride_h == 1 && d->stride_w == 1 &&
	       d->groups == 1 && !d->pad_top && !d->pad_left && d->out_h == d->in_h &&
	       d->out_w == d->in_w &&
	       is_even(&conv->view[XQK_CONV_X], d->in_w, d->in_h, d->batch) &&
	       is_even(&conv->view[XQK_CONV_Y], d->in_w, d->in_h, d->batch);
}

static struct xqk_view product_view(const struct xqk_view *v, uint64_t batch_stride)
{
	struct xqk_view view = *v;

	view.batch_stride = batch_stride;
	view.group_stride = 0;
	return view;
}

/* The product that it is, see conv.h. */
static void describe(struct xqk_gemm *gemm, const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;
	const uint32_t channels = d->out_c / d->groups;
	const struct xqk_view *w = &conv->view[XQK_CONV_W];

	*gemm = (struct xqk_gemm){
		.dims = {
			.flags = d->flags, .m = d->batch * d->out_h * d->out_w, .n = channels,
			.k = (uint32_t)xq_conv_k(d), .batch = d->groups,
			.a_format = d->x_format, .b_format = d->w_format,
		},
		.a_zp = conv->x_zp,
		.b_zp = conv->w_zp,
		.epilogue = conv->epilogue,
	};
	gemm->view[XQACCEL_A] = conv->view[XQK_CONV_X];
	gemm->view[XQACCEL_B] = product_view(w, d->flags & XQACCEL_JOB_B_TILED ? w->batch_stride :
					     channels * w->stride);
	gemm->view[XQACCEL_C] = conv->view[XQK_CONV_Y];
	gemm->view[XQACCEL_B_ZP] = product_view(&conv->view[XQK_CONV_W_ZP], 4 * (uint64_t)channels);
	gemm->view[XQACCEL_CODEBOOK] = product_view(&conv->view[XQK_CONV_CODEBOOK], 0);
}

/*
 * Of so few channels the kernels of thin products make more than the direct ones, unless those have
 * the epilogue, too.
 */
#define THIN_CHANNELS	32

static bool is_thin(const struct xqk_plan *plan)
{
	return is_product(&plan->conv) && plan->conv.dims.in_c <= THIN_CHANNELS &&
	       xqk_thin_fits(plan);
}

/*
 * Of so many elements and channels a product by tiles makes more than the direct kernels, whose
 * multiplications are vectors'; of more channels, if patches have to be staged for it.
 */
#define TALL_K			96
#define TALL_CHANNELS		64
#define TALL_CHANNELS_PATCHES	128

static bool is_tall(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xq_dims *dims = &plan->gemm.dims;

	return product->tall_rows && dims->m >= product->tall_rows &&
	       product->b[dims->b_format].tall_panel && dims->k >= TALL_K &&
	       dims->n >= (is_product(&plan->conv) ? TALL_CHANNELS : TALL_CHANNELS_PATCHES);
}

/* The plan's way is that of a product. */
static enum xqk_way choose_way(const struct xqk_plan *plan)
{
	/*
	 * An image of one channel is both; the direct kernels add several taps at once, and stage a
	 * row of pixels at a time.
	 */
	if (xqk_depthwise_fits(&plan->conv) &&
	    !(plan->conv.dims.groups == 1 && xqk_direct_fits(plan)))
		return XQK_WAY_DEPTHWISE;
	if (xqk_direct_fits(plan) && !is_tall(plan) &&
	    !(is_thin(plan) && !xqk_direct_makes_bytes(plan)))
		return XQK_WAY_DIRECT;
	return is_product(&plan->conv) ? XQK_WAY_PRODUCT : XQK_WAY_PATCHES;
}

void xqk_plan_conv(struct xqk_plan *plan, const struct xqk_isa *isa, const struct xqk_conv *conv,
		   unsigned int threads)
{
	plan->isa = isa;
	plan->kind = NULL;
	plan->conv = *conv;
	describe(&plan->gemm, conv);
	plan->way = XQK_WAY_PRODUCT;
	plan->way = choose_way(plan);
	switch (plan->way) {
	case XQK_WAY_DEPTHWISE:
		xqk_plan_depthwise(plan, threads);
		break;
	case XQK_WAY_DIRECT:
		xqk_plan_direct(plan, threads);
		break;
	default:
		xqk_plan_product(plan, threads);
		break;
	}
}
