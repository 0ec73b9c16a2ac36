# SPDX-License-Identifier: MIT
"""Load: wrk for throughput and latency, tests/bench/clients for fairness."""

import json
import re
import signal
import subprocess
import time

from harness.processes import BUILD

from .plan import MeasureError

CONNECTIONS = 32
GRACE_S = 30  # for a program to end after its time
UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
BAD_ANSWERS = ("Non-2xx or 3xx responses", "Socket errors")


def program(name, *arguments, timeout=GRACE_S):
    """The JSON that a program of build/bench prints: one object in a line, or
    an array of them."""
    argv = [str(BUILD / "bench" / name), *map(str, arguments)]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MeasureError(str(error)) from None
    if done.returncode != 0:
        raise MeasureError(f"{name}: exit code {done.returncode}: {done.stderr.strip()}")
    if done.stdout.startswith("["):
        return json.loads(done.stdout)
    return [json.loads(line) for line in done.stdout.splitlines()]


def clients(port, path, count, seconds):
    arguments = ["--port", port, "--path", path, "--clients", count]
    lines = program(
        "clients", *arguments, "--ms", max(1, int(seconds * 1000)), timeout=seconds + GRACE_S
    )
    return lines[0]


def wrk(port, path, seconds, connections=CONNECTIONS):
    """One run. wrk counts in whole seconds, so it is told to end."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{int(seconds) + GRACE_S}s", "--latency"]
    argv += ["--timeout", f"{GRACE_S}s"]  # a slow answer is slow, not lost
    with subprocess.Popen(
        [*argv, f"http://127.0.0.1:{port}{path}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            time.sleep(seconds)
            running.send_signal(signal.SIGINT)
            output, _ = running.communicate(timeout=GRACE_S)
        finally:
            if running.poll() is None:
                running.kill()
    if running.returncode != 0:
        raise MeasureError(f"wrk: exit code {running.returncode}: {output}")
    return _read_wrk(output)


def _read_wrk(output):
    done = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    if not done or not rate or int(done.group(1)) == 0:
        raise MeasureError(f"wrk got no answers: {output}")
    bad = [line.strip() for line in output.splitlines() if line.strip().startswith(BAD_ANSWERS)]
    if bad:
        raise MeasureError(f"not every answer was good: {'; '.join(bad)}")
    return {
        "requests": int(done.group(1)),
        "per_second": float(rate.group(1)),
        "p50_ms": _percentile(output, 50),
        "p99_ms": _percentile(output, 99),
    }


def _percentile(output, percent):
    match = re.search(rf"^\s*{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", output, re.MULTILINE)
    if not match:
        raise MeasureError(f"wrk's {percent} % is missing: {output}")
    return float(match.group(1)) * UNITS_MS[match.group(2)]
