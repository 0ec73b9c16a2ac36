# SPDX-License-Identifier: MIT
"""PROVIDER=ecs while everything fails at random, and scalerd is killed at
random: afterwards the cloud's audit is clean, and rows and cloud agree. A
seed that failed is repeated with ECS_CHAOS_SEEDS=SEED."""

import os
import random
import signal
import time

import pytest

from cloud.running import MANAGER, MISSING, READY
from harness.gameserver import misbehave
from harness.players import Refused
from harness.waiting import WaitTimeout, wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from cloud.audit import FLEET, OPERATION  # noqa: E402

GIVEN_SEEDS = os.environ.get("ECS_CHAOS_SEEDS", "").split()
SEEDS = GIVEN_SEEDS or ["1", "2", "3", "4", "5", "6"]
LONG_S = 60  # of chaos
SHORT_S = 5
QUIET_S = 400  # refused keys and stops are asked about again only after minutes
SHORT_QUIET_S = 60
STEP_S = 0.15
PLAYERS_MAX = 40
MIN_SERVERS = 2

ACTIONS = (
    "RunInstances",
    "RunTask",
    "StopTask",
    "TerminateInstances",
    "UpdateContainerInstancesState",
    "DescribeTasks",
    "DescribeInstances",
    "DescribeContainerInstances",
    "ListTasks",
    "ListContainerInstances",
    "DescribeTaskDefinition",
    "DescribeLaunchTemplates",
    "*",
)
PASSING = ("500", "503", "drop_before", "html", "500_after", "drop_after", "reset_after")
PASSING += ("malformed", "truncated", "slow", "throttle")
LASTING = ("hang_before", "hang_after", "access_denied", "capacity", "quota", "expired")
FATES = (
    {"mode": "fails"},
    {"mode": "stuck"},
    {"mode": "unbound"},
    {"options": ["--misbehave", "refuse-start"]},
    {"options": ["--misbehave", "never-ready"]},
    {"options": ["--misbehave", "ignore-term"]},
)
MISBEHAVE = ("hang", "wrong-json", "never-ready", "negative", "lie-ready", "none")
HOST_ORDERS = ("lose", "spot", "drain", "disconnect", "protect")


