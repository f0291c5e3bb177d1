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

/* Interrupts of all vectors of the devices so far. */
unsigned long interrupts_seen(void);

int file_write(const char *path, const char *text);
int file_read(const char *path, char *text, unsigned int size);

/* What a line of /proc/meminfo says, "MemFree:" say, or -1. */
long meminfo_kib(const char *line);
/* Free memory, with what processors keep for themselves and no caches of files; or -1. */
long free_kib(void);
/* What a kernel with KASAN keeps of freed memory to see who still uses it; 0 for others. */
long quarantine_kib(void);

/* Its address on its bus: "0000:01:00.0" on PCI, "c000000.accelerator" on a board's own. */
int bus_address(char *text, unsigned int size);
bool on_pci(const char *address);
/* The path of one of the device's files in sysfs, which are there without a driver, too. */
void bus_path(char *path, unsigned int size, const char *address, const char *file);
int bus_file_write(const char *address, const char *file, const char *text);
/* Whether the node of a device that a device tree describes has this property; false on PCI. */
bool node_has(const char *address, const char *property);
/*
 * Whether caches do not see the device's DMA: the next node upward says it that says anything, and
 * else the architecture.
 */
bool dma_noncoherent(const char *address);
int driver_unbind(const char *address);
int driver_bind(const char *address);
/* Has the kernel forget the device and find it again, on PCI with fresh resources. */
int bus_rescan(const char *address);

/* Waits until the device node is there, or is gone. */
bool node_appears(unsigned int ms);
bool node_goes(unsigned int ms);
/* Binds the driver and waits for the node: 0, -errno, or -ETIME. */
int driver_bind_again(const char *address);
/* As device_open(); a device that an earlier test had the driver lose is bound anew. */
int device_open_again(const char *address);

/* Whether the module's file is there, which the guest has and a board may not have. */
bool module_present(void);
int module_unload(void);
int module_load(const char *parameters);

/*
 * Has suspend() go down to the devices' power states and come back at once; -EOPNOTSUPP: a kernel
 * that can't.
 */
int suspend_begin(void);
/* What it stays there for, after suspend_begin(). */
int suspend_lasts(const char *seconds);
/* Returns when the machine is awake again, from "freeze" or "mem". */
int suspend(const char *state);
int suspend_end(void);

/* How often a test does what it does: XQ_TEST_ROUNDS says it, else the usual number. */
unsigned int test_rounds(unsigned int usual);

#endif
