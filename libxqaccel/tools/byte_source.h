/* SPDX-License-Identifier: MIT */
/*
 * Bytes in order, from memory, a file, a pipe, or a member of an archive.
 */
#ifndef XQ_TOOL_BYTE_SOURCE_H
#define XQ_TOOL_BYTE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct byte_share - how much was read, for another thread to look at
 * @done: bytes so far
 * @total: bytes in all, 0 if that is not known
 */
struct byte_share {
	uint64_t done, total;
};

/**
 * struct byte_source - where bytes come from
 * @take: as read(2): how many bytes, 0 at the end, -1 with errno
 * @context: for @take
 * @error: NULL, or what to say instead of strerror(errno)
 * @known: @size is how many bytes there are in all
 * @claimed: @size is only what an archive says
 * @at: bytes taken so far
 * @share: NULL, or kept up to date
 */
struct byte_source {
	ptrdiff_t (*take)(struct byte_source *from, void *to, size_t bytes);
	void *context;
	const char *(*error)(struct byte_source *from);
	bool known, claimed;
	uint64_t size;
	uint64_t at;
	struct byte_share *share;
};

/** byte_source_fd() - a file or a pipe from where it stands */
struct byte_source byte_source_fd(int fd);

/** struct byte_span - memory to read from */
struct byte_span {
	const uint8_t *at;
	size_t left;
};

/** byte_source_memory() - @span lives as long as the source */
struct byte_source byte_source_memory(struct byte_span *span);

/** byte_source_get() - exactly so many bytes. Return: NULL, or what is wrong ("it is cut short") */
const char *byte_source_get(struct byte_source *from, void *to, size_t bytes);

/**
 * byte_source_alloc() - so many bytes, malloc()ed
 *
 * What only claims to hold so many gets no more memory than twice what it really brings.
 */
const char *byte_source_alloc(struct byte_source *from, size_t bytes, void **data);

/** byte_source_skip() - the same, to nowhere */
const char *byte_source_skip(struct byte_source *from, uint64_t bytes);

/** byte_source_end() - NULL if nothing is left, "more bytes follow ..." or an error */
const char *byte_source_end(struct byte_source *from);

/** byte_source_all() - all that is left, malloc()ed. Return: NULL, or what is wrong */
const char *byte_source_all(struct byte_source *from, uint8_t **data, size_t *bytes);

/** byte_source_short() - whether it is known that fewer bytes than these are left */
bool byte_source_short(const struct byte_source *from, uint64_t bytes);

#endif
