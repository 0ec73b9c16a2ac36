/* SPDX-License-Identifier: MIT */
/*
 * What one turn of scalerd costs with 10 to 10,000 gameservers: the scaler and
 * a real store in a directory of its own; the clock, the provider, the prober
 * and the seat ledger stand still.
 *
 *	turn [ROUNDS] >turn.json
 *
 * changed: every gameserver's seats are other ones. same: none. silent: every
 * second one gave no answer, then all answer again. decide: the decision alone.
 * All of them come between two turns; the longest of the turns until they are
 * written. Medians of ROUNDS (9), with the least and the greatest.
 */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "scalerd/core/decide.h"
#include "scalerd/core/health.h"
#include "scalerd/edge/loop.h"
#include "scalerd/edge/store.h"
#include "scalerd/scaler/scaler.h"

enum {
	ROUNDS_MAX = 1001,
	SLOTS = 16384,
	SEATS = 100,
	DECIDE_TIMES = 20,
	ROUND_MS = 5000, /* of the clock, between two rounds */
};

struct site {
	char dir[64];
	struct config config;
	struct store *store;
	struct ports ports;
	struct scaler *scaler;
	struct instant now;
	uint64_t random;
	int64_t asked; /* questions */
	struct ledger_cell cell[SLOTS];
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "turn: %s\n", what);
	exit(EX_SOFTWARE);
}

/* ---- ports ------------------------------------------------------------- */

static struct instant
clock_now(void *self)
{
	return ((struct site *)self)->now;
}

static uint64_t
clock_random(void *self)
{
	struct site *site = self;

	site->random = site->random * UINT64_C(6364136223846793005) + 1;
	return site->random >> 16;
}

static bool
prober_ask(void *self, const struct question *question)
{
	(void)question;
	((struct site *)self)->asked++;
	return true;
}

static bool
provider_prepare(void *self, const struct gameserver *gameserver,
		 struct operation *operation, struct err *err)
{
	(void)self;
	(void)gameserver;
	(void)operation;
	return err_set(err, "nothing is launched or stopped here");
}

static void
provider_list(void *self, const struct known *known, size_t nknown)
{
	(void)self; /* never answered */
	(void)known;
	(void)nknown;
}

static uint64_t
ledger_one(void *self)
{
	(void)self;
	return 1;
}

static struct ledger_cell
cell_read(void *self, uint32_t slot)
{
	return ((struct site *)self)->cell[slot];
}

static void
cell_assign(void *self, uint32_t slot, uint32_t generation)
{
	((struct site *)self)->cell[slot] =
	    (struct ledger_cell){.generation = generation, .closed = true};
}

static struct ledger_cell
cell_close(void *self, uint32_t slot)
{
	((struct site *)self)->cell[slot].closed = true;
	return cell_read(self, slot);
}

static struct ledger_cell
cell_open(void *self, uint32_t slot)
{
	((struct site *)self)->cell[slot].closed = false;
	return cell_read(self, slot);
}

static bool
ledger_renew_not(void *self)
{
	(void)self;
	return false;
}

static void
ledger_announce_not(void *self)
{
	(void)self;
}

static void
make_ports(struct site *site)
{
	site->ports.clock = (struct clock_port){
	    .self = site, .now = clock_now, .random = clock_random};
	site->ports.prober =
	    (struct prober_port){.self = site, .ask = prober_ask};
	site->ports.provider =
	    (struct provider_port){.self = site,
				   .name = "none",
				   .list_interval_ms = INT64_C(3600) * 1000,
				   .confirm_interval_ms = INT64_C(3600) * 1000,
				   .absent_rounds = 2,
				   .prepare = provider_prepare,
				   .list = provider_list};
	site->ports.ledger =
	    (struct ledger_port){.self = site,
				 .nslot = SLOTS,
				 .epoch = ledger_one,
				 .read = cell_read,
				 .assign = cell_assign,
				 .close = cell_close,
				 .open = cell_open,
				 .shortage = ledger_one,
				 .renew = ledger_renew_not,
				 .announce = ledger_announce_not};
}

/* ---- a fleet that runs ------------------------------------------------- */

