// SPDX-License-Identifier: GPL-2.0
/* What the driver leaves in devcoredump when the device hangs, held against the job that did. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

/* Where work and operands are in struct xq_hw_descriptor of driver/xq_regs.h. */
#define WORK_WORD		4
#define WORK_WORDS		(sizeof(((struct xqaccel_job_desc *)0)->work) / 4)
#define OPERAND_WORD(i)		(WORK_WORD + WORK_WORDS + 8 * (i))
#define DESCRIPTOR_WORDS	256

#define SECRET			0x5ec2e75ec2e7ULL

FIXTURE(coredump)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
	char address[32];
	char path[128];
};

static char text[1 << 20];

/* Has the kernel forget a dump, so that it takes the next. */
static int dump_clear(const char *path)
{
	const int ret = file_write(path, "1");
	const int64_t began = now_ns();
	char link[128];
	struct stat st;

	/*
	 * It goes by a work item, and the link to it a moment later. A dump that comes in between
	 * has none: the kernel complains, and nobody finds it.
	 */
	snprintf(link, sizeof(link), "%.*s", (int)(strrchr(path, '/') - path), path);
	while (!lstat(link, &st) && !over_limit(began, 5 * SECOND))
		sleep_ms(10);
	return ret == -ENOENT ? 0 : ret;
}

FIXTURE_SETUP(coredump)
{
	if (getuid() || !host_present())
		SKIP(return, "not root, or no host to make the device hang");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	bus_path(self->path, sizeof(self->path), self->address, "devcoredump/data");
	if (access("/sys/class/devcoredump", F_OK))
		SKIP(return, "a kernel without devcoredump");
	ASSERT_EQ(0, dump_clear(self->path));
	self->fd = device_open_again(self->address);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(coredump)
{
	if (getuid() || !host_present())
		return;
	EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, dump_clear(self->path));
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

/* A job hangs until its limit, and ends so. */
static int hang(int fd, struct xqaccel_job_desc *job, uint32_t status, uint64_t *id)
{
	struct xqaccel_completion c;
	int ret;

	ret = inject("hang-jobs", 1);
	if (!ret)
		ret = submit_jobs(fd, job, 1, 3, 300, NULL, id);
	if (!ret)
		ret = wait_id(fd, *id, &c, 60 * SECOND);
	if (!ret && c.status != status)
		ret = -EPROTO;
	return ret;
}

/* Waits for a dump, which comes after the job's end, and reads it; its length or -errno. */
static int dump_read(const char *path)
{
	const int64_t began = now_ns();

	while (access(path, F_OK) && !over_limit(began, 5 * SECOND))
		sleep_ms(10);
	return file_read(path, text, sizeof(text));
}

/* The place behind "key: " at or after a place; NULL if there is none. */
static const char *key(const char *from, const char *name)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), "%s: ", name);
	for (at = from; at && (at = strstr(at, pattern)); at++)
		if (at == text || at[-1] == '\n' || at[-1] == ' ')
			return at + strlen(pattern);
	return NULL;
}

static long long number(const char *from, const char *name)
{
	const char *at = key(from, name);

	return at ? strtoll(at, NULL, 0) : -1;
}

static bool says(const char *from, const char *name, const char *value)
{
	const char *at = key(from, name);

	return at && !strncmp(at, value, strlen(value)) && at[strlen(value)] == '\n';
}

/* Where a job's entry is in the dump. */
static const char *job_entry(uint64_t id)
{
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "- job: %llu\n", (unsigned long long)id);
	return strstr(text, pattern);
}

/* Where the entry of the queue is that another entry belongs to. */
static const char *queue_of(const char *entry)
{
	const char *at = text, *found = NULL;

	while ((at = strstr(at, "- queue: ")) && at < entry)
		found = at++;
	return found;
}

/* Rows of a descriptor, of which those without a bit set are left out; how many there are. */
static int descriptor_words(const char *entry, uint32_t word[DESCRIPTOR_WORDS])
{
	const char *line = strstr(entry, "descriptor:\n");
	unsigned int at, w[4];
	int rows = 0;

	memset(word, 0, DESCRIPTOR_WORDS * sizeof(*word));
	while (line && (line = strchr(line, '\n')) &&
	       sscanf(++line, " - [%x, %x, %x, %x, %x]", &at, &w[0], &w[1], &w[2], &w[3]) == 5) {
		if (at / 4 + 4 > DESCRIPTOR_WORDS)
			return -1;
		memcpy(&word[at / 4], w, sizeof(w));
		rows++;
	}
	return rows;
}

static uint64_t word64(const uint32_t *word, unsigned int i)
{
	return word[i] | (uint64_t)word[i + 1] << 32;
}

