/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * User-space interface of the xqaccel driver: /dev/xqaccelN.
 *
 * An open file is a client. It asks what the device is, gets a context (an address
 * space on the device), creates buffers, maps them, submits jobs that name {buffer
 * handle, offset, stride} and reaps completions. User space never names an address.
 * Closing the last reference to the file tears everything down; jobs still queued
 * are dropped, a running one is stopped.
 *
 * Every ioctl takes one structure whose first member is its size. The kernel
 * accepts shorter (older) structures and reads the missing tail as zero, and
 * longer (newer) ones whose unknown tail is zero. All reserved members must be
 * zero. 32- and 64-bit user space share one layout. Sizes of structures, and the
 * strides of arrays of them, are at most XQACCEL_MAX_STRUCT.
 *
 * A call that fails has done nothing. That includes EFAULT when the structure can't be
 * written back: no buffer was made, no job was accepted, no completion was taken.
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

/* Largest size of a structure and stride of an array, on every architecture. */
#define XQACCEL_MAX_STRUCT	4096

/**
 * struct xqaccel_array - an array in user memory
 * @stride: bytes from one element to the next. Elements follow the rules of the ioctls'
 *	structures: what a shorter one lacks is zero, the tail of a longer one must be
 *	zero when the kernel reads it, and is set to zero when the kernel writes it.
 * @count: elements
 * @array: pointer to the first
 */
struct xqaccel_array {
	__u32 stride;
	__u32 count;
	__u64 array;
};

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
#define XQACCEL_FMT_F32		14	/* real scales, results of some operators */
#define XQACCEL_FMT_F16		15	/* real scales: IEEE 754 binary16 */
#define XQACCEL_FMT_BF16	16	/* real scales: the upper half of an F32 */
#define XQACCEL_FMT_E8M0	17	/* real scales: 2^(byte - 127), 255 is NaN */

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

/*
 * What the interface can do; a program looks for the bits that it needs. A bit, once
 * given, stays, and there is no version number.
 */
#define XQACCEL_ABI_BASE		(1ULL << 0)	/* all in this header that names no other */
#define XQACCEL_ABI_URING		(1ULL << 1)	/* the commands of io_uring */
#define XQACCEL_ABI_SYNC_FILE		(1ULL << 2)	/* fences of submits */

/**
 * struct xqaccel_pair - two formats that the device multiplies
 * @op: XQACCEL_OP_*
 * @flags: XQACCEL_PAIR_*
 * @a_format: XQACCEL_FMT_* of A
 * @b_format: XQACCEL_FMT_* of B
 * @reserved: 0
 */
struct xqaccel_pair {
	__u32 op;
	__u32 flags;
	__u8 a_format;
	__u8 b_format;
	__u8 reserved[6];
};

#define XQACCEL_PAIR_B_TILED		(1U << 0)	/* B may come in the tile order */

/**
 * struct xqaccel_info - XQACCEL_IOCTL_INFO
 * @size: sizeof(struct xqaccel_info)
 * @flags: in, must be 0
 * @abi: out, XQACCEL_ABI_*
 * @features: out, XQACCEL_FEATURE_*, of the device
 * @pairs: in, room for the first @pairs.count of struct xqaccel_pair, none if the count is 0;
 *	out, the count is that of all pairs of the device. The stride is at least 16.
 * @hw_version: out, version of the register interface, major << 16 | minor, to be told to
 *	people; programs look at @features
 * @queues: out, hardware queues
 * @contexts: out, contexts of the device, so at most this many files have one at once
 * @lanes: out, lanes a client may name in submit, numbered from 0
 * @max_jobs: out, jobs of a lane that may be submitted and not yet reaped; and as many again that
 *	io_uring commands brought and that have not ended
 * @max_batch: out, largest count of one submit
 * @max_dim: out, largest M, N, K and batch of a job
 * @threads: out, engine threads of the device, 0 if it does not tell
 * @default_timeout_ms: out, a job's time limit where submit names none
 * @max_timeout_ms: out, the longest time limit that submit may name
 * @clock_hz: out, ticks a second of the time stamps in completions
 * @max_buffer_bytes: out, largest buffer
 * @client_bytes: out, most bytes of all buffers of one client and of
 *	their page tables
 * @isa: out, instruction set of the device's kernels, NUL-terminated ("" on
 *	silicon that has nothing to tell)
 * @driver: out, version of the driver, NUL-terminated, to be told to people
 *
 * Works without a context, so also when all contexts are taken.
 */
struct xqaccel_info {
	__u32 size;
	__u32 flags;
	__u64 abi;
	__u64 features;
	struct xqaccel_array pairs;
	__u32 hw_version;
	__u32 queues;
	__u32 contexts;
	__u32 lanes;
	__u32 max_jobs;
	__u32 max_batch;
	__u32 max_dim;
	__u32 threads;
	__u32 default_timeout_ms;
	__u32 max_timeout_ms;
	__u64 clock_hz;
	__u64 max_buffer_bytes;
	__u64 client_bytes;
	char isa[32];
	char driver[32];
};

#define XQACCEL_FEATURE_GROUP_ACC	(1ULL << 0)	/* one accumulator per group */
#define XQACCEL_FEATURE_GROUP_SCALE	(1ULL << 1)	/* integer group scales */
#define XQACCEL_FEATURE_A_ZP_ROWS	(1ULL << 2)	/* a zero point per row of A */
#define XQACCEL_FEATURE_CONV		(1ULL << 3)	/* OP_CONV, for the pairs of OP_GEMM */
#define XQACCEL_FEATURE_EPILOGUE	(1ULL << 4)	/* epilogues of products and convolutions */
#define XQACCEL_FEATURE_POOL		(1ULL << 5)	/* OP_POOL */
#define XQACCEL_FEATURE_ELEMENTWISE	(1ULL << 6)	/* OP_ELEMENTWISE */
#define XQACCEL_FEATURE_SOFTMAX		(1ULL << 7)	/* OP_SOFTMAX */
#define XQACCEL_FEATURE_MEAN		(1ULL << 8)	/* OP_MEAN */
#define XQACCEL_FEATURE_COPY		(1ULL << 9)	/* OP_COPY */
#define XQACCEL_FEATURE_GROUP_REAL	(1ULL << 10)	/* real group scales */
#define XQACCEL_FEATURE_PROGRAM		(1ULL << 11)	/* OP_PROGRAM */
#define XQACCEL_FEATURE_COALESCE	(1ULL << 12)	/* interrupts can be coalesced */
#define XQACCEL_FEATURE_SUPERGROUP_SUM	(1ULL << 13)	/* integer sums of supergroups */

/* ---- contexts ----------------------------------------------------------- */

#define XQACCEL_PRIORITY_LOW		(-1)	/* only what others leave */
#define XQACCEL_PRIORITY_NORMAL		0
#define XQACCEL_PRIORITY_HIGH		1	/* before all others; needs CAP_SYS_NICE */

