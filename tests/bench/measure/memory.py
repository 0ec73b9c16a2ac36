# SPDX-License-Identifier: MIT
"""fcgi-api's memory: every thread used, then over a million requests."""

import socket
import struct

from . import load, machine, report
from .plan import MeasureError, directory
from .system import AVAILABLE, Fleet, api_threads, bench, fcgi_api

TITLE = "fcgi-api's memory with 10,000 gameservers"
GAMESERVERS = 10000
REQUESTS = 1_000_000
PARTS = 10
CONNECTIONS = 128
FLAT = 0.01  # of growth over all requests
ANSWER_S = 10

# FastCGI 1.0
BEGIN_REQUEST, PARAMS, STDIN = 1, 4, 5
RESPONDER, KEEP = 1, 1


def _record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def _request(path):
    pairs = b"".join(
        bytes([len(name), len(value)]) + name + value
        for name, value in ((b"REQUEST_METHOD", b"GET"), (b"PATH_INFO", path.encode()))
    )
    return (
        _record(BEGIN_REQUEST, struct.pack("!HB5x", RESPONDER, KEEP))
        + _record(PARAMS, pairs)
        + _record(PARAMS, b"")
        + _record(STDIN, b"")
    )


def use_every_thread(path, threads):
    """A thread serves a connection as long as it is open: one for each."""
    connections = []
    try:
        for _ in range(threads):
            connection = socket.socket(socket.AF_UNIX)
            connections.append(connection)
            connection.settimeout(ANSWER_S)
            connection.connect(str(path))
            connection.sendall(_request(AVAILABLE))
        for connection in connections:
            if not connection.recv(4096):
                raise MeasureError("fcgi-api closed a connection without an answer")
    finally:
        for connection in connections:
            connection.close()


def measure(plan):
    wanted = plan.requests(REQUESTS)
    with directory() as where, bench(where) as made:
        fleet = Fleet(made, "fleet", GAMESERVERS)
        site = fcgi_api(made, fleet, "site")
        # nginx keeps one connection since it was asked whether it is there.
        use_every_thread(site.socket, api_threads() - 1)
        series = []
        done = 0
        with fleet.written():
            series.append(_sample(done, site))
            while done < wanted:
                one = load.wrk(site.port, AVAILABLE, plan.seconds, CONNECTIONS)
                done += one["requests"]
                if done * PARTS >= wanted * len(series):
                    series.append(_sample(done, site))
    return describe(series)


def _sample(done, site):
    pids = site.handler_pids()
    return done, machine.pss_mb(pids), machine.mapped_mb(pids)


def describe(series):
    """Growth is counted from the first part's end, until which nginx makes
    its connections, and in mapped memory: the PSS grows too when another
    process that uses SQLite ends."""
    result = report.Report(TITLE, raw={"requests_pss_mb_and_mapped_mb": series})
    rows = [
        [f"{done:,}", report.number(pss, 3), report.number(mapped, 3)]
        for done, pss, mapped in series
    ]
    result.tables.append([["requests", "PSS MB", "mapped MB"], *rows])
    most = max(pss for _, pss, _ in series)
    begin, grown = series[1][1], series[-1][2] - series[1][2]
    result.bar("fcgi-api, all threads used: PSS", "<=", 8, most, "MB")
    what = f"growth over {series[-1][0]:,} requests"
    result.bar(what, "<=", 100 * FLAT, 100 * grown / begin, "%")
    return result
