-- SPDX-License-Identifier: MIT
-- What fcgi-api reads: the views api_v1_*, nothing else, and it never writes.

-- name: api_set_up
PRAGMA query_only = ON;
PRAGMA trusted_schema = OFF;

-- name: api_begin
BEGIN;

-- name: api_end
COMMIT;

-- name: api_abandon
ROLLBACK;

-- name: api_data_version
PRAGMA data_version;

-- name: api_fleet
SELECT heartbeat_utc_ms, heartbeat_boot_ms, boot_id, stale_after_ms,
       started_utc_ms, free, coming, serving, live, launching, starting,
       available, standby, stopping, upscale_margin, downscale_margin,
       server_capacity, min_servers, max_servers, panic, limited_by,
       last_action, last_action_utc_ms
  FROM api_v1_fleet;

-- name: api_gameservers
SELECT address, seats, grade
  FROM api_v1_gameservers
 ORDER BY id;

-- name: api_status
SELECT id, address, state, reason, since_utc_ms, health, seats,
       ready_to_close, answered_utc_ms, ref
  FROM api_v1_status
 ORDER BY id;

-- name: api_alarms
SELECT name, gameserver, since_utc_ms, message
  FROM api_v1_alarms
 ORDER BY since_utc_ms, name;
