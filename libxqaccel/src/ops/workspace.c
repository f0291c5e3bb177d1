// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "workspace.h"

int xq_workspace_create(struct xq_device *dev, struct xq_workspace **workspace)
{
	struct xq_workspace *ws = calloc(1, sizeof(*ws));
	int err;

	if (!ws)
		return -ENOMEM;
	ws->dev = dev;
	err = xq_queue_create(dev, NULL, &ws->queue);
	if (err) {
		free(ws);
		return err;
	}
	*workspace = ws;
	return 0;
}

void xq_workspace_destroy(struct xq_workspace *ws)
{
	unsigned int i;

	if (!ws)
		return;
	xq_queue_destroy(ws->queue);
	for (i = 0; i < sizeof(ws->stage) / sizeof(ws->stage[0]); i++)
		xq_buffer_destroy(ws->stage[i]);
	free(ws->scratch);
	free(ws);
}

struct xq_device *xq_workspace_device(const struct xq_workspace *workspace)
{
	return workspace->dev;
}

int xq_workspace_stage(struct xq_workspace *ws, unsigned int operand, size_t bytes, void **data)
{
	struct xq_buffer **stage = &ws->stage[operand];
	int err;

	if (!*stage || xq_buffer_size(*stage) < bytes) {
		xq_buffer_destroy(*stage);
		*stage = NULL;
		err = xq_buffer_create(ws->dev, bytes ? bytes : 1, stage);
		if (err)
			return err;
	}
	*data = xq_buffer_data(*stage);
	return 0;
}

size_t xq_workspace_budget(const struct xq_workspace *ws, size_t bytes)
{
	const uint64_t share = xq_device_info(ws->dev)->client_bytes / 8;

	return share < bytes ? (size_t)share : bytes;
}

void *xq_workspace_scratch(struct xq_workspace *ws, size_t bytes)
{
	if (ws->scratch_bytes < bytes) {
		free(ws->scratch);
		ws->scratch = malloc(bytes);
		ws->scratch_bytes = ws->scratch ? bytes : 0;
	}
	return ws->scratch;
}

void xq_matmul_add_stats(struct xq_matmul_stats *stats, const struct xq_completion *done)
{
	if (!stats)
		return;
	stats->jobs++;
	stats->device_ns += done->end_ns - done->start_ns;
	/* Another thread may look at it to show progress. */
	__atomic_fetch_add(&stats->macs, done->macs, __ATOMIC_RELAXED);
	stats->bytes += done->bytes;
	stats->bytes_copied += done->bytes_copied;
	stats->overflow |= done->overflow;
}
