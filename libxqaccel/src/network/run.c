// SPDX-License-Identifier: MIT
/*
 * Runs of a plan. Steps of the device are submitted as far as the CPU has nothing to do in between; a lane keeps their
 * order. Completions of a queue may be those of several runs, each of which is told by whoever waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "libxqaccel/src/device/queue.h"

#define REAP_AT_ONCE	64

#define PROFILE_BYTES	sizeof(struct xqaccel_profile)

/* A step or a program under way, the completion's user_data. */
struct flight {
	struct xq_run *run;
	unsigned int step;
	const struct xqn_segment *segment;
};

/**
 * struct xq_run - one execution at a time
 * @arena: @io: memory of its own; NULL if there is nothing to be held. Behind inputs and outputs the
 *	device notes what jobs of programs took, for each step
 * @binding: where each slot is
 * @memory: address of each storage
 * @flight: of each step that is a job by itself or the first of a program
 * @next: step that comes next
 * @under_way: jobs that the device has
 * @active: between start and the end of the wait
 * @attended: whoever started it waits for its end
 * @error: of the first step that failed
 */
struct xq_run {
	const struct xq_plan *plan;
	struct xq_buffer *arena, *io;
	struct xq_binding *binding;
	uint8_t **memory;
	struct flight *flight;
	struct xq_run_profile *profile;
	struct xq_queue *queue;
	unsigned int next, under_way;
	bool active, attended;
	int error;
};

/* ---- memory ------------------------------------------------------------------------------------------------ */

static void own_memory(struct xq_run *run, unsigned int slot)
{
	run->binding[slot] = (struct xq_binding){ run->io, run->plan->slot[slot].offset };
}

/* Where a storage is: its buffer, and the offset in it. */
static struct xq_binding storage_at(const struct xq_run *run, const struct xqn_storage *s)
{
	switch (s->region) {
	case XQN_SLOT:
		return run->binding[s->slot];
	case XQN_CONSTANT:
		return (struct xq_binding){ run->plan->constants, s->offset };
	default:
		return (struct xq_binding){ run->arena, s->offset };
	}
}

static void find_memory(struct xq_run *run)
{
	unsigned int i;

	for (i = 0; i < run->plan->storages; i++) {
		const struct xq_binding at = storage_at(run, &run->plan->storage[i]);

		run->memory[i] = at.buffer ? (uint8_t *)xq_buffer_data(at.buffer) + at.offset : NULL;
	}
}

static int make(struct xq_run *run)
{
	const struct xq_plan *plan = run->plan;
	unsigned int i, j;
	size_t io_bytes;
	int err = 0;

	if (__builtin_add_overflow(plan->io_bytes, (plan->steps + (size_t)1) * PROFILE_BYTES, &io_bytes))
		return -EOVERFLOW;
	run->binding = calloc(plan->slots + 1, sizeof(*run->binding));
	run->memory = calloc(plan->storages + 1, sizeof(*run->memory));
	run->flight = calloc(plan->steps + 1, sizeof(*run->flight));
	run->profile = calloc(plan->operators + 1, sizeof(*run->profile));
	if (!run->binding || !run->memory || !run->flight || !run->profile)
		return -ENOMEM;
	if (plan->memory.activations)
		err = xq_buffer_create(plan->dev, plan->memory.activations, &run->arena);
	if (!err)
		err = xq_buffer_create(plan->dev, io_bytes, &run->io);
	for (i = 0; i < plan->slots; i++)
		own_memory(run, i);
	for (i = 0; i < plan->segments; i++)
		for (j = 0; j < plan->segment[i].count; j++)
			run->flight[plan->segment[i].first + j] = (struct flight){ run, plan->segment[i].first + j,
										   &plan->segment[i] };
	return err;
}

int xq_run_create(const struct xq_plan *plan, struct xq_run **run)
{
	struct xq_run *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->plan = plan;
	err = make(r);
	if (err) {
		xq_run_destroy(r);
		return err;
	}
	find_memory(r);
	*run = r;
	return 0;
}

static const struct xqn_slot *slot_of(const struct xq_run *run, int tensor, unsigned int *number)
{
	const struct xq_plan *plan = run->plan;

	if (tensor < 1 || (unsigned int)tensor > plan->tensors || !plan->slot_of[tensor - 1])
		return NULL;
	*number = plan->slot_of[tensor - 1] - 1;
	return &plan->slot[*number];
}

void *xq_run_data(const struct xq_run *run, int tensor)
{
	unsigned int number;
	const struct xqn_slot *slot = slot_of(run, tensor, &number);

	return slot ? run->memory[slot->storage] : NULL;
}

int xq_run_bind(struct xq_run *run, int tensor, struct xq_buffer *buf, uint64_t offset)
{
	unsigned int number;
	const struct xqn_slot *slot = slot_of(run, tensor, &number);

	if (run->active)
		return -EBUSY;
	if (!slot || offset % XQN_ALIGN)
		return -EINVAL;
	if (!buf) {
		own_memory(run, number);
	} else if (buf->dev != run->plan->dev) {
		return -ENOENT;
	} else if (offset > xq_buffer_size(buf) || slot->bytes > xq_buffer_size(buf) - offset) {
		return -ERANGE;
	} else {
		run->binding[number] = (struct xq_binding){ buf, offset };
	}
	find_memory(run);
	return 0;
}

