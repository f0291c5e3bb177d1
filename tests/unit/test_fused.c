// SPDX-License-Identifier: GPL-2.0
/*
 * Products and convolutions with an epilogue, on every instruction set: the same bytes as the naive
 * accumulators through the portable epilogue, which test_epilogue checks by itself.
 */
#include "conv_case.h"
#include "epilogue_case.h"
#include "gemm_case.h"
#include "product/gemm.h"

static struct epilogue_case e;

/* Rows of bytes from m x n accumulators; absent bytes of a row are none. */
static uint8_t *finished(const uint32_t *acc, uint32_t m, uint32_t n)
{
	const size_t row = xq_row_bytes(e.e.dims.format, n);
	struct xqk_operator job = { .kind = XQK_FINISH };
	uint8_t *y = malloc(row * m + 1);

	job.finish = (struct xqk_finish){ .epilogue = e.e, .m = m, .n = n };
	job.finish.acc = (struct xqk_view){ .flat = (uint8_t *)acc, .stride = 4 * (uint64_t)n };
	job.finish.y = (struct xqk_view){ .flat = y, .stride = row };
	case_run(&job, "scalar", 1);
	return y;
}

static void run(struct xqk_plan *plan, uint32_t rows)
{
	void *scratch = NULL;

	if (!plan->chunks)
		return;
	/* Exactly as much as was asked for, so that a sanitizer sees what is beyond. */
	if (posix_memalign(&scratch, 64, plan->scratch_bytes)) {
		EXPECT(false, "no memory");
		return;
	}
	memset(scratch, 0x5a, plan->scratch_bytes);
	for (uint32_t chunk = plan->chunks; chunk-- > 0;)
		EXPECT(rows ? xqk_run_chunk_rows(plan, chunk, scratch, rows, NULL) :
			      xqk_run_chunk(plan, chunk, scratch, NULL), "chunk %u", chunk);
	free(scratch);
}

static void say(void)
{
	printf("# epilogue: kind %u, profile %u, format %u, index %u, channels %u, thresholds %u\n", e.e.dims.kind,
	       e.e.dims.profile, e.e.dims.format, e.e.dims.index_format, e.e.dims.channels, e.e.dims.thresholds);
}

/* Thresholds for so many columns; the arrays of a case end somewhere. */
static void random_epilogue(uint32_t columns)
{
	epilogue_random(&e);
	while (columns * e.e.dims.thresholds > EPILOGUE_MOST * 9)
		e.e.dims.thresholds /= 2;
}

static void check_gemm(struct gemm_case *c, const char *isa, bool few_rows)
{
	const struct xq_dims *d = &c->gemm.dims;
	const uint32_t m = d->m * d->batch;
	uint32_t *acc = case_reference(c);
	struct xqk_plan plan;
	uint8_t *want;

	epilogue_random_arrays(&e, m, d->n);
	c->gemm.epilogue = e.e;
	want = finished(acc, m, d->n);
	xqk_plan(&plan, xqk_isa_select(isa), &c->gemm, one_in(2) ? 1 : 3);
	run(&plan, few_rows ? xqk_fewest_rows(&plan) : 0);
	if (!EXPECT(!case_byte_differences(c, want), "bytes differ")) {
		case_print(c, isa);
		say();
	}
	epilogue_free(&e);
	free(acc);
	free(want);
}

/* A job that may have an epilogue. */
static void random_gemm(struct gemm_case *c, uint32_t a, uint32_t b)
{
	for (;;) {
		c->gemm.epilogue.dims = e.e.dims;
		case_make(c, a, b);
		if (!(c->gemm.dims.flags & (XQACCEL_JOB_ACCUMULATE | XQACCEL_JOB_GROUP_ACC)) &&
		    c->gemm.dims.m)
			return;
		gemm_free(c);
		*c = (struct gemm_case){ .plain = c->plain };
	}
}

static void products(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (uint32_t a = XQACCEL_FMT_S8; a <= XQACCEL_FMT_B1; a++)
			for (uint32_t b = 0; b < XQ_FORMATS; b++)
				for (unsigned int n = 0; xqk_pairs(a) >> b & 1 && n < 12 && ktap.failures < 5; n++) {
					struct gemm_case c = { .plain = one_in(2) };

					random_epilogue(300);
					random_gemm(&c, a, b);
					check_gemm(&c, xqk_isa_list(i), one_in(8));
					gemm_free(&c);
				}
}

