// SPDX-License-Identifier: MIT
/* Convolutions through the registers of the device model, and descriptors of them that are wrong. */
#include "conv_case.h"
#include "device_job.h"

#define CONTEXT	5

static struct fake_host h;
static uint64_t next_va;

static void begin(void)
{
	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 3);
	h.scattered = true;
	next_va = 1ULL << 21;
}

static void end(void)
{
	const long left = fake_stop(&h);

	EXPECT(!left, "%ld mappings left", left);
}

/* Where the job has an operand of a convolution. */
static const unsigned int place_of[XQK_CONV_OPERANDS] = {
	[XQK_CONV_X] = XQACCEL_X, [XQK_CONV_W] = XQACCEL_W, [XQK_CONV_Y] = XQACCEL_Y,
	[XQK_CONV_W_ZP] = XQACCEL_W_ZP, [XQK_CONV_CODEBOOK] = XQACCEL_CODEBOOK,
};

static void describe(const struct conv_case *c, struct xq_hw_descriptor *desc)
{
	const struct xq_conv_dims *d = &c->conv.dims;

	*desc = (struct xq_hw_descriptor){ .id = htole64(1), .context = htole32(CONTEXT) };
	*desc_work(desc) = (struct xqaccel_work){
		.op = XQACCEL_OP_CONV,
		.flags = d->flags,
		.conv = {
			.batch = d->batch, .in_h = d->in_h, .in_w = d->in_w, .in_c = d->in_c,
			.out_h = d->out_h, .out_w = d->out_w, .out_c = d->out_c,
			.kernel_h = d->kernel_h, .kernel_w = d->kernel_w, .groups = d->groups,
			.stride_h = d->stride_h, .stride_w = d->stride_w,
			.dilation_h = d->dilation_h, .dilation_w = d->dilation_w,
			.pad_top = d->pad_top, .pad_left = d->pad_left,
			.transposed = d->transposed, .x_format = d->x_format,
			.w_format = d->w_format, .x_zp = c->conv.x_zp, .w_zp = c->conv.w_zp,
		},
	};
}

/* The operand's memory, byte for byte, at a device address that has its alignment. */
static void put_operand(const struct conv_case *c, unsigned int operand,
			struct xq_hw_descriptor *desc)
{
	const struct conv_tensor *t = &c->tensor[operand];
	const struct xqk_view *view = &c->conv.view[operand];
	struct xq_hw_operand *to = &desc->operand[place_of[operand]];
	const bool spatial = operand == XQK_CONV_X || operand == XQK_CONV_Y;
	const bool tiled = operand == XQK_CONV_W && (c->conv.dims.flags & XQACCEL_JOB_B_TILED);
	const bool vector = operand == XQK_CONV_W_ZP || operand == XQK_CONV_CODEBOOK;
	uint64_t va = next_va;

	if (!view->flat)
		return;
	if (!tiled)
		va += (uint64_t)ktap_range(0, 4095) / t->align * t->align;
	fake_map(&h, CONTEXT, va, t->span ? t->span : 1, XQ_PTE_READ | XQ_PTE_WRITE);
	fake_store(&h, CONTEXT, va, t->flat, t->span);
	next_va = (va + t->span + (1 << 14)) & ~4095ULL;
	to->address = htole64(va);
	if (!vector && !tiled)
		to->stride = htole64(view->stride);
	if (spatial)
		to->plane_stride = htole64(view->group_stride);
	if (spatial || tiled)
		to->batch_stride = htole64(view->batch_stride);
}

static void build(struct conv_case *c, uint32_t x_format, uint32_t w_format,
		  struct xq_hw_descriptor *desc)
{
	unsigned int i;

	/* Flat in this process, so that it can be copied; the device's pages are scattered. */
	do {
		conv_free(c);
		*c = (struct conv_case){ .plain = conv_one_in(2) };
		conv_make(c, x_format, w_format);
		for (i = 0; i < XQK_CONV_OPERANDS && !c->conv.view[i].page; i++)
			;
	} while (i < XQK_CONV_OPERANDS);
	describe(c, desc);
	for (i = 0; i < XQK_CONV_OPERANDS; i++)
		put_operand(c, i, desc);
}

