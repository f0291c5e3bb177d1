/* SPDX-License-Identifier: GPL-2.0 */
/* Recorded programs: jobs that are checked once and run many times. */
#ifndef XQACCEL_PROGRAM_H
#define XQACCEL_PROGRAM_H

#include <linux/gfp.h>
#include <linux/kref.h>
#include <linux/types.h>
#include <linux/xqaccel.h>

#include "xq_program.h"
#include "xq_program_flow.h"

struct xqaccel_buffer;
struct xqaccel_client;
struct xqaccel_job;

/* A buffer that the jobs of a program name, and what they do with it. */
struct xqaccel_fixed {
	struct xqaccel_buffer *buf;
	struct xq_use use;
};

/**
 * struct xqaccel_program - references are held by the handle and by runs that have not ended
 * @ref: the last one frees it
 * @handle: in client->programs
 * @published: user space has the handle, which names nothing before; under xa_lock
 * @jobs: how many there are
 * @macs: multiplications of all
 * @run_ns: device time of the last run, 0 before; under xqaccel_device.lock
 * @shared: others have some of @fixed, too
 * @repeatable: a run that was stopped may run again from its start
 * @list: descriptors of the jobs, in memory that the device only reads and user space does not see
 * @slot: what the jobs do with what a slot is bound to; align is 0 if none uses it
 * @fixed: buffers that the jobs name, with a reference to each, sorted by buffer
 * @fixed_count: how many @fixed has
 * @fixed_room: how many @fixed has room for
 *
 * Nothing but @published and @run_ns changes once it has a handle.
 */
struct xqaccel_program {
	struct kref ref;
	u32 handle;
	bool published;
	u32 jobs;
	u64 macs;
	u64 run_ns;
	bool shared;
	bool repeatable;
	struct xqaccel_buffer *list;
	struct xq_use slot[XQACCEL_PROGRAM_SLOTS];
	struct xqaccel_fixed *fixed;
	u32 fixed_count;
	u32 fixed_room;
};

#define GFP_PROGRAM	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

struct xqaccel_program *xqaccel_program_alloc(u32 jobs);
struct xqaccel_program *xqaccel_program_find(struct xqaccel_client *client, u32 handle);
int xqaccel_program_erase(struct xqaccel_client *client, u32 handle, bool published);
void xqaccel_programs_close(struct xqaccel_client *client);

/* refs.c */
void xqaccel_program_put(struct xqaccel_program *program);

/* program_run.c */
int xqaccel_program_bind(struct xqaccel_job *job, const struct xqaccel_job_desc *d);

/* job_overlap.c */
struct xq_use xqaccel_program_operand_use(const struct xqaccel_program *p, unsigned int operand);
struct xq_use xqaccel_program_use(const struct xqaccel_job *job, unsigned int i);

#endif