/* Bytes by bytes in the shapes that have ways of their own, and K of several blocks. */
static void shapes(void)
{
	static const struct { uint32_t m, n, k; } sizes[] = {
		{ 130, 192, 768 }, { 49, 200, 516 }, { 7, 70, 4096 }, { 20, 130, 4100 }, { 3, 66, 9000 }, { 1, 700, 512 },
		{ 1, 3000, 80 }, { 300, 64, 24 }, { 100, 128, 64 }, { 70, 80, 27 }, { 1, 40, 17000 }, { 5, 600, 300 },
		{ 4, 4, 0 }, { 1, 1, 1 }, { 257, 65, 33 }, { 1030, 64, 64 },
	};

	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (size_t s = 0; s < 4 * sizeof(sizes) / sizeof(sizes[0]) && ktap.failures < 5; s++) {
			const uint32_t b = s % 2 ? XQACCEL_FMT_S8 : one_in(3) ? XQACCEL_FMT_S4 : XQACCEL_FMT_T2;
			struct gemm_case c = { .plain = s % 4 != 3 };

			c.gemm.dims = (struct xq_dims){ .m = sizes[s / 4].m, .n = sizes[s / 4].n, .k = sizes[s / 4].k,
							.batch = one_in(4) ? 2 : 1,
							.flags = one_in(3) ? 0 : XQACCEL_JOB_B_TILED };
			if (one_in(2))
				c.gemm.a_zp = (int32_t)ktap_range(-130, 130);
			random_epilogue(3000);
			random_gemm(&c, one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, b);
			check_gemm(&c, xqk_isa_list(i), one_in(5));
			gemm_free(&c);
		}
}

/* Sums in float32 and what FLOAT makes of them, each operation rounded by itself. */
static uint8_t *finished_reals(const uint32_t *acc, uint32_t m, uint32_t n)
{
	uint32_t *y = malloc(4 * (size_t)m * n + 1);
	const bool rows = xqk_present(&e.e.view[XQ_EPILOGUE_ROW_SCALE]);
	const bool columns = xqk_present(&e.e.view[XQ_EPILOGUE_COLUMN_SCALE]);
	const bool bias = xqk_present(&e.e.view[XQ_EPILOGUE_FLOAT_BIAS]);

	for (size_t i = 0; i < (size_t)m * n; i++) {
		volatile float value;

		memcpy((void *)&value, acc + i, 4);
		if (rows)
			value = value * e.row_scale[i / n];
		if (columns)
			value = value * e.column_scale[i % n];
		if (bias)
			value = value + e.float_bias[i % n];
		memcpy(y + i, (const void *)&value, 4);
		if (isnan(value))
			y[i] = 0x7fc00000;
	}
	return (uint8_t *)y;
}

static void real_scales(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (unsigned int n = 0; n < 250 && ktap.failures < 5; n++) {
			struct gemm_case c = { .real = true, .plain = one_in(2) };
			const struct xq_dims *d = &c.gemm.dims;
			struct xqk_plan plan;
			uint8_t *want;
			uint32_t *acc;

			epilogue_random(&e);
			e.e.dims = (struct xq_epilogue){ .kind = XQ_EPILOGUE_FLOAT, .format = XQACCEL_FMT_F32 };
			c.gemm.epilogue.dims = e.e.dims;
			case_make(&c, one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8,
				  (uint32_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_C8));
			if (!(d->flags & XQACCEL_JOB_ACCUMULATE)) {
				acc = case_reference(&c);
				epilogue_random_arrays(&e, d->m * d->batch, d->n);
				e.e.view[XQ_EPILOGUE_BIAS] = (struct xqk_view){ 0 };
				c.gemm.epilogue = e.e;
				want = finished_reals(acc, d->m * d->batch, d->n);
				xqk_plan(&plan, xqk_isa_select(xqk_isa_list(i)), &c.gemm, one_in(2) ? 1 : 3);
				run(&plan, one_in(4) ? xqk_fewest_rows(&plan) : 0);
				if (!EXPECT(!case_byte_differences(&c, want), "bytes differ"))
					case_print(&c, xqk_isa_list(i));
				epilogue_free(&e);
				free(acc);
				free(want);
			}
			gemm_free(&c);
		}
}

static void check_conv(struct conv_case *c, const char *isa)
{
	const struct xq_conv_dims *d = &c->conv.dims;
	const uint32_t m = d->batch * d->out_h * d->out_w;
	uint32_t *acc = conv_reference(c);
	struct xqk_plan plan;
	uint8_t *want;

	epilogue_random_arrays(&e, m, d->out_c);
	c->conv.epilogue = e.e;
	want = finished(acc, m, d->out_c);
	xqk_plan_conv(&plan, xqk_isa_select(isa), &c->conv, conv_one_in(2) ? 1 : 3);
	EXPECT(plan.way == XQK_WAY_PRODUCT || plan.way == XQK_WAY_PATCHES ||
	       plan.scratch_bytes <= XQK_LEAST_SCRATCH, "%zu bytes of scratch memory", plan.scratch_bytes);
	run(&plan, 0);
	if (!EXPECT(!conv_byte_differences(c, want), "bytes differ")) {
		conv_print(c, isa);
		say();
	}
	epilogue_free(&e);
	free(acc);
	free(want);
}

