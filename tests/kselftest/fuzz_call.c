// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "fuzz_call.h"
#include "fuzz_parts.h"

#define SLOTS		3
/* No buffer between these sizes, so that the machine's memory is not used up. */
#define LARGEST		(4U << 20)
#define TOO_LARGE	(1ULL << 34)

__thread uint8_t *arena;
static __thread sigjmp_buf touch_failed;
static __thread volatile sig_atomic_t touching;

/* SIGBUS: a mapping whose device has gone. SIGUSR1 only ends what the thread waits for. */
static void on_signal(int number)
{
	if (touching && number != SIGUSR1)
		siglongjmp(touch_failed, 1);
	if (number != SIGUSR1) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

int fuzz_thread_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	arena = mmap(NULL, ARENA_BYTES + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (arena == MAP_FAILED || mprotect(arena + ARENA_BYTES, PAGE, PROT_NONE))
		return -errno;
	return fuzz_memory_begin();
}

void fuzz_thread_end(void)
{
	fuzz_ring_end();
}

/* Numbers at which code tends to think differently. */
static uint64_t interesting(struct random *r)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 4095, 4096, 4097,
		0x7fff, 0x8000, 0xffff, 0x10000, 0xfffff, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000,
		0xffffffffffffffff,
	};

	if (random_one_in(r, 4))
		return random_next(r);
	if (random_one_in(r, 4))
		return 1ULL << random_below(r, 64);
	return values[random_below(r, ARRAY_SIZE(values))];
}

static void random_edit(struct fuzz_edit *e, struct random *r)
{
	static const uint8_t widths[] = { 1, 4, 4, 4, 8, 8 };

	e->width = widths[random_below(r, sizeof(widths))];
	/* The head of a structure has most of what is looked at. */
	e->at = random_below(r, random_one_in(r, 3) ? sizeof(struct xqaccel_job_desc) * 2 : 64);
	e->at -= e->at % e->width;
	e->value = interesting(r);
}

void fuzz_call_random(struct fuzz_call *c, struct random *r)
{
	/* How often each, of all. */
	static const uint8_t share[FUZZ_OPS] = {
		[FUZZ_OPEN] = 12, [FUZZ_CLOSE] = 4, [FUZZ_INFO] = 4, [FUZZ_CONTEXT] = 5,
		[FUZZ_CREATE] = 14, [FUZZ_DESTROY] = 7, [FUZZ_MAP] = 6, [FUZZ_TOUCH] = 6,
		[FUZZ_SUBMIT] = 26, [FUZZ_WAIT] = 20, [FUZZ_CANCEL] = 8, [FUZZ_POLL] = 4,
		[FUZZ_RECORD] = 5, [FUZZ_FORGET] = 3, [FUZZ_WRAP] = 8, [FUZZ_EXPORT] = 4,
		[FUZZ_IMPORT] = 6, [FUZZ_DMABUF] = 4, [FUZZ_RING] = 2, [FUZZ_COMMAND] = 16,
		[FUZZ_REAP] = 12, [FUZZ_COMMAND_CANCEL] = 5, [FUZZ_UNKNOWN] = 2, [FUZZ_READ] = 1,
	};
	unsigned int i, all = 0, at;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < FUZZ_OPS; i++)
		all += share[i];
	at = random_below(r, all);
	for (c->op = 0; at >= share[c->op]; c->op++)
		at -= share[c->op];
	c->file = random_below(r, FUZZ_FILES);
	c->seed = random_next(r);
	if (random_one_in(r, 20))
		c->pointer = 1 + random_below(r, 2);
	/* Most calls are as they should be, otherwise nothing is ever reached. */
	for (i = 0; i < FUZZ_EDITS && random_one_in(r, 4); i++)
		random_edit(&c->edit[i], r);
}

