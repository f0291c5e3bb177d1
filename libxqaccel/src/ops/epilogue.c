// SPDX-License-Identifier: MIT
#include <string.h>

#include <xqaccel/pack.h>

#include "epilogue.h"
#include "libxqaccel/src/device/backend.h"

void xq_epilogue_words(const struct xq_requant *rq, struct xqaccel_epilogue *words)
{
	*words = (struct xqaccel_epilogue){
		.kind = XQACCEL_EPILOGUE_REQUANT,
		.profile = rq->profile,
		.format = (uint32_t)rq->type,
		.index_format = XQ_NONE,
		.channels = rq->params > 1,
		.zero_point = rq->zero_point,
		.act_min = rq->clamp ? rq->act_min : INT32_MIN,
		.act_max = rq->clamp ? rq->act_max : INT32_MAX,
	};
}

void xq_epilogue_arrays(const struct xq_requant *rq, const int32_t *bias, size_t channels,
			void (*array)(void *arg, unsigned int operand, const void *from, size_t bytes), void *arg)
{
	/* The widest first, for alignment. */
	if (rq->profile == XQ_REQUANT_FLOOR_SHIFT && rq->add)
		array(arg, XQACCEL_EPILOGUE_ADD, rq->add, rq->params * sizeof(*rq->add));
	if (rq->profile == XQ_REQUANT_ONNX) {
		array(arg, XQACCEL_EPILOGUE_SCALE, rq->scale, rq->params * sizeof(*rq->scale));
	} else {
		array(arg, XQACCEL_EPILOGUE_MULTIPLIER, rq->multiplier, rq->params * sizeof(*rq->multiplier));
		array(arg, XQACCEL_EPILOGUE_SHIFT, rq->shift, rq->params * sizeof(*rq->shift));
	}
	if (bias)
		array(arg, XQACCEL_EPILOGUE_BIAS, bias, channels * sizeof(*bias));
}

bool xq_epilogue_on_device(const struct xq_device *dev, const struct xq_requant *rq)
{
	return rq && (dev->info.features & XQACCEL_FEATURE_EPILOGUE);
}

static void count(void *arg, unsigned int operand, const void *from, size_t bytes)
{
	(void)operand;
	(void)from;
	*(size_t *)arg += bytes;
}

size_t xq_epilogue_bytes(const struct xq_requant *rq, const int32_t *bias, size_t channels)
{
	size_t bytes = 0;

	xq_epilogue_arrays(rq, bias, channels, count, &bytes);
	return bytes;
}

struct put {
	uint32_t handle;
	uint8_t *data;
	size_t offset;
	struct xqaccel_job_desc *job;
};

static void put_array(void *arg, unsigned int operand, const void *from, size_t bytes)
{
	struct put *p = arg;

	memcpy(p->data + p->offset, from, bytes);
	p->job->operand[operand] = (struct xqaccel_operand){ .handle = p->handle, .offset = p->offset };
	p->offset += bytes;
}

void xq_epilogue_put(const struct xq_requant *rq, const int32_t *bias, size_t channels, uint32_t handle,
		     uint8_t *data, size_t offset, struct xqaccel_job_desc *job)
{
	struct put put = { .handle = handle, .data = data, .offset = offset, .job = job };

	xq_epilogue_words(rq, &job->work.epilogue);
	xq_epilogue_arrays(rq, bias, channels, put_array, &put);
}

void xq_epilogue_unpack(enum xq_type type, const void *packed, size_t rows, size_t channels, void *y)
{
	if (xq_type_bits(type) < 8)
		xq_unpack(type, packed, rows, channels, xq_row_size(type, channels), y, channels);
	else
		memcpy(y, packed, rows * xq_row_size(type, channels));
}
