// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver.h"

#define SECTOR	512
#define SPOILED	(~0ULL)

struct disk {
	int fd;
	uint64_t sectors;
	uint64_t random;
	uint8_t *memory;	/* DEPTH sectors */
	uint64_t number[DEPTH];	/* of the sector that is read to that place */
	struct io_uring ring;
};

struct disk *disk_open(const char *path)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	off_t bytes;

	must(disk ? 0 : -ENOMEM, "memory");
	disk->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	must(disk->fd < 0 ? -errno : 0, path);
	bytes = lseek(disk->fd, 0, SEEK_END);
	must_be(bytes >= DEPTH * SECTOR, "disk of some size");
	disk->sectors = (uint64_t)bytes / SECTOR;
	disk->random = 1;
	disk->memory = aligned_alloc(4096, DEPTH * SECTOR);
	must(disk->memory ? 0 : -ENOMEM, "memory");
	must(io_uring_queue_init(DEPTH, &disk->ring, 0), "io_uring");
	return disk;
}

void disk_close(struct disk *disk)
{
	io_uring_queue_exit(&disk->ring);
	close(disk->fd);
	free(disk->memory);
	free(disk);
}

/* Anywhere, so that reads are not joined. */
static uint64_t any_sector(struct disk *disk)
{
	disk->random = disk->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (disk->random >> 33) % disk->sectors;
}

static uint8_t *place_at(const struct disk *disk, unsigned int place)
{
	return disk->memory + (size_t)place * SECTOR;
}

static void spoil(struct disk *disk, unsigned int place)
{
	const uint64_t spoiled = SPOILED;

	memcpy(place_at(disk, place), &spoiled, sizeof(spoiled));
	disk->number[place] = any_sector(disk);
}

static void must_be_read(const struct disk *disk, unsigned int place, int result)
{
	uint64_t number;

	memcpy(&number, place_at(disk, place), sizeof(number));
	must_be(result == SECTOR && number == disk->number[place], "sector of the disk");
}

static double read_once_us(struct disk *disk)
{
	int64_t start;
	ssize_t got;
	double us;

	spoil(disk, 0);
	start = now_ns();
	got = pread(disk->fd, disk->memory, SECTOR, (off_t)(disk->number[0] * SECTOR));
	us = us_since(start);
	must_be_read(disk, 0, (int)got);
	return us;
}

double disk_round_trip_us(struct disk *disk, unsigned int reads)
{
	double *us = malloc(reads * sizeof(*us)), result;
	unsigned int i;

	must(us ? 0 : -ENOMEM, "memory");
	for (i = 0; i < reads; i++)
		us[i] = read_once_us(disk);
	result = median(us, reads);
	free(us);
	return result;
}

static void begin(struct disk *disk, unsigned int place)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&disk->ring);

	spoil(disk, place);
	must(sqe ? 0 : -ENOSPC, "entry of the ring");
	io_uring_prep_read(sqe, disk->fd, place_at(disk, place), SECTOR,
			   disk->number[place] * SECTOR);
	io_uring_sqe_set_data64(sqe, place);
}

/* Takes what has ended and begins as many again, if there are still some to begin. */
static unsigned int take(struct disk *disk, unsigned int to_begin)
{
	struct io_uring_cqe *cqe[DEPTH];
	const unsigned int n = io_uring_peek_batch_cqe(&disk->ring, cqe, DEPTH);
	unsigned int i;

	for (i = 0; i < n; i++) {
		const unsigned int place = (unsigned int)cqe[i]->user_data;

		must_be_read(disk, place, cqe[i]->res);
		if (i < to_begin)
			begin(disk, place);
	}
	io_uring_cq_advance(&disk->ring, n);
	return n;
}

struct rate disk_rate(struct disk *disk, unsigned int reads)
{
	unsigned int begun, ended = 0, calls = 0, i;
	const int64_t start = now_ns();

	for (i = 0; i < DEPTH; i++)
		begin(disk, i);
	for (begun = DEPTH; ended < reads; calls++) {
		const unsigned int left = begun - ended;
		const int ret = io_uring_submit_and_wait(&disk->ring, left < REAPED ? left : REAPED);
		unsigned int n;

		must(ret < 0 ? ret : 0, "io_uring_submit_and_wait");
		n = take(disk, reads - begun);
		begun += n < reads - begun ? n : reads - begun;
		ended += n;
	}
	return (struct rate){ reads / us_since(start) * 1e6, (double)calls / reads };
}
