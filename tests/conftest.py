# SPDX-License-Identifier: MIT
"""What concerns every test: the C unit tests as pytest items, and a time
limit. Each `tests/unit/PART/test_X.c` is built to `GSM_BUILD/tests/unit/...`;
each of its tests (`--list`) is one item, run in a process of its own."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("GSM_BUILD", ROOT / "build"))
UNIT = ROOT / "tests" / "unit"
UNIT_TEST_S = 60
TEST_S = 240  # of any test that is not marked long


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes longer than make check allows")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """A test that hangs fails, and the run goes on."""

    def too_long(_signal, _frame):
        pytest.fail(f"still not done after {TEST_S} s")

    if item.get_closest_marker("long"):
        yield
        return
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_collect_file(file_path, parent):
    if (
        file_path.suffix == ".c"
        and file_path.name.startswith("test_")
        and UNIT in file_path.parents
    ):
        return UnitProgram.from_parent(parent, path=file_path)
    return None


class UnitProgram(pytest.File):
    def collect(self):
        program = BUILD / "tests" / self.path.relative_to(UNIT.parent).with_suffix("")
        if not program.exists():
            raise self.CollectError(f"{program} is not built: make tests")
        listed = subprocess.run(
            [program, "--list"], capture_output=True, text=True, timeout=UNIT_TEST_S
        )
        names = listed.stdout.split()
        if listed.returncode != 0 or not names:
            raise self.CollectError(f"{program} --list failed: {listed.stderr}")
        for name in names:
            yield UnitTest.from_parent(self, name=name, program=program)


class UnitFailure(Exception):
    pass


class UnitTest(pytest.Item):
    def __init__(self, *, program, **options):
        super().__init__(**options)
        self.program = program

    def runtest(self):
        try:
            ran = subprocess.run(
                [self.program, self.name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=UNIT_TEST_S,
            )
        except subprocess.TimeoutExpired as error:
            output = (error.output or b"").decode(errors="replace")
            raise UnitFailure(f"{output}\nnot done in {UNIT_TEST_S} s") from None
        if ran.returncode != 0:
            raise UnitFailure(f"{ran.stdout}\nexit code {ran.returncode}")
        if "Running 1 test(s)" not in ran.stdout:
            raise UnitFailure(f"{ran.stdout}\n{self.name} was not run")
        if "[  SKIPPED ]" in ran.stdout:
            noise = re.compile(r"\[|\s*$|\s*\d+ SKIPPED TEST")
            said = [line for line in ran.stdout.splitlines() if not noise.match(line)]
            pytest.skip(f"{self.name}: {' '.join(said) or 'not possible here'}")

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, UnitFailure):
            return f"{self.program} {self.name}\n{excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, self.name
