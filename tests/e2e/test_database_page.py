# SPDX-License-Identifier: MIT
"""docs/database.md explains what an operator may meet in the database."""

import re

from harness.processes import ROOT

PAGE = (ROOT / "docs/database.md").read_text()
EXPLAINED = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def names(pattern, *files):
    return {name for path in files for name in re.findall(pattern, path.read_text())}


def test_every_phase_of_provider_ecs_is_explained():
    files = (ROOT / "scalerd/aws").glob("ecs_*.c")
    phases = names(r'\t\{\.name = "(\w+)"', *files)
    assert {"run_instances", "join", "instance_terminating"} <= phases <= EXPLAINED


def test_every_alarm_is_explained():
    alarms = names(r'\[ALARM_\w+\] = "(\w+)"', ROOT / "scalerd/scaler/journal.c")
    assert "orphan" in alarms and alarms <= EXPLAINED
