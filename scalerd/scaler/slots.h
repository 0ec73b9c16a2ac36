/* SPDX-License-Identifier: MIT */
/*
 * Which slots of the seat ledger are free, and the next generation.
 *
 * The rows of the database say who has which slot; this is only their index
 * in memory. The lowest free slot is given first, so that the slots in use lie
 * close together. Generations grow with each one that is given, whatever the
 * slot: so the row of a slot with the greatest generation is the one that has
 * it, and a snapshot of any age never finds its generation on another's cell.
 */
#ifndef GSM_SCALER_SLOTS_H
#define GSM_SCALER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum { SLOT_NONE = -1 };

struct slots {
	bool *taken;
	uint32_t n;
	uint32_t lowest;     /* all below are taken */
	uint32_t generation; /* given last */
};

/* All of n are free. False: out of memory. */
NODISCARD bool slots_init(struct slots *slots, uint32_t n);
void slots_deinit(struct slots *slots);

/* A row has it. False: there is no such slot, or another row has it. */
NODISCARD bool slots_take(struct slots *slots, int64_t slot);
/* The lowest free one, or SLOT_NONE. */
int64_t slots_take_any(struct slots *slots);
void slots_release(struct slots *slots, int64_t slot);

/* 1 .. 2^LEDGER_GENERATION_BITS - 1, then 1 again. */
uint32_t slots_next_generation(struct slots *slots);

#endif
