# SPDX-License-Identifier: MIT
"""Programs under test, and what /proc says of the gameservers they started."""

import os
import signal
import subprocess
from pathlib import Path

from harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("GSM_BUILD", ROOT / "build")).resolve()
BIN = BUILD / "bin"
STOP_S = 10


class Process:
    """A program with its output in a file. Ends it in close() if need be."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.log = Path(log)
        with open(self.log, "ab") as output:
            self._popen = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
            )
        self.pid = self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def send(self, number):
        if self.running():
            self._popen.send_signal(number)

    def wait(self, timeout=STOP_S):
        """Its exit code (negative: the signal that ended it)."""
        return self._popen.wait(timeout)

    def end(self, number=signal.SIGTERM, timeout=STOP_S):
        self.send(number)
        return self.wait(timeout)

    def close(self):
        if self.running():
            self._popen.send_signal(signal.SIGCONT)
            self._popen.kill()
            self._popen.wait()

    def output(self):
        return self.log.read_text(errors="replace")


def alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def environment(pid):
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.split(b"=", 1) for item in raw.split(b"\0") if b"=" in item)
    return {name.decode(): value.decode(errors="replace") for name, value in pairs}


def fleet_processes(database):
    """{pid: environment} of the living that bear the mark of the fleet that
    this database belongs to, however they were started."""
    found = {}
    suffix = "@" + os.path.abspath(database)
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        variables = environment(entry)
        if variables.get("GAMESERVER_FLEET", "").endswith(suffix) and alive(entry):
            found[int(entry)] = variables
    return found


def kill_fleet(database):
    """Ends the gameservers of a test, as their own test is over."""

    def none_left():
        # Again and again: one may just have been spawned.
        left = fleet_processes(database)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        assert not left, f"{left}"
        return True

    wait_until(none_left, STOP_S, f"no process of {database} is left")
