/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The hardware interface: registers, rings, page tables, descriptors. Shared by the
 * driver, the device model and the software backend. Documentation/hardware.rst is the
 * specification; this header is its numbers.
 *
 * Registers are 32 bits wide, little-endian, and accessed as such; a 64-bit quantity is
 * two of them, the low half first. Everything in memory is little-endian.
 */
#ifndef XQ_REGS_H
#define XQ_REGS_H

#include <linux/types.h>

/* Of the range 1af4:10f0 to 10ff, which QEMU's docs/specs/pci-ids.rst leaves to experiments. */
#define XQ_PCI_VENDOR			0x1af4
#define XQ_PCI_DEVICE			0x10fa
#define XQ_PCI_CLASS			0x1200	/* processing accelerator */
#define XQ_PCI_REG_BAR			0
#define XQ_PCI_MSIX_BAR			4
#define XQ_BAR_BYTES			0x10000

/* ---- the function ------------------------------------------------------- */

#define XQ_REG_ID			0x000
#define   XQ_ID				0x43415158	/* "XQAC" */
#define XQ_REG_VERSION			0x004	/* major << 16 | minor */
#define   XQ_HW_VERSION_MAJOR		1
#define   XQ_HW_VERSION_MINOR		0
#define XQ_REG_QUEUES			0x008
#define XQ_REG_CONTEXTS			0x00c
#define XQ_REG_RING_LOG2		0x010	/* largest log2 of a ring's entries */
#define XQ_REG_VA_BITS			0x014
#define XQ_REG_MAX_DIM			0x018
#define XQ_REG_THREADS			0x01c
#define XQ_REG_FEATURES			0x020	/* 64 bits, XQACCEL_FEATURE_* */
#define XQ_REG_CLOCK_HZ			0x028	/* 64 bits */
#define XQ_REG_TILED			0x030	/* bit b: B in format b may be tiled */
#define XQ_REG_PAIRS(a)			(0x040 + 4 * (a))	/* bit b: pair a x b */
#define   XQ_PAIR_FORMATS		16	/* formats of A that have one */
#define XQ_REG_ISA			0x080	/* 32 characters, NUL-padded */
#define   XQ_ISA_BYTES			32

#define XQ_REG_CTRL			0x100
#define   XQ_CTRL_ENABLE		(1U << 0)
#define   XQ_CTRL_RESET			(1U << 1)	/* reads 1 until the reset is done */
#define XQ_REG_STATUS			0x104
#define   XQ_STATUS_READY		(1U << 0)	/* enabled and working */
#define   XQ_STATUS_ERROR		(1U << 1)	/* a bit of ERROR is set */
#define XQ_REG_ERROR			0x108	/* write 1 to clear; raises vector 0 */
#define   XQ_ERROR_CONTEXT_TABLE	(1U << 0)	/* reading a context entry failed */
/* Queue q stopped: a ring could not be read or written, or a doorbell was out of range. */
#define   XQ_ERROR_RING(q)		(1U << (8 + (q)))
#define XQ_REG_CTX_TABLE		0x110	/* 64 bits, bus address, 4096-aligned */
#define XQ_REG_CTX_INVAL		0x118	/* write the number of a context to invalidate it */
#define XQ_REG_TIME			0x120	/* 64 bits; reading the low half latches the high */
#define XQ_REG_JOBS			0x140	/* 64 bits each, since the last reset */
#define XQ_REG_MACS			0x148
#define XQ_REG_BYTES			0x150
#define XQ_REG_BYTES_COPIED		0x158
#define XQ_REG_FAULTS			0x160
#define XQ_REG_CTX_PENDING(c)		(0x200 + 4 * ((c) / 32))	/* bit c % 32: not done */

/* Interrupt vectors: 0 for errors, 1 + q for completions of queue q. */
#define XQ_VECTOR_ERROR			0
#define XQ_VECTOR_QUEUE(q)		(1 + (q))

/* ---- queues --------------------------------------------------------------- */

