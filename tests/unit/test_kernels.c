// SPDX-License-Identifier: GPL-2.0
/* The GEMM kernels of every instruction set this CPU has, against the naive reference. */
#include <sys/mman.h>

#include "gemm_case.h"
#include "product/gemm.h"

#define CASES_PER_PAIR 25

static void run_chunks_in(struct xqk_plan *plan, size_t scratch_bytes, uint32_t stage_rows)
{
	/* Exactly as much as was asked for, so that a sanitizer sees what is beyond. */
	void *scratch = NULL;

	if (!plan->chunks)
		return;
	if (posix_memalign(&scratch, 64, scratch_bytes)) {
		EXPECT(false, "no memory");
		return;
	}
	for (uint32_t chunk = plan->chunks; chunk-- > 0;)
		EXPECT(stage_rows ? xqk_run_chunk_rows(plan, chunk, scratch, stage_rows, NULL) :
				    xqk_run_chunk(plan, chunk, scratch, NULL), "chunk %u", chunk);
	free(scratch);
}

static void run_chunks(struct xqk_plan *plan)
{
	run_chunks_in(plan, plan->scratch_bytes, 0);
}

static size_t fewest_rows_bytes(const struct xqk_plan *plan)
{
	struct xqk_work work;

	return xqk_work_layout(&work, plan, xqk_fewest_rows(plan), NULL);
}

/* As a pool does that gets no more memory than it has from its start. */
static void run_chunks_small(struct xqk_plan *plan)
{
	if (plan->chunks)
		run_chunks_in(plan, fewest_rows_bytes(plan), xqk_fewest_rows(plan));
}

static bool check_on(struct gemm_case *c, const char *isa, unsigned int threads, const uint32_t *reference)
{
	struct xqk_plan plan;
	size_t differences;

	xqk_plan(&plan, xqk_isa_select(isa), &c->gemm, threads);
	if (one_in(4))
		run_chunks_small(&plan);
	else
		run_chunks(&plan);
	/* Puts C back, so that the next instruction set finds the same job. */
	differences = case_differences(c, reference);
	if (!EXPECT(!differences, "%zu bytes differ", differences))
		case_print(c, isa);
	return !differences;
}

/* One job on every instruction set: what it should give takes longer than all of them. */
static void check_case(struct gemm_case *c, unsigned int threads)
{
	uint32_t *reference = case_reference(c);

	for (unsigned int i = 0; xqk_isa_list(i); i++)
		check_on(c, xqk_isa_list(i), threads, reference);
	free(reference);
}

