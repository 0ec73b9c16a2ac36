/* SPDX-License-Identifier: MIT */
#include "tests/bench/oversell/policy.h"

#include "fcgi-api/choose.h"

static struct seats seats; /* what a process of fcgi-api has in memory */
static struct {
	int64_t upto[LEDGER_SLOTS]; /* free seats of it and of those before */
	uint32_t most;              /* which has the most */
	int64_t most_free;
} reported;

static const char *const names[POLICY_COUNT] = {
    "credit, spread", "credit, pack", "most free, no debit", "weighted random"};

const char *
policy_name(enum policy policy)
{
	return names[policy];
}

bool
policy_has_credit(enum policy policy)
{
	return policy == POLICY_SPREAD || policy == POLICY_PACK;
}

void
policy_begin(const struct fleet *fleet)
{
	static uint32_t used;

	for (uint32_t slot = fleet->n; slot < used; slot++) {
		const struct seat_row nobody = {.slot = slot};

		seats_write(&seats, &nobody);
	}
	used = fleet->n;
}

static void
refresh_seats(struct fleet *fleet, bool pack)
{
	for (uint32_t i = 0; i < fleet->n; i++) {
		struct server *server = &fleet->server[i];
		const struct seat_row row = {
		    .slot = i,
		    .generation = fleet->generation,
		    .grade = server->suspect ? GRADE_SUSPECT : GRADE_GOOD,
		    .limit = server->credit.limit,
		    .address = "192.0.2.1:49152"};

		if (server->changed)
			seats_write(&seats, &row);
		server->changed = false;
	}
	seats_sort(&seats, fleet->ledger, pack);
	seats_announce(&seats);
}

static void
refresh_reported(struct fleet *fleet)
{
	int64_t sum = 0;

	reported.most_free = 0;
	for (uint32_t i = 0; i < fleet->n; i++) {
		const struct server *server = &fleet->server[i];
		const int64_t free = server->suspect ? 0 : server->seats;

		sum += free;
		reported.upto[i] = sum;
		if (free > reported.most_free) {
			reported.most_free = free;
			reported.most = i;
		}
	}
}

void
policy_refresh(enum policy policy, struct fleet *fleet)
{
	if (policy_has_credit(policy))
		refresh_seats(fleet, policy == POLICY_PACK);
	else
		refresh_reported(fleet);
}

static bool
choose_credit(struct fleet *fleet, bool pack, uint32_t *server)
{
	struct random_stream random = {rng_next(&fleet->rng)};
	struct choice choice = {.seats = &seats,
				.ledger = fleet->ledger,
				.random = &random,
				.pack = pack,
				.grant = true};

	if (!choose_by_credit(&choice))
		return false;
	*server = choice.row.slot;
	return true;
}

static bool
choose_weighted(struct fleet *fleet, uint32_t *server)
{
	const int64_t sum = reported.upto[fleet->n - 1];
	uint32_t low = 0;
	uint32_t high = fleet->n - 1;

	if (sum == 0)
		return false;
	const int64_t seat = fleet_below(fleet, (uint32_t)sum);

	while (low < high) {
		const uint32_t middle = (low + high) / 2;

		if (reported.upto[middle] > seat)
			high = middle;
		else
			low = middle + 1;
	}
	*server = low;
	return true;
}

bool
policy_choose(enum policy policy, struct fleet *fleet, uint32_t *server)
{
	if (policy_has_credit(policy))
		return choose_credit(fleet, policy == POLICY_PACK, server);
	if (policy == POLICY_WEIGHTED)
		return choose_weighted(fleet, server);
	*server = reported.most;
	return reported.most_free > 0;
}