/**
 * struct xqaccel_context_create - XQACCEL_IOCTL_CONTEXT_CREATE
 * @size: sizeof(struct xqaccel_context_create)
 * @flags: must be 0
 * @priority: XQACCEL_PRIORITY_*, of all jobs of the file
 * @reserved: must be 0
 *
 * Makes the file's context. A file that has none gets one of normal priority with its
 * first buffer, which then fails as this call does.
 *
 * EEXIST: the file has a context. EPERM: the priority needs CAP_SYS_NICE. EDQUOT: the user
 * has as many contexts as are left for all others (does not hold for CAP_SYS_RESOURCE).
 * EBUSY: all contexts are taken. ENOMEM.
 */
struct xqaccel_context_create {
	__u32 size;
	__u32 flags;
	__s32 priority;
	__u32 reserved;
};

/* ---- buffers ------------------------------------------------------------ */

#define XQACCEL_BUF_SHARED	(1U << 0)	/* it can be exported */
#define XQACCEL_BUF_READ_ONLY	(1U << 1)	/* nothing writes it through this call's result */

/**
 * struct xqaccel_buf_create - XQACCEL_IOCTL_BUF_CREATE
 * @size: sizeof(struct xqaccel_buf_create)
 * @flags: XQACCEL_BUF_SHARED or 0
 * @bytes: in, wanted; out, rounded up to whole pages
 * @mmap_offset: out, offset for mmap(), which takes MAP_SHARED and the whole
 *	buffer or a page-aligned part of it. Below 2^31 as long as the file's buffers
 *	allow, so that 32-bit programs need no 64-bit off_t.
 * @handle: out, handle, never 0, valid in this file only
 * @reserved: must be 0
 *
 * The memory is zeroed. It counts as locked memory of the user who opened the
 * file, and against the memory cgroup of the caller. Page tables count, too.
 *
 * EINVAL: bytes is 0 or larger than max_buffer_bytes. EOPNOTSUPP: BUF_SHARED on a device whose
 * memory nobody else can use, as its DMA would be bounced. ENOMEM: no memory, or beyond
 * RLIMIT_MEMLOCK. ENOSPC: client_bytes, what all clients of all devices may have
 * together, or the context's address space is used up. And the errors of
 * XQACCEL_IOCTL_CONTEXT_CREATE, if the file has no context.
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
 * struct xqaccel_buf_wrap - XQACCEL_IOCTL_BUF_WRAP
 * @size: sizeof(struct xqaccel_buf_wrap)
 * @flags: XQACCEL_BUF_READ_ONLY or 0
 * @address: of memory of the calling process, at a page
 * @bytes: whole pages
 * @handle: out, as that of a buffer that was created
 * @reserved: must be 0
 *
 * Makes memory that is there a buffer. Nothing is copied: its pages are pinned, where they are,
 * until the buffer has ended or the file is closed, also when the process unmaps them. With
 * BUF_READ_ONLY the memory need not be writable and jobs may only read it. It counts as the
 * memory of BUF_CREATE does, and can't be mapped by the file or exported.
 *
 * EINVAL: not whole pages, or larger than max_buffer_bytes. EFAULT: memory that is not there, not
 * writable (without BUF_READ_ONLY), or not made of pages that can be pinned for long, as that of
 * some files and of devices. EINTR: killed meanwhile. EOPNOTSUPP: the device's DMA would be
 * bounced. ENOMEM, ENOSPC and others as for BUF_CREATE.
 */
struct xqaccel_buf_wrap {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u64 bytes;
	__u32 handle;
	__u32 reserved;
};

/**
 * struct xqaccel_buf_import - XQACCEL_IOCTL_BUF_IMPORT
 * @size: sizeof(struct xqaccel_buf_import)
 * @flags: XQACCEL_BUF_READ_ONLY or 0
 * @fd: of a dma-buf, which can be closed afterwards
 * @handle: out, as that of a buffer that was created
 * @bytes: out, of the dma-buf
 *
 * Makes a dma-buf of another driver, device or process a buffer. Nothing is copied. With
 * BUF_READ_ONLY jobs may only read it. It is mapped by its own file and not by this one, and
 * counts as memory of who made it; only page tables count here.
 *
 * EBADF: no such file. EINVAL: not a dma-buf, not made of whole pages, or larger than
 * max_buffer_bytes. EACCES: the file is open for reading only, and BUF_READ_ONLY is not set.
 * EOPNOTSUPP: the device's DMA would be bounced. What the exporter refuses with, and ENOMEM,
 * ENOSPC and others as for BUF_CREATE.
 */
struct xqaccel_buf_import {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 handle;
	__u64 bytes;
};

/**
 * struct xqaccel_buf_export - XQACCEL_IOCTL_BUF_EXPORT
 * @size: sizeof(struct xqaccel_buf_export)
 * @flags: XQACCEL_BUF_READ_ONLY: the file is open for reading only; or 0
 * @handle: of a buffer that was created with XQACCEL_BUF_SHARED
 * @fd: out, of a dma-buf, closed on exec
 *
 * The dma-buf can be mapped, sent to other processes and imported by other devices. As long as it
 * is there, so are the memory and what the client needs to have it, also when the file was closed.
 *
 * ENOENT: no such handle. EINVAL: a buffer that was not created so. EMFILE, ENFILE, ENOMEM.
 */
