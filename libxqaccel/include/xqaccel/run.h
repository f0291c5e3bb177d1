/* SPDX-License-Identifier: MIT */
/*
 * Plans and runs of networks.
 *
 * A plan is a network for one device and one batch size: types and shapes are checked, weights
 * packed, memory planned by lifetimes, everything written down as jobs. A run is one execution's
 * memory; as many runs of a plan may be under way as were created.
 *
 * What the device can't do is computed on the CPU between its jobs, with the same bits.
 *
 * A plan is constant and serves any number of threads; a run belongs to one thread at a time.
 */
#ifndef XQACCEL_RUN_H
#define XQACCEL_RUN_H

#include <xqaccel/network.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_plan;
struct xq_run;

/* ---- plans -------------------------------------------------------------------------------------- */

/**
 * xq_network_compile() - make a plan
 * @dev: the device that will run it; stays open until xq_plan_destroy()
 * @batch: elements of the batch, at least 1
 * @plan: set to the plan, owned by the caller until xq_plan_destroy()
 *
 * Copies from the network what it needs. Return: as xq_network_check(), -ERANGE also for a constant that has
 * a value which is not of its type, and as xq_buffer_create().
 */
int xq_network_compile(struct xq_network *network, struct xq_device *dev, size_t batch,
		       struct xq_plan **plan);

/** xq_plan_destroy() - NULL is allowed. Its runs are destroyed before */
void xq_plan_destroy(struct xq_plan *plan);

/**
 * struct xq_plan_memory - what a plan takes
 * @weights: bytes of packed weights
 * @constants: of everything that is constant, with weights
 * @activations: of tensors between operators, for each run
 * @live: the most that operators need at once, which no plan could be below
 * @inputs: @outputs: of those, packed, for each run
 */
struct xq_plan_memory {
	size_t weights, constants, activations, live, inputs, outputs;
};

/** xq_plan_memory() - bytes */
void xq_plan_memory(const struct xq_plan *plan, struct xq_plan_memory *memory);

/** enum xq_where - where an operator is computed */
enum xq_where {
	XQ_NOWHERE,		/* nothing is left to be computed */
	XQ_ON_DEVICE,
	XQ_ON_CPU,
	XQ_ON_BOTH,
};

/**
 * struct xq_plan_operator - an operator of a plan
 * @name: as given, or its kind and number; lives as long as the plan
 * @where: where it is computed
 * @jobs: jobs of the device
 */
struct xq_plan_operator {
	const char *name;
	enum xq_where where;
	unsigned int jobs;
};

/** xq_plan_operators() - how many there are; they have the numbers of the network's */
unsigned int xq_plan_operators(const struct xq_plan *plan);

/** xq_plan_operator() - 0, or -EINVAL */
int xq_plan_operator(const struct xq_plan *plan, unsigned int number, struct xq_plan_operator *op);

/**
 * xq_plan_value() - shape of a tensor, with the batch in it
 * @value: filled in but for its data
 *
 * Return: bytes of its packed rows, or 0 if the plan has no such tensor.
 */
size_t xq_plan_value(const struct xq_plan *plan, int tensor, struct xq_network_value *value);

/* ---- runs --------------------------------------------------------------------------------------- */

/**
 * xq_run_create() - memory for one run at a time
 * @run: owned by the caller until xq_run_destroy()
 *
 * Return: as xq_buffer_create().
 */
int xq_run_create(const struct xq_plan *plan, struct xq_run **run);

/** xq_run_destroy() - waits for its jobs; NULL is allowed. Not after its queue was destroyed */
void xq_run_destroy(struct xq_run *run);

/**
 * xq_run_data() - memory of an input or output
 *
 * Rows of the last dimension, packed as by xq_pack(), without gaps. Not to be touched from
 * xq_run_start() until xq_run_wait() returns; what was written to an input stays there.
 *
 * Return: NULL if the tensor is neither.
 */
void *xq_run_data(const struct xq_run *run, int tensor);

/**
 * xq_run_bind() - have an input or output in memory of the caller
 * @buf: of the plan's device, or NULL to go back to the run's own memory; its destruction comes after the
 *	run's or after another call of this function
 * @offset: where the tensor begins, a multiple of 64
 *
 * Return: 0, -EINVAL, -ENOENT a buffer of another device, -ERANGE it reaches past the buffer, -EBUSY the
 * run is under way.
 */
int xq_run_bind(struct xq_run *run, int tensor, struct xq_buffer *buf, uint64_t offset);

/**
 * xq_run_write() - pack unpacked elements into an input
 *
 * Return: 0, -EINVAL no input, -ERANGE a value that is not of the type.
 */
int xq_run_write(struct xq_run *run, int tensor, const void *elements);

/** xq_run_read() - unpack an output. Return: 0, or -EINVAL no output */
int xq_run_read(const struct xq_run *run, int tensor, void *elements);

/**
 * xq_run_start() - begin
 * @queue: of the plan's device. It may have several runs under way, of any plans, but no jobs
 *	of other kinds until they have ended. Runs and queue belong to one thread at a time
 *
 * What the CPU has to do before the first job is done here.
 *
 * Return: 0, -EBUSY the run is under way, or the user's other queues have used up the limit of jobs, so that there
 * is nothing to wait for; -EINVAL, or how a step of the run failed.
 */
int xq_run_start(struct xq_run *run, struct xq_queue *queue);

/**
 * xq_run_wait() - wait for its end, and do what the CPU has to do between jobs
 * @timeout_ns: relative; negative waits for ever, 0 looks what there is
 *
 * Return: 0; -EAGAIN (the time is over) or -EINTR: the run goes on; -EINVAL it was not started; or the error of
 * the first step that failed, a job's as in struct xq_completion, after the last of its jobs has ended. -EBUSY: as of
 * xq_run_start(), or the function of an operator returned -EAGAIN or -EINTR, which would say that the run goes on.
 */
int xq_run_wait(struct xq_run *run, int64_t timeout_ns);

/** xq_run_execute() - start and wait for ever. Return: as these, but for -EAGAIN and -EINTR */
int xq_run_execute(struct xq_run *run, struct xq_queue *queue);

/**
 * struct xq_run_profile - what an operator did in the last run
 * @device_ns: its jobs' time by the device's clock
 * @cpu_ns: time on the CPU
 * @macs: @bytes: @bytes_copied: of its jobs, as in struct xq_completion; what the CPU does is not counted
 */
struct xq_run_profile {
	uint64_t device_ns, cpu_ns, macs, bytes, bytes_copied;
};

/**
 * xq_run_profile() - of an operator by its number, or of all with -1
 *
 * Return: 0, -EINVAL.
 */
int xq_run_profile(const struct xq_run *run, int number, struct xq_run_profile *profile);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
