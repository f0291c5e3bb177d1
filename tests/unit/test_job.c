// SPDX-License-Identifier: MIT
/*
 * Jobs of every operation through the library's queues, on whatever device it finds ("soft" on the
 * host, /dev/xqaccel0 in the guest): results against the naive reference, and refusals.
 */
#include <errno.h>
#include <stdlib.h>
#include <xqaccel/device.h>

#include "ktap.h"
#include "tests/reference/random_job.h"

#define BYTES	(64U << 10)

static struct xq_device *dev;
static struct xq_queue *queue;
static struct xq_buffer *buffer;
static uint8_t want[BYTES];

static bool begin(uint64_t feature)
{
	if (!EXPECT(!xq_device_open(NULL, &dev), "no device"))
		return false;
	if (feature && !(xq_device_info(dev)->features & feature)) {
		ktap_skip("the device does not have it");
		xq_device_close(dev);
		return false;
	}
	return EXPECT(!xq_queue_create(dev, NULL, &queue), "no queue") &&
	       EXPECT(!xq_buffer_create(dev, BYTES, &buffer), "no buffer");
}

static void end(void)
{
	xq_buffer_destroy(buffer);
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

/* The job in the form of the interface: the reference's handles are only there or not. */
static void describe(const struct ref_job *job, struct xqaccel_job_desc *desc)
{
	*desc = (struct xqaccel_job_desc){ .work = job->work };
	memcpy(desc->operand, job->operand, sizeof(desc->operand));
	for (unsigned int i = 0; i < 23; i++)
		if (desc->operand[i].handle)
			desc->operand[i].handle = xq_buffer_handle(buffer);
}

static void operation(uint32_t op, uint64_t feature, unsigned int jobs)
{
	struct ref_random random = { 1000 + op };
	struct ref_job job = { .memory = want };
	struct xqaccel_job_desc desc;
	struct xq_completion done;
	int err;

	if (!begin(feature))
		return;
	for (unsigned int round = 0; round < jobs && !ktap.failures; round++) {
		ref_random_job(&random, &job, op, BYTES);
		ref_fill(&random, &job, BYTES);
		describe(&job, &desc);
		memcpy(xq_buffer_data(buffer), want, BYTES);
		ref_run(&job);
		err = xq_job_run(queue, &desc, &done);
		EXPECT(!err, "job %u: %s", round, strerror(-err));
		EXPECT(!memcmp(want, xq_buffer_data(buffer), BYTES), "job %u differs", round);
	}
	end();
}

static void gemm(void) { operation(XQACCEL_OP_GEMM, XQACCEL_FEATURE_EPILOGUE, 60); }
static void conv(void) { operation(XQACCEL_OP_CONV, XQACCEL_FEATURE_CONV, 60); }
static void pool(void) { operation(XQACCEL_OP_POOL, XQACCEL_FEATURE_POOL, 60); }
static void elementwise(void) { operation(XQACCEL_OP_ELEMENTWISE, XQACCEL_FEATURE_ELEMENTWISE, 60); }
static void softmax(void) { operation(XQACCEL_OP_SOFTMAX, XQACCEL_FEATURE_SOFTMAX, 30); }
static void mean(void) { operation(XQACCEL_OP_MEAN, XQACCEL_FEATURE_MEAN, 30); }
static void copy(void) { operation(XQACCEL_OP_COPY, XQACCEL_FEATURE_COPY, 100); }

/* ---- what is refused, word by word ---- */

static struct xqaccel_job_desc good;

static void start_from(uint32_t op)
{
	const struct xqaccel_requant to_s8 = { .profile = XQACCEL_PROFILE_TFLITE, .multiplier = 1 << 30, .act_min = -128,
					       .act_max = 127 };
	struct xqaccel_operand *x = &good.operand[XQACCEL_X], *y = &good.operand[XQACCEL_Y];

	good = (struct xqaccel_job_desc){ .work = { .op = op } };
	x->handle = y->handle = xq_buffer_handle(buffer);
	y->offset = 4096;
	switch (op) {
	case XQACCEL_OP_POOL:
		good.work.pool = (struct xqaccel_pool){ .format = XQACCEL_FMT_S8, .batch = 1, .in_h = 2, .in_w = 2, .channels = 3,
			.out_h = 1, .out_w = 1, .kernel_h = 2, .kernel_w = 2, .stride_h = 1, .stride_w = 1, .act_min = -128,
			.act_max = 127 };
		x->stride = 3;
		x->plane_stride = 6;
		break;
	case XQACCEL_OP_ELEMENTWISE:
		good.operand[XQACCEL_B] = *x;
		good.work.elementwise = (struct xqaccel_elementwise){ .format = XQACCEL_FMT_S8, .dim = { 1, 1, 1, 1, 2, 4 },
			.a = { .format = XQACCEL_FMT_S8 }, .b = { .format = XQACCEL_FMT_U8 }, .y = to_s8 };
		x->stride = y->stride = 4;
		break;
	case XQACCEL_OP_SOFTMAX:
		good.work.softmax = (struct xqaccel_softmax){ .rows = 2, .columns = 4, .multiplier = 1 << 30, .shift = 20 };
		x->stride = y->stride = 4;
		break;
	case XQACCEL_OP_MEAN:
		good.work.mean = (struct xqaccel_mean){ .format = XQACCEL_FMT_S8, .y_format = XQACCEL_FMT_S8, .outer = 2, .count = 3,
			.inner = 4, .y = to_s8 };
		x->stride = y->stride = 4;
		x->batch_stride = 12;
		break;
	case XQACCEL_OP_COPY:
		good.work.copy = (struct xqaccel_copy){ .kind = XQACCEL_COPY_DYNAMIC, .x_format = XQACCEL_FMT_F32,
			.y_format = XQACCEL_FMT_S8, .dim = { 1, 1, 1, 1, 2, 4 }, .x_inner_stride = { 4, 0 },
			.y_inner_stride = { 1, 0 }, .y = { .act_min = -128, .act_max = 127 } };
		x->stride = 16;
		y->stride = 4;
		break;
	default:
		good.work.gemm = (struct xqaccel_gemm){ .m = 2, .n = 4, .k = 4, .batch = 1, .a_format = XQACCEL_FMT_S8,
			.b_format = XQACCEL_FMT_S8 };
		good.work.epilogue = (struct xqaccel_epilogue){ .kind = XQACCEL_EPILOGUE_REQUANT, .profile = XQACCEL_PROFILE_TFLITE,
			.format = XQACCEL_FMT_S8, .act_min = -128, .act_max = 127 };
		good.operand[XQACCEL_B] = *x;
		good.operand[XQACCEL_EPILOGUE_MULTIPLIER] = good.operand[XQACCEL_EPILOGUE_SHIFT] = *x;
		x->stride = y->stride = 4;
		good.operand[XQACCEL_B].stride = 4;
		break;
	}
}

/* One member at a time is changed in a job that is taken; the error is the one that the interface names. */
#define REFUSED(error, ...) do {								\
		struct xqaccel_job_desc bad = good;						\
		struct xqaccel_work *w = &bad.work;						\
		struct xqaccel_operand *o = bad.operand;					\
		int err_;									\
												\
		(void)w;									\
		(void)o;									\
		__VA_ARGS__;									\
		err_ = xq_job_run(queue, &bad, NULL);						\
		EXPECT(err_ == -(error), "%s: %d, not " #error, #__VA_ARGS__, err_);		\
	} while (0)

static void common_refusals(void)
{
	const int err = xq_job_run(queue, &good, NULL);

	EXPECT(!err, "op %u: a good job: %s", good.work.op, strerror(-err));
	REFUSED(EOPNOTSUPP, w->flags = XQACCEL_JOB_B_TILED);
	REFUSED(EOPNOTSUPP, w->flags = XQACCEL_JOB_ACCUMULATE);
	REFUSED(EINVAL, w->words[47] = 1);
	REFUSED(EINVAL, w->epilogue.act_max = 1);
	REFUSED(EINVAL, w->epilogue.kind = XQACCEL_EPILOGUE_REQUANT);
	REFUSED(EINVAL, o[XQACCEL_X].handle = 0, o[XQACCEL_X].stride = 0);
	REFUSED(EINVAL, o[XQACCEL_Y] = (struct xqaccel_operand){ 0 });
	REFUSED(EINVAL, o[XQACCEL_CODEBOOK].handle = o[XQACCEL_X].handle);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_BIAS].handle = o[XQACCEL_X].handle);
	REFUSED(EINVAL, o[XQACCEL_Y].offset = o[XQACCEL_X].offset);
	REFUSED(ERANGE, o[XQACCEL_Y].offset = BYTES - 1);
	REFUSED(ERANGE, o[XQACCEL_X].offset = BYTES - 4);
	REFUSED(ENOENT, o[XQACCEL_X].handle = 12345);
}

