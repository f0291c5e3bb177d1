/* SPDX-License-Identifier: GPL-2.0 */
/* What the kinds of the fuzzer's calls have in common. */
#ifndef XQ_TEST_FUZZ_PARTS_H
#define XQ_TEST_FUZZ_PARTS_H

#include "fuzz_call.h"

#define PAGE		4096U
#define ARENA_BYTES	(64U << 10)
#define MOST_JOBS	4

/* Memory of a thread that pointers point to; what follows it is not mapped. */
extern __thread uint8_t *arena;

/* The edits that fall into [from, from + bytes) of what is edited: structure, then array. */
void apply_edits(const struct fuzz_call *c, void *to, unsigned int from, unsigned int bytes);
/* An ioctl whose structure is where the call says. */
int run_ioctl(const struct fuzz_file *f, const struct fuzz_call *c, unsigned long number,
	      void *cmd, unsigned int bytes);

struct fuzz_buffer *some_buffer(struct fuzz_file *f, struct random *r);
void buffer_remember(struct fuzz_buffer *b, uint32_t handle, uint64_t bytes, uint64_t mmap_offset);
void some_job(struct fuzz_file *f, struct random *r, struct xqaccel_job_desc *job);
/* A job, or a run of the last program. */
void some_work(struct fuzz_file *f, struct random *r, struct xqaccel_job_desc *job);

/* The same file under a number that none of the program's own has; an error passes through. */
int descriptor_lift(int low);
/* -EFAULT: there is nothing. */
int memory_touch(uint8_t *byte);

/* fuzz_memory.c: memory of the process and of dma-bufs */
int fuzz_memory_begin(void);
int fuzz_memory_call(struct fuzz_world *w, struct fuzz_file *f, const struct fuzz_call *c,
		     struct random *r);

/* Instead of what was there, which is closed; nothing happens with an error. */
void fuzz_descriptor_keep(_Atomic int *slot, int fd);

/* fuzz_ring.c: commands of io_uring; each thread has a ring */
int fuzz_ring_call(struct fuzz_world *w, struct fuzz_file *f, const struct fuzz_call *c,
		   struct random *r);
void fuzz_ring_end(void);

#endif
