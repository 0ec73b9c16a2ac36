# SPDX-License-Identifier: MIT
"""fcgi-api as a program: CGI, its own socket, its command line."""

import json
import socket
import subprocess

import pytest

from harness.fcgi import FCGI_API, START_S, ask
from harness.processes import Process
from harness.state import ADDRESS, granted
from harness.waiting import wait_until


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