void fuzz_call_mutate(struct fuzz_call *c, struct random *r)
{
	switch (random_below(r, 5)) {
	case 0:
		c->seed = random_next(r);
		break;
	case 1:
		c->file = random_below(r, FUZZ_FILES);
		break;
	case 2:
		c->pointer = random_below(r, 3);
		break;
	case 3:
		memset(&c->edit[random_below(r, FUZZ_EDITS)], 0, sizeof(c->edit[0]));
		break;
	default:
		random_edit(&c->edit[random_below(r, FUZZ_EDITS)], r);
	}
}

void apply_edits(const struct fuzz_call *c, void *to, unsigned int from, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < FUZZ_EDITS; i++) {
		const struct fuzz_edit *e = &c->edit[i];

		if (e->width && e->at >= from && e->at + e->width <= from + bytes)
			memcpy((uint8_t *)to + e->at - from, &e->value, e->width);
	}
}

/* Where the call's structure goes. */
static void *place(const struct fuzz_call *c, unsigned int bytes)
{
	switch (c->pointer) {
	case 0:
		return arena;
	case 1:
		return NULL;
	default:
		return arena + ARENA_BYTES - bytes / 2;
	}
}

int run_ioctl(const struct fuzz_file *f, const struct fuzz_call *c, unsigned long number,
	      void *cmd, unsigned int bytes)
{
	void *at = place(c, bytes);
	int ret;

	if (at == arena)
		memcpy(at, cmd, bytes);
	else if (at)
		memcpy(at, cmd, bytes / 2);
	ret = device_ioctl(f->fd, number, at);
	if (at == arena)
		memcpy(cmd, at, bytes);
	return ret;
}

struct fuzz_buffer *some_buffer(struct fuzz_file *f, struct random *r)
{
	return &f->buffer[random_below(r, FUZZ_HANDLES)];
}

/* ---- each kind of call ----------------------------------------------------------- */

/* A file that was closed under a thread's hands must not turn into one of the program's others. */
#define LEAST_FD	100

int descriptor_lift(int low)
{
	int fd;

	if (low < 0)
		return low;
	fd = fcntl(low, F_DUPFD_CLOEXEC, LEAST_FD);
	close(low);
	return fd < 0 ? -errno : fd;
}

static int call_open(struct fuzz_file *f)
{
	int none = -1, fd;

	if (f->fd >= 0)
		return 0;
	fd = descriptor_lift(device_open());
	if (fd >= 0 && !atomic_compare_exchange_strong(&f->fd, &none, fd))
		close(fd);
	return fd;
}

static int call_close(struct fuzz_file *f)
{
	const int fd = atomic_exchange(&f->fd, -1);

	return fd < 0 || !close(fd) ? 0 : -errno;
}

static int call_info(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_info cmd = { .size = sizeof(cmd) };

	if (random_one_in(r, 2))
		cmd.pairs = (struct xqaccel_array){ sizeof(struct xqaccel_pair), 64,
						    (uintptr_t)(arena + ARENA_BYTES / 2) };
	apply_edits(c, &cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, XQACCEL_IOCTL_INFO, &cmd, sizeof(cmd));
}

static int call_context(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_context_create cmd = {
		.size = sizeof(cmd), .priority = (int)random_below(r, 3) - 1,
	};

	apply_edits(c, &cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, XQACCEL_IOCTL_CONTEXT_CREATE, &cmd, sizeof(cmd));
}

void buffer_remember(struct fuzz_buffer *b, uint32_t handle, uint64_t bytes, uint64_t mmap_offset)
{
	b->mmap_offset = mmap_offset;
	b->bytes = bytes;
	b->handle = handle;
}

static int call_create(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_buf_create cmd = {
		.size = sizeof(cmd), .bytes = PAGE * (1 + random_below(r, 24)),
		.flags = random_one_in(r, 3) ? XQACCEL_BUF_SHARED : 0,
	};
	struct fuzz_buffer *b = some_buffer(f, r);
	int ret;

	apply_edits(c, &cmd, 0, sizeof(cmd));
	if (cmd.bytes > LARGEST && cmd.bytes < TOO_LARGE)
		cmd.bytes = LARGEST;
	ret = run_ioctl(f, c, XQACCEL_IOCTL_BUF_CREATE, &cmd, sizeof(cmd));
	if (ret)
		return ret;
	buffer_remember(b, cmd.handle, cmd.bytes, cmd.mmap_offset);
	return 0;
}

