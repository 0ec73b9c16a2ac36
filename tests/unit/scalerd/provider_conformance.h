/* SPDX-License-Identifier: MIT */
/*
 * What every provider must do (scalerd/scaler/ports.h), as cmocka tests that
 * run against any of them.
 *
 * A test program fills in the first part of struct conformance in its setup
 * and puts CONFORMANCE_TESTS(setup, teardown) into its UNIT_MAIN; *state is
 * the struct conformance. Its own tests may use the functions below, too.
 */
#ifndef GSM_TESTS_PROVIDER_CONFORMANCE_H
#define GSM_TESTS_PROVIDER_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scalerd/scaler/ports.h"

enum {
	CONFORMANCE_SEEN_MAX = 256,
	CONFORMANCE_ROWS_MAX = 16,
	CONFORMANCE_STEPS_MAX = 8,
	CONFORMANCE_DEADLINE_MS = 20000, /* for anything to come true */
};

struct conformance {
	/* Filled in by the test program. */
	void *world;
	/* Opens the provider on the world with c->sink, and sets c->port. */
	void (*open)(struct conformance *c);
	/* Closes it; what runs goes on running. */
	void (*close)(struct conformance *c);
	/* Lets time pass, at most `ms`, less when something happened. */
	void (*pass)(struct conformance *c, int64_t ms);
	/* The most that STEP_WAIT is waited for; 0: as long as it says. */
	int64_t wait_max_ms;

	/* Set by open. */
	struct provider_port port;

	/* Set by conformance_begin: what the provider answered. */
	struct port_sink sink;
	bool in_call; /* a call of the port is running: no answer now */
	struct listing listing;
	struct sighting seen[CONFORMANCE_SEEN_MAX];
	size_t nlisted; /* answers to list, ever */
	struct step step[CONFORMANCE_STEPS_MAX];
	size_t nstepped; /* answers to launch and stop, ever */
	size_t nnudged;
	/* The operations' rows, as the scaler keeps them: that of operation o
	 * is row[o.gameserver - 1]. */
	struct gameserver row[CONFORMANCE_ROWS_MAX];
	size_t nrow;
};

/* Call it in setup, once the first part is filled in: opens the provider. */
void conformance_begin(struct conformance *c);
void conformance_reopen(struct conformance *c);

/* A new operation of this kind with an id of its own, prepared. `gameserver`
 * is NULL for a launch. */
void conformance_prepare(struct conformance *c, enum op_kind kind,
			 const struct gameserver *gameserver,
			 struct operation *operation);

/* Lists and waits for the answer. */
void conformance_try_list(struct conformance *c);
/* The same, and wants it complete. */
void conformance_list(struct conformance *c);
/* The gameserver that bears this mark in the last list: NULL if it is not
 * there or gone. */
const struct sighting *conformance_find(const struct conformance *c,
					const char *mark);

/* Takes one step, waits for its answer, and applies it to the operation and
 * its row as the scaler does. The answer is c->step[0]. */
const struct step *conformance_step(struct conformance *c,
				    struct operation *operation);
/* Takes steps until the operation is done or refused. */
enum step_result conformance_finish(struct conformance *c,
				    struct operation *operation);

/* Launches one and waits until it is listed as running. Fills in the row as
 * the scaler does, and the operation. */
void conformance_launch(struct conformance *c, struct operation *operation,
			struct gameserver *gameserver);

void conformance_port_is_complete(void **state);
void conformance_prepare_does_nothing(void **state);
void conformance_answers_come_later_and_once(void **state);
void conformance_launched_one_is_listed_as_ours(void **state);
void conformance_replayed_launch_makes_no_second(void **state);
void conformance_two_launches_make_two(void **state);
void conformance_reopened_finds_the_same(void **state);
void conformance_launch_goes_on_after_reopening(void **state);
void conformance_stop_ends_it_and_no_other(void **state);
void conformance_stop_goes_on_after_reopening(void **state);
void conformance_stop_of_what_is_not_there_is_done(void **state);

#define CONFORMANCE_TEST(f, setup, teardown)                                   \
	cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CONFORMANCE_TESTS(s, t)                                                \
	CONFORMANCE_TEST(conformance_port_is_complete, s, t),                  \
	    CONFORMANCE_TEST(conformance_prepare_does_nothing, s, t),          \
	    CONFORMANCE_TEST(conformance_answers_come_later_and_once, s, t),   \
	    CONFORMANCE_TEST(conformance_launched_one_is_listed_as_ours, s,    \
			     t),                                               \
	    CONFORMANCE_TEST(conformance_replayed_launch_makes_no_second, s,   \
			     t),                                               \
	    CONFORMANCE_TEST(conformance_two_launches_make_two, s, t),         \
	    CONFORMANCE_TEST(conformance_reopened_finds_the_same, s, t),       \
	    CONFORMANCE_TEST(conformance_launch_goes_on_after_reopening, s,    \
			     t),                                               \
	    CONFORMANCE_TEST(conformance_stop_ends_it_and_no_other, s, t),     \
	    CONFORMANCE_TEST(conformance_stop_goes_on_after_reopening, s, t),  \
	    CONFORMANCE_TEST(conformance_stop_of_what_is_not_there_is_done, s, \
			     t)

#endif