static void random_cases(uint32_t pairs_of)
{
	for (uint32_t b = 0; b < XQ_FORMATS; b++) {
		if (!(xqk_pairs(pairs_of) & 1U << b))
			continue;
		for (unsigned int n = 0; n < CASES_PER_PAIR; n++) {
			struct gemm_case c = { 0 };

			case_make(&c, pairs_of, b);
			check_case(&c, one_in(2) ? 1 : 3);
			gemm_free(&c);
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

/* Groups with real scales, in every pair of formats. */
static void real_scales(void)
{
	for (uint32_t b = XQACCEL_FMT_S8; b <= XQACCEL_FMT_C8; b++) {
		for (unsigned int n = 0; n < 4 * CASES_PER_PAIR; n++) {
			struct gemm_case c = { .real = true, .plain = one_in(4) };
			const uint32_t a = (uint32_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_B1);

			case_make(&c, one_in(2) ? XQACCEL_FMT_S8 : a, b);
			check_case(&c, one_in(2) ? 1 : 3);
			gemm_free(&c);
		}
	}
}

/* One row by groups whose scales are in one piece of memory, with the formats that ggml's types have, and others. */
static void one_row(void)
{
	static const struct xq_dims kinds[] = {
		{ .b_scale_format = XQACCEL_FMT_F16 },
		{ .b_scale_format = XQACCEL_FMT_F16, .b_min_format = XQACCEL_FMT_F16 },
		{ .b_scale_format = XQACCEL_FMT_BF16 },
		{ .b_scale_format = XQACCEL_FMT_E8M0 },
		{ .b_scale_format = XQACCEL_FMT_U8, .b_scale2_format = XQACCEL_FMT_F16 },
		{ .b_scale_format = XQACCEL_FMT_S8, .b_scale2_format = XQACCEL_FMT_F16 },
		{ .b_scale_format = XQACCEL_FMT_U8, .b_scale2_format = XQACCEL_FMT_F32 },
		{ .b_scale_format = XQACCEL_FMT_U8, .b_scale2_format = XQACCEL_FMT_F16,
		  .b_min_format = XQACCEL_FMT_U8, .b_min2_format = XQACCEL_FMT_F16 },
		{ .b_scale_format = XQACCEL_FMT_U8, .b_scale2_format = XQACCEL_FMT_F16,
		  .b_min_format = XQACCEL_FMT_F16 },
	};
	const size_t count = sizeof(kinds) / sizeof(kinds[0]);

	for (size_t i = 0; i < count * XQACCEL_FMT_C8 * 8; i++) {
		struct gemm_case c = { .gemm.dims = kinds[i % count], .plain = true, .scaled = true };
		struct xq_dims *d = &c.gemm.dims;

		d->m = 1;
		d->n = (uint32_t)ktap_range(1, one_in(16) ? 1100 : 90);
		d->batch = one_in(4) ? 2 : 1;
		d->group = 16U << ktap_range(0, one_in(4) ? 4 : 1);
		d->flags = XQACCEL_JOB_B_TILED | XQACCEL_JOB_GROUP_REAL | (one_in(4) ? XQACCEL_JOB_ACCUMULATE : 0);
		d->k = d->group * (uint32_t)ktap_range(1, d->n < 91 && one_in(4) ? 6000 / d->group : 12);
		if (d->b_scale2_format) {
			d->b_supergroup = d->group * (uint32_t)ktap_range(1, 8);
			d->k = (d->k + d->b_supergroup - 1) / d->b_supergroup * d->b_supergroup;
		}
		d->a_scale_format = one_in(2) ? XQACCEL_FMT_F32 : XQACCEL_FMT_F16;
		c.gemm.b_zp = one_in(2) ? (int32_t)ktap_range(-9, 9) : 0;
		c.wild = one_in(8);
		case_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8 + (uint32_t)(i / count % XQACCEL_FMT_C8));
		check_case(&c, one_in(2) ? 1 : 3);
		gemm_free(&c);
	}
}

/* Integer sums of supergroups, in every pair of formats. */
static void summed(void)
{
	for (uint32_t b = XQACCEL_FMT_S8; b <= XQACCEL_FMT_C8; b++) {
		for (unsigned int n = 0; n < 6 * CASES_PER_PAIR; n++) {
			struct gemm_case c = { .summed = true, .plain = one_in(2),
					       .small = (unsigned int)ktap_range(0, 5) };
			const uint32_t a = (uint32_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_B1);

			case_make(&c, one_in(4) ? a : XQACCEL_FMT_S8, b);
			check_case(&c, one_in(2) ? 1 : 3);
			gemm_free(&c);
		}
	}
}

/* The K types of ggml, one row, few, and as many as tiles want; where products are the largest, too. */
static void k_types(void)
{
	static const struct {
		uint8_t b_format, group, small, scale, min;
	} kinds[] = {
		{ XQACCEL_FMT_U2, 16, 4, XQACCEL_FMT_U8, XQACCEL_FMT_U8 },
		{ XQACCEL_FMT_S4, 16, 2, XQACCEL_FMT_S8, XQACCEL_FMT_NONE },
		{ XQACCEL_FMT_U4, 32, 2, XQACCEL_FMT_U8, XQACCEL_FMT_U8 },
		{ XQACCEL_FMT_S8, 32, 2, XQACCEL_FMT_U8, XQACCEL_FMT_U8 },
		{ XQACCEL_FMT_S8, 16, 0, XQACCEL_FMT_S8, XQACCEL_FMT_NONE },
		{ XQACCEL_FMT_C4, 32, 2, XQACCEL_FMT_S8, XQACCEL_FMT_NONE },
		{ XQACCEL_FMT_C4, 16, 4, XQACCEL_FMT_U8, XQACCEL_FMT_NONE },
		{ XQACCEL_FMT_U2, 16, 0, XQACCEL_FMT_U8, XQACCEL_FMT_U8 },
		{ XQACCEL_FMT_U8, 32, 0, XQACCEL_FMT_U8, XQACCEL_FMT_S8 },
		{ XQACCEL_FMT_T2, 64, 3, XQACCEL_FMT_S8, XQACCEL_FMT_S8 },
		{ XQACCEL_FMT_B1, 32, 1, XQACCEL_FMT_U8, XQACCEL_FMT_U8 },
	};
	static const uint32_t rows[] = { 1, 1, 1, 2, 4, 7, 16, 19, 33, 70 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) * 40; i++) {
		const size_t kind = i / 40;
		struct gemm_case c = { .plain = true, .small = kinds[kind].small };
		struct xq_dims *d = &c.gemm.dims;

		*d = (struct xq_dims){
			.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM |
				 (one_in(8) ? 0 : XQACCEL_JOB_B_TILED) |
				 (one_in(4) ? XQACCEL_JOB_ACCUMULATE : 0),
			.m = rows[i % 10], .n = (uint32_t)ktap_range(1, rows[i % 10] == 1 && one_in(6) ? 600 : 100),
			.batch = 1,
			.group = kinds[kind].group, .a_supergroup = 256, .b_supergroup = 256,
			.a_scale2_format = XQACCEL_FMT_F32, .b_scale2_format = XQACCEL_FMT_F16,
			.b_scale_format = kinds[kind].scale, .b_min_format = kinds[kind].min,
			.b_min2_format = kinds[kind].min ? XQACCEL_FMT_F16 : XQACCEL_FMT_NONE,
		};
		d->k = 256 * (uint32_t)ktap_range(1, d->m == 1 && d->n < 101 ? 20 : 4);
		c.gemm.b_zp = one_in(4) ? (int32_t)ktap_range(-9, 9) : 0;
		if (one_in(6))
			c.content = (enum content)ktap_range(LOWEST, OPPOSITE);
		case_make(&c, XQACCEL_FMT_S8, kinds[kind].b_format);
		check_case(&c, one_in(2) ? 1 : 3);
		gemm_free(&c);
	}
}

/* The shapes that a contract or a network names, in every pair that has to be there. */
static void fixed_shapes(void)
{
	static const struct xq_dims shapes[] = {
		{ .m = 1, .n = 200, .k = 4096, .batch = 1 },
		{ .m = 5, .n = 130, .k = 4500, .batch = 1, .flags = XQACCEL_JOB_B_TILED },
		{ .m = 300, .n = 70, .k = 64, .batch = 1 },
		{ .m = 65, .n = 96, .k = 512, .batch = 1, .flags = XQACCEL_JOB_B_TILED },
		{ .m = 13, .n = 64, .k = 2304, .batch = 1, .group = 32,
		  .a_scale_format = XQACCEL_FMT_U8, .b_scale_format = XQACCEL_FMT_U8,
		  .flags = XQACCEL_JOB_B_TILED },
		{ .m = 49, .n = 7, .k = 9, .batch = 5 },
	};

	for (uint32_t b = XQACCEL_FMT_S8; b <= XQACCEL_FMT_C8; b++) {
		for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
			const bool bits = b == XQACCEL_FMT_B1 && s % 2;
			struct gemm_case c = { .gemm.dims = shapes[s] };

			case_make(&c, bits ? XQACCEL_FMT_B1 : s % 3 ? XQACCEL_FMT_S8 :
				  XQACCEL_FMT_U8, b);
			check_case(&c, 2);
			gemm_free(&c);
		}
	}
}

