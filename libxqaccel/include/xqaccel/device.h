/* SPDX-License-Identifier: MIT */
/*
 * Devices, buffers, queues and jobs: the lowest layer of libxqaccel. Every function
 * returns 0 or a negative errno, prints nothing and may be called from any thread; a queue
 * belongs to one thread at a time.
 */
#ifndef XQACCEL_DEVICE_H
#define XQACCEL_DEVICE_H

#include <xqaccel/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_device;
struct xq_buffer;
struct xq_queue;

#define XQ_SOFT_THREADS	1024	/* most threads of "soft" */

/* ---- devices -------------------------------------------------------------- */

/**
 * xq_device_open() - open a device by name
 * @name: "soft" for the device model within this process, the path of a device file, or
 *	NULL for the environment's XQACCEL_DEVICE and, if that is unset, the first of
 *	/dev/xqaccel0 .. /dev/xqaccel15 that opens, and then "soft"
 * @dev: set to the device, owned by the caller until xq_device_close()
 *
 * The environment's XQ_THREADS and XQ_ISA set the threads and kernels of "soft".
 *
 * Return: -ENOENT no such file, -EACCES or -EPERM no permission, -ENODEV not a device of
 * this kind or gone, -EPROTO a driver that lacks what this library needs
 * (xq_device_error() says so), -ENOMEM, -EINVAL a bad XQ_ISA or XQ_THREADS.
 */
int xq_device_open(const char *name, struct xq_device **dev);

/**
 * xq_device_close() - give it back; NULL is allowed
 *
 * The caller has destroyed the device's buffers and queues before.
 */
void xq_device_close(struct xq_device *dev);

/**
 * xq_device_error() - a sentence for a person on why xq_device_open() failed
 * @name: as given to xq_device_open()
 * @error: what it returned
 * @text: filled with a NUL-terminated sentence without a full stop, cut to @size
 */
void xq_device_error(const char *name, int error, char *text, size_t size);

/** xq_device_name() - "soft" or the path; lives as long as the device */
const char *xq_device_name(const struct xq_device *dev);

/**
 * xq_device_info() - capabilities and limits; lives as long as the device
 *
 * Its array of pairs is there to be read, too.
 */
const struct xqaccel_info *xq_device_info(const struct xq_device *dev);

/** xq_device_has_pair() - whether a product of these types runs on the device as it is */
bool xq_device_has_pair(const struct xq_device *dev, enum xq_type a, enum xq_type b);

/** xq_device_has_tiled() - whether a B of this type may come in the tile order */
bool xq_device_has_tiled(const struct xq_device *dev, enum xq_type type);

/* ---- buffers ---------------------------------------------------------------- */

/**
 * xq_buffer_create() - memory that jobs can name
 * @bytes: at least 1; rounded up to whole pages
 * @buf: set to the buffer, owned by the caller until xq_buffer_destroy()
 *
 * The memory is zeroed, page-aligned and mapped for reading and writing.
 *
 * Return: 0, -EINVAL (0 bytes, or more than max_buffer_bytes of the device), -ENOMEM, -ENOSPC
 * (client_bytes or the address space is used up), -ENODEV; for the first buffer also -EBUSY (all
 * contexts of the device are taken) and -EDQUOT (this user has his share of them).
 */
int xq_buffer_create(struct xq_device *dev, size_t bytes, struct xq_buffer **buf);

/**
 * xq_buffer_create_shared() - the same for memory that can be given to others, by xq_buffer_export()
 *
 * Return: also -EOPNOTSUPP (a machine on which nobody else can use the device's memory).
 */
int xq_buffer_create_shared(struct xq_device *dev, size_t bytes, struct xq_buffer **buf);

/**
 * xq_buffer_wrap() - memory of the caller as a buffer, without a copy
 * @data: at a multiple of the page size, sysconf(_SC_PAGESIZE)
 * @bytes: a multiple of it, too. Memory of 2 MiB pages at multiples of 2 MiB costs the device least
 * @flags: XQACCEL_BUF_READ_ONLY: jobs only read it, so it need not be writable; or 0
 * @buf: set to the buffer, owned by the caller until xq_buffer_destroy(), which leaves the memory as
 *	it is. Until then, and until jobs that use it have ended, the memory has to stay mapped
 *
 * Its pages are pinned, and count as those of xq_buffer_create() do. A file can be mapped and wrapped
 * READ_ONLY: its weights then need no copy.
 *
 * Return: 0, -EINVAL (not whole pages, none, or too many), -EFAULT (memory that is not there, not writable
 * or that can't be pinned), -EOPNOTSUPP (another flag; a machine on which the device can't use the
 * memory where it is) and the errors of xq_buffer_create().
 */
