# SPDX-License-Identifier: MIT
"""PROVIDER=ecs when gameservers come to nothing: machines, agents and tasks that
fail, placements, capacity. They are replaced, ever later, and ended at last
(fixture ecs)."""

import os
import signal

import pytest

from cloud.running import MISSING, READY
from harness.waiting import hold_during, wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import REFUSED_S, RUN_S, STOP_S, WHOLE_CALL  # noqa: E402


def gaps(ecs):
    """Seconds between the launches of instances."""
    at = [event["at"] for event in ecs.audit().events("instance_launched")]
    return [later - earlier for earlier, later in zip(at, at[1:])]


def test_an_agent_that_never_joins_is_terminated_and_replaced(ecs):
    ecs.cloud.control(agents=[{"mode": "never"}])
    ecs.configure(LAUNCH_DEADLINE=10)
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 2 * RUN_S)
    first, *others = ecs.launched()
    assert len(others) == 1 and first not in ecs.instances()


@pytest.mark.long
def test_agents_that_never_join_cost_a_bounded_number_of_launches(ecs):
    ecs.cloud.control(agents=[{"mode": "never"}] * 100)
    ecs.configure(LAUNCH_DEADLINE=3)
    ecs.start_scalerd()
    ecs.max_servers = 2  # the next may begin while the last one shuts down
    ecs.wait_alarm("launch_failing", 2 * RUN_S)
    hold_during(lambda: len(ecs.instances()) <= 2, 30, "there is one at a time")
    assert len(ecs.launched()) <= 10


def test_a_machine_that_dies_at_once_is_replaced(ecs):
    """Its token is over with it (IdempotentInstanceTerminated)."""
    ecs.cloud.control(agents=[{"mode": "dies"}])
    ecs.cloud.fault("RunInstances", "500_after", times=WHOLE_CALL)
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 2 * RUN_S)
    assert len(ecs.launched()) == 2


@pytest.mark.parametrize(
    "fate",
    [
        pytest.param({"mode": "fails"}, id="pull-fails"),
        pytest.param(
            {"options": ["--misbehave", "refuse-start"]}, id="exit", marks=pytest.mark.long
        ),
    ],
)
def test_tasks_that_stop_at_once_are_tried_anew_ever_later(ecs, fate):
    ecs.cloud.control(fates=[fate, fate])
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 3 * RUN_S)
    assert len(ecs.launched()) == 3
    assert gaps(ecs)[0] >= 1 and gaps(ecs)[1] >= 2


@pytest.mark.parametrize(
    "fate",
    [
        pytest.param({"mode": "stuck"}, id="pending-for-ever"),
        pytest.param({"mode": "unbound"}, id="no-port", marks=pytest.mark.long),
    ],
)
def test_a_task_that_never_serves_is_stopped_and_replaced(ecs, fate):
    ecs.cloud.control(fates=[fate])
    ecs.configure(LAUNCH_DEADLINE=10)
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 2 * RUN_S)
    assert len(ecs.launched()) == 2


@pytest.mark.parametrize(
    "reason",
    [
        "AGENT",
        pytest.param("RESOURCE:MEMORY", marks=pytest.mark.long),
        pytest.param("MemberOf placement constraint unsatisfied.", marks=pytest.mark.long),
    ],
)
def test_a_placement_that_fails_once_is_tried_again_on_the_same_instance(ecs, reason):
    ecs.cloud.fault("RunTask", "failure", reason=reason)
    ecs.start_scalerd()
    ecs.wait_at_rest(1)
    assert len(ecs.launched()) == 1 and len(ecs.calls("RunTask")) == 2


@pytest.mark.long
def test_a_placement_that_always_fails_costs_the_instance(ecs):
    ecs.cloud.fault("RunTask", "failure", reason="RESOURCE:MEMORY", times=5)
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 4 * RUN_S)
    assert len(ecs.launched()) == 2


def test_without_capacity_aws_is_not_hammered(ecs):
    ecs.cloud.settings(capacity=0)
    ecs.start_scalerd()
    assert "InsufficientInstanceCapacity" in ecs.wait_refused()
    hold_during(lambda: len(ecs.calls("RunInstances")) == 1, 8, "it waits")
    assert ecs.scalerd.running() and not ecs.instances()


@pytest.mark.long
def test_when_there_is_capacity_again_the_fleet_recovers(ecs):
    ecs.cloud.settings(capacity=0)
    ecs.start_scalerd()
    ecs.wait_refused()
    ecs.cloud.settings(capacity=100)
    ecs.wait_at_rest(1, 4 * RUN_S)


@pytest.mark.long
def test_a_protected_instance_is_alarmed_and_terminated_later(ecs):
    ecs.fleet_of(2)
    for one in ecs.instances():
        ecs.cloud.control(host={"instance": one, "do": "protect"})
    ecs.reload(MIN_SERVERS=1)
    ecs.wait_alarm("stop_failing", STOP_S)
    for one in ecs.instances():
        ecs.cloud.control(host={"instance": one, "do": "protect", "on": False})
    ecs.wait_at_rest(1, STOP_S + REFUSED_S)
    assert "stop_failing" not in ecs.alarms()


@pytest.mark.long
def test_a_gameserver_that_ignores_sigterm_is_terminated_after_ecs_killed_it(ecs):
    ecs.cloud.settings(stop_timeout_s=5)
    ecs.fleet_of(2)
    ecs.reload(MIN_SERVERS=1)
    wait_until(lambda: ecs.pending("stop"), STOP_S, "one is stopped")
    [stop] = ecs.pending("stop")
    [row] = [row for row in ecs.rows() if row["id"] == stop["gameserver"]]
    pids = {e["task"]: e["pid"] for e in ecs.audit().events("process_started")}
    os.kill(pids[row["ref"]], signal.SIGSTOP)
    ecs.wait_at_rest(1, STOP_S)
