/* SPDX-License-Identifier: MIT */
/*
 * For tests of the device model's programs: a host, some jobs, and the list that has them all. They
 * are one set, which each test makes anew.
 */
#ifndef XQ_TESTS_PROGRAM_CASE_H
#define XQ_TESTS_PROGRAM_CASE_H

#include "device_job.h"
#include "driver/xq_program.h"

#define Q_CTRL		XQ_QUEUE(0, XQ_Q_CTRL)
#define Q_STATUS	XQ_QUEUE(0, XQ_Q_STATUS)
#define Q_STEP		XQ_QUEUE(0, XQ_Q_STEP)
#define Q_COALESCE	XQ_QUEUE(0, XQ_Q_COALESCE)
#define Q_ON		(XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ)
#define CONTEXT		3
#define PARTS		20
#define LIST_VA		(1ULL << 36)
#define PROFILE_VA	(LIST_VA + (1ULL << 30))
#define LONG_VA		(1ULL << 35)

extern struct fake_host h;
extern struct device_job part[PARTS];
extern struct xq_hw_descriptor program;

/*
 * A device with one queue, the jobs built and their C spoiled, and the program of so many of them,
 * or of all.
 */
void begin_parts(uint32_t parts);
void begin_programs(void);

/* Stops the device; nothing may be left mapped. */
void end_programs(void);

/* Writes a job of the program's list. */
void put_part(uint32_t index, const struct xq_hw_descriptor *desc);

/* A square of so many sums of k products each; all rows of the operands are the same memory. */
struct xq_hw_descriptor long_desc(uint32_t rows, uint32_t k);

/* One of these, with more flags, in the list. */
void put_long(uint32_t at, uint32_t k, uint32_t flags);

/* Whether a job's C is still spoiled. */
bool untouched(const struct device_job *job);

/* Parts before the first are right, and those from it on have not run. */
void expect_parts(uint32_t first);

/* The program's completion; one that failed did so at that step. */
struct xq_hw_completion expect_end(uint16_t status, uint64_t step);

/* Another job runs, and nothing is mapped after it. */
void still_works(void);

/* Until so many parts have ended. */
void wait_step(uint32_t step);

#endif
