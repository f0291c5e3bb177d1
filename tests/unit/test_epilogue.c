// SPDX-License-Identifier: GPL-2.0
/*
 * Epilogues against a reference that computes one element at a time, for all kinds, formats and
 * instruction sets; requantization's arithmetic itself is test_requantize's.
 */
#include <xqaccel/requantize.h>

#include "epilogue/epilogue.h"
#include "epilogue_case.h"

#define MOST	2048

/* A case's matrices and numbers. */
static struct {
	struct xqk_operator job;
	struct epilogue_case n;
	struct case_memory acc, y;
	bool small;		/* no accumulator is large */
} c;

static void random_case(void)
{
	struct xqk_finish *f = &c.job.finish;
	const struct xq_epilogue *e = &f->epilogue.dims;

	memset(&c, 0, sizeof(c));
	epilogue_random(&c.n);
	c.job.kind = XQK_FINISH;
	c.small = ktap_range(0, 1);
	f->epilogue = c.n.e;
	f->n = (uint32_t)(ktap_range(0, 3) ? ktap_range(0, 70) : ktap_range(0, e->thresholds > 8 ? 60 : MOST));
	f->m = (uint32_t)ktap_range(0, f->n > 100 ? 4 : 40);
	f->acc.stride = 4 * ((uint64_t)f->n + (uint64_t)ktap_range(0, 5));
	f->y.stride = (xq_row_bytes(e->format, f->n) + (uint64_t)ktap_range(0, 9) + 3) & ~3ULL;
	case_alloc(&c.acc, f->acc.stride * f->m, 4);
	for (size_t i = 0; i < c.acc.size / 4; i++)
		((int32_t *)(void *)c.acc.bytes)[i] = c.small ? (int32_t)ktap_range(-70000, 70000) : epilogue_any_acc();
	case_alloc(&c.y, f->y.stride * f->m, 4);
	case_share(&c.acc);
	c.acc.view.stride = f->acc.stride;
	f->acc = c.acc.view;
	epilogue_random_arrays(&c.n, f->m, f->n);
	f->epilogue = c.n.e;
}

static void end_case(void)
{
	case_free(&c.acc);
	case_free(&c.y);
	epilogue_free(&c.n);
}

/* By the library, whose arithmetic has its own tests; one element is too few for it to do another way. */
static int32_t requantized(const struct xq_epilogue *e, uint32_t format, int32_t acc, size_t column)
{
	const size_t at = e->channels ? column : 0;
	const int32_t n = c.n.shift[at], low = e->profile == XQ_PROFILE_FLOOR_SHIFT ? 0 : -31,
		      high = e->profile == XQ_PROFILE_FLOOR_SHIFT ? 63 : 30, shift = n < low ? low : n > high ? high : n;
	const float scale = isfinite(c.n.scale[at]) ? c.n.scale[at] : 0;
	struct xq_requant rq = { .profile = (enum xq_requant_profile)e->profile, .type = XQ_S16, .params = 1,
				 .scale = &scale, .multiplier = &c.n.multiplier[at], .shift = &shift, .add = &c.n.add[at],
				 .zero_point = e->zero_point, .clamp = true };
	const struct xq_channels one = { 1, 1, 1 };
	uint16_t y;

	xq_clamp_range(format, e->act_min, e->act_max, &rq.act_min, &rq.act_max);
	if (format == XQACCEL_FMT_U16)
		rq.type = XQ_U16;
	EXPECT(!xq_requantize(&acc, &one, NULL, &rq, &y), "refused");
	return format == XQACCEL_FMT_U16 ? y : (int16_t)y;
}

