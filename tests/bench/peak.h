/* SPDX-License-Identifier: MIT */
/* The machine's own limits: how many multiply-accumulates it can issue, how many bytes it can read. */
#ifndef XQ_BENCH_PEAK_H
#define XQ_BENCH_PEAK_H

#include <stddef.h>
#include <stdint.h>

enum peak_kind {
	PEAK_DOT,	/* the instructions that an s8 x s8 kernel is made of */
	PEAK_NARROW,	/* those of an s8 x s4 kernel, where they are others */
	PEAK_POPCOUNT,	/* those of a b1 x b1 kernel */
	PEAK_PLAIN_DOT,	/* what kernels without a trick would be made of, where there is one */
	PEAK_PLAIN_POPCOUNT
};

/* A loop of independent instructions on registers alone. */
struct peak {
	const char *isa;	/* of the kernels that use these instructions */
	enum peak_kind kind;
	const char *name;	/* the instructions */
	double macs;		/* of one iteration */
	void (*run)(uint64_t iterations);
};

/* The limit for an instruction set's kernels; NULL if none is known. It must be one that the CPU has. */
const struct peak *peak_find(const char *isa, enum peak_kind kind);

/* Ways to read memory from end to end, each the best on some machine. */
#define READ_WAYS	6

/* Reads `bytes` (a multiple of 4096) once. way < READ_WAYS */
void peak_read(const void *memory, size_t bytes, unsigned int way);

#endif
