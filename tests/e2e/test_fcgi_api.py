# SPDX-License-Identifier: MIT
"""fcgi-api as nginx and players see it: real nginx, real FastCGI, a real
database and a real ledger; the test stands in for scalerd."""

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from harness.http import get_json, request
from harness.ports import PortBlock
from harness.processes import BIN, ROOT, Process
from harness.waiting import hold_during, wait_until

FCGI_API = BIN / "fcgi-api"
ADDRESS = "203.0.113.7:49153"
OTHER = "[2001:db8::7]:8080"
BACKUP = "192.0.2.1:8888"
START_S = 10
SEEN_S = 5  # a commit is seen long before
SHUTDOWN_S = 6  # SHUTDOWN_MAX_MS and a little
NOBODY = 65534

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


class Api:
    """fcgi-api on a listening socket that the test holds, as systemd would,
    so that connections wait while it is restarted."""

    def __init__(self, directory, database, backup=BACKUP, program=FCGI_API, **popen):
        self.directory = Path(directory)
        self.socket = self.directory / "api.sock"
        self.log = self.directory / "fcgi-api.log"
        self.config = self.directory / "api.env"
        self.config.write_text(
            f"DATABASE={database}\nLEDGER={self.directory}/ledger\n"
            f"BACKUP_GAMESERVER={backup}\n"
        )
        self.config.chmod(0o644)
        self.program = program
        self.popen = popen
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.socket.chmod(0o666)
        self.listener.listen(1024)
        self.process = None

    def start(self):
        before = self.output().count("event=serving")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--config", self.config],
                stdin=self.listener, stdout=log, stderr=log, **self.popen
            )  # fmt: skip
        wait_until(
            lambda: self.output().count("event=serving") > before,
            START_S,
            "fcgi-api serves",
        )

    def output(self):
        return self.log.read_text() if self.log.exists() else ""

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SHUTDOWN_S)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.listener.close()