/* Rows and columns of a slot. */
static void rows_of(const struct xq_run *run, const struct xqn_slot *slot, enum xq_type *type, size_t *rows,
		    size_t *columns)
{
	const struct xqn_view *v = &run->plan->tensor[slot->tensor - 1];
	unsigned int i;

	*type = v->type;
	*columns = v->dim[v->dims - 1];
	for (*rows = 1, i = 0; i + 1 < v->dims; i++)
		*rows *= v->dim[i];
}

int xq_run_write(struct xq_run *run, int tensor, const void *elements)
{
	unsigned int number;
	const struct xqn_slot *slot = slot_of(run, tensor, &number);
	size_t rows, columns;
	enum xq_type type;

	if (!slot || !slot->input)
		return -EINVAL;
	rows_of(run, slot, &type, &rows, &columns);
	if (xq_type_bits(type) <= 8)
		return xq_pack(type, elements, rows, columns, columns, run->memory[slot->storage],
			       xq_row_size(type, columns), NULL);
	memcpy(run->memory[slot->storage], elements, slot->bytes);
	return 0;
}

int xq_run_read(const struct xq_run *run, int tensor, void *elements)
{
	unsigned int number;
	const struct xqn_slot *slot = slot_of(run, tensor, &number);
	size_t rows, columns;
	enum xq_type type;

	if (!slot || slot->input)
		return -EINVAL;
	rows_of(run, slot, &type, &rows, &columns);
	if (xq_type_bits(type) <= 8)
		return xq_unpack(type, run->memory[slot->storage], rows, columns, xq_row_size(type, columns), elements,
				 columns);
	memcpy(elements, run->memory[slot->storage], slot->bytes);
	return 0;
}

/* ---- steps --------------------------------------------------------------------------------------------------- */

static struct xqaccel_operand memory_of(const void *arg, const struct xqn_storage *storage)
{
	const struct xq_binding at = storage_at(arg, storage);

	return (struct xqaccel_operand){ .handle = xq_buffer_handle(at.buffer), .offset = at.offset };
}

/* Of the steps that follow. */
static int make_job(const struct xq_device *dev, const void *jobs, unsigned int index, struct xqaccel_job_desc *job)
{
	const struct xq_run *run = jobs;
	const unsigned int step = run->next + index;

	(void)dev;
	xqn_make_job(&run->plan->step[step], run->plan->storage, memory_of, run, job);
	job->user_data = (uintptr_t)&run->flight[step];
	return 0;
}

static struct xq_binding profile_of(const struct xq_run *run, const struct xqn_segment *segment)
{
	return (struct xq_binding){ run->io, run->plan->io_bytes + segment->first * PROFILE_BYTES };
}

static int submit_program(struct xq_run *run, const struct xqn_segment *segment)
{
	const struct xq_plan *plan = run->plan;
	struct xq_program_run job = {
		.program = segment->program, .profile = profile_of(run, segment),
		.user_data = (uintptr_t)&run->flight[segment->first],
	};
	unsigned int i;

	/* A slot that no job of the program uses stays empty. */
	if (segment->slots >> XQN_PROGRAM_ARENA & 1)
		job.slot[XQN_PROGRAM_ARENA].buffer = run->arena;
	for (i = 0; i < plan->slots; i++)
		if (segment->slots >> XQN_PROGRAM_SLOT(i) & 1)
			job.slot[XQN_PROGRAM_SLOT(i)] = run->binding[i];
	return xq_program_submit(run->queue, &job, 1);
}

/* Submits what may follow; -EAGAIN if completions have to be taken first. */
static int submit(struct xq_run *run)
{
	const struct xqn_segment *segment = run->flight[run->next].segment;
	const unsigned int end = segment->first + segment->count;
	int done;

	if (run->attended)
		xq_queue_attend(run->queue, true);
	if (segment->program) {
		done = submit_program(run, segment);
		run->next = done < 0 ? run->next : end;
	} else {
		done = xq_queue_submit_as(run->queue, run, end - run->next, make_job);
		run->next += done < 0 ? 0 : (unsigned int)done;
	}
	run->under_way += done < 0 ? 0 : (unsigned int)done;
	return done < 0 ? done : 0;
}

static int compute(struct xq_run *run)
{
	const struct xqn_step *step = &run->plan->step[run->next];
	struct xq_run_profile *profile = &run->profile[step->operator];
	const uint64_t start = xq_clock_ns();
	const int err = xqn_compute(step, run->memory);

	profile->cpu_ns += xq_clock_ns() - start;
	run->next++;
	return err;
}

/* To the caller -EAGAIN and -EINTR say that the run goes on. */
static int error_of(int err)
{
	return err == -EAGAIN || err == -EINTR ? -EBUSY : err;
}

