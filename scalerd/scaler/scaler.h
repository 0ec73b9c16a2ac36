/* SPDX-License-Identifier: MIT */
/*
 * The scaler: observe -> decide -> record -> act, once a turn.
 *
 * It owns the rows of the fleet in memory, is told what the edges saw, and
 * when scaler_turn() is called it decides on all of it, commits what it
 * decided and only then lets calls go out. It blocks nowhere but in the
 * store's commit and runs in one thread.
 *
 * Life: scaler_new, scaler_load, then scaler_turn whenever scaler_due_ms, which
 * each turn and each observation may change, has come; scaler_free at any
 * moment (nothing is lost: a new scaler on the same store goes on).
 */
#ifndef GSM_SCALER_SCALER_H
#define GSM_SCALER_SCALER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/err.h"
#include "scalerd/scaler/ports.h"

enum {
	TURN_INTERVAL_MS = 1000, /* a turn at least so often: the heartbeat */
	TURN_GAP_MS = 50,        /* and not more often */
	TURN_JUMP_MS = 5000,     /* a turn so late means that we were suspended
				    or the clock jumped */
};

struct scaler;

/* Copies ports and config. NULL: out of memory. */
struct scaler *scaler_new(const struct ports *ports,
			  const struct config *config);
void scaler_free(struct scaler *scaler);

/* Reads the rows from the store. Once, before the first turn. */
NODISCARD bool scaler_load(struct scaler *scaler, struct err *err);

/* Takes over a configuration whose identity is the same (SIGHUP). */
void scaler_reconfigure(struct scaler *scaler, const struct config *config);

/* The observations. They change memory only; the next turn acts. */
void scaler_answered(void *scaler, const struct answer *answer);
void scaler_listed(void *scaler, const struct listing *listing);
void scaler_stepped(void *scaler, const struct step *step);
void scaler_nudged(void *scaler);

enum turn_result {
	TURN_OK,
	TURN_LOST,   /* another writer took over: end now, touch nothing */
	TURN_BROKEN, /* the store is beyond help: end now */
};

/* One turn. Not TURN_OK: err says why. */
enum turn_result scaler_turn(struct scaler *scaler, struct err *err);

/* CLOCK_BOOTTIME when the next turn is due, at most TURN_INTERVAL_MS after the
 * last one. The caller keeps TURN_GAP_MS: an observation is due at once. */
int64_t scaler_due_ms(const struct scaler *scaler);

#endif
