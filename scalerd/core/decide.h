/* SPDX-License-Identifier: MIT */
/*
 * The decision: a pure function from what is known to what is to be done.
 *
 * No clock, no I/O, no log and no allocation inside. The same view gives the
 * same decision, whatever the order of its rows; ties go to the lowest id.
 * docs/design.md section 5 has the rules in words.
 */
#ifndef GSM_CORE_DECIDE_H
#define GSM_CORE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scalerd/core/health.h"
#include "scalerd/core/lifecycle.h"

enum {
	DECIDE_ACTIONS_MAX = 64, /* actions of one decision; the rest waits for
				    the next turn */
	PROOF_ANSWERS = 2,       /* consecutive answers that prove emptiness */
	SETTLED_ROUNDS = 2,      /* complete rounds before anything is taken
				    away after a start or a jump of the clock */
};

/* The operator's numbers. Seats, gameservers, milliseconds. */
struct policy {
	int64_t upscale_margin;
	int64_t downscale_margin; /* > upscale_margin + server_capacity */
	int64_t server_capacity;  /* >= 1 */
	int64_t min_servers;
	int64_t max_servers;
	int64_t launches_per_turn;
	int64_t launches_per_hour;
	int64_t scale_down_delay_ms;
	int64_t dead_after_ms;
	int64_t panic_launch_interval_ms;
	int64_t fresh_ms; /* an answer asked longer ago proves nothing */
	bool reap; /* launches of ours that only the list knew are stopped at
		      their deadline, too */
	struct health_rule health;
};

/* What decide() knows about one gameserver. */
struct server_view {
	int64_t id; /* unique, > 0 */
	enum state state;
	enum health health;
	enum origin origin;
	bool ours;   /* bears this fleet's mark */
	bool heard;  /* gave a good answer at least once */
	bool proven; /* standby, and its last good answer is a proof: ready to
			close, all seats free, and asked JOIN_GRACE after the
			last possible grant */
	bool host_leaving;  /* its host or task is going away by itself */
	bool shares_host;   /* another task runs on its instance */
	bool deadline_over; /* launching, starting: LAUNCH_DEADLINE,
			       START_GRACE passed */
	int64_t seats;      /* available_capacity of the last good answer; may
			       be negative; 0 if never heard: how empty it is */
	int64_t credit;     /* seats that may be granted there, or could if it
			       were available; >= 0: what capacity it is */
	int64_t proof_answers; /* such answers in a row, none failed between */
	int64_t asked_ms;      /* when the last good answer was asked for */
	int64_t silent_ms;     /* polled in vain for so long */
};

/* What decide() knows about the fleet. Times are CLOCK_BOOTTIME ms. */
struct fleet_view {
	const struct server_view *server;
	size_t nserver;
	int64_t now_ms;
	bool listed;        /* a complete list has been seen since the start */
	bool list_doubtful; /* the last list failed, was partial, or is
			       suspiciously empty */
	bool settled;       /* SETTLED_ROUNDS since start or clock jump */
	bool frozen;        /* a second manager is about: touch nothing */
	int64_t surplus_ms; /* free > DOWNSCALE_MARGIN for so long, really
			       polled */
	int64_t launched_last_hour;
	int64_t launch_not_before_ms; /* launch backoff */
	int64_t last_launch_ms; /* INT64_MIN: none; for the panic interval */
};

/* In the order in which a full list keeps them: nothing that is brought back
 * may be stopped by the same decision. */
enum action_kind {
	ACTION_BACK,    /* standby -> available */
	ACTION_SERVE,   /* starting -> available */
	ACTION_STANDBY, /* available -> standby */
	ACTION_STOP,    /* -> stopping */
	ACTION_LAUNCH,  /* a new gameserver; id is 0 */
	ACTION_COUNT
};

struct action {
	enum action_kind kind;
	enum reason reason;
	int64_t id; /* 0 for ACTION_LAUNCH */
};

/* What kept the scaler from launching all that it wanted. */
enum limit {
	LIMIT_NONE,
	LIMIT_MAX_SERVERS,
	LIMIT_PER_TURN,
	LIMIT_PER_HOUR,
	LIMIT_BACKOFF, /* launches failed lately */
	LIMIT_PANIC,   /* most of the fleet fails at once */
	LIMIT_LIST,    /* no complete, credible list yet */
	LIMIT_FROZEN,  /* a second manager */
	LIMIT_COUNT
};

struct decision {
	/* The figures that the decision stands on. */
	int64_t free;    /* seats that may be granted */
	int64_t coming;  /* seats of those launching or starting in time */
	int64_t serving; /* available and not bad, or coming */
	int64_t live;    /* everything but gone */
	bool panic;
	enum limit limited_by;
	int64_t wanted; /* launches wanted before the limit */
	size_t naction;
	struct action action[DECIDE_ACTIONS_MAX]; /* by kind, then id */
};

/* Writes the whole of *out. */
void decide(const struct fleet_view *view, const struct policy *policy,
	    struct decision *out);

const char *action_name(enum action_kind kind);
const char *limit_name(enum limit limit);

/* free above the downscale margin: what surplus_ms measures. */
bool decide_is_surplus(const struct decision *decision,
		       const struct policy *policy);

#endif