static void extreme_case(enum content content, uint32_t a_format, uint32_t b_format)
{
	for (unsigned int whole = 0; whole < 2; whole++) {
		struct gemm_case c = {
			.gemm.dims = { .m = whole ? 6 : 3, .n = whole ? 64 : 20,
				       .k = whole ? 512 : 2000, .batch = 1,
				       .flags = whole ? XQACCEL_JOB_B_TILED : 0 },
			.content = content,
			.plain = whole,
		};

		case_make(&c, a_format, b_format);
		check_case(&c, 1);
		gemm_free(&c);
	}
}

/* Products of the largest magnitude: what adds them up in fewer bits must stop in time. */
static void extremes(void)
{
	for (enum content content = LOWEST; content <= OPPOSITE; content++) {
		extreme_case(content, XQACCEL_FMT_B1, XQACCEL_FMT_B1);
		for (uint32_t b = XQACCEL_FMT_S8; b <= XQACCEL_FMT_C8; b++) {
			extreme_case(content, XQACCEL_FMT_S8, b);
			extreme_case(content, XQACCEL_FMT_U8, b);
		}
	}
}

/* Few elements of K and nothing else in the way: rows of A are used where they are. */
static void small_k(void)
{
	for (unsigned int n = 0; n < 300; n++) {
		struct gemm_case c = {
			.gemm.dims = { .m = (uint32_t)ktap_range(1, 70),
				       .n = 16 * (uint32_t)ktap_range(1, 9),
				       .k = (uint32_t)ktap_range(1, 70),
				       .batch = (uint32_t)ktap_range(1, 2) },
			.gemm.a_zp = one_in(2) ? 0 : (int32_t)ktap_range(-200, 200),
			.plain = true,
		};

		if (one_in(3))
			c.gemm.dims.flags |= XQACCEL_JOB_ACCUMULATE;
		if (one_in(2))
			c.gemm.dims.flags |= XQACCEL_JOB_B_TILED;
		case_make(&c, one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, XQACCEL_FMT_S8);
		check_case(&c, 2);
		gemm_free(&c);
	}
}

