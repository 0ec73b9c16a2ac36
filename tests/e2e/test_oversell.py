# SPDX-License-Identifier: MIT
"""The simulation of overselling keeps its bars; tests/bench/oversell."""

import json
import subprocess

import pytest

from harness.processes import BUILD

OVERSELL = BUILD / "bench" / "oversell"
CLIENTS = 60000


def oversell(*arguments):
    return subprocess.run(
        [OVERSELL, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def runs():
    run = oversell("--quick", "--json")
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()]


def test_nobody_is_sent_to_a_full_gameserver_nor_refused_while_there_is_room(runs):
    code, cells = runs
    by_credit = [cell for cell in cells if cell["policy"].startswith("credit")]
    assert all(cell["clients"] >= CLIENTS for cell in by_credit)
    assert {cell["policy"] for cell in by_credit} == {"credit, spread", "credit, pack"}
    assert [cell for cell in by_credit if not cell["kept"]] == []
    assert code == 0


def test_the_world_in_which_this_holds_is_a_hard_one(runs):
    """Where the policies without credit oversell, and credit runs out."""
    _, cells = runs
    naive = [cell for cell in cells if cell["policy"] == "most free, no debit"]
    assert all(cell["oversold"] > 0.05 * cell["granted"] for cell in naive)
    assert any(cell["room_percent"] < 100 and cell["refused"] > 0 for cell in cells)


@pytest.mark.long
def test_the_whole_grid_keeps_its_bars():
    run = oversell()
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("arguments", [("--seed",), ("--seed", "x"), ("--help",)])
def test_a_wrong_command_line_is_refused(arguments):
    run = oversell(*arguments)
    assert run.returncode == 64
    assert run.stderr.startswith("usage: ")
