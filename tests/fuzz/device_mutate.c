// SPDX-License-Identifier: MIT
/*
 * How the fuzzer of the device model changes an input: whole operations that make sense come, go
 * and change places, and one number of an operation changes to another of its kind, or to any.
 */
#include <string.h>

#include "device_guest.h"
#include "tests/reference/random_job.h"

#define MOST_OPERATIONS	96

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

struct input {
	struct device_operation operation[MOST_OPERATIONS];
	unsigned int count, most;
};

static uint8_t pick(struct ref_random *r, unsigned int below)
{
	return (uint8_t)(ref_next(r) % below);
}

/* ---- operations that make sense ---- */

static uint32_t pick_pair(struct ref_random *r)
{
	uint32_t value = (uint32_t)ref_next(r) & 0xfff;

	/* Most by the formats that most are multiplied by. */
	if (!ref_one_in(r, 3))
		value = (value & ~15U) | XQACCEL_FMT_S8;
	return value;
}

/* Pages that differ in what may be done with them, and those beside them. */
static uint32_t pick_page(struct ref_random *r)
{
	static const uint8_t pages[] = { 0, GUEST_VA_DATA, GUEST_VA_LIST, GUEST_VA_READ_ONLY,
					 GUEST_VA_NO_WRITE, GUEST_VA_END };

	if (ref_one_in(r, 2))
		return GUEST_VA_DATA + pick(r, 140);
	return pages[pick(r, sizeof(pages))] + pick(r, 3) - 1U;
}

static void make_job(struct ref_random *r, struct device_operation *op)
{
	op->a = pick(r, DEVICE_LIST);
	op->b = pick(r, DEVICE_JOB_KINDS);
	op->c = pick(r, ref_one_in(r, 4) ? 64 : 16);
	op->value = (uint32_t)ref_next(r);
	if (op->b == DEVICE_PAIR || op->b == DEVICE_PAIR_CONV)
		op->value = pick_pair(r);
}

static void make_program(struct ref_random *r, struct device_operation *op)
{
	op->a = pick(r, DEVICE_RING);
	op->b = ref_one_in(r, 10) ? (uint8_t)ref_next(r) : 1 + pick(r, DEVICE_LIST);
	op->c = pick(r, 4);
	if (ref_one_in(r, 3))
		op->c |= DEVICE_PROGRAM_FIRST | pick(r, 16) << 4;
	op->value = ref_one_in(r, 3) ? (uint32_t)ref_next(r) : 0;
}

/* A word of a descriptor: one that says what to do, or of a place. */
static void make_word(struct ref_random *r, struct device_operation *op)
{
	const unsigned int entry = pick(r, DEVICE_RING);
	const unsigned int at = (unsigned int)sizeof(struct xq_hw_descriptor) * entry +
				4 * (ref_one_in(r, 2) ? pick(r, 64) : pick(r, 255));

	op->a = (uint8_t)(at % XQ_PAGE_BYTES / 256);
	op->b = (uint8_t)(at % 256);
	op->c = (uint8_t)(pick(r, 8) | at / XQ_PAGE_BYTES << 3);
	op->value = ref_one_in(r, 2) ? pick(r, 20) : (uint32_t)ref_next(r) >> pick(r, 32);
}

static void make_register(struct ref_random *r, struct device_operation *op)
{
	static const uint8_t registers[] = { XQ_Q_CTRL / 4, XQ_Q_CTRL / 4, XQ_Q_COALESCE / 4,
					     XQ_Q_SQ_TAIL / 4, XQ_Q_CQ_HEAD / 4 };

	op->a = 0x80 | pick(r, 2);
	op->b = registers[pick(r, sizeof(registers))];
	op->value = pick(r, 32);
	if (ref_one_in(r, 4)) {
		op->a = 0;
		op->b = (ref_one_in(r, 2) ? XQ_REG_CTX_INVAL : XQ_REG_CTRL) / 4;
		op->value = pick(r, 4);
	}
}

static struct device_operation make(struct ref_random *r)
{
	static const uint8_t codes[] = {
		DEVICE_JOB, DEVICE_JOB, DEVICE_JOB, DEVICE_JOB, DEVICE_PROGRAM, DEVICE_PROGRAM,
		DEVICE_PROGRAM, DEVICE_RUN, DEVICE_RUN, DEVICE_RUN, DEVICE_RUN, DEVICE_SLOT,
		DEVICE_SLOT, DEVICE_WORD, DEVICE_WORD, DEVICE_TAIL, DEVICE_TAKE, DEVICE_SERVICE,
		DEVICE_INJECT, DEVICE_MIGRATE, DEVICE_REGISTER, DEVICE_DESCRIPTOR, DEVICE_READ,
		DEVICE_MASTER, DEVICE_MEMORY,
	};
	struct device_operation op = {
		codes[pick(r, sizeof(codes))], pick(r, 16), pick(r, DEVICE_RING + 1), 0, 0,
	};

