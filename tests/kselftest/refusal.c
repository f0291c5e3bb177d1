// SPDX-License-Identifier: GPL-2.0
/*
 * Each member of each operation, by a value that the driver refuses: by SUBMIT, and as a job of a
 * program. After each of them the job as it should be still runs, and gives the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "harness.h"
#include "refusal.h"
#include "shared_memory.h"

#define WORK_WORDS	(sizeof(struct xqaccel_work) / 4)
#define OPERAND_COUNT	(sizeof(((struct xqaccel_job_desc *)0)->operand) / \
			 sizeof(struct xqaccel_operand))

FIXTURE(refusal)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;
	struct buffer read_only;
	uint8_t *before, *after;	/* all of the memory, without and with the job's output */
	struct xqaccel_job_desc job;
};

FIXTURE_SETUP(refusal)
{
	uint8_t *pages = pages_of(REFUSAL_BYTES);

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	ASSERT_EQ(0, buffer_create(self->fd, REFUSAL_BYTES, &self->buf));
	self->before = malloc(REFUSAL_BYTES);
	self->after = malloc(REFUSAL_BYTES);
	ASSERT_TRUE(self->before && self->after && pages);
	/* As any of the formats it is a number of reasonable size. */
	memset(self->before, 0x3c, REFUSAL_OUTPUT);
	memset(self->before + REFUSAL_OUTPUT, 0xee, REFUSAL_BYTES - REFUSAL_OUTPUT);
	if (!memory_is_bounced(self->fd))
		ASSERT_EQ(0, buffer_wrap(self->fd, pages, REFUSAL_BYTES, XQACCEL_BUF_READ_ONLY,
					 &self->read_only));
}

FIXTURE_TEARDOWN(refusal)
{
	free(self->before);
	free(self->after);
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
}

/* ---- a job, and what becomes of it ------------------------------------------- */

static void describe(FIXTURE_DATA(refusal) *self, const struct refused_job *kind,
		     struct xqaccel_job_desc *job)
{
	unsigned int i;

	memset(job, 0, sizeof(*job));
	kind->describe(job);
	for (i = 0; i < OPERAND_COUNT; i++)
		if (job->operand[i].handle)
			job->operand[i].handle = self->buf.handle;
}

static void apply(const struct change *change, struct xqaccel_job_desc *job)
{
	uint8_t *to = (uint8_t *)job + change->at;
	const uint32_t narrow = change->value;

	if (change->bytes > 8)
		memset(to, 0, change->bytes);
	else if (change->bytes == 8)
		memcpy(to, &change->value, 8);
	else if (change->bytes)
		memcpy(to, &narrow, 4);
}

/* Runs the job as it should be: 0, or what is wrong. */
static const char *run(FIXTURE_DATA(refusal) *self, const struct xqaccel_job_desc *job)
{
	struct xqaccel_completion c[2];
	uint32_t done, pending;

	memcpy(self->buf.map, self->before, REFUSAL_BYTES);
	if (submit(self->fd, job))
		return "the job is refused as it should be";
	if (wait_jobs(self->fd, c, 2, 1, 10 * SECOND, &done, &pending))
		return "the job does not end";
	return done != 1 || pending ? "there are more jobs than were accepted" :
	       c[0].status ? "the job fails" : NULL;
}

/* The first run says what the others have to give. */
static const char *run_first(FIXTURE_DATA(refusal) *self, const struct xqaccel_job_desc *job)
{
	const char *wrong = run(self, job);

	memcpy(self->after, self->buf.map, REFUSAL_BYTES);
	if (!wrong && memcmp(self->before, self->after, REFUSAL_OUTPUT))
		return "the job writes its inputs";
	if (!wrong && !memcmp(self->before, self->after, REFUSAL_BYTES))
		return "the job writes nothing";
	return wrong;
}

static const char *run_again(FIXTURE_DATA(refusal) *self, const struct xqaccel_job_desc *job)
{
	const char *wrong = run(self, job);

	return wrong ?: memcmp(self->after, self->buf.map, REFUSAL_BYTES) ? "other bytes" : NULL;
}

static int as_program(FIXTURE_DATA(refusal) *self, const struct xqaccel_job_desc *job)
{
	uint32_t program;
	const int ret = program_create(self->fd, job, 1, 0, &program);

	return ret ? ret : program_destroy(self->fd, program);
}

