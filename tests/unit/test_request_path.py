# SPDX-License-Identifier: MIT
"""What answers a player takes no lock, allocates nothing and asks no
database: none of its objects has a name of such a function in it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("GSM_BUILD", Path(__file__).parents[2] / "build"))
PATH = ("common/ledger_cell", "fcgi-api/answer", "fcgi-api/choose", "fcgi-api/choose_stale")
PATH += ("fcgi-api/exchange", "fcgi-api/public", "fcgi-api/publication", "fcgi-api/random")
PATH += ("fcgi-api/request", "fcgi-api/seats")
FORBIDDEN = r"pthread_(mutex|rwlock|cond|spin)|sem_|(m|c|re)alloc|strdup|sqlite3_|report_"


@pytest.mark.parametrize("name", PATH)
def test_no_lock_no_memory_and_no_database_for_a_request(name):
    listed = subprocess.run(
        ["nm", "--undefined-only", "--format=just-symbols", BUILD / "obj" / f"{name}.o"],
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = listed.stdout.split()
    assert [symbol for symbol in wanted if re.match(FORBIDDEN, symbol)] == []
