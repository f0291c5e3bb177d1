// SPDX-License-Identifier: GPL-2.0
/* What debugfs shows: right while nothing happens, and harmless while everything does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(debugfs)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
	char folder[128];
	char address[32];
};

static char text[1 << 20];

FIXTURE_SETUP(debugfs)
{
	const char *node = strrchr(device_path(), '/') + 1;

	snprintf(self->folder, sizeof(self->folder), "/sys/kernel/debug/xqaccel/%s", node);
	if (getuid() || access(self->folder, F_OK))
		SKIP(return, "not root, or no debugfs");
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(debugfs)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
}

static int debugfs_read(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return file_read(path, text, sizeof(text));
}

/*
 * The line of the table that is this process's, whose file is the only one; NULL if there is none.
 */
static const char *line_of(const char *number)
{
	const char *line = text;

	while ((line = strchr(line, '\n')) && *++line)
		if (!strncmp(line + strspn(line, " "), number, strlen(number)))
			return line;
	return NULL;
}

struct client_line {
	unsigned long long id, bytes, device_ns;
	int pid, priority;
	unsigned int uid, buffers, jobs, ended, inflight, lanes;
	char comm[64];
};

static bool client_line(const char *folder, struct client_line *l)
{
	const char *line;

	if (debugfs_read(folder, "clients") <= 0)
		return false;
	for (line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
		if (sscanf(line, "%llu %d %u %d %u %llu %u %u %u %x %llu %63s", &l->id, &l->pid,
			   &l->uid, &l->priority, &l->buffers, &l->bytes, &l->jobs, &l->ended,
			   &l->inflight, &l->lanes, &l->device_ns, l->comm) == 12 &&
		    l->pid == getpid())
			return true;
	return false;
}

TEST_F(debugfs, clients)
{
	struct client_line l;
	struct buffer more;
	unsigned int i;

	ASSERT_TRUE(client_line(self->folder, &l));
	EXPECT_EQ(getuid(), l.uid);
	EXPECT_EQ(XQACCEL_PRIORITY_NORMAL, l.priority);
	EXPECT_EQ(1, (int)l.buffers);
	EXPECT_LE(8192, (long)l.bytes);
	EXPECT_EQ(0, (int)l.jobs);
	EXPECT_EQ(0ULL, l.device_ns);
	EXPECT_EQ(0, strncmp(l.comm, "xq-test-debugfs", 15));

	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 1 << 20, &more));
	for (i = 1; i < 4; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i, 0));
	for (i = 1; i < 3; i++)
		ASSERT_EQ(0, wait_lane(self->fd, i, &self->c, 10 * SECOND));
	/* Whether the third has ended shows in poll, and nobody reaps it. */
	while (client_line(self->folder, &l) && !l.ended)
		sleep_ms(1);
	EXPECT_EQ(2, (int)l.buffers);
	EXPECT_LE(8192 + (1 << 20), (long)l.bytes);
	EXPECT_EQ(1, (int)l.jobs);
	EXPECT_EQ(1, (int)l.ended);
	EXPECT_EQ(0, (int)l.inflight);
	EXPECT_EQ(1 << 3, (int)l.lanes);
	EXPECT_LT(0ULL, l.device_ns);
}

/* A name that would break the table, or the terminal. */
TEST_F(debugfs, clients_names_are_escaped)
{
	struct client_line l;
	int other;

	ASSERT_EQ(0, file_write("/proc/self/comm", "a\nb \033[31m"));
	other = device_open();
	ASSERT_LE(0, other);
	ASSERT_LT(0, debugfs_read(self->folder, "clients"));
	EXPECT_TRUE(!strchr(text, '\033'));
	EXPECT_TRUE(!!strstr(text, "a\\nb \\e[31m\n"));
	ASSERT_TRUE(client_line(self->folder, &l));
	close(other);
}

TEST_F(debugfs, tables)
{
	struct client_line l;
	unsigned long long id;
	unsigned int context, level[3];
	struct buffer far;
	char number[32];
	const char *line;

	ASSERT_TRUE(client_line(self->folder, &l));
	snprintf(number, sizeof(number), "%llu ", l.id);
	ASSERT_LT(0, debugfs_read(self->folder, "tables"));
	line = line_of(number);
	ASSERT_TRUE(!!line);
	ASSERT_EQ(5, sscanf(line, "%llu %u %u %u %u", &id, &context, &level[0], &level[1],
			    &level[2]));
	EXPECT_EQ(1, (int)level[0]);
	EXPECT_EQ(1, (int)level[1]);
	EXPECT_EQ(1, (int)level[2]);

	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4096, &far));
	ASSERT_LT(0, debugfs_read(self->folder, "tables"));
	line = line_of(number);
	ASSERT_TRUE(!!line);
	ASSERT_EQ(5, sscanf(line, "%llu %u %u %u %u", &id, &context, &level[0], &level[1],
			    &level[2]));
	EXPECT_EQ(2, (int)level[2]);
	/* And it goes with its last page. */
	ASSERT_EQ(0, buffer_destroy(self->fd, far.handle));
	ASSERT_EQ(1, stat_settles("buffers", 1, 10000));
	ASSERT_LT(0, debugfs_read(self->folder, "tables"));
	line = line_of(number);
	ASSERT_EQ(5, sscanf(line, "%llu %u %u %u %u", &id, &context, &level[0], &level[1],
			    &level[2]));
	EXPECT_EQ(1, (int)level[2]);
}

