/* SPDX-License-Identifier: MIT */
#include "tests/bench/oversell/fleet.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t
open_seats(const struct fleet *fleet, const struct server *server)
{
	const int64_t open = fleet->capacity - server->taken - server->coming;

	return open > 0 ? open : 0;
}

void
fleet_init(struct fleet *fleet, uint32_t n, int64_t capacity, int64_t taken)
{
	fleet->server = calloc(n, sizeof(*fleet->server));
	if (fleet->server == NULL) {
		fputs("oversell: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	fleet->n = n;
	fleet->capacity = capacity;
	fleet->taken = (int64_t)n * taken;
	fleet->open = (int64_t)n * (capacity - taken);
	fleet->generation++;
	for (uint32_t i = 0; i < n; i++) {
		fleet->server[i].taken = taken;
		fleet->server[i].seats = capacity - taken;
		fleet->server[i].changed = true;
		ledger_assign(fleet->ledger, i, fleet->generation);
		(void)ledger_set_closed(fleet->ledger, i, false);
	}
}

void
fleet_free(struct fleet *fleet)
{
	free(fleet->server);
	fleet->server = NULL;
}

void
fleet_move(struct fleet *fleet, uint32_t at, int taken, int coming)
{
	struct server *server = &fleet->server[at];

	fleet->open -= open_seats(fleet, server);
	fleet->taken += taken;
	server->taken += taken;
	server->coming += coming;
	fleet->open += open_seats(fleet, server);
}

void
fleet_leave(struct fleet *fleet)
{
	for (;;) {
		const uint32_t at = fleet_below(fleet, fleet->n);
		const uint32_t seat =
		    fleet_below(fleet, (uint32_t)fleet->capacity);

		if (seat < fleet->server[at].taken) {
			fleet_move(fleet, at, -1, 0);
			return;
		}
	}
}

uint32_t
fleet_below(struct fleet *fleet, uint32_t below)
{
	return (uint32_t)((rng_next(&fleet->rng) >> 32) * below >> 32);
}

double
fleet_unit(struct fleet *fleet)
{
	return ((double)(rng_next(&fleet->rng) >> 11) + 1) * 0x1p-53;
}
