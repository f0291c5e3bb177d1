// SPDX-License-Identifier: GPL-2.0
/* The ioctl that tells what the device and the driver are. */
#include <linux/string.h>

#include "buffer.h"
#include "client.h"
#include "info.h"

int xqaccel_ioctl_info(struct xqaccel_client *client, void *data)
{
	const struct xqaccel_caps *caps = &client->xq->caps;
	struct xqaccel_info *cmd = data;
	const u32 size = cmd->size;

	if (cmd->flags)
		return -EOPNOTSUPP;
	*cmd = (struct xqaccel_info) {
		.size = size,
		.abi_major = XQACCEL_ABI_MAJOR,
		.abi_minor = XQACCEL_ABI_MINOR,
		.hw_version = caps->hw_version,
		.queues = caps->queues,
		.contexts = caps->contexts,
		.lanes = XQACCEL_LANES,
		.max_jobs = XQACCEL_MAX_JOBS,
		.max_batch = XQACCEL_MAX_BATCH,
		.max_dim = caps->max_dim,
		.tiled = caps->tiled,
		.features = caps->features,
		.clock_hz = caps->clock_hz,
		.max_buffer_bytes = xqaccel_max_buffer_bytes(),
		.client_bytes = xqaccel_client_bytes(),
		.default_timeout_ms = xqaccel_default_timeout_ms(),
		.max_timeout_ms = xqaccel_max_timeout_ms(),
		.threads = caps->threads,
		.driver = XQACCEL_DRIVER_VERSION,
	};
	memcpy(cmd->pairs, caps->pairs, sizeof(cmd->pairs));
	memcpy(cmd->isa, caps->isa, sizeof(cmd->isa));
	return 0;
}