static struct gameserver
make_row(int i, const struct config *config)
{
	const struct health_rule rule = {.fall = (int)config->health_fall,
					 .rise = (int)config->health_rise};
	struct gameserver row = {.id = i + 1,
				 .state = STATE_AVAILABLE,
				 .reason = REASON_ANSWERED,
				 .origin = ORIGIN_LAUNCHED,
				 .ours = true,
				 .port = 30000,
				 .score = health_score(HEALTH_GOOD, rule),
				 .heard = true,
				 .seats = SEATS,
				 .most_seats = SEATS,
				 .slot = -1};

	snprintf(row.mark, sizeof(row.mark), "%032d", i + 1);
	snprintf(row.ref, sizeof(row.ref),
		 "arn:aws:ecs:eu-west-1:123456789012:task/cluster/%032d", i);
	snprintf(row.instance, sizeof(row.instance), "i-%017d", i);
	snprintf(row.ip, sizeof(row.ip), "10.%d.%d.%d", i / 65536,
		 i / 256 % 256, i % 256);
	snprintf(row.address, sizeof(row.address), "%s:%d", row.ip, row.port);
	return row;
}

static void
fill_store(struct site *site, int n)
{
	const struct fleet_row fleet = {.heartbeat_ms = site->now.ms,
					.heartbeat_utc_ms = site->now.utc_ms,
					.last_id = n};
	struct gameserver *row = calloc((size_t)n, sizeof(*row));
	const struct gameserver **rows = calloc((size_t)n, sizeof(void *));
	const struct batch batch = {
	    .fleet = &fleet, .gameserver = rows, .ngameserver = (size_t)n};
	struct err err;

	if (!row || !rows)
		die("out of memory");
	for (int i = 0; i < n; i++) {
		row[i] = make_row(i, &site->config);
		rows[i] = &row[i];
	}
	if (site->ports.store.commit(site->ports.store.self, &batch, &err) !=
	    STORE_OK)
		die(err.msg);
	free(row);
	free(rows);
}

static void
open_site(struct site *site, int n)
{
	struct config *c = &site->config;
	struct err err;

	snprintf(site->dir, sizeof(site->dir), "/tmp/gsm-turn-XXXXXX");
	if (!mkdtemp(site->dir))
		die("mkdtemp");
	*c = (struct config){.provider = CONFIG_PROVIDER_LOCAL,
			     .fleet_name = "bench",
			     .poll_interval_ms = ROUND_MS,
			     .health_timeout_ms = 2000,
			     .health_fall = 3,
			     .health_rise = 2,
			     .server_capacity = SEATS,
			     .upscale_margin = 1,
			     .downscale_margin = INT64_C(10) * SEATS * n,
			     .min_servers = 1,
			     .max_servers = n,
			     .dead_after_ms = INT64_C(3600) * 1000,
			     .stale_after_ms = 10000};
	snprintf(c->database, sizeof(c->database), "%s/state.db", site->dir);
	site->now = (struct instant){.ms = loop_now_ms(),
				     .utc_ms = INT64_C(1763830128000)};
	make_ports(site);
	if (!store_open(&site->store, &site->ports.store, c, &err))
		die(err.msg);
	fill_store(site, n);
	site->scaler = scaler_new(&site->ports, c);
	if (!site->scaler || !scaler_load(site->scaler, &err))
		die("scaler");
}

