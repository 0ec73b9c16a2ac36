# SPDX-License-Identifier: MIT
"""Fixtures of the whole-program tests. Each test has a directory of its own;
what it started is ended after it, and its logs are shown when it failed."""

import pytest

from harness.players import Players
from harness.stack import Stack

LOG_TAIL = 60  # lines of each log


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{report.when}", report)


def _failed(item):
    return any(
        getattr(getattr(item, f"report_{when}", None), "failed", False)
        for when in ("setup", "call")
    )


@pytest.fixture(autouse=True)
def show_logs(request, tmp_path):
    yield
    if not _failed(request.node):
        return
    for log in sorted(tmp_path.rglob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        if not lines:
            continue
        print(f"---- {log.relative_to(tmp_path)} ({len(lines)} lines)")
        print("\n".join(lines[-LOG_TAIL:]))


@pytest.fixture
def players():
    with Players() as everybody:
        yield everybody


@pytest.fixture
def stack(tmp_path, show_logs):
    """The system on one machine, not started yet."""
    system = Stack(tmp_path)
    try:
        yield system
    finally:
        system.close()
