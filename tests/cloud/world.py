# SPDX-License-Identifier: MIT
"""What everything in the cloud shares: one lock, one clock with timers, the
settings, and the log of all that happened."""

import heapq
import itertools
import threading
import time
import traceback

SETTINGS = {
    # Seconds, after the call that begins it. AWS takes 100 times as long.
    "boot_s": 0.2,  # pending -> running
    "address_s": 0.1,  # until a public address is shown
    "join_s": 0.2,  # running -> the agent has joined
    "shutting_down_s": 0.3,  # shutting-down -> terminated
    "provisioning_s": 0.05,  # PROVISIONING -> PENDING
    "pending_s": 0.1,  # PENDING -> RUNNING, at the earliest
    "stopping_s": 0.05,  # StopTask -> SIGTERM
    "stop_timeout_s": 2,  # SIGTERM -> SIGKILL
    "association_s": 0.2,  # until a Fargate task's public address is shown
    "spot_notice_s": 1,  # DRAINING -> the machine is taken
    "list_lag_s": 0,  # until ListTasks, ListContainerInstances show it
    "describe_lag_s": 0,  # until Describe* know it
    "terminated_visible_s": 3600,
    "stopped_visible_s": 3600,
    "run_token_s": 86400,  # RunInstances, after the instance's end
    "task_token_s": 86400,  # RunTask, at most
    "task_token_stopped_s": 3600,  # RunTask, after the task's end
    "session_s": 3600,  # life of credentials that the cloud hands out
    # What the account has.
    "capacity": 2000,  # instances; more: InsufficientInstanceCapacity
    "quota": 2000,  # instances; more: VcpuLimitExceeded
    "public_addresses": True,
    "listen": "public",  # the address gameservers have: or "private", "ipv6"
    "page_size": 100,  # at most so many per page
    "throttle": 0,  # AWS's token buckets times this; 0: none
    "skew_s": 300,
    "clock_offset_s": 0,  # the cloud's clock minus this machine's
    "gameservers": True,  # False: tasks run without processes
    "ipv6_bindings": True,  # Docker lists a second binding, for [::]
    "environment": {},  # that every gameserver gets, beside its container's
    "testimony": "",  # directory that gameservers get as GAMESERVER_LOG
}


class Scheduler(threading.Thread):
    """Runs callbacks at their time, one after the other, under the lock."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self._world = world
        self._due = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._ended = False

    def end(self):
        with self._changed:
            self._ended = True
            self._changed.notify()

    def after(self, seconds, function, *arguments):
        entry = (time.monotonic() + seconds, next(self._order), function, arguments)
        with self._changed:
            heapq.heappush(self._due, entry)
            self._changed.notify()

    def run(self):
        while not self._ended:
            with self._changed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, function, arguments = heapq.heappop(self._due)
            with self._world.lock:
                try:
                    function(*arguments)
                except Exception:
                    self._world.event("cloud_error", error=traceback.format_exc())


class World:
    def __init__(self):
        self.lock = threading.RLock()
        self.settings = dict(SETTINGS)
        self.entries = []
        self._scheduler = Scheduler(self)
        self._scheduler.start()

    def configure(self, settings):
        unknown = set(settings) - set(SETTINGS)
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        self.settings.update(settings)

    def __getitem__(self, name):
        return self.settings[name]

    def now(self):
        """The cloud's own time of day."""
        return time.time() + self.settings["clock_offset_s"]

    def after(self, seconds, function, *arguments):
        self._scheduler.after(seconds, function, *arguments)

    def close(self):
        self._scheduler.end()

    def log(self, kind, **what):
        with self.lock:
            entry = {"n": len(self.entries), "at": time.time(), "kind": kind, **what}
            self.entries.append(entry)
            return entry

    def event(self, event, **what):
        return self.log("event", event=event, **what)


def plan(queue, default):
    """The next of what a test ordered in advance, else the default."""
    return {**default, **queue.pop(0)} if queue else dict(default)
