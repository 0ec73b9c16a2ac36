# SPDX-License-Identifier: MIT
"""What `make bench` measures. Each measurement is a module with TITLE and
measure(plan) -> Report; tests/bench/run knows them all."""

import sys
from pathlib import Path

# Processes, ports and waiting are those of the whole-program tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "e2e"))