struct xqaccel_buf_export {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__s32 fd;
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

/*
 * In the place of a handle, in the jobs of a program: the buffer that a run of the program binds to
 * slot n. Offsets count from the one that the run gives with it.
 */
#define XQACCEL_SLOT(n)			(0x80000000U | (n))

/**
 * struct xqaccel_operand - where a tensor or vector lies
 * @handle: buffer, 0 for an operand that the job does not have
 * @reserved: must be 0
 * @offset: bytes from the start of the buffer
 * @stride: bytes from one row to the next; must be 0 in a vector, the codebook,
 *	a tiled B and a table. Rows of an input may overlap or repeat (stride 0).
 * @batch_stride: bytes from one batch element to the next; 0 repeats the operand
 * @plane_stride: bytes from one plane to the next; must be 0 in what has none
 *
 * Elements of 32 bits are aligned to 4 bytes in offset and strides, those of 16 bits
 * and 64 bits to their size, a tiled B to 4096; everything else is at any byte.
 */
struct xqaccel_operand {
	__u32 handle;
	__u32 reserved;
	__u64 offset;
	__u64 stride;
	__u64 batch_stride;
	__u64 plane_stride;
};

#define XQACCEL_OP_GEMM			1
#define XQACCEL_OP_CONV			2
#define XQACCEL_OP_POOL			3
#define XQACCEL_OP_ELEMENTWISE		4
#define XQACCEL_OP_SOFTMAX		5
#define XQACCEL_OP_MEAN			6
#define XQACCEL_OP_COPY			7
#define XQACCEL_OP_PROGRAM		16

#define XQACCEL_JOB_ACCUMULATE		(1U << 0)	/* C += instead of C = */
#define XQACCEL_JOB_B_TILED		(1U << 1)	/* B is in the tile order */
#define XQACCEL_JOB_GROUP_ACC		(1U << 2)	/* C has an accumulator per group */
#define XQACCEL_JOB_GROUP_REAL		(1U << 3)	/* groups have real scales, C is F32 */
#define XQACCEL_JOB_SUPERGROUP_SUM	(1U << 4)	/* their sums are real by supergroup */
#define XQACCEL_JOB_SILENT		(1U << 16)	/* no completion, unless it fails */

/* Most elements of a group with real scales: its sum of bytes then fits in 32 bits. */
#define XQACCEL_MAX_GROUP_REAL		4096

/* With SUPERGROUP_SUM also most elements of a supergroup, which has at most so many groups. */
#define XQACCEL_MAX_GROUPS_SUMMED	128

/* Indices into xqaccel_job_desc.operand, of a product and of any job's epilogue. */
#define XQACCEL_A			0	/* [batch][M][K] of a_format */
#define XQACCEL_B			1	/* [batch][N][K] of b_format */
#define XQACCEL_C			2	/* [batch][M][N]: S32, F32, or of the epilogue */
#define XQACCEL_A_ZP			3	/* [batch][M] of S32, else gemm.a_zp for all */
#define XQACCEL_B_ZP			4	/* [batch][N] of S32, else gemm.b_zp for all */
#define XQACCEL_A_SCALE			5	/* [batch][M][K / group], else 1 */
#define XQACCEL_B_SCALE			6	/* [batch][N][K / group], else 1 */
#define XQACCEL_CODEBOOK		7	/* [16] or [256] of S8, for C4 and C8 */
#define XQACCEL_A_SCALE2		8	/* [batch][M][K / a_supergroup], else 1 */
#define XQACCEL_B_SCALE2		9	/* [batch][N][K / b_supergroup], else 1 */
#define XQACCEL_B_MIN			10	/* [batch][N][K / group], see GROUP_REAL */
#define XQACCEL_B_MIN2			11	/* [batch][N][K / b_supergroup], else 1 */
#define XQACCEL_EPILOGUE_BIAS		12	/* S32 [N], optional */
#define XQACCEL_EPILOGUE_MULTIPLIER	13	/* S32 [N] or [1] */
#define XQACCEL_EPILOGUE_SHIFT		14	/* S32 [N] or [1] */
#define XQACCEL_EPILOGUE_ADD		15	/* 64 bits, signed, [N] or [1], optional */
#define XQACCEL_EPILOGUE_SCALE		16	/* F32 [N] or [1] */
#define XQACCEL_EPILOGUE_TABLE		17	/* [256] */
#define XQACCEL_EPILOGUE_THRESHOLD	18	/* S32 [N][thresholds] */
#define XQACCEL_EPILOGUE_DECREASES	19	/* U8 [N], optional */
#define XQACCEL_EPILOGUE_ROW_SCALE	20	/* F32 [batch * M], optional */
#define XQACCEL_EPILOGUE_COLUMN_SCALE	21	/* F32 [N], optional */
#define XQACCEL_EPILOGUE_FLOAT_BIAS	22	/* F32 [N], optional */

/* The same indices, of a convolution; X and Y also of a pool, softmax, mean and copy. */
#define XQACCEL_X			0	/* [batch][in_h][in_w][in_c] of x_format */
#define XQACCEL_W			1	/* [out_c][kernel_h * kernel_w * in_c / groups] */
#define XQACCEL_Y			2	/* [batch][out_h][out_w][out_c], as C */
#define XQACCEL_W_ZP			4	/* [out_c] of S32, else conv.w_zp for all */

/* Of a COPY_DYNAMIC, written, optional: an element for each row, in the order of the indices. */
#define XQACCEL_Y_ZP			3	/* S32 */
#define XQACCEL_Y_SCALE			5	/* F32 */

/**
 * struct xqaccel_gemm - a matrix product
 * @m: rows of A and of C
 * @n: rows of B, columns of C
 * @k: columns of A and of B
 * @batch: matrices, at least 1
 * @group: elements of K in a group, 0 for none; must divide k
 * @a_format: XQACCEL_FMT_*
 * @b_format: XQACCEL_FMT_*
 * @a_scale_format: XQACCEL_FMT_* of A's group scales, 0 if it has none: U8 or S32; with
 *	GROUP_REAL U8, S8, F16, BF16, F32 or E8M0
 * @b_scale_format: the same for B's
 * @a_zp: zero point of A where operand A_ZP is absent
 * @b_zp: zero point of B where operand B_ZP is absent
 * @a_supergroup: elements of K that share a second-level scale of A: whole groups, and must divide
 *	k. 0 without a_scale2_format
 * @a_scale2_format: XQACCEL_FMT_F16, BF16, F32 or E8M0 if A has second-level scales, else 0
 * @b_supergroup: the same for B's second-level scales and minima
 * @b_scale2_format: the same for B
 * @b_min_format: XQACCEL_FMT_* of the minima of B's groups as for @b_scale_format, 0 if it has none
 * @b_min2_format: the same as @b_scale2_format for the second level of B's minima
 *
 * C[m][n] (+)= sum over k of (A[m][k] - a_zp[m]) * (B[n][k] - b_zp[n]), with
 * group scales each group's sum is first multiplied by a_scale[m][g] *
 * b_scale[n][g]; with GROUP_ACC C is [batch][K / group][M][N], its groups being its
 * planes, and has the sum of each group alone. All arithmetic is exact modulo 2^32.
 *
 * GROUP_REAL: A and B stand for real numbers, a_scale * (A - a_zp) and b_scale * (B - b_zp) -
 * b_min, and C is their product in F32. In each group the sums of (A - a_zp) * (B - b_zp), s, and
 * of A - a_zp, t, are exact modulo 2^32; then, for the groups in ascending order, in float32,
 *
 *	c = fma(float(s), a * b, c)
 *	c = fma(-(float(t) * a), min, c)	if there is B_MIN or B_MIN2
 *
 * where c starts at 0 (at C with ACCUMULATE), a = a_scale[m][g] * a_scale2[m][supergroup], b and
 * min likewise. Every operation rounds once, halves to even, and keeps denormal numbers; a NaN in C
 * is always 0x7fc00000. group is at most XQACCEL_MAX_GROUP_REAL. With B_TILED the scales and minima
 * of B lie as B does, 16 rows beside each other: [batch][(N + 15) / 16][K / group][16], and their
 * stride is from 16 rows to the next. The epilogue may be FLOAT without a bias in S32: c takes the
 * place of the accumulator.
 *
 * SUPERGROUP_SUM, with GROUP_REAL: the first level is integers. A has second-level scales alone, B
 * has both levels, its first in U8 or S8, and its minima have both or there are none; a_supergroup
 * is b_supergroup, at most XQACCEL_MAX_GROUP_REAL elements and XQACCEL_MAX_GROUPS_SUMMED groups.
 * For the supergroups in ascending order
 *
 *	c = fma(float(S), a_scale2 * b_scale2, c)
 *	c = fma(-(float(T) * a_scale2), b_min2, c)	if there are minima
 *
 * where S is the sum of b_scale * s over the supergroup's groups, T that of b_min * t, both exact
 * modulo 2^32. So ggml computes its K types: activations have one scale for 256 elements.
 *
 * m, n or k may be 0: with k = 0, C is set to 0 (or left, with ACCUMULATE).
 */
struct xqaccel_gemm {
	__u32 m;
	__u32 n;
	__u32 k;
	__u32 batch;
	__u32 group;
	__u32 a_format;
	__u32 b_format;
	__u32 a_scale_format;
	__u32 b_scale_format;
	__s32 a_zp;
	__s32 b_zp;
	__u32 a_supergroup;
	__u32 a_scale2_format;
	__u32 b_supergroup;
	__u32 b_scale2_format;
	__u32 b_min_format;
	__u32 b_min2_format;
};

/**
 * struct xqaccel_conv - a convolution of images whose channels lie together (NHWC)
 * @batch: images
 * @in_h: X is [batch][in_h][in_w][in_c]; its rows are pixels, its planes lines
 * @in_w: width of X
 * @in_c: channels of X
 * @out_h: Y is [batch][out_h][out_w][out_c], likewise. Any height and width:
 *	what an output sees outside of X is padding and adds nothing
 * @out_w: width of Y
 * @out_c: channels of Y
 * @kernel_h: a row of W is [kernel_h][kernel_w][in_c / groups]
 * @kernel_w: width of the kernel
 * @groups: output channel o sees the input channels of group o / (out_c / groups)
 * @stride_h: lines of X from one output to the next, at least 1
 * @stride_w: likewise, from pixel to pixel
 * @dilation_h: lines from one tap to the next, at least 1
 * @dilation_w: pixels from one tap to the next, at least 1
 * @pad_top: lines before X
 * @pad_left: pixels before X
 * @transposed: 1 if input i meets output stride * i + dilation * tap - pad, else 0
 * @x_format: XQACCEL_FMT_*
 * @w_format: see @x_format
 * @x_zp: zero point of X. Where there is padding it must be a value of U8 if x_format is U8,
 *	else of S8
 * @w_zp: zero point of W where operand W_ZP is absent
 * @reserved: must be 0
 *
 * Y[n][p][q][o] = sum over taps (r, s) and channels c of (X[n][stride_h * p + dilation_h * r -
 * pad_top][..][c] - x_zp) * (W[o][r][s][c] - w_zp[o]), modulo 2^32. The flag B_TILED says that
 * W is in the tile order, each group by itself, batch_stride apart.
 */
struct xqaccel_conv {
	__u32 batch;
	__u32 in_h;
	__u32 in_w;
	__u32 in_c;
	__u32 out_h;
	__u32 out_w;
	__u32 out_c;
	__u32 kernel_h;
	__u32 kernel_w;
	__u32 groups;
	__u32 stride_h;
	__u32 stride_w;
	__u32 dilation_h;
	__u32 dilation_w;
	__u32 pad_top;
	__u32 pad_left;
	__u32 transposed;
	__u32 x_format;
	__u32 w_format;
	__s32 x_zp;
	__s32 w_zp;
	__u32 reserved;
};

/* Operands of a run of a program: slot i is operand i, and then */
#define XQACCEL_PROGRAM_SLOTS		16
#define XQACCEL_PROGRAM_PROFILE		16	/* struct xqaccel_profile [jobs], optional */
#define XQACCEL_PROGRAM_JOBS		4096	/* most jobs of a program */
#define XQACCEL_PROGRAM_BUFFERS		256	/* most buffers that they name */

/**
 * struct xqaccel_profile - what a job of a program took, written by the device when it has ended
 * @start: when it was started, in ticks of clock_hz
 * @end: when it had ended, likewise
 * @macs: multiply-accumulates
 * @bytes: bytes of all its operands
 */
struct xqaccel_profile {
	__le64 start;
	__le64 end;
	__le64 macs;
	__le64 bytes;
};

#define XQACCEL_EPILOGUE_NONE		0	/* C has the int32 accumulators */
#define XQACCEL_EPILOGUE_REQUANT	1
#define XQACCEL_EPILOGUE_THRESHOLDS	2
#define XQACCEL_EPILOGUE_FLOAT		3

#define XQACCEL_PROFILE_ONNX		0
#define XQACCEL_PROFILE_TFLITE		1
#define XQACCEL_PROFILE_TFLITE_SINGLE	2
#define XQACCEL_PROFILE_FLOOR_SHIFT	3

/**
 * struct xqaccel_epilogue - what becomes of the accumulators before they are written
 * @kind: XQACCEL_EPILOGUE_*; with NONE all else is 0, and so are its operands
 * @profile: XQACCEL_PROFILE_* for REQUANT
 * @format: of C: S8 U8 S4 U4 S2 U2 T2 B1 S16 U16, packed as an A of that format is, or F32
 *	for FLOAT
 * @index_format: NONE, or S8 or U8: the requantized value is of this format, and its byte the
 *	index of the result in the table
 * @channels: 1 if multiplier, shift, add and scale have an element per column, 0 if they have one
 * @thresholds: how many a column has, 1 to 255
 * @zero_point: added to the result
 * @act_min: least value of a result
 * @act_max: greatest value of a result
 * @reserved: must be 0
 *
 * REQUANT rounds acc + bias by a profile, THRESHOLDS counts how many thresholds of its column
 * acc + bias reaches, FLOAT is (acc + bias) * row scale * column scale + float bias.
 * The arithmetic is specified in Documentation/hardware.rst. A job with an epilogue neither
 * accumulates nor has an accumulator per group.
 */
struct xqaccel_epilogue {
	__u32 kind;
	__u32 profile;
	__u32 format;
	__u32 index_format;
	__u32 channels;
	__u32 thresholds;
	__s32 zero_point;
	__s32 act_min;
	__s32 act_max;
	__u32 reserved;
};

/**
 * struct xqaccel_run - a run of a program
 * @program: as PROGRAM_CREATE returned it
 *
 * A run is one job of its lane: one id, one time limit, one completion. Operand i is what slot i is
 * bound to, a handle and an offset; slots that no job of the program uses are absent. Operand
 * XQACCEL_PROGRAM_PROFILE, if it is there, gets a struct xqaccel_profile for each job that has
 * ended, and is aligned to their size. All strides are 0, flags are 0 or SILENT.
 *
 * What the jobs reach of each slot must be in its buffer, and offsets must keep the alignment of
 * their operands. What they write of a slot, or as profile, may not overlap what they read or write
 * of other slots and of the buffers that they name; of buffers that the program names all between
 * the first and the last byte that its jobs touch counts.
 */
struct xqaccel_run {
	__u32 program;
};

/**
 * struct xqaccel_wide - 64 bits as two words, of a number or of its two's complement
 * @low: bits 31..0
 * @high: bits 63..32
 */
struct xqaccel_wide {
	__u32 low;
	__u32 high;
};

/**
 * struct xqaccel_requant - one requantization for all elements
 * @profile: XQACCEL_PROFILE_*
 * @multiplier: of all profiles but ONNX, whose are 0
 * @shift: see @multiplier
 * @scale: of ONNX, the bits of a float32; else 0
 * @add: of FLOOR_SHIFT, signed; else 0
 * @zero_point: added to the result
 * @act_min: least value of a result
 * @act_max: greatest value of a result
 */
struct xqaccel_requant {
	__u32 profile;
	__s32 multiplier;
	__s32 shift;
	__u32 scale;
	struct xqaccel_wide add;
	__s32 zero_point;
	__s32 act_min;
	__s32 act_max;
};

#define XQACCEL_POOL_MAX		0
#define XQACCEL_POOL_AVERAGE		1

/**
 * struct xqaccel_pool - a pool of images whose channels lie together (NHWC)
 * @kind: XQACCEL_POOL_*
 * @format: of X and Y, S8 or U8
 * @batch: images
 * @in_h: X is [batch][in_h][in_w][channels]; its rows are pixels, its planes lines
 * @in_w: width of X
 * @channels: of X and of Y
 * @out_h: Y is [batch][out_h][out_w][channels], likewise. Any height and width
 * @out_w: width of Y
 * @kernel_h: of a window, at least 1 and together at most 2^23 elements
 * @kernel_w: width of the kernel
 * @stride_h: lines of X from one output to the next, at least 1
 * @stride_w: likewise, from pixel to pixel
 * @pad_top: the window of output pixel (p, q) begins at line p * stride_h - pad_top
 *	and pixel q * stride_w - pad_left of X
 * @pad_left: see @pad_top
 * @act_min: least value of a result
 * @act_max: greatest value of a result
 *
 * Only what is inside X counts: the greatest element, or the sum of the elements by their number,
 * rounded to nearest, halves away from zero. A window without any gives the least value of the
 * format, and an average 0.
 */
struct xqaccel_pool {
	__u32 kind;
	__u32 format;
	__u32 batch;
	__u32 in_h;
	__u32 in_w;
	__u32 channels;
	__u32 out_h;
	__u32 out_w;
	__u32 kernel_h;
	__u32 kernel_w;
	__u32 stride_h;
	__u32 stride_w;
	__u32 pad_top;
	__u32 pad_left;
	__s32 act_min;
	__s32 act_max;
};

/*
 * Tensors of sums, products and copies have six dimensions, the last the elements of a row; leading
 * ones that are not needed are 1. Of the strides, in bytes, that of dimension 4 is the operand's
 * stride, of 3 its plane_stride, of 2 its batch_stride; those of 0 and 1 are words of the
 * operation. Strides of inputs may be anything, 0 repeats. The sizes are at most max_dim, and their
 * product (without those that are 0) at most 2^40.
 */
#define XQACCEL_TENSOR_DIMS		6

/**
 * struct xqaccel_elementwise_input - what is done with an input of a sum or product
 * @format: S8 or U8
 * @zero_point: subtracted first; at most 32000 either way
 * @multiplier: of a sum, by the profile as in struct xqaccel_requant; of a
 *	product 0
 * @shift: see @multiplier
 * @scale: see @multiplier
 * @add: see @multiplier
 * @repeat: 1 if all elements of a row are its first, else 0
 * @outer_stride: of dimensions 0 and 1
 */
struct xqaccel_elementwise_input {
	__u32 format;
	__s32 zero_point;
	__s32 multiplier;
	__s32 shift;
	__u32 scale;
	struct xqaccel_wide add;
	__u32 repeat;
	struct xqaccel_wide outer_stride[2];
};

#define XQACCEL_ELEMENTWISE_ADD		0
#define XQACCEL_ELEMENTWISE_MUL		1

/**
 * struct xqaccel_elementwise - sum or product of two tensors
 * @kind: XQACCEL_ELEMENTWISE_*
 * @format: of Y, S8 or U8
 * @left_shift: of a sum by TFLITE or TFLITE_SINGLE, so small that 255 plus the magnitude of either
 *	zero point stays below 2^31 when it is shifted; else 0
 * @dim: sizes
 * @outer_stride: of Y, of dimensions 0 and 1
 * @a: first input
 * @b: second input
 * @y: requantization of the result. Of a sum by FLOOR_SHIFT only the bounds; of a sum by ONNX the
 *	scale of Y, of a product by ONNX the factor (a's scale * b's scale) / y's scale; by ONNX the
 *	zero point is at most 32000 either way
 *
 * The arithmetic is specified in Documentation/hardware.rst.
 */
struct xqaccel_elementwise {
	__u32 kind;
	__u32 format;
	__u32 left_shift;
	__u32 dim[XQACCEL_TENSOR_DIMS];
	struct xqaccel_wide outer_stride[2];
	struct xqaccel_elementwise_input a;
	struct xqaccel_elementwise_input b;
	struct xqaccel_requant y;
};

/**
 * struct xqaccel_softmax - softmax of rows of S8, to S8 of scale 1/256 and zero point -128
 * @rows: X and Y are [rows][columns]
 * @columns: elements of a row
 * @multiplier: what a difference is multiplied by to have 26 bits behind the point;
 *	multiplier 0 to 2^31 - 1, shift 0 to 31
 * @shift: see @multiplier
 * @diff_min: differences to the row's greatest element below it count for nothing; at most 0
 *
 * In fixed point, as specified in Documentation/hardware.rst.
 */
struct xqaccel_softmax {
	__u32 rows;
	__u32 columns;
	__s32 multiplier;
	__s32 shift;
	__s32 diff_min;
};

/**
 * struct xqaccel_mean - sums over the middle of [outer][count][inner], requantized
 * @format: of X, S8 or U8
 * @y_format: of Y, S8 or U8
 * @outer: X is [outer][count][inner], apart batch_stride and stride; Y is [outer][inner]
 * @count: see @outer
 * @inner: see @outer
 * @zero_point: subtracted from each element; sums are modulo 2^32
 * @y: its factor has the division by @count in it
 */
struct xqaccel_mean {
	__u32 format;
	__u32 y_format;
	__u32 outer;
	__u32 count;
	__u32 inner;
	__s32 zero_point;
	struct xqaccel_requant y;
};

#define XQACCEL_COPY_NONE		0	/* formats of the same size */
#define XQACCEL_COPY_REQUANT		1	/* of X - zero point, from integers */
#define XQACCEL_COPY_QUANTIZE		2	/* F32 by a scale */
#define XQACCEL_COPY_DYNAMIC		3	/* F32 by a scale of each row, which is written */
#define XQACCEL_COPY_DEQUANTIZE		4	/* (X - zero point) * scale, to F32 */

/**
 * struct xqaccel_copy - a box of elements from one tensor to another, maybe converted
 * @kind: XQACCEL_COPY_*
 * @x_format: XQACCEL_FMT_*. REQUANT and DEQUANTIZE take integers up to S32 (no codes),
 *	all to integers give any of at most 16 bits but B1
 * @y_format: see @x_format
 * @dim: sizes
 * @x_inner_stride: bytes from one element of a row to the next, 0 in formats of
 *	less than 8 bits, whose rows are packed
 * @y_inner_stride: see @x_inner_stride
 * @x_outer_stride: of dimensions 0 and 1
 * @y_outer_stride: see @x_outer_stride
 * @zero_point: of X, for REQUANT and DEQUANTIZE, else 0
 * @y: for REQUANT; for QUANTIZE scale, zero point (at most 32000 either way) and bounds; for
 *	DYNAMIC bounds; for DEQUANTIZE the scale. What is not named is 0
 *
 * The arithmetic is specified in Documentation/hardware.rst.
 */
struct xqaccel_copy {
	__u32 kind;
	__u32 x_format;
	__u32 y_format;
	__u32 dim[XQACCEL_TENSOR_DIMS];
	struct xqaccel_wide x_inner_stride;
	struct xqaccel_wide y_inner_stride;
	struct xqaccel_wide x_outer_stride[2];
	struct xqaccel_wide y_outer_stride[2];
	__s32 zero_point;
	struct xqaccel_requant y;
};

/**
 * struct xqaccel_work - what a job computes, in words of 32 bits
 * @op: XQACCEL_OP_*
 * @flags: XQACCEL_JOB_*
 * @gemm: of OP_GEMM
 * @conv: of OP_CONV
 * @pool: of OP_POOL
 * @elementwise: of OP_ELEMENTWISE
 * @softmax: of OP_SOFTMAX
 * @mean: of OP_MEAN
 * @copy: of OP_COPY
 * @run: of OP_PROGRAM
 * @words: all of them; those that the operation does not have must be 0
 * @epilogue: what follows a product or convolution, else 0
 */
struct xqaccel_work {
	__u32 op;
	__u32 flags;
	union {
		struct xqaccel_gemm gemm;
		struct xqaccel_conv conv;
		struct xqaccel_pool pool;
		struct xqaccel_elementwise elementwise;
		struct xqaccel_softmax softmax;
		struct xqaccel_mean mean;
		struct xqaccel_copy copy;
		struct xqaccel_run run;
		__u32 words[48];
	};
	struct xqaccel_epilogue epilogue;
};

/**
 * struct xqaccel_job_desc - what to compute, and where everything lies
 * @user_data: returned in the completion
 * @work: what to compute
 * @operand: by XQACCEL_A .. XQACCEL_EPILOGUE_FLOAT_BIAS; all others must be 0
 *
 * The span of an output (operand 2, and those that are said to be written), from its first to its
 * last byte, may not overlap the span of another operand of the same job, and its rows may not
 * overlap each other: with its strides in ascending order, each must be at least the bytes that
 * the smaller ones reach over.
 */
struct xqaccel_job_desc {
	__u64 user_data;
	struct xqaccel_work work;
	struct xqaccel_operand operand[23];
};

#define XQACCEL_SUBMIT_IN_FENCE		(1U << 0)	/* wait for @in_fence */
#define XQACCEL_SUBMIT_OUT_FENCE	(1U << 1)	/* give @out_fence */
#define XQACCEL_SUBMIT_EXPLICIT		(1U << 2)	/* nothing but these, see below */

/**
 * struct xqaccel_submit - XQACCEL_IOCTL_SUBMIT
 * @size: sizeof(struct xqaccel_submit)
 * @flags: XQACCEL_SUBMIT_*
 * @jobs: the jobs, struct xqaccel_job_desc; 1..max_batch of them, with a stride of at least 64
 * @lane: 0..lanes-1. Jobs of one lane run and complete in the order of
 *	submission; jobs of different lanes may run at the same time. A lane is also a
 *	stream of completions, which XQACCEL_IOCTL_WAIT can name.
 * @timeout_ms: time limit of each job from when it starts on the device, 0 for
 *	the default
 * @first_id: out, id of the first accepted job; the others follow, each one more. Never 0,
 *	and never used again in this file.
 * @accepted: out, how many jobs were accepted
 * @in_fence: with SUBMIT_IN_FENCE: descriptor of a sync_file, else 0. The jobs start when its
 *	fences are signalled, with or without an error, and so do later ones of the lane
 * @out_fence: out, with SUBMIT_OUT_FENCE: descriptor of a sync_file, closed on exec; else -1. It is
 *	signalled when the accepted jobs have ended and those of earlier submits with fences to
 *	the lane; its error is that of the first that failed: ETIME (STATUS_TIMEOUT), ECANCELED
 *	(STATUS_CANCELED), ENODEV (STATUS_LOST), else EIO
 * @reserved: must be 0
 *
 * Buffers that others have, too (created with BUF_SHARED, or imported), carry fences themselves.
 * The jobs start when those are done who write what they read, and who use what they write, on
 * whatever device; and others wait for them in the same way. With SUBMIT_EXPLICIT neither is so.
 * A fence is there before a submit can name it, so that no circle of them can be made.
 *
 * Jobs are checked one after the other up to one that is refused, and those before it are
 * accepted together. If there are none, the call fails with the reason; otherwise it
 * succeeds, and submitting the rest gives the reason.
 *
 * EBADF: in_fence is not the descriptor of a sync_file. EMFILE: no descriptor is free.
 * EAGAIN: max_jobs jobs of this lane are not yet reaped or as many of its fences not signalled, or
 * the user or all users together have as many jobs as the driver takes. ENOENT: no such
 * handle. EACCES: a job would write a buffer that is read-only. ERANGE: an operand reaches past
 * the end of its buffer. EOVERFLOW: sizes and strides overflow 64 bits. EINVAL: misaligned or
 * overlapping operands, an
 * operand that is missing or not used by the formats, k not a multiple of group,
 * and whatever else contradicts the description above. EOPNOTSUPP: pair of
 * formats. ENOMEM.
 */
struct xqaccel_submit {
	__u32 size;
	__u32 flags;
	struct xqaccel_array jobs;
	__u32 lane;
	__u32 timeout_ms;
	__u64 first_id;
	__u32 accepted;
	__s32 in_fence;
	__s32 out_fence;
	__u32 reserved;
};

/**
 * struct xqaccel_cancel - XQACCEL_IOCTL_CANCEL
 * @size: sizeof(struct xqaccel_cancel)
 * @flags: must be 0
 * @id: of a job of this file
 *
 * A job that has not started ends at once, with STATUS_CANCELED; jobs of its lane that were
 * submitted later go on. One that has is stopped as if its time were over, unless it ends
 * before. Either way its completion tells.
 *
 * ENOENT: there is no such job, or it was reaped. EALREADY: it has ended.
 */
struct xqaccel_cancel {
	__u32 size;
	__u32 flags;
	__u64 id;
};

/* Status of a completion. */
#define XQACCEL_STATUS_OK		0
#define XQACCEL_STATUS_FAULT		1	/* translation fault, see fault_offset */
#define XQACCEL_STATUS_DMA		2	/* the bus reported an error */
#define XQACCEL_STATUS_INVALID		3	/* the device refused the descriptor */
#define XQACCEL_STATUS_TIMEOUT		4	/* longer than its limit; stopped */
#define XQACCEL_STATUS_CANCELED		5	/* by a call, or by a reset or migration */
#define XQACCEL_STATUS_LOST		6	/* the device is lost */

/* K was so large that an accumulator may have wrapped. */
#define XQACCEL_COMP_OVERFLOW		(1U << 0)

/**
 * struct xqaccel_completion - one ended job
 * @user_data: of the job
 * @id: of the job
 * @status: XQACCEL_STATUS_*
 * @flags: XQACCEL_COMP_*
 * @start: time stamp when the device began, in ticks of clock_hz
 * @end: time stamp when it ended
 * @macs: multiply-accumulates done by a product or convolution, batch * M * N * K; else 0
 * @bytes: bytes of all operands read and written
 * @bytes_copied: bytes of a tiled B that the device copied before use
 * @fault_handle: buffer of a FAULT, 0 if it is not one of the job's
 * @lane: of the submit
 * @fault_offset: offset in that buffer, or the device address
 * @failed_job: of a program that failed, timed out or was canceled: index of the job that it came
 *	to, those before it have ended well; XQACCEL_NO_JOB if nobody knows, as when the device is
 *	lost. Else 0
 * @reserved: 0
 */
struct xqaccel_completion {
	__u64 user_data;
	__u64 id;
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
	__u32 failed_job;
	__u32 reserved;
};

#define XQACCEL_NO_JOB			0xffffffffU

#define XQACCEL_WAIT_LANE		(1U << 0)	/* only jobs of @lane */
#define XQACCEL_WAIT_JOB		(1U << 1)	/* only the job @id */

#define XQACCEL_NO_DEADLINE		0x7fffffffffffffffLL

/**
 * struct xqaccel_wait - XQACCEL_IOCTL_WAIT
 * @size: sizeof(struct xqaccel_wait)
 * @flags: XQACCEL_WAIT_*, at most one of them. Neither: jobs of all lanes.
 * @completions: the array to fill, struct xqaccel_completion; at least one, with a stride of
 *	at least 32. A shorter element than the kernel's gets its head.
 * @min_complete: wait for so many, 0 to take what there is; at most @completions.count and at
 *	most the jobs that are not yet reaped
 * @lane: with WAIT_LANE, else 0
 * @id: with WAIT_JOB, as SUBMIT returned it, else 0
 * @deadline_ns: time of CLOCK_MONOTONIC until which to wait; one that has passed waits for
 *	nothing, XQACCEL_NO_DEADLINE for ever
 * @done: out, completions written
 * @pending: out, jobs still not reaped, of those that were asked for
 *
 * Completions are reaped in the order in which they came. With at
 * least one written the call succeeds even if the time ran out.
 *
 * ETIMEDOUT: none came in time. EINTR: a signal handler ran first. ENOENT: nothing to
 * wait for (min_complete is not 0 and there are no such jobs).
 *
 * poll() tells POLLIN when there is a completion to reap, of any lane, POLLHUP | POLLERR when
 * the device is gone. Jobs that were cut short by that complete with
 * STATUS_LOST and can still be reaped.
 */
struct xqaccel_wait {
	__u32 size;
	__u32 flags;
	struct xqaccel_array completions;
	__u32 min_complete;
	__u32 lane;
	__u64 id;
	__s64 deadline_ns;
	__u32 done;
	__u32 pending;
};

#define XQACCEL_EVENTFD_LANE		(1U << 0)	/* only of jobs of @lane */

#define XQACCEL_NO_EVENTFD		(-1)

/**
 * struct xqaccel_eventfd - XQACCEL_IOCTL_EVENTFD
 * @size: sizeof(struct xqaccel_eventfd)
 * @flags: XQACCEL_EVENTFD_LANE or 0
 * @fd: descriptor of an eventfd, which can be closed afterwards; XQACCEL_NO_EVENTFD: none any more
 * @lane: with EVENTFD_LANE, else 0
 *
 * From here on one is added to the eventfd for each completion that comes and that
 * XQACCEL_IOCTL_WAIT has then, of all lanes or of one; also for one that a WAIT took and could not
 * write, and when the device is gone. Completions that were there before are not told. The file has
 * one for all lanes, and one for each; another takes the place of the one before.
 *
 * EBADF: no such descriptor. EINVAL: not that of an eventfd.
 */
struct xqaccel_eventfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 lane;
};

