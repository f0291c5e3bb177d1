// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "npy.h"
#include "output.h"
#include "output_target.h"
#include "progress.h"
#include "temporary.h"

#define MAX_OUTPUTS	256
#define PIECE		(4U << 20)

/* Below this a mapping saves nothing; below that a file is not worth it. */
#define LEAST_MAPPED	(1U << 20)
#define LEAST_SCRATCH	(8U << 20)

static struct output {
	const char *path;
	struct output_target target;
	struct temporary file;
	void *map;		/* what output_alloc() gave */
	bool written;
} outputs[MAX_OUTPUTS];
static int count;

/* The one that is not yet written: /dev/null may be several. */
static struct output *find(const char *path)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(outputs[i].path, path) && !outputs[i].written)
			return &outputs[i];
	}
	return NULL;
}

static int open_output(struct output *o)
{
	if (o->target.in_place)
		o->file.fd = o->target.standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) :
						  open(o->target.path, O_WRONLY | O_CLOEXEC |
						       (S_ISREG(o->target.stat.st_mode) ? O_APPEND : 0));
	else if (temporary_create(o->target.path, o->target.exists ? &o->target.stat : NULL, &o->file))
		o->file.fd = -1;
	return o->file.fd < 0 ? -errno : 0;
}

int output_prepare(const char *path)
{
	struct output *o = &outputs[count];
	int err;

	if (!path)
		return 0;
	/* Then write() says that a file would be larger than it may. */
	if (!count)
		signal(SIGXFSZ, SIG_IGN);
	if (count == MAX_OUTPUTS)
		return fail("there are more than %d outputs (%s)", MAX_OUTPUTS, path);
	*o = (struct output){ .path = path };
	err = output_target_find(path, &o->target);
	for (int i = 0; i < count && !err; i++) {
		if (output_target_same(&outputs[i].target, &o->target))
			return fail("two outputs are the same file (%s, %s)", outputs[i].path, path);
	}
	if (!err)
		err = open_output(o);
	if (err)
		return fail("cannot write %s: %s", path, strerror(-err));
	count++;
	return 0;
}

/* Prepared now, if it was not before. */
static struct output *prepared(const char *path)
{
	struct output *o = find(path);

	if (o)
		return o;
	return output_prepare(path) ? NULL : find(path);
}

/* ---- bytes ------------------------------------------------------------------------------------------- */

static int write_all(int fd, const void *data, size_t bytes, uint64_t *share)
{
	const char *at = data;

	while (bytes) {
		const ssize_t done = write(fd, at, bytes < PIECE ? bytes : PIECE);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		bytes -= (size_t)done;
		__atomic_add_fetch(share, (uint64_t)done, __ATOMIC_RELAXED);
	}
	return 0;
}

/* The header and what follows it. Data that lies in the file's mapping is there already. */
static int write_output(const char *path, const void *header, size_t size, const void *data, size_t bytes)
{
	struct output *o = prepared(path);
	uint64_t share = 0;
	int err;

	if (!o)
		return EXIT_ERROR;
	o->written = true;
	if (o->map && data == (const char *)o->map + size)
		return 0;
	progress_start("writing", &share, size + bytes);
	err = write_all(o->file.fd, header, size, &share);
	if (!err)
		err = write_all(o->file.fd, data, bytes, &share);
	progress_stop();
	/* A file without a name lives by its descriptor; that of others may only now know of an error. */
	if (o->target.in_place && close(o->file.fd) && !err)
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
	status = write_output(path, header, size, t->data, t->count * t->bytes);
	free(header);
	return status;
}

int output_bytes(const char *path, const void *data, size_t bytes)
{
	return write_output(path, NULL, 0, data, bytes);
}

/* ---- results in files ----------------------------------------------------------------------------- */

/* Zeroes in a file, writable. 0 or a negative errno. */
static int map_file(int fd, size_t bytes, void **map)
{
	/* Now there is an error for a full disk; later there would be a signal. */
	int err = posix_fallocate(fd, 0, (off_t)bytes);

	if (err)
		return -err;
	*map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *map == MAP_FAILED ? -errno : 0;
}

static int map_output(struct output *o, struct tensor *t)
{
	size_t size;
	char *header = npy_header(t, &size);
	void *map;
	int err;

	if (!header)
		return -ENOMEM;
	err = map_file(o->file.fd, size + t->count * t->bytes, &map);
	if (!err) {
		memcpy(map, header, size);
		t->map = o->map = map;
		t->map_bytes = size + t->count * t->bytes;
		t->data = (char *)map + size;
	}
	free(header);
	return err;
}

/* Not in memory if that can be. */
static void map_scratch(struct tensor *t)
{
	const char *beside = "/var/tmp/xq";
	void *map;
	int fd;

	for (int i = count - 1; i >= 0; i--) {
		if (!outputs[i].target.in_place)
			beside = outputs[i].target.path;
	}
	fd = temporary_scratch(beside);
	if (fd < 0)
		return;
	if (!map_file(fd, t->count * t->bytes, &map)) {
		t->data = t->map = map;
		t->map_bytes = t->count * t->bytes;
	}
	close(fd);
}

int output_alloc(const char *path, struct tensor *t)
{
	struct output *o = NULL;
	int err;

	t->data = t->map = NULL;
	if (path && !(o = prepared(path)))
		return EXIT_ERROR;
	if (!tensor_count(t))
		return fail("the result would be too large");
	if (o && !o->target.in_place && !o->map && t->count * t->bytes >= LEAST_MAPPED) {
		err = map_output(o, t);
		return err ? fail("cannot write %s: %s", path, strerror(-err)) : 0;
	}
	if (t->count * t->bytes >= LEAST_SCRATCH)
		map_scratch(t);
	if (!t->data)
		t->data = calloc(t->count ? t->count : 1, t->bytes);
	return t->data ? 0 : fail("there is not enough memory for the result");
}

/* ---- the end ------------------------------------------------------------------------------------------ */

int output_commit(void)
{
	for (int i = 0; i < count; i++) {
		struct output *o = &outputs[i];
		int err;

		if (o->target.in_place || !o->written)
			continue;
		err = temporary_commit(&o->file, o->target.path);
		if (err)
			return fail("cannot write %s: %s", o->path, strerror(-err));
	}
	return 0;
}

int output_flush(void)
{
	int why;

	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	why = errno;
	__fpurge(stdout);
	clearerr(stdout);
	return fail("cannot write to standard output: %s", strerror(why));
}

FILE *output_report(void)
{
	for (int i = 0; i < count; i++) {
		if (outputs[i].target.standard)
			return stderr;
	}
	return stdout;
}
