// SPDX-License-Identifier: MIT
/* Buffers of memory that is there, and that others have, on "soft"; and what of it is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xqaccel/device.h>

#include "ktap.h"

#define PAGE	4096U
#define AT_B	1024
#define AT_C	2048

static struct xq_device *dev;
static struct xq_queue *queue;

static void setup(void)
{
	EXPECT(!xq_device_open("soft", &dev) && !xq_queue_create(dev, NULL, &queue), "soft");
}

static void teardown(void)
{
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

static void *pages(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* C[4][4] = A[4][16] x B[4][16]^T of a in all of A and b in all of B: each element 16 * a * b. */
static int compute_at(struct xq_queue *on, struct xq_buffer *in, struct xq_buffer *out, size_t at)
{
	const struct xq_gemm job = {
		.m = 4, .n = 4, .k = 16, .a_type = XQ_S8, .b_type = XQ_S8,
		.a = { in, at, 16, 0 }, .b = { in, at + AT_B, 16, 0 }, .c = { out, at + AT_C, 16, 0 },
	};

	return xq_gemm_run(on, &job, NULL);
}

static int compute(struct xq_queue *on, struct xq_buffer *in, struct xq_buffer *out)
{
	return compute_at(on, in, out, 0);
}

static void fill(uint8_t *data, int8_t a, int8_t b)
{
	memset(data, a, 64);
	memset(data + AT_B, b, 64);
	memset(data + AT_C, 0, 64);
}

static bool all(const uint8_t *data, int32_t value)
{
	int32_t c[16];
	int i;

	memcpy(c, data + AT_C, sizeof(c));
	for (i = 0; i < 16; i++)
		if (c[i] != value)
			return false;
	return true;
}

static void wrapped(void)
{
	uint8_t *data = pages(3 * PAGE);
	struct xq_buffer *buf, *part, *again;

	setup();
	EXPECT(!xq_buffer_wrap(dev, data, 3 * PAGE, 0, &buf), "wrap");
	EXPECT(xq_buffer_data(buf) == data && xq_buffer_size(buf) == 3 * PAGE, "what it is");
	fill(data, 3, 4);
	EXPECT(!compute(queue, buf, buf) && all(data, 192), "in place");
	/* Parts of it, and it once more: whichever goes first, the others still have theirs. */
	EXPECT(!xq_buffer_wrap(dev, data + PAGE, PAGE, 0, &part), "part");
	EXPECT(!xq_buffer_wrap(dev, data, 3 * PAGE, 0, &again), "again");
	fill(data + PAGE, 2, 2);
	EXPECT(!compute(queue, part, part) && all(data + PAGE, 64), "part in place");
	/* What begins in the middle does not hide what is behind it. */
	fill(data + 2 * PAGE, 7, 1);
	EXPECT(!compute_at(queue, buf, buf, 2 * PAGE) && all(data + 2 * PAGE, 112), "behind the part");
	xq_buffer_destroy(buf);
	fill(data, 5, 1);
	EXPECT(!compute(queue, again, again) && all(data, 80), "after the first went");
	xq_buffer_destroy(part);
	EXPECT(!compute(queue, again, again) && all(data, 80), "after the part went");
	xq_buffer_destroy(again);
	EXPECT(all(data, 80), "it stays the caller's");
	munmap(data, 3 * PAGE);
	teardown();
}

static void wrap_refused(void)
{
	uint8_t *data = pages(2 * PAGE);
	struct xq_buffer *buf;

	setup();
	EXPECT(xq_buffer_wrap(dev, data, 0, 0, &buf) == -EINVAL, "no bytes");
	EXPECT(xq_buffer_wrap(dev, data + 1, PAGE, 0, &buf) == -EINVAL, "address");
	EXPECT(xq_buffer_wrap(dev, data, PAGE + 1, 0, &buf) == -EINVAL, "size");
	EXPECT(xq_buffer_wrap(dev, data, ~(size_t)0 & ~(size_t)(PAGE - 1), 0, &buf) == -EINVAL, "too large");
	EXPECT(xq_buffer_wrap(dev, NULL, PAGE, 0, &buf) == -EFAULT, "NULL");
	EXPECT(xq_buffer_wrap(dev, data, PAGE, XQACCEL_BUF_SHARED, &buf) == -EOPNOTSUPP, "flag");
	munmap(data + PAGE, PAGE);
	EXPECT(xq_buffer_wrap(dev, data, 2 * PAGE, 0, &buf) == -EFAULT, "a hole");
	munmap(data, PAGE);
	teardown();
}