static int call_destroy(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_buf_destroy cmd = {
		.size = sizeof(cmd), .handle = some_buffer(f, r)->handle,
	};

	apply_edits(c, &cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, XQACCEL_IOCTL_BUF_DESTROY, &cmd, sizeof(cmd));
}

int memory_touch(uint8_t *byte)
{
	volatile uint8_t *at = byte;
	int ret = 0;

	touching = 1;
	if (!sigsetjmp(touch_failed, 1))
		*at ^= 1;
	else
		ret = -EFAULT;
	touching = 0;
	return ret;
}

static int call_map(struct fuzz_file *f, const struct fuzz_call *c, struct random *r, bool touch)
{
	const struct fuzz_buffer *b = some_buffer(f, r);
	struct {
		uint64_t offset, bytes;
		uint32_t protection, flags;
	} how = {
		.offset = b->mmap_offset, .bytes = b->bytes,
		.protection = PROT_READ | PROT_WRITE,
		.flags = random_one_in(r, 8) ? MAP_PRIVATE : MAP_SHARED,
	};
	uint8_t *map;
	int ret = 0;

	apply_edits(c, &how, 0, sizeof(how));
	map = mmap(NULL, how.bytes, how.protection & (PROT_READ | PROT_WRITE | PROT_EXEC),
		   how.flags & (MAP_SHARED | MAP_PRIVATE | MAP_POPULATE), f->fd, how.offset);
	if (map == MAP_FAILED)
		return -errno;
	if (touch)
		ret = memory_touch(map + random_below(r, PAGE));
	munmap(map, how.bytes);
	return ret;
}

void some_job(struct fuzz_file *f, struct random *r, struct xqaccel_job_desc *job)
{
	struct fuzz_buffer *b = some_buffer(f, r);
	struct gemm_case g;

	gemm_random(&g, r, 8, 96);
	gemm_place(&g, r);
	gemm_job(&g, b->handle, 0, job);
	job->user_data = random_next(r);
	/* Operands from two buffers. */
	if (random_one_in(r, 4))
		job->operand[random_below(r, 3)].handle = some_buffer(f, r)->handle;
	/* One that takes long enough to be met by others. */
	if (random_one_in(r, 32)) {
		job->work.gemm.batch = 4096;
		job->operand[XQACCEL_C].batch_stride = 0;
	}
}

/* A run of the last program, whose slots are bound to anything. */
static void some_run(struct fuzz_file *f, struct random *r, struct xqaccel_job_desc *job)
{
	unsigned int i;

	memset(job, 0, sizeof(*job));
	job->work.op = XQACCEL_OP_PROGRAM;
	job->work.flags = random_one_in(r, 4) ? XQACCEL_JOB_SILENT : 0;
	job->work.run.program = f->program;
	job->user_data = random_next(r);
	for (i = 0; i < SLOTS; i++) {
		job->operand[i].handle = some_buffer(f, r)->handle;
		job->operand[i].offset = random_one_in(r, 2) ? 0 : 64 * random_below(r, 512);
	}
	if (random_one_in(r, 3))
		job->operand[XQACCEL_PROGRAM_PROFILE].handle = some_buffer(f, r)->handle;
}

/* The matrices of each job are in a slot, or where they are. */
static int call_record(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_job_desc jobs[MOST_JOBS];
	struct xqaccel_program_create cmd = {
		.size = sizeof(cmd),
		.jobs = { sizeof(jobs[0]), 1 + random_below(r, MOST_JOBS),
			  (uintptr_t)(arena + ARENA_BYTES / 2) },
		.slots = SLOTS,
	};
	unsigned int i, j;
	int ret;

	memset(jobs, 0, sizeof(jobs));
	for (i = 0; i < cmd.jobs.count; i++) {
		some_job(f, r, &jobs[i]);
		jobs[i].user_data = 0;
		for (j = 0; j < 3; j++)
			if (jobs[i].operand[j].handle && random_one_in(r, 2))
				jobs[i].operand[j].handle = XQACCEL_SLOT(j % SLOTS);
	}
	apply_edits(c, &cmd, 0, sizeof(cmd));
	apply_edits(c, jobs, sizeof(cmd), sizeof(jobs));
	memcpy(arena + ARENA_BYTES / 2, jobs, sizeof(jobs));
	ret = run_ioctl(f, c, XQACCEL_IOCTL_PROGRAM_CREATE, &cmd, sizeof(cmd));
	if (!ret)
		f->program = cmd.program;
	return ret;
}

