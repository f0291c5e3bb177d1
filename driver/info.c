// SPDX-License-Identifier: GPL-2.0
/* The ioctl that reports what the device and the driver are. */
#include <linux/string.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "client.h"
#include "ioctl.h"
#include "timeout.h"

/* The smallest stride of the ABI. */
#define PAIR_MIN_BYTES	16

static bool get_pair(const struct xqaccel_caps *caps, u32 a, u32 b, struct xqaccel_pair *pair)
{
	if (!(caps->pairs[a] & BIT(b)))
		return false;
	*pair = (struct xqaccel_pair) {
		.op = XQACCEL_OP_GEMM,
		.flags = caps->tiled & BIT(b) ? XQACCEL_PAIR_B_TILED : 0,
		.a_format = a,
		.b_format = b,
	};
	return true;
}

static int put_pair(const struct xqaccel_array *to, u32 index, const struct xqaccel_pair *pair)
{
	void __user *at = u64_to_user_ptr(to->array + (u64)index * to->stride);
	const size_t known = min_t(size_t, to->stride, sizeof(*pair));

	if (copy_to_user(at, pair, known) || clear_user(at + known, to->stride - known))
		return -EFAULT;
	return 0;
}

/* Writes as many pairs as there is room for; the count becomes that of all. */
static int put_pairs(const struct xqaccel_caps *caps, struct xqaccel_array *to)
{
	struct xqaccel_pair pair;
	u32 a, b, count = 0;
	int ret;

	for (a = 0; a < XQ_FORMATS; a++) {
		for (b = 0; b < XQ_FORMATS; b++) {
			if (!get_pair(caps, a, b, &pair))
				continue;
			ret = count < to->count ? put_pair(to, count, &pair) : 0;
			if (ret)
				return ret;
			count++;
		}
	}
	to->count = count;
	return 0;
}

int xqaccel_ioctl_info(struct xqaccel_call *call)
{
	struct xqaccel_device *xq = call->client->xq;
	const struct xqaccel_caps *caps = &xq->caps;
	struct xqaccel_info *cmd = call->data;
	struct xqaccel_array pairs = cmd->pairs;
	const u32 size = cmd->size;
	int ret;

	if (READ_ONCE(xq->lost))
		return -ENODEV;
	if (cmd->flags)
		return -EOPNOTSUPP;
	if (pairs.count && (pairs.stride < PAIR_MIN_BYTES || pairs.stride > XQACCEL_MAX_STRUCT))
		return -EINVAL;
	ret = put_pairs(caps, &pairs);
	if (ret)
		return ret;
	*cmd = (struct xqaccel_info) {
		.size = size,
		.abi = XQACCEL_ABI,
		.features = caps->features,
		.pairs = pairs,
		.hw_version = caps->hw_version,
		.queues = caps->queues,
		.contexts = caps->contexts,
		.lanes = XQACCEL_LANES,
		.max_jobs = XQACCEL_LANE_JOBS,
		.max_batch = XQACCEL_MAX_BATCH,
		.max_dim = caps->max_dim,
		.threads = caps->threads,
		.default_timeout_ms = xqaccel_default_timeout_ms(),
		.max_timeout_ms = xqaccel_max_timeout_ms(),
		.clock_hz = caps->clock_hz,
		.max_buffer_bytes = xqaccel_max_buffer_bytes(),
		.client_bytes = xqaccel_client_bytes(),
		.driver = XQACCEL_DRIVER_VERSION,
	};
	memcpy(cmd->isa, caps->isa, sizeof(cmd->isa));
	return 0;
}