#define XQ_MAX_QUEUES			8
#define XQ_MAX_CONTEXTS			4096
#define XQ_QUEUE(q, reg)		(0x4000 + 0x1000 * (q) + (reg))
#define XQ_Q_SQ_BASE			0x00	/* 64 bits, bus address, 4096-aligned */
#define XQ_Q_CQ_BASE			0x08	/* 64 bits, bus address, 4096-aligned */
#define XQ_Q_SIZE			0x10	/* log2 of the entries of both rings */
#define XQ_Q_CTRL			0x14
#define   XQ_Q_CTRL_ENABLE		(1U << 0)	/* 0 to 1: empty rings, phase 1 */
#define   XQ_Q_CTRL_HALT		(1U << 1)	/* start no further job; clear to go on */
/* Both read 1 until they are done: complete all jobs as CANCELED; forget all jobs, disable. */
#define   XQ_Q_CTRL_ABORT		(1U << 2)
#define   XQ_Q_CTRL_RESET		(1U << 3)
#define   XQ_Q_CTRL_IRQ			(1U << 4)	/* completions raise the queue's vector */
#define XQ_Q_STATUS			0x18
#define   XQ_Q_STATUS_ENABLED		(1U << 0)
#define   XQ_Q_STATUS_IDLE		(1U << 1)	/* no job is running */
#define   XQ_Q_STATUS_ERROR		(1U << 2)	/* stopped, see ERROR_RING */
#define XQ_Q_SQ_HEAD			0x1c	/* next descriptor to be started */
#define XQ_Q_CQ_TAIL			0x20	/* next completion to be written */
#define XQ_Q_STEP			0x24	/* of a running program, the job next to end */
#define XQ_Q_COALESCE			0x28	/* of completions before an interrupt */
#define   XQ_Q_COALESCE_COUNT(n)	((n) & 0xffffU)
#define   XQ_Q_COALESCE_US(us)		((__u32)(us) << 16)
#define XQ_Q_SQ_TAIL			0x40	/* doorbell: the descriptor after the last valid */
#define XQ_Q_CQ_HEAD			0x44	/* doorbell: the completion after the last taken */

/* ---- memory ----------------------------------------------------------------- */

/*
 * A context's address space: three levels of 512 entries. Device address bits 38..30,
 * 29..21 and 20..12 index them. Page 0 is never mapped: address 0 means "no operand".
 */
#define XQ_PAGE_SHIFT			12
#define XQ_PAGE_BYTES			4096
#define XQ_LARGE_SHIFT			21
#define XQ_VA_BITS			39
#define XQ_PT_ENTRIES			512
#define XQ_PT_LEVELS			3
#define XQ_PTE_VALID			(1ULL << 0)
#define XQ_PTE_READ			(1ULL << 1)
#define XQ_PTE_WRITE			(1ULL << 2)
#define XQ_PTE_LARGE			(1ULL << 7)	/* middle level: a 2 MiB leaf */
#define XQ_PTE_ADDR			0x000ffffffffff000ULL

struct xq_hw_context {
	__le64 root;		/* bus address of the top level | XQ_PTE_VALID */
	__le64 reserved;
};

struct xq_hw_operand {
	__le64 address;		/* device address, 0: absent */
	__le64 stride;
	__le64 batch_stride;
	__le64 plane_stride;
};

/* A submission ring entry, 1024 bytes. */
struct xq_hw_descriptor {
	__le64 id;		/* returned in the completion */
	__le32 context;
	__le32 reserved0;
	__le32 work[60];	/* the words of struct xqaccel_work */
	struct xq_hw_operand operand[23];
	__le64 reserved1[4];
};

/*
 * A job of a program may name an operand by a slot of the program and an offset from what the
 * program's descriptor has there.
 */
#define XQ_SLOT_ADDRESS(slot, offset)	(1ULL << 63 | (__u64)(slot) << 56 | (offset))
/* Where an operand of the job has to end there: its offset has to fit. */
#define XQ_SLOT_ROOM			((1ULL << XQ_VA_BITS) - 1)
#define XQ_SLOT_OF(address)		((unsigned int)((address) >> 56 & 0x7f))
#define XQ_SLOT_OFFSET(address)		((address) & ((1ULL << 56) - 1))
#define XQ_IS_SLOT(address)		((address) >> 63)

/* A completion ring entry, 64 bytes; the phase is written last. */
struct xq_hw_completion {
	__le64 id;
	__le64 start;
	__le64 end;
	__le64 macs;		/* unless OK: of a program, the index of the job that failed */
	__le64 bytes;
	__le64 bytes_copied;
	__le64 fault_address;
	__le16 status;		/* XQACCEL_STATUS_OK .. CANCELED */
	__le16 flags;		/* XQACCEL_COMP_* */
	__le16 sq_head;		/* index after this job's descriptor */
	__le16 phase;		/* bit 0: 1 in the first pass over the ring, then 0, ... */
};

#endif