static int32_t expected(const struct xq_epilogue *e, int32_t acc, size_t column)
{
	int32_t reached = 0, least, greatest, y;
	uint8_t byte;

	if (e->kind == XQ_EPILOGUE_REQUANT && e->index_format) {
		byte = c.n.table[(uint8_t)requantized(e, e->index_format, acc, column)];
		return case_element(&byte, e->format == XQACCEL_FMT_B1 ? XQACCEL_FMT_S8 : e->format, 0);
	}
	if (e->kind == XQ_EPILOGUE_REQUANT)
		return requantized(e, e->format, acc, column);
	for (uint32_t t = 0; t < e->thresholds; t++)
		reached += acc >= c.n.threshold[column * e->thresholds + t];
	xq_clamp_range(e->format, e->act_min, e->act_max, &least, &greatest);
	if (c.n.decreases[column])
		reached = (int32_t)e->thresholds - reached;
	if (e->zero_point > greatest)
		return greatest;
	if (e->zero_point < least - 256)
		return least;
	y = e->zero_point + reached;
	return y < least ? least : y > greatest ? greatest : y;
}

static float expected_real(const struct xqk_epilogue *e, int32_t acc, size_t row, size_t column)
{
	volatile float y = (float)acc;

	if (xqk_present(&e->view[XQ_EPILOGUE_ROW_SCALE]))
		y = y * c.n.row_scale[row];
	if (xqk_present(&e->view[XQ_EPILOGUE_COLUMN_SCALE]))
		y = y * c.n.column_scale[column];
	if (xqk_present(&e->view[XQ_EPILOGUE_FLOAT_BIAS]))
		y = y + c.n.float_bias[column];
	return y;
}

static bool row_right(const char *isa, const uint8_t *row, size_t r)
{
	const struct xqk_finish *f = &c.job.finish;
	const struct xq_epilogue *e = &f->epilogue.dims;
	const int32_t *acc = (const int32_t *)(const void *)(c.acc.bytes + r * f->acc.stride);
	const size_t bits = f->n * (size_t)xq_format_bits(e->format);

	for (size_t i = 0; i < f->n; i++) {
		const int32_t a = (int32_t)((uint32_t)acc[i] + (uint32_t)c.n.bias[i]);

		if (e->kind == XQ_EPILOGUE_FLOAT) {
			const float want = expected_real(&f->epilogue, a, r, i);

			if (!EXPECT(!memcmp(row + 4 * i, &want, 4), "%s: row %zu column %zu of %u", isa, r, i, f->n))
				return false;
			continue;
		}
		int32_t want = expected(e, a, i);

		if (e->format == XQACCEL_FMT_B1)
			want = want >= 0 ? 1 : -1;
		if (!EXPECT(case_element(row, e->format, i) == want,
			    "%s: kind %u profile %u format %u table %u acc %d column %zu of %u: %d, not %d", isa, e->kind,
			    e->profile, e->format, e->index_format, a, i, f->n, case_element(row, e->format, i), want))
			return false;
	}
	return EXPECT(!(bits % 8) || !(row[bits / 8] >> bits % 8), "%s: bits past the end", isa);
}

static void check(const char *isa)
{
	const struct xqk_finish *f = &c.job.finish;
	const size_t bytes = xq_row_bytes(f->epilogue.dims.format, f->n);

	for (size_t r = 0; r < f->m; r++) {
		const uint8_t *row = c.y.bytes + r * f->y.stride;

		if (!row_right(isa, row, r))
			return;
		for (size_t i = bytes; i < f->y.stride; i++)
			EXPECT(row[i] == 0xa5, "%s: wrote past the end of row %zu", isa, r);
	}
}

static void matrices(void)
{
	for (int round = 0; round < 4000 && ktap.failures < 5; round++) {
		const uint64_t stride = (random_case(), c.job.finish.y.stride);

		for (unsigned int i = 0; xqk_isa_list(i); i++) {
			memset(c.y.bytes, 0xa5, c.y.size);
			case_share(&c.y);
			c.y.view.stride = stride;
			c.job.finish.y = c.y.view;
			case_run(&c.job, xqk_isa_list(i), (unsigned int)ktap_range(1, 3));
			case_take(&c.y);
			check(xqk_isa_list(i));
		}
		end_case();
	}
}

