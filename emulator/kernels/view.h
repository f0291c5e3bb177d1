/* SPDX-License-Identifier: MIT */
/* Private to the kernels: bytes in and out of operands that may lie in scattered pages. */
#ifndef XQK_VIEW_H
#define XQK_VIEW_H

#include <string.h>

#include "xq_kernels.h"

/* Of views that are not by lines. */
static inline void xqk_view_copy(const struct xqk_view *view, uint64_t distance, void *bytes, size_t len,
				 bool out)
{
	uint8_t *at = bytes;

	while (len) {
		size_t run;
		uint8_t *part = xqk_at(view, 0, distance, 0, &run);

		run = run < len ? run : len;
		if (out)
			memcpy(part, at, run);
		else
			memcpy(at, part, run);
		at += run;
		distance += run;
		len -= run;
	}
}

/* Where these bytes are if they are in one piece, else NULL. */
static inline uint8_t *xqk_view_piece(const struct xqk_view *view, uint64_t distance, size_t len)
{
	size_t run;
	uint8_t *at = xqk_at(view, 0, distance, 0, &run);

	return run >= len ? at : NULL;
}

/* These bytes where they are, or a copy in memory for len bytes. */
static inline const void *xqk_view_read(const struct xqk_view *view, uint64_t distance, void *memory,
					size_t len)
{
	const void *piece = len ? xqk_view_piece(view, distance, len) : memory;

	if (piece)
		return piece;
	xqk_view_copy(view, distance, memory, len, false);
	return memory;
}

/* Where these bytes are, or memory for them: xqk_view_written() brings them in their place. */
static inline uint8_t *xqk_view_write(const struct xqk_view *view, uint64_t distance, void *memory, size_t len)
{
	uint8_t *piece = len ? xqk_view_piece(view, distance, len) : memory;

	return piece ? piece : memory;
}

static inline void xqk_view_written(const struct xqk_view *view, uint64_t distance, void *memory, size_t len,
				    const uint8_t *where)
{
	if (where == memory && len)
		xqk_view_copy(view, distance, memory, len, true);
}

/* Cuts scratch memory up; 64-byte aligned parts. With memory NULL it only counts. */
static inline void *xqk_take(uint8_t *memory, size_t *used, size_t bytes)
{
	void *part = memory ? memory + *used : NULL;

	*used += (bytes + 63) & ~(size_t)63;
	return part;
}

#endif
