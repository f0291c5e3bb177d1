/* SPDX-License-Identifier: GPL-2.0 */
/* The driver's ioctls as functions that return 0 or -errno. No library is in between. */
#ifndef XQ_TEST_DEVICE_H
#define XQ_TEST_DEVICE_H

#include <linux/xqaccel.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define MS	1000000LL
#define SECOND	(1000 * MS)

struct buffer {
	uint32_t handle;
	uint64_t bytes;
	uint64_t mmap_offset;
	uint8_t *map;
};

const char *device_path(void);
int device_open(void);
int device_ioctl(int fd, unsigned long request, void *arg);
int device_info(int fd, struct xqaccel_info *info);
int context_create(int fd, int32_t priority);

int buffer_create(int fd, uint64_t bytes, struct buffer *buf);	/* and maps it */
int buffer_create_unmapped(int fd, uint64_t bytes, struct buffer *buf);
int buffer_destroy(int fd, uint32_t handle);

/* Any of the pointers to results may be NULL. */
int submit_jobs(int fd, const struct xqaccel_job_desc *jobs, uint32_t count, uint32_t lane,
		uint32_t timeout_ms, uint32_t *accepted, uint64_t *first_id);
int submit(int fd, const struct xqaccel_job_desc *job);
int submit_lane(int fd, const struct xqaccel_job_desc *job, uint32_t lane, uint32_t timeout_ms);
/*
 * Times are from now on; negative waits for ever. Half a second and more is how long a free
 * machine may take, and a busy one longer.
 */
int wait_jobs(int fd, struct xqaccel_completion *c, uint32_t count, uint32_t min_complete,
	      int64_t timeout_ns, uint32_t *done, uint32_t *pending);
int wait_one(int fd, struct xqaccel_completion *c, int64_t timeout_ns);
int wait_lane(int fd, uint32_t lane, struct xqaccel_completion *c, int64_t timeout_ns);
int wait_id(int fd, uint64_t id, struct xqaccel_completion *c, int64_t timeout_ns);
int cancel(int fd, uint64_t id);
int program_create(int fd, const struct xqaccel_job_desc *jobs, uint32_t count, uint32_t slots,
		   uint32_t *program);
int program_destroy(int fd, uint32_t program);

/* C[4,4] = A[4,16] x B[4,16]^T in s8: A at 0, B at 1024, C at 2048 of a page. */
#define SMALL_A		0
#define SMALL_B		1024
#define SMALL_C		2048
void small_job(struct xqaccel_job_desc *job, const struct buffer *buf);
void small_fill(const struct buffer *buf, int8_t a, int8_t b);
int small_check(const struct buffer *buf, int32_t each);	/* number of wrong elements */
/* A job whose C is such, of buf, run to its end: 0, -errno, its status, or wrong elements. */
int small_run_job(int fd, const struct xqaccel_job_desc *job, const struct buffer *buf,
		  int32_t each, struct xqaccel_completion *c);
/* Such a job as a whole, whose memory is filled in, in the same way. */
int small_run(int fd, const struct buffer *buf, struct xqaccel_job_desc *job,
	      struct xqaccel_completion *c);

/*
 * Has the driver know that the jobs of lane 0 are short: only then are several of them in flight
 * at once. As small_run().
 */
int lane_warm(int fd, const struct buffer *buf);

/* A job that takes some time even without fault injection: about 2^31 multiplications. */
int large_job(int fd, struct buffer *buf, struct xqaccel_job_desc *job);

int64_t now_ns(void);
int64_t deadline_after(int64_t timeout_ns);	/* negative: none */
void sleep_ms(unsigned int ms);

#endif
