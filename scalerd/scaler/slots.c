/* SPDX-License-Identifier: MIT */
#include "scalerd/scaler/slots.h"

#include <assert.h>
#include <stdlib.h>

#include "common/ledger.h"

enum { GENERATION_MAX = (1 << LEDGER_GENERATION_BITS) - 1 };

bool
slots_init(struct slots *slots, uint32_t n)
{
	*slots = (struct slots){.n = n};
	slots->taken = calloc((size_t)n + 1, sizeof(*slots->taken));
	return slots->taken != NULL;
}

void
slots_deinit(struct slots *slots)
{
	free(slots->taken);
	slots->taken = NULL;
}

bool
slots_take(struct slots *slots, int64_t slot)
{
	if (slot < 0 || slot >= slots->n || slots->taken[slot])
		return false;
	slots->taken[slot] = true;
	return true;
}

int64_t
slots_take_any(struct slots *slots)
{
	while (slots->lowest < slots->n && slots->taken[slots->lowest])
		slots->lowest++;
	if (slots->lowest == slots->n)
		return SLOT_NONE;
	slots->taken[slots->lowest] = true;
	return slots->lowest;
}

void
slots_release(struct slots *slots, int64_t slot)
{
	assert(slot >= 0 && slot < slots->n && slots->taken[slot]);
	slots->taken[slot] = false;
	if (slot < slots->lowest)
		slots->lowest = (uint32_t)slot;
}

uint32_t
slots_next_generation(struct slots *slots)
{
	slots->generation = slots->generation % GENERATION_MAX + 1;
	return slots->generation;
}
