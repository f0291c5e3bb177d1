// SPDX-License-Identifier: GPL-2.0
/* The suites as a program: KTAP with one level of subtests, as the kernel prints it. */
#include <setjmp.h>

#include "host.h"

extern struct kunit_suite *const geometry_suite_entry, *const job_check_suite_entry,
	*const queue_suite_entry, *const fair_suite_entry, *const scheduler_suite_entry,
	*const shares_suite_entry;

unsigned long jiffies = 1000;

static jmp_buf aborted;

void kunit_abort(struct kunit *test)
{
	(void)test;
	longjmp(aborted, 1);
}

void *kunit_kzalloc(struct kunit *test, size_t bytes, gfp_t gfp)
{
	(void)gfp;
	assert(test->memories < ARRAY_SIZE(test->memory));
	return test->memory[test->memories++] = calloc(1, bytes);
}

static bool run_case(struct kunit_suite *suite, struct kunit_case *c)
{
	struct kunit test = { .name = c->name };

	if (!setjmp(aborted)) {
		if (suite->init && suite->init(&test))
			test.failed = true;
		else
			c->run_case(&test);
	}
	if (suite->exit)
		suite->exit(&test);
	while (test.memories)
		free(test.memory[--test.memories]);
	return !test.failed;
}

static bool run_suite(struct kunit_suite *suite)
{
	unsigned int count = 0, i;
	bool passed = true;

	while (suite->test_cases[count].run_case)
		count++;
	printf("  1..%u\n", count);
	for (i = 0; i < count; i++) {
		const bool ok = run_case(suite, &suite->test_cases[i]);

		printf("  %sok %u %s\n", ok ? "" : "not ", i + 1, suite->test_cases[i].name);
		passed &= ok;
	}
	return passed;
}

int main(void)
{
	struct kunit_suite *const suites[] = {
		geometry_suite_entry, job_check_suite_entry, queue_suite_entry,
		fair_suite_entry, scheduler_suite_entry, shares_suite_entry,
	};
	unsigned int i, failed = 0;

	printf("TAP version 14\n1..%zu\n", ARRAY_SIZE(suites));
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		const bool ok = run_suite(suites[i]);

		printf("%sok %u %s\n", ok ? "" : "not ", i + 1, suites[i]->name);
		failed += !ok;
	}
	return failed ? 1 : 0;
}
