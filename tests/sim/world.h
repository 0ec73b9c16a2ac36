/* SPDX-License-Identifier: MIT */
/*
 * The simulated world around the real scaler: a clock, a store, a cloud of
 * machines, a network and players, all of it memory of one process, decided
 * by one seed.
 *
 *	world.c     the clock: what happens next, and the scaler's life in it
 *	faults.c    what goes wrong, and when
 *	cloud.c     the machines and what a list shows of them
 *	calls.c     the provider's launch and stop, step by step
 *	network.c   the prober: questions, answers, partitions
 *	players.c   the API's choice, arrivals, joins, departures
 *	ledger.c    the seat ledger, and the checks of its cells
 *	store.c     the store, and the checks of each commit
 *	rules.c     what must never happen: checks of one row's change
 *	rules_fleet.c  the same for operations and for the fleet
 *	quiet.c     the quiet end of a history and what must hold there
 *	trace.c     the last lines of what happened
 *
 * Truth is what the world knows; what the scaler knows is what the ports told
 * it. The checks compare the two.
 */
#ifndef GSM_SIM_WORLD_H
#define GSM_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "scalerd/core/health.h"
#include "scalerd/core/model.h"
#include "scalerd/scaler/ports.h"
#include "scalerd/scaler/scaler.h"
#include "tests/sim/agenda.h"
#include "tests/sim/rng.h"

enum {
	VMS_MAX = 400,
	PLAYERS_MAX = 512,
	CALLS_MAX = 256,
	QUESTIONS_MAX = 256,
	ROWS_MAX = 600,
	OPS_MAX = 1200,
	LAUNCHES_MAX = 600,
	TRACE_LINES = 40,
	TRACE_LINE_SIZE = 240,
	TRACE_TEXT_SIZE = 200,
	ABSENT_ROUNDS = 3,
	ABSENT_MS = 30000,
	LIST_LAG_MAX_MS = 25000, /* < ABSENT_MS */
	LIST_MISSES_MAX = 2,     /* < ABSENT_ROUNDS */
	GRANT_LAG_MAX_MS = 1000, /* age of the API's snapshot */
	HUNG_GIVE_UP_MS = 30000, /* a player leaves a game that froze */
	CALL_LATE_MAX_MS = 30000,
	CALL_ANSWER_LATE_MAX_MS = 90000,
	PROBE_LATENCY_MAX_MS = 400,
	PLAYER_STAY_MS = 300000, /* on average */
	SLOTS_MAX = 24,          /* of the ledger */
};

/* ---- what goes wrong --------------------------------------------------- */

enum fault {
	FAULT_VM_DIES,
	FAULT_VM_HANGS,
	FAULT_VM_WRONG, /* answers nonsense for a while */
	FAULT_HOST_LEAVES,
	FAULT_HOST_SHARED,
	FAULT_FOREIGN,     /* an unmarked gameserver appears */
	FAULT_BAD_BOOT,    /* machines never run or never answer */
	FAULT_PARTITION,   /* no question is answered */
	FAULT_LOCAL_ERROR, /* our own sockets fail */
	FAULT_REFUSE,      /* launches are refused */
	FAULT_UNKNOWN,     /* calls end unknown, acted or not */
	FAULT_SLOW,        /* calls take long */
	FAULT_LIST,        /* lists fail, are partial or empty */
	FAULT_LAG,         /* lists miss machines, within the contract */
	FAULT_BUSY,        /* the store can't commit */
	FAULT_KILL,        /* scalerd dies at a port's call */
	FAULT_PAUSE,       /* scalerd stands still, time goes on */
	FAULT_UTC,         /* the wall clock jumps */
	FAULT_RECONFIGURE, /* SIGHUP with other margins */
	FAULT_FENCED,      /* another writer takes the store over */
	FAULT_AMNESIA,     /* the database is deleted while scalerd is down */
	FAULT_LEDGER,      /* the ledger is lost or full of garbage */
	FAULT_SLEEPER,     /* a process of the API stands still */
	FAULT_CROWD,       /* more players */
	FAULT_LULL,        /* none */
	FAULT_COUNT
};

/* ---- the cloud --------------------------------------------------------- */

