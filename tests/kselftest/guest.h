/* SPDX-License-Identifier: GPL-2.0 */
/* What tests do to the machine around the device: fault injection, counters, sysfs, modules. */
#ifndef XQ_TEST_GUEST_H
#define XQ_TEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Asks the VM's host for something, see tests/vm/guest_requests.py. 0, -ENODEV outside such
 * a VM, -EIO if the host refused; the answer goes to reply if that is not NULL.
 */
int host_request(char *reply, unsigned int size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool host_present(void);

/*
 * Whether something that began then takes longer than its limit, which is meant for a machine
 * that has nothing else to do: the host tells how much of the time it was busy.
 */
bool over_limit(int64_t began_ns, int64_t limit_ns);

/* Sets a property of the emulated device, such as "hang-jobs". */
int inject(const char *property, uint64_t value);
int inject_nothing(void);

/* A counter of debugfs, or -errno. */
int64_t stat_of(const char *name);
/* Waits until a counter has a value; the last one seen. */
int64_t stat_settles(const char *name, int64_t value, unsigned int ms);

int file_write(const char *path, const char *text);
int file_read(const char *path, char *text, unsigned int size);

/* The device's address on the PCI bus, as "0000:01:00.0". */
int pci_address(char *text, unsigned int size);
int driver_unbind(const char *address);
int driver_bind(const char *address);
/* Has the kernel forget the function and find it again, with fresh resources. */
int pci_rescan(const char *address);

/* Waits until the device node is there, or is gone. */
bool node_appears(unsigned int ms);
bool node_goes(unsigned int ms);
/* As device_open(); a device that an earlier test had the driver lose is bound anew. */
int device_open_again(const char *address);

int module_unload(void);
int module_load(const char *parameters);

#endif
