/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copies of a few words. For so little the string instructions that memcpy() and copy_from_user()
 * are on many a processor take longer to start than a loop to end, and emulators take a step for
 * each byte of them.
 */
#ifndef XQACCEL_WORDS_H
#define XQACCEL_WORDS_H

#include <linux/compiler.h>
#include <linux/types.h>

#define XQACCEL_CHUNK_BYTES	16

/*
 * Of an automatic variable that is large and written before it is read: kernels that clear all of
 * them (INIT_STACK_ALL_ZERO) leave it as it is.
 */
#if __has_attribute(uninitialized)
#define XQACCEL_UNINITIALIZED	__attribute__((uninitialized))
#else
#define XQACCEL_UNINITIALIZED
#endif

/* @bytes: a multiple of XQACCEL_CHUNK_BYTES; both sides are aligned to 8. */
static inline void xqaccel_chunks_copy(void *to, const void *from, size_t bytes)
{
	const u64 *source = from, *end = from + bytes;
	u64 *target = to;

	for (; source < end; source += 2, target += 2) {
		target[0] = source[0];
		target[1] = source[1];
		/* Else the compiler makes it memcpy() again. */
		barrier();
	}
}

static inline void xqaccel_chunks_clear(void *to, size_t bytes)
{
	u64 *target = to, *end = to + bytes;

	for (; target < end; target += 2) {
		target[0] = 0;
		target[1] = 0;
		/* Else the compiler makes it memset(). */
		barrier();
	}
}

#endif
