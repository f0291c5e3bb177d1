// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping of buffers into processes. Pages appear when they are touched. A mapping holds
 * the buffer, not the device: after an unplug it goes on as plain memory.
 */
#include <linux/cc_platform.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "buffer.h"
#include "client.h"
#include "compat.h"

/*
 * Gives a buffer with a handle the lowest free range of offsets, so that those of a 32-bit
 * program stay where its off_t reaches. 0 is no buffer's.
 */
int xqaccel_mmap_alloc(struct xqaccel_buffer *buf)
{
	struct xqaccel_client *client = buf->client;
	int ret;

	MA_STATE(mas, &client->mmap_pages, 0, 0);

	mutex_lock(&client->mmap_lock);
	mas_lock(&mas);
	ret = mas_empty_area(&mas, 1, ULONG_MAX >> PAGE_SHIFT, buf->page_count);
	if (!ret) {
		buf->mmap_page = mas.index;
		ret = mas_store_gfp(&mas, xa_mk_value(buf->handle),
				    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	}
	mas_unlock(&mas);
	mutex_unlock(&client->mmap_lock);
	return ret == -EBUSY ? -ENOSPC : ret;
}

void xqaccel_mmap_free(struct xqaccel_client *client, unsigned long mmap_page)
{
	mutex_lock(&client->mmap_lock);
	mtree_erase(&client->mmap_pages, mmap_page);
	mutex_unlock(&client->mmap_lock);
}

/* The buffer that an offset belongs to, with a reference. */
static struct xqaccel_buffer *buffer_at(struct xqaccel_client *client, unsigned long page)
{
	void *entry = mtree_load(&client->mmap_pages, page);
	struct xqaccel_buffer *buf = entry ? xqaccel_buffer_find(client, xa_to_value(entry)) : NULL;

	/* The handle may have gone and come back since. */
	if (buf && (page < buf->mmap_page || page - buf->mmap_page >= buf->page_count)) {
		xqaccel_buffer_put(buf);
		return NULL;
	}
	return buf;
}

static void vma_open(struct vm_area_struct *vma)
{
	xqaccel_buffer_get(vma->vm_private_data);
}

static void vma_close(struct vm_area_struct *vma)
{
	xqaccel_buffer_put(vma->vm_private_data);
}

/*
 * Memory of the DMA API, whose pages can't be held one by one. It may become ordinary memory
 * while it is mapped, when the device goes.
 */
static vm_fault_t pfn_fault(struct vm_fault *vmf, struct xqaccel_buffer *buf, unsigned long i)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	pgprot_t prot = vma->vm_page_prot;

	mutex_lock(&buf->client->pages_lock);
	/* What a device of an encrypted guest can reach is not encrypted. */
	if (buf->from_dma && cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		prot = pgprot_decrypted(prot);
	if (buf->pages[i])
		ret = vmf_insert_pfn_prot(vma, vmf->address, page_to_pfn(buf->pages[i]), prot);
	mutex_unlock(&buf->client->pages_lock);
	return ret;
}

static vm_fault_t vma_fault(struct vm_fault *vmf)
{
	struct xqaccel_buffer *buf = vmf->vma->vm_private_data;
	const unsigned long i = vmf->pgoff - buf->mmap_page;

	if (i >= buf->page_count)
		return VM_FAULT_SIGBUS;
	if (vmf->vma->vm_flags & VM_PFNMAP)
		return pfn_fault(vmf, buf, i);
	if (!buf->pages[i])
		return VM_FAULT_SIGBUS;
	get_page(buf->pages[i]);
	vmf->page = buf->pages[i];
	return 0;
}

static const struct vm_operations_struct xqaccel_vm_ops = {
	.open = vma_open,
	.close = vma_close,
	.fault = vma_fault,
};

int xqaccel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct xqaccel_client *client = file->private_data;
	struct xqaccel_buffer *buf;

	/* Not VM_SHARED, which a shared mapping of a file that is open for reading lacks. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	buf = buffer_at(client, vma->vm_pgoff);
	if (!buf)
		return -ENOENT;
	if (vma_pages(vma) > buf->page_count - (vma->vm_pgoff - buf->mmap_page)) {
		xqaccel_buffer_put(buf);
		return -ERANGE;
	}
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	mutex_lock(&client->pages_lock);
	if (buf->from_dma)
		vm_flags_set(vma, VM_PFNMAP | VM_IO);
	mutex_unlock(&client->pages_lock);
	vma->vm_private_data = buf;
	vma->vm_ops = &xqaccel_vm_ops;
	return 0;
}
