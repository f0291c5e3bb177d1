// SPDX-License-Identifier: GPL-2.0
/* Contexts: who gets one, when, and with what priority. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define MODE_FOR_ALL	0666
#define STRANGER	1000

FIXTURE(context)
{
	struct xqaccel_info info;
	int first;
};

FIXTURE_SETUP(context)
{
	self->first = device_open();
	ASSERT_LE(0, self->first);
	ASSERT_EQ(0, device_info(self->first, &self->info));
}

FIXTURE_TEARDOWN(context)
{
	close(self->first);
	if (!getuid())
		EXPECT_EQ(0, chmod(device_path(), 0600));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

TEST_F(context, made_once)
{
	struct buffer buf;

	ASSERT_EQ(0, context_create(self->first, XQACCEL_PRIORITY_LOW));
	EXPECT_EQ(-EEXIST, context_create(self->first, XQACCEL_PRIORITY_LOW));
	EXPECT_EQ(0, buffer_create_unmapped(self->first, 4096, &buf));
}

TEST_F(context, made_with_the_first_buffer)
{
	struct buffer buf;

	ASSERT_EQ(0, buffer_create_unmapped(self->first, 4096, &buf));
	EXPECT_EQ(-EEXIST, context_create(self->first, XQACCEL_PRIORITY_NORMAL));
}

TEST_F(context, priorities)
{
	EXPECT_EQ(-EINVAL, context_create(self->first, -2));
	EXPECT_EQ(-EINVAL, context_create(self->first, 2));
	if (!getuid())
		EXPECT_EQ(0, context_create(self->first, XQACCEL_PRIORITY_HIGH));
}

/* Runs a function as another user, which may open the device; its result, or 99. */
static int as_user(uid_t uid, int (*run)(void *data), void *data)
{
	int status = 0;
	pid_t pid;

	if (chmod(device_path(), MODE_FOR_ALL))
		return 99;
	pid = fork();
	if (!pid)
		_exit(setgid(uid) || setuid(uid) ? 98 : run(data));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 99;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int high_priority(void *data)
{
	const int fd = device_open();

	(void)data;
	return fd < 0 ? 97 : -context_create(fd, XQACCEL_PRIORITY_HIGH);
}

TEST_F(context, high_priority_needs_a_capability)
{
	if (getuid())
		SKIP(return, "not root");
	EXPECT_EQ(EPERM, as_user(STRANGER, high_priority, NULL));
}

/* A file that has no context, as many as there are contexts and more: they cost none. */
TEST_F(context, files_without_one)
{
	const unsigned int count = self->info.contexts + 20;
	int *fd = calloc(count, sizeof(*fd));
	struct xqaccel_info info;
	struct buffer buf;
	unsigned int i;

	ASSERT_TRUE(!!fd);
	for (i = 0; i < count; i++) {
		fd[i] = device_open();
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_EQ(0, device_info(fd[count - 1], &info));
	EXPECT_EQ(0, buffer_create_unmapped(fd[count - 1], 4096, &buf));
	for (i = 0; i < count; i++)
		close(fd[i]);
	free(fd);
}

/* Takes contexts until there are no more; how many. The reason why it ended. */
static unsigned int take_all(int *fd, unsigned int max, int *reason)
{
	unsigned int n;

	*reason = 0;
	for (n = 0; n < max; n++) {
		fd[n] = device_open();
		*reason = fd[n] < 0 ? fd[n] : context_create(fd[n], XQACCEL_PRIORITY_NORMAL);
		if (!*reason)
			continue;
		close(fd[n]);
		break;
	}
	return n;
}

struct greedy {
	unsigned int contexts;
	int *fd;
};

/* Takes all that a user gets: half of what is free. */
static int be_greedy(void *data)
{
	struct greedy *g = data;
	int reason;
	const unsigned int n = take_all(g->fd, g->contexts, &reason);

	/* Half of what is free, and one more or less. */
	if (reason != -EDQUOT || n > g->contexts / 2 + 1 || n + 1 < g->contexts / 2)
		return 50;
	return 0;
}

TEST_F(context, one_user_can_not_take_all)
{
	struct greedy g = { .contexts = self->info.contexts };
	int ready[2], go[2], reason = 0, status;
	unsigned int n;
	char byte = 0;
	pid_t pid;

	if (getuid())
		SKIP(return, "not root");
	g.fd = calloc(g.contexts, sizeof(*g.fd));
	ASSERT_TRUE(!!g.fd);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, chmod(device_path(), MODE_FOR_ALL));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		byte = setgid(STRANGER) || setuid(STRANGER) ? 98 : be_greedy(&g);
		if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(1, (int)read(ready[0], &byte, 1));
	EXPECT_EQ(0, byte);
	/* Another stranger gets his share of the rest, and root all that is left. */
	g.contexts -= self->info.contexts / 2;
	EXPECT_EQ(0, as_user(STRANGER + 1, be_greedy, &g));
	n = take_all(g.fd, self->info.contexts, &reason);
	EXPECT_EQ(-EBUSY, reason);
	EXPECT_LE(self->info.contexts / 2 - 1, n);
	/* With all of them taken, one can still ask what the device is. */
	EXPECT_EQ(0, device_info(self->first, &self->info));
	EXPECT_EQ(-EBUSY, buffer_create_unmapped(self->first, 4096, &(struct buffer){ 0 }));
	/* One that is given back can be had at once. */
	close(g.fd[0]);
	EXPECT_EQ(0, context_create(self->first, XQACCEL_PRIORITY_NORMAL));
	while (--n)
		close(g.fd[n]);
	ASSERT_EQ(1, (int)write(go[1], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	free(g.fd);
}

/* In a user namespace of a stranger's: what the second of its ids gets after the first took all. */
static int second_id(struct greedy *g, int ready, int go)
{
	char byte = 0;
	int reason;

	if (setgid(STRANGER) || setuid(STRANGER) || prctl(PR_SET_DUMPABLE, 1) ||
	    unshare(CLONE_NEWUSER) || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		return 51;
	/* The first one is the stranger himself. */
	take_all(g->fd, g->contexts, &reason);
	if (reason != -EDQUOT || setuid(1))
		return 52;
	return take_all(g->fd, g->contexts, &reason) ? 53 : 0;
}

/* Subordinate ids are no further users. */
TEST_F(context, namespace_is_one_user)
{
	struct greedy g = { .contexts = self->info.contexts };
	int ready[2], go[2], status;
	char path[64], byte = 0;
	pid_t pid;

	if (getuid())
		SKIP(return, "not root");
	if (access("/proc/self/ns/user", F_OK))
		SKIP(return, "no user namespaces");
	g.fd = calloc(g.contexts, sizeof(*g.fd));
	ASSERT_TRUE(!!g.fd);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, chmod(device_path(), MODE_FOR_ALL));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(second_id(&g, ready[1], go[0]));
	ASSERT_EQ(1, (int)read(ready[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	EXPECT_EQ(0, file_write(path, "0 1000 1\n1 100000 10\n"));
	ASSERT_EQ(1, (int)write(go[1], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	free(g.fd);
}

enum { AT_ONCE = 8 };

struct first {
	pthread_barrier_t *start;
	int fd, ret;
	pthread_t thread;
};

static void *first_buffer(void *data)
{
	struct first *f = data;
	struct buffer buf;

	pthread_barrier_wait(f->start);
	f->ret = buffer_create_unmapped(f->fd, 4096, &buf);
	return NULL;
}

/* Threads of a file whose first buffers come at the same time, when there is one context left. */
TEST_F_TIMEOUT(context, threads_that_need_the_last_one, 60)
{
	int *fd = calloc(self->info.contexts, sizeof(*fd));
	pthread_barrier_t start;
	unsigned int n, round, i;
	struct first f[AT_ONCE];
	int reason;

	if (getuid())
		SKIP(return, "not root");
	ASSERT_TRUE(!!fd);
	n = take_all(fd, self->info.contexts - 1, &reason);
	ASSERT_EQ(self->info.contexts - 1, n);
	ASSERT_EQ(0, pthread_barrier_init(&start, NULL, AT_ONCE));
	for (round = 0; round < 50; round++) {
		const int shared = device_open();

		ASSERT_LE(0, shared);
		for (i = 0; i < AT_ONCE; i++) {
			f[i] = (struct first){ .start = &start, .fd = shared };
			ASSERT_EQ(0, pthread_create(&f[i].thread, NULL, first_buffer, &f[i]));
		}
		for (i = 0; i < AT_ONCE; i++) {
			pthread_join(f[i].thread, NULL);
			EXPECT_EQ(0, f[i].ret);
		}
		close(shared);
		ASSERT_EQ(n + 1, stat_settles("clients", n + 1, 10000));
	}
	while (n--)
		close(fd[n]);
	free(fd);
}

TEST_HARNESS_MAIN
