// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault_injection.h"
#include "guest.h"

#define DEBUGFS	"/sys/kernel/debug/"

static const char *const attributes[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
/* The driver's own, which are candidates of fail-nth, too. */
static const char *const of_driver[] = { "xqaccel/fail_full_queue", "xqaccel/fail_job_timeout" };

static int set(const char *attribute, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", attribute, name);
	return file_write(path, value);
}

int fail_prepare(void)
{
	unsigned int i;
	int ret = 0;

	if (access("/proc/thread-self/fail-nth", W_OK) || access(DEBUGFS "failslab", X_OK))
		return -ENODEV;
	for (i = 0; i < 3 && !ret; i++)
		ret = set(attributes[i], "verbose", "0");
	for (i = 0; i < 2 && !ret; i++)
		ret = set(of_driver[i], "verbose", "0");
	if (!ret)
		ret = set("failslab", "ignore-gfp-wait", "N");
	if (!ret)
		ret = set("fail_page_alloc", "ignore-gfp-wait", "N");
	if (!ret)
		ret = set("fail_page_alloc", "ignore-gfp-highmem", "N");
	return ret ? ret : set("fail_page_alloc", "min-order", "0");
}

/* The function's code ends where the next begins. */
static int kernel_text(const char *symbol, uint64_t *start, uint64_t *end)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], name[256], type;
	uint64_t at;

	if (!f)
		return -errno;
	*start = 0;
	*end = UINT64_MAX;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 " %c %255s", &at, &type, name) == 3 &&
		    !strcmp(name, symbol))
			*start = at;
	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64, &at) == 1 && at > *start && at < *end)
			*end = at;
	fclose(f);
	return *start ? 0 : -ENOENT;
}

static int stack_has(const char *attribute, uint64_t start, uint64_t end)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "0x%" PRIx64, start);
	ret = set(attribute, "require-start", text);
	snprintf(text, sizeof(text), "0x%" PRIx64, end);
	if (!ret)
		ret = set(attribute, "require-end", text);
	return ret ? ret : set(attribute, "stacktrace-depth", "32");
}

int fail_only_below(const char *symbol)
{
	uint64_t start = 0, end = UINT64_MAX;
	int ret = symbol ? kernel_text(symbol, &start, &end) : 0;
	unsigned int i;

	for (i = 0; i < 3 && !ret; i++)
		ret = stack_has(attributes[i], start, end);
	return ret;
}

/* Of this thread; open before anything fails, and the same for all, so that counting is exact. */
static int nth_fd(void)
{
	static __thread int fd = -1;

	if (fd < 0)
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fail_nth(unsigned int n)
{
	char text[16];
	const int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(nth_fd(), text, len, 0) < 0 ? -errno : 0;
}

/*
 * To read the count and to end it are system calls that copy, too. It has happened if the count
 * is 0 before them; an error of the read, which its own copy failed, means that it was not.
 */
int fail_nth_left(void)
{
	const int fd = nth_fd();
	char text[16] = "";
	ssize_t got;

	if (fd < 0)
		return fd;
	got = pread(fd, text, sizeof(text) - 1, 0);
	while (pwrite(fd, "0", 1, 0) < 0)
		if (errno != EFAULT && errno != ENOMEM)
			return -errno;
	return got > 0 ? strtol(text, NULL, 10) : 1;
}

int fail_nth_happened(void)
{
	const int left = fail_nth_left();

	return left < 0 ? left : !left;
}

/* Where the module's code lies: kallsyms names nothing but its beginning, modules its size. */
static int driver_text(uint64_t *start, uint64_t *end)
{
	char line[512];
	FILE *f = fopen("/proc/modules", "r");
	unsigned long size;
	int ret = -ENOENT;

	if (!f)
		return -errno;
	while (ret && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "0x");

		if (strncmp(line, "xqaccel ", 8) || !at || sscanf(line + 8, "%lu", &size) != 1)
			continue;
		*start = strtoull(at, NULL, 16);
		*end = *start + size;
		ret = *start ? 0 : -EPERM;
	}
	fclose(f);
	return ret;
}

static int fail_attribute(const char *name, unsigned int per_10000, uint64_t start, uint64_t end)
{
	char text[32];
	int ret;

	ret = set(name, "probability", "0");
	if (ret || !per_10000)
		return ret;
	ret = stack_has(name, start, end);
	if (!ret)
		ret = set(name, "task-filter", "Y");
	if (!ret)
		ret = set(name, "times", "-1");
	/* One in so many is looked at, and of those each fails. */
	snprintf(text, sizeof(text), "%u", 10000 / per_10000);
	if (!ret)
		ret = set(name, "interval", text);
	return ret ? ret : set(name, "probability", "100");
}

int fail_driver(unsigned int per_10000)
{
	uint64_t start = 0, end = 0;
	int ret = per_10000 ? driver_text(&start, &end) : 0;

	if (!ret)
		ret = fail_attribute("failslab", per_10000, start, end);
	return ret ? ret : fail_attribute("fail_page_alloc", per_10000, start, end);
}

int fail_this_process(void)
{
	return file_write("/proc/self/make-it-fail", "1");
}
