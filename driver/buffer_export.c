// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers as dma-bufs, for other devices and processes. A dma-buf holds the buffer and its client.
 * The memory is ordinary pages that never move, so neither the end of the file nor that of the
 * device changes anything for those who have it.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "buffer.h"
#include "client.h"
#include "compat.h"
#include "ioctl.h"

#define GFP_EXPORT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/**
 * struct export - a dma-buf of a buffer
 * @buf: with a reference, and one of its client
 * @lock: protects @mappings
 * @mappings: for other devices
 */
struct export {
	struct xqaccel_buffer *buf;
	struct mutex lock;	/* protects @mappings */
	struct list_head mappings;
};

/*
 * The memory as a device sees it, another one or that of the buffer for another client. For the
 * latter (DMA_ATTR_SKIP_CPU_SYNC) jobs maintain caches, see dma_sync.c.
 */
struct mapping {
	struct list_head node;
	struct device *dev;
	enum dma_data_direction dir;
	unsigned long attrs;
	struct sg_table sgt;
};

static int mapping_init(struct mapping *m, const struct xqaccel_buffer *buf)
{
	const size_t segment = dma_get_max_seg_size(m->dev) & PAGE_MASK;
	int ret;

	/* It would see a copy, which would then be written over what our jobs have written. */
	if (xqaccel_dma_bounces(m->dev))
		return -EOPNOTSUPP;
	ret = sg_alloc_table_from_pages_segment(&m->sgt, buf->pages, buf->page_count, 0,
						buf->bytes, max_t(size_t, segment, PAGE_SIZE),
						GFP_EXPORT);
	if (ret)
		return ret;
	if (m->dev == buf->dma_dev)
		m->attrs = DMA_ATTR_SKIP_CPU_SYNC;
	ret = dma_map_sgtable(m->dev, &m->sgt, m->dir, m->attrs);
	if (ret)
		sg_free_table(&m->sgt);
	return ret;
}

static struct sg_table *export_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction dir)
{
	struct export *export = attachment->dmabuf->priv;
	struct mapping *m;
	int ret;

	/* Whoever was given it for reading can't have another driver write it. */
	if (dir != DMA_TO_DEVICE && !(attachment->dmabuf->file->f_mode & FMODE_WRITE))
		return ERR_PTR(-EACCES);
	m = kzalloc(sizeof(*m), GFP_EXPORT);
	if (!m)
		return ERR_PTR(-ENOMEM);
	m->dev = attachment->dev;
	m->dir = dir;
	ret = mapping_init(m, export->buf);
	if (ret) {
		kfree(m);
		return ERR_PTR(ret);
	}
	mutex_lock(&export->lock);
	list_add(&m->node, &export->mappings);
	mutex_unlock(&export->lock);
	return &m->sgt;
}

static void export_unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
			 enum dma_data_direction dir)
{
	struct export *export = attachment->dmabuf->priv;
	struct mapping *m = container_of(sgt, struct mapping, sgt);

	mutex_lock(&export->lock);
	list_del(&m->node);
	mutex_unlock(&export->lock);
	dma_unmap_sgtable(m->dev, &m->sgt, dir, m->attrs);
	sg_free_table(&m->sgt);
	kfree(m);
}

/*
 * The processor reads or writes: of interest to other devices whose DMA is not coherent, which have
 * to be done first. What is invalidated for our own would be what another process has written for
 * jobs that it is about to submit.
 */
static int export_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct export *export = dmabuf->priv;
	struct mapping *m;
	long ret;

	ret = dma_resv_wait_timeout(dmabuf->resv, dma_resv_usage_rw(dir != DMA_FROM_DEVICE), true,
				    MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		return ret;
	mutex_lock(&export->lock);
	list_for_each_entry(m, &export->mappings, node)
		if (!(m->attrs & DMA_ATTR_SKIP_CPU_SYNC))
			dma_sync_sgtable_for_cpu(m->dev, &m->sgt, m->dir);
	mutex_unlock(&export->lock);
	return 0;
}

static int export_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct export *export = dmabuf->priv;
	struct mapping *m;

	mutex_lock(&export->lock);
	list_for_each_entry(m, &export->mappings, node)
		if (!(m->attrs & DMA_ATTR_SKIP_CPU_SYNC))
			dma_sync_sgtable_for_device(m->dev, &m->sgt, m->dir);
	mutex_unlock(&export->lock);
	return 0;
}

