// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "device_faults.h"
#include "guest.h"

#define PAUSE_MS	5
#define SLOW_MS		20	/* how long jobs that start are slow */
/* One in so many faults loses the device, which takes many times as long as another. */
#define LOSS_EACH	8

enum kind {
	ONCE,		/* a count, which the device takes down when it happens */
	SLOW,		/* while it is set */
	STUCK_RESET,	/* no recovery, because the reset is not acknowledged */
	REMOVED,	/* the function answers no more */
	STUCK_MASTER,	/* the bus can't keep an unbound device from its memory; its reset can */
};

static struct fault {
	const char *name;
	enum kind kind;
	bool pending;
	unsigned int happened;
} all[] = {
	{ .name = "hang-jobs", .kind = ONCE },
	{ .name = "drop-interrupts", .kind = ONCE },
	{ .name = "duplicate-interrupts", .kind = ONCE },
	{ .name = "wrong-id", .kind = ONCE },
	{ .name = "wrong-phase", .kind = ONCE },
	{ .name = "dma-errors", .kind = ONCE },
	{ .name = "translation-faults", .kind = ONCE },
	{ .name = "refused-jobs", .kind = ONCE },
	{ .name = "slow-ns", .kind = SLOW },
	{ .name = "stuck-reset", .kind = STUCK_RESET },
	{ .name = "removed", .kind = REMOVED },
	{ .name = "stuck-master", .kind = STUCK_MASTER },
};

#define ALL	ARRAY_SIZE(all)

static unsigned int recoverable, turn;
static bool losses;
static uint64_t slow_ns;
static char address[32];

int device_faults_begin(enum faults which, uint64_t slow)
{
	unsigned int i;

	for (i = 0; i < ALL && all[i].kind < STUCK_RESET; i++)
		recoverable++;
	losses = which == FAULTS_THAT_LOSE_IT;
	slow_ns = slow;
	return host_present() && !bus_address(address, sizeof(address)) ? 0 : -ENODEV;
}

static bool took_place(const struct fault *f)
{
	char reply[64];

	return !host_request(reply, sizeof(reply), "qom-get %s", f->name) &&
	       !strtoull(reply + strlen("ok"), NULL, 10);
}

static void look_at(struct fault *f)
{
	if (f->pending && took_place(f)) {
		f->happened++;
		f->pending = false;
	}
}

static void next_once(struct fault *f)
{
	look_at(f);
	if (!f->pending)
		f->pending = !inject(f->name, 1);
	sleep_ms(PAUSE_MS);
}

static void next_slow(struct fault *f)
{
	f->happened += !inject(f->name, slow_ns);
	sleep_ms(SLOW_MS);
	inject(f->name, 0);
}

/* ---- the device is lost, and found again ------------------------------------------- */

static bool is_lost(void)
{
	const int64_t began = now_ns();
	char state[32] = "";

	while (file_read("/sys/class/xqaccel/xqaccel0/state", state, sizeof(state)) < 0 ||
	       strcmp(state, "lost\n")) {
		if (over_limit(began, 20 * SECOND))
			return false;
		sleep_ms(PAUSE_MS);
	}
	return true;
}

static bool bind_again(void)
{
	return !driver_bind(address) && node_appears(20000);
}

static bool lose_by_reset(void)
{
	const bool lost = !inject("stuck-reset", 1) && !inject("hang-jobs", 1) && is_lost();

	inject_nothing();
	return !driver_unbind(address) && bind_again() && lost;
}

static bool lose_by_removal(void)
{
	const bool lost = !host_request(NULL, 0, "qom-set removed true") && is_lost();

	host_request(NULL, 0, "qom-set removed false");
	inject_nothing();
	return !bus_rescan(address) && node_appears(20000) && lost;
}

static bool unbind_a_stuck_master(void)
{
	const bool stuck = !host_request(NULL, 0, "qom-set stuck-master true");
	const bool unbound = !driver_unbind(address);

	host_request(NULL, 0, "qom-set stuck-master false");
	return unbound && bind_again() && stuck;
}

/* Faults that were to come are forgotten: the device begins anew. */
static void next_loss(struct fault *f)
{
	unsigned int i;
	bool ok;

	for (i = 0; i < recoverable; i++)
		look_at(&all[i]);
	switch (f->kind) {
	case STUCK_RESET:
		ok = lose_by_reset();
		break;
	case REMOVED:
		ok = lose_by_removal();
		break;
	default:
		ok = unbind_a_stuck_master();
	}
	if (!ok)
		printf("# %s: did not come to its end\n", f->name);
	f->happened += ok;
	inject_nothing();
	for (i = 0; i < recoverable; i++)
		all[i].pending = false;
}

void device_faults_next(void)
{
	struct fault *f = &all[turn % recoverable];

	turn++;
	if (losses && turn % LOSS_EACH == 0)
		next_loss(&all[recoverable + turn / LOSS_EACH % (ALL - recoverable)]);
	else if (f->kind == SLOW)
		next_slow(f);
	else
		next_once(f);
}

static unsigned int used(void)
{
	return losses ? ALL : recoverable;
}

unsigned int device_faults_fewest(void)
{
	unsigned int i, fewest = all[0].happened;

	for (i = 1; i < used(); i++)
		if (all[i].happened < fewest)
			fewest = all[i].happened;
	return fewest;
}

void device_faults_report(void)
{
	unsigned int i;

	for (i = 0; i < used(); i++)
		printf("# %s: %u times\n", all[i].name, all[i].happened);
}
