// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "handles.h"

/* In the place of a size, which is one of whole pages. */
#define READ_ONLY	1U

void xq_handles_init(struct xq_handles *handles)
{
	pthread_rwlock_init(&handles->lock, NULL);
}

void xq_handles_free(struct xq_handles *handles)
{
	free(handles->bytes);
	pthread_rwlock_destroy(&handles->lock);
}

static int make_room(struct xq_handles *handles, size_t need)
{
	size_t room = handles->room ? handles->room : 64, i;
	uint64_t *bytes;

	while (room < need)
		room *= 2;
	if (room == handles->room)
		return 0;
	bytes = realloc(handles->bytes, room * sizeof(*bytes));
	if (!bytes)
		return -ENOMEM;
	for (i = handles->room; i < room; i++)
		bytes[i] = 0;
	handles->bytes = bytes;
	handles->room = room;
	return 0;
}

int xq_handles_add(struct xq_handles *handles, uint32_t handle, uint64_t bytes, bool writable)
{
	int err;

	pthread_rwlock_wrlock(&handles->lock);
	err = make_room(handles, (size_t)handle + 1);
	if (!err)
		handles->bytes[handle] = bytes | (writable ? 0 : READ_ONLY);
	pthread_rwlock_unlock(&handles->lock);
	return err;
}

void xq_handles_remove(struct xq_handles *handles, uint32_t handle)
{
	pthread_rwlock_wrlock(&handles->lock);
	if (handle < handles->room)
		handles->bytes[handle] = 0;
	pthread_rwlock_unlock(&handles->lock);
}

int xq_handles_find(struct xq_handles *handles, uint32_t handle, bool written, uint64_t *bytes)
{
	uint64_t entry = 0;

	pthread_rwlock_rdlock(&handles->lock);
	if (handle < handles->room)
		entry = handles->bytes[handle];
	pthread_rwlock_unlock(&handles->lock);
	if (!entry)
		return -ENOENT;
	*bytes = entry & ~(uint64_t)READ_ONLY;
	return written && (entry & READ_ONLY) ? -EACCES : 0;
}