/* ---- programs ----------------------------------------------------------- */

/**
 * struct xqaccel_program_create - XQACCEL_IOCTL_PROGRAM_CREATE
 * @size: sizeof(struct xqaccel_program_create)
 * @flags: must be 0
 * @jobs: the jobs, struct xqaccel_job_desc, in the order in which they run; 1..XQACCEL_PROGRAM_JOBS
 *	of them, with a stride of at least 64. Operands name buffers, or slots (XQACCEL_SLOT). No
 *	job is a run of a program or SILENT, and user_data is 0.
 * @slots: how many slots a run binds, 0..XQACCEL_PROGRAM_SLOTS; those that no job uses stay absent
 * @program: out, its handle; those of programs and those of buffers have nothing to do with each
 *	other
 *
 * The jobs are checked here, once, as SUBMIT checks them; where slots are concerned, as soon as
 * they are bound. The program holds the buffers that it names until it is destroyed, and its runs
 * have ended; their handles may be destroyed before.
 *
 * A run that a reset, a sleep or a migration stops starts again, if that gives what it would have
 * given, and ends as CANCELED if not: because a job changes what the program read before it was
 * written by the program, or adds to it. How the driver tells is said in Documentation/uapi.rst.
 *
 * Its memory, 1024 bytes a job, counts as that of buffers does.
 *
 * EOPNOTSUPP: the device has no FEATURE_PROGRAM. Errors of SUBMIT for its jobs, of BUF_CREATE
 * for its memory. ENOSPC: the jobs name more than XQACCEL_PROGRAM_BUFFERS, too. EFAULT.
 */
