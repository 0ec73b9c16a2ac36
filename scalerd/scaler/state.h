/* SPDX-License-Identifier: MIT */
/*
 * The inside of struct scaler, for the files of this folder only:
 *
 *	load.c     the store -> rows, once
 *	observe_*  what the edges saw -> rows: answers, lists, steps
 *	view.c     rows -> what decide() sees
 *	change.c   the only setter of a state; begins and ends operations
 *	seats.c    slots, cells of the seat ledger and credits
 *	record.c   rows -> the store
 *	act.c      recorded operations and due questions -> the edges
 *	scaler.c   the turn that runs them in this order
 */
#ifndef GSM_SCALER_STATE_H
#define GSM_SCALER_STATE_H

#include "common/config.h"
#include "scalerd/core/decide.h"
#include "scalerd/scaler/fleet.h"
#include "scalerd/scaler/journal.h"
#include "scalerd/scaler/scaler.h"
#include "scalerd/scaler/slots.h"

enum {
	POLL_FAST_MS = 1000,  /* unknown, starting, suspect: asked so often */
	POLL_BAD_MS = 10000,  /* bad: so often, if the usual is slower */
	POLL_JITTER_DIV = 10, /* +- a tenth of the interval */
	POLL_EARLY_MS = 200,  /* one that is well is asked so much earlier, but
				 no more than twice the jitter, in one turn
				 with others: each costs a turn */
	POLL_LATE_MS = 100,   /* or so much later, at most the jitter */
	POLL_TOGETHER_MAX = 16, /* asked earlier in one turn: a large fleet must
				   not come to be asked all at once */
	GRANT_LAG_MS = 2000,    /* a handler's snapshot and nginx's cached list
				   are at most so old */
	FRESH_SLACK_MS = 1000,  /* over interval and timeout: still fresh */
	EARLY_DEATH_MS = 10000, /* dead so soon after it served: a failed
				   launch */
	BACKOFF_FIRST_MS = 1000, /* after the first failed launch; doubles */
	BACKOFF_MAX_MS = 300000,
	HOLD_MAX_MS = 900000, /* the longest that a refused launch or the
				 backoff holds back the next one */
	BACKOFF_ALARM = 3,    /* failed launches in a row that alarm */
	RETRY_FIRST_MS = 500, /* an unknown outcome is asked again; doubles */
	RETRY_MAX_MS = 30000,
	RETRY_ALARM = 10,           /* attempts of one stop that alarm */
	LIST_ALARM = 5,             /* failed lists in a row that alarm */
	SAMPLE_INTERVAL_MS = 10000, /* capacity_history */
	ANSWERED_WRITE_MS = 10000,  /* the last answer's time is written so
				       often when nothing else changed */
	RECORD_ANSWERED_MAX = 2048, /* rows that differ by an answer only, in
				       one commit: the others wait for the next
				       turn, so that none takes long */
	WRITER_CHECK_MS = 1000, /* a commit older than this does not prove that
				   we are the writer */
	GONE_KEEP_MS = 3600000, /* gone rows stay in memory: late launches */
	HOUR_MS = 3600000,
	FREEZE_MS = 600000,   /* after the last sign of a second manager */
	CHANGE_NAME_MAX = 80, /* bytes of what a message calls a gameserver */
};

struct scaler {
	struct ports ports;
	struct config config;
	struct policy policy;
	struct fleet fleet;
	struct journal *journal;
	struct instant now; /* of this turn, or of this observation */

	/* Time. */
	int64_t started_utc_ms;
	int64_t started_ms;
	int64_t turned_ms; /* the last turn, 0 none */
	int64_t turned_utc_ms;
	int64_t due_ms; /* the next turn */
	bool settled;

	/* The provider's list. */
	bool listing; /* a list is under way */
	bool listed;  /* a complete one has been seen */
	bool list_doubtful;
	bool list_confirm; /* something is absent: ask again soon */
	int list_failures; /* in a row */
	int64_t next_list_ms;
	int64_t frozen_until_ms;

	/* Launches. */
	int64_t *launched_ms; /* launches of the last hour, and perhaps older
				 ones */
	size_t nlaunched, launched_size;
	int64_t launch_failures; /* in a row */
	int64_t last_failure_ms;
	int64_t launch_not_before_ms;
	int64_t last_launch_ms;    /* INT64_MIN: none */
	char failure[DETAIL_SIZE]; /* of the last one, for people */

	/* The last decision. */
	struct decision decision;
	int64_t surplus_since_ms; /* -1: no surplus */
	char last_action[DETAIL_SIZE];
	int64_t last_action_utc_ms;

	/* Seats. */
	struct slots slots;
	bool slots_full;        /* said so */
	bool ledger_is_kept;    /* while loading: it is the rows' one */
	int64_t shortage;       /* of all ledgers */
	uint64_t shortage_seen; /* of this one's count */

	/* The store. */
	bool uncommitted; /* the last commit did not go through */
	int64_t committed_ms;
	size_t answered_from; /* index of the member whose answer is written
				 first; only for fairness */
	int64_t next_sample_ms;
};

/* ---- change.c ---- */

/* The only place where a state changes. */
void change_state(struct scaler *s, struct member *m, enum state to,
		  enum reason reason, const char *detail);
