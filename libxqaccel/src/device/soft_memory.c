// SPDX-License-Identifier: MIT
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "soft.h"

#define LARGE_BYTES	(1ULL << XQ_LARGE_SHIFT)
#define ARENA_PAGES	64
#define FIRST_VA	LARGE_BYTES
#define ADDRESS_SPACE	(1ULL << XQ_VA_BITS)
#define GUARD_BYTES	XQ_PAGE_BYTES	/* between buffers, so that overruns fault */

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/* ---- regions ------------------------------------------------------------------------------------ */

/* Index of the first region that starts after the address. */
static size_t region_after(const struct soft_memory *m, uint64_t address)
{
	size_t low = 0, high = m->region_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (m->regions[middle].start > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static size_t left_in(const struct soft_region *r, uint64_t address)
{
	return address - r->start < r->bytes ? r->bytes - (address - r->start) : 0;
}

/* Regions of the backend's own don't overlap: only the last that begins before can have it. */
size_t soft_region_left(const struct soft_memory *memory, uint64_t address)
{
	size_t at = region_after(memory, address);
	size_t left = at ? left_in(&memory->regions[at - 1], address) : 0;

	while (memory->wrapped && at--) {
		const size_t other = left_in(&memory->regions[at], address);

		left = other > left ? other : left;
	}
	return left;
}

static int region_add(struct soft_memory *m, void *start, size_t bytes)
{
	size_t at;

	if (m->region_count == m->region_room) {
		const size_t room = m->region_room ? 2 * m->region_room : 32;
		struct soft_region *more = realloc(m->regions, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		m->regions = more;
		m->region_room = room;
	}
	at = region_after(m, (uintptr_t)start);
	memmove(&m->regions[at + 1], &m->regions[at], (m->region_count - at) * sizeof(*m->regions));
	m->regions[at] = (struct soft_region){ (uintptr_t)start, bytes };
	m->region_count++;
	return 0;
}

static void region_remove(struct soft_memory *m, void *start, size_t bytes)
{
	size_t at = region_after(m, (uintptr_t)start);

	/* The same memory may have been wrapped twice. */
	while (m->regions[at - 1].bytes != bytes)
		at--;
	memmove(&m->regions[at - 1], &m->regions[at], (m->region_count - at) * sizeof(*m->regions));
	m->region_count--;
}

/* ---- pages --------------------------------------------------------------------------------------- */

static void *map_aligned(size_t bytes, size_t align)
{
	uint8_t *start, *aligned;
	size_t total;

	if (__builtin_add_overflow(bytes, align, &total))
		return NULL;
	start = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	aligned = (uint8_t *)round_up((uintptr_t)start, align);
	if (aligned > start)
		munmap(start, (size_t)(aligned - start));
	if (start + total > aligned + bytes)
		munmap(aligned + bytes, (size_t)(start + total - aligned - bytes));
	return aligned;
}

void *soft_pages_alloc(struct soft_memory *memory, size_t bytes)
{
	const bool large = bytes >= LARGE_BYTES;
	void *data = map_aligned(bytes, large ? LARGE_BYTES : XQ_PAGE_BYTES);

	if (!data)
		return NULL;
	if (large)
		madvise(data, bytes, MADV_HUGEPAGE);
	if (region_add(memory, data, bytes)) {
		munmap(data, bytes);
		return NULL;
	}
	return data;
}

void soft_pages_free(struct soft_memory *memory, void *data, size_t bytes)
{
	region_remove(memory, data, bytes);
	munmap(data, bytes);
}

/* ---- page tables ----------------------------------------------------------------------------------- */

static uint64_t *table_alloc(struct soft_memory *m)
{
	uint8_t *page;
	void **arenas;
	size_t i;

	if (!m->free_tables) {
		arenas = realloc(m->arenas, (m->arena_count + 1) * sizeof(*arenas));
		if (!arenas)
			return NULL;
		m->arenas = arenas;
		page = soft_pages_alloc(m, ARENA_PAGES * XQ_PAGE_BYTES);
		if (!page)
			return NULL;
		m->arenas[m->arena_count++] = page;
		for (i = 0; i < ARENA_PAGES; i++, page += XQ_PAGE_BYTES) {
			*(void **)page = m->free_tables;
			m->free_tables = page;
		}
	}
	page = m->free_tables;
	m->free_tables = *(void **)page;
	memset(page, 0, XQ_PAGE_BYTES);
	return (uint64_t *)page;
}

/* The entry of an address in a table of a level: 0 is the top, 2 has the 4 KiB leaves. */
static uint64_t *entry_of(uint64_t *table, unsigned int level, uint64_t va)
{
	return &table[va >> (30 - 9 * level) & (XQ_PT_ENTRIES - 1)];
}

static uint64_t *next_table(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(le64toh(entry) & XQ_PTE_ADDR);
}

static int descend(struct soft_memory *m, uint64_t *entry, uint64_t **table)
{
	if (!*entry) {
		*table = table_alloc(m);
		if (!*table)
			return -ENOMEM;
		*entry = htole64((uintptr_t)*table | XQ_PTE_VALID);
	}
	*table = next_table(*entry);
	return 0;
}

/* Maps pages; a table that is left empty after an error is used by the next buffer there. */
static int map_range(struct soft_memory *m, uint64_t va, uint8_t *data, size_t bytes, bool writable)
{
	const uint64_t access = XQ_PTE_VALID | XQ_PTE_READ | (writable ? XQ_PTE_WRITE : 0);
	uint64_t *middle, *bottom;

	while (bytes) {
		size_t step = XQ_PAGE_BYTES;

		if (descend(m, entry_of(m->root, 0, va), &middle))
			return -ENOMEM;
		if (bytes >= LARGE_BYTES && !(va & (LARGE_BYTES - 1)) &&
		    !((uintptr_t)data & (LARGE_BYTES - 1)) && !*entry_of(middle, 1, va)) {
			*entry_of(middle, 1, va) = htole64((uintptr_t)data | access | XQ_PTE_LARGE);
			step = LARGE_BYTES;
		} else {
			if (descend(m, entry_of(middle, 1, va), &bottom))
				return -ENOMEM;
			*entry_of(bottom, 2, va) = htole64((uintptr_t)data | access);
		}
		va += step;
		data += step;
		bytes -= step;
	}
	return 0;
}

void soft_unmap_range(struct soft_memory *m, uint64_t va, uint64_t bytes)
{
	const uint64_t end = va + bytes;

	while (va < end) {
		uint64_t *middle, *entry;

		if (!*entry_of(m->root, 0, va)) {
			va = (va | (((1ULL << 30)) - 1)) + 1;
			continue;
		}
		middle = next_table(*entry_of(m->root, 0, va));
		entry = entry_of(middle, 1, va);
		if (!*entry || (le64toh(*entry) & XQ_PTE_LARGE)) {
			*entry = 0;
			va = (va | (LARGE_BYTES - 1)) + 1;
			continue;
		}
		*entry_of(next_table(*entry), 2, va) = 0;
		va += XQ_PAGE_BYTES;
	}
}

/* ---- buffers ------------------------------------------------------------------------------------------ */

/* The first aligned address behind a buffer, or of all. */
static uint64_t behind(const struct soft_buffer *b, uint64_t align)
{
	return b ? round_up(b->va + b->bytes + GUARD_BYTES, align) : FIRST_VA;
}

/* Finds room in the address space, the first that there is, and the buffer before it. False if there is none. */
static bool place(struct soft_memory *m, struct soft_buffer *b)
{
	const uint64_t align = b->bytes >= LARGE_BYTES ? LARGE_BYTES : XQ_PAGE_BYTES;
	struct soft_buffer *at = m->packed ? m->packed->next : m->buffers;

	b->before = m->packed;
	for (; at && behind(b->before, align) + b->bytes + GUARD_BYTES > at->va; at = at->next) {
		if (m->packed == b->before && behind(b->before, XQ_PAGE_BYTES) + XQ_PAGE_BYTES + GUARD_BYTES > at->va)
			m->packed = at;
		b->before = at;
	}
	b->va = behind(b->before, align);
	return b->va + b->bytes <= ADDRESS_SPACE;
}

static void link_in(struct soft_memory *m, struct soft_buffer *b)
{
	struct soft_buffer **link = b->before ? &b->before->next : &m->buffers;

	b->next = *link;
	*link = b;
	if (b->next)
		b->next->before = b;
}

static void unlink_from(struct soft_memory *m, struct soft_buffer *b)
{
	if (m->packed && b->va <= m->packed->va)
		m->packed = b->before;
	*(b->before ? &b->before->next : &m->buffers) = b->next;
	if (b->next)
		b->next->before = b->before;
}

static int give_handle(struct soft_memory *m, struct soft_buffer *b)
{
	struct soft_buffer **more;
	uint32_t i;

	for (i = m->taken; i < m->handles && m->by_handle[i]; i++)
		;
	if (i == m->handles) {
		const uint32_t room = m->handles ? 2 * m->handles : 16;

		more = realloc(m->by_handle, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		memset(more + m->handles, 0, (room - m->handles) * sizeof(*more));
		m->by_handle = more;
		m->handles = room;
	}
	m->by_handle[i] = b;
	m->taken = b->handle = i + 1;
	return 0;
}

/* Places and maps a buffer whose memory is a region. */
static int buffer_enter(struct soft_memory *m, struct soft_buffer *b)
{
	int err;

	if (!place(m, b))
		return -ENOSPC;
	err = map_range(m, b->va, b->data, b->bytes, b->writable);
	if (!err)
		err = give_handle(m, b);
	if (err) {
		soft_unmap_range(m, b->va, b->bytes);
		return err;
	}
	link_in(m, b);
	m->client_bytes += b->bytes;
	m->wrapped += b->origin == SOFT_WRAPPED;
	return 0;
}

int soft_buffer_create(struct soft_memory *m, size_t bytes, struct soft_buffer **buffer)
{
	struct soft_buffer *b = calloc(1, sizeof(*b));
	int err = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->bytes = round_up(bytes, XQ_PAGE_BYTES);
	b->references = 1;
	b->writable = true;
	b->fd = -1;
	b->data = soft_pages_alloc(m, b->bytes);
	if (b->data)
		err = buffer_enter(m, b);
	if (!err) {
		*buffer = b;
		return 0;
	}
	if (b->data)
		soft_pages_free(m, b->data, b->bytes);
	free(b);
	return err;
}

int soft_buffer_add(struct soft_memory *m, void *data, size_t bytes, enum soft_origin origin,
		    bool writable, int fd, struct soft_buffer **buffer)
{
	struct soft_buffer *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	*b = (struct soft_buffer){ .data = data, .bytes = bytes, .origin = origin, .references = 1,
				   .writable = writable, .fd = fd };
	err = region_add(m, data, bytes);
	if (!err) {
		err = buffer_enter(m, b);
		if (err)
			region_remove(m, data, bytes);
	}
	if (err)
		free(b);
	else
		*buffer = b;
	return err;
}

struct soft_buffer *soft_buffer_find(const struct soft_memory *m, uint32_t handle)
{
	return handle - 1 < m->handles ? m->by_handle[handle - 1] : NULL;
}

struct soft_buffer *soft_buffer_at(const struct soft_memory *m, uint64_t va)
{
	struct soft_buffer *b;

	for (b = m->buffers; b; b = b->next)
		if (va - b->va < b->bytes)
			return b;
	return NULL;
}

void soft_buffer_forget(struct soft_memory *m, struct soft_buffer *b)
{
	m->by_handle[b->handle - 1] = NULL;
	if (b->handle - 1 < m->taken)
		m->taken = b->handle - 1;
}

/* Out of the list and given back. */
void soft_buffer_free(struct soft_memory *m, struct soft_buffer *b)
{
	unlink_from(m, b);
	m->client_bytes -= b->bytes;
	m->wrapped -= b->origin == SOFT_WRAPPED;
	if (b->origin == SOFT_WRAPPED)
		region_remove(m, b->data, b->bytes);
	else
		soft_pages_free(m, b->data, b->bytes);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

int soft_memory_init(struct soft_memory *m)
{
	m->table = soft_pages_alloc(m, XQ_PAGE_BYTES);
	m->root = table_alloc(m);
	if (!m->table || !m->root)
		return -ENOMEM;
	m->table[SOFT_CONTEXT].root = htole64((uintptr_t)m->root | XQ_PTE_VALID);
	return 0;
}

void soft_memory_free(struct soft_memory *m)
{
	while (m->buffers)
		soft_buffer_free(m, m->buffers);
	while (m->region_count)
		soft_pages_free(m, (void *)m->regions[0].start, m->regions[0].bytes);
	free(m->regions);
	free(m->arenas);
	free(m->by_handle);
}
