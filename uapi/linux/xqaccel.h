/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * User-space interface of the xqaccel driver: /dev/xqaccelN.
 *
 * Opening the device makes a client with a context (an address space on the
 * device) of its own. A client creates buffers, maps them, submits jobs that
 * name {buffer handle, offset, stride}, and reaps completions. User space never
 * names an address. Closing the last reference to the file tears everything
 * down; jobs still queued are dropped, a running one is stopped.
 *
 * Every ioctl takes one structure whose first member is its size. The kernel
 * accepts shorter (older) structures and reads the missing tail as zero, and
 * longer (newer) ones whose unknown tail is zero. All reserved members must be
 * zero. 32- and 64-bit user space share one layout. Sizes of structures, and the
 * strides of arrays of them, are at most XQACCEL_MAX_STRUCT.
 *
 * Errors common to all ioctls:
 *	ENOTTY		unknown ioctl number
 *	EINVAL		size smaller than the first version of the structure, a
 *			reserved member that is not zero, a member out of range
 *	E2BIG		an unknown tail that is not zero, a size too large
 *	EOPNOTSUPP	a flag, operation or pair of formats that this kernel or
 *			this device does not have
 *	EFAULT		a user pointer that cannot be read or written
 *	ENODEV		the device is gone (unplugged or lost for good)
 */
#ifndef _UAPI_LINUX_XQACCEL_H
#define _UAPI_LINUX_XQACCEL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * The ABI's version. The minor number grows with every compatible addition, the
 * major number when an older library could misread what it gets. The library
 * refuses a driver of another major number.
 */
#define XQACCEL_ABI_MAJOR	1
#define XQACCEL_ABI_MINOR	0

/* Largest size of a structure and stride of an array, on every architecture. */
#define XQACCEL_MAX_STRUCT	4096

/*
 * Formats of matrix elements. The codes are those of the hardware descriptor.
 * Elements narrower than a byte are packed from the least significant bit up:
 * element i of a row of w-bit elements is bits [i * w, i * w + w) of the row's
 * little-endian bit string. A row starts at a byte; what is left of its last
 * byte is ignored.
 */
#define XQACCEL_FMT_NONE	0
#define XQACCEL_FMT_S8		1	/* -128..127 */
#define XQACCEL_FMT_U8		2	/* 0..255 */
#define XQACCEL_FMT_S4		3	/* -8..7, two's complement, two a byte */
#define XQACCEL_FMT_U4		4	/* 0..15, two a byte */
#define XQACCEL_FMT_S2		5	/* -2..1, two's complement, four a byte */
#define XQACCEL_FMT_U2		6	/* 0..3, four a byte */
#define XQACCEL_FMT_T2		7	/* -1, 0, 1 stored as S2; code 2 reads as -2 */
#define XQACCEL_FMT_B1		8	/* bit 0 is -1, bit 1 is +1, eight a byte */
#define XQACCEL_FMT_C4		9	/* index into 16 int8 entries, stored as U4 */
#define XQACCEL_FMT_C8		10	/* index into 256 int8 entries, stored as U8 */
#define XQACCEL_FMT_S16		11	/* memory only: no device computes on it yet */
#define XQACCEL_FMT_U16		12	/* memory only */
#define XQACCEL_FMT_S32		13	/* group scales and results */
#define XQACCEL_FMT_F32		14	/* results of some operators */
#define XQACCEL_FMT_COUNT	15

/*
 * The tile order of a packed B. Each row of B (an output channel) is first
 * packed as above into 32-bit little-endian words. A tile is 16 rows by 64
 * words and one page of 4096 bytes: word w of row r lies at byte 4 * (16 * w + r).
 * Rows and words past the matrix are padding, which the device ignores.
 * Tiles follow each other along K first, then along the rows.
 */
#define XQACCEL_TILE_ROWS	16
#define XQACCEL_TILE_WORDS	64
#define XQACCEL_TILE_BYTES	4096

/* ---- what the device and the driver are ------------------------------- */

