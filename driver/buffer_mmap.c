// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping of buffers into processes. Pages appear when they are touched. A mapping holds
 * the buffer, not the device: after an unplug it goes on as plain memory.
 */
#include <linux/fs.h>
#include <linux/mm.h>

#include "buffer.h"
#include "client.h"
#include "compat.h"

static unsigned long buffer_page(struct vm_area_struct *vma, unsigned long pgoff)
{
	return pgoff & ((1ULL << (XQACCEL_MMAP_SHIFT - PAGE_SHIFT)) - 1);
}

static void vma_open(struct vm_area_struct *vma)
{
	xqaccel_buffer_get(vma->vm_private_data);
}

static void vma_close(struct vm_area_struct *vma)
{
	xqaccel_buffer_put(vma->vm_private_data);
}

static vm_fault_t vma_fault(struct vm_fault *vmf)
{
	struct xqaccel_buffer *buf = vmf->vma->vm_private_data;
	const unsigned long i = buffer_page(vmf->vma, vmf->pgoff);

	if (i >= buf->page_count)
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
	const u64 handle = (u64)vma->vm_pgoff >> (XQACCEL_MMAP_SHIFT - PAGE_SHIFT);
	const unsigned long first = buffer_page(vma, vma->vm_pgoff);
	struct xqaccel_buffer *buf;

	/* Not VM_SHARED, which a shared mapping of a file that is open for reading lacks. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	buf = handle <= XQACCEL_MAX_HANDLE ? xqaccel_buffer_find(client, handle) : NULL;
	if (!buf)
		return -ENOENT;
	if (first >= buf->page_count || vma_pages(vma) > buf->page_count - first) {
		xqaccel_buffer_put(buf);
		return -ERANGE;
	}
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = buf;
	vma->vm_ops = &xqaccel_vm_ops;
	return 0;
}