struct vm {
	bool alive, ours;
	char ref[32];
	char mark[MARK_SIZE];
	int64_t created_ms;
	int64_t listed_from_ms; /* no list shows it before */
	int64_t runs_ms;        /* its address is known */
	int64_t answers_ms;     /* it listens */
	int64_t died_ms;
	bool hung, wrong, leaving, shares_host;
	bool told_shared; /* a list told the scaler that lives */
	bool stopping;    /* by the scaler's call */
	bool task;        /* asked to run its task (providers with two steps) */
	int64_t hung_since_ms;
	int64_t recovers_ms; /* INT64_MAX: not planned */
	bool seen;           /* a list showed it */
	int missed;          /* complete lists in a row that did not */
	int64_t capacity, players, on_the_way;
	int64_t excuses;     /* players who took a seat that no grant within
				the rules had kept for them */
	int64_t turned_away; /* who came as they should and found it full */
	/* What it told the scaler that lives, for the checks. */
	int64_t proofs;  /* ready answers in a row, asked JOIN_GRACE after it
			    went to standby */
	int answers;     /* of any kind, since the scaler's start or jump */
	int64_t good_ms; /* when it last answered well */
};

/* A call to launch or stop that is under way. */
struct call {
	bool open;
	uint64_t generation; /* whose scaler waits for it */
	enum op_kind kind;
	char operation[MARK_SIZE];
	char ref[REF_SIZE]; /* of the row that it is about */
	char mark[MARK_SIZE];
	size_t phase; /* in the table of phases */
	bool acts;    /* its step takes effect when its time comes */
	bool told;    /* the answer says what came of it, or else unknown */
	/* What came of it. */
	enum step_result result;
	size_t next_phase;
	int64_t wait_ms;
	size_t vm; /* VMS_MAX: none */
};

struct cloud {
	struct vm vm[VMS_MAX];
	size_t nvm;
	bool two_steps; /* as EC2 and ECS; else as local processes */
	struct call call[CALLS_MAX];
	bool list_open;
	uint64_t list_generation;
	char refused[LAUNCHES_MAX][MARK_SIZE]; /* never act any more */
	size_t nrefused;
};

/* ---- players ----------------------------------------------------------- */

struct player {
	enum { PLAYER_NONE, PLAYER_ON_THE_WAY, PLAYER_IN } state;
	uint64_t serial;
	size_t vm;
	int64_t joined_ms;
	bool kept; /* a grant within the limit keeps a seat, and they come in
		      time */
};

/* ---- the ledger -------------------------------------------------------- */

struct seat_ledger {
	uint64_t epoch;
	int64_t made_ms;
	bool lost;    /* its file is, or its header: to be renewed */
	bool damaged; /* cells were, since the scaler's last turn */
	int64_t damaged_ms;
	uint64_t shortage;
	struct ledger_cell cell[SLOTS_MAX];
};

/* ---- network ----------------------------------------------------------- */

struct open_question {
	bool open;
	uint64_t generation;
	size_t vm; /* VMS_MAX: nobody lives there */
	struct answer answer;
};

/* ---- store ------------------------------------------------------------- */

struct stored_row {
	struct gameserver row;
	enum health health; /* the word, as a database keeps it */
	size_t vm;          /* VMS_MAX: not known yet */
	int64_t state_ms; /* when its state was committed, by the true clock */
	/* What a snapshot from before the last change showed. */
	int64_t shown_changed_ms;
	struct gameserver_shown {
		bool listed, good;
		int64_t seats;
		int64_t slot, generation, limit;
	} shown, shown_before;
};

struct stored_op {
	struct operation op;
	int64_t created_ms; /* the true clock */
};

struct stored {
	struct stored_row *row; /* ROWS_MAX */
	size_t nrow;
	struct stored_op *op; /* OPS_MAX */
	size_t nop;
	struct fleet_row fleet;
	bool has_fleet;
	int64_t epoch_before; /* what fleet.ledger_epoch was */
	int64_t epoch_changed_ms;
	bool fenced;
	int64_t committed_ms;
	int64_t failed_ms; /* the last commit that did not go through */
	bool late;         /* the last commit did not go through: what comes was
			      decided earlier */
	int64_t last_id;   /* the highest row id ever */
	int64_t launch_ms[LAUNCHES_MAX]; /* when each was committed */
	size_t nlaunch;
	int64_t refusals;   /* rounds of refused launches, none done between */
	int64_t refused_ms; /* the last refusal */
};