class Site:
    """nginx with the demo's site in front of a socket."""

    def __init__(self, directory, api_socket):
        directory = Path(directory) / "nginx"
        (directory / "nginx-temp").mkdir(parents=True)
        self.ports = PortBlock()
        self.public = f"127.0.0.1:{self.ports.first}"
        self.operators = f"127.0.0.1:{self.ports.first + 1}"
        site = subprocess.run(
            [ROOT / "nginx/render", "demo", f"SOCKET={api_socket}",
             f"PUBLIC_LISTEN={self.public}", f"STATUS_LISTEN={self.operators}"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        (directory / "site.conf").write_text(site.stdout)
        shutil.copy(ROOT / "tests/demo/nginx.conf", directory)
        user = ["-g", "user root;"] if os.getuid() == 0 else []
        self.process = Process(
            ["nginx", "-p", f"{directory}/", "-c", directory / "nginx.conf", *user],
            directory / "nginx.log",
        )
        wait_until(lambda: request(self.public, "/healthz"), START_S, "nginx answers")

    def close(self):
        self.process.end()
        self.process.close()
        self.ports.close()


@pytest.fixture
def closing_later():
    """Called with what has a close(); closes it after the test."""
    things = []

    def add(thing):
        things.append(thing)
        return thing

    yield add
    for thing in reversed(things):
        thing.close()


@pytest.fixture
def database(tmp_path, closing_later):
    return closing_later(Database(tmp_path / "state.db", ADDRESS))


@pytest.fixture
def api(tmp_path, database, closing_later):
    running = closing_later(Api(tmp_path, database.path))
    running.start()
    return running


@pytest.fixture
def site(tmp_path, api, closing_later):
    return closing_later(Site(tmp_path, api.socket))


# ---- FastCGI by hand


def record(kind, content=b""):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def params(**values):
    pairs = b""
    for name, value in values.items():
        name, value = name.encode(), value.encode()
        pairs += struct.pack("!BI", len(name), len(value) | 0x80000000) + name + value
    return pairs


def ask_bytes(path, method="GET", keep=False, **more):
    begin = struct.pack("!HB5x", 1, int(keep))
    values = params(REQUEST_METHOD=method, REQUEST_URI=path, **more)
    return record(1, begin) + record(4, values) + record(4) + record(5)


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(path))
    return client


def read_exactly(client, size):
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        assert more, f"closed after {len(data)} of {size} bytes"
        data += more
    return data


def read_answer(client):
    """(head, body) of one answer."""
    out = b""
    while True:
        _, kind, _, size, padding, _ = struct.unpack("!BBHHBB", read_exactly(client, 8))
        content = read_exactly(client, size + padding)[:size]
        if kind == 6:
            out += content
        if kind == 3:
            head, _, body = out.partition(b"\r\n\r\n")
            return head.decode(), body


def ask(path, uri, **options):
    with closing(connect(path)) as client:
        client.sendall(ask_bytes(uri, **options))
        return read_answer(client)


def available(api):
    return json.loads(ask(api.socket, "/available-gameserver/")[1])["available"]


# ---- the public API


def test_the_public_answers_have_the_seeds_bytes(site):
    for slash in ("/", ""):
        one = request(site.public, f"/available-gameserver{slash}")
        assert (one.status, one.body) == (200, b'{"available": "%s"}' % ADDRESS.encode())
        many = request(site.public, f"/available-gameserver-list{slash}")
        assert (many.status, many.body) == (200, b'{"server_list": ["%s"]}' % ADDRESS.encode())
        health = request(site.public, f"/healthz{slash}")
        assert health.status == 200
        assert health.json()["status"] == "ok"
        assert 0 <= health.json()["state_age_seconds"] < 30


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/available-gameserver/", 200),
        ("HEAD", "/available-gameserver/", 200),
        ("GET", "/available-gameserver-list/?x=y", 200),
        ("GET", "/healthz", 200),
        ("OPTIONS", "/available-gameserver/", 204),
        ("OPTIONS", "/nowhere", 404),
        ("POST", "/available-gameserver/", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/", 404),
        ("GET", "/available-gameserver/x", 404),
        ("GET", "/readyz", 404),
        ("GET", "/metrics", 404),
        ("GET", "/status.json", 404),
    ],
)
def test_every_answer_is_json_with_cors_and_is_not_stored(site, method, path, status):
    answer = request(site.public, path, method=method)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (
        answer.headers["access-control-expose-headers"]
        == "X-Gameserver-Source, X-Gameserver-State-Age, Retry-After"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert "x-gameserver-state-age" not in answer.headers
    if status in (204, 405):
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    if method == "HEAD" or status == 204:
        assert answer.body == b""
        return
    assert answer.headers["content-type"] == "application/json"
    assert status == 200 or list(answer.json()) == ["error"]


def test_head_says_what_get_would_and_grants_nothing(site):
    head = request(site.public, "/available-gameserver/", method="HEAD")
    full = request(site.public, "/available-gameserver/")
    for names in (head.headers, full.headers):
        del names["date"]
    assert head.headers == full.headers
    metrics = request(site.operators, "/metrics").body.decode()
    assert 'gsm_grants_total{source="fleet"} 1\n' in metrics


def test_operators_see_readiness_metrics_and_status(site):
    assert get_json(site.operators, "/readyz")["status"] == "ready"
    metrics = request(site.operators, "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\ngsm_free_seats 7\n" in metrics.body.decode()
    status = get_json(site.operators, "/status.json")
    assert status["stale"] is False
    assert status["fleet"]["free"] == 7
    assert status["alarms"][0]["message"] == 'most are "down" </b>'


def test_a_stale_state_is_granted_from_and_told(site, database):
    database.write(heartbeat_sql(age_s=100))
    answer = wait_until(
        lambda: (
            (got := request(site.public, "/available-gameserver/")).headers.get(
                "x-gameserver-state-age"
            )
            and got
        ),
        SEEN_S,
        "the age is told",
    )
    assert 100 <= int(answer.headers["x-gameserver-state-age"]) <= 110
    assert answer.json() == {"available": ADDRESS}
    assert request(site.public, "/healthz").status == 200
    assert request(site.operators, "/readyz").status == 503
    database.write(heartbeat_sql())
    wait_until(
        lambda: request(site.operators, "/readyz").status == 200, SEEN_S, "ready again"
    )


def test_commits_are_followed(api, database):
    database.change(standby_sql())
    wait_until(lambda: available(api) == BACKUP, SEEN_S, "the backup is granted")
    database.change(gameserver_sql(OTHER, slot=1))
    wait_until(lambda: available(api) == OTHER, SEEN_S, "the new one is granted")
    database.change(gameserver_sql(ADDRESS, slot=2))
    wait_until(
        lambda: json.loads(ask(api.socket, "/available-gameserver-list/")[1])
        == {"server_list": [OTHER, ADDRESS]},
        SEEN_S,
        "both are listed",
    )


# ---- seats


def test_no_more_seats_are_granted_than_there_are(tmp_path, database, closing_later):
    database.change(gameserver_sql(ADDRESS, seats=50))
    api = closing_later(Api(tmp_path, database.path))
    api.start()
    site = closing_later(Site(tmp_path, api.socket))
    sources = [
        request(site.public, "/available-gameserver/").headers["x-gameserver-source"]
        for _ in range(60)
    ]
    assert sources == ["fleet"] * 50 + ["backup"] * 10
    assert granted(database.ledger) == 50
    assert shortage(database.ledger) == 10
    assert request(site.public, "/available-gameserver/", method="HEAD").status == 200
    assert shortage(database.ledger) == 10
    metrics = request(site.operators, "/metrics").body.decode()
    assert "\ngsm_refusals_total 10\n" in metrics
    assert "\ngsm_ledger_usable 1\n" in metrics


@pytest.mark.parametrize("how", ["removed before the start", "of another epoch", "cut"])
def test_without_its_ledger_it_grants_on_and_follows_the_next(site, api, database, how):
    if how == "removed before the start":
        database.ledger.unlink()
        api.end()
        api.start()
    elif how == "of another epoch":
        database.write(f"UPDATE fleet_state SET ledger_epoch = {EPOCH + 1}")
    else:
        os.truncate(database.ledger, 0)

    def told_age():
        answer = request(site.public, "/available-gameserver/")
        assert answer.json() == {"available": ADDRESS}
        return "x-gameserver-state-age" in answer.headers

    wait_until(told_age, SEEN_S, "the state is stale")
    assert request(site.operators, "/readyz").status == 503
    make_ledger(database.ledger, EPOCH + 1)
    database.write(f"UPDATE fleet_state SET ledger_epoch = {EPOCH + 1}")
    wait_until(lambda: not told_age(), SEEN_S, "the new ledger is used")
    before = granted(database.ledger)
    assert not told_age()
    assert granted(database.ledger) == before + 1
    assert api.process.poll() is None


class Burst:
    """Kept connections to nginx, by which it is asked all at once."""

    def __init__(self, site, size):
        host, port = site.public.split(":")
        self._clients = [HTTPConnection(host, port, timeout=START_S) for _ in range(size)]
        self.ask()
        assert {source for source, _ in self.answers()} == {"fleet"}

    def ask(self):
        for client in self._clients:
            client.request("GET", "/available-gameserver/")

    def answers(self):
        """[(source, address)], none of a stale state."""
        answers = []
        for client in self._clients:
            response = client.getresponse()
            body = response.read()
            assert response.status == 200, body
            assert response.headers["X-Gameserver-State-Age"] is None
            answers.append((response.headers["X-Gameserver-Source"], json.loads(body)["available"]))
        return answers

    def close(self):
        for client in self._clients:
            client.close()


def reloads(api):
    metrics = ask(api.socket, "/metrics", LISTENER="operators")[1].decode()
    return int(metrics.split("\ngsm_state_reloads_total ")[1].split()[0])


def is_stopped(pid):
    stats = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rsplit(")", 1)[1].split()[0] == "T" for stat in stats)


BURST = 200
STOPPED_S = 3  # more than REFRESH_LATE_MS
SOON_STALE = "UPDATE fleet_state SET stale_after_ms = 1000"
LEFT = 3


@pytest.mark.parametrize(
    "meanwhile",
    ["nothing happens", "walk-ins take what is left", "another gameserver gets the slot"],
)
def test_a_stopped_handler_comes_back_and_sends_nobody_to_a_full_gameserver(
    site, api, database, closing_later, meanwhile
):
    burst = closing_later(Burst(site, BURST))
    before = reloads(api)
    limit = BURST if meanwhile == "nothing happens" else 2 * BURST
    database.change(SOON_STALE, heartbeat_sql(), gameserver_sql(ADDRESS, limit=limit))
    wait_until(lambda: reloads(api) > before, SEEN_S, "the limit is known")
    api.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: is_stopped(api.process.pid), SEEN_S, "every thread stands still")
        burst.ask()
        if meanwhile == "walk-ins take what is left":
            database.change(gameserver_sql(ADDRESS, limit=BURST))
        if meanwhile == "another gameserver gets the slot":
            set_cell(database.ledger, 0, generation=2, count=0)
            database.change(gameserver_sql(OTHER, generation=2, limit=LEFT))
        stopped_until = time.monotonic() + STOPPED_S
        while time.monotonic() < stopped_until:
            database.write(heartbeat_sql())
    finally:
        api.process.send_signal(signal.SIGCONT)
    addresses = [address for _, address in burst.answers()]
    left = LEFT if meanwhile == "another gameserver gets the slot" else 0
    assert (addresses.count(ADDRESS), addresses.count(OTHER)) == (0, left)


