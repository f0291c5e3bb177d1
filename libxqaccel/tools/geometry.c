// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "command.h"
#include "geometry.h"
#include "options.h"

int geometry_list(const char *option, const char *text, int64_t least, int count, size_t *const to[])
{
	int64_t values[4];

	if (!text)
		return 0;
	if (option_list(option, text, values, count))
		return EXIT_ERROR;
	for (int i = 0; i < count; i++) {
		if (values[i] < least)
			return fail("--%s must be at least %" PRId64 " (%s)", option, least, text);
		*to[i] = (size_t)values[i];
	}
	return 0;
}
