# SPDX-License-Identifier: MIT
"""The real scaler in a simulated world: many histories, each from one seed.

`GSM_BUILD/tests/sim/sim --seed N --verbose` shows one history again.
SIM_SEEDS in the environment is how many are lived (default: what fits into
`make check`); SIM_FIRST is the first seed.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("GSM_BUILD", ROOT / "build"))
SIM = BUILD / "tests" / "sim" / "sim"
DEFAULT_SEEDS = 200 if BUILD.name == "sanitize" else 1600
FIRST = int(os.environ.get("SIM_FIRST", "1"))
SEEDS = int(os.environ.get("SIM_SEEDS", DEFAULT_SEEDS))
PIECES = 8  # processes that pytest may run side by side
FIGURES = (
    "launches",
    "stops",
    "standbys",
    "backs",
    "kills",
    "players",
    "kept",
    "renewals",
)


def sim(*arguments):
    return subprocess.run(
        [SIM, *arguments], stdout=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.parametrize("piece", range(PIECES))
def test_nothing_happens_that_must_never_happen(piece):
    first = FIRST + SEEDS * piece // PIECES
    last = FIRST + SEEDS * (piece + 1) // PIECES - 1
    run = sim("--seeds", f"{first}..{last}")
    assert run.returncode == 0, run.stdout
    figures = {
        name: int(re.search(rf" {name}=(\d+)", run.stdout)[1]) for name in FIGURES
    }
    # A world in which nothing happens would prove nothing.
    assert last - first < 20 or all(figures.values()), figures


def test_a_history_can_be_replayed_from_its_seed():
    first, again = (sim("--seed", str(FIRST), "--verbose").stdout for _ in "12")
    assert len(first.splitlines()) > 100
    assert first == again


@pytest.mark.parametrize(
    "arguments", [(), ("--seed",), ("--seed", "x"), ("--seeds", "1"), ("--help",)]
)
def test_a_wrong_command_line_is_refused(arguments):
    run = subprocess.run(
        [SIM, *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 64
    assert run.stderr.startswith("usage: ")