/* The deadline of the state that it is in: launching, starting. */
void change_set_deadline(struct scaler *s, struct member *m);
/* An event about a gameserver that is not a change of state. */
void change_note(struct scaler *s, int64_t gameserver, const char *kind,
		 const char *to, const char *detail);
/* A new gameserver with its recorded launch. False: it could not begin. */
bool change_launch(struct scaler *s, enum reason reason);
/* -> stopping, with a recorded stop; a pending launch of it is abandoned. */
void change_stop(struct scaler *s, struct member *m, enum reason reason,
		 const char *detail);
void change_finish(struct scaler *s, struct intent *o, enum op_result result,
		   const char *detail);
/* What a message calls a gameserver, CHANGE_NAME_MAX bytes at most: its
 * instance or, without one, the end of its ref, which in an ARN says more than
 * the beginning. */
const char *change_name(const char *instance, const char *ref);
/* Found with our mark, but no row knew it and it does not run yet. */
bool change_is_orphan(const struct member *m);
/* Says what becomes of an orphan, also when something else was said of it;
 * nothing if it is none. */
void change_alarm_orphan(struct scaler *s, const struct member *m);
/* No launch for so long, HOLD_MAX_MS at most. */
void change_hold_launches(struct scaler *s, int64_t ms);
/* A launch failed: counts it, once for all that began before the last one. */
void change_launch_failed(struct scaler *s, int64_t began_ms,
			  const char *detail);
void change_launch_succeeded(struct scaler *s);
void change_count_launch(struct scaler *s, int64_t ms);

/* ---- observe_*.c ---- */

/* Reads the clock: an observation is made now. (scaler.c) */
void scaler_observe(struct scaler *s);
/* The next turn is not after at_ms. (scaler.c) */
void scaler_turn_by(struct scaler *s, int64_t at_ms);
/* Takes over what the provider knows about it. */
void observe_sighting(struct member *m, const struct sighting *seen);
/* No list can be asked for now: it failed. */
void observe_no_list(struct scaler *s, const char *detail);
/* launching -> starting, as soon as it runs and its address is known. */
void observe_running(struct scaler *s, struct member *m,
		     const struct sighting *seen);

/* ---- view.c ---- */

/* Fills view with rows of `server`, which has room for all members. */
void view_build(const struct scaler *s, struct server_view *server,
		struct fleet_view *view);
enum health view_health(const struct scaler *s, const struct member *m);

/* ---- seats.c ---- */

/*
 * Handlers of the API count the seats that they grant in the ledger's cells;
 * here it is decided which cells they may use and how far.
 *
 * A gameserver gets a slot as soon as its address is known, with a generation
 * that no other ever had, before its row is committed; the slot is free again
 * when the row is committed as gone. Its cell is open only while a player may
 * be sent there: available, good or suspect, its host not leaving. It closes
 * before the commit that says so, so that no snapshot, however old, can grant
 * on it; it opens after the commit that makes it available.
 *
 * Each good answer makes a new limit (core/credit.h) that goes out with the
 * row. When the cell closes the limit is forgotten, and the answers that come
 * while it is closed make it anew, so that there is credit on its return.
 *
 * A cell that is not what it was left as (a new ledger, damage) begins anew,
 * with another generation and without credit for SEAT_HOLD_MS, for nobody
 * knows what was granted. Until a limit is known the gameserver is asked
 * often, and decide() counts the seats that it reported. A restart of scalerd
 * with the same ledger goes on with the rows' limits.
 */

/* Once a turn, before anything is decided: renews the ledger if it must be,
 * reads all cells. */
void seats_observe(struct scaler *s);
/* Before the commit: gives slots, closes cells. */
void seats_prepare(struct scaler *s);
/* After a commit: frees slots, tells the handlers, and opens cells, but for
 * those whose row waits for the next commit: a handler still has the limit of
 * before the cell was closed. */
void seats_committed(struct scaler *s);
/* A question goes out. */
void seats_ask(const struct scaler *s, struct member *m);
/* A good answer. */
void seats_answer(struct scaler *s, struct member *m,
		  const struct answer *answer);
/* It has no limit yet, or has seats but all are held for players who may be on
 * the way: the next answer may give credit. */
bool seats_is_waiting(const struct scaler *s, const struct member *m);
/* Seats that may be granted; those that it reported while its limit is not
 * known. */
int64_t seats_free(const struct member *m);
/* While loading: the fleet's row if there is one, before the gameservers'. */
void seats_load_fleet(struct scaler *s, const struct fleet_row *row);
void seats_load(struct scaler *s, struct member *m);

/* ---- record.c ---- */

/* Commits what changed. TURN_OK with s->uncommitted: try again next turn. */
enum turn_result record(struct scaler *s, struct err *err);

/* ---- act.c ---- */

void act_operations(struct scaler *s);
void act_list(struct scaler *s);
void act_questions(struct scaler *s);
/* When the next of these is due. */
int64_t act_next_ms(const struct scaler *s);
/* When a turn has to ask it, if none comes before. */
int64_t act_ask_by_ms(const struct scaler *s, const struct member *m);
/* The interval after which a gameserver is asked again, with jitter. */
int64_t act_poll_interval(const struct scaler *s, const struct member *m);

#endif
