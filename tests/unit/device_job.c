// SPDX-License-Identifier: MIT
/*
 * Jobs for tests of the device model. The reference reads single elements from device
 * memory and knows nothing of how the kernels work.
 */
#include <stdlib.h>

#include "device_job.h"
#include "ktap.h"

/* Operands lie this far apart in the address space, wherever the last job's ended. */
static uint64_t next_va = 1ULL << 20;

static uint64_t operand_va(uint64_t span, uint32_t align)
{
	const uint64_t va = next_va + (ktap_range(0, 4095) & ~(uint64_t)(align - 1));

	next_va = (va + span + 3 * 4096) & ~4095ULL;
	return va;
}

struct device_job job_s8(uint32_t m, uint32_t n, uint32_t k)
{
	return (struct device_job){
		.dims = { .m = m, .n = n, .k = k, .batch = 1, .a_format = XQACCEL_FMT_S8,
			  .b_format = XQACCEL_FMT_S8 },
	};
}

static bool wanted(const struct device_job *job, unsigned int operand)
{
	switch (operand) {
	case XQACCEL_A_ZP:
		return job->a_zps;
	case XQACCEL_B_ZP:
		return job->b_zps;
	case XQACCEL_A_SCALE:
		return job->a_scale;
	case XQACCEL_B_SCALE:
		return job->b_scale;
	default:
		return job->extent[operand].used;
	}
}

/* Map what is not yet mapped of a row, and fill it. */
static void fill_row(struct fake_host *h, struct device_job *job, uint64_t va, uint64_t bytes,
		     uint64_t bits)
{
	uint64_t at;

	for (at = va; at < va + bytes; at++) {
		if (!fake_at(h, job->context, at))
			fake_map(h, job->context, at, 1, bits);
		*fake_at(h, job->context, at) = ktap_random();
	}
}

/* All of an operand's span, unless it is mostly nothing: that has its rows mapped alone. */
static void fill(struct fake_host *h, struct device_job *job, unsigned int i, uint64_t span)
{
	const struct xq_hw_operand *op = &job->desc.operand[i];
	const struct xq_extent *e = &job->extent[i];
	const uint64_t bits = XQ_PTE_READ | (i == XQACCEL_C ? XQ_PTE_WRITE : 0);
	uint32_t batch, plane, row;

	if (span < 1U << 22) {
		fill_row(h, job, le64toh(op->address), span, bits);
		return;
	}
	for (batch = 0; batch < e->batch; batch++)
		for (plane = 0; plane < e->planes; plane++)
			for (row = 0; row < e->rows; row++)
				fill_row(h, job, le64toh(op->address) + row * le64toh(op->stride) +
					 batch * le64toh(op->batch_stride) +
					 plane * le64toh(job->desc.operand[XQACCEL_C].plane_stride), e->row_bytes, bits);
}

static void place(struct fake_host *h, struct device_job *job, unsigned int i)
{
	struct xq_hw_operand *op = &job->desc.operand[i];
	const struct xq_extent *e = &job->extent[i];
	const uint64_t align = e->align, pad = job->gap + ktap_range(0, 9) * align;
	uint64_t stride = (e->row_bytes + pad + align - 1) & ~(align - 1), plane;
	__u64 span;

	if (!e->matrix)
		stride = 0;
	plane = (stride ? stride * e->rows : e->row_bytes) + align - 1;
	plane &= ~(align - 1);
	if (e->planes > 1)
		op->plane_stride = htole64(plane);
	op->stride = htole64(stride);
	op->batch_stride = htole64(e->batch > 1 ? plane * e->planes : 0);
	if (!xq_span(e, stride, le64toh(op->batch_stride), plane, &span))
		abort();
	op->address = htole64(operand_va(span, e->align));
	fill(h, job, i, span);
}

/* ---- the reference ---- */

static uint32_t bits_at(struct fake_host *h, const struct device_job *job, uint64_t row,
			uint32_t bits, uint64_t index)
{
	const uint64_t bit = index * bits;
	uint32_t value = 0, i;

	if (bits == 32) {
		fake_load(h, job->context, row + 4 * index, &value, 4);
		return le32toh(value);
	}
	for (i = 0; i < bits; i++)
		value |= (*fake_at(h, job->context, row + (bit + i) / 8) >> (bit + i) % 8 & 1U) << i;
	return value;
}

static uint64_t row_of(const struct device_job *job, unsigned int operand, uint32_t batch,
		       uint32_t row)
{
	const struct xq_hw_operand *op = &job->desc.operand[operand];

	return le64toh(op->address) + batch * le64toh(op->batch_stride) + row * le64toh(op->stride);
}

