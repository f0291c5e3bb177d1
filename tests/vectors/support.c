// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxqaccel/tools/npy.h"
#include "support.h"

#define SHOWN 3

static struct {
	unsigned int number, differences;
	const char *skip;
} result;

const char *data_folder(void)
{
	const char *folder = getenv("XQ_VECTORS");

	return folder && folder[0] ? folder : "../shared";
}

const char *data_path(const char *a, const char *b)
{
	static char paths[4][4096];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s/%s", data_folder(), a, b);
	return path;
}

bool data_read(const char *path, struct tensor *t)
{
	const char *wrong = npy_read(path, t);

	if (wrong)
		result_differs("cannot read %s: %s", path, wrong);
	return !wrong;
}

void result_plan(unsigned int count)
{
	printf("KTAP version 1\n1..%u\n", count);
}

void result_differs(const char *format, ...)
{
	va_list args;

	if (result.differences++ >= SHOWN)
		return;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void result_skip(const char *reason)
{
	result.skip = reason;
}

char result_end(const char *name)
{
	char verdict = result.differences ? 'f' : result.skip ? 's' : 'p';

	printf("%sok %u %s%s%s\n", verdict == 'f' ? "not " : "", ++result.number, name,
	       verdict == 's' ? " # SKIP " : "", verdict == 's' ? result.skip : "");
	fflush(stdout);
	result.differences = 0;
	result.skip = NULL;
	return verdict;
}

void result_skip_all(const char *name, const char *reason)
{
	result_plan(1);
	result_skip(reason);
	result_end(name);
}

bool device_open(struct xq_device **dev, struct xq_workspace **workspace)
{
	int err = xq_device_open(NULL, dev);
	char name[256] = "a device opens", text[256];

	*workspace = NULL;
	if (err) {
		*dev = NULL;
		xq_device_error(NULL, err, text, sizeof(text));
		result_differs("%s", text);
	} else {
		err = xq_workspace_create(*dev, workspace);
		if (err)
			result_differs("no workspace: %s", strerror(-err));
		snprintf(name, sizeof(name), "the device is %s", xq_device_name(*dev));
		/* Falling back to the model in the process would prove nothing about the driver. */
		if (!getenv("XQACCEL_DEVICE") && !access("/dev/xqaccel0", F_OK) &&
		    !strcmp(xq_device_name(*dev), "soft"))
			result_differs("/dev/xqaccel0 is there but was not taken");
	}
	return result_end(name) == 'p';
}

void device_close(struct xq_device *dev, struct xq_workspace *workspace)
{
	xq_workspace_destroy(workspace);
	if (dev)
		xq_device_close(dev);
}