static bool run(struct conv_case *c, const struct xq_hw_descriptor *desc)
{
	struct conv_tensor *y = &c->tensor[XQK_CONV_Y];
	uint32_t *reference = conv_reference(c);
	struct xq_hw_completion done;
	size_t differences;

	fake_submit(&h, 0, desc);
	if (!EXPECT(fake_wait(&h, 0, &done), "no completion"))
		return false;
	EXPECT(!done.status, "status %u", done.status);
	if (y->span)
		fake_load(&h, CONTEXT, le64toh(desc->operand[XQACCEL_Y].address), y->flat, y->span);
	differences = conv_differences(c, reference);
	free(reference);
	if (!EXPECT(!differences, "%zu bytes differ", differences))
		conv_print(c, "device");
	return !differences;
}

static void random_convolutions(void)
{
	struct xq_hw_descriptor desc;
	struct conv_case c = { 0 };
	unsigned int round = 0;
	uint32_t x, w;

	for (x = 1; x < XQ_FORMATS; x++) {
		for (w = 1; w < XQ_FORMATS; w++) {
			if (!(xqk_pairs(x) >> w & 1))
				continue;
			begin();
			for (round = 0; round < 6; round++) {
				build(&c, x, w, &desc);
				run(&c, &desc);
			}
			end();
		}
	}
	conv_free(&c);
	EXPECT(round, "no pair");
}

/* Tiles of the groups so far apart that only their own pages are mapped. */
static void weights_far_apart(void)
{
	const uint64_t far = 1 << 20, va = 1ULL << 32;
	struct conv_case c = { .plain = true };
	struct xq_hw_descriptor desc;
	const struct xqk_view *w = &c.conv.view[XQK_CONV_W];
	unsigned int i;

	begin();
	c.conv.dims = (struct xq_conv_dims){
		.flags = XQACCEL_JOB_B_TILED, .batch = 2, .in_h = 6, .in_w = 7, .in_c = 5,
		.out_h = 6, .out_w = 7, .out_c = 5, .kernel_h = 3, .kernel_w = 3, .groups = 5,
		.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = 1,
		.pad_left = 1,
	};
	conv_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
	describe(&c, &desc);
	for (i = 0; i < XQK_CONV_OPERANDS; i++)
		if (i != XQK_CONV_W)
			put_operand(&c, i, &desc);
	for (i = 0; i < 5; i++) {
		fake_map(&h, CONTEXT, va + i * far, 4096, XQ_PTE_READ);
		fake_store(&h, CONTEXT, va + i * far, w->flat + i * w->batch_stride, 4096);
	}
	desc.operand[XQACCEL_W] = (struct xq_hw_operand){ .address = htole64(va), .batch_stride = htole64(far) };
	run(&c, &desc);
	conv_free(&c);
	end();
}

/* ---- descriptors ---- */

typedef void spoil(struct xq_hw_descriptor *d);

static struct xqaccel_conv *conv(struct xq_hw_descriptor *d)
{
	return &desc_work(d)->conv;
}

static void no_kernel(struct xq_hw_descriptor *d) { conv(d)->kernel_h = 0; }
static void no_stride(struct xq_hw_descriptor *d) { conv(d)->stride_w = 0; }
static void no_dilation(struct xq_hw_descriptor *d) { conv(d)->dilation_h = 0; }
static void no_groups(struct xq_hw_descriptor *d) { conv(d)->groups = 0; }
static void odd_groups(struct xq_hw_descriptor *d) { conv(d)->groups = 3; }
static void huge_image(struct xq_hw_descriptor *d) { conv(d)->in_h = 1U << 25; }
static void huge_output(struct xq_hw_descriptor *d) { conv(d)->out_h = conv(d)->out_w = 1U << 13; }
static void many_pixels(struct xq_hw_descriptor *d) { conv(d)->batch = 1U << 16; conv(d)->in_h = conv(d)->in_w = 1U << 24; }
static void huge_pad(struct xq_hw_descriptor *d) { conv(d)->pad_top = ~0U; }
static void many_kernels(struct xq_hw_descriptor *d) { conv(d)->kernel_h = conv(d)->kernel_w = 1U << 20; }
static void half_transposed(struct xq_hw_descriptor *d) { conv(d)->transposed = 2; }
static void bad_pair(struct xq_hw_descriptor *d) { conv(d)->x_format = XQACCEL_FMT_C8; }
static void no_format(struct xq_hw_descriptor *d) { conv(d)->w_format = 0; }
static void wide_format(struct xq_hw_descriptor *d) { conv(d)->w_format = 256 + XQACCEL_FMT_S8; }
static void wide_zero_point(struct xq_hw_descriptor *d) { conv(d)->x_zp = 128; conv(d)->pad_top = 1; }
static void reserved(struct xq_hw_descriptor *d) { conv(d)->reserved = 1; }
static void last_word(struct xq_hw_descriptor *d) { desc_work(d)->words[47] = 1; }
static void accumulate(struct xq_hw_descriptor *d) { desc_work(d)->flags = XQACCEL_JOB_ACCUMULATE; }
static void groups_of_k(struct xq_hw_descriptor *d) { desc_work(d)->flags = XQACCEL_JOB_GROUP_ACC; }
static void epilogue(struct xq_hw_descriptor *d) { desc_work(d)->epilogue.kind = 77; }
static void no_x(struct xq_hw_descriptor *d) { d->operand[XQACCEL_X].address = 0; }
static void no_w(struct xq_hw_descriptor *d) { d->operand[XQACCEL_W].address = 0; }
static void no_y(struct xq_hw_descriptor *d) { d->operand[XQACCEL_Y].address = 0; }
static void y_overlaps(struct xq_hw_descriptor *d) { d->operand[XQACCEL_Y].plane_stride = htole64(4); }
static void y_is_x(struct xq_hw_descriptor *d) { d->operand[XQACCEL_Y].address = d->operand[XQACCEL_X].address; }
static void odd_y(struct xq_hw_descriptor *d) { d->operand[XQACCEL_Y].address |= htole64(2); }
static void planes_of_w(struct xq_hw_descriptor *d) { d->operand[XQACCEL_W].plane_stride = htole64(4096); }
static void scales(struct xq_hw_descriptor *d) { d->operand[XQACCEL_A_SCALE] = d->operand[XQACCEL_X]; }
static void bias(struct xq_hw_descriptor *d) { d->operand[XQACCEL_EPILOGUE_BIAS].address = htole64(1 << 21); }
static void span(struct xq_hw_descriptor *d) { d->operand[XQACCEL_X].batch_stride = htole64(1ULL << 63); }

