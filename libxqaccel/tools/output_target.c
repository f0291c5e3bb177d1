// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "output_target.h"
#include "temporary.h"

/* As the kernel's own limit. */
#define MOST_LINKS	40

static const char *folder_of(const char *path, char *folder)
{
	snprintf(folder, PATH_MAX, "%.*s.", temporary_folder_length(path), path);
	return folder;
}

/* Links of /proc/self/fd lead to open files, whatever their text is. */
static bool is_magic(const char *link)
{
	char folder[PATH_MAX];
	struct statfs fs;

	return !statfs(folder_of(link, folder), &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

static int follow_links(struct output_target *t)
{
	char text[PATH_MAX], next[2 * PATH_MAX];
	struct stat st;

	for (int links = 0; !lstat(t->path, &st) && S_ISLNK(st.st_mode); links++) {
		ssize_t length = readlink(t->path, text, sizeof(text) - 1);

		if (length < 0)
			return -errno;
		if (links == MOST_LINKS)
			return -ELOOP;
		t->in_place = is_magic(t->path);
		if (t->in_place)
			return 0;
		text[length] = 0;
		snprintf(next, sizeof(next), "%.*s%s", text[0] == '/' ? 0 : temporary_folder_length(t->path), t->path, text);
		if (strlen(next) >= sizeof(t->path))
			return -ENAMETOOLONG;
		strcpy(t->path, next);
	}
	return 0;
}

static bool is_standard_output(const struct stat *st)
{
	struct stat out;

	return !fstat(STDOUT_FILENO, &out) && out.st_dev == st->st_dev && out.st_ino == st->st_ino;
}

static int find_folder(struct output_target *t)
{
	char folder[PATH_MAX];
	struct stat st;

	if (!t->path[temporary_folder_length(t->path)])
		return t->path[0] ? -EISDIR : -ENOENT;
	if (stat(folder_of(t->path, folder), &st))
		return -errno;
	t->folder = st.st_dev;
	t->folder_inode = st.st_ino;
	return 0;
}

int output_target_find(const char *path, struct output_target *t)
{
	int err;

	memset(t, 0, sizeof(*t));
	if (!strcmp(path, "-")) {
		t->in_place = t->standard = t->exists = true;
		return fstat(STDOUT_FILENO, &t->stat) ? -errno : 0;
	}
	if (strlen(path) >= sizeof(t->path))
		return -ENAMETOOLONG;
	strcpy(t->path, path);
	err = follow_links(t);
	if (err)
		return err;
	t->exists = !stat(t->path, &t->stat);
	if (!t->exists && errno != ENOENT)
		return -errno;
	if (t->exists && S_ISDIR(t->stat.st_mode))
		return -EISDIR;
	if (t->exists && access(t->path, W_OK))
		return -errno;
	if (t->exists && (t->in_place || !S_ISREG(t->stat.st_mode))) {
		t->in_place = true;
		t->standard = is_standard_output(&t->stat);
		return 0;
	}
	return find_folder(t);
}

bool output_target_same(const struct output_target *a, const struct output_target *b)
{
	if (a->exists && b->exists) {
		bool nowhere = S_ISCHR(a->stat.st_mode) && a->stat.st_rdev == makedev(1, 3);

		return a->stat.st_dev == b->stat.st_dev && a->stat.st_ino == b->stat.st_ino && !nowhere;
	}
	return !a->exists && !b->exists && a->folder == b->folder && a->folder_inode == b->folder_inode &&
	       !strcmp(a->path + temporary_folder_length(a->path), b->path + temporary_folder_length(b->path));
}