/* A process of the API that stands still, with what it knew. */
struct sleeper {
	int64_t epoch, heartbeat_ms, slept_ms;
	size_t n;
	struct {
		struct gameserver_shown shown;
		size_t vm;
	} row[SLOTS_MAX];
};

/* ---- the history ------------------------------------------------------- */

enum phase {
	PHASE_FAULTS,  /* everything may go wrong */
	PHASE_QUIET,   /* nothing does; players stay where they are */
	PHASE_RESTART, /* scalerd starts again, nothing else changes */
	PHASE_EMPTY,   /* everybody has left */
	PHASE_OVER,
};

struct world {
	uint64_t seed;
	bool verbose;
	struct rng rng;        /* the world's */
	struct rng scaler_rng; /* what the scaler draws from */
	int64_t now_ms;
	int64_t utc_offset_ms;
	enum phase phase;
	struct agenda agenda;

	struct config config;
	int64_t most_max_servers; /* in the whole history */
	int64_t most_per_hour;    /* likewise */
	struct ports ports;
	struct scaler *scaler; /* NULL: down */
	uint64_t generation;   /* how often it was started */
	int64_t started_ms, turn_due_ms, last_turn_ms, paused_until_ms;
	int64_t settled_from_ms; /* rounds count from here */
	int64_t launches_this_turn;
	int64_t surplus_from_ms; /* 0: none */
	int64_t unprepared_ms;   /* when a launch could not begin, last */
	int64_t cut_off_ms;      /* when nobody answered, last */
	bool list_is_good;       /* the last list that it was given */
	bool has_list;           /* it was given a complete one */
	bool killed;      /* it is dead; what it still does has no effect */
	int64_t kill_in;  /* port calls until it dies, 0: never */
	bool kill_before; /* before that call's effect */
	bool amnesia;     /* the store is empty at the next start */
	int64_t amnesia_ms;
	bool lists_are_true; /* until the first one after amnesia */

	bool enabled[FAULT_COUNT];     /* in this history */
	int64_t until_ms[FAULT_COUNT]; /* under way until then */
	int list_fault;                /* cloud.c: enum list_fault */
	int64_t partition_from_ms;
	int64_t utc_jumped_ms;

	struct cloud cloud;
	struct player player[PLAYERS_MAX];
	uint64_t player_serial;
	int64_t arrival_gap_ms; /* mean */
	int64_t fault_gap_ms;   /* at most */
	bool is_strict;         /* all come in time, nobody by the list */
	struct sleeper sleeper;
	struct seat_ledger ledger, ledger_before;
	struct open_question question[QUESTIONS_MAX];
	struct stored store;

	int postponed;    /* how often the quiet had to wait */
	size_t quiet_nop; /* operations when PHASE_RESTART began */
	enum state quiet_state[ROWS_MAX];
	struct world_figures {
		int64_t launches, stops, kills, players, refused, turns;
		int64_t standbys, backs, kept, turned_away, renewals;
	} figures;

	bool violated;
	char violation[TRACE_TEXT_SIZE];
	char trace[TRACE_LINES][TRACE_LINE_SIZE];
	size_t ntrace;
};