static void requant_refusals(size_t at, bool profiles)
{
#define Y ((struct xqaccel_requant *)(void *)((uint8_t *)w + at))
	if (profiles) {
		REFUSED(EOPNOTSUPP, Y->profile = 4);
		REFUSED(EINVAL, Y->scale = 1);
		REFUSED(EINVAL, Y->add.high = 1);
		REFUSED(EINVAL, Y->profile = XQACCEL_PROFILE_ONNX);
	} else {
		REFUSED(EINVAL, Y->profile = 1);
		REFUSED(EINVAL, Y->multiplier = 1);
		REFUSED(EINVAL, Y->shift = 1);
		REFUSED(EINVAL, Y->scale = 1);
		REFUSED(EINVAL, Y->add.low = 1);
		REFUSED(EINVAL, Y->zero_point = 1);
	}
	REFUSED(EINVAL, Y->act_min = 128);
	REFUSED(EINVAL, Y->act_max = -129);
#undef Y
}

static void pool_refusals(void)
{
	uint32_t words[] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };

	if (!begin(XQACCEL_FEATURE_POOL))
		return;
	start_from(XQACCEL_OP_POOL);
	common_refusals();
	REFUSED(EOPNOTSUPP, w->pool.kind = 2);
	REFUSED(EOPNOTSUPP, w->pool.format = XQACCEL_FMT_S4);
	REFUSED(EOPNOTSUPP, w->pool.format = 256 + XQACCEL_FMT_S8);
	REFUSED(EINVAL, w->pool.format = 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		REFUSED(EINVAL, w->words[words[i]] = UINT32_MAX);
	REFUSED(EINVAL, w->pool.kernel_h = 0);
	REFUSED(EINVAL, w->pool.kernel_w = 0);
	REFUSED(EINVAL, w->pool.stride_h = 0);
	REFUSED(EINVAL, w->pool.stride_w = 0);
	REFUSED(EINVAL, w->pool.kernel_h = w->pool.kernel_w = 4096);
	REFUSED(EINVAL, w->pool.batch = w->pool.in_h = 1 << 13);
	REFUSED(EINVAL, w->pool.out_w = w->pool.out_h = 1 << 13);
	REFUSED(EINVAL, w->pool.act_min = 128);
	REFUSED(EINVAL, w->pool.act_max = -129);
	REFUSED(EINVAL, w->pool.out_w = 2, o[XQACCEL_Y].stride = 2);
	end();
}

