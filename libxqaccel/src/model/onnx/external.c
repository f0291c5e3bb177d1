// SPDX-License-Identifier: MIT
/*
 * Weights in other files of the model's folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader.h"

struct external {
	const char *location;
	uint64_t offset, length;
	bool whole;		/* the file says no length */
};

static int number(struct xqo_reader *reader, const Onnx__TensorProto *proto, const char *key, const char *text,
		  uint64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		return xqm_fail(reader->graph, -EINVAL, "constant %.200s lies in another file with a %s of %.40s",
				proto->name ? proto->name : "", key, text);
	return 0;
}

static int parse(struct xqo_reader *reader, const Onnx__TensorProto *proto, struct external *e)
{
	int err = 0;

	*e = (struct external){ .whole = true };
	for (size_t i = 0; !err && i < proto->n_external_data; i++) {
		const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;

		if (!key || !value)
			continue;
		if (!strcmp(key, "location")) {
			e->location = value;
		} else if (!strcmp(key, "offset")) {
			err = number(reader, proto, key, value, &e->offset);
		} else if (!strcmp(key, "length")) {
			err = number(reader, proto, key, value, &e->length);
			e->whole = false;
		}
	}
	if (!err && !e->location)
		err = xqm_fail(reader->graph, -EINVAL, "constant %.200s lies in a file without a name",
			       proto->name ? proto->name : "");
	return err;
}

/* A path that can't leave the folder: relative, without "..". */
static bool stays_inside(const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2]))
			return false;
	}
	return true;
}

/*
 * Opens a file below the folder. No part of the path may be a symbolic link, which could lead elsewhere.
 */
static int open_inside(const char *folder, const char *location)
{
	char part[256];
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), next;

	while (fd >= 0) {
		size_t length = strcspn(location, "/");
		bool last = !location[length];

		if (length >= sizeof(part)) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(part, location, length);
		part[length] = 0;
		next = openat(fd, part, O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY));
		close(fd);
		if (last || next < 0)
			return next;
		fd = next;
		location += length;
		location += strspn(location, "/");
	}
	return fd;
}

static int map(struct xqo_reader *reader, const char *location, const void **data, size_t *bytes)
{
	struct stat st;
	void *found;
	int fd = open_inside(reader->folder, location), err;

	if (fd < 0)
		return xqm_fail(reader->graph, -errno, "the file %.200s, which has weights of the model, can't be opened: %s",
				location, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return xqm_fail(reader->graph, -EINVAL, "%.200s, which has weights of the model, is no regular file", location);
	}
	*bytes = (size_t)st.st_size;
	*data = "";
	found = st.st_size ? mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	err = found == MAP_FAILED ? -errno : 0;
	close(fd);
	if (err)
		return xqm_fail(reader->graph, err, "the file %.200s can't be mapped: %s", location, strerror(-err));
	if (found) {
		*data = found;
		if (xqm_keep_map(reader->graph, location, found, *bytes)) {
			munmap(found, *bytes);
			return xqm_no_memory(reader->graph);
		}
	}
	return 0;
}

int xqo_external(struct xqo_reader *reader, const Onnx__TensorProto *proto, const void **data, size_t *bytes)
{
	const char *name = proto->name ? proto->name : "";
	struct external e;
	int err = parse(reader, proto, &e);
	size_t size;

	if (err)
		return err;
	if (!stays_inside(e.location))
		return xqm_fail(reader->graph, -EINVAL, "constant %.200s lies in %.200s, which is not below the model's folder", name,
				e.location);
	if (!reader->folder)
		return xqm_fail(reader->graph, -EINVAL, "constant %.200s lies in the file %.200s, but the model has no folder", name,
				e.location);
	if (!xqm_find_map(reader->graph, e.location, data, &size))
		err = map(reader, e.location, data, &size);
	if (err)
		return err;
	if (e.whole)
		e.length = e.offset <= size ? size - e.offset : 0;
	if (e.offset > size || e.length > size - e.offset)
		return xqm_fail(reader->graph, -EINVAL,
				"constant %.200s lies at bytes %llu to %llu of %.200s, which has %zu", name,
				(unsigned long long)e.offset, (unsigned long long)(e.offset + e.length), e.location, size);
	*data = (const char *)*data + e.offset;
	*bytes = e.length;
	return 0;
}
