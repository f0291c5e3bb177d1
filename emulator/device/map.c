// SPDX-License-Identifier: MIT
/*
 * From device addresses to host memory: translate a job's operands, map them, and describe
 * them to the kernels as views. Contiguous bus addresses become one mapping. Mappings last
 * as long as the job.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define PAGE_MASK	((uint64_t)XQ_PAGE_BYTES - 1)

/* Operands so short are mapped over their whole span, even where rows leave pages out. */
#define DENSE_PAGES	64

struct mapper {
	struct xqdev *dev;
	struct xqdev_job *job;
	bool map;		/* else only translate, for the digest */
	bool write;
	uint64_t rights;
	uint64_t run_va, run_bus, run_len;	/* contiguous bus memory, to be mapped */
};

static uint64_t pages_of(uint64_t address, uint64_t bytes)
{
	return ((address & PAGE_MASK) + bytes + PAGE_MASK) >> XQ_PAGE_SHIFT;
}

static uint64_t lines_of(const struct xqdev_operand *op)
{
	uint64_t lines;

	if (__builtin_mul_overflow((uint64_t)op->extent.batch * op->extent.planes,
				   (uint64_t)op->extent.rows, &lines))
		return UINT64_MAX;
	return lines;
}

/* Pages of a line's list if listing rows takes far fewer than listing the span, else 0. */
static uint32_t line_pages_of(const struct xqdev_operand *op, uint64_t *total)
{
	const uint64_t dense = pages_of(op->address, op->span);
	const uint64_t line_pages = (op->extent.row_bytes + 2 * PAGE_MASK) >> XQ_PAGE_SHIFT;
	uint64_t sparse;

	*total = dense;
	if (dense <= DENSE_PAGES || !op->by_lines ||
	    __builtin_mul_overflow(lines_of(op), line_pages, &sparse) || sparse > dense / 4)
		return 0;
	*total = sparse;
	return line_pages;
}

static bool grow(void **list, size_t *room, size_t want, size_t entry)
{
	void *bigger;

	if (want <= *room)
		return true;
	bigger = realloc(*list, want * entry);
	if (!bigger)
		return false;
	*list = bigger;
	*room = want;
	return true;
}

static bool add_mapping(struct xqdev_job *job, void *host, uint64_t len, bool write)
{
	const size_t room = job->mapping_room ? 2 * job->mapping_room : 64;

	if (job->mappings == job->mapping_room &&
	    !grow((void **)&job->mapping, &job->mapping_room, room, sizeof(*job->mapping)))
		return false;
	job->mapping[job->mappings++] = (struct xqdev_mapping){ host, len, write };
	return true;
}

/* Map one piece and list its pages; the bytes that it covers, 0 if there is no memory. */
static uint64_t map_piece(struct mapper *m, uint64_t bus, uint64_t len)
{
	struct xqdev *dev = m->dev;
	uint64_t got = len, done;
	uint8_t *host;

	host = dev->host->dma_map(dev->opaque, bus, &got, m->write);
	if (!host)
		return 0;
	if (got > len || !add_mapping(m->job, host, got, m->write)) {
		dev->host->dma_unmap(dev->opaque, host, got, m->write, false);
		return 0;
	}
	for (done = 0; done + XQ_PAGE_BYTES <= got; done += XQ_PAGE_BYTES)
		m->job->page[m->job->pages++] = host + done;
	return done;
}

static int flush_run(struct mapper *m)
{
	uint64_t done;

	while (m->map && m->run_len) {
		done = map_piece(m, m->run_bus, m->run_len);
		if (!done) {
			m->job->fault_address = m->run_va;
			return XQACCEL_STATUS_DMA;
		}
		m->run_va += done;
		m->run_bus += done;
		m->run_len -= done;
	}
	m->run_len = 0;
	return XQACCEL_STATUS_OK;
}

