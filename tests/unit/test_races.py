# SPDX-License-Identifier: MIT
"""The unit tests that have threads, under ThreadSanitizer: what fcgi-api's
request threads and its refresher share, and the ledger, are without a data
race. `make races` builds them."""

import os
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("GSM_BUILD", Path(__file__).parents[2] / "build"))
NAMES = ("common/test_ledger_shared", "fcgi-api/test_publication", "fcgi-api/test_seats")
NAMES += ("fcgi-api/test_threads",)
RUN_S = 120


@pytest.mark.parametrize("name", NAMES)
def test_threads_share_without_a_data_race(name):
    program = BUILD / "races/tests/unit" / name
    assert b"__tsan_init" in program.read_bytes()
    environment = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1"}
    ran = subprocess.run(
        [program],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=RUN_S,
    )
    assert ran.returncode == 0, ran.stdout
    assert "WARNING: ThreadSanitizer" not in ran.stdout, ran.stdout