static int32_t decode(struct fake_host *h, const struct device_job *job, uint32_t batch,
		      uint32_t format, uint32_t raw)
{
	switch (format) {
	case XQACCEL_FMT_S8:
		return (int8_t)raw;
	case XQACCEL_FMT_S4:
		return raw < 8 ? (int)raw : (int)raw - 16;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return raw < 2 ? (int)raw : (int)raw - 4;
	case XQACCEL_FMT_B1:
		return raw ? 1 : -1;
	case XQACCEL_FMT_C4:
	case XQACCEL_FMT_C8:
		return (int8_t)*fake_at(h, job->context, row_of(job, XQACCEL_CODEBOOK, batch, 0) +
					raw);
	default:
		return raw;
	}
}

static int32_t element_a(struct fake_host *h, const struct device_job *job, uint32_t batch,
			 uint32_t m, uint32_t k)
{
	const uint32_t f = job->dims.a_format;

	return decode(h, job, batch, f, bits_at(h, job, row_of(job, XQACCEL_A, batch, m),
					 xq_format_bits(f), k));
}

static int32_t element_b(struct fake_host *h, const struct device_job *job, uint32_t batch,
			 uint32_t n, uint32_t k)
{
	const uint32_t f = job->dims.b_format, bits = xq_format_bits(f);
	const uint32_t row_words = (job->dims.k * bits + 31) / 32, tiles_k = (row_words + 63) / 64;
	const uint32_t word = (uint64_t)k * bits / 32;
	uint64_t at;

	if (!(job->dims.flags & XQACCEL_JOB_B_TILED))
		return decode(h, job, batch, f, bits_at(h, job, row_of(job, XQACCEL_B, batch, n), bits, k));
	at = row_of(job, XQACCEL_B, batch, 0) + 4096ULL * (n / 16 * tiles_k + word / 64) +
	     4 * (16 * (word % 64) + n % 16);
	return decode(h, job, batch, f, bits_at(h, job, at, bits, k - word * 32ULL / bits));
}

static int32_t zero_point(struct fake_host *h, const struct device_job *job, unsigned int operand,
			  uint32_t batch, uint32_t i)
{
	const bool a = operand == XQACCEL_A_ZP;

	if (!(a ? job->a_zps : job->b_zps))
		return a ? job->a_zp : job->b_zp;
	return bits_at(h, job, row_of(job, operand, batch, 0), 32, i);
}

static uint32_t scale(struct fake_host *h, const struct device_job *job, unsigned int operand,
		      uint32_t batch, uint32_t i, uint32_t group)
{
	if (!(operand == XQACCEL_A_SCALE ? job->a_scale : job->b_scale))
		return 1;
	return bits_at(h, job, row_of(job, operand, batch, i),
		       xq_format_bits(operand == XQACCEL_A_SCALE ? job->dims.a_scale_format :
				      job->dims.b_scale_format), group);
}

static uint32_t group_sum(struct fake_host *h, const struct device_job *job, uint32_t batch,
			  uint32_t m, uint32_t n, uint32_t first, uint32_t count)
{
	const uint32_t za = zero_point(h, job, XQACCEL_A_ZP, batch, m);
	const uint32_t zb = zero_point(h, job, XQACCEL_B_ZP, batch, n);
	uint32_t sum = 0, k;

	for (k = first; k < first + count; k++)
		sum += ((uint32_t)element_a(h, job, batch, m, k) - za) *
		       ((uint32_t)element_b(h, job, batch, n, k) - zb);
	return sum;
}

static uint64_t c_va(const struct device_job *job, uint32_t batch, uint32_t plane, uint32_t m,
		     uint32_t n)
{
	return row_of(job, XQACCEL_C, batch, m) + plane * le64toh(job->desc.operand[XQACCEL_C].plane_stride) + 4ULL * n;
}

static uint32_t expect_one(struct fake_host *h, const struct device_job *job, uint32_t batch,
			   uint32_t plane, uint32_t m, uint32_t n)
{
	const struct xq_dims *d = &job->dims;
	const uint32_t size = d->group ? d->group : d->k;
	uint32_t sum = 0, g;

	if (d->flags & XQACCEL_JOB_ACCUMULATE)
		sum = bits_at(h, job, c_va(job, batch, plane, m, n), 32, 0);
	if (d->flags & XQACCEL_JOB_GROUP_ACC)
		return sum + group_sum(h, job, batch, m, n, plane * size, size);
	for (g = 0; size && g < d->k / size; g++)
		sum += group_sum(h, job, batch, m, n, g * size, size) *
		       scale(h, job, XQACCEL_A_SCALE, batch, m, g) *
		       scale(h, job, XQACCEL_B_SCALE, batch, n, g);
	return sum;
}

#define FOR_EACH_C(job, batch_, plane_, m_, n_)						\
	for (uint32_t batch_ = 0; batch_ < (job)->dims.batch; batch_++)				\
		for (uint32_t plane_ = 0; plane_ < (job)->extent[XQACCEL_C].planes; plane_++)	\
			for (uint32_t m_ = 0; m_ < (job)->dims.m; m_++)				\
				for (uint32_t n_ = 0; n_ < (job)->dims.n; n_++)

static size_t c_index(const struct device_job *job, uint32_t batch, uint32_t plane, uint32_t m,
		      uint32_t n)
{
	const struct xq_dims *d = &job->dims;

	return (((size_t)batch * job->extent[XQACCEL_C].planes + plane) * d->m + m) * d->n + n;
}