def test_without_seats_and_backup_it_says_when_to_come_back(tmp_path, closing_later):
    database = closing_later(Database(tmp_path / "state.db"))
    api = closing_later(Api(tmp_path, database.path, backup=""))
    api.start()
    head, body = ask(api.socket, "/available-gameserver/")
    assert head.startswith("Status: 503 ")
    assert "\r\nRetry-After: " in head
    assert list(json.loads(body)) == ["error"]


# ---- the list


def list_requests(site):
    metrics = request(site.operators, "/metrics").body.decode()
    line = 'gsm_requests_total{path="/available-gameserver-list/",code="200"} '
    return int(metrics.split(line)[1].split()[0]) if line in metrics else 0


def test_one_list_serves_everybody_for_a_second(site, database):
    path = "/available-gameserver-list/"
    began = time.monotonic()
    answers = [request(site.public, path + query) for query in ["", "?a"] * 50]
    seconds = int(time.monotonic() - began) + 1
    for answer in answers:
        assert answer.body == b'{"server_list": ["%s"]}' % ADDRESS.encode()
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "age" not in answer.headers
    assert 1 <= list_requests(site) <= 1 + seconds
    head = request(site.public, path, method="HEAD")
    assert head.body == b""
    assert head.headers["content-length"] == answers[0].headers["content-length"]
    assert request(site.public, path, method="OPTIONS").status == 204
    assert request(site.public, path, method="POST").status == 405
    database.change(gameserver_sql(OTHER, slot=1))
    wait_until(
        lambda: request(site.public, path).json() == {"server_list": [ADDRESS, OTHER]},
        SEEN_S,
        "the next list is served",
    )


