# SPDX-License-Identifier: MIT
"""The machine that measures, and what /proc says of a process."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from harness.processes import ROOT

PACKAGES = ("nginx", "libfcgi0ldbl", "libsqlite3-0", "libcurl4", "wrk", "gcc")
TICKS = os.sysconf("SC_CLK_TCK")


def _field(path, name):
    match = re.search(rf"^{name}\s*:\s*(.+)$", Path(path).read_text(), re.MULTILINE)
    return match.group(1) if match else "unknown"


def _output(*argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def describe():
    versions = _output("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES)
    return {
        "cpu": _field("/proc/cpuinfo", "model name"),
        "processors": os.cpu_count(),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "system": _field_of_release("PRETTY_NAME"),
        "packages": versions.splitlines(),
        "commit": _output("git", "describe", "--always", "--dirty"),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": os.getloadavg()[0],
    }


def _field_of_release(name):
    match = re.search(rf'^{name}="?([^"\n]+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    return match.group(1) if match else "unknown"


def children(pid):
    """The processes that this one started, and theirs."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    found = []
    todo = [pid]
    while todo:
        born = parents.get(todo.pop(), [])
        found += born
        todo += born
    return found


class CpuClock:
    """CPU seconds that processes spend from now on. Of one that ends (nginx's
    cache loader does, after a minute) nothing is counted."""

    def __init__(self, pids):
        self._before = {pid: _cpu_of_threads(pid) for pid in pids}

    def spent(self):
        total = 0
        for pid, before in self._before.items():
            try:
                total += _cpu_of_threads(pid) - before
            except OSError:
                pass
        return total


def _cpu_of_threads(pid):
    total_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            text = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text()
        except OSError:
            continue  # it ended just now
        total_ns += int(text.split()[0])
    return total_ns / 1e9 if total_ns else _cpu_ticks(pid)


def _cpu_ticks(pid):
    """A kernel without schedstat: in steps of 10 ms."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS


def pss_mb(pids):
    """Memory, shared pages divided among who shares them."""
    return sum(_kb(f"/proc/{pid}/smaps_rollup", "Pss") for pid in pids) / 1024


def mapped_mb(pids):
    """Memory, shared pages counted in full: unlike pss_mb it does not change
    when another process that shares a library begins or ends."""
    return sum(_kb(f"/proc/{pid}/smaps_rollup", "Rss") for pid in pids) / 1024


def rss_mb(pid):
    return _kb(f"/proc/{pid}/status", "VmRSS") / 1024


def _kb(path, name):
    return int(_field(path, name).split()[0])
