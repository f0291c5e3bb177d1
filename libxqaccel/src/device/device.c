// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

#define DEVICE_FILES	16
#define SOFT_NAME	"soft"

uint64_t xq_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Pairs of operations and types that this library does not know are left out. */
void xq_pairs_from(const struct xqaccel_info *info, struct xq_pairs *pairs)
{
	const struct xqaccel_pair *p = (const struct xqaccel_pair *)(uintptr_t)info->pairs.array;
	uint32_t i;

	*pairs = (struct xq_pairs){ 0 };
	for (i = 0; i < info->pairs.count; i++, p++) {
		if (p->op != XQACCEL_OP_GEMM || p->a_format >= XQ_TYPE_COUNT ||
		    p->b_format >= XQ_TYPE_COUNT)
			continue;
		pairs->of_a[p->a_format] |= 1U << p->b_format;
		if (p->flags & XQACCEL_PAIR_B_TILED)
			pairs->tiled |= 1U << p->b_format;
	}
}

int xq_device_wrap(const char *name, struct xq_backend *backend,
		   const struct xqaccel_info *info, struct xq_device **dev)
{
	struct xq_device *d = calloc(1, sizeof(*d));

	if (d)
		d->name = strdup(name);
	if (!d || !d->name) {
		free(d);
		free((void *)(uintptr_t)info->pairs.array);
		backend->ops->close(backend);
		return -ENOMEM;
	}
	d->backend = backend;
	d->info = *info;
	xq_pairs_from(info, &d->pairs);
	pthread_mutex_init(&d->lock, NULL);
	xq_handles_init(&d->handles);
	*dev = d;
	return 0;
}

static int open_named(const char *name, struct xq_device **dev)
{
	struct xq_backend *backend;
	struct xqaccel_info info;
	int err;

	if (!strcmp(name, SOFT_NAME))
		err = xq_soft_open(&backend, &info);
	else
		err = xq_ioctl_open(name, NULL, &backend, &info);
	return err ? err : xq_device_wrap(name, backend, &info, dev);
}

/* The name that NULL and the environment stand for; NULL if the choice is free. */
static const char *wanted_name(const char *name)
{
	if (!name)
		name = getenv("XQACCEL_DEVICE");
	return name && *name ? name : NULL;
}

int xq_device_open(const char *name, struct xq_device **dev)
{
	char path[32];
	int i;

	name = wanted_name(name);
	if (name)
		return open_named(name, dev);
	for (i = 0; i < DEVICE_FILES; i++) {
		snprintf(path, sizeof(path), "/dev/xqaccel%d", i);
		if (!access(path, F_OK) && !open_named(path, dev))
			return 0;
	}
	return open_named(SOFT_NAME, dev);
}

void xq_device_close(struct xq_device *dev)
{
	if (!dev)
		return;
	dev->backend->ops->close(dev->backend);
	xq_handles_free(&dev->handles);
	pthread_mutex_destroy(&dev->lock);
	free((void *)(uintptr_t)dev->info.pairs.array);
	free(dev->name);
	free(dev);
}

const char *xq_device_name(const struct xq_device *dev)
{
	return dev->name;
}

const struct xqaccel_info *xq_device_info(const struct xq_device *dev)
{
	return &dev->info;
}

bool xq_device_has_pair(const struct xq_device *dev, enum xq_type a, enum xq_type b)
{
	if ((unsigned int)a >= XQ_TYPE_COUNT || (unsigned int)b >= XQ_TYPE_COUNT)
		return false;
	return dev->pairs.of_a[a] >> b & 1;
}

bool xq_device_has_tiled(const struct xq_device *dev, enum xq_type type)
{
	return (unsigned int)type < XQ_TYPE_COUNT && dev->pairs.tiled >> type & 1;
}
