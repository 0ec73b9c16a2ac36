-- SPDX-License-Identifier: MIT
-- What fcgi-api reads: the views api_v1_*, nothing else, and it never writes.

-- name: api_set_up
PRAGMA query_only = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cache_size = -128; -- KiB: each commit of the writer empties it

-- name: api_begin
BEGIN;

-- name: api_end
COMMIT;

-- name: api_abandon
ROLLBACK;

-- name: api_data_version
PRAGMA data_version;

-- The first columns are those of enum fleet_number, in its order; the others
-- are for /status.json only.
-- name: api_fleet
SELECT heartbeat_utc_ms, heartbeat_boot_ms, stale_after_ms, free, coming,
       launching, starting, available, standby, stopping, upscale_margin,
       downscale_margin, server_capacity, min_servers, max_servers, panic,
       ledger_epoch, rev, boot_id, allocation,
       started_utc_ms, serving, live, limited_by, last_action,
       last_action_utc_ms
  FROM api_v1_fleet;

-- The index gameserver_rev has all of it, in this order.
-- name: api_slots
SELECT slot, generation, grant_limit, seats, grade, address
  FROM api_v1_slots
 WHERE rev > ?1
 ORDER BY rev;

-- name: api_status
SELECT id, address, state, reason, since_utc_ms, health, seats,
       ready_to_close, answered_utc_ms, ref
  FROM api_v1_status
 ORDER BY id;

-- name: api_alarms
SELECT name, gameserver, since_utc_ms, message
  FROM api_v1_alarms
 ORDER BY since_utc_ms, name;