# ---- the database's troubles


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


def announce(path):
    """As scalerd does after a commit, but nobody is woken."""
    with open(path, "r+b") as file:
        file.seek(LEDGER_NEWS)
        count = struct.unpack("=I", file.read(4))[0]
        file.seek(LEDGER_NEWS)
        file.write(struct.pack("=I", count + 1))


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


# ---- connections


def test_plain_cgi_answers_from_the_environment(tmp_path, database):
    answer = subprocess.run(
        [FCGI_API], stdin=subprocess.DEVNULL, capture_output=True, timeout=10,
        env={"DATABASE": str(database.path), "LEDGER": str(database.ledger), "GATEWAY_INTERFACE": "CGI/1.1",
             "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/cgi-bin/fcgi-api",
             "PATH_INFO": "/available-gameserver/",
             "REQUEST_URI": "/cgi-bin/fcgi-api/available-gameserver/"},
        cwd=tmp_path,
    )  # fmt: skip
    head, _, body = answer.stdout.partition(b"\r\n\r\n")
    assert answer.returncode == 0
    assert head.startswith(b"Status: 200 OK\r\n")
    assert json.loads(body) == {"available": ADDRESS}
    assert b"\r\nX-Gameserver-State-Age:" not in head
    assert granted(database.ledger) == 1
    assert answer.stderr == b""


