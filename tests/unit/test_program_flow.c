// SPDX-License-Identifier: MIT
/*
 * Whether a program can be repeated from its start, against a model that keeps a state for every
 * byte: one that was read before the program had written it must never be written.
 */
#include <stdlib.h>

#include "driver/xq_program_flow.h"
#include "ktap.h"

#define OBJECTS	3
#define BYTES	64

enum state { UNTOUCHED, OUTSIDE, WRITTEN };

struct model {
	enum state byte[OBJECTS][BYTES];
	bool spoilt;
};

static void model_read(struct model *m, unsigned int object, unsigned int first, unsigned int bytes)
{
	for (unsigned int i = first; i < first + bytes; i++)
		if (m->byte[object][i] == UNTOUCHED)
			m->byte[object][i] = OUTSIDE;
}

static void model_write(struct model *m, unsigned int object, unsigned int first, unsigned int bytes,
			unsigned int step)
{
	for (unsigned int i = first; i < first + bytes; i += step) {
		m->spoilt |= m->byte[object][i] == OUTSIDE;
		if (m->byte[object][i] == UNTOUCHED)
			m->byte[object][i] = WRITTEN;
	}
}

/* What the model finds spoilt is; in blocks that are used as a whole nothing else is. */
static void against_the_model(void)
{
	struct xq_flow *flow = malloc(sizeof(*flow));
	unsigned int spoilt = 0;

	for (unsigned int round = 0; round < 40000; round++) {
		const unsigned int block = round % 2 ? 8 : 1;
		struct model m = { .spoilt = false };

		memset(flow, 0, sizeof(*flow));
		for (unsigned int i = 0; i < 12; i++) {
			const unsigned int object = ktap_range(0, OBJECTS - 1);
			const unsigned int first = block == 8 ? 8 * ktap_range(0, BYTES / 8 - 1) :
						   ktap_range(0, BYTES - 1);
			const unsigned int bytes = block == 8 ? 8 : ktap_range(0, BYTES - first);
			const unsigned int step = block == 8 ? 1 : ktap_range(1, 2);

			if (ktap_range(0, 1)) {
				model_read(&m, object, first, bytes);
				xq_flow_read(flow, object, first, bytes);
			} else {
				model_write(&m, object, first, bytes, step);
				xq_flow_write(flow, object, first, bytes, step == 1);
			}
		}
		spoilt += m.spoilt;
		EXPECT(flow->spoilt || !m.spoilt, "round %u: repeated", round);
		if (block == 8)
			EXPECT(flow->spoilt == m.spoilt, "round %u: not repeated", round);
	}
	EXPECT(spoilt > 4000 && spoilt < 36000, "%u were spoilt", spoilt);
	free(flow);
}

/* Sets that run full give up the repetition, and nothing else. */
static void many_ranges(void)
{
	struct xq_flow *flow = calloc(1, sizeof(*flow));

	for (uint64_t i = 0; i < XQ_FLOW_RANGES; i++)
		xq_flow_read(flow, 7, 4 * i, 2);
	EXPECT(!flow->spoilt && flow->outside.count == XQ_FLOW_RANGES, "too early");
	xq_flow_read(flow, 6, 0, 1);
	EXPECT(flow->spoilt, "too late");
	flow->spoilt = false;
	/* Those that touch need no room. */
	xq_flow_read(flow, 7, 2, 2);
	EXPECT(!flow->spoilt && flow->outside.count == XQ_FLOW_RANGES - 1, "%u", flow->outside.count);
	for (uint64_t i = 0; i < 2 * XQ_FLOW_RANGES; i++)
		xq_flow_write(flow, 8, 4 * i, 2, true);
	EXPECT(!flow->spoilt && flow->written.count == XQ_FLOW_RANGES, "%u", flow->written.count);
	free(flow);
}

/* A job's operands: what accumulates reads its output, gaps between rows are not written. */
static void jobs(void)
{
	static const uint32_t flags[] = { 0, XQACCEL_JOB_ACCUMULATE };
	struct xq_flow *flow = malloc(sizeof(*flow));

	for (unsigned int i = 0; i < 4; i++) {
		struct xqaccel_work w = {
			.op = XQACCEL_OP_GEMM, .flags = flags[i & 1],
			.gemm = { .m = 4, .n = 4, .k = 16, .batch = 1, .a_format = XQACCEL_FMT_S8,
				  .b_format = XQACCEL_FMT_S8 },
		};
		struct xq_use use[2] = { 0 };
		struct xq_place place[XQ_OPERANDS] = {
			[XQACCEL_A] = { &use[0], 0, 100, 16, 0, 0 },
			[XQACCEL_B] = { &use[0], 0, 200, 16, 0, 0 },
			[XQACCEL_C] = { &use[1], 1, 1000, i & 2 ? 20 : 16, 0, 0 },
		};

		memset(flow, 0, sizeof(*flow));
		EXPECT(xq_places_apart(&w, place), "apart");
		xq_program_add(flow, &w, place);
		EXPECT(use[0].read.first == 100 && use[0].read.end == 264 && !use[0].written.end, "A");
		EXPECT(use[1].written.first == 1000 && use[1].written.end == (i & 2 ? 1076 : 1064), "C");
		EXPECT(use[1].align == 4 && xq_use_end(&use[0]) == 264, "align");
		EXPECT(flow->spoilt == !!(i & 1), "accumulates");
		EXPECT(flow->written.count == !(i & 2), "gaps");
		place[XQACCEL_C].object = 0;
		place[XQACCEL_C].use = &use[0];
		place[XQACCEL_C].offset = 204;
		EXPECT(!xq_places_apart(&w, place), "overlaps");
		/* What an earlier job has read. */
		place[XQACCEL_A].offset = place[XQACCEL_B].offset = 2000;
		flow->spoilt = false;
		xq_program_add(flow, &w, place);
		EXPECT(flow->spoilt, "overwrites");
	}
	free(flow);
}

KTAP_MAIN(
	{ "against_the_model", against_the_model },
	{ "many_ranges", many_ranges },
	{ "jobs", jobs },
)
