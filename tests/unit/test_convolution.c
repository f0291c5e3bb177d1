// SPDX-License-Identifier: GPL-2.0
/* The convolution kernels of every instruction set this CPU has, against the naive reference. */
#include "conv_case.h"
#include "product/gemm.h"

#define CASES_PER_PAIR 30

static void run_chunks(struct xqk_plan *plan)
{
	/* Exactly as much as was asked for, so that a sanitizer sees what is beyond. */
	void *scratch = NULL;

	if (!plan->chunks)
		return;
	if (posix_memalign(&scratch, 64, plan->scratch_bytes)) {
		EXPECT(false, "no memory");
		return;
	}
	memset(scratch, 0x5a, plan->scratch_bytes);
	for (uint32_t chunk = plan->chunks; chunk-- > 0;)
		EXPECT(xqk_run_chunk(plan, chunk, scratch, NULL), "chunk %u", chunk);
	free(scratch);
}

static bool check_case(struct conv_case *c, const char *isa, unsigned int threads)
{
	uint32_t *reference = conv_reference(c);
	struct xqk_plan plan;
	size_t differences;

	EXPECT(xq_conv_valid(&c->conv.dims, c->conv.x_zp), "the case is no convolution");
	xqk_plan_conv(&plan, xqk_isa_select(isa), &c->conv, threads);
	/* A thread has so much from its start, and may never get more. */
	EXPECT(plan.way == XQK_WAY_PRODUCT || plan.way == XQK_WAY_PATCHES ||
	       plan.scratch_bytes <= XQK_LEAST_SCRATCH, "%zu bytes of scratch memory", plan.scratch_bytes);
	run_chunks(&plan);
	differences = conv_differences(c, reference);
	free(reference);
	if (!EXPECT(!differences, "%zu bytes differ", differences))
		conv_print(c, isa);
	return !differences;
}

static void random_cases(uint32_t x_format)
{
	/* Every case starts with the same random numbers. */
	for (uint32_t i = 0; i < x_format; i++)
		ktap_random();
	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		for (uint32_t w = 0; w < XQ_FORMATS; w++) {
			if (!(xqk_pairs(x_format) & 1U << w))
				continue;
			for (unsigned int n = 0; n < CASES_PER_PAIR; n++) {
				struct conv_case c = { .plain = conv_one_in(2),
						       .extreme = conv_one_in(6) ? 1 + n % 3 : 0 };

				conv_make(&c, x_format, w);
				check_case(&c, xqk_isa_list(i), conv_one_in(2) ? 1 : 3);
				conv_free(&c);
			}
		}
	}
}

#define RANDOM_CASES(name, format) \
	static void name(void) { random_cases(format); }

RANDOM_CASES(s8, XQACCEL_FMT_S8)
RANDOM_CASES(u8, XQACCEL_FMT_U8)
RANDOM_CASES(s4, XQACCEL_FMT_S4)
RANDOM_CASES(u4, XQACCEL_FMT_U4)
RANDOM_CASES(s2, XQACCEL_FMT_S2)
RANDOM_CASES(u2, XQACCEL_FMT_U2)
RANDOM_CASES(t2, XQACCEL_FMT_T2)
RANDOM_CASES(b1, XQACCEL_FMT_B1)

/* 8-bit operands, where there are the most ways of computing them. */
static void bytes(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		for (unsigned int n = 0; n < 300; n++) {
			struct conv_case c = { .plain = !conv_one_in(4),
					       .extreme = conv_one_in(6) ? 1 + n % 3 : 0 };

			conv_make(&c, conv_one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, XQACCEL_FMT_S8);
			check_case(&c, xqk_isa_list(i), conv_one_in(2) ? 1 : 3);
			conv_free(&c);
		}
	}
}

#define SQUARE(size, channels, outputs, kernel, pad)					\
	.batch = 1, .in_h = size, .in_w = size, .in_c = channels, .out_h = size,	\
	.out_w = size, .out_c = outputs, .kernel_h = kernel, .kernel_w = kernel,	\
	.pad_top = pad, .pad_left = pad, .dilation_h = 1, .dilation_w = 1

