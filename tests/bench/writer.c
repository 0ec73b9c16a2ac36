/* SPDX-License-Identifier: MIT */
/*
 * writer --config FILE --gameservers N [--rate N] [--rows N]
 *
 * Stands in for scalerd as the writer of DATABASE and LEDGER, with a fleet of
 * N gameservers that serve, at a pace that no real fleet sets: --rate commits
 * a second (100) of --rows rows (100), each through scalerd's own store, with
 * new figures and new credit in every row, announced in the ledger. A fleet
 * smaller than --rows has rows written more than once in a commit.
 *
 * It says {"name": "ready"} once the fleet is in the database, and then obeys
 * the lines of its standard input: "busy" begins writing at that pace, "idle"
 * ends it and reports what was written. While idle it commits a heartbeat a
 * second, as scalerd does. Ends when its input ends.
 */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/config.h"
#include "common/ledger.h"
#include "common/log.h"
#include "scalerd/core/health.h"
#include "scalerd/edge/store.h"

enum { EXIT_USAGE = 64, EXIT_OS = 71 };

enum {
	ROWS_MAX = 1000, /* of one commit */
	RATE_MAX = 1000,
	/* Credit of each gameserver, renewed with its row: so much that it
	 * doesn't run out when this program gets no time for a moment. */
	SEATS = 100000,
	SEATS_VARY = 7,
	IDLE_NS = 1000 * 1000 * 1000,
	GENERATION = 1,
};

#define NS_PER_S INT64_C(1000000000)

struct arguments {
	const char *config;
	long gameservers, rate, rows;
};

struct writer {
	struct config config;
	struct store *store;
	struct store_port port;
	struct ledger *ledger;
	struct fleet_row fleet;
	struct gameserver *row; /* n */
	size_t n;
	size_t next; /* row to be written */
	size_t rate, rows;
	bool busy;
	int64_t busy_since_ns;
	int64_t commits; /* since then */
	int64_t due_ns;
};

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t
clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}

/* ---- rows ---------------------------------------------------------------- */

static void
make_row(struct writer *w, size_t i)
{
	const struct health_rule rule = {.fall = (int)w->config.health_fall,
					 .rise = (int)w->config.health_rise};
	struct gameserver *row = &w->row[i];

	*row = (struct gameserver){
	    .id = (int64_t)i + 1,
	    .state = STATE_AVAILABLE,
	    .reason = REASON_ANSWERED,
	    .since_utc_ms = clock_ms(CLOCK_REALTIME),
	    .origin = ORIGIN_LAUNCHED,
	    .ours = true,
	    .port = 27015,
	    .score = health_score(HEALTH_GOOD, rule),
	    .heard = true,
	    .seats = SEATS,
	    .most_seats = SEATS,
	    .slot = (int64_t)i,
	    .generation = GENERATION,
	};
	(void)snprintf(row->ip, sizeof(row->ip), "10.1.%zu.%zu", i / 250,
		       i % 250 + 1);
	(void)snprintf(row->address, sizeof(row->address), "%s:%d", row->ip,
		       row->port);
	(void)snprintf(row->ref, sizeof(row->ref), "bench/%zu", i);
}

/* As after one more health answer. */
static void
touch_row(struct writer *w, struct gameserver *row)
{
	row->seats = SEATS - (row->seats + 1) % SEATS_VARY;
	row->answered_utc_ms = w->fleet.heartbeat_utc_ms;
	row->grant_limit =
	    ledger_read(w->ledger, (uint32_t)row->slot).granted + row->seats;
}

static bool
commit(struct writer *w, size_t nrow, struct err *err)
{
	const struct gameserver *row[ROWS_MAX];
	struct batch batch = {
	    .fleet = &w->fleet, .gameserver = row, .ngameserver = nrow};

	w->fleet.heartbeat_utc_ms = clock_ms(CLOCK_REALTIME);
	w->fleet.heartbeat_ms = clock_ms(CLOCK_BOOTTIME);
	for (size_t i = 0; i < nrow; i++) {
		row[i] = &w->row[w->next];
		touch_row(w, &w->row[w->next]);
		w->next = (w->next + 1) % w->n;
	}
	if (w->port.commit(w->port.self, &batch, err) != STORE_OK)
		return false;
	ledger_announce(w->ledger);
	return true;
}

static bool
commit_fleet(struct writer *w, struct err *err)
{
	size_t part;

	for (size_t done = 0; done < w->n; done += part) {
		part = w->n - done < ROWS_MAX ? w->n - done : ROWS_MAX;
		if (!commit(w, part, err))
			return false;
	}
	for (size_t i = 0; i < w->n; i++)
		(void)ledger_set_closed(w->ledger, (uint32_t)i, false);
	ledger_announce(w->ledger);
	return true;
}

/* ---- setting up ---------------------------------------------------------- */