/* trace.c */
void trace(struct world *world, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Notes that what must never happen did; the first one counts. */
void violate(struct world *world, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void trace_print(const struct world *world);
/* Whose log lines go into the trace. */
void trace_log_of(struct world *world);

/* world.c */
/* Lives one history to its end or to its first violation. */
void world_run(struct world *world, uint64_t seed, bool verbose);
void world_free(struct world *world);
void world_plan(struct world *world, int64_t at_ms, enum moment_kind kind,
		size_t what, uint64_t serial);
bool world_is_on(const struct world *world, enum fault fault);
int64_t world_utc_ms(const struct world *world);
struct health_rule world_health_rule(const struct world *world);
void world_start_scaler(struct world *world);
void world_stop_scaler(struct world *world, int64_t down_ms);
/* What a port's call may still do. */
enum gate { GATE_OPEN, GATE_LAST, GATE_SHUT };
enum gate world_enter_port(struct world *world);
void world_leave_port(struct world *world, enum gate gate);
/* Whether an observation for this scaler can be delivered now; if it only
 * stands still, the moment is planned again for when it goes on. */
bool world_can_deliver(struct world *world, const struct moment *moment,
		       uint64_t generation);
void world_observed(struct world *world);
/* From now on rounds are counted anew before anything is taken away. */
void world_unsettle(struct world *world);

/* faults.c */
void faults_choose(struct world *world);
void faults_happen(struct world *world, const struct moment *moment);
void faults_over(struct world *world, const struct moment *moment);
void faults_end_all(struct world *world);
/* It just gave a proof that it is empty: a good moment to fall silent. */
void faults_after_proof(struct world *world, size_t vm);
void faults_vm_recovers(struct world *world, const struct moment *moment);
void config_choose(struct world *world, bool again);

/* cloud.c */
struct provider_port cloud_port(struct world *world);
size_t cloud_add_vm(struct world *world, const char *mark, bool ours);
size_t cloud_find_mark(const struct cloud *cloud, const char *mark);
size_t cloud_find_ref(const struct cloud *cloud, const char *ref);
void cloud_vm_dies(struct world *world, size_t vm, const char *why);
void cloud_vm_ends(struct world *world, const struct moment *moment);
void cloud_listed(struct world *world, const struct moment *moment);
void cloud_see(const struct world *world, const struct vm *vm,
	       struct sighting *out);
/* Nothing is being made: every machine is listed, no call is under way. */
bool cloud_is_still(const struct world *world);
int64_t cloud_count_ours(const struct world *world);

/* calls.c */
bool calls_prepare(void *self, const struct gameserver *gameserver,
		   struct operation *operation, struct err *err);
void calls_launch(void *self, const struct operation *operation,
		  const struct gameserver *gameserver);
void calls_stop(void *self, const struct operation *operation,
		const struct gameserver *gameserver);
void calls_act(struct world *world, const struct moment *moment);
void calls_answer(struct world *world, const struct moment *moment);

/* network.c */
bool network_ask(void *self, const struct question *question);
void network_answer(struct world *world, const struct moment *moment);

/* players.c */
void players_arrive(struct world *world, const struct moment *moment);
void players_join(struct world *world, const struct moment *moment);
void players_leave(struct world *world, const struct moment *moment);
void players_drop(struct world *world, size_t vm);
void players_give_up(struct world *world, size_t vm);
void players_all_leave(struct world *world);
void players_fall_asleep(struct world *world);
void players_wake_up(struct world *world);

/* ledger.c */
struct ledger_port ledger_port_of(struct world *world);
/* scalerd starts: the file that the rows are about is kept. */
void ledger_start(struct world *world);
struct seat_ledger *ledger_mapped(struct world *world, int64_t age_ms);
/* Seats that may be granted by what is shown. */
int64_t ledger_credit(const struct seat_ledger *ledger,
		      const struct gameserver_shown *shown);
bool ledger_is_open(const struct seat_ledger *ledger,
		    const struct gameserver_shown *shown);
void ledger_suffers(struct world *world);
void ledger_check_row(struct world *world, const struct gameserver *row);

/* store.c */
struct store_port store_port_of(struct world *world);
struct stored_row *store_row(struct world *world, int64_t id);
/* The row, not gone, of that machine, or NULL. */
struct stored_row *store_row_of_vm(struct world *world, size_t vm);
struct stored_op *store_op(struct world *world, const char *id);
struct gameserver_shown store_shown(const struct world *world,
				    const struct stored_row *row,
				    int64_t age_ms);
int64_t store_epoch_shown(const struct world *world, int64_t age_ms);
/* Players may be sent there. */
bool store_may_be_granted(const struct gameserver *row, enum health health);
bool store_is_granted(const struct stored_row *row);
void store_forget(struct world *world);

/* rules.c: each is asked before the batch is applied */
void rules_row(struct world *world, const struct batch *batch,
	       const struct gameserver *row);
void rules_op(struct world *world, const struct batch *batch,
	      const struct operation *op);
/* After the batch was applied. */
void rules_fleet(struct world *world, int64_t launches);
/* Nobody plays there or is on the way: what a stop needs. */
void rules_nobody_there(struct world *world, size_t vm, const char *what);

/* The row as it is after this batch. */
const struct gameserver *rules_row_after(struct world *world,
					 const struct batch *batch, int64_t id);
/* Nobody answers, for longer than the scaler needs to see it. */
bool rules_is_cut_off(const struct world *world);

/* quiet.c */
void quiet_phase(struct world *world, const struct moment *moment);

#endif
