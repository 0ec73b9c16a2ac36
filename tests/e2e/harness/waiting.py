# SPDX-License-Identifier: MIT
"""Waiting for a condition, with a deadline. Nothing else in the tests waits."""

import time

POLL_S = 0.05


class WaitTimeout(AssertionError):
    pass


def wait_until(predicate, timeout, what):
    """Calls predicate until it returns something true; returns that.

    predicate may raise AssertionError or OSError for "not yet"; the last of
    them, or the last value, is in the message of WaitTimeout.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            last = predicate()
            if last:
                return last
        except (AssertionError, OSError) as error:
            if isinstance(error, WaitTimeout):
                raise
            last = error
        if time.monotonic() >= deadline:
            raise WaitTimeout(f"not within {timeout} s: {what} (last: {last!r})")
        time.sleep(POLL_S)


def hold_during(predicate, seconds, what):
    """Asserts that predicate stays true for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = predicate()
        assert value, f"did not stay true: {what} (now: {value!r})"
        time.sleep(POLL_S)