int xq_buffer_wrap(struct xq_device *dev, void *data, size_t bytes, uint32_t flags,
		   struct xq_buffer **buf);

/**
 * xq_buffer_import() - memory of another device, driver or process as a buffer, without a copy
 * @fd: of a dma-buf; on "soft" of anything that can be mapped shared, as a memfd. It stays the caller's
 *	and can be closed
 * @flags: XQACCEL_BUF_READ_ONLY: jobs only read it, and it is mapped for reading; or 0
 * @buf: set to the buffer, owned by the caller until xq_buffer_destroy()
 *
 * xq_buffer_size() is that of the dma-buf, xq_buffer_data() NULL if who exported it does not let it be
 * mapped. A program that accesses the mapping brackets that by DMA_BUF_IOCTL_SYNC.
 *
 * Return: 0, -EBADF, -EINVAL (not a dma-buf, not whole pages, or too large), -EACCES (@fd is open for reading
 * only), -EOPNOTSUPP as xq_buffer_wrap(), and the errors of xq_buffer_create().
 */
int xq_buffer_import(struct xq_device *dev, int fd, uint32_t flags, struct xq_buffer **buf);

/**
 * xq_buffer_export() - a descriptor by which others have the memory, too
 * @buf: that xq_buffer_create_shared() made
 * @flags: XQACCEL_BUF_READ_ONLY: it can only be read by it; or 0
 * @fd: set to a dma-buf, on "soft" to a memfd; owned by the caller, closed on exec. The memory lives as long
 *	as that or the buffer
 *
 * Return: 0, -EINVAL (another buffer), -EOPNOTSUPP (another flag), -EMFILE, -ENFILE, -ENOMEM, -ENODEV.
 */
int xq_buffer_export(const struct xq_buffer *buf, uint32_t flags, int *fd);

/** xq_buffer_destroy() - unmap and give back; NULL is allowed. Jobs that use it may run on. */
void xq_buffer_destroy(struct xq_buffer *buf);

/** xq_buffer_data() - its address in this process; NULL if it was imported and can't be mapped */
void *xq_buffer_data(const struct xq_buffer *buf);

/** xq_buffer_size() - bytes, as rounded up */
size_t xq_buffer_size(const struct xq_buffer *buf);

/** xq_buffer_handle() - its name in operands of struct xqaccel_job_desc */
uint32_t xq_buffer_handle(const struct xq_buffer *buf);

/* ---- jobs --------------------------------------------------------------------- */

/**
 * struct xq_operand - where a matrix or vector lies
 * @buffer: NULL for an operand that the job does not have
 * @offset: bytes from the start of the buffer
 * @stride: bytes from one row to the next, 0 in a vector, the codebook and a tiled B
 * @batch_stride: bytes from one batch element to the next; 0 repeats the operand
 */
struct xq_operand {
	struct xq_buffer *buffer;
	uint64_t offset;
	uint64_t stride;
	uint64_t batch_stride;
};

/**
 * struct xq_gemm - C[batch][m][n] (+)= (A[batch][m][k] - a_zp) x (B[batch][n][k] - b_zp)^T
 *
 * Members have the meaning of struct xqaccel_job_desc's (linux/xqaccel.h); zero what is not
 * needed. @batch 0 counts as 1. @flags: XQACCEL_JOB_*; one that is SILENT has a completion only
 * if it fails, and does not count as pending. With GROUP_REAL groups have real scales and minima and C
 * is float32; xqaccel/grouped.h packs such weights.
 */
struct xq_gemm {
	uint32_t m, n, k, batch;
	enum xq_type a_type, b_type;
	uint32_t flags;
	uint32_t group;
	enum xq_type a_scale_type, b_scale_type;
	int32_t a_zp, b_zp;
	uint32_t a_supergroup, b_supergroup;
	enum xq_type a_scale2_type, b_scale2_type, b_min_type, b_min2_type;
	uint64_t group_stride;
	uint64_t user_data;
	struct xq_operand a, b, c;
	struct xq_operand a_zps, b_zps;
	struct xq_operand a_scale, b_scale;
	struct xq_operand codebook;
	struct xq_operand a_scale2, b_scale2, b_min, b_min2;
};

