// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive.h"
#include "npy.h"
#include "tensor_file.h"

static const char *const unknown = "it is neither a .npy, a .npz nor a safetensors file";

/* ---- elements as they lie in the file --------------------------------------------------------- */

/* The elements at offset of the file as a mapping. False if they can't be mapped, for whatever reason. */
static bool map_elements(int fd, uint64_t offset, struct tensor *t)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start = offset / page * page;
	const size_t bytes = t->count * t->bytes;
	void *map;

	if (!bytes || offset % t->bytes)
		return false;
	map = mmap(NULL, (size_t)(offset - start) + bytes, PROT_READ, MAP_PRIVATE, fd, (off_t)start);
	if (map == MAP_FAILED)
		return false;
	t->map = map;
	t->map_bytes = (size_t)(offset - start) + bytes;
	t->data = (uint8_t *)map + (offset - start);
	return true;
}

/* Narrow integers have to be changed, so they are copied. */
static const char *take_or_map(struct byte_source *from, int map_fd, unsigned int narrow, bool last, struct tensor *t)
{
	const uint64_t bytes = t->count * t->bytes;
	const char *wrong;
	off_t here;

	if (byte_source_short(from, bytes))
		return "it is cut short";
	if (last && from->known && from->size - from->at > bytes)
		return "more bytes follow its elements";
	/* Where the elements are in the file: standard input need not have begun at its start. */
	here = map_fd >= 0 && from->known && !narrow ? lseek(map_fd, 0, SEEK_CUR) : -1;
	if (here >= 0 && map_elements(map_fd, (uint64_t)here, t))
		return NULL;
	wrong = tensor_take(from, narrow, t);
	if (!wrong && last)
		wrong = byte_source_end(from);
	if (wrong)
		tensor_free(t);
	return wrong;
}

static const char *read_npy(struct byte_source *from, int map_fd, const uint8_t *start, const char *as,
			    struct tensor *t)
{
	unsigned int narrow = 0;
	const char *wrong = npy_read_header(start, from, as, t, &narrow);

	return wrong ? wrong : take_or_map(from, map_fd, narrow, true, t);
}

static const char *read_safetensors(struct byte_source *from, int map_fd, const uint8_t *start,
				    const char *member, struct tensor *t)
{
	uint64_t length = 0, skip = 0;
	const char *wrong;

	for (int i = NPY_START_BYTES - 1; i >= 0; i--)
		length = length << 8 | start[i];
	wrong = safetensors_header(from, length, member, t, &skip);
	if (!wrong && byte_source_short(from, skip))
		wrong = "it is cut short";
	if (!wrong)
		wrong = byte_source_skip(from, skip);
	return wrong ? wrong : take_or_map(from, map_fd, 0, false, t);
}

/* ---- containers --------------------------------------------------------------------------------- */

/* An archive has its list at the end, so what can't be read there is read whole first. */
static const char *read_npz(struct byte_source *from, int fd, const uint8_t *start, const char *member,
			    struct tensor *t)
{
	uint8_t *rest, *all;
	const char *wrong;
	size_t bytes;

	if (fd >= 0 && from->known && lseek(fd, -(off_t)NPY_START_BYTES, SEEK_CUR) == 0) {
		int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

		return own < 0 ? strerror(errno) : npz_read(own, member, t, from->share);
	}
	wrong = byte_source_all(from, &rest, &bytes);
	if (wrong)
		return wrong;
	all = malloc(bytes + NPY_START_BYTES);
	if (all) {
		memcpy(all, start, NPY_START_BYTES);
		memcpy(all + NPY_START_BYTES, rest, bytes);
	}
	free(rest);
	if (!all)
		return "there is not enough memory for it";
	wrong = npz_parse(all, bytes + NPY_START_BYTES, member, t);
	free(all);
	return wrong;
}

static const char *read_any(struct byte_source *from, int fd, bool map, const char *member, struct tensor *t)
{
	uint8_t start[NPY_START_BYTES];
	const char *wrong = byte_source_get(from, start, sizeof(start));

	*t = (struct tensor){ 0 };
	if (wrong)
		return from->at || byte_source_short(from, sizeof(start)) ? unknown : wrong;
	if (!memcmp(start, NPY_MAGIC, NPY_MAGIC_BYTES))
		return read_npy(from, map ? fd : -1, start, member, t);
	/* A file of the archive, or the list of an empty one. */
	if (!memcmp(start, "PK\3\4", 4) || !memcmp(start, "PK\5\6", 4))
		return read_npz(from, fd, start, member, t);
	return read_safetensors(from, map ? fd : -1, start, member, t);
}

const char *tensor_parse(const void *file, size_t bytes, const char *member, struct tensor *t)
{
	struct byte_span span = { file, bytes };
	struct byte_source from = byte_source_memory(&span);

	return read_any(&from, -1, false, member, t);
}

/* ---- names ---------------------------------------------------------------------------------------- */

/* Opens the path, or the longest part of it before a colon that can be; what follows is the member. */
static int open_name(const char *name, const char **member)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), why = errno;
	char *path;

	*member = NULL;
	if (fd >= 0 || (why != ENOENT && why != ENOTDIR && why != ENAMETOOLONG))
		return fd;
	for (size_t length = strlen(name); length-- && fd < 0;) {
		if (name[length] != ':')
			continue;
		path = strndup(name, length);
		fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		free(path);
		*member = name + length + 1;
	}
	errno = why;
	return fd;
}

static const char *read_named(const char *name, bool map, struct tensor *t, struct byte_share *share)
{
	const bool standard = !strcmp(name, "-");
	static bool standard_taken;
	struct byte_source from;
	const char *member = NULL, *wrong;
	int fd;

	*t = (struct tensor){ 0 };
	if (standard && standard_taken)
		return "standard input can be read only once";
	standard_taken |= standard;
	fd = standard ? STDIN_FILENO : open_name(name, &member);
	if (fd < 0)
		return strerror(errno);
	from = byte_source_fd(fd);
	from.share = share;
	wrong = read_any(&from, fd, map, member, t);
	if (!standard)
		close(fd);
	return wrong;
}

const char *tensor_read(const char *name, struct tensor *t, struct byte_share *share)
{
	return read_named(name, false, t, share);
}

const char *tensor_map(const char *name, struct tensor *t, struct byte_share *share)
{
	return read_named(name, true, t, share);
}