static int call_forget(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_program_destroy cmd = {
		.size = sizeof(cmd),
		.program = random_one_in(r, 4) ? random_below(r, 20) : f->program,
	};

	apply_edits(c, &cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, XQACCEL_IOCTL_PROGRAM_DESTROY, &cmd, sizeof(cmd));
}

void some_work(struct fuzz_file *f, struct random *r, struct xqaccel_job_desc *job)
{
	if (random_one_in(r, 3))
		some_run(f, r, job);
	else
		some_job(f, r, job);
}

/* Fences are kept where dma-bufs are, and each is given for the other, too. */
static void some_fences(struct xqaccel_submit *cmd, struct random *r, const _Atomic int *slot)
{
	if (random_one_in(r, 4))
		cmd->flags |= XQACCEL_SUBMIT_OUT_FENCE;
	if (random_one_in(r, 8))
		cmd->flags |= XQACCEL_SUBMIT_EXPLICIT;
	if (random_one_in(r, 4)) {
		cmd->flags |= XQACCEL_SUBMIT_IN_FENCE;
		cmd->in_fence = *slot;
	}
}

static int call_submit(struct fuzz_file *f, const struct fuzz_call *c, struct random *r,
		       _Atomic int *slot)
{
	struct xqaccel_job_desc jobs[MOST_JOBS];
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd),
		.jobs = { sizeof(jobs[0]), 1 + random_below(r, MOST_JOBS),
			  (uintptr_t)(arena + ARENA_BYTES / 2) },
		.lane = random_below(r, 8),
		.timeout_ms = random_one_in(r, 4) ? 1 + random_below(r, 50) : 500,
	};
	unsigned int i;
	int ret;

	memset(jobs, 0, sizeof(jobs));
	for (i = 0; i < cmd.jobs.count; i++)
		some_work(f, r, &jobs[i]);
	some_fences(&cmd, r, slot);
	apply_edits(c, &cmd, 0, sizeof(cmd));
	apply_edits(c, jobs, sizeof(cmd), sizeof(jobs));
	memcpy(arena + ARENA_BYTES / 2, jobs, sizeof(jobs));
	ret = run_ioctl(f, c, XQACCEL_IOCTL_SUBMIT, &cmd, sizeof(cmd));
	if (ret)
		return ret;
	f->last_id = cmd.first_id;
	if (cmd.flags & XQACCEL_SUBMIT_OUT_FENCE && cmd.out_fence > STDERR_FILENO)
		fuzz_descriptor_keep(slot, descriptor_lift(cmd.out_fence));
	return 0;
}

/* Nobody waits for longer than a moment, unless an edit says so; then a signal ends it. */
static int call_wait(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd),
		.completions = { sizeof(struct xqaccel_completion), 1 + random_below(r, 16),
				 (uintptr_t)(arena + ARENA_BYTES / 2) },
		.min_complete = random_below(r, 3),
		.deadline_ns = now_ns() + random_below(r, 5) * MS,
	};

	if (random_one_in(r, 4)) {
		cmd.flags = XQACCEL_WAIT_LANE;
		cmd.lane = random_below(r, 8);
	} else if (random_one_in(r, 4)) {
		cmd.flags = XQACCEL_WAIT_JOB;
		cmd.id = f->last_id;
	}
	apply_edits(c, &cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, XQACCEL_IOCTL_WAIT, &cmd, sizeof(cmd));
}

