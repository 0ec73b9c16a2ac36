# SPDX-License-Identifier: MIT
"""PROVIDER=ecs when AWS can't be looked at: lists that fail, or show nothing, or
have many pages, and AWS that can't be reached. What is not known is not
changed (fixture ecs)."""

import signal

import pytest

from cloud.running import MISSING, READY
from harness.waiting import hold_during, wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import RUN_S  # noqa: E402


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