def test_two_hundred_keep_alive_clients_are_all_served(site):
    seconds, clients = 3, 200
    ask_http = f"GET /available-gameserver/ HTTP/1.1\r\nHost: {site.public}\r\n\r\n".encode()

    async def client(deadline):
        replies = 0
        reader, writer = await asyncio.open_connection(*site.public.split(":"))
        while time.monotonic() < deadline:
            writer.write(ask_http)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            size = int(head.lower().split(b"content-length:")[1].split()[0])
            await reader.readexactly(size)
            replies += 1
        writer.close()
        return replies

    async def everybody():
        deadline = time.monotonic() + seconds
        waits = [asyncio.wait_for(client(deadline), seconds * 5) for _ in range(clients)]
        return await asyncio.gather(*waits)

    replies = sorted(asyncio.run(everybody()))
    assert replies[0] > 0
    assert replies[0] * 5 > replies[clients // 2], f"some starve: {replies[:5]}"


class Load:
    """Clients that ask without a pause; `failures` is what went wrong."""

    def __init__(self, address, clients=8):
        self.address = address
        self.failures = []
        self.replies = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._over.is_set():
            try:
                answer = request(self.address, "/available-gameserver/")
                if answer.status != 200:
                    self.failures.append((answer.status, answer.body))
            except OSError as error:
                self.failures.append(error)
            self.replies += 1  # a hint only: not atomic

    def wait_for_more(self):
        before = self.replies
        wait_until(lambda: self.replies > before + 100, START_S, "requests are answered")

    def close(self):
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_a_restart_under_load_loses_no_request(site, api, closing_later):
    load = closing_later(Load(site.public))
    for _ in range(5):
        load.wait_for_more()
        assert api.end() == 0
        api.start()
    load.wait_for_more()
    load.close()
    assert load.failures == []


def test_it_ends_at_once_though_connections_are_kept_open(api):
    idle = []
    for _ in range(50):
        client = connect(api.socket)
        client.sendall(ask_bytes("/healthz", keep=True))
        read_answer(client)
        idle.append(client)
    began = time.monotonic()
    assert api.end() == 0
    assert time.monotonic() - began < 2
    for client in idle:
        assert client.recv(1) == b""
        client.close()


def test_a_request_in_progress_is_finished(tmp_path, closing_later):
    database = closing_later(Database(tmp_path / "state.db"))
    servers = [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}:{n}" for n in range(40000)]
    database.change(*[gameserver_sql(server, slot) for slot, server in enumerate(servers)])
    api = closing_later(Api(tmp_path, database.path))
    api.start()
    with closing(connect(api.socket)) as client:
        client.sendall(ask_bytes("/available-gameserver-list/", keep=True))
        start = client.recv(8)  # it writes, more than the socket's buffers hold
        api.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "event=stopping" in api.output(), START_S, "it is told")
        client_rest = Rest(start, client)
        _, body = read_answer(client_rest)
    assert json.loads(body) == {"server_list": servers}
    assert api.process.wait(SHUTDOWN_S) == 0


