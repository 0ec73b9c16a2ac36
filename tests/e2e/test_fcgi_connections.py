# SPDX-License-Identifier: MIT
"""fcgi-api's connections: many, kept, silent, broken, and while it ends."""

import asyncio
import json
import resource
import signal
import socket
import threading
import time
from contextlib import closing

from harness.fcgi import (
    SHUTDOWN_S,
    START_S,
    Api,
    ask,
    ask_bytes,
    available,
    connect,
    read_answer,
    record,
)
from harness.http import request
from harness.state import ADDRESS, Database, gameserver_sql
from harness.waiting import wait_until


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
