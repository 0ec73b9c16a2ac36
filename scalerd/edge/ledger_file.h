/* SPDX-License-Identifier: MIT */
/*
 * The scaler's ledger port over the seat ledger's file (common/ledger.h), which
 * this process alone makes. It keeps a flock(2) on the file, so that two fleets
 * with the same LEDGER don't replace each other's for ever: the one that
 * started last has it, the other one's renewals fail, with an error in the log.
 *
 * Whatever becomes of the file, the port's functions go on with the mapping
 * that they have until `renew` has made another.
 */
#ifndef GSM_EDGE_LEDGER_FILE_H
#define GSM_EDGE_LEDGER_FILE_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/scaler/ports.h"

/* Between two looks at the path, and between two tries to make a ledger. */
enum { LEDGER_FILE_LOOK_MS = 1000 };

struct ledger_file;

/* Opens the ledger at the path if it is sound and has this epoch (the fleet
 * row's, 0: none); else makes one with another epoch in its place, its
 * directory too (mode 2770, one level). Installs ledger_guard. Once in a
 * process. False: err says why, beginning with LEDGER=path. */
NODISCARD bool ledger_file_open(struct ledger_file **file,
				struct ledger_port *port, const char *path,
				uint64_t epoch, struct err *err);

/* The file stays: the handlers go on with it. Accepts NULL. */
void ledger_file_close(struct ledger_file *file);

#endif