struct xqaccel_program_create {
	__u32 size;
	__u32 flags;
	struct xqaccel_array jobs;
	__u32 slots;
	__u32 program;
};

/**
 * struct xqaccel_program_destroy - XQACCEL_IOCTL_PROGRAM_DESTROY
 * @size: sizeof(struct xqaccel_program_destroy)
 * @program: handle, gone at once. Runs that were submitted go on.
 *
 * ENOENT: no such program.
 */
struct xqaccel_program_destroy {
	__u32 size;
	__u32 program;
};

/* Not used by others, see the kernel's ioctl-number.rst. */
#define XQACCEL_IOCTL_TYPE		0xD8
#define XQACCEL_CMD_INFO		0x00
#define XQACCEL_CMD_CONTEXT_CREATE	0x01
#define XQACCEL_CMD_BUF_CREATE		0x02
#define XQACCEL_CMD_BUF_DESTROY		0x03
#define XQACCEL_CMD_SUBMIT		0x04
#define XQACCEL_CMD_WAIT		0x05
#define XQACCEL_CMD_CANCEL		0x06
#define XQACCEL_CMD_PROGRAM_CREATE	0x07
#define XQACCEL_CMD_PROGRAM_DESTROY	0x08
#define XQACCEL_CMD_BUF_WRAP		0x09
#define XQACCEL_CMD_BUF_IMPORT		0x0a
#define XQACCEL_CMD_BUF_EXPORT		0x0b
#define XQACCEL_CMD_EVENTFD		0x0c