/**
 * struct xqaccel_info - XQACCEL_IOCTL_INFO
 * @size: sizeof(struct xqaccel_info)
 * @flags: in, must be 0
 * @abi_major: out, XQACCEL_ABI_MAJOR of the running driver
 * @abi_minor: out, XQACCEL_ABI_MINOR of the running driver
 * @hw_version: out, version of the register interface, major << 16 | minor
 * @queues: out, hardware queues
 * @contexts: out, contexts, so at most this many clients at once
 * @lanes: out, lanes a client may name in submit, numbered from 0
 * @max_jobs: out, jobs a client may have submitted and not yet reaped
 * @max_batch: out, largest count of one submit
 * @max_dim: out, largest M, N, K and batch of a job
 * @isa: out, instruction set of the device's kernels, NUL-terminated ("" on
 *	silicon that has nothing to tell)
 * @pairs: out, bit b of element a is set if A in format a times B in format b
 *	runs on this device
 * @tiled: out, bit b is set if B in format b may come in the tile order
 * @features: out, XQACCEL_FEATURE_*
 * @clock_hz: out, ticks a second of the time stamps in completions
 * @max_buffer_bytes: out, largest buffer
 * @client_bytes: out, most bytes of all buffers of one client
 * @default_timeout_ms: out, a job's time limit where submit names none
 * @max_timeout_ms: out, the longest time limit that submit may name
 * @threads: out, engine threads of the device, 0 if it does not tell
 * @reserved: out, 0
 * @driver: out, version of the driver, NUL-terminated
 */
struct xqaccel_info {
	__u32 size;
	__u32 flags;
	__u32 abi_major;
	__u32 abi_minor;
	__u32 hw_version;
	__u32 queues;
	__u32 contexts;
	__u32 lanes;
	__u32 max_jobs;
	__u32 max_batch;
	__u32 max_dim;
	__u32 tiled;
	__u32 pairs[16];
	__u64 features;
	__u64 clock_hz;
	__u64 max_buffer_bytes;
	__u64 client_bytes;
	__u32 default_timeout_ms;
	__u32 max_timeout_ms;
	__u32 threads;
	__u32 reserved;
	char isa[32];
	char driver[32];
};

#define XQACCEL_FEATURE_GROUP_ACC	(1ULL << 0)	/* one accumulator per group */
#define XQACCEL_FEATURE_GROUP_SCALE	(1ULL << 1)	/* integer group scales */
#define XQACCEL_FEATURE_A_ZP_ROWS	(1ULL << 2)	/* a zero point per row of A */

/* ---- buffers ------------------------------------------------------------ */

/**
 * struct xqaccel_buf_create - XQACCEL_IOCTL_BUF_CREATE
 * @size: sizeof(struct xqaccel_buf_create)
 * @flags: must be 0
 * @bytes: in, wanted; out, rounded up to whole pages
 * @mmap_offset: out, offset for mmap(), which takes MAP_SHARED and the whole
 *	buffer or a page-aligned part of it
 * @handle: out, handle, never 0, valid in this file only
 * @reserved: must be 0
 *
 * The memory is zeroed. It counts against the memory cgroup of the caller.
 *
 * EINVAL: bytes is 0 or larger than max_buffer_bytes. ENOMEM: no memory.
 * ENOSPC: client_bytes, what all clients of the device may have together, or the
 * context's address space is used up.
 */
struct xqaccel_buf_create {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 mmap_offset;
	__u32 handle;
	__u32 reserved;
};

/**
 * struct xqaccel_buf_destroy - XQACCEL_IOCTL_BUF_DESTROY
 * @size: sizeof(struct xqaccel_buf_destroy)
 * @handle: in, of this file
 *
 * The handle is gone at once. Submitted jobs and mappings keep the memory until
 * they end. ENOENT: no such handle.
 */
struct xqaccel_buf_destroy {
	__u32 size;
	__u32 handle;
};

/* ---- jobs --------------------------------------------------------------- */

/**
 * struct xqaccel_operand - where a matrix or vector lies
 * @handle: buffer, 0 for an operand that the job does not have
 * @reserved: must be 0
 * @offset: bytes from the start of the buffer
 * @stride: bytes from one row to the next; must be 0 in a vector, the codebook
 *	and a tiled B. Rows of an input may overlap or repeat (stride 0).
 * @batch_stride: bytes from one batch element to the next; 0 repeats the operand
 *
 * C, zero points and S32 group scales are aligned to 4 bytes in offset and
 * strides, a tiled B to 4096; everything else is at any byte.
 */
struct xqaccel_operand {
	__u32 handle;
	__u32 reserved;
	__u64 offset;
	__u64 stride;
	__u64 batch_stride;
};

#define XQACCEL_OP_GEMM			1

