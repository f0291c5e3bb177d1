/* SPDX-License-Identifier: MIT */
/* Work in pieces, on all processors. */
#ifndef XQ_LAB_PARALLEL_H
#define XQ_LAB_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

/* Piece number i; false if it failed. */
typedef bool (*lab_task)(void *argument, size_t i);

/*
 * Runs the pieces 0 to n - 1, in any order, and waits for them; false if one failed. Pieces must
 * not depend on each other, nor may their sizes on the number of threads: so results don't.
 */
bool lab_parallel(size_t n, lab_task task, void *argument);

static inline size_t lab_pieces(size_t n, size_t each)
{
	return (n + each - 1) / each;
}

static inline size_t lab_piece_end(size_t i, size_t each, size_t n)
{
	return n - i * each < each ? n : (i + 1) * each;
}

#endif
