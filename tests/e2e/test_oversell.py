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


def test_nobody_is_sent_to_a_full_gameserver_nor_refused_while_there_is_room():
    run = oversell("--quick", "--json")
    cells = [json.loads(line) for line in run.stdout.splitlines()]
    by_credit = [cell for cell in cells if cell["policy"].startswith("credit")]
    assert all(cell["clients"] >= CLIENTS for cell in by_credit)
    assert {cell["policy"] for cell in by_credit} == {"credit, spread", "credit, pack"}
    assert [cell for cell in by_credit if not cell["kept"]] == []
    assert run.returncode == 0
    # In this world others oversell, and credit runs out where it must.
    naive = [cell for cell in cells if cell["policy"] == "most free, no debit"]
    assert naive and all(cell["oversold"] > 0.05 * cell["granted"] for cell in naive)
    assert any(cell["room_percent"] < 100 and cell["refused"] > 0 for cell in by_credit)


@pytest.mark.long
def test_the_whole_grid_keeps_its_bars():
    run = oversell()
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("arguments", [("--seed",), ("--seed", "x"), ("--help",)])
def test_a_wrong_command_line_is_refused(arguments):
    run = oversell(*arguments)
    assert run.returncode == 64
    assert run.stderr.startswith("usage: ")
