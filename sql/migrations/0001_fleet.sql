-- SPDX-License-Identifier: MIT
-- The tables of state.db. Only scalerd writes them.
--
-- Times named *_utc_ms are milliseconds since 1970 in UTC; 0 means never.
-- A text that is not known is ''. Every word of a CHECK is a word of a table
-- in scalerd/core; a unit test compares the two.

PRAGMA application_id = 1196641604; -- "GSMD"
PRAGMA user_version = 1;

-- One row: whose database this is, who writes it, and the fleet's figures.
CREATE TABLE fleet_state (
	id INTEGER PRIMARY KEY CHECK (id = 1),

	-- The identity. region and cluster are '' for the provider local.
	provider TEXT NOT NULL CHECK (provider IN ('ecs', 'local')),
	region TEXT NOT NULL,
	cluster TEXT NOT NULL,
	fleet_name TEXT NOT NULL CHECK (fleet_name <> ''),

	-- Raised by each process that takes the database over. A writer whose
	-- epoch is another one has lost the role.
	writer_epoch INTEGER NOT NULL DEFAULT 0,
	-- Of the text of the views below, to see when they must be made anew.
	views_hash INTEGER NOT NULL DEFAULT 0,

	-- heartbeat_boot_ms is CLOCK_BOOTTIME of the boot named by boot_id.
	heartbeat_utc_ms INTEGER NOT NULL DEFAULT 0,
	heartbeat_boot_ms INTEGER NOT NULL DEFAULT 0,
	boot_id TEXT NOT NULL DEFAULT '',
	started_utc_ms INTEGER NOT NULL DEFAULT 0,

	last_id INTEGER NOT NULL DEFAULT 0, -- the greatest ever given

	-- Seats, and gameservers in each state.
	free INTEGER NOT NULL DEFAULT 0,
	coming INTEGER NOT NULL DEFAULT 0,
	serving INTEGER NOT NULL DEFAULT 0,
	live INTEGER NOT NULL DEFAULT 0,
	launching INTEGER NOT NULL DEFAULT 0,
	starting INTEGER NOT NULL DEFAULT 0,
	available INTEGER NOT NULL DEFAULT 0,
	standby INTEGER NOT NULL DEFAULT 0,
	stopping INTEGER NOT NULL DEFAULT 0,
	gone INTEGER NOT NULL DEFAULT 0,

	-- The policy in force.
	upscale_margin INTEGER NOT NULL DEFAULT 0,
	downscale_margin INTEGER NOT NULL DEFAULT 0,
	server_capacity INTEGER NOT NULL DEFAULT 0,
	min_servers INTEGER NOT NULL DEFAULT 0,
	max_servers INTEGER NOT NULL DEFAULT 0,
	stale_after_ms INTEGER NOT NULL DEFAULT 0,

	panic INTEGER NOT NULL DEFAULT 0 CHECK (panic IN (0, 1)),
	limited_by TEXT NOT NULL DEFAULT '' CHECK (limited_by IN ('',
	    'max_servers', 'launches_per_turn', 'launches_per_hour', 'backoff',
	    'panic', 'list', 'frozen')),
	last_action TEXT NOT NULL DEFAULT '',
	last_action_utc_ms INTEGER NOT NULL DEFAULT 0,

	-- Launch backoff, and the pace of launches in a panic.
	launch_failures INTEGER NOT NULL DEFAULT 0,
	launch_not_before_utc_ms INTEGER NOT NULL DEFAULT 0,
	last_launch_utc_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE gameserver (
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
	health TEXT NOT NULL CHECK (health IN ('unknown', 'good', 'suspect',
	    'bad')),
	score INTEGER NOT NULL,        -- what health is computed from
	heard INTEGER NOT NULL CHECK (heard IN (0, 1)),
	seats INTEGER NOT NULL,        -- free, as it last said; may be negative
	most_seats INTEGER NOT NULL,   -- the most it ever said
	ready_to_close INTEGER NOT NULL CHECK (ready_to_close IN (0, 1)),
	answered_utc_ms INTEGER NOT NULL,
	host_leaving INTEGER NOT NULL CHECK (host_leaving IN (0, 1))
) STRICT;

-- One recorded intent; committed before its request goes out.
CREATE TABLE operation (
	id TEXT PRIMARY KEY NOT NULL CHECK (id <> ''), -- idempotency token
	kind TEXT NOT NULL CHECK (kind IN ('launch', 'stop')),
	gameserver INTEGER NOT NULL REFERENCES gameserver (id),
	reason TEXT NOT NULL CHECK (reason IN ('none', 'below_margin',
	    'below_min', 'adopted', 'launched', 'answered', 'surplus',
	    'proven_empty', 'launch_refused', 'launch_deadline', 'start_grace',
	    'dead', 'stopped', 'died')),
	result TEXT NOT NULL CHECK (result IN ('pending', 'done', 'refused',
	    'abandoned')),
	phase TEXT NOT NULL,           -- the provider's step
	request TEXT NOT NULL,         -- the exact bytes of that step
	detail TEXT NOT NULL,          -- what came of the last attempt
	attempts INTEGER NOT NULL,
	created_utc_ms INTEGER NOT NULL,
	finished_utc_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX operation_gameserver ON operation (gameserver);
CREATE INDEX operation_created ON operation (created_utc_ms);
CREATE INDEX operation_pending ON operation (id) WHERE result = 'pending';

-- History. An event outlives its gameserver; gameserver 0 is the fleet.
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at_utc_ms INTEGER NOT NULL,
	gameserver INTEGER NOT NULL,
	kind TEXT NOT NULL CHECK (kind <> ''),
	was TEXT,
	became TEXT,
	reason TEXT,
	detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_at ON event (at_utc_ms);
CREATE INDEX event_gameserver ON event (gameserver, id);

-- What an operator should look at, for as long as it is there.
CREATE TABLE alarm (
	name TEXT NOT NULL CHECK (name <> ''),
	gameserver INTEGER NOT NULL, -- 0: the fleet
	since_utc_ms INTEGER NOT NULL,
	message TEXT NOT NULL,
	PRIMARY KEY (name, gameserver)
) STRICT, WITHOUT ROWID;

-- The fleet's figures over the last day.
CREATE TABLE sample (
	at_utc_ms INTEGER PRIMARY KEY,
	free INTEGER NOT NULL,
	coming INTEGER NOT NULL,
	launching INTEGER NOT NULL,
	starting INTEGER NOT NULL,
	available INTEGER NOT NULL,
	standby INTEGER NOT NULL,
	stopping INTEGER NOT NULL,
	gone INTEGER NOT NULL
) STRICT;