static struct gemm_case vector_case(void)
{
	struct gemm_case c = {
		.gemm.dims = { .m = (uint32_t)ktap_range(1, one_in(3) ? 4 : 1),
			       .n = (uint32_t)ktap_range(1, one_in(2) ? 40 : one_in(6) ? 1200 : 300),
			       .k = (uint32_t)ktap_range(1, one_in(2) ? 300 : one_in(4) ? 17000 : 5000),
			       .batch = (uint32_t)ktap_range(1, one_in(4) ? 3 : 1),
			       .flags = XQACCEL_JOB_B_TILED },
		.gemm.a_zp = one_in(2) ? 0 : (int32_t)ktap_random(),
		.gemm.b_zp = one_in(2) ? 0 : (int32_t)ktap_random(),
		.content = one_in(4) ? (enum content)ktap_range(LOWEST, OPPOSITE) : RANDOM,
		.plain = one_in(2),
	};

	if (c.gemm.dims.k > 5000)
		c.gemm.dims.n = c.gemm.dims.n % 40 + 1;
	/* More of them where tables are worth it. */
	if (one_in(8)) {
		c.gemm.dims.m = (uint32_t)ktap_range(5, 20);
		c.gemm.dims.n = (uint32_t)ktap_range(500, 600);
		c.gemm.dims.k = (uint32_t)ktap_range(250, 600);
	}
	if (one_in(3))
		c.gemm.dims.flags |= XQACCEL_JOB_ACCUMULATE;
	return c;
}

/* One row or a few, and tiles: kernels of their own, which take K in larger parts. */
static void vectors(void)
{
	for (uint32_t b = XQACCEL_FMT_S8; b <= XQACCEL_FMT_C8; b++) {
		for (unsigned int n = 0; n < CASES_PER_PAIR; n++) {
			struct gemm_case c = vector_case();
			const uint32_t a = (uint32_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_B1);

			case_make(&c, one_in(2) ? XQACCEL_FMT_S8 : a, b);
			check_case(&c, one_in(2) ? 1 : 3);
			gemm_free(&c);
		}
	}
}

