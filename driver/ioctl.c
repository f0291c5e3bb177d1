// SPDX-License-Identifier: GPL-2.0
/* The table of ioctls, and the rules that hold for all of them. */
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "client.h"

/**
 * struct ioctl_op - one ioctl
 * @cmd: number
 * @size: of the structure as this driver knows it
 * @min_size: of its first version
 * @hardware: needs the device; fails with ENODEV without it, and removal waits for it. It must
 *	not touch user memory, which can be made to answer as late as its owner likes.
 * @handle: works on a kernel copy, which is written back if it returns 0
 * @settle: makes what @handle did final if user space was told of it, else undoes it. May run
 *	when the device is gone. NULL: there is nothing to undo.
 */
struct ioctl_op {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	bool hardware;
	int (*handle)(struct xqaccel_client *client, void *data);
	void (*settle)(struct xqaccel_client *client, const void *data, bool told);
};

#define IOCTL_OP(_number, _cmd, _struct, _last, _hardware, _handle, _settle)	\
	[_number] = {								\
		.cmd = (_cmd),							\
		.size = sizeof(struct _struct) + BUILD_BUG_ON_ZERO(sizeof(struct _struct) > \
							sizeof(union ioctl_data)), \
		.min_size = offsetofend(struct _struct, _last),			\
		.hardware = (_hardware),					\
		.handle = (_handle),						\
		.settle = (_settle),						\
	}

union ioctl_data {
	u32 size;
	struct xqaccel_info info;
	struct xqaccel_buf_create buf_create;
	struct xqaccel_buf_destroy buf_destroy;
	struct xqaccel_submit submit;
	struct xqaccel_wait wait;
};

/* The layout is the same for 32- and 64-bit user space and has no padding of its own. */
static_assert(sizeof(struct xqaccel_info) == 224);
static_assert(sizeof(struct xqaccel_buf_create) == 32);
static_assert(sizeof(struct xqaccel_buf_destroy) == 8);
static_assert(sizeof(struct xqaccel_operand) == 32);
static_assert(sizeof(struct xqaccel_job) == 56 + XQACCEL_OPERANDS * 32);
static_assert(sizeof(struct xqaccel_submit) == 40);
static_assert(sizeof(struct xqaccel_completion) == 72);
static_assert(sizeof(struct xqaccel_wait) == 48);

static const struct ioctl_op ioctl_ops[] = {
	IOCTL_OP(XQACCEL_CMD_INFO, XQACCEL_IOCTL_INFO, xqaccel_info, driver, true,
		 xqaccel_ioctl_info, NULL),
	IOCTL_OP(XQACCEL_CMD_BUF_CREATE, XQACCEL_IOCTL_BUF_CREATE, xqaccel_buf_create, reserved,
		 true, xqaccel_ioctl_buf_create, xqaccel_buf_create_settle),
	IOCTL_OP(XQACCEL_CMD_BUF_DESTROY, XQACCEL_IOCTL_BUF_DESTROY, xqaccel_buf_destroy, handle,
		 true, xqaccel_ioctl_buf_destroy, NULL),
	/* Reads user memory, and meets the hardware only under the device's lock. */
	IOCTL_OP(XQACCEL_CMD_SUBMIT, XQACCEL_IOCTL_SUBMIT, xqaccel_submit, reserved, false,
		 xqaccel_ioctl_submit, NULL),
	/* May sleep for long, and completions can be reaped when the device is gone. */
	IOCTL_OP(XQACCEL_CMD_WAIT, XQACCEL_IOCTL_WAIT, xqaccel_wait, pending, false,
		 xqaccel_ioctl_wait, NULL),
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

static int ioctl_run(struct xqaccel_client *client, const struct ioctl_op *op, void *data)
{
	struct xqaccel_device *xq = client->xq;
	int ret;

	if (!op->hardware)
		return op->handle(client, data);
	down_read(&xq->gone_lock);
	if (xq->gone || READ_ONCE(xq->lost))
		ret = -ENODEV;
	else
		ret = op->handle(client, data);
	up_read(&xq->gone_lock);
	return ret;
}

long xqaccel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct xqaccel_client *client = file->private_data;
	const struct ioctl_op *op = ioctl_find(cmd);
	void __user *user = (void __user *)arg;
	union ioctl_data data = {};
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

	ret = ioctl_run(client, op, &data);
	if (ret) {
		dev_dbg(&client->xq->dev, "ioctl %u: %d\n", _IOC_NR(cmd), ret);
		return ret;
	}
	ret = copy_to_user(user, &data, min(size, op->size)) ? -EFAULT : 0;
	if (op->settle)
		op->settle(client, &data, !ret);
	return ret;
}