static void
close_site(struct site *site)
{
	DIR *dir = opendir(site->dir);
	const struct dirent *entry;
	char name[400];

	scaler_free(site->scaler);
	store_close(site->store);
	while (dir && (entry = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", site->dir, entry->d_name);
		(void)unlink(name);
	}
	if (dir)
		closedir(dir);
	(void)rmdir(site->dir);
	free(site);
}

/* ---- rounds ------------------------------------------------------------ */

static void
answer_all(struct site *site, int n, int64_t seats, bool half)
{
	for (int i = 0; i < n; i++) {
		struct answer answer = {.gameserver = i + 1,
					.asked_ms = site->now.ms,
					.seats = seats,
					.joined = -1};

		if (half && i % 2 == 0) {
			answer.kind = ANSWER_TIMEOUT;
			snprintf(answer.detail, sizeof(answer.detail),
				 "no answer in time");
		}
		scaler_answered(site->scaler, &answer);
	}
}

static int64_t
turn_us(struct site *site)
{
	const int64_t begin_us = bench_now_us();
	struct err err;

	if (scaler_turn(site->scaler, &err) != TURN_OK)
		die(err.msg);
	return bench_now_us() - begin_us;
}

struct kind {
	const char *name;
	bool changed, half;
};

static void
print_us(const char *name, int n, int64_t *us, int rounds)
{
	const int64_t median = bench_median(us, (size_t)rounds);

	printf(
	    "{\"what\":\"%s\",\"gameservers\":%d,\"rounds\":%d,\"us\":%" PRId64
	    ",\"us_least\":%" PRId64 ",\"us_most\":%" PRId64
	    ",\"rss_kb\":%" PRId64 "}",
	    name, n, rounds, median, us[0], us[rounds - 1], bench_rss_kb());
	fflush(stdout);
}

static void
run(const struct kind *kind, int n, int rounds)
{
	static int64_t us[ROUNDS_MAX], answers_us[ROUNDS_MAX];
	struct site *site = calloc(1, sizeof(*site));
	char name[64];

	if (!site)
		die("out of memory");
	open_site(site, n);
	for (int i = -2; i < rounds; i++) {
		int64_t begin_us, one_us;
		int64_t seats = SEATS;

		/* In steps: a jump of the clock is something else. */
		for (int ms = 0; ms < ROUND_MS; ms += TURN_INTERVAL_MS) {
			site->now.ms += TURN_INTERVAL_MS;
			site->now.utc_ms += TURN_INTERVAL_MS;
			(void)turn_us(site);
		}
		if (kind->changed)
			seats -= 1 + (i & 1);
		begin_us = bench_now_us();
		answer_all(site, n, seats, kind->half && (i & 1));
		if (i < 0) {
			(void)turn_us(site);
			continue;
		}
		answers_us[i] = bench_now_us() - begin_us;
		us[i] = 0;
		/* The longest, until all is written. */
		do {
			one_us = turn_us(site);
			us[i] = one_us > us[i] ? one_us : us[i];
		} while (scaler_due_ms(site->scaler) <=
			 site->now.ms + TURN_GAP_MS);
	}
	close_site(site);
	snprintf(name, sizeof(name), "turn, %s", kind->name);
	print_us(name, n, us, rounds);
	printf(",\n");
	snprintf(name, sizeof(name), "answers, %s", kind->name);
	print_us(name, n, answers_us, rounds);
}

/* ---- decide ------------------------------------------------------------ */

static void
run_decide(int n, int rounds)
{
	static int64_t us[ROUNDS_MAX];
	const struct policy policy = {.upscale_margin = SEATS,
				      .downscale_margin = 10 * SEATS,
				      .server_capacity = SEATS,
				      .min_servers = 1,
				      .max_servers = n,
				      .dead_after_ms = 600000};
	struct server_view *server = calloc((size_t)n, sizeof(*server));
	const struct fleet_view view = {.server = server,
					.nserver = (size_t)n,
					.now_ms = 1000000,
					.listed = true,
					.settled = true,
					.surplus_ms = 1000000};
	static struct decision decision;

	if (!server)
		die("out of memory");
	for (int i = 0; i < n; i++)
		server[i] = (struct server_view){
		    .id = i + 1,
		    .state = i % 10 ? STATE_AVAILABLE : STATE_STANDBY,
		    .health = HEALTH_GOOD,
		    .origin = ORIGIN_LAUNCHED,
		    .ours = true,
		    .heard = true,
		    .seats = i * 37 % SEATS};
	for (int i = 0; i < rounds; i++) {
		const int64_t begin_us = bench_now_us();

		for (int k = 0; k < DECIDE_TIMES; k++)
			decide(&view, &policy, &decision);
		us[i] = (bench_now_us() - begin_us) / DECIDE_TIMES;
	}
	free(server);
	print_us("decide", n, us, rounds);
}

int
main(int argc, char **argv)
{
	static const int counts[] = {10, 100, 1000, 10000};
	static const struct kind kinds[] = {{"changed", true, false},
					    {"same", false, false},
					    {"silent", true, true}};
	const int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 9;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		return EX_USAGE;
	log_set_level(LOG_LEVEL_ERROR);
	printf("[");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			run(&kinds[k], counts[i], rounds);
			printf(",\n");
		}
		run_decide(counts[i], rounds);
		if (counts[i] < 10000)
			printf(",\n");
	}
	printf("]\n");
	return EX_OK;
}
