// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define WIDTH	40
#define FIRST_MS	1000
#define NEXT_MS		200

static struct {
	const char *what;
	const uint64_t *done;
	const uint64_t *total;
	uint64_t own_total;
	pthread_t thread;
	bool running, stop, shown;
	struct timespec start;		/* of the first part; all zero before it */
	pthread_mutex_t lock;		/* protects stop */
	pthread_cond_t wake;
} progress = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static void draw(const struct timespec *now)
{
	long seconds = (long)(now->tv_sec - progress.start.tv_sec);
	char bar[WIDTH + 1] = "";
	uint64_t done, total = __atomic_load_n(progress.total, __ATOMIC_RELAXED);
	int filled;

	progress.shown = true;
	if (!progress.done || !total) {
		fprintf(stderr, "\r%s  %ld s ", progress.what, seconds);
		return;
	}
	done = __atomic_load_n(progress.done, __ATOMIC_RELAXED);
	filled = (int)((double)(done < total ? done : total) / (double)total * WIDTH);
	for (int i = 0; i < WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	fprintf(stderr, "\r%s [%s] %3d %%  %ld s ", progress.what, bar, filled * 100 / WIDTH, seconds);
}

/* Milliseconds until a bar is due: the first a second after the command began. */
static long due(void)
{
	struct timespec now;
	long since;

	clock_gettime(CLOCK_REALTIME, &now);
	since = (long)(now.tv_sec - progress.start.tv_sec) * 1000 + (now.tv_nsec - progress.start.tv_nsec) / 1000000;
	return since >= 0 && since < FIRST_MS ? FIRST_MS - since : NEXT_MS;
}

static void *watch(void *arg)
{
	struct timespec until;

	(void)arg;
	pthread_mutex_lock(&progress.lock);
	while (!progress.stop) {
		const long wait = due();

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += (until.tv_nsec + wait * 1000000) / 1000000000;
		until.tv_nsec = (until.tv_nsec + wait * 1000000) % 1000000000;
		if (pthread_cond_timedwait(&progress.wake, &progress.lock, &until) == ETIMEDOUT && !progress.stop)
			draw(&until);
	}
	pthread_mutex_unlock(&progress.lock);
	return NULL;
}

void progress_follow(const char *what, const uint64_t *done, const uint64_t *total)
{
	if (progress.running || !isatty(STDERR_FILENO))
		return;
	progress.what = what;
	progress.done = done;
	progress.total = total;
	progress.stop = progress.shown = false;
	if (!progress.start.tv_sec)
		clock_gettime(CLOCK_REALTIME, &progress.start);
	progress.running = !pthread_create(&progress.thread, NULL, watch, NULL);
}

void progress_start(const char *what, const uint64_t *done, uint64_t total)
{
	if (progress.running)
		return;
	progress.own_total = total;
	progress_follow(what, done, &progress.own_total);
}

void progress_stop(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.stop = true;
	pthread_cond_signal(&progress.wake);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	progress.running = false;
	if (progress.shown)
		fprintf(stderr, "\r\033[K");
}
