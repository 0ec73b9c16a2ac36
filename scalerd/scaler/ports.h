/* SPDX-License-Identifier: MIT */
/*
 * Everything that the scaler reaches outside its own memory: a clock, a
 * store, a provider and a prober. The shipped edges (scalerd/edge) stand
 * behind these ports in production; a simulated cloud in virtual time stands
 * behind them in tests/sim. The scaler itself is the same code in both.
 *
 * Data flows one way. The scaler calls a port; whatever comes of it is told to
 * the scaler later, through the functions that scaler.h declares
 * (scaler_answered, scaler_listed, scaler_stepped), never from inside the
 * call, and exactly once for each call.
 */
#ifndef GSM_SCALER_PORTS_H
#define GSM_SCALER_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/err.h"
#include "common/ledger.h"
#include "scalerd/core/model.h"

/* ---- clock ------------------------------------------------------------- */

struct instant {
	int64_t ms;     /* CLOCK_BOOTTIME, for intervals */
	int64_t utc_ms; /* CLOCK_REALTIME, for people */
};

struct clock_port {
	void *self;
	struct instant (*now)(void *self);
	uint64_t (*random)(void *self); /* uniform; ids and jitter */
};

/* ---- store ------------------------------------------------------------- */

/* The one row about the fleet as a whole. */
struct fleet_row {
	int64_t heartbeat_utc_ms;
	int64_t heartbeat_ms; /* CLOCK_BOOTTIME of the heartbeat */
	int64_t started_utc_ms;
	int64_t last_id; /* the greatest gameserver id ever given */
	int64_t free, coming, serving, live;
	int64_t count[STATE_COUNT];
	int64_t upscale_margin, downscale_margin, server_capacity;
	int64_t min_servers, max_servers;
	int64_t stale_after_ms;
	bool panic;
	char limited_by[24]; /* what holds launches back, "" nothing */
	char last_action[DETAIL_SIZE]; /* what the scaler last did and why */
	int64_t last_action_utc_ms;
	int64_t launch_failures; /* in a row, for the backoff */
	int64_t launch_not_before_utc_ms;
	int64_t last_launch_utc_ms; /* 0: never */
	int64_t ledger_epoch;       /* of the ledger that grant_limit is for */
	int64_t last_generation;    /* the greatest ever given */
	int64_t shortage;           /* requests that found no seat, ever */
	int64_t allocation;         /* enum config_allocation */
};

/* Something that an operator should look at, for as long as it is there. */
struct alarm {
	const char *name;   /* static, e.g. "launch_failing" */
	int64_t gameserver; /* 0: the fleet */
	bool raised;        /* false: it is over, the row goes */
	int64_t at_utc_ms;
	char message[DETAIL_SIZE];
};

/* One line of capacity_history. */
struct sample {
	int64_t at_utc_ms;
	int64_t free, coming;
	int64_t count[STATE_COUNT];
};

/* What one turn writes, all of it or nothing. */
struct batch {
	const struct fleet_row *fleet; /* never NULL */
	const struct gameserver *const *gameserver;
	size_t ngameserver; /* rows to insert or to replace, by id */
	size_t nanswered;   /* the last so many of them are in the store and
			       differ only by what an answer changes: health,
			       score, heard, seats, most_seats, ready_to_close,
			       answered_utc_ms, grant_limit */
	const struct operation *const *operation;
	size_t noperation; /* likewise, by id */
	const struct event *event;
	size_t nevent;
	const struct alarm *alarm;
	size_t nalarm;
	const struct sample *sample; /* NULL: none this turn */
};

enum store_result {
	STORE_OK,     /* durable */
	STORE_BUSY,   /* nothing written: lock held, disk full; try again */
	STORE_LOST,   /* another writer took over: this process must end */
	STORE_BROKEN, /* nothing written and no retry helps: must end */
	STORE_RESET,  /* the database was begun anew: nothing of the past is in
			 it any more and this batch was not written: commit again
			 with every row that memory holds */
};

