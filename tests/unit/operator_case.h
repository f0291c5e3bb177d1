/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of operators share: tensors in memory that is in one piece or in pages that lie
 * anywhere, with nothing readable around them for the sanitizer, and runs by every instruction
 * set, as chunks and all at once.
 */
#ifndef XQ_TESTS_OPERATOR_CASE_H
#define XQ_TESTS_OPERATOR_CASE_H

#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "xq_kernels.h"

#define CASE_PAGES	4096

/**
 * struct case_memory - bytes of an operand
 * @bytes: as the reference sees them
 * @pages: as the kernels do, if they are scattered
 */
struct case_memory {
	uint8_t *bytes;
	size_t size;
	struct xqk_view view;
	uint8_t *pages[CASE_PAGES];
	size_t count;
};

static inline void case_alloc(struct case_memory *c, size_t size, size_t align)
{
	memset(c, 0, sizeof(*c));
	c->size = size;
	c->bytes = malloc(size + !size);
	for (size_t i = 0; i < size; i++)
		c->bytes[i] = (uint8_t)ktap_random();
	if (ktap_range(0, 2) || size > (CASE_PAGES - 1) * (size_t)XQK_PAGE_BYTES)
		return;
	c->view.head = (uint32_t)(ktap_range(0, XQK_PAGE_BYTES - 1) / (int64_t)align * (int64_t)align);
	if (!ktap_range(0, 2))
		c->view.head = (uint32_t)(XQK_PAGE_BYTES - align * (size_t)ktap_range(1, 8));
	c->count = (c->view.head + size + XQK_PAGE_BYTES - 1) / XQK_PAGE_BYTES;
	for (size_t i = 0; i < c->count; i++)
		c->pages[i] = malloc(XQK_PAGE_BYTES);
}

/* Gives the kernels what is in bytes. */
static inline void case_share(struct case_memory *c)
{
	if (!c->count) {
		c->view.flat = c->bytes;
		return;
	}
	c->view.page = c->pages;
	for (size_t i = 0; i < c->size; i++)
		c->pages[(c->view.head + i) / XQK_PAGE_BYTES][(c->view.head + i) % XQK_PAGE_BYTES] = c->bytes[i];
}

/* Takes back what they wrote. */
static inline void case_take(struct case_memory *c)
{
	for (size_t i = 0; c->count && i < c->size; i++)
		c->bytes[i] = c->pages[(c->view.head + i) / XQK_PAGE_BYTES][(c->view.head + i) % XQK_PAGE_BYTES];
}

static inline void case_free(struct case_memory *c)
{
	free(c->bytes);
	for (size_t i = 0; i < c->count; i++)
		free(c->pages[i]);
}

/* An array of the kernels, sometimes in scattered pages; data has count elements. */
static inline void case_array(struct case_memory *c, struct xqk_view *view, const void *data, size_t bytes,
			      size_t count)
{
	case_alloc(c, bytes * count, bytes);
	if (count)
		memcpy(c->bytes, data, bytes * count);
	case_share(c);
	*view = c->view;
}

/* Runs it by one instruction set, in the chunks of so many threads and in any order. */
static inline void case_run(const struct xqk_operator *operator, const char *isa, unsigned int threads)
{
	struct xqk_plan plan;
	void *scratch;

	xqk_plan_operator(&plan, xqk_isa_select(isa), operator, threads);
	scratch = aligned_alloc(64, (plan.scratch_bytes + 127) & ~(size_t)63);
	for (uint32_t chunk = plan.chunks; chunk--;)
		EXPECT(xqk_run_chunk(&plan, chunk, scratch, NULL), "chunk %u", chunk);
	free(scratch);
}

/* Element i of a packed row, as linux/xqaccel.h says. */
static inline int32_t case_element(const uint8_t *row, uint32_t format, size_t i)
{
	const uint32_t bits = xq_format_bits(format);
	uint32_t code = 0;
	int32_t least, greatest;

	for (uint32_t b = 0; b < bits; b++)
		code |= (uint32_t)(row[(i * bits + b) / 8] >> (i * bits + b) % 8 & 1) << b;
	if (format == XQACCEL_FMT_B1)
		return code ? 1 : -1;
	if (!xq_format_range(format, &least, &greatest))
		return (int32_t)code;
	return least < 0 && code >> (bits - 1) ? (int32_t)(code - (1U << bits)) : (int32_t)code;
}

#endif