static void convolutions(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (unsigned int n = 0; n < 600 && ktap.failures < 5; n++) {
			static const uint32_t formats[] = { XQACCEL_FMT_S8, XQACCEL_FMT_U8, XQACCEL_FMT_S8, XQACCEL_FMT_S4,
							    XQACCEL_FMT_B1 };
			struct conv_case c = { .plain = !conv_one_in(4) };

			random_epilogue(700);
			c.conv.epilogue.dims = e.e.dims;
			conv_make(&c, formats[ktap_range(0, 4)], conv_one_in(3) ? formats[ktap_range(0, 4)] : XQACCEL_FMT_S8);
			check_conv(&c, xqk_isa_list(i));
			conv_free(&c);
		}
}

/* Bytes by scales from sums that are exact in f32, which kernels may make before they store sums. */
static void scaled_sums(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (unsigned int n = 0; n < 1000 && ktap.failures < 5; n++) {
			const uint32_t format = conv_one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8;
			struct conv_case c = { .plain = !conv_one_in(4), .symmetric = !conv_one_in(4) };
			const int32_t least = format == XQACCEL_FMT_S8 ? -128 : 0;

			memset(&e, 0, sizeof(e));
			e.small = true;
			e.e.dims = (struct xq_epilogue){
				.kind = XQ_EPILOGUE_REQUANT, .profile = XQ_PROFILE_ONNX, .format = (uint8_t)format,
				.channels = conv_one_in(2), .zero_point = least + (int32_t)ktap_range(0, 255),
				.act_min = least, .act_max = least + 255,
			};
			/* One bound, both, or none. */
			if (conv_one_in(3))
				e.e.dims.act_min = least + (int32_t)ktap_range(0, 255);
			if (conv_one_in(3))
				e.e.dims.act_max = (int32_t)ktap_range(e.e.dims.act_min, least + 255);
			c.conv.epilogue.dims = e.e.dims;
			conv_make(&c, conv_one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, XQACCEL_FMT_S8);
			check_conv(&c, xqk_isa_list(i));
			conv_free(&c);
		}
}

/* Pixels that see padding are computed apart from the others, so they meet the epilogue out of their order. */
static void padded(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (unsigned int n = 0; n < 80 && ktap.failures < 5; n++) {
			struct conv_case c = { .plain = !conv_one_in(4), .symmetric = true };

			random_epilogue(280);
			/* Row scales are for pixels in their order. */
			if (conv_one_in(3))
				e.e.dims = (struct xq_epilogue){ .kind = XQ_EPILOGUE_FLOAT, .format = XQACCEL_FMT_F32 };
			c.conv.epilogue.dims = e.e.dims;
			conv_padded_dims(&c.conv.dims);
			conv_make(&c, conv_one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, XQACCEL_FMT_S8);
			check_conv(&c, xqk_isa_list(i));
			conv_free(&c);
		}
}

/* Depthwise rows of outputs that are made in parts, though few enough to wait for the next row's. */
static void rows_in_parts(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (uint32_t width = 13; width <= 26 && ktap.failures < 5; width++)
			for (uint32_t kernel = 2; kernel <= 5; kernel++) {
				struct conv_case c = { .plain = true, .symmetric = true, .conv.dims = {
					.batch = 1, .in_h = 9, .in_w = 2 * width, .in_c = 20, .out_h = 4, .out_w = width,
					.out_c = 20, .kernel_h = kernel, .kernel_w = kernel, .groups = 20, .stride_h = 2,
					.stride_w = 2, .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1,
				} };

				memset(&e, 0, sizeof(e));
				e.small = true;
				e.e.dims = (struct xq_epilogue){ .kind = XQ_EPILOGUE_REQUANT, .profile = XQ_PROFILE_ONNX,
								 .format = XQACCEL_FMT_S8, .act_min = -128, .act_max = 127 };
				c.conv.epilogue.dims = e.e.dims;
				conv_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
				check_conv(&c, xqk_isa_list(i));
				conv_free(&c);
			}
}

KTAP_MAIN({ "products of every pair of formats", products },
	  { "shapes of every way", shapes },
	  { "real scales of groups", real_scales },
	  { "convolutions", convolutions },
	  { "bytes of sums by scales", scaled_sums },
	  { "convolutions with pads", padded },
	  { "depthwise rows in parts", rows_in_parts })
