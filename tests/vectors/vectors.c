// SPDX-License-Identifier: GPL-2.0
/* Every case of the vectors folder: a result for each, also for those that can't be run. */
#include <stdio.h>

#include "manifest.h"
#include "support.h"

static const struct {
	const char *folder;
	void (*run)(struct xq_workspace *ws, struct vector_case *c);
} sets[] = {
	{ "onnx-node", run_onnx },
	{ "cmsis-nn", run_tflite },
	{ "tflm-kernels", run_tflite },
	{ "dory-quantlab", run_dory },
};

#define SETS (sizeof(sets) / sizeof(sets[0]))

static unsigned int run_set(struct xq_workspace *ws, size_t set, struct manifest *m)
{
	unsigned int passed = 0, failed = 0, skipped = 0;
	char name[160];

	for (size_t i = 0; i < m->count; i++) {
		sets[set].run(ws, &m->cases[i]);
		snprintf(name, sizeof(name), "%s/%s", sets[set].folder, m->cases[i].name);
		switch (result_end(name)) {
		case 'p':
			passed++;
			break;
		case 'f':
			failed++;
			break;
		default:
			skipped++;
		}
	}
	printf("# %s: %u passed, %u failed, %u can't be run\n", sets[set].folder, passed, failed, skipped);
	return failed;
}

int main(void)
{
	struct manifest manifests[SETS];
	struct xq_workspace *ws;
	struct xq_device *dev;
	unsigned int count = 0, failed = 0;

	for (size_t i = 0; i < SETS; i++) {
		if (manifest_read(sets[i].folder, &manifests[i]))
			count += (unsigned int)manifests[i].count;
	}
	if (!count) {
		result_skip_all("vectors", "no vectors in XQ_VECTORS");
		return 0;
	}
	result_plan(count + 1);
	if (!device_open(&dev, &ws)) {
		device_close(dev, ws);
		return 1;
	}
	for (size_t i = 0; i < SETS; i++) {
		failed += run_set(ws, i, &manifests[i]);
		manifest_free(&manifests[i]);
	}
	device_close(dev, ws);
	return failed != 0;
}
