/* SPDX-License-Identifier: GPL-2.0 */
/* The faults of the emulated device, in turn, each counted when it has happened. */
#ifndef XQ_TEST_DEVICE_FAULTS_H
#define XQ_TEST_DEVICE_FAULTS_H

#include <stdint.h>

enum faults {
	FAULTS_NONE,
	FAULTS_IT_RECOVERS_FROM,
	/*
	 * Those, and ones after which the device is lost until the driver is bound again. They
	 * change the machine's memory map, for which the machine needs one processor.
	 */
	FAULTS_THAT_LOSE_IT,
};

/* A job that is slowed down takes slow_ns. -ENODEV: not the VM's runner, or no device. */
int device_faults_begin(enum faults which, uint64_t slow_ns);
/* Injects the next while others use the device; takes some milliseconds, or until it is back. */
void device_faults_next(void);
/* How many times that kind has happened that happened least. */
unsigned int device_faults_fewest(void);
void device_faults_report(void);

#endif