/* Receives what the store holds, row by row, before the first turn. */
struct store_rows {
	void *arg;
	void (*fleet)(void *arg, const struct fleet_row *row);
	void (*gameserver)(void *arg, const struct gameserver *row);
	void (*operation)(void *arg, const struct operation *row);
	void (*alarm)(void *arg, const struct alarm *row);
};

struct store_port {
	void *self;
	/* Every gameserver that is not gone or went within the last hour, or
	 * that a pending operation is about; every pending operation and every
	 * launch of the last hour; the alarms that are raised; the fleet row if
	 * there is one. `utc_ms` is now. Rows and their texts live only during
	 * the call. */
	bool (*load)(void *self, int64_t utc_ms, const struct store_rows *rows,
		     struct err *err);
	enum store_result (*commit)(void *self, const struct batch *batch,
				    struct err *err);
	/* Whether this process is still the only writer: asked before a call
	 * goes out when the last commit is not from just now. False: it is not
	 * or it can't be told; the next commit says which. */
	bool (*is_writer)(void *self);
};

/* ---- ledger ------------------------------------------------------------ */

/*
 * The seat ledger (common/ledger.h) as the scaler sees it. A slot belongs to
 * one gameserver at a time; its generation says which.
 *
 * read     The cell: what was granted. A generation that is not the row's
 *          means that the ledger is not ours any more: `renew`.
 * assign   A new gameserver has the slot: closed, nothing granted.
 * close,   Returns the cell afterwards: after closing, granted is final.
 * open
 * renew    Makes a new ledger with another epoch when the file is missing,
 *          replaced or damaged; true: it did, every cell is closed and
 *          unassigned and `epoch` is another. In the one before every cell
 *          is closed, for who still has it mapped.
 * announce After a commit: handlers look at the database.
 */
struct ledger_port {
	void *self;
	uint32_t nslot;
	uint64_t (*epoch)(void *self); /* what the fleet row is to say */
	struct ledger_cell (*read)(void *self, uint32_t slot);
	void (*assign)(void *self, uint32_t slot, uint32_t generation);
	struct ledger_cell (*close)(void *self, uint32_t slot);
	struct ledger_cell (*open)(void *self, uint32_t slot);
	uint64_t (*shortage)(void *self);
	bool (*renew)(void *self);
	void (*announce)(void *self);
};

/* ---- prober ------------------------------------------------------------ */

enum answer_kind {
	ANSWER_GOOD,        /* understood; seats and ready_to_close are set */
	ANSWER_WRONG,       /* the peer lives, the answer is unusable */
	ANSWER_REFUSED,     /* the host lives, nobody listens */
	ANSWER_TIMEOUT,     /* nothing in time, or unreachable */
	ANSWER_LOCAL_ERROR, /* our own trouble: says nothing about the peer */
	ANSWER_COUNT
};

struct question {
	int64_t gameserver;
	const char *ip;
	int port;
	const char *told_state; /* X-Gameserver-State: available or standby */
	bool suspect;           /* goes to the suspects' lane */
};

struct answer {
	int64_t gameserver;
	enum answer_kind kind;
	int64_t asked_ms; /* CLOCK_BOOTTIME when the request went out */
	int64_t seats;    /* available_capacity */
	int64_t joined;   /* joined_total; -1: not reported */
	bool ready_to_close;
	char detail[DETAIL_SIZE]; /* why not good, for people */
};

struct prober_port {
	void *self;
	/* False: no room now, nothing was asked; ask again next turn. Texts are
	 * copied. One question per gameserver may be open. */
	bool (*ask)(void *self, const struct question *question);
};

/* ---- provider ---------------------------------------------------------- */

