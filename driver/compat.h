/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that the driver is built for: 6.1 and later. */
#ifndef XQACCEL_COMPAT_H
#define XQACCEL_COMPAT_H

#include <linux/dma-mapping.h>
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#else
#include <linux/io_uring/cmd.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* Before 6.2 a page that is pinned for reading need not be the one that its process writes next. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define XQACCEL_PIN_MAY_SHARE	true
#else
#define XQACCEL_PIN_MAY_SHARE	false
#endif

/* From 6.13 on the name of a namespace is a string. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define XQACCEL_IMPORT_NS(ns)	MODULE_IMPORT_NS(ns)
#else
#define XQACCEL_IMPORT_NS(ns)	MODULE_IMPORT_NS(#ns)
#endif

/* Before 6.10 dma_need_sync() is always true behind an IOMMU. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#include <linux/dma-map-ops.h>

static inline bool xqaccel_dma_coherent(struct device *dev, dma_addr_t addr)
{
	return dev_is_dma_coherent(dev);
}
#else
static inline bool xqaccel_dma_coherent(struct device *dev, dma_addr_t addr)
{
	return !dma_need_sync(dev, addr);
}
#endif

/* Before 6.11 a platform driver's remove() returns an int, of which nothing comes. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define XQACCEL_REMOVE_TYPE	int

static inline int xqaccel_removed(void)
{
	return 0;
}
#else
#define XQACCEL_REMOVE_TYPE	void

static inline void xqaccel_removed(void)
{
}
#endif

/* Before 6.8 it says how much is added. */
static inline void xqaccel_eventfd_signal(struct eventfd_ctx *event)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(event, 1);
#else
	eventfd_signal(event);
#endif
}

#ifdef CONFIG_IO_URING

/* Where an entry of the submission ring has what the command's number leaves to the driver. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
static inline const void *xqaccel_uring_payload(const struct io_uring_cmd *cmd)
{
	return cmd->cmd;
}
#else
static inline const void *xqaccel_uring_payload(const struct io_uring_cmd *cmd)
{
	return cmd->sqe->cmd;
}
#endif

/* Completes a command with what a large entry of the completion ring has besides. */
static inline void xqaccel_uring_done(struct io_uring_cmd *cmd, int res, u64 extra,
				      unsigned int issue_flags)
{
#ifdef IORING_SETUP_CQE_MIXED
	io_uring_cmd_done32(cmd, res, extra, issue_flags);
#else
	io_uring_cmd_done(cmd, res, extra, issue_flags);
#endif
}

/* Defines what xqaccel_uring_in_task() takes: @_name calls @_work(command, issue flags). */
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
#define XQACCEL_URING_TASK_WORK(_name, _work)						\
	static void _name(struct io_tw_req tw_req, io_tw_token_t tw)			\
	{										\
		_work(io_uring_cmd_from_tw(tw_req), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS); \
	}
#else
#define XQACCEL_URING_TASK_WORK(_name, _work)						\
	static void _name(struct io_uring_cmd *cmd, unsigned int issue_flags)		\
	{										\
		_work(cmd, issue_flags);						\
	}
#endif

/* From 6.4 on a ring with DEFER_TASKRUN can be woken once for several completions. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define xqaccel_uring_in_task(_cmd, _task_work) io_uring_cmd_complete_in_task(_cmd, _task_work)
#else
#define xqaccel_uring_in_task(_cmd, _task_work) io_uring_cmd_do_in_task_lazy(_cmd, _task_work)
#endif

/*
 * From 6.7 on io_uring calls the driver again for a command whose task or ring ends, if the driver
 * asked for it. Before, XQACCEL_URING_ORPHANS, the driver has to look.
 */
#ifdef IORING_URING_CMD_CANCELABLE
#define XQACCEL_URING_ORPHANS	false

static inline bool xqaccel_uring_cancels(unsigned int issue_flags)
{
	return issue_flags & IO_URING_F_CANCEL;
}

static inline void xqaccel_uring_mark_cancelable(struct io_uring_cmd *cmd,
						 unsigned int issue_flags)
{
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
}
#else
#define XQACCEL_URING_ORPHANS	true

static inline bool xqaccel_uring_cancels(unsigned int issue_flags)
{
	return false;
}

static inline void xqaccel_uring_mark_cancelable(struct io_uring_cmd *cmd,
						 unsigned int issue_flags)
{
}
#endif

/* Whether the task that a command belongs to is in the course of cancelling all it has. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline bool xqaccel_uring_task_ends(const struct io_kiocb *req)
{
	return req->task->flags & PF_EXITING || atomic_read(&req->task->io_uring->in_idle);
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline bool xqaccel_uring_task_ends(const struct io_kiocb *req)
{
	return req->task->flags & PF_EXITING || atomic_read(&req->task->io_uring->in_cancel);
}
#else
static inline bool xqaccel_uring_task_ends(const struct io_kiocb *req)
{
	return req->tctx->task->flags & PF_EXITING || atomic_read(&req->tctx->in_cancel);
}
#endif

#endif /* CONFIG_IO_URING */

#endif
