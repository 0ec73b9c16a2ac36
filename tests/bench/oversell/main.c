/* SPDX-License-Identifier: MIT */
/*
 * oversell [--quick] [--json] [--seed N]
 *
 * How many clients are sent to a full gameserver, and how many are refused
 * while a seat is free, over a grid of poll intervals, arrivals and fleets.
 * The grid in Markdown, or a line of JSON for each run. Exit code 1: a bar is
 * broken.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/oversell/model.h"

#define OVERSOLD_MOST 0.1 /* % of the granted, everywhere */
#define FALSELY_MOST  1.0 /* % of the clients, where there is room */
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define ONE(policy)   (1u << (policy))
#define OTHERS        (ONE(POLICY_MOST_FREE) | ONE(POLICY_WEIGHTED))

enum {
	EPOCH = 1,
	CLIENTS = 60000,
	SMALL_FLEET = 10, /* below it more room is needed */
	EXIT_USAGE = 64,
	ROOM_PERCENT = 120, /* of arrivals x (poll interval + hold) */
	ROOM_SMALL_PERCENT = 150,
	QUICK_MOST = 125 * 1000, /* clients per 1000 polls of a gameserver */
	CROWDED_PART = 3,        /* of a fleet with room: one that has none */
};

/* One table: the same fleets for each poll interval and rate of arrivals. */
struct table {
	const char *title;
	int64_t capacity, hold_ms;
	unsigned policies; /* bits */
	int64_t burst;     /* into burst_servers; 0: churn */
	uint32_t burst_servers;
	int64_t question_ms;
	int walk_in_percent;
	bool crowded; /* a third of the gameservers that it takes */
	bool joined;
};

static const int64_t poll_ms[] = {250, 1000, 5000, 60000};
static const int64_t arrivals[] = {100, 500, 5000};

static const struct table tables[] = {
    {.title = "80 % load, room enough",
     .capacity = 100,
     .hold_ms = 1000,
     .walk_in_percent = 3,
     .policies = ONE(POLICY_SPREAD) | OTHERS},
    {.title = "80 % load, a third of that room",
     .capacity = 100,
     .hold_ms = 1000,
     .walk_in_percent = 3,
     .crowded = true,
     .policies = ONE(POLICY_SPREAD) | OTHERS},
    {.title = "80 % load, room enough, ALLOCATION=pack",
     .capacity = 100,
     .hold_ms = 2000,
     .walk_in_percent = 3,
     .policies = ONE(POLICY_PACK)},
    {.title = "80 % load, a third of that room, ALLOCATION=pack",
     .capacity = 100,
     .hold_ms = 2000,
     .walk_in_percent = 3,
     .crowded = true,
     .policies = ONE(POLICY_PACK)},
    {.title = "80 % load, room enough, 200 ms for the question, too",
     .capacity = 100,
     .hold_ms = 1000,
     .question_ms = 200,
     .walk_in_percent = 3,
     .policies = ONE(POLICY_SPREAD)},
    {.title = "80 % load, room enough, gameservers of 10 seats",
     .capacity = 10,
     .hold_ms = 2000,
     .walk_in_percent = 3,
     .policies = ONE(POLICY_SPREAD) | OTHERS},
    {.title = "80 % load, a third of the room, joined_total",
     .capacity = 100,
     .hold_ms = 1000,
     .walk_in_percent = 3,
     .crowded = true,
     .joined = true,
     .policies = ONE(POLICY_SPREAD)},
    {.title = "900 clients into 10 x 100 free seats, nobody walks in",
     .capacity = 100,
     .hold_ms = 1000,
     .burst = 900,
     .burst_servers = 10,
     .policies = ONE(POLICY_SPREAD) | OTHERS},
    {.title = "1100 clients into 10 x 100 free seats, nobody walks in",
     .capacity = 100,
     .hold_ms = 1000,
     .burst = 1100,
     .burst_servers = 10,
     .crowded = true,
     .policies = ONE(POLICY_SPREAD) | OTHERS},
    {.title = "1100 clients, the same, ALLOCATION=pack",
     .capacity = 100,
     .hold_ms = 2000,
     .burst = 1100,
     .burst_servers = 10,
     .crowded = true,
     .policies = ONE(POLICY_PACK)},
};