static int add_run(struct mapper *m, uint64_t va, uint64_t bus, uint64_t len)
{
	int status;

	if (m->run_len && m->run_bus + m->run_len == bus) {
		m->run_len += len;
		return XQACCEL_STATUS_OK;
	}
	status = flush_run(m);
	m->run_va = va;
	m->run_bus = bus;
	m->run_len = len;
	return status;
}

/* All pages of a range of device addresses. */
static int map_range(struct mapper *m, uint64_t address, uint64_t bytes)
{
	const uint64_t end = (address + bytes + PAGE_MASK) & ~PAGE_MASK;
	uint64_t va = address & ~PAGE_MASK, bus, len;
	int status;

	for (; va < end; va += len) {
		status = xqdev_walk_leaf(&m->dev->walk, va, m->rights, &bus, &len);
		if (status) {
			m->job->fault_address = va;
			return status;
		}
		len = len < end - va ? len : end - va;
		status = add_run(m, va, bus, len);
		if (status)
			return status;
	}
	return flush_run(m);
}

static int map_lines(struct mapper *m, const struct xqdev_operand *op, uint32_t line_pages)
{
	struct xqdev_job *job = m->job;
	uint32_t batch, plane, row;
	int status;

	for (batch = 0; batch < op->extent.batch; batch++) {
		for (plane = 0; plane < op->extent.planes; plane++) {
			for (row = 0; row < op->extent.rows; row++) {
				const size_t next = job->pages + line_pages;

				status = map_range(m, op->address + batch * op->batch_stride +
						   plane * op->plane_stride + row * op->stride,
						   op->extent.row_bytes);
				if (status)
					return status;
				while (m->map && job->pages < next)
					job->page[job->pages++] = NULL;
			}
		}
	}
	return XQACCEL_STATUS_OK;
}

static int map_operand(struct mapper *m, const struct xqdev_operand *op)
{
	uint64_t total;
	const uint32_t line_pages = line_pages_of(op, &total);

	return line_pages ? map_lines(m, op, line_pages) : map_range(m, op->address, op->span);
}

static uint64_t rights_of(const struct xqdev_job *job, unsigned int operand)
{
	if (!job->operand[operand].extent.written)
		return XQ_PTE_READ;
	if (job->work.op != XQACCEL_OP_PROGRAM && (job->work.flags & XQACCEL_JOB_ACCUMULATE))
		return XQ_PTE_READ | XQ_PTE_WRITE;
	return XQ_PTE_WRITE;
}

/* Translate all operands, and map them if that is wanted. */
static int walk_operands(struct xqdev *dev, struct xqdev_job *job, bool map, size_t *first)
{
	struct mapper m = { .dev = dev, .job = job, .map = map };
	unsigned int i;
	int status;

	status = xqdev_walk_start(dev, &dev->walk, job->context);
	for (i = 0; i < XQ_OPERANDS && !status; i++) {
		first[i] = job->pages;
		if (!job->operand[i].span)
			continue;
		m.write = job->operand[i].extent.written;
		m.rights = rights_of(job, i);
		m.run_len = 0;
		status = map_operand(&m, &job->operand[i]);
	}
	return status;
}

static bool contiguous(uint8_t *const *page, size_t pages)
{
	size_t i;

	for (i = 1; i < pages; i++)
		if ((uintptr_t)page[i] != (uintptr_t)page[0] + i * XQ_PAGE_BYTES)
			return false;
	return true;
}

static void set_view(struct xqk_view *view, const struct xqdev_operand *op,
		     uint8_t *const *page)
{
	uint64_t total;

	*view = (struct xqk_view){
		.stride = op->stride,
		.group_stride = op->plane_stride,
		.batch_stride = op->batch_stride,
	};
	if (!op->span)
		return;
	view->line_pages = line_pages_of(op, &total);
	view->head = op->address & PAGE_MASK;
	if (!view->line_pages && contiguous(page, total))
		view->flat = page[0] + view->head;
	else
		view->page = page;
}

