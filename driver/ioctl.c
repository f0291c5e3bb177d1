// SPDX-License-Identifier: GPL-2.0
/* The table of ioctls, and the rules that hold for all of them. */
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "client.h"
#include "ioctl.h"

/**
 * struct ioctl_op - one ioctl
 * @cmd: number
 * @size: of the structure as this driver knows it
 * @min_size: of its first version
 * @hardware: needs the device; fails with ENODEV without it, and removal waits for it. It must
 *	not touch user memory, which can be made to answer as late as its owner likes.
 * @results: the structure has members that the driver sets, so it is written back after success.
 *	Without any it is not, as a call that can't be undone must not fail after it was done.
 * @handle: works on a kernel copy
 * @finish: makes what @handle did final if its results were written, else undoes it. May run
 *	when the device is gone. NULL: there is nothing to undo.
 */
struct ioctl_op {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	bool hardware;
	bool results;
	int (*handle)(struct xqaccel_call *call);
	void (*finish)(struct xqaccel_call *call, bool written);
};

#define IOCTL_OP(_number, _cmd, _struct, _last, _hardware, _results, _handle,	\
		 _finish)							\
	[_number] = {								\
		.cmd = (_cmd),							\
		.size = sizeof(struct _struct) + BUILD_BUG_ON_ZERO(sizeof(struct _struct) > \
							sizeof(union ioctl_data)), \
		.min_size = offsetofend(struct _struct, _last),			\
		.hardware = (_hardware),					\
		.results = (_results),						\
		.handle = (_handle),						\
		.finish = (_finish),						\
	}

union ioctl_data {
	u32 size;
	struct xqaccel_info info;
	struct xqaccel_context_create context_create;
	struct xqaccel_buf_create buf_create;
	struct xqaccel_buf_destroy buf_destroy;
	struct xqaccel_submit submit;
	struct xqaccel_wait wait;
	struct xqaccel_cancel cancel;
	struct xqaccel_buf_wrap buf_wrap;
	struct xqaccel_buf_import buf_import;
	struct xqaccel_buf_export buf_export;
	struct xqaccel_program_create program_create;
	struct xqaccel_program_destroy program_destroy;
	struct xqaccel_eventfd eventfd;
};

/* The layout is the same for 32- and 64-bit user space and has no padding of its own. */
static_assert(sizeof(struct xqaccel_array) == 16);
static_assert(sizeof(struct xqaccel_pair) == 16);
static_assert(sizeof(struct xqaccel_info) == 168);
static_assert(sizeof(struct xqaccel_context_create) == 16);
static_assert(sizeof(struct xqaccel_buf_create) == 32);
static_assert(sizeof(struct xqaccel_buf_destroy) == 8);
static_assert(sizeof(struct xqaccel_buf_wrap) == 32);
static_assert(sizeof(struct xqaccel_buf_import) == 24);
static_assert(sizeof(struct xqaccel_buf_export) == 16);
static_assert(sizeof(struct xqaccel_operand) == 40);
static_assert(sizeof(struct xqaccel_work) == 240);
static_assert(sizeof(struct xqaccel_job_desc) == 248 + XQ_OPERANDS * 40);
static_assert(sizeof(struct xqaccel_submit) == 56);
static_assert(sizeof(struct xqaccel_completion) == 88);
static_assert(sizeof(struct xqaccel_wait) == 56);
static_assert(sizeof(struct xqaccel_cancel) == 16);
static_assert(sizeof(struct xqaccel_program_create) == 32);
static_assert(sizeof(struct xqaccel_program_destroy) == 8);
static_assert(sizeof(struct xqaccel_eventfd) == 16);
static_assert(sizeof(struct xqaccel_profile) == 32);

