-- SPDX-License-Identifier: MIT
-- What scalerd's store asks of state.db. Parameters are numbered in the order
-- of the columns; scalerd/edge/store_commit.c and store_load.c bind and read
-- them in that order.

-- name: store_begin
BEGIN IMMEDIATE;

-- name: store_commit
COMMIT;

-- name: store_rollback
ROLLBACK;

-- name: store_application_id
PRAGMA application_id;

-- name: store_user_version
PRAGMA user_version;

-- name: store_table_count
SELECT count(*) FROM sqlite_schema;

-- name: store_quick_check
PRAGMA quick_check(1);

-- The same while it is served, so quick: without what grows by itself and
-- without the CHECKs, whose words only scalerd writes.
-- name: store_watch_setup
PRAGMA ignore_check_constraints = ON;

-- name: store_watch
SELECT group_concat(DISTINCT quick_check) FROM (
	SELECT quick_check FROM pragma_quick_check('fleet_state')
	UNION ALL SELECT quick_check FROM pragma_quick_check('gameserver')
	UNION ALL SELECT quick_check FROM pragma_quick_check('operation')
	UNION ALL SELECT quick_check FROM pragma_quick_check('alarm'));

-- name: store_wal
PRAGMA journal_mode = WAL;

-- Before the first write. scalerd/edge/store_wal.c says when the WAL is copied
-- back later; one that grew because of a slow reader is cut to 4 MiB afterwards.
-- name: store_durable
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 4194304;

-- After the migrations, which may rebuild tables.
-- name: store_strict
PRAGMA foreign_keys = ON;
PRAGMA trusted_schema = OFF;

-- A script.
-- name: store_drop_views
SELECT group_concat(format('DROP VIEW "%w";', name), '')
  FROM sqlite_schema WHERE type = 'view';

-- name: store_views_hash
SELECT views_hash FROM fleet_state;

-- name: store_set_views_hash
UPDATE fleet_state SET views_hash = ?1;

-- Nothing before the first gameserver: until then a mistaken identity, such as
-- a region that does not exist, can just be corrected.
-- name: store_identity
SELECT provider, region, cluster, fleet_name FROM fleet_state
 WHERE last_id > 0 OR EXISTS (SELECT 1 FROM gameserver)
    OR EXISTS (SELECT 1 FROM operation);

-- name: store_set_identity
INSERT INTO fleet_state (id, provider, region, cluster, fleet_name)
VALUES (1, ?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE
   SET provider = ?1, region = ?2, cluster = ?3, fleet_name = ?4;

-- Never lower than the clock, so that a database that was begun anew also
-- fences off the writers of the one before it.
-- name: store_take_over
UPDATE fleet_state
   SET writer_epoch = max(writer_epoch + 1, unixepoch() * 1000)
RETURNING writer_epoch;

-- name: store_epoch
SELECT writer_epoch FROM fleet_state;

-- name: store_vacuum_into
VACUUM INTO ?1;

-- Changes no row when another writer took over.
-- name: store_put_fleet
UPDATE fleet_state SET
	boot_id = ?2, heartbeat_utc_ms = ?3, heartbeat_boot_ms = ?4,
	started_utc_ms = ?5, last_id = ?6, free = ?7, coming = ?8,
	serving = ?9, live = ?10, launching = ?11, starting = ?12,
	available = ?13, standby = ?14, stopping = ?15, gone = ?16,
	upscale_margin = ?17, downscale_margin = ?18, server_capacity = ?19,
	min_servers = ?20, max_servers = ?21, stale_after_ms = ?22,
	panic = ?23, limited_by = ?24, last_action = ?25,
	last_action_utc_ms = ?26, launch_failures = ?27,
	launch_not_before_utc_ms = ?28, last_launch_utc_ms = ?29,
	ledger_epoch = ?30, last_generation = ?31, shortage = ?32,
	allocation = ?33
 WHERE writer_epoch = ?1;

-- Once for each commit that changes a gameserver.
-- name: store_raise_rev
UPDATE fleet_state SET rev = rev + 1 RETURNING rev;

-- What an answer changes of a row that is otherwise as it was written last:
-- several times as fast as writing all of it, whose words are checked again.
-- name: store_put_answer
UPDATE gameserver SET
	health = ?2, score = ?3, heard = ?4, seats = ?5, most_seats = ?6,
	ready_to_close = ?7, answered_utc_ms = ?8, grant_limit = ?9, rev = ?10
 WHERE id = ?1;

-- name: store_put_gameserver
INSERT INTO gameserver (id, state, reason, since_utc_ms, origin, ours, mark,
	ref, instance, ip, port, address, health, score, heard, seats,
	most_seats, ready_to_close, answered_utc_ms, host_leaving, slot,
	generation, grant_limit, rev)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
	?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)
