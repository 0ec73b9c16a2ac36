# SPDX-License-Identifier: MIT
"""Fixtures of the whole-program tests. Each test has a directory of its own;
what it started is ended after it, and its logs are shown when it failed."""

import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from harness.fcgi import Api, Site
from harness.gameserver import Gameserver
from harness.players import Players
from harness.stack import Stack
from harness.state import ADDRESS, Database

LOG_TAIL = 60  # lines of each log

# The test cloud, tests/cloud, and boto3 from its Python.
TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
for packages in (TESTS.parent / "build" / "venv").glob("lib/python3*/site-packages"):
    sys.path.insert(0, str(packages))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{report.when}", report)


def _failed(item):
    return any(
        getattr(getattr(item, f"report_{when}", None), "failed", False)
        for when in ("setup", "call")
    )


def _show_logs(directory):
    for log in sorted(directory.rglob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        if not lines:
            continue
        print(f"---- {log.relative_to(directory)} ({len(lines)} lines)")
        print("\n".join(lines[-LOG_TAIL:]))


@pytest.fixture(autouse=True)
def show_logs(request, tmp_path):
    yield
    if _failed(request.node):
        _show_logs(tmp_path)


@pytest.fixture
def players():
    with Players() as everybody:
        yield everybody


@pytest.fixture
def gameserver(tmp_path):
    """Called with options, starts a reference gameserver of this test."""
    started = []

    def start(*options, env=None, **how):
        full = {**os.environ, "GAMESERVER_LOG": str(tmp_path), **(env or {})}
        one = Gameserver(tmp_path, *options, env=full, name=f"gs{len(started)}", **how)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


@pytest.fixture
def stack(tmp_path, show_logs):
    """The system on one machine, not started yet."""
    system = Stack(tmp_path)
    try:
        yield system
    finally:
        system.close()


@pytest.fixture(scope="session")
def one_cloud(tmp_path_factory):
    """The test cloud of this test process; who uses it resets it."""
    from cloud.running import MISSING, READY, RunningCloud

    if not READY:
        pytest.skip(MISSING)
    with RunningCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def ecs(tmp_path, show_logs, one_cloud):
    """The system with PROVIDER=ecs in an empty cloud, not started yet. After
    every test, failed or not, the cloud's audit must be clean."""
    from harness.ecs import EcsStack

    system = EcsStack(tmp_path, one_cloud)
    try:
        yield system
        violations = system.verdict()
    finally:
        system.close()
    if violations:
        _show_logs(tmp_path)
    assert not violations, violations


# ---- fcgi-api without scalerd


@pytest.fixture
def closing_later():
    """Called with what has a close(); closes it after the test."""
    with ExitStack() as things:
        yield lambda thing: things.enter_context(closing(thing))


@pytest.fixture
def database(tmp_path, closing_later):
    return closing_later(Database(tmp_path / "state.db", ADDRESS))


@pytest.fixture
def api(tmp_path, database, closing_later):
    running = closing_later(Api(tmp_path, database.path))
    running.start()
    return running


@pytest.fixture
def site(tmp_path, api, closing_later):
    return closing_later(Site(tmp_path, api.socket))
