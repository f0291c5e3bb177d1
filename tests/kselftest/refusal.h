/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs that are accepted, and what has to be changed in each for the driver to refuse it. From the
 * comments of <linux/xqaccel.h>, and from nothing else.
 */
#ifndef XQ_TEST_REFUSAL_H
#define XQ_TEST_REFUSAL_H

#include <errno.h>
#include <linux/xqaccel.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

/* All of a job's memory is one buffer: what it reads first, parameters, then its output. */
#define REFUSAL_A		0
#define REFUSAL_B		0x8000
#define REFUSAL_PARAMETER(i)	(0x10000 + 0x800 * (i))
#define REFUSAL_OUTPUT		0x18000
#define REFUSAL_BYTES		0x20000

/* No device has such a dimension. */
#define TOO_LARGE		((1U << 24) + 1)

/**
 * struct change - a member of a job
 * @at: where it is in struct xqaccel_job_desc
 * @bytes: 4 or 8; more: all of it becomes 0
 * @value: what it becomes
 */
struct change {
	uint16_t at, bytes;
	uint64_t value;
};

/**
 * struct refusal - a change for which a job is refused
 * @what: names it
 * @error: with this errno; 0 if the job is accepted whatever the value is
 * @change: the second one may be absent
 * @present: operand that is there besides, instead
 */
struct refusal {
	const char *what;
	int error;
	struct change change[2];
	unsigned int present;
};

#define MEMBER(member) \
	offsetof(struct xqaccel_job_desc, member), \
	sizeof(((struct xqaccel_job_desc *)0)->member)

#define WITH(error, member, value) \
	{ #member " = " #value, error, { { MEMBER(member), (uint64_t)(value) } }, 0 }

/* A member that alone would be refused for something else, or not at all. */
#define WITH_TWO(error, member, value, second, other) \
	{ #member " = " #value ", " #second " = " #other, error, \
	  { { MEMBER(member), (uint64_t)(value) }, { MEMBER(second), (uint64_t)(other) } }, 0 }

#define ANY(member) { #member, 0, { { MEMBER(member), 0 } }, 0 }
#define WITHOUT(name) { "no " #name, EINVAL, { { MEMBER(operand[XQACCEL_##name]), 0 } }, 0 }
#define BESIDES(name) { #name " besides", EINVAL, { { 0 } }, XQACCEL_##name }

/**
 * struct refused_job - a job that is accepted
 * @name: in messages
 * @features: that the device has to have
 * @describe: its words and operands
 * @refusal: what it is refused for
 * @refusals: so many
 */
struct refused_job {
	const char *name;
	uint64_t features;
	void (*describe)(struct xqaccel_job_desc *job);
	const struct refusal *refusal;
	unsigned int refusals;
};

#define REFUSED_JOB(name, features, describe) \
	{ name, features, describe, describe##_refusals, ARRAY_SIZE(describe##_refusals) }

struct refused_jobs {
	const struct refused_job *job;
	unsigned int count;
};

#define REFUSED_JOBS(array) { array, ARRAY_SIZE(array) }

extern const struct refused_jobs refused_products, refused_groups, refused_epilogues,
	refused_convolutions, refused_pools, refused_elementwise, refused_softmax, refused_means,
	refused_copies;

/* An operand; the handle is filled in by who submits the job. */
static inline void refusal_operand(struct xqaccel_job_desc *job, unsigned int i, uint64_t offset,
				   uint64_t stride)
{
	job->operand[i].handle = 1;
	job->operand[i].offset = offset;
	job->operand[i].stride = stride;
}

#endif
