// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"
#include "tests/kselftest/guest.h"

#define M	512
#define N	4096
#define K	4096

struct product {
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
};

static const int8_t *row(const struct product *p, unsigned int operand, unsigned int index)
{
	return (const int8_t *)p->buf.map + p->job.operand[operand].offset + (size_t)index * K;
}

struct product *product_open(void)
{
	struct product *p = calloc(1, sizeof(*p));
	const uint64_t b = (uint64_t)M * K, c = b + (uint64_t)N * K;
	uint64_t random = 7;
	size_t i;

	must(p ? 0 : -ENOMEM, "memory");
	p->fd = device_open();
	must(p->fd < 0 ? p->fd : 0, device_path());
	must(buffer_create(p->fd, c + 4ULL * M * N, &p->buf), "buffer of a large product");
	for (i = 0; i < c; i += sizeof(random)) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		memcpy(p->buf.map + i, &random, sizeof(random));
	}
	small_job(&p->job, &p->buf);
	p->job.work.gemm.m = M;
	p->job.work.gemm.n = N;
	p->job.work.gemm.k = K;
	p->job.operand[XQACCEL_A] = (struct xqaccel_operand){ p->buf.handle, 0, 0, K, 0, 0 };
	p->job.operand[XQACCEL_B] = (struct xqaccel_operand){ p->buf.handle, 0, b, K, 0, 0 };
	p->job.operand[XQACCEL_C] = (struct xqaccel_operand){ p->buf.handle, 0, c, 4 * N, 0, 0 };
	return p;
}

void product_close(struct product *p)
{
	close(p->fd);
	free(p);
}

/* Some elements of C by plain loops. */
static void must_be_product(const struct product *p)
{
	const uint8_t *c = p->buf.map + p->job.operand[XQACCEL_C].offset;
	unsigned int i, k;

	for (i = 0; i < 64; i++) {
		const unsigned int m = i * 83 % M, n = i * 641 % N;
		const int8_t *a = row(p, XQACCEL_A, m), *b = row(p, XQACCEL_B, n);
		int32_t sum = 0, value;

		for (k = 0; k < K; k++)
			sum += a[k] * b[k];
		memcpy(&value, c + 4 * ((size_t)m * N + n), sizeof(value));
		must_be(value == sum, "result of the large product");
	}
}

double product_ms(struct product *p, unsigned int runs)
{
	struct xqaccel_completion done;
	double best = 1e9;
	unsigned int i;

	memset(p->buf.map + p->job.operand[XQACCEL_C].offset, 0, 4ULL * M * N);
	for (i = 0; i < runs; i++) {
		const int64_t start = now_ns();
		double ms;

		must(submit(p->fd, &p->job), "submission of a large product");
		must(wait_one(p->fd, &done, 60 * SECOND), "end of a large product");
		ms = us_since(start) / 1e3;
		must_be(!done.status && done.macs == (uint64_t)M * N * K, "large product");
		best = ms < best ? ms : best;
	}
	must_be_product(p);
	return best;
}

double product_alone_ms(unsigned int runs)
{
	char reply[64];

	must(host_request(reply, sizeof(reply), "product %u %u %u %u", M, N, K, runs),
	     "the kernels on the host");
	return strtod(reply + strlen("ok "), NULL);
}