/* The mapping's file is the dma-buf, which holds the buffer. */
static vm_fault_t export_fault(struct vm_fault *vmf)
{
	struct xqaccel_buffer *buf = vmf->vma->vm_private_data;

	if (vmf->pgoff >= buf->page_count)
		return VM_FAULT_SIGBUS;
	get_page(buf->pages[vmf->pgoff]);
	vmf->page = buf->pages[vmf->pgoff];
	return 0;
}

static const struct vm_operations_struct export_vm_ops = {
	.fault = export_fault,
};

static int export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct export *export = dmabuf->priv;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = export->buf;
	vma->vm_ops = &export_vm_ops;
	return 0;
}

static void export_release(struct dma_buf *dmabuf)
{
	struct export *export = dmabuf->priv;
	struct xqaccel_client *client = export->buf->client;

	/* Its end needs the client. */
	xqaccel_buffer_put(export->buf);
	xqaccel_client_put(client);
	mutex_destroy(&export->lock);
	kfree(export);
}

static const struct dma_buf_ops export_ops = {
	.map_dma_buf = export_map,
	.unmap_dma_buf = export_unmap,
	.begin_cpu_access = export_begin_cpu_access,
	.end_cpu_access = export_end_cpu_access,
	.mmap = export_mmap,
	.release = export_release,
};

/**
 * xqaccel_export_is_of() - whether a dma-buf is a buffer of this driver for the same device
 * @dmabuf: of anybody
 * @dev: that does DMA
 *
 * Return: whether caches are maintained by jobs, on both sides
 */
bool xqaccel_export_is_of(const struct dma_buf *dmabuf, const struct device *dev)
{
	const struct export *export = dmabuf->priv;

	return dmabuf->ops == &export_ops && export->buf->dma_dev == dev;
}

/* Takes the reference of the buffer, also when it fails. */
static struct dma_buf *export_create(struct xqaccel_buffer *buf, bool read_only)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct xqaccel_client *client = buf->client;
	struct dma_buf *dmabuf = ERR_PTR(-ENOMEM);
	struct export *export = kzalloc(sizeof(*export), GFP_EXPORT);

	if (!export)
		goto put_buffer;
	export->buf = buf;
	mutex_init(&export->lock);
	INIT_LIST_HEAD(&export->mappings);
	info.ops = &export_ops;
	info.size = buf->bytes;
	info.flags = read_only ? O_RDONLY : O_RDWR;
	/* Every dma-buf of the buffer has the fences of all. */
	info.resv = buf->resv;
	info.priv = export;
	xqaccel_client_get(client);
	dmabuf = dma_buf_export(&info);
	if (!IS_ERR(dmabuf))
		return dmabuf;
	xqaccel_client_put(client);
	kfree(export);
put_buffer:
	xqaccel_buffer_put(buf);
	return dmabuf;
}

int xqaccel_ioctl_buf_export(struct xqaccel_call *call)
{
	struct xqaccel_buf_export *cmd = call->data;
	struct xqaccel_buffer *buf;
	struct dma_buf *dmabuf;
	int fd;

	if (cmd->flags & ~XQACCEL_BUF_READ_ONLY)
		return -EOPNOTSUPP;
	buf = xqaccel_buffer_find(call->client, cmd->handle);
	if (!buf)
		return -ENOENT;
	if (buf->origin != XQACCEL_OWN || !buf->resv) {
		xqaccel_buffer_put(buf);
		return -EINVAL;
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		xqaccel_buffer_put(buf);
		return fd;
	}
	dmabuf = export_create(buf, cmd->flags & XQACCEL_BUF_READ_ONLY);
	if (IS_ERR(dmabuf)) {
		put_unused_fd(fd);
		return PTR_ERR(dmabuf);
	}
	call->file = dmabuf->file;
	cmd->fd = fd;
	return 0;
}

/* The process has the descriptor once it was told of it. */
void xqaccel_buf_export_finish(struct xqaccel_call *call, bool written)
{
	const struct xqaccel_buf_export *cmd = call->data;

	if (written) {
		fd_install(cmd->fd, call->file);
	} else {
		put_unused_fd(cmd->fd);
		fput(call->file);
	}
}
