-- SPDX-License-Identifier: MIT
-- The seat ledger: which slot a gameserver has, up to where seats may be
-- granted, and which rows changed since a handler last looked.

PRAGMA user_version = 2;

ALTER TABLE fleet_state ADD COLUMN ledger_epoch INTEGER NOT NULL DEFAULT 0;
-- The generation that was given last; they grow, whatever the slot.
ALTER TABLE fleet_state ADD COLUMN last_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fleet_state ADD COLUMN shortage INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fleet_state ADD COLUMN allocation TEXT NOT NULL DEFAULT 'spread'
	CHECK (allocation IN ('spread', 'pack'));
-- Raised by each commit that changes a gameserver.
ALTER TABLE fleet_state ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;

ALTER TABLE gameserver ADD COLUMN slot INTEGER NOT NULL DEFAULT -1;
ALTER TABLE gameserver ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gameserver ADD COLUMN grant_limit INTEGER NOT NULL DEFAULT 0;
-- The commit that changed it last.
ALTER TABLE gameserver ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;

-- All that a handler needs of the rows that changed, without the table.
CREATE INDEX gameserver_rev ON gameserver (rev, slot, generation, grant_limit,
	seats, state, health, host_leaving, address) WHERE slot >= 0;
