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

/* The fast way into the page tables has interrupts off for so many. */
#define PIN_AT_ONCE	1024UL

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
	const unsigned int flags = FOLL_LONGTERM | (buf->writable ? FOLL_WRITE : 0);
	const unsigned long count = buf->page_count;
	unsigned long at = 0;
	long got = 0;

	might_sleep();
	while (at < count) {
		got = fatal_signal_pending(current) ? -EINTR :
		      pin_user_pages_fast(address + (at << PAGE_SHIFT),
					  min(count - at, PIN_AT_ONCE), flags, buf->pages + at);
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
