/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests need of kselftest_harness.h: inside a kernel tree that header is used,
 * elsewhere the subset below, which has the same names and prints the same KTAP. Each test
 * runs in a process of its own, so that a crash, a hang or a leaked file is that test's.
 */
#ifndef XQ_TEST_HARNESS_H
#define XQ_TEST_HARNESS_H

#if defined(__has_include)
#if __has_include("../kselftest_harness.h")
#define XQ_TEST_IN_TREE
#include "../kselftest_harness.h"
/* There only tests of fixtures have a time limit of their own. */
#define TEST_TIMEOUT(_name, _timeout) TEST(_name)
#endif
#endif

#ifndef XQ_TEST_IN_TREE

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"

#define TEST_TIMEOUT_DEFAULT 30

/* In memory that the test's process shares with the one that reports. */
struct test_result {
	int failures;
	bool skipped;
	char reason[160];
};

struct __test_metadata {
	const char *name;
	void (*run)(struct __test_metadata *_metadata);
	int timeout;
	struct test_result *result;
	struct __test_metadata *next;
};

static struct __test_metadata *test_first;
static struct __test_metadata **test_last = &test_first;

static inline void test_register(struct __test_metadata *t)
{
	*test_last = t;
	test_last = &t->next;
}

#define TH_LOG(fmt, ...) \
	do { \
		(void)_metadata; \
		printf("# %s:%d:" fmt "\n", __FILE__, __LINE__, ##__VA_ARGS__); \
		fflush(stdout); \
	} while (0)

#define SKIP(statement, fmt, ...) \
	do { \
		_metadata->result->skipped = true; \
		snprintf(_metadata->result->reason, sizeof(_metadata->result->reason), \
			 fmt, ##__VA_ARGS__); \
		statement; \
	} while (0)

#define TEST_ENTRY(_id, _label, _timeout) \
	static struct __test_metadata test_##_id = { \
		.name = _label, .run = run_##_id, .timeout = _timeout, \
	}; \
	static void __attribute__((constructor)) register_##_id(void) \
	{ \
		test_register(&test_##_id); \
	}

#define TEST(_name) TEST_TIMEOUT(_name, TEST_TIMEOUT_DEFAULT)
#define TEST_TIMEOUT(_name, _timeout) \
	static void run_##_name(struct __test_metadata *_metadata); \
	TEST_ENTRY(_name, #_name, _timeout) \
	static void run_##_name(struct __test_metadata *_metadata __attribute__((unused)))

#define FIXTURE_DATA(_fixture) struct fixture_##_fixture
#define FIXTURE(_fixture) \
	FIXTURE_DATA(_fixture); \
	static void setup_##_fixture(struct __test_metadata *, FIXTURE_DATA(_fixture) *); \
	static void teardown_##_fixture(struct __test_metadata *, FIXTURE_DATA(_fixture) *); \
	FIXTURE_DATA(_fixture)
#define FIXTURE_SETUP(_fixture) \
	static void setup_##_fixture( \
		struct __test_metadata *_metadata __attribute__((unused)), \
		FIXTURE_DATA(_fixture) *self __attribute__((unused)))
#define FIXTURE_TEARDOWN(_fixture) \
	static void teardown_##_fixture( \
		struct __test_metadata *_metadata __attribute__((unused)), \
		FIXTURE_DATA(_fixture) *self __attribute__((unused)))

#define TEST_F(_fixture, _name) TEST_F_TIMEOUT(_fixture, _name, TEST_TIMEOUT_DEFAULT)
#define TEST_F_TIMEOUT(_fixture, _name, _timeout) \
	static void body_##_fixture##_##_name(struct __test_metadata *, FIXTURE_DATA(_fixture) *); \
	static void run_##_fixture##_##_name(struct __test_metadata *_metadata) \
	{ \
		static FIXTURE_DATA(_fixture) self; \
		setup_##_fixture(_metadata, &self); \
		if (_metadata->result->skipped) \
			return; \
		body_##_fixture##_##_name(_metadata, &self); \
		teardown_##_fixture(_metadata, &self); \
	} \
	TEST_ENTRY(_fixture##_##_name, #_fixture "." #_name, _timeout) \
	static void body_##_fixture##_##_name( \
		struct __test_metadata *_metadata __attribute__((unused)), \
		FIXTURE_DATA(_fixture) *self __attribute__((unused)))

#define TEST_COMPARE_TEXT(_expected, _seen, _text, _op, _fatal) \
	do { \
		__typeof__(_expected) exp_ = (_expected); \
		__typeof__(_seen) seen_ = (_seen); \
		if (!(exp_ _op seen_)) { \
			TH_LOG("Expected %s (%lld) %s %s (%lld)", #_expected, (long long)exp_, \
			       #_op, _text, (long long)seen_); \
			_metadata->result->failures++; \
			if (_fatal) \
				_exit(1); \
		} \
	} while (0)

#define TEST_COMPARE(_expected, _seen, _op, _fatal) \
	TEST_COMPARE_TEXT(_expected, _seen, #_seen, _op, _fatal)
/* Of a number: a pointer can't be multiplied. */
#define TEST_TRUTH(_seen, _op, _fatal) \
	TEST_COMPARE_TEXT(0, ((void)sizeof(1 * (_seen)), !!(_seen)), #_seen, _op, _fatal)

#define ASSERT_EQ(expected, seen) TEST_COMPARE(expected, seen, ==, true)
#define ASSERT_NE(expected, seen) TEST_COMPARE(expected, seen, !=, true)
#define ASSERT_LT(expected, seen) TEST_COMPARE(expected, seen, <, true)
#define ASSERT_LE(expected, seen) TEST_COMPARE(expected, seen, <=, true)
#define ASSERT_GT(expected, seen) TEST_COMPARE(expected, seen, >, true)
#define ASSERT_GE(expected, seen) TEST_COMPARE(expected, seen, >=, true)
#define ASSERT_TRUE(seen) TEST_TRUTH(seen, !=, true)
#define ASSERT_FALSE(seen) TEST_TRUTH(seen, ==, true)
#define EXPECT_EQ(expected, seen) TEST_COMPARE(expected, seen, ==, false)
#define EXPECT_NE(expected, seen) TEST_COMPARE(expected, seen, !=, false)
#define EXPECT_LT(expected, seen) TEST_COMPARE(expected, seen, <, false)
#define EXPECT_LE(expected, seen) TEST_COMPARE(expected, seen, <=, false)
#define EXPECT_GT(expected, seen) TEST_COMPARE(expected, seen, >, false)
#define EXPECT_GE(expected, seen) TEST_COMPARE(expected, seen, >=, false)
#define EXPECT_TRUE(seen) TEST_TRUTH(seen, !=, false)
#define EXPECT_FALSE(seen) TEST_TRUTH(seen, ==, false)

static inline void test_child(struct __test_metadata *t)
{
	setpgid(0, 0);
	t->run(t);
	fflush(stdout);
	_exit(0);
}

/* In seconds; what a test says is for the usual number of rounds, see test_rounds() of guest.h. */
static inline int test_limit(const struct __test_metadata *t)
{
	const char *rounds = getenv("XQ_TEST_ROUNDS");
	const int times = rounds ? (int)(strtol(rounds, NULL, 0) / 24) : 1;

	return t->timeout * (times > 1 ? times : 1);
}

/* Waits for the test's process, which SIGCHLD (blocked) tells of; whether it took too long. */
static inline bool test_wait(struct __test_metadata *t, pid_t pid, const sigset_t *chld,
			     int *status)
{
	const struct timespec second = { .tv_sec = 1 };
	const int64_t began = now_ns();
	pid_t ended;

	while (!(ended = waitpid(pid, status, WNOHANG)) || (ended < 0 && errno == EINTR)) {
		if (sigtimedwait(chld, NULL, &second) < 0 && errno == EAGAIN &&
		    over_limit(began, test_limit(t) * SECOND)) {
			kill(pid, SIGKILL);
			waitpid(pid, status, 0);
			return true;
		}
	}
	return false;
}

/* Runs one test and prints its line; whether it passed. */
static inline bool test_run(struct __test_metadata *t, int number)
{
	struct test_result *r = t->result;
	sigset_t chld, before;
	int status = 0;
	bool late;
	pid_t pid;

	memset(r, 0, sizeof(*r));
	fflush(stdout);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &before);
	pid = fork();
	if (pid < 0) {
		printf("not ok %d %s\n# fork: %s\n", number, t->name, strerror(errno));
		return false;
	}
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		test_child(t);
	}
	late = test_wait(t, pid, &chld, &status);
	sigprocmask(SIG_SETMASK, &before, NULL);
	/* Whatever it left behind. */
	kill(-pid, SIGKILL);
	if (late)
		printf("# %s: longer than %d s\n", t->name, test_limit(t));
	else if (WIFSIGNALED(status))
		printf("# %s: ended by signal %d\n", t->name, WTERMSIG(status));
	if (!WIFEXITED(status) || WEXITSTATUS(status) || r->failures) {
		printf("not ok %d %s\n", number, t->name);
		return false;
	}
	if (r->skipped)
		printf("ok %d %s # SKIP %s\n", number, t->name, r->reason);
	else
		printf("ok %d %s\n", number, t->name);
	return true;
}

/* Arguments name the tests to run; none means all. */
static inline bool test_wanted(const struct __test_metadata *t, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(t->name, argv[i]))
			return true;
	return argc < 2;
}

static inline int test_main(int argc, char **argv)
{
	struct test_result *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct __test_metadata *t;
	int count = 0, number = 0, failed = 0;

	if (result == MAP_FAILED)
		return 1;
	for (t = test_first; t; t = t->next)
		count += test_wanted(t, argc, argv);
	printf("TAP version 14\n1..%d\n", count);
	for (t = test_first; t; t = t->next) {
		if (!test_wanted(t, argc, argv))
			continue;
		t->result = result;
		failed += !test_run(t, ++number);
		fflush(stdout);
	}
	return failed ? 1 : 0;
}

#define TEST_HARNESS_MAIN \
	int main(int argc, char **argv) \
	{ \
		return test_main(argc, argv); \
	}

#endif
#endif