static void elementwise_refusals(void)
{
	if (!begin(XQACCEL_FEATURE_ELEMENTWISE))
		return;
	start_from(XQACCEL_OP_ELEMENTWISE);
	common_refusals();
	requant_refusals(offsetof(struct xqaccel_work, elementwise.y), true);
	REFUSED(EOPNOTSUPP, w->elementwise.kind = 2);
	REFUSED(EOPNOTSUPP, w->elementwise.format = XQACCEL_FMT_S16);
	REFUSED(EOPNOTSUPP, w->elementwise.a.format = XQACCEL_FMT_S4);
	REFUSED(EINVAL, w->elementwise.b.format = 0);
	REFUSED(EINVAL, w->elementwise.left_shift = 31);
	REFUSED(EINVAL, w->elementwise.left_shift = 20, w->elementwise.a.zero_point = 2000);
	REFUSED(EINVAL, w->elementwise.kind = XQACCEL_ELEMENTWISE_MUL, w->elementwise.left_shift = 1);
	REFUSED(EINVAL, w->elementwise.kind = XQACCEL_ELEMENTWISE_MUL, w->elementwise.a.multiplier = 1);
	REFUSED(EINVAL, w->elementwise.kind = XQACCEL_ELEMENTWISE_MUL, w->elementwise.b.shift = 1);
	REFUSED(EINVAL, w->elementwise.y.profile = XQACCEL_PROFILE_FLOOR_SHIFT);
	REFUSED(EINVAL, w->elementwise.a.zero_point = 32001);
	REFUSED(EINVAL, w->elementwise.b.zero_point = -32001);
	REFUSED(EINVAL, w->elementwise.a.scale = 1);
	REFUSED(EINVAL, w->elementwise.b.add.low = 1);
	REFUSED(EINVAL, w->elementwise.a.repeat = 2);
	for (int i = 0; i < 6; i++)
		REFUSED(EINVAL, w->elementwise.dim[i] = (1U << 24) + 1);
	REFUSED(EINVAL, w->elementwise.dim[0] = w->elementwise.dim[1] = 1 << 20);
	REFUSED(EINVAL, w->elementwise.dim[0] = 2);
	REFUSED(EINVAL, w->elementwise.dim[1] = 2, w->elementwise.outer_stride[1].low = 7);
	REFUSED(EOVERFLOW, w->elementwise.dim[0] = 3, w->elementwise.a.outer_stride[0].high = 1U << 31);
	end();
}

