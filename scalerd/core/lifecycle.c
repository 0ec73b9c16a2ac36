/* SPDX-License-Identifier: MIT */
#include "scalerd/core/lifecycle.h"

#include <assert.h>

#include "scalerd/core/names.h"

static const char *const state_names[STATE_COUNT] = {
    [STATE_LAUNCHING] = "launching", [STATE_STARTING] = "starting",
    [STATE_AVAILABLE] = "available", [STATE_STANDBY] = "standby",
    [STATE_STOPPING] = "stopping",   [STATE_GONE] = "gone",
};

static const char *const reason_names[REASON_COUNT] = {
    [REASON_NONE] = "none",
    [REASON_BELOW_MARGIN] = "below_margin",
    [REASON_BELOW_MIN] = "below_min",
    [REASON_ADOPTED] = "adopted",
    [REASON_LAUNCHED] = "launched",
    [REASON_ANSWERED] = "answered",
    [REASON_SURPLUS] = "surplus",
    [REASON_PROVEN_EMPTY] = "proven_empty",
    [REASON_LAUNCH_REFUSED] = "launch_refused",
    [REASON_LAUNCH_DEADLINE] = "launch_deadline",
    [REASON_START_GRACE] = "start_grace",
    [REASON_DEAD] = "dead",
    [REASON_STOPPED] = "stopped",
    [REASON_DIED] = "died",
};

static const char *const origin_names[ORIGIN_COUNT] = {
    [ORIGIN_LAUNCHED] = "launched",
    [ORIGIN_ADOPTED] = "adopted",
};

#define TO(s) (1U << (STATE_##s))

static const unsigned int transitions[STATE_COUNT] = {
    [STATE_LAUNCHING] = TO(STARTING) | TO(STOPPING) | TO(GONE),
    [STATE_STARTING] = TO(AVAILABLE) | TO(STOPPING) | TO(GONE),
    [STATE_AVAILABLE] = TO(STANDBY) | TO(STOPPING) | TO(GONE),
    [STATE_STANDBY] = TO(AVAILABLE) | TO(STOPPING) | TO(GONE),
    [STATE_STOPPING] = TO(GONE),
    [STATE_GONE] = 0,
};

NAMES_DEFINE(state, enum state, state_names, STATE_COUNT)
NAMES_DEFINE(reason, enum reason, reason_names, REASON_COUNT)
NAMES_DEFINE(origin, enum origin, origin_names, ORIGIN_COUNT)

bool
state_may_become(enum state from, enum state to)
{
	assert(from < STATE_COUNT && to < STATE_COUNT);
	return (transitions[from] & (1U << to)) != 0;
}