	switch (op.code) {
	case DEVICE_JOB:
		make_job(r, &op);
		break;
	case DEVICE_PROGRAM:
		make_program(r, &op);
		break;
	case DEVICE_SLOT:
		op.b = pick(r, 18);
		op.c = ref_one_in(r, 4) ? (uint8_t)ref_next(r) : 0;
		op.value = pick_page(r);
		break;
	case DEVICE_WORD:
		make_word(r, &op);
		break;
	case DEVICE_REGISTER:
	case DEVICE_READ:
		make_register(r, &op);
		op.c = 4;
		break;
	case DEVICE_INJECT:
		op.b = pick(r, 3);
		op.value = pick(r, 200) * 1000U;
		break;
	case DEVICE_MIGRATE:
		op.a = ref_one_in(r, 4) ? (uint8_t)ref_next(r) : 0;
		op.value = (uint32_t)ref_next(r);
		break;
	case DEVICE_MEMORY:
		op = (struct device_operation){ DEVICE_MEMORY, (uint8_t)ref_next(r) & 0xf8,
						0x40 | pick(r, 64), 0, (uint32_t)ref_next(r) };
		break;
	}
	return op;
}

/* ---- inputs ---- */

static void insert(struct input *in, unsigned int at, const struct device_operation *op)
{
	if (in->count >= in->most)
		return;
	memmove(&in->operation[at + 1], &in->operation[at], sizeof(*op) * (in->count - at));
	in->operation[at] = *op;
	in->count++;
}

/* The operations of a seed, from anywhere to its end. */
static void insert_seed(struct ref_random *r, struct input *in)
{
	unsigned int seeds = 0, i, at = in->count ? pick(r, in->count) : 0;
	struct device_seed seed;

	while (device_seed(seeds, &seed))
		seeds++;
	device_seed(pick(r, seeds), &seed);
	for (i = ref_one_in(r, 2) ? pick(r, seed.count) : 0; i < seed.count; i++)
		insert(in, at++, &seed.operation[i]);
}

static void change_number(struct ref_random *r, struct device_operation *op)
{
	const struct device_operation other = make(r);

	switch (pick(r, 6)) {
	case 0:
		op->a = ref_one_in(r, 2) ? op->a + 1 : pick(r, 16);
		break;
	case 1:
		op->b = ref_one_in(r, 2) ? op->b + 1 : pick(r, 17);
		break;
	case 2:
		op->c ^= 1U << pick(r, 8);
		break;
	case 3:
		op->value ^= 1U << pick(r, 32);
		break;
	case 4:
		op->value = op->code == DEVICE_SLOT ? pick_page(r) : (uint32_t)ref_next(r);
		break;
	case 5:
		*op = other;
		break;
	}
}

static void change(struct ref_random *r, struct input *in)
{
	const unsigned int at = in->count ? pick(r, in->count) : 0;
	const unsigned int other = in->count ? pick(r, in->count) : 0;
	struct device_operation op = make(r);

	if (!in->count || ref_one_in(r, 8)) {
		insert_seed(r, in);
		return;
	}
	switch (pick(r, 6)) {
	case 0:
	case 1:
		insert(in, at, &op);
		break;
	case 2:
		op = in->operation[at];
		insert(in, other, &op);
		break;
	case 3:
		in->count--;
		memmove(&in->operation[at], &in->operation[at + 1],
			sizeof(op) * (in->count - at));
		break;
	case 4:
		op = in->operation[at];
		in->operation[at] = in->operation[other];
		in->operation[other] = op;
		break;
	case 5:
		change_number(r, &in->operation[at]);
		break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	struct ref_random random = { seed };
	struct input in = { .most = MOST_OPERATIONS };
	unsigned int i;

	if (ref_one_in(&random, 20))
		return LLVMFuzzerMutate(data, size, most);
	if (in.most > most / sizeof(in.operation[0]))
		in.most = (unsigned int)(most / sizeof(in.operation[0]));
	in.count = (unsigned int)(size / sizeof(in.operation[0]));
	if (in.count > in.most)
		in.count = in.most;
	memcpy(in.operation, data, sizeof(in.operation[0]) * in.count);
	for (i = 1 + pick(&random, 4); i; i--)
		change(&random, &in);
	memcpy(data, in.operation, sizeof(in.operation[0]) * in.count);
	return sizeof(in.operation[0]) * in.count;
}