/* Goes on as far as it can be without waiting. */
static void advance(struct xq_run *run)
{
	const struct xq_plan *plan = run->plan;

	while (!run->error && run->next < plan->steps) {
		int err;

		if (plan->step[run->next].cpu) {
			if (run->under_way)
				break;
			err = compute(run);
		} else {
			err = submit(run);
			/* A full queue gets room when what is under way has ended. */
			if (err == -EAGAIN && xq_queue_pending(run->queue))
				break;
		}
		run->error = error_of(err);
	}
}

static bool ended(const struct xq_run *run)
{
	return !run->under_way && (run->error || run->next == run->plan->steps);
}

static void note(struct xq_run *run, unsigned int step, uint64_t ns, uint64_t macs, uint64_t bytes)
{
	struct xq_run_profile *profile = &run->profile[run->plan->step[step].operator];

	profile->device_ns += ns;
	profile->macs += macs;
	profile->bytes += bytes;
}

/* Tells the run of a job that it has ended. */
static void complete(const struct xq_completion *done)
{
	const struct flight *flight = (const struct flight *)(uintptr_t)done->user_data;
	const struct xqn_segment *segment = flight->segment;
	struct xq_run *run = flight->run;
	const struct xq_binding at = profile_of(run, segment);
	struct xq_job_profile job;
	unsigned int i;

	run->under_way--;
	if (done->status && !run->error)
		run->error = error_of(done->status);
	run->profile[run->plan->step[flight->step].operator].bytes_copied += done->bytes_copied;
	if (!segment->program)
		note(run, flight->step, done->end_ns - done->start_ns, done->macs, done->bytes);
	for (i = 0; segment->program && !done->status && i < segment->count; i++) {
		xq_program_profile(segment->program, &at, i, &job);
		note(run, segment->first + i, job.end_ns - job.start_ns, job.macs, job.bytes);
	}
}

static int64_t left(uint64_t start, int64_t timeout_ns)
{
	const int64_t passed = (int64_t)(xq_clock_ns() - start);

	return timeout_ns < 0 ? -1 : passed < timeout_ns ? timeout_ns - passed : 0;
}

/* Takes completions, of any run; at least one unless the time is over. */
static int reap(struct xq_run *run, int64_t timeout_ns)
{
	struct xq_completion done[REAP_AT_ONCE];
	const int n = xq_queue_wait(run->queue, done, REAP_AT_ONCE, 1, timeout_ns);
	int i;

	for (i = 0; i < n; i++)
		complete(&done[i]);
	return n < 0 ? n : 0;
}

/* ---- the caller ------------------------------------------------------------------------------------------------ */

int xq_run_start(struct xq_run *run, struct xq_queue *queue)
{
	if (run->active)
		return -EBUSY;
	if (xq_queue_device(queue) != run->plan->dev)
		return -EINVAL;
	run->queue = queue;
	run->next = 0;
	run->error = 0;
	run->active = true;
	memset(run->profile, 0, run->plan->operators * sizeof(*run->profile));
	advance(run);
	if (run->error && !run->under_way) {
		run->active = false;
		return run->error;
	}
	return 0;
}

int xq_run_wait(struct xq_run *run, int64_t timeout_ns)
{
	const uint64_t start = xq_clock_ns();
	int err;

	if (!run->active)
		return -EINVAL;
	for (;;) {
		advance(run);
		if (ended(run))
			break;
		err = reap(run, left(start, timeout_ns));
		if (err == -ETIMEDOUT || err == -EINTR)
			return err == -EINTR ? err : -EAGAIN;
		if (err) {
			/* Nobody will tell of what is under way any more. */
			run->error = run->error ? run->error : error_of(err);
			run->under_way = 0;
		}
	}
	run->active = false;
	return run->error;
}

int xq_run_execute(struct xq_run *run, struct xq_queue *queue)
{
	int err;

	run->attended = true;
	err = xq_run_start(run, queue);
	while (!err && run->active) {
		err = xq_run_wait(run, -1);
		if (err == -EINTR)
			err = 0;
	}
	run->attended = false;
	xq_queue_attend(queue, false);
	return err;
}

void xq_run_destroy(struct xq_run *run)
{
	if (!run)
		return;
	if (run->active && !run->error)
		run->error = -ECANCELED;
	while (run->active && xq_run_wait(run, -1) == -EINTR)
		;
	xq_buffer_destroy(run->arena);
	xq_buffer_destroy(run->io);
	free(run->binding);
	free(run->memory);
	free(run->flight);
	free(run->profile);
	free(run);
}

int xq_run_profile(const struct xq_run *run, int number, struct xq_run_profile *profile)
{
	unsigned int i;

	if (number < -1 || (number >= 0 && (unsigned int)number >= run->plan->operators))
		return -EINVAL;
	if (number >= 0) {
		*profile = run->profile[number];
		return 0;
	}
	*profile = (struct xq_run_profile){ 0 };
	for (i = 0; i < run->plan->operators; i++) {
		profile->device_ns += run->profile[i].device_ns;
		profile->cpu_ns += run->profile[i].cpu_ns;
		profile->macs += run->profile[i].macs;
		profile->bytes += run->profile[i].bytes;
		profile->bytes_copied += run->profile[i].bytes_copied;
	}
	return 0;
}
