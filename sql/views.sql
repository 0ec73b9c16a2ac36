-- SPDX-License-Identifier: MIT
-- The views: first those for people, then those that fcgi-api reads. All views
-- of the database are dropped and made anew when this text or the version of
-- the tables changes. Needs SQLite 3.38 (unixepoch, format).
--
-- Ages: seconds in a column s of the inner query, from there the one line
-- with ltrim and format makes "3m 12s". SQL has no way to give it a name.

CREATE VIEW fleet AS
SELECT fleet_name, provider,
       CASE WHEN heartbeat_utc_ms = 0 THEN 'never ran'
            WHEN s * 1000 > stale_after_ms THEN 'stale'
            ELSE 'alive' END AS scaler,
       datetime(nullif(heartbeat_utc_ms, 0) / 1000, 'unixepoch') AS heartbeat,
       CASE WHEN heartbeat_utc_ms > 0 THEN
           ltrim(format('%dd %dh %dm ', s / 86400, s / 3600 % 24, s / 60 % 60),
               '0dhm ') || format('%ds', s % 60) END AS heartbeat_age,
       datetime(nullif(started_utc_ms, 0) / 1000, 'unixepoch') AS started,
       (SELECT count(*) FROM alarm) AS alarms,
       panic, limited_by,
       last_action,
       datetime(nullif(last_action_utc_ms, 0) / 1000, 'unixepoch')
           AS last_action_at,
       free, coming, shortage, allocation, upscale_margin, downscale_margin, server_capacity,
       live, serving, launching, starting, available, standby, stopping,
       min_servers, max_servers,
       launch_failures,
       CASE WHEN launch_not_before_utc_ms / 1000 > unixepoch() THEN
           datetime(launch_not_before_utc_ms / 1000, 'unixepoch') END
           AS no_launch_before
  FROM (SELECT *, max(0, unixepoch() - heartbeat_utc_ms / 1000) AS s
          FROM fleet_state);

-- players is a guess: the most seats that it ever offered, less those of now.
CREATE VIEW gameservers AS
SELECT id, address, state, reason,
       ltrim(format('%dd %dh %dm ', s / 86400, s / 3600 % 24, s / 60 % 60),
           '0dhm ') || format('%ds', s % 60) AS state_age,
       health, seats,
       CASE WHEN heard THEN max(0, most_seats - seats) END AS players,
       CASE WHEN slot >= 0 THEN slot END AS slot, grant_limit,
       ready_to_close,
       CASE WHEN answered_utc_ms > 0 THEN
           ltrim(format('%dd %dh %dm ', a / 86400, a / 3600 % 24, a / 60 % 60),
               '0dhm ') || format('%ds', a % 60) END AS answer_age,
       origin, ours, host_leaving,
       datetime(since_utc_ms / 1000, 'unixepoch') AS since,
       ip, port, instance, ref, mark
  FROM (SELECT *, max(0, unixepoch() - since_utc_ms / 1000) AS s,
               max(0, unixepoch() - answered_utc_ms / 1000) AS a
          FROM gameserver)
 WHERE state <> 'gone'
 ORDER BY CASE state WHEN 'available' THEN 1 WHEN 'standby' THEN 2
              WHEN 'starting' THEN 3 WHEN 'launching' THEN 4 ELSE 5 END, id;

CREATE VIEW events AS
SELECT id, datetime(at_utc_ms / 1000, 'unixepoch') AS at,
       nullif(gameserver, 0) AS gameserver, kind, was, became, reason, detail
  FROM event
 ORDER BY id DESC;

-- age: how long it has been pending, or how long it took.
CREATE VIEW operations AS
SELECT id, datetime(created_utc_ms / 1000, 'unixepoch') AS created,
       kind, gameserver, reason, result, phase,
       ltrim(format('%dd %dh %dm ', s / 86400, s / 3600 % 24, s / 60 % 60),
           '0dhm ') || format('%ds', s % 60) AS age,
       attempts, detail,
       datetime(nullif(finished_utc_ms, 0) / 1000, 'unixepoch') AS finished
  FROM (SELECT *, max(0, coalesce(nullif(finished_utc_ms, 0) / 1000,
                          unixepoch()) - created_utc_ms / 1000) AS s
          FROM operation)
 ORDER BY created_utc_ms DESC, id;

CREATE VIEW capacity_history AS
SELECT datetime(at_utc_ms / 1000, 'unixepoch') AS at, free, coming,
       launching, starting, available, standby, stopping
  FROM sample
 WHERE at_utc_ms > (unixepoch() - 86400) * 1000
 ORDER BY at_utc_ms DESC;

CREATE VIEW alarms AS
SELECT name, nullif(gameserver, 0) AS gameserver,
       datetime(since_utc_ms / 1000, 'unixepoch') AS since,
       ltrim(format('%dd %dh %dm ', s / 86400, s / 3600 % 24, s / 60 % 60),
           '0dhm ') || format('%ds', s % 60) AS age,
       message
  FROM (SELECT *, max(0, unixepoch() - since_utc_ms / 1000) AS s FROM alarm)
 ORDER BY since_utc_ms DESC, name;

-- The contract with fcgi-api. Columns may be added, never changed or removed;
-- a new contract is api_v2_*, beside these for one release.

CREATE VIEW api_v1_fleet AS
SELECT heartbeat_utc_ms, heartbeat_boot_ms, boot_id, stale_after_ms,
       started_utc_ms, free, coming, serving, live, launching, starting,
       available, standby, stopping, upscale_margin, downscale_margin,
       server_capacity, min_servers, max_servers, panic, limited_by,
       last_action, last_action_utc_ms, ledger_epoch, allocation, rev,
       shortage
  FROM fleet_state;

-- Where players may be sent.
CREATE VIEW api_v1_gameservers AS
SELECT id, address, seats, health AS grade
  FROM gameserver
 WHERE state = 'available' AND health IN ('good', 'suspect')
   AND NOT host_leaving AND address <> '';

CREATE VIEW api_v1_status AS
SELECT id, address, state, reason, since_utc_ms, health, seats,
       ready_to_close, answered_utc_ms, ref
  FROM gameserver
 WHERE state <> 'gone';

CREATE VIEW api_v1_alarms AS
SELECT name, gameserver, since_utc_ms, message
  FROM alarm;

-- Every slot of the ledger that a gameserver has or had, newest change last;
-- grade 'none': no player may be sent there. Of two rows with one slot the
-- greater generation counts (it wraps at 2^23: then the later rev).
CREATE VIEW api_v1_slots AS
SELECT rev, slot, generation, grant_limit, seats,
       CASE WHEN state = 'available' AND health IN ('good', 'suspect')
                 AND NOT host_leaving AND address <> ''
            THEN health ELSE 'none' END AS grade,
       address
  FROM gameserver
 WHERE slot >= 0;
