// SPDX-License-Identifier: GPL-2.0
/*
 * Programs: the ioctls that record and destroy them. The jobs are read and checked first, with no
 * lock held; then, with the device there, the list gets memory. What the list says is written once,
 * and the device maps it for reading only.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "client.h"
#include "ioctl.h"
#include "job.h"
#include "program.h"

/* The smallest stride of the ABI; what a job then lacks reads as zero. */
#define JOB_MIN_BYTES	64

/**
 * struct located - an operand that was found
 * @fixed: index of its buffer, or -1 if it is at a slot
 * @slot: of the operand, unless it is in a buffer
 * @room: bytes of what it is in
 */
struct located {
	int fixed;
	unsigned int slot;
	u64 room;
};

/**
 * struct recording - a program in the making
 * @client: whose it will be
 * @program: what was made of it so far
 * @list: descriptors of its jobs but for the context
 * @slots: how many slots a run binds
 * @desc: the job that is being looked at
 * @at: what its operands are in
 * @place: where they are there
 * @flow: what the jobs so far have read and written
 */
struct recording {
	struct xqaccel_client *client;
	struct xqaccel_program *program;
	struct xq_hw_descriptor *list;
	unsigned int slots;
	struct xqaccel_job_desc desc;
	struct located at[XQ_OPERANDS];
	struct xq_place place[XQ_OPERANDS];
	struct xq_flow flow;
};

/* ---- jobs ------------------------------------------------------------------- */

/* The program's entry for a buffer, whose reference it takes; or -errno. */
static int fixed_add(struct xqaccel_program *p, struct xqaccel_buffer *buf)
{
	u32 i;

	for (i = 0; i < p->fixed_count; i++) {
		if (p->fixed[i].buf == buf) {
			xqaccel_buffer_put(buf);
			return i;
		}
	}
	if (i == p->fixed_room) {
		const u32 room = max(8U, 2 * i);
		struct xqaccel_fixed *more;

		if (i == XQACCEL_PROGRAM_BUFFERS)
			return -ENOSPC;
		more = krealloc(p->fixed, array_size(room, sizeof(*more)), GFP_PROGRAM);
		if (!more)
			return -ENOMEM;
		p->fixed = more;
		p->fixed_room = room;
	}
	p->fixed[i] = (struct xqaccel_fixed){ .buf = buf };
	p->shared |= !!buf->resv;
	p->fixed_count++;
	return i;
}

static int operand_locate(struct recording *r, u32 handle, bool written, struct located *at)
{
	struct xqaccel_buffer *buf;
	int ret;

	if (handle & XQACCEL_SLOT(0)) {
		at->fixed = -1;
		at->slot = handle & ~XQACCEL_SLOT(0);
		if (at->slot >= r->slots)
			return -ENOENT;
		at->slot = array_index_nospec(at->slot, XQACCEL_PROGRAM_SLOTS);
		/* How far a slot reaches is seen when it is bound. */
		at->room = XQ_SLOT_ROOM;
		return 0;
	}
	buf = xqaccel_buffer_find(r->client, handle);
	if (!buf)
		return -ENOENT;
	at->room = buf->bytes;
	ret = written && !buf->writable ? -EACCES : fixed_add(r->program, buf);
	if (ret < 0) {
		xqaccel_buffer_put(buf);
		return ret;
	}
	at->fixed = ret;
	return 0;
}

static int operand_check(const struct xqaccel_operand *op, const struct xq_extent *e, u64 room,
			 u64 *span)
{
	u64 end;

	if (!xq_span(e, op->stride, op->batch_stride, op->plane_stride, span) ||
	    check_add_overflow(op->offset, *span, &end))
		return -EOVERFLOW;
	return end > room ? -ERANGE : 0;
}

static u64 operand_address(const struct xqaccel_program *p, const struct xqaccel_operand *op,
			   const struct located *at)
{
	if (at->fixed < 0)
		return XQ_SLOT_ADDRESS(at->slot, op->offset);
	return p->fixed[at->fixed].buf->va + op->offset;
}