static void softmax_refusals(void)
{
	if (!begin(XQACCEL_FEATURE_SOFTMAX))
		return;
	start_from(XQACCEL_OP_SOFTMAX);
	common_refusals();
	REFUSED(EINVAL, w->softmax.rows = (1U << 24) + 1);
	REFUSED(EINVAL, w->softmax.columns = (1U << 24) + 1);
	REFUSED(EINVAL, w->softmax.multiplier = -1);
	REFUSED(EINVAL, w->softmax.shift = 32);
	REFUSED(EINVAL, w->softmax.shift = -1);
	REFUSED(EINVAL, w->softmax.diff_min = 1);
	REFUSED(EINVAL, o[XQACCEL_Y].stride = 3);
	REFUSED(EINVAL, o[XQACCEL_X].plane_stride = 8);
	end();
}

static void mean_refusals(void)
{
	if (!begin(XQACCEL_FEATURE_MEAN))
		return;
	start_from(XQACCEL_OP_MEAN);
	common_refusals();
	requant_refusals(offsetof(struct xqaccel_work, mean.y), true);
	REFUSED(EOPNOTSUPP, w->mean.format = XQACCEL_FMT_U4);
	REFUSED(EINVAL, w->mean.y_format = 0);
	REFUSED(EINVAL, w->mean.outer = UINT32_MAX);
	REFUSED(EINVAL, w->mean.count = UINT32_MAX);
	REFUSED(EINVAL, w->mean.inner = UINT32_MAX);
	REFUSED(EINVAL, o[XQACCEL_Y].stride = 3);
	end();
}

static void copy_refusals(void)
{
	if (!begin(XQACCEL_FEATURE_COPY))
		return;
	start_from(XQACCEL_OP_COPY);
	common_refusals();
	requant_refusals(offsetof(struct xqaccel_work, copy.y), false);
	REFUSED(EOPNOTSUPP, w->copy.kind = 5);
	REFUSED(EOPNOTSUPP, w->copy.x_format = 99);
	REFUSED(EINVAL, w->copy.x_format = 0);
	REFUSED(EINVAL, w->copy.x_format = XQACCEL_FMT_S8);
	REFUSED(EINVAL, w->copy.y_format = XQACCEL_FMT_B1);
	REFUSED(EINVAL, w->copy.zero_point = 1);
	REFUSED(EINVAL, w->copy.x_inner_stride.low = 6);
	REFUSED(EINVAL, w->copy.x_outer_stride[1].low = 2);
	REFUSED(EINVAL, w->copy.y_format = XQACCEL_FMT_S4, w->copy.y.act_min = w->copy.y.act_max = 0);
	REFUSED(EINVAL, w->copy.y_inner_stride.low = 0);
	REFUSED(EINVAL, o[XQACCEL_X].offset = 2);
	for (int i = 0; i < 6; i++)
		REFUSED(EINVAL, w->copy.dim[i] = (1U << 24) + 1);
	REFUSED(EINVAL, o[XQACCEL_Y_SCALE].handle = o[XQACCEL_X].handle);
	REFUSED(EINVAL, o[XQACCEL_Y_ZP].handle = o[XQACCEL_X].handle, o[XQACCEL_Y_ZP].offset = 4098);
	REFUSED(EINVAL, o[XQACCEL_Y_ZP].handle = o[XQACCEL_X].handle, o[XQACCEL_Y_ZP].offset = 4096);
	REFUSED(ERANGE, o[XQACCEL_Y_SCALE].handle = o[XQACCEL_X].handle, o[XQACCEL_Y_SCALE].offset = BYTES - 4);
	end();
}

