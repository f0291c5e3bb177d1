// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"

const char *device_path(void)
{
	const char *path = getenv("XQACCEL_DEVICE");

	return path ? path : "/dev/xqaccel0";
}

int device_open(void)
{
	const int fd = open(device_path(), O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int device_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

int device_info(int fd, struct xqaccel_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return device_ioctl(fd, XQACCEL_IOCTL_INFO, info);
}

int context_create(int fd, int32_t priority)
{
	struct xqaccel_context_create cmd = { .size = sizeof(cmd), .priority = priority };

	return device_ioctl(fd, XQACCEL_IOCTL_CONTEXT_CREATE, &cmd);
}

int buffer_create_unmapped(int fd, uint64_t bytes, struct buffer *buf)
{
	struct xqaccel_buf_create cmd = { .size = sizeof(cmd), .bytes = bytes };
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_BUF_CREATE, &cmd);

	if (ret)
		return ret;
	buf->handle = cmd.handle;
	buf->bytes = cmd.bytes;
	buf->mmap_offset = cmd.mmap_offset;
	buf->map = NULL;
	return 0;
}

int buffer_create(int fd, uint64_t bytes, struct buffer *buf)
{
	const int ret = buffer_create_unmapped(fd, bytes, buf);

	if (ret)
		return ret;
	buf->map = mmap(NULL, buf->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, buf->mmap_offset);
	return buf->map == MAP_FAILED ? -errno : 0;
}

int buffer_destroy(int fd, uint32_t handle)
{
	struct xqaccel_buf_destroy cmd = { .size = sizeof(cmd), .handle = handle };

	return device_ioctl(fd, XQACCEL_IOCTL_BUF_DESTROY, &cmd);
}

int submit_jobs(int fd, const struct xqaccel_job_desc *jobs, uint32_t count, uint32_t lane,
		uint32_t timeout_ms, uint32_t *accepted, uint64_t *first_id)
{
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd),
		.jobs = { sizeof(*jobs), count, (uintptr_t)jobs },
		.lane = lane,
		.timeout_ms = timeout_ms,
	};
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_SUBMIT, &cmd);

	if (accepted)
		*accepted = cmd.accepted;
	if (first_id)
		*first_id = cmd.first_id;
	return ret;
}

int submit(int fd, const struct xqaccel_job_desc *job)
{
	return submit_jobs(fd, job, 1, 0, 0, NULL, NULL);
}

int submit_lane(int fd, const struct xqaccel_job_desc *job, uint32_t lane, uint32_t timeout_ms)
{
	return submit_jobs(fd, job, 1, lane, timeout_ms, NULL, NULL);
}

/* Whoever waits for so long is patient, and has the time of a machine with nothing else to do. */
#define PATIENT	(500 * MS)

static int wait_until(int fd, struct xqaccel_wait *cmd, int64_t timeout_ns)
{
	const int64_t began = now_ns();
	uint32_t done = 0;
	int ret;

	cmd->deadline_ns = deadline_after(timeout_ns);
	do {
		ret = device_ioctl(fd, XQACCEL_IOCTL_WAIT, cmd);
		if (!ret) {
			done += cmd->done;
			cmd->completions.array += (uint64_t)cmd->done * cmd->completions.stride;
			cmd->completions.count -= cmd->done;
			cmd->min_complete -= cmd->done < cmd->min_complete ? cmd->done :
									     cmd->min_complete;
		}
		if (timeout_ns < PATIENT || (ret && ret != -ETIMEDOUT) ||
		    (!ret && !cmd->min_complete))
			break;
		cmd->deadline_ns = deadline_after(PATIENT);
	} while (!over_limit(began, timeout_ns));
	if (done)
		cmd->done = done;
	return done ? 0 : ret;
}

int wait_jobs(int fd, struct xqaccel_completion *c, uint32_t count, uint32_t min_complete,
	      int64_t timeout_ns, uint32_t *done, uint32_t *pending)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd),
		.completions = { sizeof(*c), count, (uintptr_t)c },
		.min_complete = min_complete,
	};
	const int ret = wait_until(fd, &cmd, timeout_ns);

	if (done)
		*done = cmd.done;
	if (pending)
		*pending = cmd.pending;
	return ret;
}

int wait_one(int fd, struct xqaccel_completion *c, int64_t timeout_ns)
{
	return wait_jobs(fd, c, 1, 1, timeout_ns, NULL, NULL);
}

int wait_lane(int fd, uint32_t lane, struct xqaccel_completion *c, int64_t timeout_ns)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd),
		.flags = XQACCEL_WAIT_LANE,
		.completions = { sizeof(*c), 1, (uintptr_t)c },
		.min_complete = 1,
		.lane = lane,
	};

	return wait_until(fd, &cmd, timeout_ns);
}

