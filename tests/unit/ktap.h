/* SPDX-License-Identifier: MIT */
/*
 * A test program: a table of cases, printed as KTAP, and a random generator that gives the
 * same numbers everywhere.
 *
 *	static void adds(void)
 *	{
 *		EXPECT(1 + 1 == 2, "got %d", 1 + 1);
 *	}
 *	KTAP_MAIN({ "adds", adds })
 *
 * A case fails if an EXPECT in it does; it runs on, so that one run shows more than one
 * difference (only the first few are printed). ktap_skip() marks it as skipped.
 */
#ifndef XQ_TESTS_KTAP_H
#define XQ_TESTS_KTAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct ktap_case {
	const char *name;
	void (*run)(void);
};

static struct {
	unsigned int failures;	/* of the running case */
	const char *skip;
	uint64_t random;
} ktap;

#define KTAP_SHOWN 5

__attribute__((format(printf, 3, 4)))
static inline bool ktap_expect(bool ok, const char *where, const char *format, ...)
{
	va_list args;

	if (ok)
		return true;
	if (ktap.failures++ < KTAP_SHOWN) {
		printf("# %s: ", where);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		printf("\n");
	}
	return false;
}

#define KTAP_STRING2(x) #x
#define KTAP_STRING(x) KTAP_STRING2(x)
#define EXPECT(condition, ...) \
	ktap_expect((condition), __FILE__ ":" KTAP_STRING(__LINE__) ": " #condition, __VA_ARGS__)

/* The reason is kept as a pointer. */
static inline void ktap_skip(const char *reason)
{
	ktap.skip = reason;
}

static inline uint64_t ktap_random(void)
{
	uint64_t z = ktap.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* low to high, both included. */
static inline int64_t ktap_range(int64_t low, int64_t high)
{
	return low + (int64_t)(ktap_random() % (uint64_t)(high - low + 1));
}

/* [0, 1) */
static inline double ktap_unit(void)
{
	return (double)(ktap_random() >> 11) * 0x1p-53;
}

/* About normal: the sum of twelve. */
static inline double ktap_normal(void)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += ktap_unit();
	return sum;
}

static inline int ktap_run(const struct ktap_case *cases, size_t n)
{
	unsigned int failed = 0;

	printf("KTAP version 1\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		ktap.failures = 0;
		ktap.skip = NULL;
		ktap.random = 1;
		cases[i].run();
		if (ktap.failures > KTAP_SHOWN)
			printf("# %u differences in all\n", ktap.failures);
		printf("%sok %zu %s%s%s\n", ktap.failures ? "not " : "", i + 1, cases[i].name,
		       ktap.skip ? " # SKIP " : "", ktap.skip ? ktap.skip : "");
		fflush(stdout);
		failed += ktap.failures != 0;
	}
	return failed != 0;
}

#define KTAP_MAIN(...)								\
	int main(void)								\
	{									\
		static const struct ktap_case cases[] = { __VA_ARGS__ };	\
										\
		return ktap_run(cases, sizeof(cases) / sizeof(cases[0]));	\
	}

#endif