static void expect_descriptor(struct __test_metadata *_metadata, const char *entry,
			      const struct xqaccel_job_desc *job)
{
	const uint32_t *work = (const uint32_t *)&job->work;
	uint32_t word[DESCRIPTOR_WORDS];
	unsigned int i;

	ASSERT_LT(0, descriptor_words(entry, word));
	EXPECT_EQ(number(entry, "hw-id"), (long long)word64(word, 0));
	EXPECT_EQ(number(entry, "context"), (long long)word[2]);
	for (i = 0; i < WORK_WORDS; i++)
		EXPECT_EQ(work[i], word[WORK_WORD + i]);
	for (i = 0; i < ARRAY_SIZE(job->operand); i++) {
		const unsigned int at = OPERAND_WORD(i);

		EXPECT_EQ(!job->operand[i].handle, !word64(word, at));
		EXPECT_EQ(job->operand[i].stride, word64(word, at + 2));
	}
	/* All in one buffer, so as far from each other as they are in it. */
	EXPECT_EQ(job->operand[XQACCEL_C].offset - job->operand[XQACCEL_A].offset,
		  word64(word, OPERAND_WORD(XQACCEL_C)) - word64(word, OPERAND_WORD(XQACCEL_A)));
}

TEST_F(coredump, says_what_hung)
{
	const char *entry, *context, *queue;
	char value[64];
	uint64_t id;

	self->job.user_data = SECRET;
	ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_TIMEOUT, &id));
	ASSERT_LT(0, dump_read(self->path));

	EXPECT_EQ(0, strncmp(text, "xqaccel-coredump: 1\n", 20));
	EXPECT_TRUE(says(text, "reason", "\"a job took longer than its limit\""));
	snprintf(value, sizeof(value), "\"%s\"", self->address);
	EXPECT_TRUE(says(text, "bus", value));
	EXPECT_EQ(1, number(text, "answers"));
	EXPECT_EQ(1, number(text, "CTRL"));
	EXPECT_EQ(0, number(text, "lost"));

	entry = job_entry(id);
	ASSERT_TRUE(!!entry);
	EXPECT_EQ(3, number(entry, "lane"));
	EXPECT_EQ(300, number(entry, "timeout-ms"));
	EXPECT_LE(250 * MS, number(entry, "age-ns"));
	EXPECT_EQ(0, number(entry, "canceled"));
	expect_descriptor(_metadata, entry, &self->job);
	EXPECT_TRUE(!strstr(text, "descriptor-in-ring"));

	/* The queue that the entry is in, as the driver and as the device see it. */
	queue = queue_of(entry);
	ASSERT_TRUE(!!queue);
	EXPECT_EQ(1, number(queue, "in-flight"));
	EXPECT_EQ(number(queue, "sq-tail"), number(queue, "SQ_TAIL"));
	EXPECT_EQ((number(entry, "slot") + 1) % number(queue, "entries"), number(queue, "sq-tail"));
	/* Enabled, with interrupts, and a job is running. */
	EXPECT_EQ(0x11, number(queue, "CTRL"));
	EXPECT_EQ(1, number(queue, "STATUS"));

	context = strstr(text, "- context: ");
	ASSERT_TRUE(!!context);
	EXPECT_EQ(number(entry, "context"), number(context, "- context"));
	EXPECT_EQ(number(entry, "client"), number(context, "client"));
	EXPECT_EQ(getpid(), number(context, "pid"));
	EXPECT_EQ(0, number(context, "uid"));
	EXPECT_TRUE(says(context, "comm", "\"xq-test-coredum\""));
	EXPECT_EQ(1, number(context, "valid"));
	EXPECT_LE(8192, number(context, "bytes"));
	EXPECT_EQ(1, number(context, "unreaped"));
}

/* Neither what programs keep to themselves nor addresses of the kernel. */
TEST_F(coredump, keeps_secrets)
{
	const char *at;
	struct stat st;
	uint64_t id;

	memset(self->buf.map, 0x5e, 4096);
	self->job.user_data = SECRET;
	ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_TIMEOUT, &id));
	ASSERT_LT(0, dump_read(self->path));
	EXPECT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0, (int)st.st_mode & 077);
	EXPECT_TRUE(!strstr(text, "5ec2e7"));
	EXPECT_TRUE(!strstr(text, "5e5e5e5e"));
	for (at = text; (at = strstr(at, "0xffff")); at++)
		EXPECT_TRUE(strspn(at + 2, "0123456789abcdef") < 16 ||
			    !strncmp(at, "0xffffffffffffffff", 18));
}