ON CONFLICT (id) DO UPDATE SET
	state = excluded.state, reason = excluded.reason,
	since_utc_ms = excluded.since_utc_ms, origin = excluded.origin,
	ours = excluded.ours, mark = excluded.mark, ref = excluded.ref,
	instance = excluded.instance, ip = excluded.ip, port = excluded.port,
	address = excluded.address, health = excluded.health,
	score = excluded.score, heard = excluded.heard,
	seats = excluded.seats, most_seats = excluded.most_seats,
	ready_to_close = excluded.ready_to_close,
	answered_utc_ms = excluded.answered_utc_ms,
	host_leaving = excluded.host_leaving, slot = excluded.slot,
	generation = excluded.generation, grant_limit = excluded.grant_limit,
	rev = excluded.rev;

-- name: store_put_operation
INSERT INTO operation (id, kind, gameserver, reason, result, phase, request,
	detail, attempts, created_utc_ms, finished_utc_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (id) DO UPDATE SET
	kind = excluded.kind, gameserver = excluded.gameserver,
	reason = excluded.reason, result = excluded.result,
	phase = excluded.phase, request = excluded.request,
	detail = excluded.detail, attempts = excluded.attempts,
	created_utc_ms = excluded.created_utc_ms,
	finished_utc_ms = excluded.finished_utc_ms;

-- name: store_put_event
INSERT INTO event (at_utc_ms, gameserver, kind, was, became, reason, detail)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- An alarm that is raised again keeps the time since when it is there.
-- name: store_put_alarm
INSERT INTO alarm (name, gameserver, since_utc_ms, message)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name, gameserver) DO UPDATE SET message = excluded.message;

-- name: store_end_alarm
DELETE FROM alarm WHERE name = ?1 AND gameserver = ?2;

-- name: store_put_sample
INSERT OR REPLACE INTO sample (at_utc_ms, free, coming, launching, starting,
	available, standby, stopping, gone)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- Pruning: ?1 is the oldest time that stays, ?2 the most rows of one go.
-- name: store_prune_event_age
DELETE FROM event WHERE id IN
	(SELECT id FROM event WHERE at_utc_ms < ?1 ORDER BY at_utc_ms LIMIT ?2);

-- ?1 is the most rows that stay.
-- name: store_prune_event_count
DELETE FROM event WHERE id IN
	(SELECT id FROM event WHERE id <= (SELECT max(id) FROM event) - ?1
	  ORDER BY id LIMIT ?2);

-- name: store_prune_sample
DELETE FROM sample WHERE at_utc_ms IN
	(SELECT at_utc_ms FROM sample WHERE at_utc_ms < ?1
	  ORDER BY at_utc_ms LIMIT ?2);

-- name: store_prune_operation
DELETE FROM operation WHERE id IN
	(SELECT id FROM operation
	  WHERE created_utc_ms < ?1 AND finished_utc_ms < ?1
	    AND result <> 'pending'
	  ORDER BY created_utc_ms LIMIT ?2);

-- name: store_prune_gameserver
DELETE FROM gameserver WHERE id IN
	(SELECT id FROM gameserver AS g
	  WHERE state = 'gone' AND since_utc_ms < ?1
	    AND NOT EXISTS (SELECT 1 FROM operation WHERE gameserver = g.id)
	  ORDER BY id LIMIT ?2);

-- name: store_get_fleet
SELECT heartbeat_utc_ms, heartbeat_boot_ms, started_utc_ms, last_id, free,
       coming, serving, live, launching, starting, available, standby,
       stopping, gone, upscale_margin, downscale_margin, server_capacity,
       min_servers, max_servers, stale_after_ms, panic, limited_by, last_action,
       last_action_utc_ms, launch_failures, launch_not_before_utc_ms,
       last_launch_utc_ms, ledger_epoch, last_generation, shortage, allocation
  FROM fleet_state
 WHERE heartbeat_utc_ms > 0;

-- ?1 is the oldest time of interest.
-- name: store_get_gameservers
SELECT id, state, reason, since_utc_ms, origin, ours, mark, ref, instance, ip,
       port, address, health, score, heard, seats, most_seats, ready_to_close,
       answered_utc_ms, host_leaving, slot, generation, grant_limit
  FROM gameserver
 WHERE state <> 'gone' OR since_utc_ms >= ?1
    OR id IN (SELECT gameserver FROM operation WHERE result = 'pending')
 ORDER BY id;

-- name: store_get_operations
SELECT id, kind, gameserver, reason, result, phase, request, detail, attempts,
       created_utc_ms, finished_utc_ms
  FROM operation
 WHERE result = 'pending' OR (kind = 'launch' AND created_utc_ms >= ?1)
 ORDER BY created_utc_ms, id;

-- name: store_get_alarms
SELECT name, gameserver, since_utc_ms, message
  FROM alarm
 ORDER BY since_utc_ms, name, gameserver;