static const struct ioctl_op ioctl_ops[] = {
	/* Writes user memory; what it reports was read when the device was found. */
	IOCTL_OP(XQACCEL_CMD_INFO, XQACCEL_IOCTL_INFO, xqaccel_info, driver, false,
		 true, xqaccel_ioctl_info, NULL),
	IOCTL_OP(XQACCEL_CMD_CONTEXT_CREATE, XQACCEL_IOCTL_CONTEXT_CREATE,
		 xqaccel_context_create, reserved, true, false,
		 xqaccel_ioctl_context_create, NULL),
	IOCTL_OP(XQACCEL_CMD_BUF_CREATE, XQACCEL_IOCTL_BUF_CREATE, xqaccel_buf_create, reserved,
		 true, true, xqaccel_ioctl_buf_create, xqaccel_buf_create_finish),
	IOCTL_OP(XQACCEL_CMD_BUF_DESTROY, XQACCEL_IOCTL_BUF_DESTROY, xqaccel_buf_destroy, handle,
		 true, false, xqaccel_ioctl_buf_destroy, NULL),
	/* Reads user memory, and meets the hardware only under the device's lock. */
	IOCTL_OP(XQACCEL_CMD_SUBMIT, XQACCEL_IOCTL_SUBMIT, xqaccel_submit, reserved, false,
		 true, xqaccel_ioctl_submit, xqaccel_submit_finish),
	/* May sleep for long, and completions can be reaped when the device is gone. */
	IOCTL_OP(XQACCEL_CMD_WAIT, XQACCEL_IOCTL_WAIT, xqaccel_wait, pending, false,
		 true, xqaccel_ioctl_wait, xqaccel_wait_finish),
	IOCTL_OP(XQACCEL_CMD_CANCEL, XQACCEL_IOCTL_CANCEL, xqaccel_cancel, id, false,
		 false, xqaccel_ioctl_cancel, NULL),
	/* Reads user memory, and only then looks whether the device is there. */
	IOCTL_OP(XQACCEL_CMD_PROGRAM_CREATE, XQACCEL_IOCTL_PROGRAM_CREATE,
		 xqaccel_program_create, program, false, true, xqaccel_ioctl_program_create,
		 xqaccel_program_create_finish),
	IOCTL_OP(XQACCEL_CMD_PROGRAM_DESTROY, XQACCEL_IOCTL_PROGRAM_DESTROY,
		 xqaccel_program_destroy, program, true, false, xqaccel_ioctl_program_destroy,
		 NULL),
	/* Has user memory brought in, and only then looks whether the device is there. */
	IOCTL_OP(XQACCEL_CMD_BUF_WRAP, XQACCEL_IOCTL_BUF_WRAP, xqaccel_buf_wrap, reserved, false,
		 true, xqaccel_ioctl_buf_wrap, xqaccel_buf_wrap_finish),
	/* Has the exporter map its memory, and only then looks whether the device is there. */
	IOCTL_OP(XQACCEL_CMD_BUF_IMPORT, XQACCEL_IOCTL_BUF_IMPORT, xqaccel_buf_import, bytes,
		 false, true, xqaccel_ioctl_buf_import, xqaccel_buf_import_finish),
	IOCTL_OP(XQACCEL_CMD_BUF_EXPORT, XQACCEL_IOCTL_BUF_EXPORT, xqaccel_buf_export, fd,
		 true, true, xqaccel_ioctl_buf_export, xqaccel_buf_export_finish),
	/* Can be taken away when the device is gone. */
	IOCTL_OP(XQACCEL_CMD_EVENTFD, XQACCEL_IOCTL_EVENTFD, xqaccel_eventfd, lane, false, false,
		 xqaccel_ioctl_eventfd, NULL),
};

static const struct ioctl_op *ioctl_find(unsigned int cmd)
{
	const unsigned int number = _IOC_NR(cmd);
	const struct ioctl_op *op;

	if (number >= ARRAY_SIZE(ioctl_ops))
		return NULL;
	op = &ioctl_ops[array_index_nospec(number, ARRAY_SIZE(ioctl_ops))];
	return op->cmd == cmd ? op : NULL;
}

static int handle(const struct ioctl_op *op, struct xqaccel_call *call)
{
	struct xqaccel_device *xq = call->client->xq;
	int ret;

	if (!op->hardware)
		return op->handle(call);
	/* A writer, set_gone(), waits for other calls, which no client can make long. */
	if (down_read_killable(&xq->gone_lock))
		return -EINTR;
	if (xq->gone || READ_ONCE(xq->lost))
		ret = -ENODEV;
	else
		ret = op->handle(call);
	up_read(&xq->gone_lock);
	return ret;
}

/* Whether to try again: what the call failed of may have been given back since. */
static bool waited(struct xqaccel_call *call)
{
	const unsigned int what = call->wait_for & ~call->waited;
	int ret = 0;

	call->waited |= what;
	call->wait_for = 0;
	if (what & XQACCEL_WAIT_FOR_DEAD)
		ret = xqaccel_buffers_wait_dead(call->client);
	if (!ret && what & XQACCEL_WAIT_FOR_CONTEXT)
		ret = xqaccel_clients_wait_ending(call->client->xq);
	return what && !ret;
}

static int ioctl_run(const struct ioctl_op *op, struct xqaccel_call *call)
{
	int ret;

	do {
		ret = handle(op, call);
	} while (ret && waited(call));
	return ret;
}

long xqaccel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct xqaccel_client *client = file->private_data;
	const struct ioctl_op *op = ioctl_find(cmd);
	void __user *user = (void __user *)arg;
	union ioctl_data data = {};
	struct xqaccel_call call = {
		.client = client,
		.data = &data,
		.jobs = LIST_HEAD_INIT(call.jobs),
	};
	u32 size;
	int ret;

	if (!op)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < op->min_size)
		return -EINVAL;
	if (size > XQACCEL_MAX_STRUCT)
		return -E2BIG;
	ret = copy_struct_from_user(&data, op->size, user, size);
	if (ret)
		return ret;
	/* User space may have changed it since it was checked. */
	data.size = size;

	ret = ioctl_run(op, &call);
	if (ret) {
		dev_dbg(&client->xq->dev, "ioctl %u: %d\n", _IOC_NR(cmd), ret);
		return ret;
	}
	if (op->results && copy_to_user(user, &data, min(size, op->size)))
		ret = -EFAULT;
	if (op->finish)
		op->finish(&call, !ret);
	return ret ?: call.error;
}
