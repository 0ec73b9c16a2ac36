# SPDX-License-Identifier: MIT
"""How long everything takes, and rounds that alternate."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A database on a disk would measure the disk's fsync.
MEMORY = Path("/dev/shm")


class MeasureError(Exception):
    """Measuring itself failed; a bar that is not met is none."""


@dataclass
class Plan:
    seconds: float = 1.0  # of one round
    seed: str = ""  # a checkout of the seed, or ""

    @property
    def smoke(self):
        """Below a second nothing is measured: does the bench work at all?"""
        return self.seconds < 1

    def rounds(self, count):
        return 1 if self.smoke else count

    def requests(self, count):
        return count // 100 if self.smoke else count


@contextmanager
def directory():
    """A directory in memory, gone afterwards."""
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="gsm-bench-", dir=where))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def alternate(names, rounds, once):
    """{name: [once(name) of each round]}. Each round begins with another
    name, so that no one always runs after the same neighbour."""
    results = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            results[name].append(once(name))
    return results
