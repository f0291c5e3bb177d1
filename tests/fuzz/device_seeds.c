// SPDX-License-Identifier: MIT
/*
 * What the fuzzer of the device model begins with: programs of every operation and format that run
 * to their end, and some whose lies the device has to notice. Always the same ones.
 */
#include <string.h>

#include <linux/xqaccel.h>

#include "device_guest.h"
#include "emulator/kernels/xq_kernels.h"

static void add(struct device_seed *s, uint8_t code, uint8_t a, uint8_t b, uint8_t c,
		uint32_t value)
{
	s->operation[s->count++] = (struct device_operation){ code, a, b, c, value };
}

/* One program of all jobs that were put, at the head of the ring, and run. */
static void add_run(struct device_seed *s, unsigned int jobs, unsigned int how)
{
	add(s, DEVICE_PROGRAM, 0, (uint8_t)jobs, (uint8_t)how, 0);
	add(s, DEVICE_RUN, 0, 1, 0, 0);
}

static void begin(struct device_seed *s, const char *name, bool right)
{
	*s = (struct device_seed){ .name = name, .right = right };
}

/* ---- programs that are right ---- */

/* Random jobs of one operation, each of a slot of its own. */
static void operation(struct device_seed *s, unsigned int number)
{
	static const char *const names[] = { "gemm", "conv", "pool", "elementwise", "softmax",
					     "mean", "copy" };
	const unsigned int kind = number / 4;
	unsigned int i;

	begin(s, names[kind], true);
	for (i = 0; i < DEVICE_LIST; i++)
		add(s, DEVICE_JOB, (uint8_t)i, (uint8_t)kind,
		    (uint8_t)(number % 4 == 3 ? DEVICE_JOB_FIXED : i), 100 * number + i);
	add_run(s, DEVICE_LIST, number % 4);
}

/* All formats that one of A is multiplied by, with flags by turns, or in the tile order. */
static void pairs(struct device_seed *s, unsigned int a, unsigned int number)
{
	static const uint32_t flags[] = { 0, DEVICE_PAIR_ACCUMULATE, DEVICE_PAIR_GROUPS,
					  DEVICE_PAIR_GROUP_ACC };
	const bool conv = number & 1, tiled = number & 2;
	const uint32_t has = xqk_pairs(a) & (tiled ? xqk_tiled() : ~0U);
	unsigned int b, jobs = 0;

	begin(s, conv ? "pairs of conv" : "pairs of gemm", true);
	for (b = 0; b < XQ_PAIR_FORMATS && jobs < DEVICE_LIST; b++) {
		if (!(has >> b & 1))
			continue;
		add(s, DEVICE_JOB, (uint8_t)jobs, conv ? DEVICE_PAIR_CONV : DEVICE_PAIR,
		    (uint8_t)jobs, a | b << 4 | (conv ? 0 : flags[b % 4]) |
		    (tiled ? DEVICE_PAIR_TILED : 0));
		jobs++;
	}
	add_run(s, jobs, conv ? 0 : DEVICE_PROGRAM_ONCE);
}

static void groups(struct device_seed *s, unsigned int number)
{
	unsigned int i;

	begin(s, "groups with real scales", true);
	for (i = 0; i < DEVICE_LIST; i++)
		add(s, DEVICE_JOB, (uint8_t)i, DEVICE_GROUPS, (uint8_t)i, DEVICE_LIST * number + i);
	add_run(s, DEVICE_LIST, DEVICE_PROGRAM_ONCE);
}

/* Each job's output lies where the next one has its inputs; two queues, a ring of programs. */
static void chain(struct device_seed *s)
{
	unsigned int i;

	begin(s, "chain", true);
	for (i = 0; i < DEVICE_LIST; i++)
		add(s, DEVICE_JOB, (uint8_t)i, (uint8_t)(i % 7), (uint8_t)(i | DEVICE_JOB_OUTPUT),
		    500 + i);
	for (i = 0; i < 8; i++)
		add(s, DEVICE_PROGRAM, (uint8_t)i, (uint8_t)(1 + i),
		    (uint8_t)(i << 4 | DEVICE_PROGRAM_FIRST | (i & 1)), 0);
	add(s, DEVICE_TAIL, 1, 4, 0, 0);
	add(s, DEVICE_RUN, 0, 8, 0, 0);
	add(s, DEVICE_RUN, 1, 8, 0, 0);
}

/* ---- lies ---- */

enum lie {
	LIE_NO_JOBS, LIE_TOO_MANY, LIE_SLOT_MISSING, LIE_SLOT_READ_ONLY, LIE_SLOT_UNMAPPED,
	LIE_SLOT_REFUSED, LIE_LIST_UNMAPPED, LIE_LIST_ASKEW, LIE_NESTED, LIE_PAIR, LIE_CONTEXT,
	LIE_WORD, LIE_PROFILE, LIES
};

/* Where words of a job in the list, and of the program at the head of the ring, are written. */
static void set_word(struct device_seed *s, bool list, unsigned int entry, unsigned int byte,
		     uint32_t value)
{
	const unsigned int at = entry * sizeof(struct xq_hw_descriptor) + byte;

	add(s, DEVICE_WORD, (uint8_t)(at % XQ_PAGE_BYTES / 256), (uint8_t)(at % 256),
	    (uint8_t)((list ? 4 : 0) | at / XQ_PAGE_BYTES << 3), value);
}

