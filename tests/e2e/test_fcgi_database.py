# SPDX-License-Identifier: MIT
"""fcgi-api while its database is missing, replaced, deleted or damaged, and as
another user who may only read it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.fcgi import BACKUP, FCGI_API, SEEN_S, Api, ask, available
from harness.state import (
    ADDRESS,
    OTHER,
    SCHEMA,
    Database,
    announce,
    commit_sql,
    gameserver_sql,
    heartbeat_sql,
    make_ledger,
    standby_sql,
)
from harness.waiting import hold_during, wait_until

NOBODY = 65534


def test_a_database_that_is_not_there_yet_is_waited_for(tmp_path, closing_later):
    api = closing_later(Api(tmp_path, tmp_path / "state.db"))
    api.start()
    head, body = ask(api.socket, "/available-gameserver/")
    assert "\r\nX-Gameserver-Source: backup" in head
    assert json.loads(body) == {"available": BACKUP}
    assert json.loads(ask(api.socket, "/healthz")[1])["state_age_seconds"] is None
    assert not (tmp_path / "state.db").exists()
    closing_later(Database(tmp_path / "state.db", ADDRESS))
    wait_until(lambda: available(api) == ADDRESS, SEEN_S, "the fleet is granted")


def test_a_replaced_database_is_followed(tmp_path, api, database, closing_later):
    successor = closing_later(Database(tmp_path / "new.db", OTHER))
    successor.write("PRAGMA wal_checkpoint(TRUNCATE)")
    successor.write("PRAGMA journal_mode = DELETE")
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink()
    (tmp_path / "new.db").rename(database.path)
    wait_until(lambda: available(api) == OTHER, SEEN_S, "the successor is read")


def test_a_deleted_database_is_read_on(api, database):
    database.path.unlink()
    hold_during(lambda: available(api) == ADDRESS, 1, "the last state is granted")
    database.change(gameserver_sql(OTHER, slot=1))
    wait_until(
        lambda: OTHER in ask(api.socket, "/available-gameserver-list/")[1].decode(),
        SEEN_S,
        "what the open handle wrote is read",
    )


@pytest.mark.parametrize("how", ["overwritten", "replaced"])
def test_a_damaged_database_keeps_the_last_state(tmp_path, api, database, how):
    if how == "overwritten":
        database.write("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(database.path, "r+b") as file:
            file.write(b"\xde\xad" * (database.path.stat().st_size // 2))
        database.path.with_name("state.db-wal").write_bytes(b"")
        database.path.with_name("state.db-shm").unlink()
    else:
        for suffix in ("-wal", "-shm"):  # with them it would be whole again
            Path(f"{database.path}{suffix}").unlink()
        (tmp_path / "rubbish").write_bytes(b"\xde\xad" * 50000)
        (tmp_path / "rubbish").rename(database.path)
        wait_until(
            lambda: "event=database_unreadable" in api.output(), SEEN_S, "it is noticed"
        )
    hold_during(lambda: available(api) == ADDRESS, 1.5, "the last state is granted")
    assert api.output().count("event=database_unreadable") <= 1


def cpu_s(pid):
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def test_news_of_a_database_that_can_not_be_read_keep_nobody_busy(tmp_path, api, database):
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink()
    (tmp_path / "rubbish").write_bytes(b"\xde\xad" * 50000)
    (tmp_path / "rubbish").rename(database.path)
    wait_until(lambda: "event=database_unreadable" in api.output(), SEEN_S, "it is noticed")
    announce(database.ledger)
    before = cpu_s(api.process.pid)
    hold_during(lambda: cpu_s(api.process.pid) - before < 0.2, 2, "it waits")


def open_for_writing(pid, database):
    """The files of the database that the process could write to."""
    writable = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
            info = Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text()
        except FileNotFoundError:
            continue  # closed just now: a connection
        if target.startswith(str(database)):
            if int(info.split("flags:")[1].split()[0], 8) & os.O_ACCMODE != os.O_RDONLY:
                writable.append(target)
    return writable


def test_the_database_is_open_for_reading_only(api, database):
    # As the owner of the files it has locks in the -shm, as every reader has.
    assert str(database.path) not in open_for_writing(api.process.pid, database.path)


# ---- another user, who may only read

SQLITE_FCNTL_PERSIST_WAL = 10

WRITER = f"""
import ctypes, ctypes.util, sys
lite = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
db, persist = ctypes.c_void_p(), ctypes.c_int(1)
assert lite.sqlite3_open(sys.argv[1].encode(), ctypes.byref(db)) == 0
lite.sqlite3_file_control(db, b"main", {SQLITE_FCNTL_PERSIST_WAL}, ctypes.byref(persist))
for line in sys.stdin:
    if line.strip() == "close":
        assert lite.sqlite3_close(db) == 0
    else:
        assert lite.sqlite3_exec(db, bytes.fromhex(line), None, None, None) == 0, line
    print("done", flush=True)
"""


class Writer:
    """A scalerd that keeps its -wal file (PERSIST_WAL), in a process of its
    own, so that it can be killed."""

    def __init__(self, database):
        self._popen = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(database)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, umask=0o022,
        )  # fmt: skip

    def _order(self, line):
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()
        assert self._popen.stdout.readline() == "done\n"

    def write(self, sql):
        self._order(sql.encode().hex())

    def close_cleanly(self):
        self._order("close")

    def kill(self):
        self._popen.kill()
        self._popen.wait()

    def close(self):
        self.kill()
        self._popen.stdin.close()
        self._popen.stdout.close()


@pytest.fixture
def foreign(closing_later):
    """A directory that everybody can enter and only its owner can change."""
    if os.getuid() != 0:
        pytest.skip("needs root, to start fcgi-api as another user")
    directory = Path(tempfile.mkdtemp(prefix="gsm-fcgi-api-"))
    directory.chmod(0o755)
    program = directory / "fcgi-api"
    shutil.copy(FCGI_API, program)
    program.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def as_nobody(directory):
    return Api(
        directory, directory / "state.db", program=directory / "fcgi-api",
        user=NOBODY, group=NOBODY, extra_groups=[],
    )  # fmt: skip


@pytest.mark.parametrize(
    "state", ["writer alive", "closed cleanly", "killed", "not started since boot"]
)
def test_another_user_reads_whatever_became_of_the_writer(foreign, closing_later, state):
    path = foreign / "state.db"
    writer = closing_later(Writer(path))
    make_ledger(foreign / "ledger")
    writer.write(SCHEMA)
    writer.write(commit_sql(gameserver_sql(ADDRESS)))
    old = state == "not started since boot"
    writer.write(heartbeat_sql(age_s=500, boot="an-earlier-boot") if old else heartbeat_sql())
    if state == "killed":
        writer.kill()
    elif state != "writer alive":
        writer.close_cleanly()
        writer.kill()
    before = sorted(entry.name for entry in foreign.iterdir())
    api = closing_later(as_nobody(foreign))
    api.start()
    head, body = ask(api.socket, "/available-gameserver/")
    assert json.loads(body) == {"available": ADDRESS}
    assert ("X-Gameserver-State-Age: 50" in head) == old
    assert open_for_writing(api.process.pid, path) == []
    made = {"api.env", "api.sock", "fcgi-api.log"}
    assert sorted(entry.name for entry in foreign.iterdir() if entry.name not in made) == before
    if state != "writer alive":
        writer = closing_later(Writer(path))
    writer.write(commit_sql(heartbeat_sql(), standby_sql(), gameserver_sql(OTHER, slot=1)))
    wait_until(lambda: available(api) == OTHER, SEEN_S, "the writer's return is seen")