/* Layers of networks, smaller in height and width. */
static void layers(void)
{
	static const struct xq_conv_dims shapes[] = {
		{ SQUARE(9, 64, 64, 3, 1), .groups = 1, .stride_h = 1, .stride_w = 1 },
		{ SQUARE(7, 128, 130, 3, 1), .groups = 1, .stride_h = 1, .stride_w = 1,
		  .flags = XQACCEL_JOB_B_TILED },
		{ SQUARE(14, 3, 64, 7, 3), .groups = 1, .stride_h = 2, .stride_w = 2 },
		{ SQUARE(10, 24, 144, 1, 0), .groups = 1, .stride_h = 1, .stride_w = 1 },
		{ SQUARE(10, 144, 24, 1, 0), .groups = 1, .stride_h = 1, .stride_w = 1,
		  .flags = XQACCEL_JOB_B_TILED },
		{ SQUARE(8, 64, 128, 1, 0), .groups = 1, .stride_h = 2, .stride_w = 2 },
		{ SQUARE(12, 96, 96, 3, 1), .groups = 96, .stride_h = 1, .stride_w = 1 },
		{ SQUARE(12, 96, 96, 3, 1), .groups = 96, .stride_h = 2, .stride_w = 2 },
		{ SQUARE(9, 40, 80, 5, 2), .groups = 40, .stride_h = 1, .stride_w = 1,
		  .flags = XQACCEL_JOB_B_TILED },
		{ SQUARE(6, 128, 256, 3, 1), .groups = 32, .stride_h = 1, .stride_w = 1 },
		{ SQUARE(8, 32, 16, 4, 1), .groups = 1, .stride_h = 2, .stride_w = 2, .transposed = true },
	};

	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		for (size_t s = 0; s < 2 * sizeof(shapes) / sizeof(shapes[0]); s++) {
			struct conv_case c = { .conv.dims = shapes[s / 2], .plain = s % 2 };

			conv_make(&c, s % 3 ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8,
				  s % 5 ? XQACCEL_FMT_S8 : XQACCEL_FMT_S4);
			check_case(&c, xqk_isa_list(i), 2);
			conv_free(&c);
		}
	}
}

/* Weights without zero points, where taps that see padding only may be left out. */
static void padded(void)
{
	for (unsigned int n = 0; n < 500; n++) {
		struct conv_case c = { .plain = !conv_one_in(4), .symmetric = true };

		conv_padded_dims(&c.conv.dims);
		conv_make(&c, conv_one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, XQACCEL_FMT_S8);
		for (unsigned int i = 0; xqk_isa_list(i); i++)
			check_case(&c, xqk_isa_list(i), conv_one_in(2) ? 1 : 3);
		conv_free(&c);
	}
}

/* What is not a convolution. */
static void refused(void)
{
	const struct xq_conv_dims good = { SQUARE(9, 64, 64, 3, 1), .groups = 1, .stride_h = 1,
					   .stride_w = 1, .x_format = XQACCEL_FMT_S8,
					   .w_format = XQACCEL_FMT_S8 };
	struct xq_conv_dims d;

	EXPECT(xq_conv_valid(&good, 127) && xq_conv_valid(&good, -128), "a good one");
	EXPECT(!xq_conv_valid(&good, 128) && !xq_conv_valid(&good, -129), "padding of 9 bits");
	d = good, d.pad_top = d.pad_left = 0, d.out_h = d.out_w = 7;
	EXPECT(xq_conv_valid(&d, 1 << 30), "any zero point without padding");
	d = good, d.x_format = XQACCEL_FMT_U8;
	EXPECT(xq_conv_valid(&d, 255) && !xq_conv_valid(&d, -1), "padding of u8");
#define REFUSED(change) do {							\
		d = good;							\
		change;								\
		EXPECT(!xq_conv_valid(&d, 0), "accepted: " #change);		\
	} while (0)
	REFUSED(d.kernel_h = 0);
	REFUSED(d.kernel_w = 0);
	REFUSED(d.stride_h = 0);
	REFUSED(d.stride_w = 0);
	REFUSED(d.dilation_h = 0);
	REFUSED(d.dilation_w = 0);
	REFUSED(d.groups = 0);
	REFUSED(d.groups = 3);
	REFUSED((d.groups = 2, d.out_c = 63));
	REFUSED(d.in_w = XQ_MAX_DIM + 1);
	REFUSED(d.pad_left = XQ_MAX_DIM + 1);
	REFUSED(d.out_h = d.out_w = 1 << 13);
	REFUSED((d.batch = d.out_h = d.out_w = XQ_MAX_DIM));
	REFUSED(d.in_c = XQ_MAX_DIM);
	REFUSED((d.kernel_h = d.kernel_w = 1 << 13, d.in_c = 0));
	REFUSED(d.x_format = XQACCEL_FMT_NONE);
	REFUSED(d.w_format = 200);
	REFUSED(d.flags = XQACCEL_JOB_ACCUMULATE);
}

KTAP_MAIN(
	{ "s8", s8 }, { "u8", u8 }, { "s4", s4 }, { "u4", u4 }, { "s2", s2 }, { "u2", u2 },
	{ "t2", t2 }, { "b1", b1 }, { "bytes", bytes }, { "layers", layers },
	{ "padded", padded }, { "refused", refused },
)
