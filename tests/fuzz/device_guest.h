/* SPDX-License-Identifier: MIT */
/*
 * The guest of the device model's fuzzer: its memory, and what it writes there. An input is a list
 * of operations of eight bytes; fuzz_device.c carries them out, device_mutate.c changes them, and
 * device_seeds.c has those to begin with.
 */
#ifndef XQ_TESTS_FUZZ_DEVICE_GUEST_H
#define XQ_TESTS_FUZZ_DEVICE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/xq_regs.h"

/* ---- operations ---- */

enum device_code {
	DEVICE_REGISTER,	/* a, b: which; value */
	DEVICE_MEMORY,		/* a, b, c: where, any bytes of the guest's memory */
	DEVICE_WORD,		/* a, b, c: a word of the ring or of the list */
	DEVICE_TAIL,		/* a: queue, b: index. A doorbell */
	DEVICE_TAKE,		/* a: queue. Takes its completions */
	DEVICE_SERVICE,
	DEVICE_READ,		/* a, b: register, c: bytes */
	DEVICE_INJECT,		/* a: which fault, b: count, value: nanoseconds */
	DEVICE_MIGRATE,		/* a: 0, or what a byte of the state at value is spoiled with */
	DEVICE_MASTER,		/* a & 1: bus mastering */
	DEVICE_DESCRIPTOR,	/* a: index in the ring of a job that is right */
	DEVICE_JOB,		/* a: index in the list, b: kind, c: DEVICE_JOB_*, value */
	DEVICE_PROGRAM,		/* a: ring index, b: jobs, c: DEVICE_PROGRAM_*, value: seed */
	DEVICE_SLOT,		/* a: index in the ring, b: slot, value: page, c: what is added */
	DEVICE_RUN,		/* a, b: as DEVICE_TAIL. Waits for all jobs and takes completions */
	DEVICE_CODES,
};

struct device_operation {
	uint8_t code, a, b, c;
	uint32_t value;
};

#define DEVICE_RING		16	/* entries of a ring */
#define DEVICE_LIST		16	/* jobs in the list */

/* Kinds of jobs. Those before DEVICE_PAIR are random ones of operation 1 + kind, by a seed. */
enum device_job_kind {
	DEVICE_PAIR = 7,	/* product: the low 8 bits of value are the formats of A and B */
	DEVICE_PAIR_CONV,	/* convolution likewise */
	DEVICE_GROUPS,		/* product in groups with real scales, by the seed value */
	DEVICE_JOB_KINDS,
};

/* Further bits of the value of a pair. */
#define DEVICE_PAIR_TILED	(1U << 8)
#define DEVICE_PAIR_ACCUMULATE	(1U << 9)
#define DEVICE_PAIR_GROUPS	(1U << 10)	/* with integer scales */
#define DEVICE_PAIR_GROUP_ACC	(1U << 11)

/* c of a job: the slot that its operands count from, */
#define DEVICE_JOB_SLOT		0x0f
#define DEVICE_JOB_FIXED	0x10	/* or that they have addresses of their own; */
#define DEVICE_JOB_OUTPUT	0x20	/* the output counts from the slot after that one */

/* c of a program: */
#define DEVICE_PROGRAM_PROFILE	1
#define DEVICE_PROGRAM_ONCE	2	/* says of itself that it can't be repeated */
#define DEVICE_PROGRAM_FIRST	4	/* c >> 4 is the first job of the list, else the first is */

/* ---- memory ---- */

#define GUEST_BUS		0x10000ULL
#define GUEST_PAGES		96
#define GUEST_PAGE		((uint64_t)XQ_PAGE_BYTES)
#define GUEST_BYTES		(GUEST_PAGES * GUEST_PAGE)
#define GUEST_CONTEXTS		4	/* page of the context table */
#define GUEST_COMPLETIONS	8	/* page of the first completion ring */
#define GUEST_LIST		10	/* 4 pages of programs' jobs; the ring is the first 4 */
#define GUEST_NO_WRITE		94	/* page that the bus lets nobody write */
#define GUEST_AREA		12	/* pages from a slot's address on that jobs use */

/* Device addresses, in pages. */
#define GUEST_VA_DATA		1	/* data pages, three times over */
#define GUEST_VA_LIST		180
#define GUEST_VA_READ_ONLY	190
#define GUEST_VA_NO_WRITE	194
#define GUEST_VA_END		195

extern uint8_t guest_memory[GUEST_BYTES];

/* Memory as every input finds it: tables, a ring of jobs and programs that are right, data. */
void guest_fill(void);

void guest_put_descriptor(unsigned int index);
void guest_put_job(unsigned int index, unsigned int kind, unsigned int where, uint32_t value);
void guest_put_program(unsigned int index, unsigned int jobs, unsigned int how, uint32_t value);
void guest_bind(unsigned int index, unsigned int slot, uint32_t page, uint32_t add);

/*
 * What the guest has changed by itself may give any page to any job; until it has, no job reads
 * pages that are not mapped (the address sanitizer tells), and none writes those that may only be
 * read.
 */
void guest_tampered(void);

/* Whether pages that no job may write are what they were. Lets everybody read all of them. */
bool guest_intact(void);

/* ---- programs that the device was given ---- */

struct device_counts {
	unsigned long started;	/* the first job was prepared */
	unsigned long ended;	/* with all of their jobs */
	unsigned long failed;	/* a job of them was refused */
	unsigned long faulted;	/* they, or a job, met a fault of translation or of the bus */
	unsigned long canceled;
	unsigned long refused;	/* before they began */
	unsigned long jobs;	/* of those that ended */
	/* Jobs of programs that were accepted: */
	unsigned long operation[8];
	uint32_t gemm_pairs[XQ_PAIR_FORMATS], conv_pairs[XQ_PAIR_FORMATS];
	uint32_t epilogues;	/* by kind */
	uint32_t outputs;	/* of epilogues, by format */
	uint32_t sources, results;	/* of copies, by format */
	uint32_t conversions;	/* of copies, by kind */
	uint32_t scales;	/* of groups with real scales, by format */
};

extern struct device_counts device_counts;

/* ---- inputs ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A seed, and what its programs are to come to. */
struct device_seed {
	const char *name;
	bool right;		/* all of its programs end well; else none does */
	unsigned int count;
	struct device_operation operation[40];
};

/* The seed of that number; false if there are not so many. */
bool device_seed(unsigned int number, struct device_seed *seed);

#endif