TEST_F(debugfs, rings)
{
	uint64_t id;
	char entry[64];

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 2, 0, NULL, &id));
	snprintf(entry, sizeof(entry), "- job: %llu\n", (unsigned long long)id);
	ASSERT_LT(0, debugfs_read(self->folder, "rings"));
	EXPECT_TRUE(!!strstr(text, entry));
	EXPECT_TRUE(!!strstr(text, "answers: 1\n"));
	EXPECT_TRUE(!!strstr(text, "SQ_TAIL: "));
	ASSERT_EQ(0, cancel(self->fd, id));
	ASSERT_EQ(0, wait_id(self->fd, id, &self->c, 60 * SECOND));
	ASSERT_LT(0, debugfs_read(self->folder, "rings"));
	EXPECT_TRUE(!strstr(text, entry));
}

/* Reads every file there is, over and over; never returns. */
static void read_all(const char *folder)
{
	for (;;) {
		DIR *dir = opendir(folder);
		struct dirent *d;

		while (dir && (d = readdir(dir)))
			if (d->d_name[0] != '.')
				debugfs_read(folder, d->d_name);
		if (dir)
			closedir(dir);
	}
}

static pid_t start(void (*run)(const char *folder), const char *folder)
{
	const pid_t pid = fork();

	if (!pid)
		run(folder);
	return pid;
}

/* Clients come, work and go. */
static void work(const char *folder)
{
	(void)folder;
	for (;;) {
		const int fd = device_open();
		struct xqaccel_completion c;
		struct xqaccel_job_desc job;
		struct buffer buf;
		unsigned int i;

		if (fd < 0 || buffer_create(fd, 8192, &buf)) {
			close(fd);
			continue;
		}
		small_job(&job, &buf);
		for (i = 0; i < 8; i++)
			submit_lane(fd, &job, i, 0);
		for (i = 0; i < 4; i++)
			wait_one(fd, &c, SECOND);
		munmap(buf.map, buf.bytes);
		close(fd);
	}
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/*
 * Read while clients come and go, and while the device does; a file that stays open then is dead.
 */
TEST_F_TIMEOUT(debugfs, read_while_the_device_goes, 120)
{
	char path[512];
	pid_t reader, worker;
	unsigned int i;
	int fd;

	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	reader = start(read_all, self->folder);
	worker = start(work, self->folder);
	sleep_ms(2000);
	for (i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "%s/%s", self->folder, i % 2 ? "rings" : "clients");
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		sleep_ms(100);
		ASSERT_EQ(0, driver_unbind(self->address));
		EXPECT_GT(0, (int)read(fd, text, 100));
		EXPECT_TRUE(access(path, F_OK));
		close(fd);
		ASSERT_EQ(0, driver_bind_again(self->address));
	}
	stop(worker);
	stop(reader);
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
}

/* One of the driver's own places of fault injection: so often from now on, always. */
static int fail_times(const char *place, const char *times)
{
	const char *const set[][2] = {
		{ "verbose", "0" }, { "task-filter", "0" }, { "probability", "100" },
		{ "interval", "1" }, { "times", times },
	};
	char path[128];
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(set); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/xqaccel/%s/%s", place, set[i][0]);
		ret = file_write(path, set[i][1]);
	}
	return ret;
}

TEST_F(debugfs, failures_on_purpose)
{
	struct xqaccel_completion c[32];
	uint64_t id[32];
	int64_t timeouts;
	unsigned int i;

	if (access("/sys/kernel/debug/xqaccel/fail_job_timeout", F_OK))
		SKIP(return, "the kernel has no fault injection");
	/* A job that is given time has none, if it does not end at once. */
	if (host_present()) {
		timeouts = stat_of("timeouts");
		ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, fail_times("fail_job_timeout", "1"));
		ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 500000, NULL, id));
		ASSERT_EQ(0, wait_id(self->fd, id[0], c, 60 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)c[0].status);
		EXPECT_EQ(timeouts + 1, stat_of("timeouts"));
		ASSERT_EQ(0, inject_nothing());
	}
	/* Queues that are full now and then delay jobs, and lose none. */
	ASSERT_EQ(0, fail_times("fail_full_queue", "100"));
	for (i = 0; i < 32; i++)
		ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id[i]));
	for (i = 0; i < 32; i++) {
		ASSERT_EQ(0, wait_id(self->fd, id[i], &c[i], 60 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[i].status);
	}
	EXPECT_EQ(0, fail_times("fail_full_queue", "0"));
}

TEST_HARNESS_MAIN