static int call_cancel(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	struct xqaccel_cancel cmd = {
		.size = sizeof(cmd), .id = f->last_id + random_below(r, 4),
	};

	apply_edits(c, &cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, XQACCEL_IOCTL_CANCEL, &cmd, sizeof(cmd));
}

/* An eventfd that is closed at once: the driver has it until it gets another. */
static int call_event(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct xqaccel_eventfd cmd = {
		.size = sizeof(cmd), .fd = random_one_in(r, 4) ? XQACCEL_NO_EVENTFD : event,
	};
	int ret;

	if (random_one_in(r, 2)) {
		cmd.flags = XQACCEL_EVENTFD_LANE;
		cmd.lane = random_below(r, 8);
	}
	apply_edits(c, &cmd, 0, sizeof(cmd));
	ret = run_ioctl(f, c, XQACCEL_IOCTL_EVENTFD, &cmd, sizeof(cmd));
	close(event);
	return ret;
}

static int call_poll(struct fuzz_file *f, struct random *r)
{
	struct pollfd p = { .fd = f->fd, .events = POLLIN };

	return poll(&p, 1, random_below(r, 2)) < 0 ? -errno : 0;
}

static int call_unknown(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	uint8_t cmd[256];

	random_bytes(r, cmd, sizeof(cmd));
	cmd[1] = 0;
	cmd[2] = 0;
	cmd[3] = 0;
	apply_edits(c, cmd, 0, sizeof(cmd));
	return run_ioctl(f, c, _IO(XQACCEL_IOCTL_TYPE, random_below(r, 32)), cmd, sizeof(cmd));
}

static int call_read(struct fuzz_file *f)
{
	char byte;

	return read(f->fd, &byte, 1) < 0 ? -errno : 0;
}

int fuzz_call_run(struct fuzz_world *w, const struct fuzz_call *c)
{
	struct fuzz_file *f = &w->file[c->file % FUZZ_FILES];
	struct random r = { c->seed };
	int ret;

	switch (c->op % FUZZ_OPS) {
	case FUZZ_OPEN:
		ret = call_open(f);
		break;
	case FUZZ_CLOSE:
		ret = call_close(f);
		break;
	case FUZZ_INFO:
		ret = call_info(f, c, &r);
		break;
	case FUZZ_CONTEXT:
		ret = call_context(f, c, &r);
		break;
	case FUZZ_CREATE:
		ret = call_create(f, c, &r);
		break;
	case FUZZ_DESTROY:
		ret = call_destroy(f, c, &r);
		break;
	case FUZZ_MAP:
	case FUZZ_TOUCH:
		ret = call_map(f, c, &r, c->op == FUZZ_TOUCH);
		break;
	case FUZZ_SUBMIT:
		ret = call_submit(f, c, &r, &w->dmabuf[random_below(&r, FUZZ_DMABUFS)]);
		break;
	case FUZZ_WAIT:
		ret = call_wait(f, c, &r);
		break;
	case FUZZ_CANCEL:
		ret = call_cancel(f, c, &r);
		break;
	case FUZZ_EVENT:
		ret = call_event(f, c, &r);
		break;
	case FUZZ_POLL:
		ret = call_poll(f, &r);
		break;
	case FUZZ_RECORD:
		ret = call_record(f, c, &r);
		break;
	case FUZZ_FORGET:
		ret = call_forget(f, c, &r);
		break;
	case FUZZ_WRAP:
	case FUZZ_EXPORT:
	case FUZZ_IMPORT:
	case FUZZ_DMABUF:
		ret = fuzz_memory_call(w, f, c, &r);
		break;
	case FUZZ_RING:
	case FUZZ_COMMAND:
	case FUZZ_REAP:
	case FUZZ_COMMAND_CANCEL:
		ret = fuzz_ring_call(w, f, c, &r);
		break;
	case FUZZ_UNKNOWN:
		ret = call_unknown(f, c, &r);
		break;
	default:
		ret = call_read(f);
	}
	atomic_fetch_add(&w->calls, 1);
	if (ret >= 0)
		atomic_fetch_add(&w->accepted, 1);
	return ret;
}
