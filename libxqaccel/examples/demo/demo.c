// SPDX-License-Identifier: MIT
/*
 * Small networks on the accelerator and on the software device, side by side: accuracy, job
 * times, bytes moved, and whether the two agree bit for bit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

#define SOFT_MNIST_IMAGES	1000

struct demo {
	const struct network_file *file;
	const char *vectors;
	struct xq_device *device, *soft;	/* device is NULL if there is only soft */
	bool failed;
};

static int run_one(struct demo *demo, const char *name, struct xq_device *dev, struct run *run)
{
	if (!strcmp(name, "int8"))
		return run_int8(dev, demo->file, run);
	if (!strcmp(name, "int4"))
		return run_int4(dev, demo->file, run);
	if (!strcmp(name, "XNOR"))
		return run_xnor(dev, demo->file, run);
	return run_mnist(dev, demo->vectors, run);
}

static void print_size(double bytes, int width)
{
	if (bytes < 10 * 1024 * 1024)
		printf("%*.0f KiB", width - 4, bytes / 1024);
	else
		printf("%*.1f MiB", width - 4, bytes / 1024 / 1024);
}

static void print_row(const char *name, const char *pair, const struct xq_device *dev,
		      const struct run *run, const char *verdict)
{
	printf("  %-6s%-9s", name, pair);
	print_size((double)run->weight_bytes, 9);
	printf("  %-14s%7.2f %%%6lu%9.2f ms%9.2f ms%7.2f", xq_device_name(dev),
	       100.0 * run->right / run->images, (unsigned long)run->jobs,
	       1e-6 * (double)run->device_ns, 1e3 * run->seconds,
	       run->device_ns ? 1e9 * run->seconds / (double)run->device_ns : 0);
	print_size((double)run->bytes, 10);
	printf("%s%s\n", *verdict ? "  " : "", verdict);
}

static const char *compare(struct demo *demo, const struct run *run, const struct run *soft)
{
	if ((soft->limit || run->trace_bytes == soft->trace_bytes) &&
	    run->trace_bytes >= soft->trace_bytes &&
	    !memcmp(run->trace, soft->trace, soft->trace_bytes))
		return soft->limit ? "same bits, first 1000" : "same bits";
	demo->failed = true;
	return "DIFFERENT";
}

/* A network on both devices. Accuracy below the floor is a failure. */
static void show(struct demo *demo, const char *name, const char *pair, double floor)
{
	/* In a guest the software device runs on an emulated processor, which has its limits. */
	struct run run = { 0 };
	struct run soft = { .limit = demo->device && !strcmp(name, "LFC") ? SOFT_MNIST_IMAGES : 0 };
	int err = run_one(demo, name, demo->soft, &soft);

	if (err == -ENOENT)
		goto out;
	if (!err && demo->device)
		err = run_one(demo, name, demo->device, &run);
	if (err) {
		printf("  %-6s%-9s failed: %s\n", name, pair, strerror(-err));
		demo->failed = true;
		goto out;
	}
	if (demo->device)
		print_row(name, pair, demo->device, &run, "");
	print_row(demo->device ? "" : name, demo->device ? "" : pair, demo->soft, &soft,
		  demo->device ? compare(demo, &run, &soft) : "");
	demo->failed |= soft.right < floor * soft.images && !soft.limit;
	demo->failed |= run.right < floor * run.images;
out:
	run_free(&run);
	run_free(&soft);
}

static struct network_file *read_file(const char *path)
{
	struct network_file *file = malloc(sizeof(*file));
	FILE *in = fopen(path, "rb");
	const bool good = file && in && fread(file, sizeof(*file), 1, in) == 1 &&
			  file->magic == NETWORK_MAGIC;

	if (in)
		fclose(in);
	if (good)
		return file;
	fprintf(stderr, "xq-demo: cannot read the networks from %s (make demo makes them)\n", path);
	free(file);
	return NULL;
}

static bool open_devices(struct demo *demo, const char *name)
{
	char text[256];
	int err = xq_device_open("soft", &demo->soft);

	if (!err)
		err = xq_device_open(name, &demo->device);
	if (err) {
		xq_device_error(demo->soft ? name : "soft", err, text, sizeof(text));
		fprintf(stderr, "xq-demo: %s\n", text);
		return false;
	}
	if (!strcmp(xq_device_name(demo->device), "soft")) {
		xq_device_close(demo->device);
		demo->device = NULL;
	}
	return true;
}

static void print_head(const struct demo *demo)
{
	const struct xqaccel_info *info = xq_device_info(demo->device ? demo->device : demo->soft);

	printf("\n%s: %s%s, hardware %u.%u, %s kernels, %u threads%s\n\n",
	       demo->device ? xq_device_name(demo->device) : "soft", demo->device ? "driver " : "", info->driver,
	       info->hw_version >> 16, info->hw_version & 0xffff, info->isa, info->threads,
	       demo->device ? "" : " (no /dev/xqaccel* here, so this is the software device alone)");
	printf("%d drawn digits of %d x %d pixels, a %zu-%zu-%zu-%zu network (float32: %.2f %%)\n\n",
	       TEST_IMAGES, IMAGE_SIDE, IMAGE_SIDE, layer_size[0], layer_size[1], layer_size[2],
	       layer_size[3], 100.0 * demo->file->float_right / TEST_IMAGES);
	printf("  %-15s%9s  %-14s%9s%6s%12s%12s%7s%10s\n", "network", "weights", "device", "accuracy",
	       "jobs", "on device", "in all", "ratio", "moved");
}

int main(int argc, char **argv)
{
	struct demo demo = { .vectors = getenv("XQ_VECTORS") };

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: xq-demo FILE [DEVICE]\n");
		return 2;
	}
	demo.file = read_file(argv[1]);
	if (!demo.file || !open_devices(&demo, argc > 2 ? argv[2] : NULL))
		return 1;
	print_head(&demo);
	show(&demo, "int8", "u8 x s8", 0.97);
	show(&demo, "int4", "s4 x s4", 0.9);
	show(&demo, "XNOR", "b1 x b1", 0.9);
	if (demo.vectors && *demo.vectors) {
		printf("\n10,000 MNIST images, BNN-PYNQ's 784-1024-1024-1024-10 network%s\n\n",
		       has_mnist(demo.vectors) ? "" : ": not there, skipped");
		show(&demo, "LFC", "b1 x b1", 0.9834);
	}
	printf("\n%s\n", demo.failed ? "Something is wrong." : !demo.device ? "Done." :
	       "The device and the software device agree bit for bit.");
	xq_device_close(demo.device);
	xq_device_close(demo.soft);
	free((void *)demo.file);
	return demo.failed;
}