/* Nothing in the way of using rows of A and C where they are, for every format of B. */
static void whole_panels(void)
{
	for (unsigned int n = 0; n < 200; n++) {
		struct gemm_case c = {
			.gemm.dims = { .m = (uint32_t)ktap_range(1, 80),
				       .n = 64 * (uint32_t)ktap_range(1, 3) + n % 2,
				       .k = 4 * (uint32_t)ktap_range(1, 150),
				       .batch = (uint32_t)ktap_range(1, 2) },
			.gemm.a_zp = one_in(2) ? 0 : (int32_t)ktap_range(-200, 200),
			.gemm.b_zp = one_in(2) ? 0 : (int32_t)ktap_range(-200, 200),
			.plain = true,
		};
		const uint32_t b = XQACCEL_FMT_S8 + n % (XQACCEL_FMT_C8 - XQACCEL_FMT_S8 + 1);

		if (one_in(20))
			c.gemm.dims.k += 4096;
		if (one_in(3))
			c.gemm.dims.flags |= XQACCEL_JOB_ACCUMULATE;
		if (!one_in(3))
			c.gemm.dims.flags |= XQACCEL_JOB_B_TILED;
		if (b == XQACCEL_FMT_B1 && one_in(2)) {
			c.gemm.dims.k = (c.gemm.dims.k + 31) / 32 * 32;
			case_make(&c, XQACCEL_FMT_B1, b);
		} else {
			case_make(&c, one_in(2) ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8, b);
		}
		check_case(&c, 2);
		gemm_free(&c);
	}
}

/* B in pages, each with memory behind it that must not be touched. */
static uint8_t **guarded_pages(const struct gemm_case *c, uint32_t head, size_t count)
{
	uint8_t **pages = calloc(count, sizeof(*pages));

	for (size_t i = 0; i < count; i++) {
		pages[i] = mmap(NULL, 2 * XQK_PAGE_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pages[i] == MAP_FAILED ||
		    mprotect(pages[i] + XQK_PAGE_BYTES, XQK_PAGE_BYTES, PROT_NONE))
			abort();
		for (unsigned int byte = 0; byte < XQK_PAGE_BYTES; byte++)
			pages[i][byte] = case_byte(c, XQACCEL_B, i * XQK_PAGE_BYTES + byte - head);
	}
	return pages;
}

/* Tiles that lie in two pieces, whose last steps end at any place, are not read past a piece. */
static void pieces_of_tiles(void)
{
	for (unsigned int n = 0; n < 200; n++) {
		struct gemm_case c = {
			.gemm.dims = { .m = (uint32_t)ktap_range(1, 80), .n = 64,
				       .k = 4 * (uint32_t)ktap_range(4, 70), .batch = 1,
				       .flags = XQACCEL_JOB_B_TILED },
			.plain = true,
		};
		const uint32_t head = XQK_STEP_BYTES * (uint32_t)ktap_range(0, 63);
		struct xqk_view *b = &c.gemm.view[XQACCEL_B];
		size_t pages;

		case_make(&c, XQACCEL_FMT_S8, n % 2 ? XQACCEL_FMT_S8 : XQACCEL_FMT_U8);
		pages = (head + c.operand[XQACCEL_B].span + XQK_PAGE_BYTES - 1) /
			XQK_PAGE_BYTES;
		b->page = guarded_pages(&c, head, pages);
		b->head = head;
		b->flat = NULL;
		check_case(&c, 1);
		for (size_t p = 0; p < pages; p++)
			munmap(b->page[p], 2 * XQK_PAGE_BYTES);
		free((void *)b->page);
		gemm_free(&c);
	}
}

/* -128 * -128 * 140000 does not fit in 32 bits and must wrap. */
static void wraps(void)
{
	struct gemm_case c = {
		.gemm.dims = { .m = 2, .n = 17, .k = 140000, .batch = 1 },
		.content = LOWEST,
	};

	case_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
	check_case(&c, 1);
	gemm_free(&c);
}

static void check_least_scratch(const char *isa, const struct xq_dims *dims)
{
	static uint8_t byte;
	struct xqk_gemm gemm = { .dims = *dims };
	struct xqk_plan plan;

	for (unsigned int i = 0; i < XQ_GEMM_OPERANDS; i++)
		gemm.view[i].flat = &byte;
	xqk_plan(&plan, xqk_isa_select(isa), &gemm, 1);
	EXPECT(fewest_rows_bytes(&plan) <= XQK_LEAST_SCRATCH,
	       "%s: formats %u x %u, m %u, k %u, group %u, flags %#x: %zu bytes", isa,
	       dims->a_format, dims->b_format, dims->m, dims->k, dims->group, dims->flags,
	       fewest_rows_bytes(&plan));
}