static void invalid_descriptors(void)
{
	static spoil *const spoils[] = {
		no_kernel, no_stride, no_dilation, no_groups, odd_groups, huge_image, huge_output,
		many_pixels, huge_pad, many_kernels, half_transposed, bad_pair, no_format, wide_format,
		wide_zero_point, reserved, last_word, accumulate, groups_of_k, epilogue, no_x, no_w,
		no_y, y_overlaps, y_is_x, odd_y, planes_of_w, scales, bias, span,
	};
	const uint64_t va = 1ULL << 21;
	struct xq_hw_descriptor good, d;
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	fake_map(&h, CONTEXT, va, 1 << 16, XQ_PTE_READ | XQ_PTE_WRITE);
	good = (struct xq_hw_descriptor){ .context = htole32(CONTEXT) };
	*desc_work(&good) = (struct xqaccel_work){
		.op = XQACCEL_OP_CONV,
		.conv = {
			.batch = 3, .in_h = 5, .in_w = 5, .in_c = 4, .out_h = 3, .out_w = 3, .out_c = 8,
			.kernel_h = 3, .kernel_w = 3, .groups = 2, .stride_h = 1, .stride_w = 1,
			.dilation_h = 1, .dilation_w = 1, .x_format = XQACCEL_FMT_S8,
			.w_format = XQACCEL_FMT_S8,
		},
	};
	good.operand[XQACCEL_X] = (struct xq_hw_operand){ htole64(va), htole64(4), htole64(100), htole64(20) };
	good.operand[XQACCEL_W] = (struct xq_hw_operand){ htole64(va + 4096), htole64(18), 0, 0 };
	good.operand[XQACCEL_Y] = (struct xq_hw_operand){ htole64(va + 8192), htole64(32), htole64(288), htole64(96) };
	for (i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		d = good;
		spoils[i](&d);
		fake_submit(&h, 0, &d);
		EXPECT(fake_wait(&h, 0, &c), "no completion");
		EXPECT(c.status == XQACCEL_STATUS_INVALID, "case %u: status %u", i, c.status);
	}
	fake_submit(&h, 0, &good);
	EXPECT(fake_wait(&h, 0, &c) && !c.status, "status %u", c.status);
	EXPECT(le64toh(c.macs) == 3 * 9 * 8 * 18, "MACs");
	EXPECT(le64toh(c.bytes) == 3 * 100 + 8 * 18 + 3 * 9 * 32, "%llu bytes",
	       (unsigned long long)le64toh(c.bytes));
	end();
}

KTAP_MAIN(
	{ "random_convolutions", random_convolutions },
	{ "weights_far_apart", weights_far_apart },
	{ "invalid_descriptors", invalid_descriptors },
)
