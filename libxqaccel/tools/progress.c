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
	uint64_t total;
	pthread_t thread;
	bool running, stop, shown;
	struct timespec start;
	pthread_mutex_t lock;		/* protects stop */
	pthread_cond_t wake;
} progress = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static void draw(const struct timespec *now)
{
	long seconds = (long)(now->tv_sec - progress.start.tv_sec);
	char bar[WIDTH + 1] = "";
	uint64_t done;
	int filled;

	progress.shown = true;
	if (!progress.done || !progress.total) {
		fprintf(stderr, "\r%s  %ld s ", progress.what, seconds);
		return;
	}
	done = __atomic_load_n(progress.done, __ATOMIC_RELAXED);
	filled = (int)((double)(done < progress.total ? done : progress.total) / (double)progress.total * WIDTH);
	for (int i = 0; i < WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	fprintf(stderr, "\r%s [%s] %3d %%  %ld s ", progress.what, bar, filled * 100 / WIDTH, seconds);
}

static void *watch(void *arg)
{
	long wait = FIRST_MS;
	struct timespec until;

	(void)arg;
	pthread_mutex_lock(&progress.lock);
	while (!progress.stop) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += (until.tv_nsec + wait * 1000000) / 1000000000;
		until.tv_nsec = (until.tv_nsec + wait * 1000000) % 1000000000;
		if (pthread_cond_timedwait(&progress.wake, &progress.lock, &until) == ETIMEDOUT && !progress.stop)
			draw(&until);
		wait = NEXT_MS;
	}
	pthread_mutex_unlock(&progress.lock);
	return NULL;
}

void progress_start(const char *what, const uint64_t *done, uint64_t total)
{
	if (progress.running || !isatty(STDERR_FILENO))
		return;
	progress.what = what;
	progress.done = done;
	progress.total = total;
	progress.stop = progress.shown = false;
	clock_gettime(CLOCK_REALTIME, &progress.start);
	progress.running = !pthread_create(&progress.thread, NULL, watch, NULL);
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
