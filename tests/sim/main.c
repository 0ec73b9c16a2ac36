/* SPDX-License-Identifier: MIT */
/*
 * sim --seed N [--verbose]   lives the history of one seed, prints its events
 * sim --seeds A..B           lives many; ends at the first that goes wrong
 *
 * Exit code: 0 all held, 1 something happened that must never happen, 64 usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum { EXIT_USAGE = 64 };

static void
add_figures(struct world_figures *sum, const struct world_figures *one)
{
	sum->launches += one->launches;
	sum->stops += one->stops;
	sum->kills += one->kills;
	sum->players += one->players;
	sum->refused += one->refused;
	sum->turns += one->turns;
	sum->standbys += one->standbys;
	sum->backs += one->backs;
	sum->kept += one->kept;
	sum->turned_away += one->turned_away;
	sum->renewals += one->renewals;
}

/* False: it went wrong, or there is no memory. */
static bool
live(uint64_t seed, bool verbose, struct world_figures *sum)
{
	struct world *world = calloc(1, sizeof(*world));
	bool fine;

	if (world == NULL) {
		puts("out of memory");
		return false;
	}
	world_run(world, seed, verbose);
	fine = !world->violated;
	add_figures(sum, &world->figures);
	if (!fine) {
		if (!verbose)
			trace_print(world);
		printf("FAILED seed=%" PRIu64 " %s\n", seed, world->violation);
	}
	world_free(world);
	free(world);
	return fine;
}

static int
live_all(uint64_t first, uint64_t last, bool verbose)
{
	struct world_figures sum = {0};

	for (uint64_t seed = first; seed <= last; seed++)
		if (!live(seed, verbose, &sum))
			return 1;
	printf("ok seeds=%" PRIu64 "..%" PRIu64 " launches=%" PRId64
	       " stops=%" PRId64 " standbys=%" PRId64 " backs=%" PRId64
	       " kills=%" PRId64 " players=%" PRId64 " kept=%" PRId64
	       " turned_away=%" PRId64 " refused=%" PRId64 " renewals=%" PRId64
	       " turns=%" PRId64 "\n",
	       first, last, sum.launches, sum.stops, sum.standbys, sum.backs,
	       sum.kills, sum.players, sum.kept, sum.turned_away, sum.refused,
	       sum.renewals, sum.turns);
	return 0;
}

static bool
parse(const char **text, uint64_t *value)
{
	char *end;

	*value = strtoull(*text, &end, 10);
	if (end == *text)
		return false;
	*text = end;
	return true;
}

int
main(int argc, char **argv)
{
	const bool verbose = argc == 4 && strcmp(argv[3], "--verbose") == 0;
	const char *text = argc >= 3 ? argv[2] : "";
	uint64_t first, last;

	if (argc >= 3 && strcmp(argv[1], "--seed") == 0 &&
	    (argc == 3 || verbose) && parse(&text, &first) && *text == '\0')
		return live_all(first, first, verbose);
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0 &&
	    parse(&text, &first) && strncmp(text, "..", 2) == 0 &&
	    (text += 2, parse(&text, &last)) && *text == '\0')
		return live_all(first, last, false);
	fputs("usage: sim --seed N [--verbose] | --seeds A..B\n", stderr);
	return EXIT_USAGE;
}
