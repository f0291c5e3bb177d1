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
	{ XQACCEL_FEATURE_A_ZP_ROWS, "row-zero-points" },
};

/* Calls print for each pair that the device has. */
static void each_pair(const struct xqaccel_info *info, const char *between,
		      const char *format)
{
	bool first = true;
	int a, b;

	for (a = 1; a < XQ_TYPE_COUNT; a++)
		for (b = 1; b < XQ_TYPE_COUNT; b++) {
			if (!(info->pairs[a] >> b & 1))
				continue;
			printf("%s", first ? "" : between);
			printf(format, xq_type_name((enum xq_type)a), xq_type_name((enum xq_type)b));
			first = false;
		}
}

static void each_name(bool (*has)(const struct xqaccel_info *, unsigned int),
		      const char *(*name)(unsigned int), unsigned int count,
		      const struct xqaccel_info *info, const char *quote, const char *between)
{
	bool first = true;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!has(info, i))
			continue;
		printf("%s%s%s%s", first ? "" : between, quote, name(i), quote);
		first = false;
	}
}

static bool has_tiled(const struct xqaccel_info *info, unsigned int type)
{
	return info->tiled >> type & 1;
}

static const char *type_name(unsigned int type)
{
	return xq_type_name((enum xq_type)type);
}

static bool has_feature(const struct xqaccel_info *info, unsigned int i)
{
	return info->features & features[i].bit;
}

static const char *feature_name(unsigned int i)
{
	return features[i].name;
}

static const unsigned int feature_count = sizeof(features) / sizeof(features[0]);

static void print_json(const char *name, const struct xqaccel_info *i)
{
	printf("{\"device\": ");
	json_string(name);
	printf(", \"driver\": ");
	json_string(i->driver);
	printf(", \"isa\": ");
	json_string(i->isa);
	printf(", \"abi\": \"%u.%u\", \"hardware\": \"%u.%u\", \"queues\": %u, \"contexts\": %u, "
	       "\"lanes\": %u, \"threads\": %u, \"max_jobs\": %u, \"max_batch\": %u, \"max_dim\": %u, "
	       "\"max_buffer_bytes\": %" PRIu64 ", \"client_bytes\": %" PRIu64 ", \"clock_hz\": %" PRIu64
	       ", \"default_timeout_ms\": %u, \"max_timeout_ms\": %u, \"pairs\": [",
	       i->abi_major, i->abi_minor, i->hw_version >> 16, i->hw_version & 0xffff, i->queues,
	       i->contexts, i->lanes, i->threads, i->max_jobs, i->max_batch, i->max_dim,
	       (uint64_t)i->max_buffer_bytes, (uint64_t)i->client_bytes, (uint64_t)i->clock_hz,
	       i->default_timeout_ms, i->max_timeout_ms);
	each_pair(i, ", ", "[\"%s\", \"%s\"]");
	printf("], \"tiled\": [");
	each_name(has_tiled, type_name, XQ_TYPE_COUNT, i, "\"", ", ");
	printf("], \"features\": [");
	each_name(has_feature, feature_name, feature_count, i, "\"", ", ");
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

/* A line for all types of A that go with the same types of B. */
static void print_pairs(const struct xqaccel_info *i)
{
	const char *label = "pairs, A by B";
	uint32_t told = 0, alike;
	unsigned int a, other;

	for (a = 1; a < XQ_TYPE_COUNT; a++) {
		if (!i->pairs[a] || (told >> a & 1))
			continue;
		alike = 0;
		for (other = a; other < XQ_TYPE_COUNT; other++)
			if (i->pairs[other] == i->pairs[a])
				alike |= 1U << other;
		told |= alike;
		printf("  %-18s", label);
		print_types(alike);
		printf("  by  ");
		print_types(i->pairs[a]);
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

static void print_table(const char *name, const struct xqaccel_info *i)
{
	printf("%s\n", name);
	printf("  %-18s%s, ABI %u.%u\n", "driver", i->driver, i->abi_major, i->abi_minor);
	printf("  %-18sversion %u.%u", "hardware", i->hw_version >> 16, i->hw_version & 0xffff);
	if (i->isa[0])
		printf(", %s kernels", i->isa);
	if (i->threads)
		printf(", %u thread%s", i->threads, i->threads == 1 ? "" : "s");
	printf("\n  %-18s%u hardware queues, %u contexts, %u lanes a client\n", "queues", i->queues,
	       i->contexts, i->lanes);
	printf("  %-18s%u under way, %u a call, dimensions to %u\n", "jobs", i->max_jobs,
	       i->max_batch, i->max_dim);
	printf("  %-18s%g s by default, %g s at most\n", "time limit", i->default_timeout_ms / 1000.0,
	       i->max_timeout_ms / 1000.0);
	print_size("largest buffer", i->max_buffer_bytes);
	print_size("memory a client", i->client_bytes);
	print_pairs(i);
	printf("  %-18s", "tiled B");
	each_name(has_tiled, type_name, XQ_TYPE_COUNT, i, "", ", ");
	printf("\n  %-18s", "features");
	each_name(has_feature, feature_name, feature_count, i, "", ", ");
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
		printf("{\"library\": \"%u.%u\", \"devices\": [", XQACCEL_ABI_MAJOR, XQACCEL_ABI_MINOR);
	for (i = 0; i < count; i++) {
		struct xq_device *dev;

		if (argument_device(list[i], &dev)) {
			status = EXIT_ERROR;
			continue;
		}
		if (shown++)
			printf("%s\n", json ? "," : "");
		(json ? print_json : print_table)(xq_device_name(dev), xq_device_info(dev));
		xq_device_close(dev);
	}
	if (json)
		printf("]}\n");
	return status;
}