static void lie(struct device_seed *s, enum lie which)
{
	const unsigned int words = offsetof(struct xq_hw_descriptor, work);
	unsigned int i, jobs = 4;

	begin(s, "lie", false);
	for (i = 0; i < 4; i++)
		add(s, DEVICE_JOB, (uint8_t)i, DEVICE_PAIR, 2, XQACCEL_FMT_S8 << 4 | XQACCEL_FMT_S8);
	if (which == LIE_NO_JOBS)
		jobs = 0;
	if (which == LIE_PAIR)
		add(s, DEVICE_JOB, 2, DEVICE_PAIR, 2, XQACCEL_FMT_S16 << 4 | XQACCEL_FMT_S8);
	if (which == LIE_CONTEXT)
		set_word(s, true, 2, offsetof(struct xq_hw_descriptor, context), 1);
	if (which == LIE_WORD)
		set_word(s, true, 2, words + 4 * 40, 1);
	add(s, DEVICE_PROGRAM, 0, (uint8_t)jobs,
	    which == LIE_PROFILE ? DEVICE_PROGRAM_PROFILE : 0, 0);
	if (which == LIE_TOO_MANY)
		set_word(s, false, 0, words + 8, XQACCEL_PROGRAM_JOBS + 1);
	if (which == LIE_NESTED) {
		set_word(s, true, 3, words, XQACCEL_OP_PROGRAM);
		add(s, DEVICE_SERVICE, 0, 0, 0, 0);
	}
	if (which == LIE_SLOT_MISSING)
		add(s, DEVICE_SLOT, 0, 2, 0, 0);
	if (which == LIE_SLOT_READ_ONLY)
		add(s, DEVICE_SLOT, 0, 2, 0, GUEST_VA_READ_ONLY);
	if (which == LIE_SLOT_UNMAPPED)
		add(s, DEVICE_SLOT, 0, 2, 0, GUEST_VA_END);
	if (which == LIE_SLOT_REFUSED)
		add(s, DEVICE_SLOT, 0, 2, 0, GUEST_VA_NO_WRITE);
	if (which == LIE_LIST_UNMAPPED)
		add(s, DEVICE_SLOT, 0, XQACCEL_PROGRAM_PROFILE + 1, 0, GUEST_VA_END);
	if (which == LIE_LIST_ASKEW)
		add(s, DEVICE_SLOT, 0, XQACCEL_PROGRAM_PROFILE + 1, 16, GUEST_VA_LIST);
	if (which == LIE_PROFILE)
		add(s, DEVICE_SLOT, 0, XQACCEL_PROGRAM_PROFILE, 0, GUEST_VA_READ_ONLY);
	add(s, DEVICE_RUN, 0, 1, 0, 0);
}

/* ---- the guest and its host beside a program that is right ---- */

enum beside { BESIDE_MIGRATION, BESIDE_ABORT, BESIDE_FAULTS, BESIDE_HALT, BESIDES };

static void beside(struct device_seed *s, enum beside which)
{
	const uint8_t ctrl = XQ_Q_CTRL / 4;
	unsigned int i;

	begin(s, "beside", true);
	for (i = 0; i < 8; i++)
		add(s, DEVICE_JOB, (uint8_t)i, (uint8_t)(i % 7), (uint8_t)i, 900 + i);
	add(s, DEVICE_PROGRAM, 0, 8, 0, 0);
	add(s, DEVICE_PROGRAM, 1, 8, DEVICE_PROGRAM_ONCE, 0);
	if (which == BESIDE_FAULTS)
		add(s, DEVICE_INJECT, 2, 1, 0, 0);
	if (which == BESIDE_HALT)
		add(s, DEVICE_REGISTER, 0x80, ctrl, 0, XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_HALT);
	if (which == BESIDE_ABORT) {
		/* Another queue's. */
		add(s, DEVICE_TAIL, 1, 2, 0, 0);
		add(s, DEVICE_REGISTER, 0x81, ctrl, 0, XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_ABORT);
	}
	add(s, DEVICE_TAIL, 0, 2, 0, 0);
	if (which == BESIDE_MIGRATION)
		add(s, DEVICE_MIGRATE, 0, 0, 0, 0);
	if (which == BESIDE_HALT)
		add(s, DEVICE_REGISTER, 0x80, ctrl, 0, XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ);
	add(s, DEVICE_RUN, 0, 2, 0, 0);
}

/* ---- all ---- */

bool device_seed(unsigned int number, struct device_seed *seed)
{
	unsigned int n = number, a;

	if (n < 4 * 7) {
		operation(seed, n);
		return true;
	}
	n -= 4 * 7;
	for (a = 0; a < XQ_PAIR_FORMATS; a++) {
		if (!xqk_pairs(a))
			continue;
		if (n < 4) {
			pairs(seed, a, n);
			return true;
		}
		n -= 4;
	}
	if (n < 4) {
		groups(seed, n);
		return true;
	}
	n -= 4;
	if (!n--) {
		chain(seed);
		return true;
	}
	if (n < BESIDES) {
		beside(seed, (enum beside)n);
		return true;
	}
	n -= BESIDES;
	if (n >= LIES)
		return false;
	lie(seed, (enum lie)n);
	return true;
}
