/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzzer does: one call, made from a few numbers, on files that threads share. */
#ifndef XQ_TEST_FUZZ_CALL_H
#define XQ_TEST_FUZZ_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gemm_case.h"

#define FUZZ_FILES	4	/* open at a time, shared by all threads */
#define FUZZ_HANDLES	8	/* buffers remembered of each */
#define FUZZ_DMABUFS	4	/* shared by all threads and files */
#define FUZZ_EDITS	4

enum fuzz_op {
	FUZZ_OPEN, FUZZ_CLOSE, FUZZ_INFO, FUZZ_CONTEXT, FUZZ_CREATE, FUZZ_DESTROY, FUZZ_MAP,
	FUZZ_TOUCH, FUZZ_SUBMIT, FUZZ_WAIT, FUZZ_CANCEL, FUZZ_EVENT, FUZZ_POLL, FUZZ_RECORD,
	FUZZ_FORGET, FUZZ_WRAP, FUZZ_EXPORT, FUZZ_IMPORT, FUZZ_DMABUF, FUZZ_RING,
	FUZZ_COMMAND, FUZZ_REAP, FUZZ_COMMAND_CANCEL, FUZZ_UNKNOWN, FUZZ_READ, FUZZ_OPS
};

/* Words of the structure, as it would be valid, that are replaced. */
struct fuzz_edit {
	uint16_t at;		/* byte */
	uint8_t width;		/* 1, 2, 4 or 8; 0: no edit */
	uint64_t value;
};

struct fuzz_call {
	uint8_t op;
	uint8_t file;
	uint8_t pointer;	/* 0: to memory; 1: to none; 2: to memory that ends too soon */
	uint64_t seed;		/* of everything that is valid */
	struct fuzz_edit edit[FUZZ_EDITS];
};

struct fuzz_buffer {
	_Atomic uint32_t handle;
	_Atomic uint64_t mmap_offset;
	_Atomic uint64_t bytes;
};

struct fuzz_file {
	_Atomic int fd;		/* -1: not open */
	_Atomic uint64_t last_id;
	_Atomic uint32_t program;	/* the last one that was recorded */
	struct fuzz_buffer buffer[FUZZ_HANDLES];
};

struct fuzz_world {
	struct fuzz_file file[FUZZ_FILES];
	_Atomic int dmabuf[FUZZ_DMABUFS];	/* -1: none */
	_Atomic uint64_t calls, accepted;	/* all, and those that succeeded */
};

/* Of each thread, before its first call and after its last. */
int fuzz_thread_begin(void);
void fuzz_thread_end(void);
void fuzz_call_random(struct fuzz_call *c, struct random *r);
/* Changes something about a call. */
void fuzz_call_mutate(struct fuzz_call *c, struct random *r);
/* 0 or more, or -errno. */
int fuzz_call_run(struct fuzz_world *w, const struct fuzz_call *c);
/* The dma-bufs that are left. */
void fuzz_dmabufs_close(struct fuzz_world *w);

#endif
