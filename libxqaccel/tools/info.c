// SPDX-License-Identifier: MIT
/*
 * xq info: every device that opens, for people or as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xqaccel/device.h>

#include "arguments.h"
#include "command.h"
#include "json.h"
#include "options.h"

#define MAX_DEVICES	17

static const struct {
	uint64_t bit;
	const char *name;
} features[] = {
	{ XQACCEL_FEATURE_GROUP_ACC, "group-accumulators" },
	{ XQACCEL_FEATURE_GROUP_SCALE, "group-scales" },
	{ XQACCEL_FEATURE_GROUP_REAL, "group-real" },
	{ XQACCEL_FEATURE_SUPERGROUP_SUM, "supergroup-sums" },
	{ XQACCEL_FEATURE_A_ZP_ROWS, "row-zero-points" },
	{ XQACCEL_FEATURE_CONV, "convolution" },
	{ XQACCEL_FEATURE_EPILOGUE, "epilogue" },
	{ XQACCEL_FEATURE_POOL, "pool" },
	{ XQACCEL_FEATURE_ELEMENTWISE, "elementwise" },
	{ XQACCEL_FEATURE_SOFTMAX, "softmax" },
	{ XQACCEL_FEATURE_MEAN, "mean" },
	{ XQACCEL_FEATURE_COPY, "copy" },
};

static const struct {
	uint64_t bit;
	const char *name;
} interfaces[] = {
	{ XQACCEL_ABI_BASE, "base" },
};

/* Calls print for each pair that the device has. */
static void each_pair(const struct xq_device *dev, const char *between, const char *format)
{
	bool first = true;
	int a, b;

	for (a = 1; a < XQ_TYPE_COUNT; a++)
		for (b = 1; b < XQ_TYPE_COUNT; b++) {
			if (!xq_device_has_pair(dev, (enum xq_type)a, (enum xq_type)b))
				continue;
			printf("%s", first ? "" : between);
			printf(format, xq_type_name((enum xq_type)a), xq_type_name((enum xq_type)b));
			first = false;
		}
}

static void each_name(bool (*has)(const struct xq_device *, unsigned int),
		      const char *(*name)(unsigned int), unsigned int count,
		      const struct xq_device *dev, const char *quote, const char *between)
{
	bool first = true;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!has(dev, i))
			continue;
		printf("%s%s%s%s", first ? "" : between, quote, name(i), quote);
		first = false;
	}
}

static bool has_tiled(const struct xq_device *dev, unsigned int type)
{
	return xq_device_has_tiled(dev, (enum xq_type)type);
}

static const char *type_name(unsigned int type)
{
	return xq_type_name((enum xq_type)type);
}

static bool has_feature(const struct xq_device *dev, unsigned int i)
{
	return xq_device_info(dev)->features & features[i].bit;
}

static const char *feature_name(unsigned int i)
{
	return features[i].name;
}

static const unsigned int feature_count = sizeof(features) / sizeof(features[0]);

static bool has_interface(const struct xq_device *dev, unsigned int i)
{
	return xq_device_info(dev)->abi & interfaces[i].bit;
}

static const char *interface_name(unsigned int i)
{
	return interfaces[i].name;
}

static const unsigned int interface_count = sizeof(interfaces) / sizeof(interfaces[0]);

static void print_json(const struct xq_device *dev)
{
	const struct xqaccel_info *i = xq_device_info(dev);

	printf("{\"device\": ");
	json_string(xq_device_name(dev));
	printf(", \"driver\": ");
	json_string(i->driver);
	printf(", \"isa\": ");
	json_string(i->isa);
	printf(", \"abi\": [");
	each_name(has_interface, interface_name, interface_count, dev, "\"", ", ");
	printf("], \"hardware\": \"%u.%u\", \"queues\": %u, \"contexts\": %u, "
	       "\"lanes\": %u, \"threads\": %u, \"max_jobs\": %u, \"max_batch\": %u, \"max_dim\": %u, "
	       "\"max_buffer_bytes\": %" PRIu64 ", \"client_bytes\": %" PRIu64 ", \"clock_hz\": %" PRIu64
	       ", \"default_timeout_ms\": %u, \"max_timeout_ms\": %u, \"pairs\": [",
	       i->hw_version >> 16, i->hw_version & 0xffff, i->queues, i->contexts, i->lanes, i->threads,
	       i->max_jobs, i->max_batch, i->max_dim,
	       (uint64_t)i->max_buffer_bytes, (uint64_t)i->client_bytes, (uint64_t)i->clock_hz,
	       i->default_timeout_ms, i->max_timeout_ms);
	each_pair(dev, ", ", "[\"%s\", \"%s\"]");
	printf("], \"tiled\": [");
	each_name(has_tiled, type_name, XQ_TYPE_COUNT, dev, "\"", ", ");
	printf("], \"features\": [");
	each_name(has_feature, feature_name, feature_count, dev, "\"", ", ");
	printf("]}");
}

