/* SPDX-License-Identifier: GPL-2.0 */
/* A network that is made and refused, call by call. */
#ifndef XQ_TESTS_NETWORK_CALLS_H
#define XQ_TESTS_NETWORK_CALLS_H

#include <string.h>

#include <xqaccel/run.h>

#include "ktap.h"

static struct xq_network *net;

static inline int tensor(enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c, size_t d)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){ .type = type, .dims = dims, .dim = { a, b, c, d } });
}

static inline int input(enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c, size_t d)
{
	const int t = tensor(type, dims, a, b, c, d);

	EXPECT(!xq_network_input(net, t), "%s", xq_network_error(net));
	return t;
}

static inline int unknown(enum xq_type type)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){ .type = type });
}

static const int32_t zeros[256];

static inline int constant(enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c, size_t d)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){ .type = type, .dims = dims, .dim = { a, b, c, d },
								   .data = zeros });
}

static inline void ends(int got, int error, const char *words, int line)
{
	ktap_expect(got == error && strstr(xq_network_error(net), words), __FILE__, "line %d: %d (%s), not %d (%s)", line, got,
		    xq_network_error(net), error, words);
}

/* A call, or the check of what it has made, fails like this. */
#define REFUSED(call, error, words)	ends(call, error, words, __LINE__)
#define CHECK(call, error, words)						\
	do {									\
		EXPECT((call) >= 0, "%s", xq_network_error(net));		\
		EXPECT(!xq_network_output(net, y), "%s", xq_network_error(net));\
		ends(xq_network_check(net), error, words, __LINE__);		\
		xq_network_destroy(net);					\
		EXPECT(!xq_network_create(&net), "create");			\
	} while (0)

#endif