static void epilogue_refusals(void)
{
	int err;

	if (!begin(XQACCEL_FEATURE_EPILOGUE))
		return;
	start_from(XQACCEL_OP_GEMM);
	err = xq_job_run(queue, &good, NULL);
	EXPECT(!err, "a good job: %s", strerror(-err));
	REFUSED(EOPNOTSUPP, w->epilogue.kind = 4);
	REFUSED(EOPNOTSUPP, w->epilogue.profile = 4);
	REFUSED(EOPNOTSUPP, w->epilogue.format = 99);
	REFUSED(EOPNOTSUPP, w->epilogue.index_format = 99);
	REFUSED(EINVAL, w->epilogue.format = XQACCEL_FMT_F32);
	REFUSED(EINVAL, w->epilogue.format = XQACCEL_FMT_S32);
	REFUSED(EINVAL, w->epilogue.index_format = XQACCEL_FMT_S4);
	REFUSED(EINVAL, w->epilogue.index_format = XQACCEL_FMT_S8);
	REFUSED(EINVAL, w->epilogue.channels = 2);
	REFUSED(EINVAL, w->epilogue.thresholds = 1);
	REFUSED(EINVAL, w->epilogue.act_min = 128);
	REFUSED(EINVAL, w->epilogue.act_max = -129);
	REFUSED(EINVAL, w->epilogue.reserved = 1);
	REFUSED(EINVAL, w->flags = XQACCEL_JOB_ACCUMULATE);
	REFUSED(EINVAL, w->epilogue.kind = XQACCEL_EPILOGUE_THRESHOLDS, w->epilogue.thresholds = 256);
	REFUSED(EINVAL, w->epilogue.kind = XQACCEL_EPILOGUE_NONE);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_MULTIPLIER].handle = 0);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_SHIFT].handle = 0);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_SHIFT].offset = 2);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_SHIFT].stride = 4);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_ADD] = o[XQACCEL_EPILOGUE_SHIFT]);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_SCALE] = o[XQACCEL_EPILOGUE_SHIFT]);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_TABLE] = o[XQACCEL_EPILOGUE_SHIFT]);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_THRESHOLD] = o[XQACCEL_EPILOGUE_SHIFT]);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_FLOAT_BIAS] = o[XQACCEL_EPILOGUE_SHIFT]);
	REFUSED(ERANGE, w->epilogue.channels = 1, o[XQACCEL_EPILOGUE_SHIFT].offset = BYTES - 12);
	REFUSED(EINVAL, o[XQACCEL_EPILOGUE_SHIFT].offset = 4096);
	end();
}

KTAP_MAIN({ "products with every epilogue", gemm },
	  { "convolutions with every epilogue", conv },
	  { "pools", pool },
	  { "sums and products of tensors", elementwise },
	  { "softmax", softmax },
	  { "means", mean },
	  { "copies", copy },
	  { "epilogues that are refused", epilogue_refusals },
	  { "pools that are refused", pool_refusals },
	  { "sums and products that are refused", elementwise_refusals },
	  { "softmax that is refused", softmax_refusals },
	  { "means that are refused", mean_refusals },
	  { "copies that are refused", copy_refusals })