/* As a product calls it: blocks of rows and columns, of columns that were prepared in one go. */
static void blocks(void)
{
	for (int round = 0; round < 1000 && ktap.failures < 5; round++) {
		const struct xqk_finish *f = (random_case(), &c.job.finish);
		const struct xqk_isa *isa = xqk_isa_select(xqk_isa_list((unsigned int)ktap_range(0, 1)));
		const uint32_t format = f->epilogue.dims.format, step = 8 * (uint32_t)ktap_range(1, 9);
		struct xqk_prepared prepared;
		void *memory = aligned_alloc(64, (xqk_epilogue_bytes(&f->epilogue, f->n) + 127) & ~(size_t)63);
		uint32_t m, n, rows;
		uint8_t *out[40];

		isa = isa ? isa : xqk_isa_select("scalar");
		memset(c.y.bytes, 0xa5, c.y.size);
		xqk_epilogue_prepare(isa, &f->epilogue, 0, f->n, c.small ? 70000 : XQK_ACC_MOST, memory, &prepared);
		for (m = 0; m < f->m; m += rows) {
			rows = (uint32_t)ktap_range(1, f->m - m);
			for (n = 0; n < f->n; n += step) {
				const struct xqk_epilogue_block b = {
					.acc = (const int32_t *)(const void *)(c.acc.bytes + m * f->acc.stride) + n,
					.acc_stride = f->acc.stride / 4, .m0 = m, .rows = rows, .column = n,
					.columns = f->n - n < step ? f->n - n : step, .out = out,
				};

				for (uint32_t r = 0; r < rows; r++)
					out[r] = c.y.bytes + (m + r) * f->y.stride + xq_row_bytes(format, n);
				xqk_epilogue_rows(isa, &prepared, &b);
			}
		}
		check(xqk_isa_name(isa));
		free(memory);
		end_case();
	}
}

static void limits(void)
{
	const struct xq_epilogue good = { .kind = XQ_EPILOGUE_REQUANT, .format = XQACCEL_FMT_S4, .act_min = -100,
					  .act_max = 100 };
	struct xq_epilogue e;

	EXPECT(xq_epilogue_valid(&good), "good");
#define REFUSED(...)	(e = good, __VA_ARGS__, !xq_epilogue_valid(&e))
	EXPECT(REFUSED(e.kind = XQ_EPILOGUE_KINDS), "kind");
	EXPECT(REFUSED(e.kind = XQ_EPILOGUE_NONE), "no kind");
	EXPECT(REFUSED(e.profile = XQ_PROFILES), "profile");
	EXPECT(REFUSED(e.channels = 2), "channels");
	EXPECT(REFUSED(e.format = XQACCEL_FMT_C4), "codebook");
	EXPECT(REFUSED(e.format = XQACCEL_FMT_S32), "s32");
	EXPECT(REFUSED(e.format = XQACCEL_FMT_F32), "f32");
	EXPECT(REFUSED(e.act_min = 8), "no value above");
	EXPECT(REFUSED(e.act_max = -9), "no value below");
	EXPECT(REFUSED(e.index_format = XQACCEL_FMT_S4), "index");
	EXPECT(REFUSED(e.index_format = XQACCEL_FMT_S8, e.format = XQACCEL_FMT_S16), "table of 16 bits");
	EXPECT(REFUSED(e.kind = XQ_EPILOGUE_THRESHOLDS), "no threshold");
	EXPECT(REFUSED(e.kind = XQ_EPILOGUE_THRESHOLDS, e.thresholds = 256), "too many thresholds");
	EXPECT(REFUSED(e.kind = XQ_EPILOGUE_THRESHOLDS, e.thresholds = 1, e.index_format = XQACCEL_FMT_S8), "table");
	EXPECT(REFUSED(e.kind = XQ_EPILOGUE_FLOAT), "float to s4");
}

KTAP_MAIN({ "matrices on every instruction set", matrices },
	  { "blocks of prepared columns", blocks },
	  { "what is refused", limits })
