// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "npy.h"
#include "output.h"

#define MAX_OUTPUTS	16

static struct {
	char *path, *temporary;
} outputs[MAX_OUTPUTS];
static volatile sig_atomic_t count;

static void discard(void)
{
	int i;

	for (i = 0; i < count; i++)
		if (outputs[i].temporary)
			unlink(outputs[i].temporary);
}

static void on_signal(int number)
{
	discard();
	signal(number, SIG_DFL);
	raise(number);
}

static int write_all(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		const ssize_t done = write(fd, at, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		bytes -= (size_t)done;
	}
	return 0;
}

/* A file that exists and is not a regular one, like /dev/stdout, is written in place. */
static bool in_place(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int open_temporary(const char *path)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	const mode_t mask = umask(0);
	size_t i;
	int fd;

	umask(mask);
	outputs[count].path = strdup(path);
	if (!outputs[count].path || asprintf(&outputs[count].temporary, "%s.XXXXXX", path) < 0)
		return -1;
	fd = mkostemp(outputs[count].temporary, O_CLOEXEC);
	if (fd < 0) {
		free(outputs[count].temporary);
		outputs[count].temporary = NULL;
		return -1;
	}
	if (!count++) {
		atexit(discard);
		for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			signal(signals[i], on_signal);
	}
	fchmod(fd, 0666 & ~mask);
	return fd;
}

/* The header and what follows it, as a file of its own. */
static int output_file(const char *path, const void *header, size_t size, const void *data, size_t bytes)
{
	int fd, err;

	if (count == MAX_OUTPUTS)
		return fail("too many outputs (%d)", MAX_OUTPUTS);
	fd = in_place(path) ? open(path, O_WRONLY | O_CLOEXEC) : open_temporary(path);
	if (fd < 0)
		return fail("cannot write %s: %s", path, strerror(errno));
	err = write_all(fd, header, size);
	if (!err)
		err = write_all(fd, data, bytes);
	if (close(fd) && !err)
		err = -errno;
	return err ? fail("cannot write %s: %s", path, strerror(-err)) : 0;
}

int output_tensor(const char *path, const struct tensor *t)
{
	size_t size;
	char *header = npy_header(t, &size);
	int status;

	if (!header)
		return fail("cannot write %s: %s", path, strerror(ENOMEM));
	status = output_file(path, header, size, t->data, t->count * t->bytes);
	free(header);
	return status;
}

int output_bytes(const char *path, const void *data, size_t bytes)
{
	return output_file(path, NULL, 0, data, bytes);
}

int output_commit(void)
{
	int i;

	for (i = 0; i < count; i++) {
		if (!outputs[i].temporary)
			continue;
		if (rename(outputs[i].temporary, outputs[i].path))
			return fail("cannot write %s: %s", outputs[i].path, strerror(errno));
		free(outputs[i].temporary);
		outputs[i].temporary = NULL;
	}
	return 0;
}
