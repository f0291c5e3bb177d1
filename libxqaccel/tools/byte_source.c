// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_source.h"

/* So many at a time, that who looks at the counter sees it move. */
#define MOST	(4U << 20)

static ptrdiff_t take_fd(struct byte_source *from, void *to, size_t bytes)
{
	ssize_t got;

	do {
		got = read((int)(intptr_t)from->context, to, bytes);
	} while (got < 0 && errno == EINTR);
	return got;
}

struct byte_source byte_source_fd(int fd)
{
	struct byte_source from = { .take = take_fd, .context = (void *)(intptr_t)fd };
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	if (at >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		from.known = true;
		from.size = st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
	}
	return from;
}

static ptrdiff_t take_memory(struct byte_source *from, void *to, size_t bytes)
{
	struct byte_span *span = from->context;

	bytes = bytes < span->left ? bytes : span->left;
	if (bytes)
		memcpy(to, span->at, bytes);
	span->at += bytes;
	span->left -= bytes;
	return (ptrdiff_t)bytes;
}

struct byte_source byte_source_memory(struct byte_span *span)
{
	return (struct byte_source){ .take = take_memory, .context = span, .known = true, .size = span->left };
}

static const char *failure(struct byte_source *from)
{
	const char *text = from->error ? from->error(from) : NULL;

	return text ? text : strerror(errno);
}

static ptrdiff_t take(struct byte_source *from, void *to, size_t bytes)
{
	ptrdiff_t got = from->take(from, to, bytes < MOST ? bytes : MOST);

	if (got <= 0)
		return got;
	from->at += (uint64_t)got;
	if (from->share) {
		__atomic_store_n(&from->share->total, from->known ? from->size : 0, __ATOMIC_RELAXED);
		__atomic_store_n(&from->share->done, from->at, __ATOMIC_RELAXED);
	}
	return got;
}

const char *byte_source_get(struct byte_source *from, void *to, size_t bytes)
{
	uint8_t *at = to;

	while (bytes) {
		ptrdiff_t got = take(from, at, bytes);

		if (got < 0)
			return failure(from);
		if (!got)
			return "it is cut short";
		at += got;
		bytes -= (size_t)got;
	}
	return NULL;
}

const char *byte_source_alloc(struct byte_source *from, size_t bytes, void **data)
{
	size_t room = from->known && !from->claimed ? bytes : bytes < MOST ? bytes : MOST, got = 0;
	const char *wrong = NULL;

	*data = malloc(room ? room : 1);
	while (*data && !wrong) {
		void *more;

		wrong = byte_source_get(from, (uint8_t *)*data + got, room - got);
		got = room;
		if (got == bytes || wrong)
			break;
		room = bytes / 2 < room ? bytes : 2 * room;
		more = realloc(*data, room);
		if (!more)
			free(*data);
		*data = more;
	}
	if (!*data)
		return "there is not enough memory for it";
	if (wrong) {
		free(*data);
		*data = NULL;
	}
	return wrong;
}

const char *byte_source_skip(struct byte_source *from, uint64_t bytes)
{
	uint8_t nowhere[4096];
	const char *wrong = NULL;

	while (bytes && !wrong) {
		size_t now = bytes < sizeof(nowhere) ? (size_t)bytes : sizeof(nowhere);

		wrong = byte_source_get(from, nowhere, now);
		bytes -= now;
	}
	return wrong;
}

const char *byte_source_end(struct byte_source *from)
{
	uint8_t one;
	ptrdiff_t got = take(from, &one, 1);

	return !got ? NULL : got < 0 ? failure(from) : "more bytes follow its elements";
}

const char *byte_source_all(struct byte_source *from, uint8_t **data, size_t *bytes)
{
	size_t room = from->known && from->size < SIZE_MAX ? (size_t)(from->size - from->at) + 1 : 65536;
	const char *wrong;

	*bytes = 0;
	*data = malloc(room);
	while (*data) {
		ptrdiff_t got;

		if (*bytes == room) {
			uint8_t *more = room > SIZE_MAX / 2 ? NULL : realloc(*data, room *= 2);

			if (!more)
				break;
			*data = more;
		}
		got = take(from, *data + *bytes, room - *bytes);
		if (!got)
			return NULL;
		if (got < 0) {
			wrong = failure(from);
			free(*data);
			*data = NULL;
			return wrong;
		}
		*bytes += (size_t)got;
	}
	free(*data);
	*data = NULL;
	return "there is not enough memory for it";
}

bool byte_source_short(const struct byte_source *from, uint64_t bytes)
{
	return from->known && (from->size < from->at || from->size - from->at < bytes);
}
