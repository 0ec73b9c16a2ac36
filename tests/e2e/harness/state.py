# SPDX-License-Identifier: MIT
"""The database and the ledger as scalerd leaves them, written by a test."""

import sqlite3
import struct
import time
from pathlib import Path

from harness.processes import ROOT

ADDRESS = "203.0.113.7:49153"
OTHER = "[2001:db8::7]:8080"

EPOCH = 77
LEDGER_SLOTS = 65536
LEDGER_NEWS = 128  # where the count of announcements is
LEDGER_MAGIC = 0x314744454C4D5347
CELL_OPEN = 1 << 40
CELL_GENERATION = 1 << 41
MANY_SEATS = 1000000

SCHEMA = "".join(
    ["PRAGMA journal_mode = WAL;"]
    + [path.read_text() for path in sorted((ROOT / "sql/migrations").glob("*.sql"))]
    + [(ROOT / "sql/views.sql").read_text()]
) + f"""
INSERT INTO fleet_state(id, provider, region, cluster, fleet_name, stale_after_ms,
  free, available, ledger_epoch) VALUES (1, 'local', '', '', 'test', 30000, 7, 1, {EPOCH});
INSERT INTO alarm VALUES ('panic', 0, 5, 'most are "down" </b>');
"""


def make_ledger(path, epoch=EPOCH):
    """As scalerd makes it, with every cell open for generation 1."""
    head = struct.pack("=QIIQ", LEDGER_MAGIC, 1, LEDGER_SLOTS, epoch)
    cell = struct.pack("=Q", CELL_GENERATION | CELL_OPEN)
    new = Path(f"{path}.new")
    new.write_bytes(head.ljust(4096, b"\0") + cell * LEDGER_SLOTS)
    new.chmod(0o666)
    new.rename(path)


def granted(path, slot=0):
    """Seats that the ledger counts on a slot."""
    cell = struct.unpack_from("=Q", Path(path).read_bytes(), 4096 + 8 * slot)[0]
    return cell & (CELL_OPEN - 1)


def set_cell(path, slot, generation, count):
    """An open cell, as scalerd leaves it."""
    cell = generation * CELL_GENERATION | CELL_OPEN | count
    with open(path, "r+b") as file:
        file.seek(4096 + 8 * slot)
        file.write(struct.pack("=Q", cell))


def shortage(path):
    return struct.unpack_from("=Q", Path(path).read_bytes(), 64)[0]


def announce(path):
    """As scalerd does after a commit, but nobody is woken."""
    with open(path, "r+b") as file:
        file.seek(LEDGER_NEWS)
        count = struct.unpack("=I", file.read(4))[0]
        file.seek(LEDGER_NEWS)
        file.write(struct.pack("=I", count + 1))


def boot_id():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def heartbeat_sql(age_s=0, boot=None):
    utc_ms = int((time.time() - age_s) * 1000)
    boot_ms = int((time.clock_gettime(time.CLOCK_BOOTTIME) - age_s) * 1000)
    return (
        f"UPDATE fleet_state SET heartbeat_utc_ms = {utc_ms},"
        f" heartbeat_boot_ms = {boot_ms}, boot_id = '{boot or boot_id()}'"
    )


RAISE_REV = "UPDATE fleet_state SET rev = rev + 1"
THE_REV = "(SELECT rev FROM fleet_state)"


def gameserver_sql(address, slot=0, seats=MANY_SEATS, generation=1, limit=None):
    limit = seats if limit is None else limit
    return (
        "INSERT OR REPLACE INTO gameserver(id, state, reason, since_utc_ms, origin, ours,"
        " mark, ref, instance, ip, port, address, health, score, heard, seats, most_seats,"
        " ready_to_close, answered_utc_ms, host_leaving, slot, generation, grant_limit, rev)"
        f" VALUES ({slot + 1}, 'available', 'none', 0, 'launched', 1, '', '', '', '', 1,"
        f" '{address}', 'good', 0, 1, {seats}, {seats}, 0, 0, 0, {slot}, {generation}, {limit}, {THE_REV})"
    )


def standby_sql(slot=0):
    return f"UPDATE gameserver SET state = 'standby', rev = {THE_REV} WHERE slot = {slot}"


def commit_sql(*changes):
    return "".join(f"{sql};" for sql in ("BEGIN", RAISE_REV, *changes, "COMMIT"))


class Database:
    """What scalerd would write. One connection for each call but the one
    that stays open, as scalerd's does."""

    def __init__(self, path, *servers):
        self.path = Path(path)
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self.ledger = self.path.parent / "ledger"
        make_ledger(self.ledger)
        self._db.executescript(SCHEMA)
        self.write(heartbeat_sql())
        self.change(*[gameserver_sql(server, slot) for slot, server in enumerate(servers)])

    def write(self, sql):
        self._db.execute(sql)

    def change(self, *changes):
        """One commit that changes gameservers."""
        self._db.executescript(commit_sql(*changes))

    def close(self):
        self._db.close()