static void
make_fleet(struct writer *w)
{
	int64_t n = (int64_t)w->n;

	w->fleet = (struct fleet_row){
	    .started_utc_ms = clock_ms(CLOCK_REALTIME),
	    .last_id = n,
	    .free = n * SEATS,
	    .serving = n,
	    .live = n,
	    .count[STATE_AVAILABLE] = n,
	    .upscale_margin = w->config.upscale_margin,
	    .downscale_margin = w->config.downscale_margin,
	    .server_capacity = SEATS,
	    .min_servers = 1,
	    .max_servers = n,
	    .stale_after_ms = w->config.stale_after_ms,
	    .ledger_epoch = (int64_t)ledger_epoch(w->ledger),
	    .allocation = w->config.allocation,
	};
	for (size_t i = 0; i < w->n; i++) {
		make_row(w, i);
		ledger_assign(w->ledger, (uint32_t)i, GENERATION);
	}
}

static bool
open_ledger(struct writer *w, struct err *err)
{
	const char *path = w->config.ledger;

	return ledger_guard(err) &&
	       ledger_create(path, (uint64_t)clock_ms(CLOCK_REALTIME), err) &&
	       ledger_open(&w->ledger, path, err);
}

static bool
set_up(struct writer *w, struct err *err)
{
	w->row = calloc(w->n, sizeof(*w->row));
	if (w->row == NULL)
		return err_set(err, "out of memory");
	if (!store_open(&w->store, &w->port, &w->config, err) ||
	    !open_ledger(w, err))
		return false;
	make_fleet(w);
	return commit_fleet(w, err);
}

/* ---- the loop ------------------------------------------------------------ */

static void
become(struct writer *w, bool busy)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (w->busy && !busy)
		printf("{\"name\": \"written\", \"seconds\": %.3f, "
		       "\"commits\": %" PRId64 ", \"rows\": %zu}\n",
		       (double)(now_ns - w->busy_since_ns) / 1e9, w->commits,
		       w->rows);
	w->busy = busy;
	w->busy_since_ns = now_ns;
	w->commits = 0;
	w->due_ns = now_ns;
}

/* One line of the input, whole: whoever writes it writes it at once. False:
 * the input is at its end. */
static bool
obey(struct writer *w)
{
	char line[16];
	ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (len <= 0)
		return len < 0 && errno == EINTR;
	line[len] = '\0';
	if (strcmp(line, "busy\n") == 0)
		become(w, true);
	else if (strcmp(line, "idle\n") == 0)
		become(w, false);
	return true;
}

/* Commits what is due. One that is a whole period late is left out: the report
 * shows it. */
static bool
work(struct writer *w, int64_t now_ns, struct err *err)
{
	int64_t period_ns = w->busy ? NS_PER_S / (int64_t)w->rate : IDLE_NS;

	if (!commit(w, w->busy ? w->rows : 0, err))
		return false;
	w->commits++;
	w->due_ns += period_ns;
	if (w->due_ns < now_ns)
		w->due_ns = now_ns + period_ns;
	return true;
}

static bool
run(struct writer *w, struct err *err)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	for (;;) { /* until the input ends */
		int64_t left_ns = w->due_ns - clock_ns(CLOCK_MONOTONIC);
		const struct timespec left = {
		    .tv_sec = left_ns > 0 ? left_ns / NS_PER_S : 0,
		    .tv_nsec = left_ns > 0 ? left_ns % NS_PER_S : 0};

		if (ppoll(&in, 1, &left, NULL) > 0) {
			if (!obey(w))
				return true;
		} else if (!work(w, clock_ns(CLOCK_MONOTONIC), err)) {
			return false;
		}
	}
}

/* ---- the command line ---------------------------------------------------- */

static bool
parse(const char *text, long max, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && *value >= 1 && *value <= max;
}

static bool
parse_arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"gameservers", required_argument, NULL, 'g'},
	    {"rate", required_argument, NULL, 'r'},
	    {"rows", required_argument, NULL, 'n'},
	    {NULL, 0, NULL, 0},
	};
	bool good = true;
	int option;

	while (good &&
	       (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			a->config = optarg;
		else if (option == 'g')
			good = parse(optarg, LEDGER_SLOTS, &a->gameservers);
		else if (option == 'r')
			good = parse(optarg, RATE_MAX, &a->rate);
		else
			good =
			    option == 'n' && parse(optarg, ROWS_MAX, &a->rows);
	}
	return good && optind == argc && a->config != NULL &&
	       a->gameservers > 0;
}

static void
warn_config(void *arg, const char *text)
{
	(void)arg;
	(void)fprintf(stderr, "writer: %s\n", text);
}

int
main(int argc, char **argv)
{
	static struct writer w;
	struct arguments a = {.rate = 100, .rows = 100};
	struct err err;
	bool ok;

	if (!parse_arguments(&a, argc, argv)) {
		fputs("usage: writer --config FILE --gameservers N "
		      "[--rate N] [--rows N]\n",
		      stderr);
		return EXIT_USAGE;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	w.n = (size_t)a.gameservers;
	w.rate = (size_t)a.rate;
	w.rows = (size_t)a.rows;
	ok = config_load(&w.config, CONFIG_SCALERD, a.config, warn_config, NULL,
			 &err) &&
	     set_up(&w, &err);
	if (ok) {
		puts("{\"name\": \"ready\"}");
		become(&w, false);
		ok = run(&w, &err);
	}
	if (!ok)
		(void)fprintf(stderr, "writer: %s\n", err.msg);
	store_close(w.store);
	ledger_close(w.ledger);
	free(w.row);
	return ok ? EXIT_SUCCESS : EXIT_OS;
}