static struct {
	bool quick, json;
	uint64_t seed;
} options = {.seed = 1};

static double
percent(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* ---- the grid ---------------------------------------------------------- */

static int64_t
free_seats(const struct cell *cell)
{
	const int64_t seats = cell->capacity * cell->servers;

	return cell->burst > 0 ? seats
			       : seats - seats * MODEL_LOAD_PERCENT / 100;
}

/* Free seats in percent of arrivals x (poll interval + hold). */
static double
room(const struct cell *cell)
{
	const double needed = (double)cell->arrivals *
			      (double)(cell->poll_ms + cell->hold_ms) / 1000;

	return 100 * (double)free_seats(cell) / needed;
}

static bool
has_room(const struct cell *cell)
{
	return room(cell) >= (cell->servers < SMALL_FLEET ? ROOM_SMALL_PERCENT
							  : ROOM_PERCENT);
}

/* False: there are not so many slots, or it would take long. */
static bool
make_cell(const struct table *table, int64_t poll, int64_t rate,
	  struct cell *cell)
{
	*cell = (struct cell){.poll_ms = poll,
			      .arrivals = rate,
			      .capacity = table->capacity,
			      .servers = table->burst_servers,
			      .hold_ms = table->hold_ms,
			      .burst = table->burst,
			      .joined = table->joined,
			      .question_ms = table->question_ms,
			      .walk_in_percent = table->walk_in_percent,
			      .clients = CLIENTS};
	if (table->burst > 0)
		return !options.quick || rate * poll <= QUICK_MOST;
	cell->servers = 1;
	while (cell->servers < LEDGER_SLOTS && !has_room(cell))
		cell->servers++;
	if (table->crowded)
		cell->servers =
		    (cell->servers + CROWDED_PART - 1) / CROWDED_PART;
	return cell->servers < LEDGER_SLOTS &&
	       (!options.quick || rate * poll <= QUICK_MOST);
}

/* ---- one run ----------------------------------------------------------- */

/* A gameserver is asked again when it has answered: there can't be polls more
 * often than that, and room for such is not enough. SLEEP_TIME can't be so
 * short. */
static bool
must_not_refuse(const struct table *table, const struct cell *cell)
{
	return !table->crowded &&
	       (table->question_ms == 0 ||
		cell->poll_ms >= table->question_ms + MODEL_ANSWER_MS);
}

static bool
keeps_bars(const struct table *table, const struct cell *cell,
	   const struct outcome *o)
{
	return percent(o->oversold, o->granted) <= OVERSOLD_MOST &&
	       (!must_not_refuse(table, cell) ||
		percent(o->falsely, o->clients) <= FALSELY_MOST);
}

static void
print_json(const struct table *table, const struct cell *cell,
	   enum policy policy, const struct outcome *o)
{
	printf("{\"table\": \"%s\", \"policy\": \"%s\", "
	       "\"poll_ms\": %" PRId64 ", \"arrivals\": %" PRId64
	       ", \"gameservers\": %" PRIu32 ", \"capacity\": %" PRId64
	       ", \"hold_ms\": %" PRId64 ", \"room_percent\": %.0f, "
	       "\"clients\": %" PRId64 ", \"granted\": %" PRId64
	       ", \"oversold\": %" PRId64 ", \"refused\": %" PRId64
	       ", \"falsely_refused\": %" PRId64
	       ", \"load\": %.3f, \"kept\": %s}\n",
	       table->title, policy_name(policy), cell->poll_ms, cell->arrivals,
	       cell->servers, cell->capacity, cell->hold_ms, room(cell),
	       o->clients, o->granted, o->oversold, o->refused, o->falsely,
	       o->load, keeps_bars(table, cell, o) ? "true" : "false");
}

static bool
run(const struct table *table, const struct cell *cell, enum policy policy,
    struct ledger *ledger)
{
	const struct outcome o = model_run(cell, policy, ledger, options.seed);
	const bool kept =
	    !policy_has_credit(policy) || keeps_bars(table, cell, &o);

	if (options.json)
		print_json(table, cell, policy, &o);
	else
		printf(" %.2f / %.1f%s |", percent(o.oversold, o.granted),
		       percent(o.falsely, o.clients), kept ? "" : " **!**");
	fflush(stdout);
	return kept;
}

/* ---- tables ------------------------------------------------------------ */

static void
print_head(const struct table *table)
{
	if (options.json)
		return;
	printf("\n### %s\n\n| poll, s | arrivals/s | gameservers |",
	       table->title);
	for (int policy = 0; policy < POLICY_COUNT; policy++)
		if (table->policies & ONE(policy))
			printf(" %s |", policy_name((enum policy)policy));
	printf("\n|--:|--:|--:|");
	for (int policy = 0; policy < POLICY_COUNT; policy++)
		if (table->policies & ONE(policy))
			printf("--:|");
	printf("\n");
}

static bool
run_row(const struct table *table, const struct cell *cell,
	struct ledger *ledger)
{
	bool kept = true;

	if (!options.json)
		printf("| %g | %" PRId64 " | %" PRIu32 " x %" PRId64 " |",
		       (double)cell->poll_ms / 1000, cell->arrivals,
		       cell->servers, cell->capacity);
	for (int policy = 0; policy < POLICY_COUNT; policy++)
		if (table->policies & ONE(policy))
			kept = run(table, cell, (enum policy)policy, ledger) &&
			       kept;
	if (!options.json)
		printf("\n");
	return kept;
}

static bool
run_table(const struct table *table, struct ledger *ledger)
{
	struct cell cell;
	bool kept = true;

	print_head(table);
	for (size_t i = 0; i < COUNT(poll_ms); i++)
		for (size_t j = 0; j < COUNT(arrivals); j++)
			if (make_cell(table, poll_ms[i], arrivals[j], &cell))
				kept = run_row(table, &cell, ledger) && kept;
	return kept;
}

static bool
run_tables(struct ledger *ledger)
{
	bool kept = true;

	if (!options.json)
		printf("%% of the granted that found their gameserver full / "
		       "%% of the clients refused while a seat was free\n");
	for (size_t i = 0; i < COUNT(tables); i++)
		kept = run_table(&tables[i], ledger) && kept;
	return kept;
}

/* ---- the command line -------------------------------------------------- */

static bool
take_seed(const char *text)
{
	char *end;

	options.seed = strtoull(text, &end, 10);
	return *text != '\0' && *end == '\0';
}

static bool
take_options(int argc, char **argv)
{
	bool right = true;

	for (int i = 1; i < argc && right; i++) {
		if (strcmp(argv[i], "--quick") == 0)
			options.quick = true;
		else if (strcmp(argv[i], "--json") == 0)
			options.json = true;
		else
			right = strcmp(argv[i], "--seed") == 0 && ++i < argc &&
				take_seed(argv[i]);
	}
	return right;
}

static struct ledger *
make_ledger(void)
{
	char directory[] = "/tmp/oversell.XXXXXX";
	char path[sizeof(directory) + sizeof("/ledger")];
	struct ledger *ledger = NULL;
	struct err err;

	if (mkdtemp(directory) == NULL) {
		perror(directory);
		return NULL;
	}
	(void)snprintf(path, sizeof(path), "%s/ledger", directory);
	if (!ledger_guard(&err) || !ledger_create(path, EPOCH, &err) ||
	    !ledger_open(&ledger, path, &err))
		fprintf(stderr, "oversell: %s\n", err.msg);
	(void)unlink(path);
	(void)rmdir(directory);
	return ledger;
}

int
main(int argc, char **argv)
{
	if (!take_options(argc, argv)) {
		fputs("usage: oversell [--quick] [--json] [--seed N]\n",
		      stderr);
		return EXIT_USAGE;
	}
	struct ledger *ledger = make_ledger();

	if (ledger == NULL)
		return EXIT_FAILURE;
	const bool kept = run_tables(ledger);

	ledger_close(ledger);
	return kept ? EXIT_SUCCESS : EXIT_FAILURE;
}
