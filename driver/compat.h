/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the driver is built for, 6.1 and later: an entry for each
 * difference, with the version that made it. What the newest kernel has is defined for older ones
 * under its own name where that can be done.
 */
#ifndef XQACCEL_COMPAT_H
#define XQACCEL_COMPAT_H

#include <linux/dma-mapping.h>
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/version.h>

/* 6.2: a page that is pinned for reading is the one that its process writes next. */
#define XQACCEL_PIN_MAY_SHARE	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0))

/* 6.3: the flags of a mapping are set by a function. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(vma, flags)	((vma)->vm_flags |= (flags))
#endif

/* 6.8: an eventfd counts one, which is not said. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define eventfd_signal(event)	eventfd_signal(event, 1)
#endif

/* 6.10: dma_need_sync() is not always true behind an IOMMU. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#include <linux/dma-map-ops.h>
#define xqaccel_dma_coherent(dev, addr)	dev_is_dma_coherent(dev)
#else
#define xqaccel_dma_coherent(dev, addr)	(!dma_need_sync(dev, addr))
#endif

/* 6.11: a platform driver's remove() returns nothing; of the int before, nothing comes. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define XQACCEL_REMOVE_TYPE	int
#define XQACCEL_REMOVED		0
#else
#define XQACCEL_REMOVE_TYPE	void
#define XQACCEL_REMOVED
#endif

#ifdef CONFIG_IO_URING

/* 6.8: a header of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#else
#include <linux/io_uring/cmd.h>
#endif

/* 6.4: a ring with DEFER_TASKRUN can be woken once for several completions. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define io_uring_cmd_do_in_task_lazy	io_uring_cmd_complete_in_task
#endif

/* 6.5: what the command's number leaves to the driver is found through the ring's entry. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define xqaccel_uring_payload(uring_cmd)	((uring_cmd)->cmd)
#else
#define xqaccel_uring_payload(uring_cmd)	((const void *)(uring_cmd)->sqe->cmd)
#endif

/*
 * 6.7: io_uring calls the driver again for a command whose task or ring ends, if the driver asked
 * for it. Before, the driver has to look.
 */
#ifdef IORING_URING_CMD_CANCELABLE
#define XQACCEL_URING_ORPHANS	false
#else
#define XQACCEL_URING_ORPHANS	true
#define IO_URING_F_CANCEL	0
#define io_uring_cmd_mark_cancelable(cmd, issue_flags)	do { } while (0)
#endif

/* 6.3: another name for it that a task is in the course of cancelling all it has. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define in_cancel	in_idle
#endif

/* 6.13: a request leads to its task by way of what that has of io_uring. */
static inline bool xqaccel_uring_task_ends(const struct io_kiocb *req)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	return req->task->flags & PF_EXITING || atomic_read(&req->task->io_uring->in_cancel);
#else
	return req->tctx->task->flags & PF_EXITING || atomic_read(&req->tctx->in_cancel);
#endif
}

/* 6.18: what fills a large entry of the completion ring is a function of its own. */
#ifndef IORING_SETUP_CQE_MIXED
#define io_uring_cmd_done32	io_uring_cmd_done
#endif

/* 6.19: what a task runs has other arguments. @name calls @work(command, issue flags). */
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
#define XQACCEL_URING_TASK_WORK(name, work)						\
	static void name(struct io_tw_req tw_req, io_tw_token_t tw)			\
	{										\
		work(io_uring_cmd_from_tw(tw_req), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);	\
	}
#else
#define XQACCEL_URING_TASK_WORK(name, work)						\
	static void name(struct io_uring_cmd *cmd, unsigned int issue_flags)		\
	{										\
		work(cmd, issue_flags);							\
	}
#endif

#endif /* CONFIG_IO_URING */

#endif