/* Neither by a job nor by a program's slot. */
static void read_only(void)
{
	uint8_t *data = pages(PAGE);
	struct xq_buffer *in, *out;

	setup();
	fill(data, 3, 4);
	mprotect(data, PAGE, PROT_READ);
	EXPECT(!xq_buffer_wrap(dev, data, PAGE, XQACCEL_BUF_READ_ONLY, &in), "wrap");
	EXPECT(!xq_buffer_create(dev, PAGE, &out), "create");
	EXPECT(compute(queue, in, in) == -EACCES, "written");
	EXPECT(!compute(queue, in, out) && all(xq_buffer_data(out), 192), "read");
	xq_buffer_destroy(in);
	xq_buffer_destroy(out);
	munmap(data, PAGE);
	teardown();
}

/* Two devices and one memory; it lives as long as anybody has it. */
static void shared(void)
{
	struct xq_buffer *mine, *theirs, *reads;
	struct xq_device *other;
	struct xq_queue *there;
	int fd, only;

	setup();
	EXPECT(!xq_device_open("soft", &other) && !xq_queue_create(other, NULL, &there), "other");
	EXPECT(!xq_buffer_create_shared(dev, 100, &mine), "create");
	EXPECT(xq_buffer_size(mine) == PAGE, "%zu", xq_buffer_size(mine));
	EXPECT(!xq_buffer_export(mine, 0, &fd), "export");
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC, "closed on exec");
	EXPECT(!xq_buffer_export(mine, XQACCEL_BUF_READ_ONLY, &only), "export to be read");
	EXPECT(!xq_buffer_import(other, fd, 0, &theirs), "import");
	EXPECT(xq_buffer_import(other, only, 0, &reads) == -EACCES, "to be written");
	EXPECT(!xq_buffer_import(other, only, XQACCEL_BUF_READ_ONLY, &reads), "to be read");
	close(fd);
	close(only);
	fill(xq_buffer_data(mine), 3, 4);
	EXPECT(!compute(there, theirs, theirs) && all(xq_buffer_data(mine), 192), "seen by the first");
	EXPECT(compute(there, reads, reads) == -EACCES, "it can't be written");
	EXPECT(xq_buffer_export(theirs, 0, &fd) == -EINVAL, "it is not theirs to give on");
	xq_buffer_destroy(mine);
	fill(xq_buffer_data(theirs), 1, 1);
	EXPECT(!compute(there, theirs, theirs) && all(xq_buffer_data(theirs), 16), "after the first went");
	xq_buffer_destroy(theirs);
	xq_buffer_destroy(reads);
	xq_queue_destroy(there);
	xq_device_close(other);
	teardown();
}

static void import_refused(void)
{
	const int memory = memfd_create("test", MFD_CLOEXEC);
	struct xq_buffer *buf, *private;
	int ends[2], fd;

	setup();
	EXPECT(!pipe(ends), "pipe");
	EXPECT(xq_buffer_import(dev, -1, 0, &buf) == -EBADF, "no descriptor");
	EXPECT(xq_buffer_import(dev, ends[0], 0, &buf) == -EINVAL, "a pipe");
	EXPECT(xq_buffer_import(dev, memory, 0, &buf) == -EINVAL, "empty");
	EXPECT(!ftruncate(memory, 100) && xq_buffer_import(dev, memory, 0, &buf) == -EINVAL, "no page");
	EXPECT(!ftruncate(memory, PAGE) && !xq_buffer_import(dev, memory, 0, &buf), "a page");
	xq_buffer_destroy(buf);
	EXPECT(xq_buffer_import(dev, memory, XQACCEL_BUF_SHARED, &buf) == -EOPNOTSUPP, "flag");
	EXPECT(!xq_buffer_create(dev, PAGE, &private), "create");
	EXPECT(xq_buffer_export(private, 0, &fd) == -EINVAL, "private");
	EXPECT(xq_buffer_export(private, XQACCEL_BUF_SHARED, &fd) == -EOPNOTSUPP, "flag of export");
	xq_buffer_destroy(private);
	close(ends[0]);
	close(ends[1]);
	close(memory);
	teardown();
}

KTAP_MAIN(
	{ "wrapped memory is used in place", wrapped },
	{ "what can't be wrapped", wrap_refused },
	{ "read-only memory is not written", read_only },
	{ "two devices share memory", shared },
	{ "what can't be imported or exported", import_refused },
)
