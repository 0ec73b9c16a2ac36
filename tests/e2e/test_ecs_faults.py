# SPDX-License-Identifier: MIT
"""PROVIDER=ecs when AWS fails: whatever call fails in whatever way, the fleet
comes to its goal, and after each test the cloud's audit is clean: no orphan,
no duplicate, nobody cut, nothing of others touched (fixture ecs)."""

import os
import signal

import pytest

from cloud.running import CONTAINER_PATH, CONTAINER_TOKEN, MANAGER, MISSING, READY
from harness.waiting import hold_during, wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import RUN_S, STOP_S  # noqa: E402

HUNG_S = 60  # longer than any test waits: only scalerd's end ends such a call
REFUSED_S = 40  # a stop that AWS refused is asked again only after that
WHOLE_CALL = 4  # one more than the client's own attempts: the call fails
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


# ---- lists


def standing(ecs):
    """What must not change while nothing can be known."""
    rows = [(row["id"], row["state"], row["health"], row["ref"]) for row in ecs.rows()]
    return rows, sorted(ecs.instances()), sorted(ecs.tasks())


@pytest.mark.parametrize(
    "action, fault",
    [
        pytest.param(action, fault, id=f"{action}-{name}", marks=marks)
        for action, name, fault, marks in (
            ("ListTasks", "500", {"kind": "500"}, ()),
            ("ListTasks", "second-page", {"kind": "500", "match": "nextToken"}, ()),
            ("ListTasks", "throttled", {"kind": "throttle"}, pytest.mark.long),
            ("ListTasks", "denied", {"kind": "access_denied"}, pytest.mark.long),
            ("DescribeTasks", "truncated", {"kind": "truncated"}, ()),
            ("DescribeTasks", "html", {"kind": "html"}, pytest.mark.long),
            ("DescribeInstances", "malformed", {"kind": "malformed"}, pytest.mark.long),
            (
                "DescribeInstances",
                "second-page",
                {"kind": "500", "match": "NextToken="},
                pytest.mark.long,
            ),
            ("DescribeContainerInstances", "drop", {"kind": "drop_before"}, pytest.mark.long),
        )
    ],
)
def test_a_list_that_fails_changes_nothing(ecs, players, action, fault):
    ecs.fleet_of(2, players)
    before = standing(ecs)
    ecs.cloud.settings(page_size=1)
    ecs.cloud.fault(action, times=-1, **fault)
    ecs.wait_event("list_failed")
    hold_during(lambda: standing(ecs) == before, 4, "all stays as it is")
    assert not players.cut
    assert len(ecs.query("SELECT * FROM api_v1_gameservers")) == 2
    ecs.cloud.control(clear_faults=None)
    lists = len(ecs.calls("ListTasks"))
    # Two pages each of the marked and of the family's, twice.
    wait_until(lambda: len(ecs.calls("ListTasks")) > lists + 8, 20, "it is listed again")
    assert standing(ecs) == before and "list_failing" not in ecs.alarms()


@pytest.mark.parametrize(
    "action", ["ListTasks", pytest.param("DescribeInstances", marks=pytest.mark.long)]
)
def test_a_list_that_shows_nothing_is_not_believed(ecs, players, action):
    ecs.fleet_of(2, players)
    before = standing(ecs)
    ecs.cloud.fault(action, "empty", times=-1)
    wait_until(lambda: len(ecs.calls(action, "empty")) > 3, 20, "it was looked at")
    hold_during(lambda: standing(ecs) == before, 3, "all stays as it is")
    assert not players.cut and len(ecs.serving()) == 2


def test_an_empty_page_is_not_the_end_of_a_list(ecs, players):
    ecs.fleet_of(2, players)
    before = standing(ecs)
    for action in ("ListTasks", "DescribeInstances"):
        ecs.cloud.fault(action, "empty_page", times=6)
    wait_until(
        lambda: ecs.calls("ListTasks", "empty_page")
        and ecs.calls("DescribeInstances", "empty_page"),
        20,
        "they were looked at",
    )
    hold_during(lambda: standing(ecs) == before, 4, "all stays as it is")
    assert "event=list_failed" not in ecs.scalerd.output()


def test_a_list_of_many_pages_is_read_to_its_end(ecs):
    made = [ecs.run_by_hand()[2] for _ in range(5)]
    ecs.cloud.settings(page_size=2)
    assert sorted(ecs.fleet_of(5)) == sorted(made)
    assert ecs.launched() == []


