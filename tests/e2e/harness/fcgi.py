# SPDX-License-Identifier: MIT
"""fcgi-api on a socket that a test holds, nginx before it, and FastCGI by
hand."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
from contextlib import closing
from pathlib import Path

from harness.http import request
from harness.ports import PortBlock
from harness.processes import BIN, ROOT, Process
from harness.waiting import wait_until

FCGI_API = BIN / "fcgi-api"
BACKUP = "192.0.2.1:8888"
START_S = 10
SEEN_S = 5  # a commit is seen long before
SHUTDOWN_S = 6  # SHUTDOWN_MAX_MS and a little


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
