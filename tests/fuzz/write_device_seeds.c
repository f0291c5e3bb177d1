// SPDX-License-Identifier: MIT
/* Writes the seeds of the device model's fuzzer into a folder, a file each. */
#include <stdio.h>

#include "device_guest.h"

static bool write_seed(const char *folder, unsigned int number, const struct device_seed *seed)
{
	char path[4096];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/%02u", folder, number);
	file = fopen(path, "wb");
	if (!file)
		return false;
	ok = fwrite(seed->operation, sizeof(seed->operation[0]), seed->count, file) == seed->count;
	return !fclose(file) && ok;
}

int main(int argc, char **argv)
{
	struct device_seed seed;
	unsigned int i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (i = 0; device_seed(i, &seed); i++) {
		if (!write_seed(argv[1], i, &seed)) {
			perror(argv[1]);
			return 1;
		}
	}
	return 0;
}