#define XQACCEL_JOB_ACCUMULATE		(1U << 0)	/* C += instead of C = */
#define XQACCEL_JOB_B_TILED		(1U << 1)	/* B is in the tile order */
#define XQACCEL_JOB_GROUP_ACC		(1U << 2)	/* C has an accumulator per group */
#define XQACCEL_JOB_FLAGS		(XQACCEL_JOB_ACCUMULATE | XQACCEL_JOB_B_TILED | \
					 XQACCEL_JOB_GROUP_ACC)

/* Indices into xqaccel_job.operand. */
#define XQACCEL_A			0	/* [batch][M][K] of a_format */
#define XQACCEL_B			1	/* [batch][N][K] of b_format */
#define XQACCEL_C			2	/* [batch][M][N] of S32 */
#define XQACCEL_A_ZP			3	/* [batch][M] of S32, else job.a_zp for all */
#define XQACCEL_B_ZP			4	/* [batch][N] of S32, else job.b_zp for all */
#define XQACCEL_A_SCALE			5	/* [batch][M][K / group] of scale_format, else 1 */
#define XQACCEL_B_SCALE			6	/* [batch][N][K / group] of scale_format, else 1 */
#define XQACCEL_CODEBOOK		7	/* [16] or [256] of S8, for C4 and C8 */
#define XQACCEL_OPERANDS		8

/**
 * struct xqaccel_job - one matrix product
 * @op: XQACCEL_OP_GEMM
 * @flags: XQACCEL_JOB_*
 * @user_data: returned in the completion
 * @m: rows of A and of C
 * @n: rows of B, columns of C
 * @k: columns of A and of B
 * @batch: matrices, at least 1
 * @group: elements of K in a group, 0 for none; must divide k
 * @a_format: XQACCEL_FMT_*
 * @b_format: XQACCEL_FMT_*
 * @scale_format: XQACCEL_FMT_U8 or S32 if there are group scales, else 0
 * @reserved: must be 0
 * @a_zp: zero point of A where operand A_ZP is absent
 * @b_zp: zero point of B where operand B_ZP is absent
 * @group_stride: with GROUP_ACC, bytes from the C of one group to the next
 * @operand: by XQACCEL_A .. XQACCEL_CODEBOOK
 *
 * C[m][n] (+)= sum over k of (A[m][k] - a_zp[m]) * (B[n][k] - b_zp[n]), with
 * group scales each group's sum is first multiplied by a_scale[m][g] *
 * b_scale[n][g]; with GROUP_ACC C is [batch][K / group][M][N] and has the sum of
 * each group alone. All arithmetic is exact modulo 2^32.
 *
 * m, n or k may be 0: with k = 0, C is set to 0 (or left, with ACCUMULATE). The
 * span of C, from its first to its last byte, may not overlap the span of an
 * input of the same job, and its rows may not overlap each other: with the
 * strides of C in ascending order, each must be at least the bytes that the
 * smaller ones reach over.
 */
struct xqaccel_job {
	__u32 op;
	__u32 flags;
	__u64 user_data;
	__u32 m;
	__u32 n;
	__u32 k;
	__u32 batch;
	__u32 group;
	__u8 a_format;
	__u8 b_format;
	__u8 scale_format;
	__u8 reserved;
	__s32 a_zp;
	__s32 b_zp;
	__u64 group_stride;
	struct xqaccel_operand operand[XQACCEL_OPERANDS];
};

/**
 * struct xqaccel_submit - XQACCEL_IOCTL_SUBMIT
 * @size: sizeof(struct xqaccel_submit)
 * @flags: must be 0
 * @jobs: pointer to the first job
 * @job_stride: bytes from one job to the next, at least 64
 * @count: jobs, 1..max_batch
 * @lane: 0..lanes-1. Jobs of one lane run and complete in the order of
 *	submission; jobs of different lanes may run at the same time.
 * @timeout_ms: time limit of each job from when it starts on the device, 0 for
 *	the default
 * @done: out, jobs accepted
 * @reserved: must be 0
 *
 * Jobs are checked and accepted one after the other. If the first is refused,
 * the call fails with the reason; if a later one is, the call succeeds and @done
 * says how many were accepted, so that submitting the rest gives the reason.
 *
 * EAGAIN: max_jobs jobs of this client are not yet reaped. ENOENT: no such
 * handle. ERANGE: an operand reaches past the end of its buffer. EOVERFLOW: sizes
 * and strides overflow 64 bits. EINVAL: misaligned or overlapping operands, an
 * operand that is missing or not used by the formats, k not a multiple of group,
 * and whatever else contradicts the description above. EOPNOTSUPP: pair of
 * formats. ENOMEM.
 */
