/* SPDX-License-Identifier: MIT */
/*
 * The small world of the scaler's tests (scaler_bench.h): the gameservers that
 * run, what the store and the ledger keep, what was asked and called. Tests
 * bend it by setting the members of its bench.
 */
#ifndef GSM_TESTS_SCALER_BENCH_WORLD_H
#define GSM_TESTS_SCALER_BENCH_WORLD_H

#include "tests/unit/unit.h"

#include "scalerd/scaler/scaler.h"

/* A test that needs more gameservers defines it first. */
#ifndef BENCH_RUNNERS
#define BENCH_RUNNERS 16
#endif

enum {
	RUNNERS_MAX = BENCH_RUNNERS,
	STORED_MAX = 4 * RUNNERS_MAX,
	CALLS_MAX = 64,
	ANSWER_MS = 50, /* from a turn to the answers to what it asked, and
			   from these to the next turn */
	PORT_FIRST = 100,
	PATIENCE_MS = 1800000, /* RUN_UNTIL gives up */
	CAPACITY = 10,
	HOLD_MS = 1000, /* SEAT_HOLD */
	SLOTS = 2 * RUNNERS_MAX,
};

/* A gameserver that runs, whether or not anybody knows it. */
struct runner {
	struct sighting seen;
	bool hidden;                 /* no list shows it */
	enum answer_kind answers[2]; /* given in turn */
	int64_t seats;
	int64_t joined; /* -1: it does not say */
	bool ready_to_close;
	int nanswer;
};

struct stored_row {
	struct gameserver row;
	int64_t state_ms; /* when the commit came that shows this state */
};

struct call {
	enum op_kind kind;
	char operation[MARK_SIZE];
	int64_t gameserver;
	char ref[REF_SIZE]; /* of the gameserver, as the call had it */
	int64_t ms;
	bool open;
};

struct open_question {
	int64_t gameserver, asked_ms;
	int port;
	bool suspect;
};

/* What a list was told of a row. */
struct told_row {
	char mark[MARK_SIZE];
	char ref[REF_SIZE];
};

struct bench {
	struct config config;
	struct scaler *scaler;
	struct err err;
	int64_t now_ms;
	uint64_t random;

	/* The store. */
	enum store_result result; /* of the commits from now on; STORE_RESET
				     once only */
	enum state
	    refused_state; /* a batch that shows one in that state is
			      answered by STORE_BUSY; STATE_COUNT: none */
	bool not_writer;
	int writer_checks;
	int ncommit;
	size_t nwritten; /* rows of gameservers, by all commits */
	struct fleet_row fleet;
	struct stored_row row[STORED_MAX];
	struct operation operation[STORED_MAX];
	struct alarm alarm[STORED_MAX]; /* raised or over */
	size_t nrow, noperation, nalarm;

	/* The ledger. */
	uint64_t epoch;
	struct ledger_cell cell[SLOTS];
	uint64_t shortage;
	bool ledger_lost; /* the next renew makes another */
	int nannounce;

	/* The prober. */
	bool prober_full;
	struct open_question question[RUNNERS_MAX];
	size_t nquestion;

	/* The provider. */
	bool prepare_fails;
	bool list_held, list_fails;
	bool list_open;
	int64_t list_asked_ms;
	struct told_row known[STORED_MAX]; /* of the last list */
	size_t nknown;
	int nlist;                /* complete ones that were answered */
	bool held[OP_KIND_COUNT]; /* its calls stay open */
	enum step_result outcome[OP_KIND_COUNT];
	int64_t wait_ms;       /* of its steps */
	int64_t call_takes_ms; /* passes inside of each call */
	struct call call[CALLS_MAX];
	size_t ncall;
	struct runner runner[RUNNERS_MAX];
	size_t nrunner;
};

#endif
