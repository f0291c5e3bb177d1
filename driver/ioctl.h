/* SPDX-License-Identifier: GPL-2.0 */
/* One ioctl under way, and the functions that handle them, see ioctl.c. */
#ifndef XQACCEL_IOCTL_H
#define XQACCEL_IOCTL_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#include "fence.h"

struct file;
struct xqaccel_client;

/**
 * struct xqaccel_call - what handle() leaves for finish()
 * @client: whose file it is
 * @data: kernel copy of the structure, which goes back to user space in between
 * @jobs: made and counted but not published (SUBMIT), or taken off the lists (WAIT)
 * @file: that the process gets as a file descriptor (BUF_EXPORT)
 * @fencing: fences of the jobs (SUBMIT)
 * @shared: others have some of the jobs' buffers, too (SUBMIT)
 * @error: why @finish undid what @handle did, although the results were written
 * @wait_for: why @handle failed may pass: it is called again after these, once for each
 * @waited: for these so far
 */
struct xqaccel_call {
	struct xqaccel_client *client;
	void *data;
	struct list_head jobs;
	struct file *file;
	struct xqaccel_fencing fencing;
	bool shared;
	int error;
	unsigned int wait_for;
	unsigned int waited;
};

/* What others give back soon; no lock is held meanwhile. */
#define XQACCEL_WAIT_FOR_DEAD		BIT(0)	/* the client's own buffers */
#define XQACCEL_WAIT_FOR_CONTEXT	BIT(1)	/* contexts of clients that end */

long xqaccel_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* info.c */
int xqaccel_ioctl_info(struct xqaccel_call *call);

/* client.c */
int xqaccel_ioctl_context_create(struct xqaccel_call *call);

/* buffer.c */
int xqaccel_ioctl_buf_create(struct xqaccel_call *call);
void xqaccel_buf_create_finish(struct xqaccel_call *call, bool written);
int xqaccel_ioctl_buf_destroy(struct xqaccel_call *call);
int xqaccel_ioctl_buf_wrap(struct xqaccel_call *call);
void xqaccel_buf_wrap_finish(struct xqaccel_call *call, bool written);
int xqaccel_ioctl_buf_import(struct xqaccel_call *call);
void xqaccel_buf_import_finish(struct xqaccel_call *call, bool written);

/* buffer_export.c */
int xqaccel_ioctl_buf_export(struct xqaccel_call *call);
void xqaccel_buf_export_finish(struct xqaccel_call *call, bool written);

/* submit.c */
int xqaccel_ioctl_submit(struct xqaccel_call *call);
void xqaccel_submit_finish(struct xqaccel_call *call, bool written);

/* wait.c */
int xqaccel_ioctl_wait(struct xqaccel_call *call);
void xqaccel_wait_finish(struct xqaccel_call *call, bool written);

/* program_record.c */
int xqaccel_ioctl_program_create(struct xqaccel_call *call);
void xqaccel_program_create_finish(struct xqaccel_call *call, bool written);
int xqaccel_ioctl_program_destroy(struct xqaccel_call *call);

/* cancel.c */
int xqaccel_ioctl_cancel(struct xqaccel_call *call);

/* eventfd.c */
int xqaccel_ioctl_eventfd(struct xqaccel_call *call);

#endif
