// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "emulator/kernels/xq_kernels.h"

/* What a file that can't be opened lacks. */
static const char *reason(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENXIO:
		return "there is no such device; is the xqaccel module loaded (modprobe xqaccel)?";
	case -EACCES:
	case -EPERM:
		return "no permission; ask for access to the device file, or run as root";
	case -ENODEV:
		return "it is not an xqaccel device, or the device is gone";
	case -EBUSY:
		return "all contexts of the device are in use by other programs";
	case -ENOMEM:
		return "not enough memory";
	default:
		return strerror(-error);
	}
}

void xq_abi_error(const char *name, const struct xqaccel_info *info, char *text, size_t size)
{
	snprintf(text, size, "cannot open %s: its driver lacks parts of the interface that this "
		 "library needs (it has %#llx, wanted is %#llx); install a newer xqaccel driver",
		 name, (unsigned long long)info->abi, (unsigned long long)XQACCEL_ABI_BASE);
}

/* A driver of another ABI says so itself: ask it again what it has. */
static void abi_error(const char *name, char *text, size_t size)
{
	struct xqaccel_info info = { 0 };
	struct xq_backend *backend;

	if (xq_ioctl_open(name, NULL, &backend, &info) == -EPROTO)
		xq_abi_error(name, &info, text, size);
	else
		snprintf(text, size, "cannot open %s: its driver has another ABI than this library", name);
}

/* The device model depends on two variables; the one that is wrong, and what it may be. */
static void soft_error(int error, char *text, size_t size)
{
	size_t at;
	unsigned int threads, i;

	if (error != -EINVAL) {
		snprintf(text, size, "cannot open soft: %s", strerror(-error));
		return;
	}
	if (xq_soft_threads(&threads)) {
		snprintf(text, size, "cannot open soft: XQ_THREADS must be 1 to %d (%s)", XQ_SOFT_THREADS,
			 getenv("XQ_THREADS"));
		return;
	}
	at = (size_t)snprintf(text, size, "cannot open soft: XQ_ISA must be an instruction set of this processor:");
	for (i = 0; xqk_isa_list(i) && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s %s", !i ? "" : xqk_isa_list(i + 1) ? "," : " or",
				       xqk_isa_list(i));
	if (at < size)
		snprintf(text + at, size - at, " (%s)", getenv("XQ_ISA"));
}

void xq_device_error(const char *name, int error, char *text, size_t size)
{
	const bool chosen = name;

	if (!name)
		name = getenv("XQACCEL_DEVICE");
	if (!name || !*name)
		name = "soft";
	if (error == -EPROTO)
		abi_error(name, text, size);
	else if (strcmp(name, "soft"))
		snprintf(text, size, "cannot open %s%s: %s", name, chosen ? "" : " (XQACCEL_DEVICE)", reason(error));
	else
		soft_error(error, text, size);
}
