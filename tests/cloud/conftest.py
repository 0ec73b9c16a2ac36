# SPDX-License-Identifier: MIT
"""Makes the harness of the whole-program tests importable from here, and
boto3 from the test cloud's own Python."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))
for packages in (TESTS.parent / "build" / "venv").glob("lib/python3*/site-packages"):
    sys.path.insert(0, str(packages))
