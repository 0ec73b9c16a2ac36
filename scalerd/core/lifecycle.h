/* SPDX-License-Identifier: MIT */
/*
 * The words for a gameserver's life, each a table of strings that the
 * database, the log and the views share, and the only table of transitions.
 *
 *	launching -> starting -> available <-> standby -> stopping -> gone
 *
 * From each of them a gameserver may turn out to be gone (it died), and what
 * never answered may go to stopping. docs/design.md section 4.
 */
#ifndef GSM_CORE_LIFECYCLE_H
#define GSM_CORE_LIFECYCLE_H

#include <stdbool.h>

enum state {
	STATE_LAUNCHING, /* an intent is recorded; it is being made */
	STATE_STARTING,  /* address known, no good health answer yet */
	STATE_AVAILABLE, /* in rotation while its health is good */
	STATE_STANDBY,   /* no new players; those inside play on */
	STATE_STOPPING,  /* being stopped for good */
	STATE_GONE,      /* the provider no longer has it */
	STATE_COUNT
};

/* Why a gameserver is in its state, or why the scaler acted. */
enum reason {
	REASON_NONE,
	REASON_BELOW_MARGIN,    /* free + coming < UPSCALE_MARGIN */
	REASON_BELOW_MIN,       /* fewer than MIN_SERVERS serve */
	REASON_ADOPTED,         /* found running, no operation of ours */
	REASON_LAUNCHED,        /* the provider says it runs */
	REASON_ANSWERED,        /* first good health answer */
	REASON_SURPLUS,         /* free > DOWNSCALE_MARGIN long enough */
	REASON_PROVEN_EMPTY,    /* ready to close, with proof */
	REASON_LAUNCH_REFUSED,  /* the provider refused the launch */
	REASON_LAUNCH_DEADLINE, /* not running in time */
	REASON_START_GRACE,     /* ran, never answered in time */
	REASON_DEAD,            /* silent for DEAD_AFTER, no player to lose */
	REASON_STOPPED,         /* our stop is complete */
	REASON_DIED,            /* gone, and not by us */
	REASON_COUNT
};

enum origin {
	ORIGIN_LAUNCHED, /* by a recorded operation of ours */
	ORIGIN_ADOPTED,  /* found running */
	ORIGIN_COUNT
};

const char *state_name(enum state state);
const char *reason_name(enum reason reason);
const char *origin_name(enum origin origin);

/* False: no such name; *state is untouched. */
bool state_parse(const char *name, enum state *state);
bool reason_parse(const char *name, enum reason *reason);
bool origin_parse(const char *name, enum origin *origin);

/* Whether a gameserver may go from one state to the other. Never from a state
 * to itself, never out of gone. */
bool state_may_become(enum state from, enum state to);

#endif
