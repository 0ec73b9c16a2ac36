# SPDX-License-Identifier: MIT
"""PROVIDER=ecs when a call to AWS fails: whatever call fails in whatever way, the
fleet comes to its goal, and after each test the cloud's audit is clean: no
orphan, no duplicate, nobody cut, nothing of others touched (fixture ecs)."""

import signal

import pytest

from cloud.running import MISSING, READY
from harness.waiting import wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import REFUSED_S, RUN_S, STOP_S, WHOLE_CALL  # noqa: E402

HUNG_S = 60  # longer than any test waits: only scalerd's end ends such a call
NOT_ACTED = ("throttle", "500", "503", "drop_before", "hang_before", "html", "expired")
ACTED = ("500_after", "hang_after", "drop_after", "reset_after", "malformed", "truncated")
SLOW_TO_PASS = ("capacity", "quota", "access_denied")


def strikes(kind):
    """How often a fault of that kind strikes."""
    if kind.startswith("hang"):
        return {"times": 1, "seconds": 2}
    return {"times": 1 if kind in SLOW_TO_PASS else WHOLE_CALL}


def matrix(telling, rest=()):
    """Parameters (action, kind); those that are not telling are long."""
    return [pytest.param(*one, id="-".join(one)) for one in telling] + [
        pytest.param(*one, id="-".join(one), marks=pytest.mark.long)
        for one in rest
        if one not in telling
    ]


def every(actions, kinds):
    return [(action, kind) for action in actions for kind in kinds]


# ---- a call fails


@pytest.mark.parametrize(
    "action, kind",
    matrix(
        [
            ("RunInstances", "500"),
            ("RunInstances", "500_after"),
            ("RunInstances", "hang_after"),
            ("RunInstances", "truncated"),
            ("RunInstances", "html"),
            ("RunTask", "500_after"),
            ("RunTask", "drop_before"),
            ("RunTask", "malformed"),
            ("RunTask", "throttle"),
        ],
        every(("RunInstances", "RunTask"), NOT_ACTED + ACTED + SLOW_TO_PASS),
    ),
)
def test_a_launch_survives_a_call_that_fails(ecs, action, kind):
    ecs.cloud.fault(action, kind, **strikes(kind))
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 3 * RUN_S)
    assert ecs.calls(action, kind), "the fault struck"
    assert len(ecs.launched()) == 1 or kind not in ACTED, "a replay found what was made"
    assert len(ecs.launched()) <= 2


@pytest.mark.parametrize(
    "action, kind",
    matrix(
        [
            ("UpdateContainerInstancesState", "500_after"),
            ("StopTask", "drop_after"),
            ("StopTask", "throttle"),
            ("TerminateInstances", "500_after"),
        ],
        every(
            ("UpdateContainerInstancesState", "StopTask", "TerminateInstances"),
            NOT_ACTED + ACTED + ("access_denied",),
        ),
    ),
)
def test_a_stop_survives_a_call_that_fails(ecs, action, kind):
    ecs.fleet_of(2)
    ecs.cloud.fault(action, kind, **strikes(kind))
    ecs.reload(MIN_SERVERS=1)
    ecs.wait_at_rest(1, STOP_S + REFUSED_S)
    assert ecs.calls(action, kind), "the fault struck"
    assert len(ecs.launched()) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    "action, kind",
    matrix(
        every(
            (
                "DescribeTaskDefinition",
                "DescribeLaunchTemplates",
                "DescribeInstances",
                "ListContainerInstances",
                "DescribeContainerInstances",
                "DescribeTasks",
                "ListTasks",
            ),
            ("500", "malformed", "throttle", "drop_before"),
        )
    ),
)
def test_a_launch_survives_a_look_that_fails(ecs, action, kind):
    ecs.cloud.fault(action, kind, **strikes(kind))
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 3 * RUN_S)
    assert ecs.calls(action, kind), "the fault struck"
    assert len(ecs.launched()) <= 2


@pytest.mark.long
def test_a_call_that_hangs_for_ever_is_given_up_and_sent_again(ecs):
    ecs.cloud.fault("RunInstances", "hang_after", seconds=10 * HUNG_S)
    ecs.configure(LAUNCH_DEADLINE=3 * HUNG_S)
    ecs.start_scalerd()
    ecs.wait_at_rest(1, 2 * HUNG_S)
    assert len(ecs.launched()) == 1 and len(ecs.calls("RunInstances")) == 2


# ---- kill -9 while a call is out


def kill_during(ecs, action, kind):
    """Ends scalerd while AWS has its request: not acted on yet, or acted on
    and the answer is lost."""
    wait_until(lambda: ecs.calls(action, kind), STOP_S, f"{action} is out")
    ecs.scalerd.end(signal.SIGKILL)


@pytest.mark.parametrize("action", ["RunInstances", "RunTask"])
@pytest.mark.parametrize("kind", ["hang_before", "hang_after"])
def test_killed_while_a_launch_is_out_it_launches_once(ecs, action, kind):
    ecs.cloud.fault(action, kind, seconds=HUNG_S)
    ecs.start_scalerd()
    kill_during(ecs, action, kind)
    [operation] = ecs.pending("launch")
    ecs.start_scalerd()
    ecs.wait_at_rest(1)
    assert ecs.operation(operation["id"])["result"] == "done"
    assert len(ecs.launched()) == len(ecs.launches()) == 1


@pytest.mark.parametrize(
    "action, kind",
    matrix(
        [
            ("UpdateContainerInstancesState", "hang_after"),
            ("StopTask", "hang_before"),
            ("StopTask", "hang_after"),
            ("TerminateInstances", "hang_after"),
        ],
        every(
            ("UpdateContainerInstancesState", "StopTask", "TerminateInstances"),
            ("hang_before", "hang_after"),
        ),
    ),
)
def test_killed_while_a_stop_is_out_it_stops_that_one(ecs, action, kind):
    ecs.fleet_of(2)
    ecs.cloud.fault(action, kind, seconds=HUNG_S)
    ecs.reload(MIN_SERVERS=1)
    kill_during(ecs, action, kind)
    [operation] = ecs.pending("stop")
    ecs.start_scalerd()
    ecs.wait_at_rest(1, STOP_S)
    assert ecs.operation(operation["id"])["result"] == "done"
    assert len(ecs.launched()) == 2


@pytest.mark.long
@pytest.mark.parametrize("action", ["RunInstances", "RunTask"])
def test_a_token_that_is_long_over_is_not_sent_again(ecs, action):
    """What it made is looked for by its mark, and used or ended."""
    ecs.cloud.fault(action, "hang_after", seconds=HUNG_S)
    ecs.start_scalerd()
    kill_during(ecs, action, "hang_after")
    ecs.make_operations_older(hours=2)
    ecs.cloud.settings(run_token_s=0, task_token_s=0)
    ecs.start_scalerd()
    ecs.wait_at_rest(1)
    tokens = [
        call["params"].get("clientToken", call["params"].get("ClientToken"))
        for call in ecs.calls(action)
    ]
    assert len(set(tokens)) == len(tokens)
    assert len(ecs.launches()) == 1