/**
 * struct xq_completion - how a job ended
 *
 * @status: 0, or a negative errno: -EFAULT translation fault, -EIO bus error, -EINVAL
 *	refused by the device, -ETIMEDOUT longer than its limit, -ECANCELED stopped by a
 *	reset, -ENODEV device lost
 * @overflow: K was so large that an accumulator may have wrapped
 * @start_ns: @end_ns: by the device's clock
 * @failed_job: of a program that failed: index of the job that did, those before it have ended well;
 *	XQACCEL_NO_JOB if nobody knows
 */
struct xq_completion {
	uint64_t user_data;
	int status;
	bool overflow;
	uint64_t start_ns, end_ns;
	uint64_t macs, bytes, bytes_copied;
	uint64_t fault_offset;
	uint32_t failed_job;
};

#define XQ_QUEUE_IOCTL	(1U << 0)	/* jobs go to the driver by ioctl */
#define XQ_QUEUE_URING	(1U << 1)	/* by a ring of the queue's own (io_uring) */
#define XQ_QUEUE_FENCES	(1U << 2)	/* with fences; by ioctl unless URING is set */

/**
 * struct xq_queue_options - zero for the defaults
 * @timeout_ms: time limit of each job on the device, 0 for the device's default
 * @flags: XQ_QUEUE_IOCTL or URING, each with or without FENCES, or FENCES alone; 0 for the
 *	environment's XQ_QUEUE_ENGINE, "ioctl" or "uring", and if that is unset a ring where driver
 *	and system have it
 */
struct xq_queue_options {
	uint32_t timeout_ms;
	uint32_t flags;
};

/**
 * xq_queue_create() - a queue of jobs, which run and complete in order
 * @options: may be NULL
 *
 * Jobs of different queues may run at the same time. How jobs get to the device is hidden behind the
 * queue, but for this: with a ring, jobs that are under way when the thread ends that submitted them end
 * as -ECANCELED, and a job that the driver refuses when it was accepted already, as the user has too many
 * under way or memory is short, has a completion with that error.
 *
 * Return: -ENOMEM, -EINVAL (also of XQ_QUEUE_ENGINE), -ENOSPC (no lane is free), where a ring is asked
 * for and there is none -EOPNOTSUPP or what io_uring_setup() says, and -EOPNOTSUPP where fences are and
 * xq_device_has_fences() says that there are none.
 */
int xq_queue_create(struct xq_device *dev, const struct xq_queue_options *options,
		    struct xq_queue **queue);

/** xq_queue_engine() - how jobs get to the device: "soft", "ioctl" or "uring" */
const char *xq_queue_engine(const struct xq_queue *queue);

/** xq_queue_destroy() - waits for its jobs, drops their completions; NULL is allowed */
void xq_queue_destroy(struct xq_queue *queue);

/**
 * xq_queue_submit() - start jobs
 * @count: of @jobs
 *
 * Operands' memory belongs to the device until the completion is taken.
 *
 * Return: number of jobs accepted, at least 1; or the error of the first: -EAGAIN the queue
 * is full (take completions first) or the user has too many jobs under way, -EINVAL, -ERANGE an operand reaches past its buffer, -EACCES a read-only buffer would be written,
 * -EOVERFLOW, -EOPNOTSUPP pair of types, -ENOENT buffer of another device, -ENODEV,
 * -ENOMEM; as linux/xqaccel.h says for XQACCEL_IOCTL_SUBMIT.
 */
int xq_queue_submit(struct xq_queue *queue, const struct xq_gemm *jobs, unsigned int count);

/**
 * xq_queue_wait() - take completions
 * @completions: array of @count
 * @min: wait for so many; 0 takes what there is
 * @timeout_ns: relative; negative waits for ever
 *
 * Return: number taken, or -ETIMEDOUT, -EINTR, -ENOENT (fewer jobs are under way than
 * @min), -ENODEV.
 */
int xq_queue_wait(struct xq_queue *queue, struct xq_completion *completions, unsigned int count,
		  unsigned int min, int64_t timeout_ns);

/**
 * xq_queue_cancel() - end jobs before their time
 * @user_data: of the jobs to end
 *
 * Their completions tell how they ended: -ECANCELED, or as ever if the end came first. A job
 * that the device does not have yet ends at once, before older ones of the queue.
 *
 * Return: number of jobs that had not ended, 0 too, or -ENODEV.
 */