/* The size is in the structure, so that a number never changes. */
#define XQACCEL_IOCTL_INFO		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_INFO)
#define XQACCEL_IOCTL_CONTEXT_CREATE	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_CONTEXT_CREATE)
#define XQACCEL_IOCTL_BUF_CREATE	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_CREATE)
#define XQACCEL_IOCTL_BUF_DESTROY	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_DESTROY)
#define XQACCEL_IOCTL_SUBMIT		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_SUBMIT)
#define XQACCEL_IOCTL_WAIT		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_WAIT)
#define XQACCEL_IOCTL_CANCEL		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_CANCEL)
#define XQACCEL_IOCTL_PROGRAM_CREATE	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_PROGRAM_CREATE)
#define XQACCEL_IOCTL_PROGRAM_DESTROY	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_PROGRAM_DESTROY)
#define XQACCEL_IOCTL_BUF_WRAP		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_WRAP)
#define XQACCEL_IOCTL_BUF_IMPORT	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_IMPORT)
#define XQACCEL_IOCTL_BUF_EXPORT	_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_BUF_EXPORT)
#define XQACCEL_IOCTL_EVENTFD		_IO(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_EVENTFD)

/* ---- io_uring ------------------------------------------------------------- */

/*
 * The file takes IORING_OP_URING_CMD with one of these in sqe->cmd_op, and its structure in
 * sqe->cmd. An entry of 64 bytes has room for the structure's first 16 bytes, and the rest is taken
 * to be zero; one of 128 (IORING_SETUP_SQE128) has all 80. sqe->uring_cmd_flags is 0. Each field is
 * read once, but nobody is told when: what is pointed to must stay as it is until the command's CQE
 * is there.
 *
 * cqe->res is 0 or a negative errno. A command that is refused has done nothing:
 *	ENOTTY		no such command
 *	EOPNOTSUPP	a flag that this kernel does not know
 * and the errors of all ioctls.
 */
