# SPDX-License-Identifier: MIT
"""The agent on a fake instance: starts the real reference gameserver on the
instance's own address, tells when it ended, and signals it. Whoever it
signals is asked first how many play there; the answer goes to the log."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("GSM_BUILD", ROOT / "build")).resolve() / "bin"
LISTENING = re.compile(rb"listening \S+:(\d+)")
ASK_S = 0.5
STACK = 256 * 1024  # of the thread that watches one process

threading.stack_size(STACK)


def players(address, port):
    """How many play there; None: it does not say."""
    connection = http.client.HTTPConnection(address, port, timeout=ASK_S)
    try:
        connection.request("GET", "/debug/")
        return json.loads(connection.getresponse().read())["connections"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()


class Game:
    """One gameserver process. Made on the scheduler's thread: the kernel ends
    the process when that thread ends, however the cloud ends."""

    def __init__(
        self, world, task, address, port, environment, options, on_listen, on_exit
    ):
        self.world = world
        self.task = task
        self.address = address
        self.port = None
        self._signalling = threading.Lock()  # one after the other
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", BIN / "gameserver"]
            + ["--address", address, "--port", str(port), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environ(world, environment),
            start_new_session=True,
        )
        self.pid = self._process.pid
        world.event("process_started", task=task, pid=self.pid)
        watch = threading.Thread(
            target=self._watch, args=(on_listen, on_exit), daemon=True
        )
        watch.start()

    @staticmethod
    def _environ(world, environment):
        kept = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")
        mine = {name: os.environ[name] for name in kept if name in os.environ}
        log = {"GAMESERVER_LOG": world["testimony"]}
        return {**mine, **log, **world["environment"], **environment}

    def _watch(self, on_listen, on_exit):
        with self._process.stdout as output:
            for line in output:
                found = LISTENING.match(line)
                if found:
                    self.port = int(found.group(1))
                    self.world.after(0, on_listen, self)
        code = self._process.wait()
        self.world.event("process_ended", task=self.task, pid=self.pid, code=code)
        # As Docker says it.
        self.world.after(0, on_exit, self, code if code >= 0 else 128 - code)

    def signal(self, number):
        """Not at once: asked on a thread of its own, then signalled."""
        threading.Thread(target=self._signal, args=(number,), daemon=True).start()

    def _signal(self, number):
        with self._signalling:
            self._ask_and_send(number)

    def _ask_and_send(self, number):
        playing = players(self.address, self.port) if self.port else 0
        if self._process.poll() is not None:
            return
        self.world.event(
            "signalled",
            task=self.task,
            pid=self.pid,
            signal=signal.Signals(number).name,
            players=playing,
        )
        self._process.send_signal(number)

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