def test_under_aws_throttling_the_fleet_comes_up_all_the_same(ecs):
    ecs.cloud.settings(throttle=0.2)  # one RunInstances, then one in 2.5 s
    ecs.configure(MIN_SERVERS=3)
    ecs.start_scalerd()
    ecs.wait_at_rest(3, 2 * RUN_S)
    assert len(ecs.launched()) == 3


def adopt_many(ecs, count, within_s):
    for number in range(count):
        ecs.operator.launch(f"many-{number}", TagSpecifications=None)
    ids = list(ecs.instances())
    wait_until(
        lambda: len(ecs.audit().events("joined")) == count, within_s, "all have joined"
    )
    for one in ids:
        ecs.operator.run(
            one, one, startedBy="hand", tags=[], taskDefinition="gameserver", overrides={}
        )
    wait_until(
        lambda: len(ecs.audit().events("task_running")) == count, within_s, "all run"
    )
    ecs.configure(MIN_SERVERS=count, MAX_SERVERS=2 * count)
    ecs.start_scalerd()
    wait_until(lambda: len(ecs.serving()) == count, within_s, "all serve")
    assert ecs.launched() == []


@pytest.mark.long
def test_a_thousand_tasks_are_found_and_served(ecs):
    adopt_many(ecs, 1000, 240)
    ecs.cloud.fault("ListTasks", "500", match="nextToken", times=-1)
    wait_until(lambda: len(ecs.calls("ListTasks", "500")) > 3, 60, "page two fails")
    hold_during(lambda: len(ecs.rows()) == 1000, 10, "none is lost")
    assert ecs.launched() == []


# ---- gameservers that come to nothing


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


# ---- what only an operator can mend


def alarm_lines(ecs, name):
    return [
        line
        for line in ecs.scalerd.output().splitlines()
        if "event=alarm" in line and f"alarm={name}" in line
    ]


@pytest.mark.parametrize(
    "options, faults, says",
    [
        (
            {"ECS_INSTANCE_LAUNCH_TEMPLATE": "none"},
            [],
            ["ECS_INSTANCE_LAUNCH_TEMPLATE"],
        ),
        ({"SERVER_TASK_DEFINITION": "none"}, [], ["SERVER_TASK_DEFINITION"]),
        (
            {},
            [{"action": "RunInstances", "kind": "access_denied", "times": -1}],
            ["RunInstances", "UnauthorizedOperation"],
        ),
        pytest.param(
            {},
            [{"action": "RunTask", "kind": "access_denied", "times": -1}],
            ["RunTask", "AccessDenied"],
            marks=pytest.mark.long,
        ),
    ],
    ids=["launch-template", "task-definition", "run-instances-denied", "run-task-denied"],
)
def test_what_keeps_launches_from_working_is_said(ecs, options, faults, says):
    ecs.configure(**options)
    ecs.cloud.control(faults=faults)
    ecs.start_scalerd()
    message = ecs.wait_alarm("launch_failing", 2 * RUN_S)
    assert all(word in message for word in says), message
    assert len(alarm_lines(ecs, "launch_failing")) == 1
    assert ecs.scalerd.running()


def test_a_missing_cluster_is_said(ecs):
    ecs.configure(ECS_CLUSTER="none")
    ecs.start_scalerd()
    message = ecs.wait_alarm("list_failing", 2 * RUN_S)
    assert "ECS_CLUSTER=none" in message, message
    assert len(alarm_lines(ecs, "list_failing")) == 1
    assert ecs.scalerd.running() and not ecs.launched()


def test_with_wrong_keys_known_gameservers_are_still_published(ecs, players):
    ecs.fleet_of(2, players)
    ecs.cloud.control(keys=[{"access": MANAGER[0], "secret": "another"}])
    message = ecs.wait_alarm("list_failing", 2 * RUN_S)
    assert "AWS_SECRET_ACCESS_KEY" in message, message
    assert MANAGER[1] not in ecs.scalerd.output()
    assert len(ecs.serving()) == 2 and ecs.scalerd.running()
    assert len(ecs.query("SELECT * FROM api_v1_gameservers")) == 2
    assert not players.cut


