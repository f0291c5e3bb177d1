// SPDX-License-Identifier: GPL-2.0
/* The ioctls that make and destroy buffers, and their handles. */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "buffer.h"
#include "client.h"
#include "ioctl.h"

/* ---- handles ----------------------------------------------------------------- */

/* The buffer has a handle that nobody can use before it is published. */
static int handle_alloc(struct xqaccel_buffer *buf)
{
	struct xqaccel_client *client = buf->client;
	int ret;

	ret = xa_alloc(&client->buffers, &buf->handle, buf, XA_LIMIT(1, XQACCEL_MAX_HANDLE),
		       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (ret)
		return ret == -EBUSY ? -ENOSPC : ret;
	/* Memory of others is mapped by those. */
	if (buf->origin != XQACCEL_OWN)
		return 0;
	ret = xqaccel_mmap_alloc(buf);
	if (ret)
		xa_erase(&client->buffers, buf->handle);
	return ret;
}

/* Ends the handle of a buffer that is published or not; -ENOENT if there is none. */
static int handle_erase(struct xqaccel_client *client, u32 handle, bool published)
{
	struct xqaccel_buffer *buf;

	xa_lock(&client->buffers);
	buf = xa_load(&client->buffers, handle);
	if (buf && buf->published == published)
		__xa_erase(&client->buffers, handle);
	else
		buf = NULL;
	xa_unlock(&client->buffers);
	if (!buf)
		return -ENOENT;
	if (buf->mmap_page)
		xqaccel_mmap_free(client, buf->mmap_page);
	xqaccel_buffer_put(buf);
	return 0;
}

/* A handle that user space does not know would keep its buffer until the file is closed. */
static void handle_finish(struct xqaccel_client *client, u32 handle, bool written)
{
	struct xqaccel_buffer *buf;

	if (!written) {
		handle_erase(client, handle, false);
		return;
	}
	xa_lock(&client->buffers);
	buf = xa_load(&client->buffers, handle);
	buf->published = true;
	xa_unlock(&client->buffers);
}

/* A handle for a new buffer, which ends if it gets none. */
static int handle_give(struct xqaccel_buffer *buf, u32 *handle)
{
	const int ret = handle_alloc(buf);

	if (ret)
		xqaccel_buffer_put(buf);
	else
		*handle = buf->handle;
	return ret;
}

/* Buffers that were destroyed a moment ago may still be on their way out. */
static int made(struct xqaccel_call *call, int ret)
{
	if (ret == -ENOSPC || ret == -ENOMEM)
		call->wait_for |= XQACCEL_WAIT_FOR_DEAD;
	return ret;
}

/* ---- memory of the driver ----------------------------------------------------- */

int xqaccel_ioctl_buf_create(struct xqaccel_call *call)
{
	struct xqaccel_buf_create *cmd = call->data;
	const struct xqaccel_source source = {
		.origin = XQACCEL_OWN,
		.bytes = PAGE_ALIGN(cmd->bytes),
		.writable = true,
		.shared = cmd->flags & XQACCEL_BUF_SHARED,
	};
	struct xqaccel_buffer *buf;
	int ret;

	if (cmd->flags & ~XQACCEL_BUF_SHARED)
		return -EOPNOTSUPP;
	if (cmd->reserved || !cmd->bytes || cmd->bytes > xqaccel_max_buffer_bytes())
		return -EINVAL;
	ret = xqaccel_client_need_context(call);
	if (ret)
		return ret;
	ret = made(call, xqaccel_buffer_create(call->client, &source, &buf));
	if (!ret)
		ret = handle_give(buf, &cmd->handle);
	if (ret)
		return ret;
	cmd->bytes = source.bytes;
	cmd->mmap_offset = xqaccel_mmap_offset(buf);
	return 0;
}

void xqaccel_buf_create_finish(struct xqaccel_call *call, bool written)
{
	const struct xqaccel_buf_create *cmd = call->data;

	handle_finish(call->client, cmd->handle, written);
}

int xqaccel_ioctl_buf_destroy(struct xqaccel_call *call)
{
	const struct xqaccel_buf_destroy *cmd = call->data;

	return handle_erase(call->client, cmd->handle, true);
}

/* ---- memory of the process ----------------------------------------------------- */

/* The buffer has its memory; set_gone() or xqaccel_set_lost_locked() may have run meanwhile. */
static int map_if_there(struct xqaccel_call *call, struct xqaccel_buffer *buf)
{
	struct xqaccel_device *xq = call->client->xq;
	int ret;

	if (down_read_killable(&xq->gone_lock))
		return -EINTR;
	if (xq->gone || READ_ONCE(xq->lost))
		ret = -ENODEV;
	else
		ret = xqaccel_client_need_context(call);
	if (!ret)
		ret = xqaccel_buffer_map(buf);
	up_read(&xq->gone_lock);
	return ret;
}

int xqaccel_ioctl_buf_wrap(struct xqaccel_call *call)
{
	struct xqaccel_buf_wrap *cmd = call->data;
	const struct xqaccel_source source = {
		.origin = XQACCEL_USER,
		.bytes = cmd->bytes,
		.writable = !(cmd->flags & XQACCEL_BUF_READ_ONLY),
		.address = cmd->address,
	};
	struct xqaccel_buffer *buf;
	u64 end;
	int ret;

	if (READ_ONCE(call->client->xq->lost))
		return -ENODEV;
	if (cmd->flags & ~XQACCEL_BUF_READ_ONLY)
		return -EOPNOTSUPP;
	if (cmd->reserved || !cmd->bytes || !PAGE_ALIGNED(cmd->bytes | cmd->address) ||
	    cmd->bytes > xqaccel_max_buffer_bytes())
		return -EINVAL;
	if (check_add_overflow(cmd->address, cmd->bytes, &end))
		return -EFAULT;
	ret = made(call, xqaccel_buffer_make(call->client, &source, &buf));
	if (ret)
		return ret;
	ret = made(call, map_if_there(call, buf));
	if (ret) {
		xqaccel_buffer_put(buf);
		return ret;
	}
	return handle_give(buf, &cmd->handle);
}

void xqaccel_buf_wrap_finish(struct xqaccel_call *call, bool written)
{
	const struct xqaccel_buf_wrap *cmd = call->data;

	handle_finish(call->client, cmd->handle, written);
}

/* ---- memory of others --------------------------------------------------------- */

static int dmabuf_check(const struct dma_buf *dmabuf, bool writable)
{
	if (writable && !(dmabuf->file->f_mode & FMODE_WRITE))
		return -EACCES;
	if (!dmabuf->size || !PAGE_ALIGNED(dmabuf->size) ||
	    dmabuf->size > xqaccel_max_buffer_bytes())
		return -EINVAL;
	return 0;
}

/*
 * Without gone_lock: the exporter takes as long as it likes, and who comes after who waits to write
 * that lock waits, too. With import_lock, for which removal waits later, as the device must be
 * there for the exporter to map memory for it, and for that to be undone.
 */
static int import_map(struct xqaccel_call *call, const struct xqaccel_source *source,
		      struct xqaccel_buffer **out)
	__must_hold(&call->client->xq->import_lock)
{
	struct xqaccel_client *client = call->client;
	struct xqaccel_buffer *buf;
	bool alone;
	int ret;

	lockdep_assert_held(&client->xq->import_lock);

	if (READ_ONCE(client->xq->gone) || READ_ONCE(client->xq->lost))
		return -ENODEV;
	ret = made(call, xqaccel_buffer_make(client, source, &buf));
	if (ret)
		return ret;
	ret = made(call, map_if_there(call, buf));
	if (!ret) {
		*out = buf;
		return 0;
	}
	/*
	 * At once, if it is none of those that removal and the client's end know, and that nobody
	 * else knows: without mem_lock, for which others wait while they hold gone_lock.
	 */
	mutex_lock(&client->mem_lock);
	alone = list_empty(&buf->node);
	mutex_unlock(&client->mem_lock);
	if (alone && buf->mapped) {
		xqaccel_import_detach(buf);
		buf->mapped = false;
	}
	xqaccel_buffer_put(buf);
	return ret;
}

static int import(struct xqaccel_call *call, struct dma_buf *dmabuf)
{
	struct xqaccel_device *xq = call->client->xq;
	struct xqaccel_buf_import *cmd = call->data;
	const struct xqaccel_source source = {
		.origin = XQACCEL_IMPORTED,
		.foreign = !xqaccel_export_is_of(dmabuf, call->client->xq->parent),
		.bytes = dmabuf->size,
		.writable = !(cmd->flags & XQACCEL_BUF_READ_ONLY),
		.dmabuf = dmabuf,
	};
	struct xqaccel_buffer *buf;
	int ret;

	ret = dmabuf_check(dmabuf, source.writable);
	if (ret)
		return ret;
	if (down_read_killable(&xq->import_lock))
		return -EINTR;
	ret = import_map(call, &source, &buf);
	up_read(&xq->import_lock);
	if (!ret)
		ret = handle_give(buf, &cmd->handle);
	if (!ret)
		cmd->bytes = source.bytes;
	return ret;
}

int xqaccel_ioctl_buf_import(struct xqaccel_call *call)
{
	const struct xqaccel_buf_import *cmd = call->data;
	struct dma_buf *dmabuf;
	int ret;

	if (READ_ONCE(call->client->xq->lost))
		return -ENODEV;
	if (cmd->flags & ~XQACCEL_BUF_READ_ONLY)
		return -EOPNOTSUPP;
	dmabuf = dma_buf_get(cmd->fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	ret = import(call, dmabuf);
	dma_buf_put(dmabuf);
	return ret;
}

void xqaccel_buf_import_finish(struct xqaccel_call *call, bool written)
{
	const struct xqaccel_buf_import *cmd = call->data;

	handle_finish(call->client, cmd->handle, written);
}