/* ---- jobs ---- */

static void describe(struct device_job *job)
{
	const struct xq_dims *d = &job->dims;

	job->desc = (struct xq_hw_descriptor){
		.id = htole64(ktap_random()),
		.context = htole32(job->context),
	};
	*desc_work(&job->desc) = (struct xqaccel_work){
		.op = XQACCEL_OP_GEMM,
		.flags = d->flags,
		.gemm = {
			.m = d->m,
			.n = d->n,
			.k = d->k,
			.batch = d->batch,
			.group = d->group,
			.a_format = d->a_format,
			.b_format = d->b_format,
			.a_scale_format = d->a_scale_format,
			.b_scale_format = d->b_scale_format,
			.a_zp = job->a_zp,
			.b_zp = job->b_zp,
		},
	};
}

void job_build(struct fake_host *h, struct device_job *job, uint32_t context)
{
	unsigned int i;

	job->context = context;
	describe(job);
	for (i = 0; i < XQ_GEMM_OPERANDS; i++) {
		xq_extent(&job->dims, i, &job->extent[i]);
		if (wanted(job, i))
			place(h, job, i);
	}
	job->expected = calloc(c_index(job, job->dims.batch, 0, 0, 0) + 1, sizeof(int32_t));
	if (!job->expected)
		abort();
	FOR_EACH_C(job, batch, plane, m, n)
		job->expected[c_index(job, batch, plane, m, n)] =
			expect_one(h, job, batch, plane, m, n);
}

bool job_right(struct fake_host *h, const struct device_job *job)
{
	FOR_EACH_C(job, batch, plane, m, n) {
		const uint32_t got = bits_at(h, job, c_va(job, batch, plane, m, n), 32, 0);
		const uint32_t want = job->expected[c_index(job, batch, plane, m, n)];

		if (got != want) {
			printf("# C[%u][%u][%u][%u] is %#x, not %#x\n", batch, plane, m, n, got,
			       want);
			return false;
		}
	}
	return true;
}

void job_spoil(struct fake_host *h, const struct device_job *job)
{
	const uint32_t nothing = 0x5a5a5a5a;

	FOR_EACH_C(job, batch, plane, m, n)
		fake_store(h, job->context, c_va(job, batch, plane, m, n), &nothing, 4);
}

void job_free(struct device_job *job)
{
	free(job->expected);
	job->expected = NULL;
}

/* ---- long ones ---- */

#define SAMPLE_K	2048U
#define MOST_K		(1U << 20)

void job_make_long(struct fake_host *h, struct xq_hw_descriptor *desc, uint32_t context, uint64_t va, uint32_t rows,
		   uint32_t k)
{
	struct xqaccel_work *work = desc_work(desc);
	unsigned int i;

	work->gemm.m = work->gemm.n = rows;
	work->gemm.k = k;
	for (i = XQACCEL_A; i <= XQACCEL_C; i++, va += 1ULL << 30) {
		desc->operand[i].address = htole64(va);
		desc->operand[i].stride = htole64(i == XQACCEL_C ? LONG_ROWS * 4 : 0);
		if (!fake_at(h, context, va))
			fake_map(h, context, va, i == XQACCEL_C ? LONG_ROWS * LONG_ROWS * 4 : k,
				 XQ_PTE_READ | XQ_PTE_WRITE);
	}
}

void job_long(struct fake_host *h, struct device_job *job, uint32_t context, uint32_t k)
{
	*job = job_s8(0, 0, 0);
	job_build(h, job, context);
	job_make_long(h, &job->desc, context, 1ULL << 32, 512, k);
}

/* The fastest of some, in case the machine was elsewhere. */
static uint64_t sample_ns(void)
{
	static struct fake_host h;
	struct xq_hw_completion c;
	const uint64_t end = fake_host_callbacks.clock_ns(NULL) + 200 * 1000000ULL;
	uint64_t best = UINT64_MAX;
	struct device_job job;

	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	job_long(&h, &job, 1, SAMPLE_K);
	while (best == UINT64_MAX || fake_host_callbacks.clock_ns(NULL) < end) {
		const uint64_t began = fake_host_callbacks.clock_ns(NULL);

		fake_submit(&h, 0, &job.desc);
		EXPECT(fake_wait(&h, 0, &c) && !c.status, "no sample");
		if (fake_host_callbacks.clock_ns(NULL) - began < best)
			best = fake_host_callbacks.clock_ns(NULL) - began;
	}
	job_free(&job);
	fake_stop(&h);
	return best;
}

uint32_t job_long_k(unsigned int ms)
{
	static uint64_t sample;
	uint64_t k;

	if (!sample)
		sample = sample_ns();
	k = ms * 1000000ULL * SAMPLE_K / sample & ~63ULL;
	return k < SAMPLE_K ? SAMPLE_K : k > MOST_K ? MOST_K : (uint32_t)k;
}