/* Finds and checks the operands of a job, and writes them down. */
static int operands_record(struct recording *r, struct xq_hw_descriptor *hw)
{
	const struct xqaccel_job_desc *d = &r->desc;
	struct xqaccel_program *p = r->program;
	struct xq_place *place = r->place;
	struct located *at = r->at;
	struct xq_extent e;
	unsigned int i;
	u64 span;
	int ret;

	for (i = 0; i < XQ_OPERANDS; i++) {
		if (!d->operand[i].handle)
			continue;
		xq_work_extent(&d->work, i, &e);
		ret = operand_locate(r, d->operand[i].handle, e.written, &at[i]);
		if (!ret)
			ret = operand_check(&d->operand[i], &e, at[i].room, &span);
		if (ret)
			return ret;
	}
	memset(r->place, 0, sizeof(r->place));
	/* The program's entries stay where they are from here on. */
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqaccel_operand *op = &d->operand[i];

		if (!op->handle)
			continue;
		place[i] = (struct xq_place){
			.use = at[i].fixed < 0 ? &p->slot[at[i].slot] : &p->fixed[at[i].fixed].use,
			.object = at[i].fixed < 0 ? at[i].slot :
				  XQACCEL_PROGRAM_SLOTS + at[i].fixed,
			.offset = op->offset,
			.stride = op->stride,
			.batch_stride = op->batch_stride,
			.plane_stride = op->plane_stride,
		};
		hw->operand[i] = (struct xq_hw_operand){
			.address = cpu_to_le64(operand_address(p, op, &at[i])),
			.stride = cpu_to_le64(op->stride),
			.batch_stride = cpu_to_le64(op->batch_stride),
			.plane_stride = cpu_to_le64(op->plane_stride),
		};
	}
	if (!xq_places_apart(&d->work, place))
		return -EINVAL;
	xq_program_add(&r->flow, &d->work, place);
	return 0;
}

static int job_record(struct recording *r, struct xq_hw_descriptor *hw)
{
	const struct xqaccel_job_desc *d = &r->desc;
	int ret;

	if (d->user_data)
		return -EINVAL;
	ret = xqaccel_job_check(&r->client->xq->caps, d, XQ_OPERANDS, NULL);
	if (ret)
		return ret;
	r->program->macs = xq_plus(r->program->macs, xq_work_macs(&d->work));
	xqaccel_work_fill(hw, &d->work);
	return operands_record(r, hw);
}

static int fixed_order(const void *a, const void *b)
{
	const struct xqaccel_buffer *x = ((const struct xqaccel_fixed *)a)->buf;
	const struct xqaccel_buffer *y = ((const struct xqaccel_fixed *)b)->buf;

	return x < y ? -1 : x > y;
}

/* Everything is decided on copies: user space may change its own at any time. */
static int jobs_record(struct recording *r, const struct xqaccel_array *jobs)
{
	u32 i;
	int ret;

	for (i = 0; i < jobs->count; i++) {
		const void __user *from = u64_to_user_ptr(jobs->array + (u64)i * jobs->stride);

		if (fatal_signal_pending(current))
			return -EINTR;
		ret = copy_struct_from_user(&r->desc, sizeof(r->desc), from, jobs->stride);
		if (!ret)
			ret = job_record(r, &r->list[i]);
		if (ret) {
			dev_dbg(&r->client->xq->dev, "job %u of a program refused: %d\n", i, ret);
			return ret;
		}
		cond_resched();
	}
	sort(r->program->fixed, r->program->fixed_count, sizeof(*r->program->fixed), fixed_order,
	     NULL);
	r->program->repeatable = !r->flow.spoilt;
	return 0;
}

/* ---- the list ----------------------------------------------------------------- */

/* With the device there, so that its memory is where it was mapped. */
static void list_write(struct recording *r)
{
	const unsigned int per_page = PAGE_SIZE / sizeof(*r->list);
	struct xqaccel_buffer *list = r->program->list;
	u32 i;

	for (i = 0; i < r->program->jobs; i++) {
		struct xq_hw_descriptor *to = page_address(list->pages[i / per_page]);

		r->list[i].context = cpu_to_le32(r->client->context);
		to[i % per_page] = r->list[i];
	}
	xqaccel_buffer_sync_for_device(list);
}

