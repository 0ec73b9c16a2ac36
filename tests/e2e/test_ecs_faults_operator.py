# SPDX-License-Identifier: MIT
"""PROVIDER=ecs when something is wrong that only an operator can mend, keys and
clocks among it: it is said, once, and the gameservers are served all the same
(fixture ecs)."""

import pytest

from cloud.running import CONTAINER_PATH, CONTAINER_TOKEN, MANAGER, MISSING, READY
from harness.waiting import wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import RUN_S  # noqa: E402


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


# ---- credentials and the clock


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
