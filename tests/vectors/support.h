/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests on other projects' data share: results as KTAP, where the data is, the device.
 */
#ifndef XQ_TESTS_VECTORS_SUPPORT_H
#define XQ_TESTS_VECTORS_SUPPORT_H

#include <xqaccel/conv.h>

#include "libxqaccel/tools/tensor.h"

/* XQ_VECTORS, or the folder beside the checkout. */
const char *data_folder(void);

/* folder/a/b, in a static buffer that the next but three call overwrites */
const char *data_path(const char *a, const char *b);

/* A tensor of a .npy file; false after printing why not. */
bool data_read(const char *path, struct tensor *t);

/* ---- results ------------------------------------------------------------------------------------- */

void result_plan(unsigned int count);

/* Notes why the running case fails; the first few are printed. */
__attribute__((format(printf, 1, 2))) void result_differs(const char *format, ...);

/* Notes why the running case can't be run. The text is kept as a pointer. */
void result_skip(const char *reason);

/* Prints the case's line. Returns 'p', 'f' or 's'. */
char result_end(const char *name);

/* Prints nothing but a skipped test, for a program without its data. */
void result_skip_all(const char *name, const char *reason);

/* ---- the device ------------------------------------------------------------------------------------ */

/*
 * The first device, and a test that it is the driver's if there is one. False after a failure.
 */
bool device_open(struct xq_device **dev, struct xq_workspace **workspace);
void device_close(struct xq_device *dev, struct xq_workspace *workspace);

#endif