/* One gameserver as the provider sees it. */
struct sighting {
	char ref[REF_SIZE];
	char mark[MARK_SIZE]; /* the operation in its mark, "" without one */
	bool ours;            /* bears this fleet's mark */
	char instance[INSTANCE_SIZE];
	char ip[IP_SIZE]; /* "" while unknown */
	int port;         /* 0 while unknown */
	char address[ADDRESS_SIZE];
	bool running;     /* has an address and serves, or should */
	bool gone;        /* the provider says that it ended */
	bool leaving;     /* ending by itself: host draining, task stopping */
	bool shares_host; /* another task runs on its instance */
};

struct listing {
	bool complete; /* false: failed or partial; the sightings are worthless
			*/
	int64_t asked_ms;
	const struct sighting *sighting;
	size_t nsighting;
	char detail[DETAIL_SIZE]; /* why it is not complete */
};

enum step_result {
	STEP_DONE,    /* the operation is finished */
	STEP_NEXT,    /* acted; record `phase` and `request`, then call again */
	STEP_WAIT,    /* nothing to record; call again after wait_ms */
	STEP_REFUSED, /* surely did not act and never will; detail says why. A
			 launch: the next one not before wait_ms */
	STEP_UNKNOWN, /* may have acted: replay the same bytes, or look it up */
};

/* What one call of launch or stop came to. */
struct step {
	enum step_result result;
	char operation[MARK_SIZE];
	char phase[PHASE_SIZE];     /* STEP_NEXT */
	char request[REQUEST_SIZE]; /* STEP_NEXT */
	int64_t wait_ms;            /* STEP_WAIT, STEP_REFUSED */
	bool sighted;               /* `sighting` says what is known of the
				       gameserver, whatever the result */
	struct sighting sighting;
	char detail[DETAIL_SIZE];
};

/* A gameserver that a row is about, for the list. "" for what is not known. */
struct known {
	const char *mark;
	const char *ref;
};

/*
 * A provider makes, finds and ends gameservers. It observes and acts; it
 * decides nothing and keeps nothing that a restart could not find again.
 *
 * prepare  Fills phase and request of a new operation: the exact bytes that
 *          its first step will send. No side effects. False: it can't be
 *          launched or stopped at all now; err says why.
 * list     Everything that bears the fleet's mark or belongs to its family, and
 *          what became of the known. Answered by scaler_listed. Not called
 *          again before the answer. The array lives only during the call.
 * launch,  Take ONE step of a recorded operation: send op->request in
 * stop     op->phase. Answered by scaler_stepped. Idempotent on op->id:
 *          a step that already acted finds what it made. Not called again for
 *          the same operation before the answer.
 *
 * reconfigure  Other options count from now on; recorded operations go on as
 *          they are.
 * close    Frees it; what runs goes on running.
 *
 * absent_rounds: so many complete lists in a row must miss a gameserver
 * before it is gone (when the provider does not say `gone` itself).
 * absent_ms: and so long since the first of them.
 */
struct provider_port {
	void *self;
	const char *name; /* "local", "ecs" */
	int64_t list_interval_ms;
	int64_t confirm_interval_ms; /* the same, while something is absent */
	int absent_rounds;
	int64_t absent_ms;
	bool (*prepare)(void *self, const struct gameserver *gameserver,
			struct operation *operation, struct err *err);
	void (*list)(void *self, const struct known *known, size_t nknown);
	void (*launch)(void *self, const struct operation *operation,
		       const struct gameserver *gameserver);
	void (*stop)(void *self, const struct operation *operation,
		     const struct gameserver *gameserver);
	void (*reconfigure)(void *self, const struct config *config);
	void (*close)(void *self);
};

/* What the edges tell the scaler; `arg` is the scaler. Each is called from
 * the event loop, never from inside a port's call. */
struct port_sink {
	void *arg;
	void (*answered)(void *arg, const struct answer *answer);
	void (*listed)(void *arg, const struct listing *listing);
	void (*stepped)(void *arg, const struct step *step);
	/* The provider noticed an end by itself: list at once. */
	void (*nudged)(void *arg);
};

struct ports {
	struct clock_port clock;
	struct store_port store;
	struct ledger_port ledger;
	struct prober_port prober;
	struct provider_port provider;
};

#endif
