/* SPDX-License-Identifier: MIT */
#include "scalerd/scaler/state.h"

enum health
view_health(const struct scaler *s, const struct member *m)
{
	return health_of(m->row.score, s->policy.health);
}

static struct server_view
server_view(const struct scaler *s, const struct member *m)
{
	const struct gameserver *row = &m->row;

	return (struct server_view){
	    .id = row->id,
	    .state = row->state,
	    .health = view_health(s, m),
	    .origin = row->origin,
	    .ours = row->ours,
	    .heard = row->heard,
	    .proven = m->proven,
	    .host_leaving = row->host_leaving,
	    .shares_host = m->shares_host,
	    .deadline_over = s->now.ms >= m->deadline_ms,
	    .seats = row->seats,
	    .credit = seats_free(m),
	    .proof_answers = m->proof_answers,
	    .asked_ms = m->asked_ms,
	    .silent_ms = m->silent_ms,
	};
}

static int64_t
launched_last_hour(const struct scaler *s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s->nlaunched; i++)
		n += s->launched_ms[i] > s->now.ms - HOUR_MS;
	return n;
}

void
view_build(const struct scaler *s, struct server_view *server,
	   struct fleet_view *view)
{
	size_t n = 0;

	for (size_t i = 0; i < s->fleet.nmember; i++)
		if (s->fleet.member[i]->row.state != STATE_GONE)
			server[n++] = server_view(s, s->fleet.member[i]);
	*view = (struct fleet_view){
	    .server = server,
	    .nserver = n,
	    .now_ms = s->now.ms,
	    .listed = s->listed,
	    .list_doubtful = s->list_doubtful,
	    .settled = s->settled,
	    .frozen = s->now.ms < s->frozen_until_ms,
	    .surplus_ms =
		s->surplus_since_ms < 0 ? 0 : s->now.ms - s->surplus_since_ms,
	    .launched_last_hour = launched_last_hour(s),
	    .launch_not_before_ms = s->launch_not_before_ms,
	    .last_launch_ms = s->last_launch_ms,
	};
}
