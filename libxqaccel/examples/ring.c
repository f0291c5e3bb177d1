// SPDX-License-Identifier: MIT
/*
 * A product on the accelerator through liburing alone: C[4,4] = A[4,16] x B[4,16]^T, of ones.
 * cc -o ring ring.c -luring
 */
#include <err.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/xqaccel.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

int main(void)
{
	struct xqaccel_buf_create create = { .size = sizeof(create), .bytes = 4096 };
	const int fd = open("/dev/xqaccel0", O_RDWR);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int8_t *memory;
	int ret;

	if (fd < 0 || ioctl(fd, XQACCEL_IOCTL_BUF_CREATE, &create))
		err(1, "/dev/xqaccel0");
	memory = mmap(NULL, create.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      create.mmap_offset);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	memset(memory, 1, 128);			/* A at 0, B at 64, C goes to 128 */

	const struct xqaccel_job_desc job = {
		.work.op = XQACCEL_OP_GEMM,
		.work.gemm = { .m = 4, .n = 4, .k = 16, .batch = 1,
			       .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 },
		.operand[XQACCEL_A] = { .handle = create.handle, .offset = 0, .stride = 16 },
		.operand[XQACCEL_B] = { .handle = create.handle, .offset = 64, .stride = 16 },
		.operand[XQACCEL_C] = { .handle = create.handle, .offset = 128, .stride = 16 },
	};
	const struct xqaccel_uring_submit submit = {
		.jobs = (uintptr_t)&job, .stride = sizeof(job), .count = 1,
	};

	ret = io_uring_queue_init(8, &ring, 0);
	if (ret)
		errx(1, "io_uring: %s", strerror(-ret));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = XQACCEL_URING_SUBMIT;
	memcpy((char *)sqe + 48, &submit, 16);	/* all that an entry of 64 bytes has */
	ret = io_uring_submit_and_wait(&ring, 1);
	if (ret < 0 || io_uring_peek_cqe(&ring, &cqe))
		errx(1, "io_uring: %s", strerror(-ret));
	if (cqe->res)
		errx(1, "the job: %s", strerror(-cqe->res));
	io_uring_cqe_seen(&ring, cqe);
	printf("%d\n", *(int *)(memory + 128));	/* 16 */
	return 0;
}
