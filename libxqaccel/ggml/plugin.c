// SPDX-License-Identifier: MIT
/*
 * The plugin's entry for ggml: a registry with a device for each accelerator. They are opened when ggml loads the plugin
 * and stay open until the process ends, because ggml may hold them as long.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel.h"
#include "host.h"
#include "product.h"
#include "symbols.h"

#define EXPORT		__attribute__((visibility("default")))
#define MOST_DEVICES	16

static struct xqg_accel *accels[MOST_DEVICES];
static size_t accel_count;

/* ---- a device ------------------------------------------------------------------------------------------- */

static struct xqg_accel *accel_of(struct xqg_device *device)
{
	return device->context;
}

static const char *device_name(struct xqg_device *device)
{
	return accel_of(device)->name;
}

static const char *device_description(struct xqg_device *device)
{
	return accel_of(device)->description;
}

/* What the kernel could give without swapping, which is more than what nobody uses: caches count. */
static uint64_t available_memory(void)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			bytes = kib << 10;
	if (file)
		fclose(file);
	return bytes;
}

/* What the driver lets a client have, as far as the machine has it: buffers are locked memory. */
static void device_memory(struct xqg_device *device, size_t *free_bytes, size_t *total)
{
	struct xqg_accel *accel = accel_of(device);
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * page;
	const uint64_t available = available_memory();
	const uint64_t limit = xq_device_info(accel->dev)->client_bytes;

	*total = limit < machine ? limit : machine;
	pthread_mutex_lock(&accel->lock);
	*free_bytes = accel->used < *total ? *total - accel->used : 0;
	pthread_mutex_unlock(&accel->lock);
	if (*free_bytes > available)
		*free_bytes = available;
}

static int device_type(struct xqg_device *device)
{
	(void)device;
	return XQG_DEVICE_GPU;
}

static void device_props(struct xqg_device *device, struct xqg_device_props *props)
{
	*props = (struct xqg_device_props){
		.name = device_name(device), .description = device_description(device),
		.type = device_type(device),
		.caps = { .host_buffer = true, .buffer_from_host_ptr = true },
	};
	device_memory(device, &props->memory_free, &props->memory_total);
}

static struct xqg_stream *device_stream(struct xqg_device *device, const char *params)
{
	(void)params;
	return xqg_stream_create(accel_of(device));
}

static struct xqg_buffer_type *device_buffer_type(struct xqg_device *device)
{
	return &accel_of(device)->type;
}

static struct xqg_buffer *device_buffer_over(struct xqg_device *device, void *memory, size_t bytes, size_t most)
{
	(void)most;
	return xqg_buffer_over(accel_of(device), memory, bytes);
}

static bool device_supports_op(struct xqg_device *device, const struct xqg_tensor *op)
{
	if (op->op == xqg.op_none || op->op == xqg.op_reshape || op->op == xqg.op_view ||
	    op->op == xqg.op_permute || op->op == xqg.op_transpose)
		return true;
	if (op->op == xqg.op_mul_mat || op->op == xqg.op_mul_mat_id)
		return xqg_product_supported(accel_of(device), op);
	return xqg_host_supported(op);
}

/*
 * Whatever the host reaches, but for memory of other devices of ours: ggml takes the first that can use a weight, and its jobs
 * can't. What lies elsewhere is copied to the device's memory first.
 */
static bool device_supports_type(struct xqg_device *device, struct xqg_buffer_type *type)
{
	return type == &accel_of(device)->type || (!xqg_buffer_type_ours(type) && xqg.buft_is_host(type));
}

static const struct xqg_device_iface device_iface = {
	.get_name = device_name, .get_description = device_description, .get_memory = device_memory,
	.get_type = device_type, .get_props = device_props, .init_backend = device_stream,
	.get_buffer_type = device_buffer_type, .get_host_buffer_type = device_buffer_type,
	.buffer_from_host_ptr = device_buffer_over, .supports_op = device_supports_op,
	.supports_buft = device_supports_type,
};

/* ---- finding them ----------------------------------------------------------------------------------------- */

