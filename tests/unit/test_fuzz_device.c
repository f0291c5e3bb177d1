// SPDX-License-Identifier: MIT
/*
 * Whether what the device model's fuzzer begins with still reaches runs of programs: of every
 * operation, pair of formats, epilogue and conversion, and of lies that have to be noticed.
 */
#include <linux/xqaccel.h>

#include "emulator/kernels/xq_kernels.h"
#include "ktap.h"
#include "tests/fuzz/device_guest.h"

#define EVERY(first, last)	((2U << (last)) - (1U << (first)))

static struct device_counts run(const struct device_seed *seed)
{
	device_counts = (struct device_counts){ 0 };
	LLVMFuzzerTestOneInput((const uint8_t *)seed->operation,
			       sizeof(seed->operation[0]) * seed->count);
	return device_counts;
}

static unsigned int bits(const uint32_t *masks)
{
	unsigned int i, sum = 0;

	for (i = 0; i < XQ_PAIR_FORMATS; i++)
		sum += __builtin_popcount(masks[i]);
	return sum;
}

static void right_ones_run(void)
{
	struct device_counts sum = { 0 };
	struct device_seed seed;
	unsigned int i, j;

	for (i = 0; device_seed(i, &seed); i++) {
		const struct device_counts n = run(&seed);

		if (!seed.right)
			continue;
		EXPECT(n.ended && n.jobs, "%u, %s: no program has ended", i, seed.name);
		EXPECT(!n.failed && !n.faulted && !n.refused,
		       "%u, %s: %lu failed, %lu faulted, %lu refused", i, seed.name, n.failed,
		       n.faulted, n.refused);
		for (j = 0; j < 8; j++)
			sum.operation[j] += n.operation[j];
		for (j = 0; j < XQ_PAIR_FORMATS; j++) {
			sum.gemm_pairs[j] |= n.gemm_pairs[j];
			sum.conv_pairs[j] |= n.conv_pairs[j];
		}
		sum.epilogues |= n.epilogues;
		sum.outputs |= n.outputs;
		sum.sources |= n.sources;
		sum.results |= n.results;
		sum.conversions |= n.conversions;
		sum.scales |= n.scales;
	}
	for (i = XQACCEL_OP_GEMM; i <= XQACCEL_OP_COPY; i++)
		EXPECT(sum.operation[i] >= 16, "operation %u: %lu jobs", i, sum.operation[i]);
	for (i = 0; i < XQ_PAIR_FORMATS; i++) {
		EXPECT(sum.gemm_pairs[i] == xqk_pairs(i), "gemm, %u: %#x", i, sum.gemm_pairs[i]);
		EXPECT(sum.conv_pairs[i] == xqk_pairs(i), "conv, %u: %#x", i, sum.conv_pairs[i]);
	}
	EXPECT(bits(sum.gemm_pairs) >= 30, "%u pairs", bits(sum.gemm_pairs));
	EXPECT(sum.epilogues == EVERY(0, 3), "epilogues %#x", sum.epilogues);
	/* All that results can have. */
	EXPECT(sum.outputs == (EVERY(XQACCEL_FMT_S8, XQACCEL_FMT_B1) | 1U << XQACCEL_FMT_S16 |
			       1U << XQACCEL_FMT_U16 | 1U << XQACCEL_FMT_F32), "epilogues to %#x",
	       sum.outputs);
	EXPECT(sum.conversions == EVERY(0, 4), "copies %#x", sum.conversions);
	EXPECT(sum.sources == (EVERY(XQACCEL_FMT_S8, XQACCEL_FMT_B1) |
			       EVERY(XQACCEL_FMT_S16, XQACCEL_FMT_F32)), "from %#x", sum.sources);
	EXPECT((sum.results | 1U << XQACCEL_FMT_B1) == sum.sources, "to %#x", sum.results);
	EXPECT((sum.scales | 1) == (1U | EVERY(XQACCEL_FMT_F32, XQACCEL_FMT_E8M0) |
				    1U << XQACCEL_FMT_U8 | 1U << XQACCEL_FMT_S8), "scales %#x",
	       sum.scales);
}

static void lies_are_noticed(void)
{
	struct device_seed seed;
	unsigned int i, lies = 0;

	for (i = 0; device_seed(i, &seed); i++) {
		struct device_counts n;

		if (seed.right)
			continue;
		n = run(&seed);
		EXPECT(!n.ended && n.failed + n.faulted + n.refused == 1,
		       "%u: %lu ended, %lu failed, %lu faulted, %lu refused", i, n.ended, n.failed,
		       n.faulted, n.refused);
		lies++;
	}
	EXPECT(lies >= 10, "%u lies", lies);
}

KTAP_MAIN({ "programs that are right run to their end", right_ones_run },
	  { "lies are noticed", lies_are_noticed })
