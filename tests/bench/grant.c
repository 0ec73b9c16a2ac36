/* SPDX-License-Identifier: MIT */
/*
 * What it costs to choose a gameserver and to take a seat there, in one thread
 * and without HTTP: one line of JSON per fleet size and kind, in ns, the median
 * of ROUNDS.
 *
 *	grant DIRECTORY		a ledger is made there (best on tmpfs)
 */
#define _GNU_SOURCE /* CLOCK_MONOTONIC_RAW */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fcgi-api/choose.h"
#include "fcgi-api/ledger_map.h"

enum { ROUNDS = 9, GRANTS = 200000, EPOCH = 1, SEED = 42 };

static struct seats seats;
static struct ledger_map map;

static int64_t
now_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* So many gameservers with `limit` seats each. */
static void
fill(uint32_t servers, int64_t limit, bool pack)
{
	struct ledger *ledger = ledger_map_current(&map);
	for (uint32_t slot = 0; slot < servers; slot++) {
		struct seat_row row = {.slot = slot,
				       .generation = 1,
				       .grade = GRADE_GOOD,
				       .limit = limit};
		(void)snprintf(row.address, sizeof(row.address),
			       "10.%u.%u.%u:49153", slot >> 16 & 255,
			       slot >> 8 & 255, slot & 255);
		ledger_assign(ledger, slot, 1);
		(void)ledger_set_closed(ledger, slot, false);
		seats_write(&seats, &row);
	}
	seats_sort(&seats, ledger, pack);
	seats_announce(&seats);
}

static int
by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;
	return (x > y) - (x < y);
}

enum kind { SPREAD, PACK, REFUSAL, KINDS };
static const char *const kind_names[KINDS] = {"spread", "pack", "refusal"};

/* One choice as a request makes it, with the mapping taken and let go. */
static bool
choose(struct random_stream *random, bool pack)
{
	struct choice choice; /* its row is filled in */
	choice.seats = &seats;
	choice.random = random;
	choice.ledger = ledger_map_take(&map, 0);
	choice.pack = pack;
	choice.grant = true;
	bool taken = choice.ledger != NULL && choose_by_credit(&choice);
	ledger_map_release(&map, 0);
	return taken;
}

static double
measure(uint32_t servers, enum kind kind)
{
	struct random_stream random = {SEED};
	bool pack = kind == PACK;
	fill(servers, kind == REFUSAL ? 0 : GRANTS / servers * 2 + 1, pack);
	/* The first refusal looks at every slot. */
	int taken = kind == REFUSAL ? choose(&random, pack) : 0;
	int64_t began = now_ns();
	for (int i = 0; i < GRANTS; i++)
		taken += choose(&random, pack);
	int64_t spent = now_ns() - began;
	if (taken != (kind == REFUSAL ? 0 : GRANTS)) {
		fprintf(stderr, "grant: %d of %d\n", taken, GRANTS);
		exit(EXIT_FAILURE);
	}
	return (double)spent / GRANTS;
}

static void
run(void)
{
	static const uint32_t sizes[] = {10, 1000, 10000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int kind = 0; kind < KINDS; kind++) {
			double ns[ROUNDS];
			for (int n = 0; n < ROUNDS; n++)
				ns[n] = measure(sizes[i], (enum kind)kind);
			qsort(ns, ROUNDS, sizeof(ns[0]), by_size);
			printf("{\"name\": \"grant\", \"kind\": \"%s\", "
			       "\"gameservers\": %" PRIu32 ", "
			       "\"rounds\": %d, \"ns\": %.1f, "
			       "\"ns_least\": %.1f, \"ns_most\": %.1f}\n",
			       kind_names[kind], sizes[i], ROUNDS,
			       ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
		}
	}
}

int
main(int argc, char **argv)
{
	struct err err;
	char path[512];
	if (argc != 2) {
		fputs("usage: grant DIRECTORY\n", stderr);
		return 64;
	}
	(void)snprintf(path, sizeof(path), "%s/grant.ledger", argv[1]);
	if (!ledger_guard(&err) || !ledger_create(path, EPOCH, &err)) {
		fprintf(stderr, "grant: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	ledger_map_init(&map, path);
	ledger_map_follow(&map, EPOCH);
	run();
	(void)unlink(path);
	return EXIT_SUCCESS;
}
