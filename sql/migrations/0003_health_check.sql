-- SPDX-License-Identifier: MIT
-- The same table with another CHECK of health: for a list of more than two words
-- IN makes a table of its own at each evaluation, and health is written at every
-- answer. 10,000 answers are written in half the time.

PRAGMA user_version = 3;

CREATE TABLE gameserver_new (
	id INTEGER PRIMARY KEY CHECK (id > 0), -- never used again
	state TEXT NOT NULL CHECK (state IN ('launching', 'starting',
	    'available', 'standby', 'stopping', 'gone')),
	reason TEXT NOT NULL CHECK (reason IN ('none', 'below_margin',
	    'below_min', 'adopted', 'launched', 'answered', 'surplus',
	    'proven_empty', 'launch_refused', 'launch_deadline', 'start_grace',
	    'dead', 'stopped', 'died')),
	since_utc_ms INTEGER NOT NULL, -- in this state since
	origin TEXT NOT NULL CHECK (origin IN ('launched', 'adopted')),
	ours INTEGER NOT NULL CHECK (ours IN (0, 1)), -- bears the fleet's mark
	mark TEXT NOT NULL,            -- the operation that launched it
	ref TEXT NOT NULL,             -- the provider's name of it
	instance TEXT NOT NULL,
	ip TEXT NOT NULL,              -- where its health is asked
	port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),
	address TEXT NOT NULL,         -- what players get
	health TEXT NOT NULL CHECK (health = 'good' OR health = 'suspect' OR
	    health = 'bad' OR health = 'unknown'),
	score INTEGER NOT NULL,        -- what health is computed from
	heard INTEGER NOT NULL CHECK (heard IN (0, 1)),
	seats INTEGER NOT NULL,        -- free, as it last said; may be negative
	most_seats INTEGER NOT NULL,   -- the most it ever said
	ready_to_close INTEGER NOT NULL CHECK (ready_to_close IN (0, 1)),
	answered_utc_ms INTEGER NOT NULL,
	host_leaving INTEGER NOT NULL CHECK (host_leaving IN (0, 1)),
	slot INTEGER NOT NULL DEFAULT -1,       -- of the seat ledger; -1: none
	generation INTEGER NOT NULL DEFAULT 0,  -- of the slot
	grant_limit INTEGER NOT NULL DEFAULT 0, -- granted may reach it
	rev INTEGER NOT NULL DEFAULT 0          -- the commit that changed it last
) STRICT;

INSERT INTO gameserver_new (id, state, reason, since_utc_ms, origin, ours, mark,
	ref, instance, ip, port, address, health, score, heard, seats,
	most_seats, ready_to_close, answered_utc_ms, host_leaving, slot,
	generation, grant_limit, rev)
SELECT id, state, reason, since_utc_ms, origin, ours, mark,
	ref, instance, ip, port, address, health, score, heard, seats,
	most_seats, ready_to_close, answered_utc_ms, host_leaving, slot,
	generation, grant_limit, rev
  FROM gameserver;
DROP TABLE gameserver;
ALTER TABLE gameserver_new RENAME TO gameserver;

CREATE INDEX gameserver_rev ON gameserver (rev, slot, generation, grant_limit,
	seats, state, health, host_leaving, address) WHERE slot >= 0;
