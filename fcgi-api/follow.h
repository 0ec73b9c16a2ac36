/* SPDX-License-Identifier: MIT */
/* Brings the seats up to date with what a reader delivers. */
#ifndef GSM_FCGI_API_FOLLOW_H
#define GSM_FCGI_API_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi-api/ledger_map.h"
#include "fcgi-api/reader.h"
#include "fcgi-api/seats.h"

struct follow {
	struct seats *seats;
	struct ledger_map *ledger;
	struct fleet fleet; /* as it was read last */
	bool full;
	bool changed;      /* some slot, in the last load */
	bool list_changed; /* who is in the list; for the caller to clear */
	int64_t bad_addresses;
	uint8_t seen[LEDGER_SLOTS / 8]; /* in this full load */
	uint8_t bad[LEDGER_SLOTS / 8];  /* its address is none */
};

/* One load into f->seats; a full one clears the slots that it has not. Readers
 * see each row whole. A ledger of another epoch than the rows' is taken away
 * before they come. *changed: as reader_load. If the load fails all is left as
 * far as it came. */
NODISCARD bool follow_load(struct follow *f, struct reader *r, bool *changed,
			   struct err *err);

#endif