struct xqaccel_submit {
	__u32 size;
	__u32 flags;
	__u64 jobs;
	__u32 job_stride;
	__u32 count;
	__u32 lane;
	__u32 timeout_ms;
	__u32 done;
	__u32 reserved;
};

/* Status of a completion. */
#define XQACCEL_STATUS_OK		0
#define XQACCEL_STATUS_FAULT		1	/* translation fault, see fault_offset */
#define XQACCEL_STATUS_DMA		2	/* the bus reported an error */
#define XQACCEL_STATUS_INVALID		3	/* the device refused the descriptor */
#define XQACCEL_STATUS_TIMEOUT		4	/* longer than its limit; stopped */
#define XQACCEL_STATUS_CANCELED		5	/* stopped before its end by a reset */
#define XQACCEL_STATUS_LOST		6	/* the device is lost */

#define XQACCEL_COMP_OVERFLOW		(1U << 0)	/* K was so large that an accumulator
							 * may have wrapped */

/**
 * struct xqaccel_completion - one ended job
 * @user_data: of the job
 * @status: XQACCEL_STATUS_*
 * @flags: XQACCEL_COMP_*
 * @start: time stamp when the device began, in ticks of clock_hz
 * @end: time stamp when it ended
 * @macs: multiply-accumulates done, batch * M * N * K
 * @bytes: bytes of all operands read and written
 * @bytes_copied: bytes of a tiled B that the device copied before use
 * @fault_handle: buffer of a FAULT, 0 if it is not one of the job's
 * @lane: of the submit
 * @fault_offset: offset in that buffer, or the device address
 */
struct xqaccel_completion {
	__u64 user_data;
	__u32 status;
	__u32 flags;
	__u64 start;
	__u64 end;
	__u64 macs;
	__u64 bytes;
	__u64 bytes_copied;
	__u32 fault_handle;
	__u32 lane;
	__u64 fault_offset;
};

/**
 * struct xqaccel_wait - XQACCEL_IOCTL_WAIT
 * @size: sizeof(struct xqaccel_wait)
 * @flags: must be 0
 * @completions: pointer to the first element of the array to fill
 * @stride: bytes from one element to the next, at least 32; a shorter element
 *	than the kernel's gets its head, the tail of a longer one is zeroed
 * @count: elements of the array, at least 1
 * @min_complete: wait for so many, 0 to take what there is; at most @count and at
 *	most the client's jobs that are not yet reaped
 * @reserved: must be 0
 * @timeout_ns: relative, negative waits for ever
 * @done: out, completions written
 * @pending: out, jobs still not reaped
 *
 * Completions are reaped from all lanes in the order in which they came. With at
 * least one written the call succeeds even if the time ran out.
 *
 * ETIMEDOUT: none came in time. EINTR: a signal handler ran first. ENOENT: nothing to
 * wait for (min_complete is not 0 and there are no jobs).
 *
 * poll() tells POLLIN when there is a completion to reap, POLLHUP | POLLERR when
 * the device is gone. Jobs that were cut short by that complete with
 * STATUS_LOST and can still be reaped.
 */
struct xqaccel_wait {
	__u32 size;
	__u32 flags;
	__u64 completions;
	__u32 stride;
	__u32 count;
	__u32 min_complete;
	__u32 reserved;
	__s64 timeout_ns;
	__u32 done;
	__u32 pending;
};

#define XQACCEL_IOCTL_TYPE		0xB8
#define XQACCEL_CMD_INFO		0x00
#define XQACCEL_CMD_BUF_CREATE		0x01
#define XQACCEL_CMD_BUF_DESTROY		0x02
#define XQACCEL_CMD_SUBMIT		0x03
#define XQACCEL_CMD_WAIT		0x04

/* The size is in the structure, so the number does not carry it. */
#define XQACCEL_IOCTL_INFO		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_INFO)
#define XQACCEL_IOCTL_BUF_CREATE	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_CREATE)
#define XQACCEL_IOCTL_BUF_DESTROY	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_DESTROY)
#define XQACCEL_IOCTL_SUBMIT		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_SUBMIT)
#define XQACCEL_IOCTL_WAIT		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_WAIT)

#endif
