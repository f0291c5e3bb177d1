// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of user memory: its pages are pinned, for as long as the buffer is there, so the device
 * reaches them where they are, whatever the process does with its address space. They are charged
 * as what the driver allocates is.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "buffer.h"
#include "compat.h"

/* The fast way into the page tables has interrupts off for so many. */
#define PIN_AT_ONCE	1024UL

/* The kernel's is_cow_mapping() goes by another name in newer versions. */
static bool copied_on_write(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/*
 * How the next pages are pinned; *count: not more than this goes for. A private page that was never
 * written is that of a file, or the page of zeros, and the first write makes it another. Where the
 * kernel does not see to it, it is pinned as if it was to be written, though the mapping may not
 * allow that to the process (FOLL_FORCE). A shared one must not be: that makes its file dirty.
 */
static unsigned int pin_flags(const struct xqaccel_buffer *buf, unsigned long address,
			      unsigned long *count)
{
	unsigned int flags = FOLL_LONGTERM | (buf->writable ? FOLL_WRITE : 0);
	const struct vm_area_struct *vma;

	if (buf->writable || !XQACCEL_PIN_MAY_SHARE)
		return flags;
	/* A task that is killed pins nothing. */
	if (mmap_read_lock_killable(current->mm))
		return flags;
	vma = vma_lookup(current->mm, untagged_addr(address));
	if (vma) {
		*count = min(*count, (vma->vm_end - untagged_addr(address)) >> PAGE_SHIFT);
		if (copied_on_write(vma) && vma->vm_flags & VM_READ)
			flags |= FOLL_WRITE | FOLL_FORCE;
	}
	mmap_read_unlock(current->mm);
	return flags;
}

static long pin_some(struct xqaccel_buffer *buf, unsigned long address, unsigned long at)
{
	unsigned long count = min(buf->page_count - at, PIN_AT_ONCE);
	unsigned int flags;

	address += at << PAGE_SHIFT;
	flags = pin_flags(buf, address, &count);
	return fatal_signal_pending(current) ? -EINTR :
	       pin_user_pages_fast(address, count, flags, buf->pages + at);
}

/**
 * xqaccel_user_pin() - pin the pages of a buffer
 * @buf: its pages are to be filled in
 * @address: of whole pages of the calling process
 *
 * Waits for who provides the memory (a file, userfaultfd), so no lock is held.
 *
 * Return: 0, or -errno with nothing pinned.
 */
int xqaccel_user_pin(struct xqaccel_buffer *buf, unsigned long address)
{
	const unsigned long count = buf->page_count;
	unsigned long at = 0;
	long got = 0;

	might_sleep();
	while (at < count) {
		got = pin_some(buf, address, at);
		if (got <= 0)
			break;
		at += got;
		cond_resched();
	}
	buf->page_count = at;
	if (at == count)
		return 0;
	xqaccel_user_unpin(buf);
	return got ?: -EFAULT;
}

/* Pages that the device may have written were never marked so by the processor. */
void xqaccel_user_unpin(struct xqaccel_buffer *buf)
{
	const unsigned long count = buf->pages ? buf->page_count : 0;
	unsigned long at, some;

	for (at = 0; at < count; at += some) {
		some = min(count - at, PIN_AT_ONCE);
		unpin_user_pages_dirty_lock(buf->pages + at, some, buf->writable);
		cond_resched();
	}
	buf->page_count = 0;
}