/* Either way the same answer; then the job as it should be. */
static void expect_answer(struct __test_metadata *_metadata, FIXTURE_DATA(refusal) *self,
			  const struct refused_job *kind, const char *what,
			  const struct xqaccel_job_desc *bad, int error)
{
	struct xqaccel_completion c;
	const char *wrong;
	int by_submit, by_program = -error;

	by_submit = submit(self->fd, bad);
	if (!by_submit)
		wait_one(self->fd, &c, 10 * SECOND);
	if (self->info.features & XQACCEL_FEATURE_PROGRAM)
		by_program = as_program(self, bad);
	wrong = run_again(self, &self->job);
	if (by_submit != -error || by_program != -error || wrong)
		TH_LOG("%s, %s: errno %d, of a program %d, expected %d%s%s", kind->name, what,
		       -by_submit, -by_program, error, wrong ? "; then " : "", wrong ?: "");
	EXPECT_EQ(-error, by_submit);
	EXPECT_EQ(-error, by_program);
	EXPECT_EQ(NULL, wrong);
}

/* ---- what holds of all jobs --------------------------------------------------- */

#define EXPECT_ANSWER(error, what, change) \
	do { \
		struct xqaccel_job_desc bad = self->job; \
		change; \
		expect_answer(_metadata, self, kind, what, &bad, error); \
	} while (0)

static void refuse_operand(struct __test_metadata *_metadata, FIXTURE_DATA(refusal) *self,
			   const struct refused_job *kind, unsigned int i)
{
	const bool there = self->job.operand[i].handle;
	char what[64];

	snprintf(what, sizeof(what), "operand %u%s", i, there ? "" : ", which is not there");
	EXPECT_ANSWER(EINVAL, what, bad.operand[i].reserved = 1);
	if (there) {
		EXPECT_ANSWER(ENOENT, what, bad.operand[i].handle = 0x7fff);
		EXPECT_ANSWER(ERANGE, what, bad.operand[i].offset = REFUSAL_BYTES);
		EXPECT_ANSWER(ERANGE, what, bad.operand[i].offset = 1ULL << 40);
		return;
	}
	EXPECT_ANSWER(EINVAL, what, bad.operand[i].offset = 4096);
	EXPECT_ANSWER(EINVAL, what, bad.operand[i].stride = 4096);
	EXPECT_ANSWER(EINVAL, what, bad.operand[i].batch_stride = 4096);
	EXPECT_ANSWER(EINVAL, what, bad.operand[i].plane_stride = 4096);
}

static uint32_t words_of(uint32_t op)
{
	static const uint32_t bytes[] = {
		[XQACCEL_OP_GEMM] = sizeof(struct xqaccel_gemm),
		[XQACCEL_OP_CONV] = sizeof(struct xqaccel_conv),
		[XQACCEL_OP_POOL] = sizeof(struct xqaccel_pool),
		[XQACCEL_OP_ELEMENTWISE] = sizeof(struct xqaccel_elementwise),
		[XQACCEL_OP_SOFTMAX] = sizeof(struct xqaccel_softmax),
		[XQACCEL_OP_MEAN] = sizeof(struct xqaccel_mean),
		[XQACCEL_OP_COPY] = sizeof(struct xqaccel_copy),
	};

	return bytes[op] / 4;
}

/* Words and operands that the operation does not have, and operands that are elsewhere. */
static void refuse_the_rest(struct __test_metadata *_metadata, FIXTURE_DATA(refusal) *self,
			    const struct refused_job *kind)
{
	uint32_t *epilogue = (uint32_t *)&self->job.work.epilogue;
	unsigned int i;

	for (i = words_of(self->job.work.op); i < ARRAY_SIZE(self->job.work.words); i++)
		EXPECT_ANSWER(EINVAL, "a word behind its own", bad.work.words[i] = 1);
	for (i = 0; !self->job.work.epilogue.kind && i < sizeof(self->job.work.epilogue) / 4; i++)
		EXPECT_ANSWER(EINVAL, "a word of an epilogue",
			      ((uint32_t *)&bad.work.epilogue)[i] = epilogue[i] + 1);
	for (i = 0; i < OPERAND_COUNT; i++)
		refuse_operand(_metadata, self, kind, i);
	EXPECT_ANSWER(EOPNOTSUPP, "an operation of tomorrow", bad.work.op = 15);
	EXPECT_ANSWER(EOPNOTSUPP, "a flag of tomorrow", bad.work.flags |= 1U << 31);
	EXPECT_ANSWER(EINVAL, "output over the input",
		      bad.operand[XQACCEL_Y].offset = bad.operand[XQACCEL_X].offset);
	if (self->read_only.handle)
		EXPECT_ANSWER(EACCES, "output to what is only read",
			      bad.operand[XQACCEL_Y].handle = self->read_only.handle);
}