class Rest:
    """A socket of which some bytes were read before."""

    def __init__(self, start, client):
        self.start, self.client = start, client

    def recv(self, size):
        if self.start:
            part, self.start = self.start[:size], self.start[size:]
            return part
        return self.client.recv(size)


def test_silent_connections_hold_no_thread_for_long(api):
    silent = [connect(api.socket) for _ in range(256)]
    began = time.monotonic()
    head, _ = ask(api.socket, "/healthz")
    assert head.startswith("Status: 200 ")
    assert time.monotonic() - began < 5
    for client in silent:
        assert client.recv(1) == b""  # closed by the other side
        client.close()


def test_a_lack_of_files_is_waited_out(tmp_path, database, closing_later):
    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    api = closing_later(Api(tmp_path, database.path, preexec_fn=few_files))
    api.start()
    many = [connect(api.socket) for _ in range(40)]
    for client in many:
        client.sendall(ask_bytes("/healthz", keep=True))
    wait_until(lambda: "event=accept_failing" in api.output(), START_S, "files run out")
    for client in many:
        client.close()
    wait_until(lambda: available(api) == ADDRESS, START_S, "it serves again")
    assert api.output().count("event=accept_failing") == 1
    assert api.end() == 0


def test_a_body_is_thrown_away_and_the_connection_stays_in_step(api):
    body = b"\x01\x01" * 10000
    with closing(connect(api.socket)) as client:
        for _ in range(3):
            post = ask_bytes("/available-gameserver/", method="POST", keep=True)
            client.sendall(post[:-8] + record(5, body) + record(5))
            assert read_answer(client)[0].startswith("Status: 405 ")
        client.sendall(ask_bytes("/healthz", keep=True))
        assert read_answer(client)[0].startswith("Status: 200 ")


def test_bytes_that_are_not_fastcgi_close_the_connection(api):
    with closing(connect(api.socket)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    assert available(api) == ADDRESS


# ---- its own socket and its command line


def start_on(path, tmp_path, database):
    return Process(
        [FCGI_API, "--socket", path],
        tmp_path / "own.log",
        env={"DATABASE": str(database.path), "LEDGER": str(database.ledger)},
        cwd=tmp_path,
    )


def test_it_makes_its_own_socket_and_takes_it_away(tmp_path, database, closing_later):
    path = tmp_path / "own.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))  # left behind by one that was killed
    dead.close()
    first = closing_later(start_on(path, tmp_path, database))
    wait_until(lambda: ask(path, "/healthz"), START_S, "it serves")
    assert path.stat().st_mode & 0o777 == 0o660
    second = closing_later(start_on(path, tmp_path, database))
    assert second.wait() == 71
    assert "in use" in second.output()
    assert ask(path, "/healthz")[0].startswith("Status: 200 ")
    assert first.end() == 0
    assert not path.exists()


def test_something_else_at_the_sockets_path_is_left_alone(tmp_path, database, closing_later):
    path = tmp_path / "own.sock"
    path.write_text("precious")
    process = closing_later(start_on(path, tmp_path, database))
    assert process.wait() == 71
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "arguments, environment, code, says",
    [
        (["--version"], {}, 0, "fcgi-api "),
        (["--help"], {}, 0, "usage: fcgi-api"),
        (["--nonsense"], {}, 64, "usage: fcgi-api"),
        (["more"], {}, 64, "usage: fcgi-api"),
        (["--config", "/nowhere/at.all"], {}, 78, "/nowhere/at.all"),
        ([], {"BACKUP_GAMESERVER": 'a"b:1'}, 78, "BACKUP_GAMESERVER"),
    ],
)
def test_the_command_line(tmp_path, arguments, environment, code, says):
    got = subprocess.run(
        [FCGI_API, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=10, cwd=tmp_path, env={"DATABASE": "state.db", **environment},
    )  # fmt: skip
    assert got.returncode == code, got.stderr
    assert says in got.stdout + got.stderr