def test_when_the_keys_are_right_again_it_goes_on(ecs):
    ecs.fleet_of(1)
    ecs.cloud.control(keys=[{"access": MANAGER[0], "secret": "another"}])
    ecs.wait_alarm("list_failing", 2 * RUN_S)
    ecs.cloud.control(keys=[{"access": MANAGER[0], "secret": MANAGER[1]}])
    wait_until(lambda: not ecs.alarms(), RUN_S, "the alarm is over")
    ecs.reload(MIN_SERVERS=2)
    ecs.wait_at_rest(2)


def test_without_keys_it_runs_and_says_where_it_looked(ecs):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del ecs.environment[name]
    ecs.environment.update(HOME=str(ecs.directory), AWS_EC2_METADATA_DISABLED="true")
    ecs.start_scalerd()
    message = ecs.wait_alarm("list_failing", 2 * RUN_S)
    assert "AWS_ACCESS_KEY_ID" in message or "credentials" in message, message
    assert ecs.scalerd.running()


# ---- AWS can't be reached


def test_unreachable_at_the_first_start_it_waits_and_then_launches(ecs):
    ecs.cloud.fault("*", "drop_before", times=-1)
    ecs.start_scalerd()
    ecs.wait_event("list_failed")
    hold_during(lambda: not ecs.rows() and ecs.scalerd.running(), 2, "it waits")
    ecs.cloud.control(clear_faults=None)
    ecs.wait_at_rest(1, 2 * RUN_S)
    assert len(ecs.launched()) == 1


@pytest.mark.parametrize(
    "how", ["nobody-listens", pytest.param("cut", marks=pytest.mark.long)]
)
def test_unreachable_at_a_later_start_known_gameservers_are_served(ecs, players, how):
    addresses = ecs.fleet_of(2, players)
    before = standing(ecs)
    ecs.scalerd.end(signal.SIGKILL)
    real = ecs.environment["AWS_ENDPOINT_URL"]
    if how == "cut":
        ecs.cloud.fault("*", "drop_before", times=-1)
    else:
        ecs.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{ecs.spare_port()}"
    ecs.start_scalerd()
    ecs.wait_event("list_failed")
    assert sorted(ecs.wait_serving(2)) == sorted(addresses)
    hold_during(lambda: len(ecs.serving()) == 2, 3, "they are served")
    ecs.cloud.control(clear_faults=None)
    ecs.environment["AWS_ENDPOINT_URL"] = real
    ecs.restart_scalerd()
    ecs.wait_at_rest(2)
    assert standing(ecs) == before and not players.cut


def endpoint_calls(ecs, action):
    return [
        entry
        for entry in ecs.audit().entries
        if entry["kind"] == "endpoint" and entry["action"] == action
    ]


def use_container_credentials(ecs):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del ecs.environment[name]
    ecs.environment.update(
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{ecs.cloud.url}{CONTAINER_PATH}",
        AWS_CONTAINER_AUTHORIZATION_TOKEN=CONTAINER_TOKEN,
    )


def test_expired_credentials_are_fetched_anew(ecs):
    use_container_credentials(ecs)
    ecs.fleet_of(1)
    assert len(endpoint_calls(ecs, "container:credentials")) == 1
    ecs.cloud.fault("ListTasks", "expired")
    wait_until(
        lambda: len(endpoint_calls(ecs, "container:credentials")) == 2,
        15,
        "new ones are fetched",
    )
    ecs.reload(MIN_SERVERS=2)
    ecs.wait_at_rest(2)


def test_credentials_come_from_the_instances_role(ecs):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del ecs.environment[name]
    ecs.environment.update(
        HOME=str(ecs.directory), AWS_EC2_METADATA_SERVICE_ENDPOINT=ecs.cloud.url
    )
    ecs.fleet_of(1)
    assert ecs.calls("RunInstances")[0]["key"].startswith("ASIAMANAGER")


def test_without_the_credential_endpoint_old_credentials_are_used(ecs, players):
    use_container_credentials(ecs)
    ecs.cloud.settings(session_s=600)  # to be renewed at once
    ecs.fleet_of(1, players)
    ecs.cloud.fault("container:credentials", "status", status=503, times=-1)
    ecs.reload(MIN_SERVERS=2)
    ecs.wait_at_rest(2)
    assert not players.cut


@pytest.mark.parametrize(
    "offset_s",
    [pytest.param(900, id="ahead"), pytest.param(-900, id="behind", marks=pytest.mark.long)],
)
def test_a_wrong_clock_is_corrected(ecs, offset_s):
    ecs.cloud.settings(clock_offset_s=offset_s)
    ecs.fleet_of(1)
    assert len(ecs.launched()) == 1