/* What a pool's threads have from their start suffices for any job, a few rows at a time. */
static void least_scratch(void)
{
	static const uint32_t groups[] = { 0, 1, 7, 32, 64, 65, 129, 1000, 2048, 4096, 5000 };
	static const uint32_t ks[] = { 4096, 16384, XQ_MAX_DIM / 2 };

	for (unsigned int i = 0; xqk_isa_list(i); i++)
		for (unsigned int n = 0; n < 11 * 3 * 2 * 2 * 2 * XQACCEL_FMT_C8; n++) {
			const uint32_t group = groups[n % 11], k = ks[n / 11 % 3];
			struct xq_dims dims = {
				.m = n / 33 % 2 ? 4 : 1000, .n = 4096,
				.k = group ? (k / group + 1) * group : k,
				.batch = 1, .group = group,
				.flags = n / 66 % 2 ? XQACCEL_JOB_B_TILED : 0,
				.a_scale_format = group ? XQACCEL_FMT_S32 : XQACCEL_FMT_NONE,
				.b_scale_format = group ? XQACCEL_FMT_S32 : XQACCEL_FMT_NONE,
				.a_format = n / 132 % 2 ? XQACCEL_FMT_S8 : XQACCEL_FMT_B1,
				.b_format = (uint8_t)(1 + n / 264),
			};

			if (xqk_pairs(dims.a_format) >> dims.b_format & 1)
				check_least_scratch(xqk_isa_list(i), &dims);
		}
}

/* A tiled B in scattered pages is computed in place. */
static void no_copies(void)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		struct gemm_case c = {
			.gemm.dims = { .m = 3, .n = 100, .k = 3000, .batch = 1,
				       .flags = XQACCEL_JOB_B_TILED },
		};
		struct xqk_plan plan;

		for (uint32_t b = XQACCEL_FMT_S8; b <= XQACCEL_FMT_B1; b++) {
			case_make(&c, XQACCEL_FMT_S8, b);
			if (c.operand[XQACCEL_B].layout != FLAT) {
				xqk_plan(&plan, xqk_isa_select(xqk_isa_list(i)), &c.gemm, 1);
				run_chunks(&plan);
				EXPECT(!atomic_load(&plan.bytes_copied), "%llu bytes copied",
				       (unsigned long long)atomic_load(&plan.bytes_copied));
			}
			gemm_free(&c);
			c = (struct gemm_case){ .gemm.dims = c.gemm.dims };
		}
	}
}

static void selection(void)
{
	EXPECT(!xqk_isa_select("pdp11"), "an unknown instruction set was selected");
	EXPECT(xqk_isa_list(0), "none");
	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		const struct xqk_isa *isa = xqk_isa_select(xqk_isa_list(i));

		EXPECT(isa && !strcmp(xqk_isa_name(isa), xqk_isa_list(i)), "%s", xqk_isa_list(i));
	}
	setenv("XQ_ISA", "scalar", 1);
	EXPECT(!strcmp(xqk_isa_name(xqk_isa_select(NULL)), "scalar"), "XQ_ISA is not followed");
	unsetenv("XQ_ISA");
	EXPECT(!strcmp(xqk_isa_name(xqk_isa_select(NULL)), xqk_isa_list(0)), "not the best");
}

KTAP_MAIN(
	{ "selection of the instruction set", selection },
	{ "s8 x any, random jobs", s8 },
	{ "u8 x any, random jobs", u8 },
	{ "s4 x any, random jobs", s4 },
	{ "u4 x any, random jobs", u4 },
	{ "s2 x any, random jobs", s2 },
	{ "u2 x any, random jobs", u2 },
	{ "t2 x any, random jobs", t2 },
	{ "b1 x any, random jobs", b1 },
	{ "groups with real scales, random jobs", real_scales },
	{ "one row by groups with real scales in one piece", one_row },
	{ "integer sums of supergroups, random jobs", summed },
	{ "integer sums of supergroups as ggml has them", k_types },
	{ "fixed shapes", fixed_shapes },
	{ "elements of the largest magnitude", extremes },
	{ "small K", small_k },
	{ "whole panels", whole_panels },
	{ "tiles in two pieces", pieces_of_tiles },
	{ "vectors by tiles", vectors },
	{ "accumulators wrap", wraps },
	{ "tiles in pages are not copied", no_copies },
	{ "scratch memory of any job by a few rows", least_scratch },
)
