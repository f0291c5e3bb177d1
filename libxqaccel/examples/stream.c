// SPDX-License-Identifier: MIT
/*
 * Streams a file from disk through the accelerator with one io_uring and no second thread.
 *
 *	xq-stream FILE [COUNT]
 *
 * The file is rows of 256 bytes, taken as s8. The first COUNT rows (16) are what the others are compared
 * with: each row is closest to the one with the largest dot product. Blocks of rows are read into
 * buffers of the device; each read is linked to the job that multiplies the block, so that the kernel
 * goes from one to the other by itself, and the program sleeps until a product is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xqaccel/ring.h>

#define ROW		256	/* bytes */
#define BLOCK		1024	/* rows that are read at once */
#define BLOCKS		4	/* under way at once */
#define MOST_CLASSES	64

/* Rows of a block, then their products with all classes. */
struct block {
	struct xq_buffer *buf;
	struct xqaccel_job_desc job;
	unsigned int rows;
};

struct stream {
	struct xq_device *dev;
	struct io_uring ring;
	int fd;
	unsigned int classes;
	struct xq_buffer *class_rows;
	struct block block[BLOCKS];
	uint64_t rows, begun, ended;	/* all in rows */
	uint64_t closest[MOST_CLASSES];
};

static void must(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "xq-stream: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void stream_open(struct stream *s, const char *path)
{
	struct stat status;
	ssize_t got;
	int i;

	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	must(s->fd < 0 || fstat(s->fd, &status) ? -errno : 0, path);
	s->rows = (uint64_t)status.st_size / ROW;
	must(s->rows < s->classes ? -ENODATA : 0, path);
	must(xq_device_open(NULL, &s->dev), "device");
	if (!xq_device_has_ring(s->dev))
		must(-EOPNOTSUPP, "jobs by io_uring");
	must(io_uring_queue_init(2 * BLOCKS, &s->ring, 0), "io_uring");
	must(xq_buffer_create(s->dev, (size_t)s->classes * ROW, &s->class_rows), "buffer");
	got = pread(s->fd, xq_buffer_data(s->class_rows), (size_t)s->classes * ROW, 0);
	must(got < 0 ? -errno : got < (ssize_t)s->classes * ROW ? -EIO : 0, path);
	for (i = 0; i < BLOCKS; i++)
		must(xq_buffer_create(s->dev, BLOCK * (ROW + 4 * s->classes), &s->block[i].buf),
		     "buffer");
}

/* Begins with the next rows of the file, if there are any. */
static void begin(struct stream *s, struct block *b)
{
	const uint64_t left = s->rows - s->begun;
	const struct xq_ring_jobs jobs = { .jobs = &b->job, .count = 1 };
	struct io_uring_sqe *sqe;

	b->rows = left < BLOCK ? (unsigned int)left : BLOCK;
	if (!b->rows)
		return;
	sqe = io_uring_get_sqe(&s->ring);
	io_uring_prep_read(sqe, s->fd, xq_buffer_data(b->buf), b->rows * ROW, s->begun * ROW);
	/* The job begins when all was read; of a read that fails the completion is told. */
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
	io_uring_sqe_set_data(sqe, NULL);

	b->job = (struct xqaccel_job_desc){
		.work = { .op = XQACCEL_OP_GEMM,
			  .gemm = { .m = b->rows, .n = s->classes, .k = ROW, .batch = 1,
				    .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 } },
		.operand = {
			[XQACCEL_A] = { .handle = xq_buffer_handle(b->buf), .stride = ROW },
			[XQACCEL_B] = { .handle = xq_buffer_handle(s->class_rows), .stride = ROW },
			[XQACCEL_C] = { .handle = xq_buffer_handle(b->buf), .offset = BLOCK * ROW,
					.stride = 4 * s->classes },
		},
	};
	sqe = io_uring_get_sqe(&s->ring);
	must(xq_ring_prepare(s->dev, sqe, sizeof(*sqe), &jobs), "job");
	io_uring_sqe_set_data(sqe, b);
	s->begun += b->rows;
}

/* A block's products are there. */
static void count(struct stream *s, const struct block *b)
{
	const int32_t *c = (const int32_t *)((char *)xq_buffer_data(b->buf) + BLOCK * ROW);
	unsigned int row, i;

	for (row = 0; row < b->rows; row++, c += s->classes) {
		unsigned int best = 0;

		for (i = 1; i < s->classes; i++)
			best = c[i] > c[best] ? i : best;
		s->closest[best]++;
	}
	s->ended += b->rows;
}

static void run(struct stream *s)
{
	struct io_uring_cqe *cqe;
	struct block *b;
	int i, res;

	for (i = 0; i < BLOCKS; i++)
		begin(s, &s->block[i]);
	while (s->ended < s->rows) {
		must(io_uring_submit_and_wait(&s->ring, 1), "io_uring");
		while (!io_uring_peek_cqe(&s->ring, &cqe)) {
			b = io_uring_cqe_get_data(cqe);
			res = cqe->res;
			io_uring_cqe_seen(&s->ring, cqe);
			if (!b)
				must(res < 0 ? res : -EIO, "read");
			must(xq_ring_status(res), "job");
			count(s, b);
			begin(s, b);
		}
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static struct stream s;
	double start;
	unsigned int i;

	s.classes = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 16;
	if (argc < 2 || !s.classes || s.classes > MOST_CLASSES) {
		fprintf(stderr, "xq-stream FILE [COUNT, at most %d]\n", MOST_CLASSES);
		return 2;
	}
	stream_open(&s, argv[1]);
	start = now();
	run(&s);
	printf("%llu rows, %.1f MB/s\n", (unsigned long long)s.rows,
	       (double)s.rows * ROW / 1e6 / (now() - start));
	for (i = 0; i < s.classes; i++)
		printf("%4u %llu\n", i, (unsigned long long)s.closest[i]);
	io_uring_queue_exit(&s.ring);
	for (i = 0; i < BLOCKS; i++)
		xq_buffer_destroy(s.block[i].buf);
	xq_buffer_destroy(s.class_rows);
	xq_device_close(s.dev);
	close(s.fd);
	return 0;
}