/* Room for the list of pages, once all operands are known to lie in the address space. */
static int reserve_pages(struct xqdev_job *job)
{
	uint64_t pages = 0, total;
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqdev_operand *op = &job->operand[i];
		const uint64_t limit = 1ULL << XQ_VA_BITS;

		if (!op->span)
			continue;
		if (op->address >= limit || op->span > limit - op->address) {
			job->fault_address = op->address > limit ? op->address : limit;
			return XQACCEL_STATUS_FAULT;
		}
		line_pages_of(op, &total);
		pages += total;
		if (pages > XQDEV_MAX_JOB_PAGES)
			return XQACCEL_STATUS_INVALID;
	}
	if (!grow((void **)&job->page, &job->page_room, pages, sizeof(*job->page)))
		return XQACCEL_STATUS_DMA;
	return XQACCEL_STATUS_OK;
}

/* Work, and bytes read and written. Of inputs that overlap themselves there may be any number. */
static void count_work(struct xqdev_job *job)
{
	unsigned int i, d;

	/* A program's are those of its parts. */
	if (job->work.op == XQACCEL_OP_PROGRAM)
		return;
	job->macs = xq_work_macs(&job->work);
	job->units = xq_work_units(&job->work);
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqdev_operand *op = &job->operand[i];
		uint64_t bytes = op->extent.row_bytes;

		if (!op->span)
			continue;
		if (op->stride)
			bytes = xq_times(bytes, op->extent.rows);
		if (op->plane_stride)
			bytes = xq_times(bytes, op->extent.planes);
		if (op->batch_stride)
			bytes = xq_times(bytes, op->extent.batch);
		for (d = 0; d < XQ_EXTENT_DIMS; d++)
			if (op->extent.own[d].stride)
				bytes = xq_times(bytes, op->extent.own[d].more + 1ULL);
		job->bytes = xq_plus(job->bytes, bytes);
		if (i == XQACCEL_C && (job->work.flags & XQACCEL_JOB_ACCUMULATE))
			job->bytes = xq_plus(job->bytes, bytes);
	}
}

/* Map a prepared job that has output; on failure nothing stays mapped. */
int xqdev_job_map(struct xqdev *dev, struct xqdev_job *job)
{
	size_t first[XQ_OPERANDS];
	unsigned int i;
	int status;

	job->pages = job->mappings = 0;
	status = reserve_pages(job);
	if (!status)
		status = walk_operands(dev, job, true, first);
	if (status) {
		xqdev_job_unmap(dev, job, false);
		return status;
	}
	job->digest = dev->walk.digest;
	for (i = 0; i < XQ_OPERANDS; i++)
		set_view(&job->view[i], &job->operand[i], job->page + first[i]);
	count_work(job);
	return XQACCEL_STATUS_OK;
}

/* dirty: the engine has had the job. */
void xqdev_job_unmap(struct xqdev *dev, struct xqdev_job *job, bool dirty)
{
	size_t i;

	for (i = 0; i < job->mappings; i++) {
		const struct xqdev_mapping *p = &job->mapping[i];

		dev->host->dma_unmap(dev->opaque, p->host, p->len, p->write, dirty && p->write);
	}
	job->pages = job->mappings = 0;
	if (job->page_room > XQDEV_KEPT_PAGES || job->mapping_room > XQDEV_KEPT_PAGES)
		xqdev_job_free(job);
}

bool xqdev_job_mapped(const struct xqdev_job *job)
{
	return job->mappings;
}

/* Whether a started job uses a translation that its context no longer has. */
bool xqdev_job_remapped(struct xqdev *dev, struct xqdev_job *job)
{
	size_t first[XQ_OPERANDS];
	const uint64_t fault_address = job->fault_address;
	const int status = walk_operands(dev, job, false, first);

	job->fault_address = fault_address;
	return status || dev->walk.digest != job->digest;
}

void xqdev_job_free(struct xqdev_job *job)
{
	free(job->page);
	free(job->mapping);
	job->page = NULL;
	job->mapping = NULL;
	job->page_room = job->mapping_room = 0;
}
