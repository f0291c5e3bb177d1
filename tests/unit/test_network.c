// SPDX-License-Identifier: GPL-2.0
/*
 * Networks against plain arrays: random ones with every operator, on the device that there is, as a whole and with
 * abilities of the device masked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "libxqaccel/src/device/backend.h"
#include "network_case.h"

static struct xq_device *device;
static struct xq_queue *queue;

static bool begin(void)
{
	if (device)
		return true;
	if (xq_device_open(NULL, &device)) {
		EXPECT(false, "no device");
		return false;
	}
	EXPECT(!xq_queue_create(device, NULL, &queue), "queue");
	return queue;
}

/* Networks that a device takes that is told to take less at once, unless an operator is larger by itself. */
static bool few_elements;
static unsigned int refused;

/* Compiles a network and runs it twice. */
static void check(const struct network_case *c)
{
	struct xq_plan_memory memory;
	struct xq_plan *plan;
	struct xq_run *run;
	int err = xq_network_compile(c->net, device, c->batch, &plan);

	if (few_elements && err == -EINVAL && strstr(xq_network_error(c->net), "more than the device takes")) {
		refused++;
		return;
	}
	if (!EXPECT(!err, "%d: %s", err, xq_network_error(c->net)))
		return;
	xq_plan_memory(plan, &memory);
	EXPECT(memory.activations >= memory.live, "%zu bytes of %zu", memory.activations, memory.live);
	err = xq_run_create(plan, &run);
	if (EXPECT(!err, "%d", err)) {
		case_write(c, run);
		for (int i = 0; i < 2; i++) {
			err = xq_run_execute(run, queue);
			EXPECT(!err, "%d", err);
			EXPECT(case_right(c, run), "run %d", i);
		}
		xq_run_destroy(run);
	}
	xq_plan_destroy(plan);
}

static void random_networks(int count)
{
	for (int i = 0; i < count && !ktap.failures; i++) {
		struct network_case *c = malloc(sizeof(*c));
		const uint64_t seed = ktap.random;

		case_begin(c, (size_t)ktap_range(1, 4));
		case_grow(c, (unsigned int)ktap_range(1, 14));
		check(c);
		case_end(c);
		free(c);
		EXPECT(!ktap.failures, "network %d, random %llx", i, (unsigned long long)seed);
	}
}

static int scale(int count)
{
	const char *factor = getenv("XQ_NETWORKS");

	return factor ? atoi(factor) * count : count;
}

static void networks(void)
{
	if (begin())
		random_networks(scale(1500));
	for (int i = 0; i < 2; i++)
		EXPECT(case_row_values[i] >= 100 || scale(1500) < 1500, "only %u numbers of rows %s", case_row_values[i],
		       i ? "made" : "given");
	for (int i = 0; i < CASE_KINDS; i++)
		EXPECT(case_kinds[i] >= 100 || scale(1500) < 1500, "only %u times %s", case_kinds[i], case_kind_names[i]);
}

/* With each feature missing, and none there. */
static void masked(void)
{
	const uint64_t features = begin() ? device->info.features : 0;
	unsigned int bit;

	for (bit = 0; bit < 16 && features; bit++) {
		if (bit < 3 || !(features >> bit & 1))
			continue;
		device->info.features = features & ~(1ULL << bit);
		random_networks(scale(60));
	}
	device->info.features = 0;
	random_networks(scale(200));
	device->info.features = features;
}

/* Types that the device does not multiply as they are, so that they have to be widened. */
static void few_pairs(void)
{
	struct xq_pairs pairs;
	int type;

	if (!begin())
		return;
	pairs = device->pairs;
	for (type = 0; type < XQ_TYPE_COUNT; type++)
		device->pairs.of_a[type] &= type == XQ_S8 || type == XQ_S4 ? 1U << XQ_S8 | 1U << XQ_S4 : 0;
	case_zero_points = false;
	random_networks(scale(150));
	case_zero_points = true;
	device->pairs = pairs;
}

/* Tensors that are more than a device takes at once along one dimension, but not along several. */
static void small_dimensions(void)
{
	uint32_t most;

	if (!begin())
		return;
	most = device->info.max_dim;
	device->info.max_dim = 50;
	few_elements = true;
	random_networks(scale(400));
	few_elements = false;
	device->info.max_dim = most;
	EXPECT(refused < (unsigned int)scale(400) / 3, "%u of %d networks refused", refused, scale(400));
	printf("# %u of %d networks have an operator that is too large\n", refused, scale(400));
}

static void end(void)
{
	xq_queue_destroy(queue);
	xq_device_close(device);
}

KTAP_MAIN({ "random networks", networks }, { "abilities that a device lacks", masked },
	  { "pairs of types that a device lacks", few_pairs }, { "dimensions that a device lacks", small_dimensions },
	  { "the end", end })