static struct xqg_registry registry;

static int add_device(const char *path)
{
	struct xqg_accel *accel;
	const struct xqaccel_info *info;
	struct xq_device *dev;
	int err = xq_device_open(path, &dev);

	if (err)
		return err;
	info = xq_device_info(dev);
	if (!(info->features & XQACCEL_FEATURE_GROUP_REAL) || !(info->features & XQACCEL_FEATURE_COPY)) {
		xqg_log(XQG_ERROR, "%s has no groups with real scales, or no copies", xq_device_name(dev));
		xq_device_close(dev);
		return -EOPNOTSUPP;
	}
	accel = calloc(1, sizeof(*accel));
	if (!accel) {
		xq_device_close(dev);
		return -ENOMEM;
	}
	accel->dev = dev;
	accel->sums = info->features & XQACCEL_FEATURE_SUPERGROUP_SUM;
	if (accel_count)
		snprintf(accel->name, sizeof(accel->name), "XQACCEL%zu", accel_count);
	else
		strcpy(accel->name, "XQACCEL");
	snprintf(accel->description, sizeof(accel->description), "%s, %.30s kernels, %u threads", xq_device_name(dev),
		 info->isa, info->threads);
	pthread_mutex_init(&accel->lock, NULL);
	accel->device = (struct xqg_device){ .iface = device_iface, .registry = &registry, .context = accel };
	xqg_buffer_type_init(accel);
	accels[accel_count++] = accel;
	return 0;
}

static void add_device_or_say_why(const char *path)
{
	char text[200];
	const int err = add_device(path);

	if (err) {
		xq_device_error(path, err, text, sizeof(text));
		xqg_log(XQG_ERROR, "%s", text);
	}
}

/* Names with commas between them. */
static void add_list(const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;

	while (copy && (name = strsep(&rest, ",")))
		if (*name && accel_count < MOST_DEVICES)
			add_device_or_say_why(name);
	free(copy);
}

/* Those that the environment names, or all device files, or the software device. */
static void find_devices(void)
{
	const char *list = getenv("XQACCEL_GGML_DEVICES");
	char path[32];
	int i;

	if (list) {
		add_list(list);
		return;
	}
	if (!getenv("XQACCEL_DEVICE")) {
		for (i = 0; i < MOST_DEVICES; i++) {
			snprintf(path, sizeof(path), "/dev/xqaccel%d", i);
			add_device(path);
		}
	}
	if (!accel_count)
		add_device_or_say_why(NULL);
}

/* ---- the registry ----------------------------------------------------------------------------------------- */

static const char *registry_name(struct xqg_registry *reg)
{
	(void)reg;
	return "XQACCEL";
}

static size_t registry_count(struct xqg_registry *reg)
{
	(void)reg;
	return accel_count;
}

static struct xqg_device *registry_device(struct xqg_registry *reg, size_t index)
{
	(void)reg;
	return &accels[index]->device;
}

static void *registry_function(struct xqg_registry *reg, const char *name)
{
	(void)reg;
	return strcmp(name, "ggml_backend_set_n_threads") ? NULL : (void *)xqg_stream_set_threads;
}

EXPORT struct xqg_registry *ggml_backend_init(void);
EXPORT int ggml_backend_score(void);

/* Called once by the loader, whose library is the ggml that this process uses. */
struct xqg_registry *ggml_backend_init(void)
{
	const char *missing;

	if (registry.api_version)
		return &registry;
	missing = xqg_symbols_find(__builtin_return_address(0));
	if (missing) {
		fprintf(stderr, "xqaccel: this ggml is of another kind: it lacks %s\n", missing);
		return NULL;
	}
	find_devices();
	registry = (struct xqg_registry){
		.api_version = xqg.api,
		.iface = { .get_name = registry_name, .get_device_count = registry_count,
			   .get_device = registry_device, .get_proc_address = registry_function },
	};
	return &registry;
}

/* Of several variants of a plugin ggml takes the one with the highest; there is one. */
int ggml_backend_score(void)
{
	return 1;
}
