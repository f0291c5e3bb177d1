// SPDX-License-Identifier: MIT
/*
 * Where the file system can, the file has no name at all until the end (O_TMPFILE), so that nothing
 * whatever leaves it behind. Elsewhere it has one, .xq-XXXXXX, that is removed when the program ends,
 * by a signal too, but for SIGKILL.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "temporary.h"

#define MAX_FILES	256

/* Names to be removed. A slot is filled before its name exists and emptied after it doesn't. */
static char *names[MAX_FILES];
static volatile sig_atomic_t count;

static void discard(void)
{
	for (int i = 0; i < count; i++) {
		if (names[i])
			unlink(names[i]);
	}
}

static void on_signal(int number)
{
	discard();
	signal(number, SIG_DFL);
	raise(number);
}

/* All that end a program, unless somebody wants them otherwise: nohup ignores SIGHUP. */
static void watch_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGVTALRM, SIGXCPU, SIGUSR1,
				       SIGUSR2, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction old, ours = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &ours, NULL);
	}
	atexit(discard);
}

int temporary_folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path) + 1 : 0;
}

/* A file of another name: path's own may be as long as names can be. */
static int create_named(const char *path, struct temporary *file)
{
	char *name;

	if (asprintf(&name, "%.*s.xq-XXXXXX", temporary_folder_length(path), path) < 0)
		return -ENOMEM;
	file->fd = mkostemp(name, O_CLOEXEC);
	if (file->fd < 0) {
		free(name);
		return -errno;
	}
	names[file->slot] = name;
	return 0;
}

/* Without a name, if it can be given one later. */
static int create_nameless(const char *path)
{
	char *folder;
	int fd;

	if (access("/proc/self/fd", X_OK) || asprintf(&folder, "%.*s.", temporary_folder_length(path), path) < 0)
		return -1;
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	free(folder);
	return fd;
}

static mode_t new_mode(void)
{
	const mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int temporary_create(const char *path, const struct stat *like, struct temporary *file)
{
	int err = 0;

	if (count == MAX_FILES) {
		errno = EMFILE;
		return -EMFILE;
	}
	if (!count)
		watch_signals();
	file->slot = count++;
	file->fd = create_nameless(path);
	if (file->fd < 0)
		err = create_named(path, file);
	if (err) {
		errno = -err;
		return err;
	}
	/* The owner first: changing it clears bits of the mode. */
	if (like && fchown(file->fd, like->st_uid, like->st_gid))
		(void)!fchown(file->fd, (uid_t)-1, like->st_gid);
	/* On a file system without modes there is nothing to keep. */
	(void)!fchmod(file->fd, like ? like->st_mode & 07777 : new_mode());
	return 0;
}

/* The name is gone. The handler of a signal must not meet it once it is freed. */
static void forget_name(int slot)
{
	char *name = names[slot];

	names[slot] = NULL;
	free(name);
}

int temporary_scratch(const char *path)
{
	struct temporary file;
	int fd = create_nameless(path);

	if (fd >= 0)
		return fd;
	if (temporary_create(path, NULL, &file))
		return -1;
	if (names[file.slot]) {
		unlink(names[file.slot]);
		forget_name(file.slot);
	}
	return file.fd;
}

/* Gives a nameless file its name, or if that is taken another. 1: the other */
static int link_file(struct temporary *file, const char *path)
{
	char from[64], *name;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", file->fd);
	if (!linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		return 0;
	for (int i = 0; errno == EEXIST && i < 1000; i++) {
		if (asprintf(&name, "%.*s.xq-%d-%d-%d", temporary_folder_length(path), path, (int)getpid(), file->slot, i) < 0)
			return -ENOMEM;
		if (!linkat(AT_FDCWD, from, AT_FDCWD, name, AT_SYMLINK_FOLLOW)) {
			names[file->slot] = name;
			return 1;
		}
		free(name);
	}
	return -errno;
}

int temporary_commit(struct temporary *file, const char *path)
{
	int err = 0;

	if (!names[file->slot])
		err = link_file(file, path);
	if (err >= 0 && names[file->slot]) {
		err = rename(names[file->slot], path) ? -errno : 0;
		if (!err)
			forget_name(file->slot);
	}
	if (close(file->fd) && !err)
		err = -errno;
	return err;
}