static void print_types(uint32_t types)
{
	bool first = true;
	unsigned int t;

	for (t = 1; t < XQ_TYPE_COUNT; t++) {
		if (!(types >> t & 1))
			continue;
		printf("%s%s", first ? "" : " ", xq_type_name((enum xq_type)t));
		first = false;
	}
}

/* Bit b: a x b runs on the device. */
static uint32_t types_with(const struct xq_device *dev, unsigned int a)
{
	uint32_t types = 0;
	unsigned int b;

	for (b = 1; b < XQ_TYPE_COUNT; b++)
		if (xq_device_has_pair(dev, (enum xq_type)a, (enum xq_type)b))
			types |= 1U << b;
	return types;
}

/* A line for all types of A that go with the same types of B. */
static void print_pairs(const struct xq_device *dev)
{
	const char *label = "pairs, A by B";
	uint32_t printed = 0, alike;
	unsigned int a, other;

	for (a = 1; a < XQ_TYPE_COUNT; a++) {
		const uint32_t types = types_with(dev, a);

		if (!types || (printed >> a & 1))
			continue;
		alike = 0;
		for (other = a; other < XQ_TYPE_COUNT; other++)
			if (types_with(dev, other) == types)
				alike |= 1U << other;
		printed |= alike;
		printf("  %-18s", label);
		print_types(alike);
		printf("  by  ");
		print_types(types);
		printf("\n");
		label = "";
	}
}

static void print_size(const char *label, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = 0;

	while (unit < 4 && bytes >= 1024 && !(bytes & 1023)) {
		bytes >>= 10;
		unit++;
	}
	printf("  %-18s%" PRIu64 " %s\n", label, bytes, units[unit]);
}

static void print_table(const struct xq_device *dev)
{
	const struct xqaccel_info *i = xq_device_info(dev);

	printf("%s\n", xq_device_name(dev));
	printf("  %-18s%s, interface ", "driver", i->driver);
	each_name(has_interface, interface_name, interface_count, dev, "", ", ");
	printf("\n");
	printf("  %-18sversion %u.%u", "hardware", i->hw_version >> 16, i->hw_version & 0xffff);
	if (i->isa[0])
		printf(", %s kernels", i->isa);
	if (i->threads)
		printf(", %u thread%s", i->threads, i->threads == 1 ? "" : "s");
	printf("\n  %-18s%u hardware queues, %u contexts, %u lanes a client\n", "queues", i->queues,
	       i->contexts, i->lanes);
	printf("  %-18s%u under way in a lane, %u a call, dimensions to %u\n", "jobs", i->max_jobs,
	       i->max_batch, i->max_dim);
	printf("  %-18s%g s by default, %g s at most\n", "time limit", i->default_timeout_ms / 1000.0,
	       i->max_timeout_ms / 1000.0);
	print_size("largest buffer", i->max_buffer_bytes);
	print_size("memory a client", i->client_bytes);
	print_pairs(dev);
	printf("  %-18s", "tiled B");
	each_name(has_tiled, type_name, XQ_TYPE_COUNT, dev, "", ", ");
	printf("\n  %-18s", "features");
	each_name(has_feature, feature_name, feature_count, dev, "", ", ");
	printf("\n");
}

/* All that --device NAME means, or what is there. */
static int list_devices(const char *wanted, char names[][32], const char **list)
{
	int count = 0, i;

	if (wanted) {
		list[0] = wanted;
		return 1;
	}
	for (i = 0; i < 16; i++) {
		snprintf(names[count], 32, "/dev/xqaccel%d", i);
		if (!access(names[count], F_OK)) {
			list[count] = names[count];
			count++;
		}
	}
	list[count++] = "soft";
	return count;
}

int cmd_info(int argc, char **argv)
{
	const char *wanted = NULL, *list[MAX_DEVICES];
	char names[MAX_DEVICES][32];
	bool json = false;
	const struct option_spec specs[] = {
		{ "device", 0, OPTION_STRING, &wanted, "NAME", "only this one: soft, or a path", NULL },
		{ "json", 0, OPTION_FLAG, &json, NULL, "one JSON object", NULL },
	};
	int status = options_parse(argc, argv, specs, 2, NULL, 0, 0, NULL);
	int count, i, shown = 0;

	if (status != OPTIONS_DONE)
		return status;
	status = EXIT_OK;
	count = list_devices(wanted, names, list);
	if (json)
		printf("{\"devices\": [");
	for (i = 0; i < count; i++) {
		struct xq_device *dev;

		if (argument_device(list[i], &dev)) {
			status = EXIT_ERROR;
			continue;
		}
		if (shown++)
			printf("%s\n", json ? "," : "");
		(json ? print_json : print_table)(dev);
		xq_device_close(dev);
	}
	if (json)
		printf("]}\n");
	return status;
}