class Chaos:
    """What happens, step by step; every choice is the seed's."""

    def __init__(self, ecs, players, seed, long):
        self.ecs, self.players, self.long = ecs, players, long
        self.chance = random.Random(seed)
        # A cloud that lags, or lists nothing, tells a manager without a
        # database that there is nothing: then one more than MAX_SERVERS is
        # nobody's fault.
        self.lags = self.chance.random() < 0.5
        self.protected, self.misled = set(), set()
        self.ordered = {}
        self.kills = 0

    # ---- scalerd

    def kill(self):
        """kill -9, often right after a line that it logs; another starts,
        now and then without its database."""
        self.ecs.scalerd.end(signal.SIGKILL)
        self.kills += 1
        if not self.lags and self.chance.random() < 0.1:
            for suffix in ("", "-wal", "-shm"):
                name = self.ecs.database.name + suffix
                self.ecs.database.with_name(name).unlink(missing_ok=True)
        time.sleep(self.chance.choice((0, 0, 0.1, 1)))
        self.ecs.scalerd = self.ecs.spawn_scalerd()

    def kill_after_a_line(self):
        size = self.ecs.scalerd.log.stat().st_size
        deadline = time.monotonic() + 1
        lines = self.chance.randrange(1, 5)
        while time.monotonic() < deadline:
            with open(self.ecs.scalerd.log, "rb") as log:
                log.seek(size)
                if log.read().count(b"\n") >= lines:
                    break
            time.sleep(0.001)
        self.kill()

    # ---- players

    def serving(self):
        try:
            return [
                row["address"]
                for row in self.ecs.query("SELECT address FROM api_v1_gameservers")
            ]
        except OSError:
            return []

    def players_come(self):
        for address in self.serving():
            for _ in range(self.chance.randrange(6)):
                if len(self.players.playing) >= PLAYERS_MAX:
                    return
                try:
                    self.players.join(address)
                except (Refused, OSError):
                    break

    def players_go(self):
        share = self.chance.choice((0.2, 0.5, 1))
        for player in self.players.playing:
            if self.chance.random() < share:
                self.players.leave(player)

    # ---- AWS

    def fault(self):
        kinds = PASSING + (LASTING if self.long else ())
        kind = self.chance.choice(kinds)
        self.ecs.cloud.fault(
            self.chance.choice(ACTIONS),
            kind,
            times=1 if kind in LASTING else self.chance.choice((1, 1, 2, 5)),
            after=self.chance.randrange(3),
            seconds=self.chance.choice((0.3, 2)),
        )

    def list_nothing(self):
        if self.lags:
            action = self.chance.choice(("ListTasks", "ListContainerInstances"))
            self.ecs.cloud.fault(action, self.chance.choice(("empty", "empty_page")))

    def lag(self):
        lag = self.chance.choice((0, 1, 3)) if self.lags else 0
        self.ecs.cloud.settings(
            list_lag_s=lag,
            describe_lag_s=self.chance.choice((0, lag)),
            page_size=self.chance.choice((1, 2, 100)),
            throttle=self.chance.choice((0, 0, 0.5)),
        )

    def launches_since(self, event):
        """Whether there was one since the last order for it: those that are
        not used up would go on failing when all is quiet."""
        count = len(self.ecs.audit().events(event))
        news = count > self.ordered.get(event, -1)
        self.ordered[event] = count
        return news

    def agent(self):
        if not self.launches_since("instance_launched"):
            return
        mode = self.chance.choice(("never", "dies", "join"))
        delay = self.chance.choice((0, 2))
        self.ecs.cloud.control(agents=[{"mode": mode, "delay_s": delay}])

    def fate(self):
        if not self.launches_since("task_launched"):
            return
        self.ecs.cloud.control(fates=[self.chance.choice(FATES)])

    def ours(self):
        """Instances of the fleet, of nobody else."""
        return sorted(
            name
            for name, one in self.ecs.instances().items()
            if one["tags"].get(FLEET) == "test"
        )

    def host(self):
        found = self.ours()
        if not found:
            return
        instance, order = self.chance.choice(found), self.chance.choice(HOST_ORDERS)
        if order == "protect":
            self.protected.add(instance)
        if order == "disconnect":
            self.misled.add(instance)
        self.order(host={"instance": instance, "do": order})

    def order(self, **order):
        """What the cloud may refuse: the instance or task just came or went."""
        try:
            self.ecs.cloud.control(**order)
        except AssertionError:
            pass

    def task_ends(self):
        tasks = [t for t in self.ecs.tasks().values() if t["tags"].get(FLEET) == "test"]
        if tasks:
            self.order(exit=self.chance.choice(tasks)["arn"])

    def misbehave(self):
        for address in self.serving():
            if self.chance.random() < 0.3:
                self.tell(address, self.chance.choice(MISBEHAVE))

    def tell(self, address, kind):
        try:
            misbehave(address, kind)
        except (AssertionError, OSError, ValueError):
            pass  # it has no port yet, or ends just now

    def wrong_keys(self):
        self.ecs.cloud.control(keys=[{"access": MANAGER[0], "secret": "another"}])
        time.sleep(self.chance.random())
        self.right_keys()

    def right_keys(self):
        self.ecs.cloud.control(keys=[{"access": MANAGER[0], "secret": MANAGER[1]}])

    # ---- all of it

    def step(self):
        always = [self.players_come] * 6 + [self.players_go] * 4 + [self.fault] * 6
        always += [self.kill, self.kill_after_a_line, self.task_ends, self.lag]
        rare = [self.agent, self.fate, self.host, self.misbehave, self.list_nothing]
        rare += [self.wrong_keys] if self.chance.random() < 0.1 else []
        self.chance.choice(always + (rare if self.long else []))()
        time.sleep(self.chance.random() * 2 * STEP_S)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
        if not self.kills:  # a short time may have passed without any
            self.kill()

    def quiet(self):
        """Nothing fails any more, and everybody has gone home."""
        self.right_keys()
        self.ecs.cloud.control(clear_faults=None)
        self.ecs.cloud.settings(list_lag_s=0, describe_lag_s=0, page_size=100, throttle=0)
        there = self.ours()
        for instance in self.protected.intersection(there):
            self.order(host={"instance": instance, "do": "protect", "on": False})
        for instance in self.misled.intersection(there):
            self.order(host={"instance": instance, "do": "connect"})
        for task in self.ecs.tasks().values():
            self.tell(task["address"], "none")
        for player in self.players.playing:
            self.players.leave(player)