/* The first stays until somebody has read it; what comes meanwhile is consequences. */
TEST_F(coredump, one_until_it_was_read)
{
	uint64_t first, second, third;
	unsigned int late = 0;

	ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_TIMEOUT, &first));
	ASSERT_LT(0, dump_read(self->path));
	EXPECT_TRUE(!!job_entry(first));
	ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_TIMEOUT, &second));
	ASSERT_LT(0, dump_read(self->path));
	EXPECT_TRUE(job_entry(first) && !job_entry(second));
	/* A job ends before its dump is written: the second's may come after the first's. */
	do {
		ASSERT_EQ(0, dump_clear(self->path));
		ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_TIMEOUT, &third));
		ASSERT_LT(0, dump_read(self->path));
	} while (job_entry(second) && !late++);
	EXPECT_TRUE(job_entry(third) && !job_entry(first) && !job_entry(second));
}

/* A user's job that hangs until its limit: the status it ends with, or -errno. */
static int hang_of_user(unsigned int uid)
{
	struct xqaccel_completion c = { .status = 255 };
	struct xqaccel_job_desc job;
	struct buffer buf;
	int status, fd, ret;
	pid_t child;

	ret = inject("hang-jobs", 1);
	if (ret)
		return ret;
	child = fork();
	if (!child) {
		if (setgid(uid) || setuid(uid))
			_exit(254);
		fd = device_open();
		if (fd < 0 || buffer_create(fd, 4096, &buf))
			_exit(253);
		small_job(&job, &buf);
		if (submit_lane(fd, &job, 0, 100) || wait_one(fd, &c, 60 * SECOND))
			_exit(252);
		_exit(c.status);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -ECHILD;
	return WEXITSTATUS(status);
}

/* The user whose dump there is, which is forgotten; -1: there is none. */
static long long dump_owner(const char *path)
{
	const char *context;
	long long uid;

	if (dump_read(path) < 0)
		return -1;
	context = strstr(text, "- context: ");
	uid = context ? number(context, "uid") : -1;
	return dump_clear(path) ? -1 : uid;
}

/*
 * Who has jobs with short limits can have as many hang as he likes: that does not leave him the one
 * place there is for a dump. Users that no other run of this test has had.
 */
TEST_F_TIMEOUT(coredump, of_a_user_now_and_then, 90)
{
	const unsigned int one = 10000 + 2 * getpid(), other = one + 1;
	uint64_t id;

	ASSERT_EQ(0, chmod(device_path(), 0666));
	ASSERT_EQ(XQACCEL_STATUS_TIMEOUT, hang_of_user(one));
	EXPECT_EQ(one, dump_owner(self->path));
	ASSERT_EQ(XQACCEL_STATUS_TIMEOUT, hang_of_user(one));
	EXPECT_EQ(-1, dump_owner(self->path));
	/* What others find is kept, and what is the device's fault. */
	ASSERT_EQ(XQACCEL_STATUS_TIMEOUT, hang_of_user(other));
	EXPECT_EQ(other, dump_owner(self->path));
	ASSERT_EQ(XQACCEL_STATUS_TIMEOUT, hang_of_user(other));
	ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_TIMEOUT, &id));
	EXPECT_EQ(0, dump_owner(self->path));
	ASSERT_EQ(0, chmod(device_path(), 0600));
}

/* Jobs that their owners end are no hangs. */
TEST_F(coredump, none_for_a_canceled_job)
{
	uint64_t id;

	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id));
	sleep_ms(50);
	ASSERT_EQ(0, cancel(self->fd, id));
	ASSERT_EQ(0, wait_id(self->fd, id, &self->c, 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	EXPECT_TRUE(access(self->path, F_OK));
}

/* No reset helps, so the device is lost: still the dump is of the job that began it. */
TEST_F(coredump, of_the_first_cause)
{
	uint64_t id;

	ASSERT_EQ(0, inject("stuck-reset", 1));
	ASSERT_EQ(0, hang(self->fd, &self->job, XQACCEL_STATUS_LOST, &id));
	ASSERT_LT(0, dump_read(self->path));
	EXPECT_TRUE(says(text, "reason", "\"a job took longer than its limit\""));
	EXPECT_TRUE(!!job_entry(id));
}

TEST_F(coredump, of_a_lie)
{
	const char *entry;
	uint64_t id;

	ASSERT_EQ(0, inject("wrong-id", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id));
	ASSERT_EQ(0, wait_id(self->fd, id, &self->c, 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	ASSERT_LT(0, dump_read(self->path));
	EXPECT_TRUE(says(text, "reason", "\"the device contradicted itself\""));
	ASSERT_TRUE(!!job_entry(id));
	/* The completion that nobody believed, of another job than is in flight. */
	ASSERT_TRUE(strstr(text, "hw-id: ") && strstr(text, "- {slot: "));
	entry = job_entry(id);
	EXPECT_NE(number(entry, "hw-id"), number(strstr(entry, "- {slot: "), "hw-id"));
}

TEST_HARNESS_MAIN