static int list_make(struct recording *r, struct xqaccel_call *call)
{
	struct xqaccel_device *xq = r->client->xq;
	const struct xqaccel_source source = {
		.bytes = PAGE_ALIGN((u64)r->program->jobs * sizeof(*r->list)),
	};
	int ret = -ENODEV;

	if (down_read_killable(&xq->gone_lock))
		return -EINTR;
	if (xq->gone || READ_ONCE(xq->lost))
		goto unlock;
	ret = xqaccel_client_need_context(call);
	if (ret)
		goto unlock;
	ret = xqaccel_buffer_create(r->client, &source, &r->program->list);
	if (!ret)
		list_write(r);
	else if (ret == -ENOSPC || ret == -ENOMEM)
		call->wait_for |= XQACCEL_WAIT_FOR_DEAD;
unlock:
	up_read(&xq->gone_lock);
	return ret;
}

/* ---- ioctls ------------------------------------------------------------------- */

static int check_command(const struct xqaccel_device *xq, const struct xqaccel_program_create *cmd)
{
	if (READ_ONCE(xq->lost))
		return -ENODEV;
	if (cmd->flags || !(xq->caps.features & XQACCEL_FEATURE_PROGRAM))
		return -EOPNOTSUPP;
	if (!cmd->jobs.count || cmd->jobs.count > XQACCEL_PROGRAM_JOBS ||
	    cmd->slots > XQACCEL_PROGRAM_SLOTS)
		return -EINVAL;
	if (cmd->jobs.stride < JOB_MIN_BYTES || cmd->jobs.stride > XQACCEL_MAX_STRUCT)
		return -EINVAL;
	return 0;
}

static int record(struct recording *r, struct xqaccel_call *call)
{
	const struct xqaccel_program_create *cmd = call->data;
	struct xqaccel_client *client = call->client;
	int ret;

	ret = jobs_record(r, &cmd->jobs);
	if (!ret)
		ret = list_make(r, call);
	if (ret)
		return ret;
	ret = xa_alloc(&client->programs, &r->program->handle, r->program,
		       XA_LIMIT(1, XQACCEL_MAX_HANDLE), GFP_PROGRAM);
	return ret == -EBUSY ? -ENOSPC : ret;
}

int xqaccel_ioctl_program_create(struct xqaccel_call *call)
{
	struct xqaccel_program_create *cmd = call->data;
	struct recording *r;
	int ret;

	ret = check_command(call->client->xq, cmd);
	if (ret)
		return ret;
	r = kvzalloc(sizeof(*r), GFP_PROGRAM);
	if (!r)
		return -ENOMEM;
	ret = -ENOMEM;
	r->client = call->client;
	r->slots = cmd->slots;
	r->list = kvcalloc(cmd->jobs.count, sizeof(*r->list), GFP_PROGRAM);
	r->program = xqaccel_program_alloc(cmd->jobs.count);
	if (r->list && r->program)
		ret = record(r, call);
	if (!ret)
		cmd->program = r->program->handle;
	else if (r->program)
		xqaccel_program_put(r->program);
	kvfree(r->list);
	kvfree(r);
	return ret;
}

/* A handle that user space does not know would keep its program until the file is closed. */
void xqaccel_program_create_finish(struct xqaccel_call *call, bool written)
{
	const struct xqaccel_program_create *cmd = call->data;
	struct xqaccel_client *client = call->client;
	struct xqaccel_program *p;

	if (!written) {
		xqaccel_program_erase(client, cmd->program, false);
		return;
	}
	xa_lock(&client->programs);
	p = xa_load(&client->programs, cmd->program);
	p->published = true;
	xa_unlock(&client->programs);
}

int xqaccel_ioctl_program_destroy(struct xqaccel_call *call)
{
	const struct xqaccel_program_destroy *cmd = call->data;

	return xqaccel_program_erase(call->client, cmd->program, true);
}