def difference(ecs):
    """What keeps the fleet from being at rest; "" if nothing does."""
    rows, pending = ecs.rows(), ecs.pending()
    if pending:
        return f"pending {[(one['kind'], one['phase'], one['detail']) for one in pending]}"
    unsettled = [
        (row["id"], row["state"], row["health"])
        for row in rows
        if (row["state"], row["health"]) != ("available", "good")
    ]
    if unsettled or len(rows) < MIN_SERVERS:
        return f"rows {unsettled} of {len(rows)}"
    mine = {
        name
        for things in (ecs.tasks(), ecs.instances())
        for name, one in things.items()
        if one["tags"].get(FLEET) == "test"
    }
    known = {row[name] for row in rows if row["ours"] for name in ("ref", "instance")}
    if mine != known:
        return f"only in the cloud {mine - known}, only in rows {known - mine}"
    wrong = [
        row["id"]
        for row in rows
        if row["ours"] and ecs.tasks()[row["ref"]]["tags"].get(OPERATION) != row["mark"]
    ]
    return f"rows with another's mark: {wrong}" if wrong else ""


def others(ecs):
    """Of another fleet, of no fleet, and of the family by hand: ids."""
    other = ecs.run_marked("11111111111111111111111111111111", fleet="other")
    foreign = ecs.run_by_hand("foreign")
    by_hand = ecs.run_by_hand()
    return {name for three in (other, foreign, by_hand) for name in three[:2]}


def go_through(ecs, players, seed, long):
    print(f"ECS_CHAOS_SEEDS={seed}")
    untouched = others(ecs)
    ecs.configure(
        MIN_SERVERS=MIN_SERVERS,
        MAX_SERVERS=7,
        LAUNCH_DEADLINE=15,
        START_GRACE=8,
        PANIC_LAUNCH_INTERVAL=5,
    )
    # The one by hand is none of MAX_SERVERS's launches.
    ecs.start_scalerd()
    chaos = Chaos(ecs, players, seed, long)
    chaos.run(LONG_S if long else SHORT_S)
    chaos.quiet()
    if not ecs.scalerd.running():
        raise AssertionError(f"scalerd ended: {ecs.scalerd.output()[-2000:]}")
    try:
        limit = QUIET_S if long else SHORT_QUIET_S
        wait_until(lambda: not difference(ecs), limit, "the fleet is at rest")
    except WaitTimeout:
        raise WaitTimeout(
            f"seed {seed}: {difference(ecs)}; alarms {ecs.alarm_texts()}"
        ) from None
    assert chaos.kills and untouched <= {*ecs.instances(), *ecs.tasks()}
    assert "second_manager" not in ecs.alarms()
    assert MANAGER[1] not in ecs.scalerd.output()


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_fails_and_whenever_it_is_killed_it_comes_to_rest(ecs, players, seed):
    go_through(ecs, players, seed, long=True)


def test_a_little_chaos(ecs, players):
    seed = GIVEN_SEEDS[0] if GIVEN_SEEDS else str(random.randrange(1 << 32))
    go_through(ecs, players, seed, long=False)
