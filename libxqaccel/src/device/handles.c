// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "handles.h"

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

int xq_handles_add(struct xq_handles *handles, uint32_t handle, uint64_t bytes)
{
	int err;

	pthread_rwlock_wrlock(&handles->lock);
	err = make_room(handles, (size_t)handle + 1);
	if (!err)
		handles->bytes[handle] = bytes;
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

bool xq_handles_find(struct xq_handles *handles, uint32_t handle, uint64_t *bytes)
{
	bool found;

	pthread_rwlock_rdlock(&handles->lock);
	found = handle < handles->room && handles->bytes[handle];
	if (found)
		*bytes = handles->bytes[handle];
	pthread_rwlock_unlock(&handles->lock);
	return found;
}
