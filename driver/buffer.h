/* SPDX-License-Identifier: GPL-2.0 */
/* Buffers: pages that a client and its jobs share. */
#ifndef XQACCEL_BUFFER_H
#define XQACCEL_BUFFER_H

#include <linux/dma-direction.h>
#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct file;
struct vm_area_struct;
struct cred;
struct xqaccel_client;
struct xqaccel_device;

#define XQACCEL_MAX_BUFFER_BYTES	(4ULL << 30)
#define XQACCEL_MAX_HANDLE		((1U << 20) - 1)

/* Whose memory a buffer is made of. */
enum xqaccel_origin {
	XQACCEL_OWN,		/* the driver's, see buffer_pages.c */
	XQACCEL_USER,		/* a process's, see buffer_user.c */
	XQACCEL_IMPORTED,	/* a dma-buf's, see buffer_import.c */
};

/**
 * struct xqaccel_source - what a buffer is to be made of
 * @origin: whose memory
 * @bytes: whole pages
 * @writable: by the device
 * @shared: OWN memory that can be exported
 * @address: of USER memory, in the calling process
 * @dmabuf: IMPORTED memory; the buffer takes a reference of its own
 * @foreign: IMPORTED memory whose caches are the exporter's to maintain
 */
struct xqaccel_source {
	enum xqaccel_origin origin;
	u64 bytes;
	bool writable;
	bool shared;
	unsigned long address;
	struct dma_buf *dmabuf;
	bool foreign;
};

/**
 * struct xqaccel_buffer - references are held by the handle, by jobs, by mappings and by dma-bufs
 * @ref: the last one sends it to client->dead_buffers
 * @client: outlives it, unless it is kept: each holder of a reference also has one of the client
 * @node: in client->live, pinned or imported, or kept for a device that may still write it
 * @dead_node: in client->dead_buffers or client->dying
 * @handle: also after the handle is gone, to name it in completions
 * @origin: whose memory it is
 * @mmap_page: mmap offset in pages, 0 if the file does not map it
 * @bytes: whole pages
 * @charged: of these, what is charged to the client
 * @va: device address
 * @has_va: @va is this buffer's; under client->mem_lock
 * @pages: those of a mapping; NULL if there was no memory when the device went. IMPORTED has none
 * @page_count: length of @pages, if there are any
 * @sgt: bus addresses, while @mapped. Of IMPORTED a copy of @attached, to be read only
 * @dir: in which way @sgt was mapped
 * @dma_dev: whose DMA API that is
 * @mapped: in the DMA API; under client->mem_lock, or kept.lock if it was kept, or whoever took it
 *	from client->imported
 * @from_dma: the memory is the DMA API's, see buffer_pages.c; under client->mem_lock
 * @writable: by the device
 * @foreign: jobs do not maintain caches of it: what lies behind it is only the exporter's to know
 * @resv: fences of those who share the memory, NULL if nobody does; its own or the dma-buf's
 * @own_resv: of a buffer that can be exported
 * @dmabuf: of IMPORTED, with a reference
 * @attachment: of @dmabuf to the device, while there is one
 * @attached: what @attachment was mapped to
 * @kept_owner: while it is kept, whom it is charged to; NULL if there is no limit
 * @unpin_work: of USER memory that was kept and is given back
 * @published: user space has the handle, which names nothing before; under xa_lock
 */
struct xqaccel_buffer {
	struct kref ref;
	struct xqaccel_client *client;
	struct list_head node;
	struct llist_node dead_node;
	u32 handle;
	enum xqaccel_origin origin;
	unsigned long mmap_page;
	u64 bytes;
	u64 charged;
	u64 va;
	struct page **pages;
	unsigned long page_count;
	struct sg_table sgt;
	enum dma_data_direction dir;
	struct device *dma_dev;
	const struct cred *kept_owner;
	struct work_struct unpin_work;
	struct dma_resv *resv;
	struct dma_resv own_resv;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attachment;
	struct sg_table *attached;
	bool has_va;
	bool mapped;
	bool from_dma;
	bool writable;
	bool foreign;
	bool published;
};

u64 xqaccel_max_buffer_bytes(void);
struct xqaccel_buffer *xqaccel_buffer_find(struct xqaccel_client *client, u32 handle);
int xqaccel_buffer_make(struct xqaccel_client *client, const struct xqaccel_source *source,
			struct xqaccel_buffer **out);
int xqaccel_buffer_map(struct xqaccel_buffer *buf);
int xqaccel_buffer_create(struct xqaccel_client *client, const struct xqaccel_source *source,
			  struct xqaccel_buffer **out);
unsigned long xqaccel_buffers_reap(struct xqaccel_client *client);
void xqaccel_buffers_unpin(struct work_struct *work);
void xqaccel_buffers_unimport(struct work_struct *work);
int xqaccel_buffers_wait_dead(struct xqaccel_client *client);
void xqaccel_buffers_close(struct xqaccel_client *client);
void xqaccel_buffers_end(struct xqaccel_client *client, bool safe);
void xqaccel_buffers_detach(struct xqaccel_client *client);

static inline u64 xqaccel_mmap_offset(const struct xqaccel_buffer *buf)
{
	return (u64)buf->mmap_page << PAGE_SHIFT;
}

/* refs.c */
void xqaccel_buffer_get(struct xqaccel_buffer *buf);
void xqaccel_buffer_put(struct xqaccel_buffer *buf);

/* buffer_pages.c */
bool xqaccel_dma_bounces(struct device *dev);
int xqaccel_buffer_pages_alloc(struct xqaccel_buffer *buf, const struct xqaccel_source *source);
int xqaccel_buffer_pages_map(struct xqaccel_buffer *buf);
void xqaccel_buffer_pages_free(struct xqaccel_buffer *buf, bool leak);
void xqaccel_buffer_free(struct xqaccel_buffer *buf, bool leak);
void xqaccel_buffer_pages_detach(struct xqaccel_buffer *buf);
void xqaccel_user_unmap(struct xqaccel_buffer *buf);

/* buffer_user.c */
int xqaccel_user_pin(struct xqaccel_buffer *buf, unsigned long address);
void xqaccel_user_unpin(struct xqaccel_buffer *buf);

/* buffer_import.c */
bool xqaccel_export_is_of(const struct dma_buf *dmabuf, const struct device *dev);
int xqaccel_import_attach(struct xqaccel_buffer *buf, struct dma_buf *dmabuf);
void xqaccel_import_detach(struct xqaccel_buffer *buf);

/* buffer_mmap.c */
int xqaccel_mmap_alloc(struct xqaccel_buffer *buf);
void xqaccel_mmap_free(struct xqaccel_client *client, unsigned long mmap_page);
int xqaccel_mmap(struct file *file, struct vm_area_struct *vma);

#endif