int xq_queue_cancel(struct xq_queue *queue, uint64_t user_data);

/** xq_device_has_fences() - whether jobs can have fences; "soft" has none, and neither have old drivers */
bool xq_device_has_fences(const struct xq_device *dev);

/**
 * struct xq_fences - what jobs wait for, and what waits for them
 * @flags: XQACCEL_SUBMIT_*
 * @in: with XQACCEL_SUBMIT_IN_FENCE: descriptor of a sync_file, which stays the caller's: the jobs start
 *	when it is signalled, and so do later ones of the queue
 * @out: with XQACCEL_SUBMIT_OUT_FENCE set to one that is signalled when the accepted jobs have ended, with
 *	the error of the first that failed; owned by the caller, closed on exec. Else set to -1
 *
 * linux/xqaccel.h (struct xqaccel_submit) has all of it, also what XQACCEL_SUBMIT_EXPLICIT leaves out for
 * buffers that others have, too.
 */
struct xq_fences {
	uint32_t flags;
	int in;
	int out;
};

/**
 * xq_queue_submit_fenced() - start jobs that wait for a fence, or have one
 * @count: of @jobs, at most max_batch of the device
 * @fences: @out is set if jobs were accepted
 *
 * The queue may be of any engine. With a ring the accepted jobs are one command, at most 255 and of
 * programs only one run: their completions come together when the last has ended, and
 * xq_queue_cancel() of one cancels all of them.
 *
 * Return: as xq_queue_submit(); -EBADF no descriptor of a sync_file, -EMFILE, and -EOPNOTSUPP where
 * xq_device_has_fences() says that there are none, and flags that the driver does not know.
 */
int xq_queue_submit_fenced(struct xq_queue *queue, const struct xq_gemm *jobs, unsigned int count,
			   struct xq_fences *fences);

/**
 * xq_queue_eventfd() - have an eventfd tell of completions
 * @fd: of an eventfd, which stays the caller's and can be closed; -1: none any more. It takes the place of
 *	the one before
 *
 * From then on at least one is added to it when completions come that xq_queue_wait() can take, and when the
 * device is lost; with a ring also for what a silent job leaves. What was there before is not told. A program
 * that finds it readable reads it, and then takes with @min 0 until there is nothing.
 *
 * With a ring completions come when the thread that submitted sleeps in the kernel or calls it.
 *
 * Return: 0, -EBADF, -EINVAL (not an eventfd), -EMFILE, -ENOMEM; -ENOTTY from an older driver.
 */
int xq_queue_eventfd(struct xq_queue *queue, int fd);

/** xq_queue_pending() - jobs submitted whose completions were not taken */
unsigned int xq_queue_pending(const struct xq_queue *queue);

/**
 * xq_gemm_run() - submit one job and wait for it
 * @completion: may be NULL
 *
 * Not while other jobs of this queue are under way (-EBUSY), but for silent ones. It has ended
 * when this returns, and so have those. Return: 0, what xq_queue_submit() can return, the status
 * of the first silent job before it that failed and was not heard of yet, or the job's own status;
 * @completion is the job's in every case (of a silent one that ended well all is 0).
 */
int xq_gemm_run(struct xq_queue *queue, const struct xq_gemm *job,
		struct xq_completion *completion);

/**
 * xq_job_submit() - start jobs of any operation
 * @jobs: [count] in the form of linux/xqaccel.h, which describes every operation; an operand's handle is
 *	xq_buffer_handle() of a buffer of the queue's device. xq_device_info() says which operations it has
 *
 * As xq_queue_submit(); -EOPNOTSUPP also for an operation or format that the device lacks.
 */
int xq_job_submit(struct xq_queue *queue, const struct xqaccel_job_desc *jobs, unsigned int count);

/** xq_job_submit_fenced() - the same with fences, as xq_queue_submit_fenced() */
int xq_job_submit_fenced(struct xq_queue *queue, const struct xqaccel_job_desc *jobs,
			 unsigned int count, struct xq_fences *fences);

/** xq_job_run() - submit one job of any operation and wait for it; as xq_gemm_run() */
int xq_job_run(struct xq_queue *queue, const struct xqaccel_job_desc *job,
	       struct xq_completion *completion);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
