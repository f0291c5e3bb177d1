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

/*
 * Memory of the DMA API, whose pages can't be held one by one. It may become ordinary memory
 * while it is mapped, when the device goes.
 */
static vm_fault_t pfn_fault(struct vm_fault *vmf, struct xqaccel_buffer *buf, unsigned long i)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	pgprot_t prot = vma->vm_page_prot;

	mutex_lock(&buf->client->mem_lock);
	/* What a device of an encrypted guest can reach is not encrypted. */
	if (buf->from_dma && cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		prot = pgprot_decrypted(prot);
	if (buf->pages[i])
		ret = vmf_insert_pfn_prot(vma, vmf->address, page_to_pfn(buf->pages[i]), prot);
	mutex_unlock(&buf->client->mem_lock);
	return ret;
}

static vm_fault_t vma_fault(struct vm_fault *vmf)
{
	struct xqaccel_buffer *buf = vmf->vma->vm_private_data;
	const unsigned long i = buffer_page(vmf->vma, vmf->pgoff);

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
	mutex_lock(&client->mem_lock);
	if (buf->from_dma)
		vm_flags_set(vma, VM_PFNMAP | VM_IO);
	mutex_unlock(&client->mem_lock);
	vma->vm_private_data = buf;
	vma->vm_ops = &xqaccel_vm_ops;
	return 0;
}
