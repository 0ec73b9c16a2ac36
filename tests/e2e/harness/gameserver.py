# SPDX-License-Identifier: MIT
"""The reference gameserver, started by hand or asked about itself."""

import re
from pathlib import Path

from harness.http import get_json, request
from harness.processes import BIN, Process
from harness.waiting import wait_until

START_S = 5


class Gameserver(Process):
    """One that listens on a port of its own; `address` is where."""

    def __init__(self, directory, *options, env=None, name="gameserver"):
        log = Path(directory) / f"{name}.log"
        argv = [BIN / "gameserver", "--port", "0", *options]
        super().__init__(argv, log, env=env)
        self.address = wait_until(self._listening, START_S, "the gameserver listens")

    def _listening(self):
        assert self.running(), f"gameserver ended: {self.output()}"
        found = re.search(r"^listening (\S+)$", self.output(), re.MULTILINE)
        return found and found.group(1)


def health(address):
    return get_json(address, "/health/")


def debug(address):
    return get_json(address, "/debug/")


def misbehave(address, kind):
    """Makes a running gameserver fail on purpose; "none" heals it."""
    answer = request(address, "/debug/misbehave", method="POST", body=kind)
    assert answer.status == 200, f"misbehave {kind}: {answer.status}"