int wait_id(int fd, uint64_t id, struct xqaccel_completion *c, int64_t timeout_ns)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd),
		.flags = XQACCEL_WAIT_JOB,
		.completions = { sizeof(*c), 1, (uintptr_t)c },
		.min_complete = 1,
		.id = id,
	};

	return wait_until(fd, &cmd, timeout_ns);
}

int cancel(int fd, uint64_t id)
{
	struct xqaccel_cancel cmd = { .size = sizeof(cmd), .id = id };

	return device_ioctl(fd, XQACCEL_IOCTL_CANCEL, &cmd);
}

void small_job(struct xqaccel_job_desc *job, const struct buffer *buf)
{
	memset(job, 0, sizeof(*job));
	job->work.op = XQACCEL_OP_GEMM;
	job->work.gemm.m = 4;
	job->work.gemm.n = 4;
	job->work.gemm.k = 16;
	job->work.gemm.batch = 1;
	job->work.gemm.a_format = XQACCEL_FMT_S8;
	job->work.gemm.b_format = XQACCEL_FMT_S8;
	job->operand[XQACCEL_A] = (struct xqaccel_operand){ buf->handle, 0, SMALL_A, 16, 0, 0 };
	job->operand[XQACCEL_B] = (struct xqaccel_operand){ buf->handle, 0, SMALL_B, 16, 0, 0 };
	job->operand[XQACCEL_C] = (struct xqaccel_operand){ buf->handle, 0, SMALL_C, 16, 0, 0 };
}

void small_fill(const struct buffer *buf, int8_t a, int8_t b)
{
	memset(buf->map + SMALL_A, a, 4 * 16);
	memset(buf->map + SMALL_B, b, 4 * 16);
	memset(buf->map + SMALL_C, 0, 4 * 4 * 4);
}

int program_create(int fd, const struct xqaccel_job_desc *jobs, uint32_t count, uint32_t slots,
		   uint32_t *program)
{
	struct xqaccel_program_create cmd = {
		.size = sizeof(cmd),
		.jobs = { sizeof(*jobs), count, (uintptr_t)jobs },
		.slots = slots,
	};
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_PROGRAM_CREATE, &cmd);

	*program = cmd.program;
	return ret;
}

int program_destroy(int fd, uint32_t program)
{
	struct xqaccel_program_destroy cmd = { .size = sizeof(cmd), .program = program };

	return device_ioctl(fd, XQACCEL_IOCTL_PROGRAM_DESTROY, &cmd);
}

int small_check(const struct buffer *buf, int32_t each)
{
	int wrong = 0;
	int i;

	for (i = 0; i < 16; i++) {
		int32_t value;

		memcpy(&value, buf->map + SMALL_C + 4 * i, 4);
		wrong += value != each;
	}
	return wrong;
}

int small_run_job(int fd, const struct xqaccel_job_desc *job, const struct buffer *buf,
		  int32_t each, struct xqaccel_completion *c)
{
	int ret = submit(fd, job);

	if (!ret)
		ret = wait_one(fd, c, 10 * SECOND);
	if (ret)
		return ret;
	return c->status ? (int)c->status : small_check(buf, each);
}

int small_run(int fd, const struct buffer *buf, struct xqaccel_job_desc *job,
	      struct xqaccel_completion *c)
{
	small_fill(buf, 3, 4);
	small_job(job, buf);
	return small_run_job(fd, job, buf, 16 * 3 * 4, c);
}

int lane_warm(int fd, const struct buffer *buf)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	int i, quick = 0, ret = 0;

	/* A busy machine makes one long now and then, which counts for the next few. */
	for (i = 0; i < 1000 && quick < 8 && !ret; i++) {
		ret = small_run(fd, buf, &job, &c);
		quick = c.end - c.start < MS / 2 ? quick + 1 : 0;
	}
	return ret;
}

int large_job(int fd, struct buffer *buf, struct xqaccel_job_desc *job)
{
	const uint64_t side = 1024, k = 2048;
	const int ret = buffer_create_unmapped(fd, 2 * side * k + 4 * side * side, buf);

	if (ret)
		return ret;
	small_job(job, buf);
	job->work.gemm.m = side;
	job->work.gemm.n = side;
	job->work.gemm.k = k;
	job->operand[XQACCEL_A] = (struct xqaccel_operand){ buf->handle, 0, 0, k, 0, 0 };
	job->operand[XQACCEL_B] = (struct xqaccel_operand){ buf->handle, 0, side * k, k, 0, 0 };
	job->operand[XQACCEL_C] = (struct xqaccel_operand){ buf->handle, 0, 2 * side * k, 4 * side,
							    0, 0 };
	return 0;
}

int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

int64_t deadline_after(int64_t timeout_ns)
{
	return timeout_ns < 0 ? XQACCEL_NO_DEADLINE : now_ns() + timeout_ns;
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * MS };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}