/* ---- what is in the tables ------------------------------------------------------ */

static void change_job(const FIXTURE_DATA(refusal) *self, const struct refusal *refusal,
		       struct xqaccel_job_desc *job)
{
	*job = self->job;
	apply(&refusal->change[0], job);
	apply(&refusal->change[1], job);
	if (refusal->present) {
		refusal_operand(job, refusal->present, REFUSAL_PARAMETER(15), 0);
		job->operand[refusal->present].handle = self->buf.handle;
	}
}

static void refuse_one(struct __test_metadata *_metadata, FIXTURE_DATA(refusal) *self,
		       const struct refused_job *kind, const struct refusal *refusal)
{
	static const uint32_t values[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };
	struct change any = refusal->change[0];
	struct xqaccel_job_desc job;
	unsigned int i;

	change_job(self, refusal, &job);
	if (refusal->error) {
		expect_answer(_metadata, self, kind, refusal->what, &job, refusal->error);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		any.value = values[i];
		apply(&any, &job);
		expect_answer(_metadata, self, kind, refusal->what, &job, 0);
	}
}

static void refuse_all(struct __test_metadata *_metadata, FIXTURE_DATA(refusal) *self,
		       const struct refused_jobs *kinds)
{
	unsigned int i, j, there = 0;

	for (i = 0; i < kinds->count; i++) {
		const struct refused_job *kind = &kinds->job[i];
		const char *wrong;

		if ((self->info.features & kind->features) != kind->features)
			continue;
		there++;
		describe(self, kind, &self->job);
		wrong = run_first(self, &self->job);
		if (wrong)
			TH_LOG("%s: %s", kind->name, wrong);
		ASSERT_EQ(NULL, wrong);
		for (j = 0; j < kind->refusals; j++)
			refuse_one(_metadata, self, kind, &kind->refusal[j]);
		refuse_the_rest(_metadata, self, kind);
	}
	if (!there)
		SKIP(return, "the device has no such operation");
}

#define REFUSE(name) \
	TEST_F_TIMEOUT(refusal, name, 120) \
	{ \
		refuse_all(_metadata, self, &refused_##name); \
	}

REFUSE(products)
REFUSE(groups)
REFUSE(epilogues)
REFUSE(convolutions)
REFUSE(pools)
REFUSE(elementwise)
REFUSE(softmax)
REFUSE(means)
REFUSE(copies)

/* ---- whether the tables are complete --------------------------------------------- */

static const struct refused_jobs *const all[] = {
	&refused_products, &refused_groups, &refused_epilogues, &refused_convolutions,
	&refused_pools, &refused_elementwise, &refused_softmax, &refused_means, &refused_copies,
};

#define EPILOGUE_AT	(offsetof(struct xqaccel_work, epilogue) / 4)

static void mark(const struct refused_job *kind, bool seen[][WORK_WORDS])
{
	struct xqaccel_job_desc job = { 0 };
	unsigned int i, j;

	kind->describe(&job);
	for (i = 0; i < kind->refusals; i++) {
		for (j = 0; j < 2; j++) {
			const struct change *c = &kind->refusal[i].change[j];
			const size_t at = (c->at - offsetof(struct xqaccel_job_desc, work)) / 4;

			/* Words of an epilogue are the same for whatever comes before it. */
			if (c->bytes == 4 && at < WORK_WORDS)
				seen[at < EPILOGUE_AT ? job.work.op : 0][at] = true;
		}
	}
}

/* Each word of each operation is changed by something above, or may have any value. */
TEST_F(refusal, every_word)
{
	static bool seen[XQACCEL_OP_COPY + 1][WORK_WORDS];
	unsigned int i, j, op;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (j = 0; j < all[i]->count; j++)
			mark(&all[i]->job[j], seen);
	for (op = XQACCEL_OP_GEMM; op <= XQACCEL_OP_COPY; op++) {
		for (i = 0; i < words_of(op); i++) {
			if (!seen[op][2 + i])
				TH_LOG("operation %u, word %u", op, i);
			EXPECT_TRUE(seen[op][2 + i]);
		}
	}
	for (i = EPILOGUE_AT; i < WORK_WORDS; i++) {
		if (!seen[0][i])
			TH_LOG("epilogue, word %u", (unsigned int)(i - EPILOGUE_AT));
		EXPECT_TRUE(seen[0][i]);
	}
}

TEST_HARNESS_MAIN
