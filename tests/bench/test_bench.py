# SPDX-License-Identifier: MIT
"""make bench works: every measurement, once and much too short to mean
anything. What it measures is judged by people, not here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness.processes import alive  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GSM_BUILD", ROOT / "build")).resolve()
RUN = ROOT / "tests/bench/run"
NAMES = ("allocation", "decide", "fairness", "grant", "idle", "list", "memory", "polling")
NAMES += ("refresh", "seed", "turn")
NEED_WRK = {"allocation", "list", "memory"}
RUN_S = 120


def run(*names, **environment):
    """(exit code, output, errors). SIGTERM, so that it ends what it started."""
    with subprocess.Popen(
        [sys.executable, str(RUN), *names],
        env={**os.environ, "GSM_BUILD": str(BUILD), "SEED": "", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            output, errors = running.communicate(timeout=RUN_S)
        except BaseException:
            running.terminate()
            raise
    return running.returncode, output, errors


@pytest.mark.parametrize("name", NAMES)
def test_a_short_run_prints_its_bars_and_leaves_its_figures(name, tmp_path):
    if name in NEED_WRK and not shutil.which("wrk"):
        pytest.skip("wrk is not installed; make bench does that")
    code, output, errors = run(name, BENCH_SECONDS="0.2", BENCH_OUT=str(tmp_path))
    assert code == 0, errors
    data = json.loads((tmp_path / f"{name}.json").read_text())
    assert f"### {data['title']}" in output
    assert data["machine"]["processors"] >= 1
    if data["skipped"]:
        assert "Skipped: SEED=" in output
        return
    for bar in data["bars"]:
        assert f"| {bar['what']} " in output
    assert data["bars"] or data["tables"]


def test_an_unknown_measurement_is_refused_by_name():
    code, _, errors = run("speed")
    assert code == 64
    assert "no measurement speed; there are allocation, " in errors


def test_a_length_that_is_none_is_refused():
    code, _, errors = run("decide", BENCH_SECONDS="0")
    assert code == 64
    assert "BENCH_SECONDS=0 is not from 0.05 to 60" in errors


def test_measuring_that_fails_is_an_error(tmp_path):
    out = str(tmp_path)
    code, _, errors = run("seed", BENCH_SECONDS="0.2", BENCH_OUT=out, SEED=out)
    assert code == 1
    assert "not a checkout of the seed" in errors
    assert not (tmp_path / "seed.json").exists()


def test_one_that_is_told_to_end_leaves_no_process_behind(tmp_path):
    variables = {"GSM_BUILD": str(BUILD), "BENCH_SECONDS": "60", "BENCH_OUT": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, str(RUN), "refresh"],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            # It, the writer, fcgi-api, nginx and its worker, or more of them.
            wait_until(lambda: len(group(running.pid)) >= 5, RUN_S, "the bench runs")
        finally:
            running.terminate()
    assert running.returncode == 143
    assert group(running.pid) == []


def group(leader):
    """The living processes of a process group, the leader too."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and alive(entry):
            try:
                if os.getpgid(int(entry)) == leader:
                    found.append(int(entry))
            except ProcessLookupError:
                pass
    return found