#define XQACCEL_URING_SUBMIT		_IO(XQACCEL_IOCTL_TYPE, 0x40)
#define XQACCEL_URING_CANCEL		_IO(XQACCEL_IOCTL_TYPE, 0x41)

/* The most jobs of one command. */
#define XQACCEL_URING_MAX_BATCH		255

/**
 * struct xqaccel_uring_submit - XQACCEL_URING_SUBMIT
 * @jobs: pointer to the first of @count struct xqaccel_job_desc; runs of programs are jobs, too
 * @timeout_ms: as in struct xqaccel_submit
 * @stride: bytes from one job to the next, at least 64; what a shorter one lacks is zero
 * @count: jobs, 1..XQACCEL_URING_MAX_BATCH
 * @lane: as in struct xqaccel_submit
 * @completions: pointer to room for @count struct xqaccel_completion, which are written before the
 *	CQE, in the order of the jobs; or 0. From here on only entries of 128 bytes have it
 * @completion_stride: bytes from one to the next, at least 32; 0 without @completions
 * @flags: XQACCEL_SUBMIT_*
 * @out_fence: with SUBMIT_OUT_FENCE: pointer to an __s32, where the descriptor is found that struct
 *	xqaccel_submit returns; its value means nothing if the command fails before its jobs were
 *	accepted. Else 0
 * @in_fence: as in struct xqaccel_submit
 * @reserved32: must be 0
 * @reserved: must be 0
 *
 * All jobs are accepted or none. They are queued behind those that the lane has, whoever brought
 * them, and XQACCEL_IOCTL_WAIT never sees them. The CQE comes when all have ended. Its res is 0 if
 * all ended well, else how the first of them, in their order, did that did not:
 *	ENXIO		STATUS_FAULT
 *	EREMOTEIO	STATUS_DMA
 *	EPROTO		STATUS_INVALID
 *	ETIMEDOUT	STATUS_TIMEOUT
 *	ECANCELED	STATUS_CANCELED, or a command of the chain before it failed
 *	ENODEV		STATUS_LOST
 * big_cqe[0] is the sum of the jobs' device times, end - start, in ticks of clock_hz, where
 * the ring has entries of 32 bytes (IORING_SETUP_CQE32), or of both sizes (IORING_SETUP_CQE_MIXED).
 *
 * Refused with the errors of XQACCEL_IOCTL_SUBMIT for the first job that is, but never with
 * EAGAIN: EBUSY if max_jobs jobs of commands are in the lane, the client has 1024 commands, or the
 * user or all users together have as many jobs as the driver takes. EINVAL, too, for a job with
 * XQACCEL_JOB_SILENT: IOSQE_CQE_SKIP_SUCCESS is what io_uring has for that. EFAULT, too, after
 * the jobs have ended, if a completion could not be written.
 *
 * When the task or the ring ends, jobs that have not started are dropped and those that run are
 * stopped. Commands end as ECANCELED then before their jobs certainly do.
 */
struct xqaccel_uring_submit {
	__u64 jobs;
	__u32 timeout_ms;
	__u16 stride;
	__u8 count;
	__u8 lane;
	__u64 completions;
	__u32 completion_stride;
	__u32 flags;
	__u64 out_fence;
	__s32 in_fence;
	__u32 reserved32;
	__u64 reserved[4];
};

/**
 * struct xqaccel_uring_cancel - XQACCEL_URING_CANCEL
 * @user_data: of the SQE of a command to this file in the same ring
 * @flags: must be 0
 * @reserved: must be 0; so must be what follows in an entry of 128 bytes
 *
 * Cancels the jobs of the oldest such command that have not ended, each as XQACCEL_IOCTL_CANCEL
 * does. Its CQE comes as ever, and tells how they ended. io_uring's own ASYNC_CANCEL reaches only
 * commands that have not been issued.
 *
 * ENOENT: there is none, or all its jobs have ended.
 */
struct xqaccel_uring_cancel {
	__u64 user_data;
	__u32 flags;
	__u32 reserved;
};

#endif
