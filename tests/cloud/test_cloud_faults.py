# SPDX-License-Identifier: MIT
"""The test cloud fails as it is told, and its audit sees what must not happen."""

import pytest

from harness.players import Players
from harness.waiting import wait_until

from .running import MISSING, OPERATOR, READY

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from botocore.exceptions import (  # noqa: E402
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError  # noqa: E402

from .client import FLEET, WAIT_S, Client, ec2_tags, refused  # noqa: E402


# ---- faults


@pytest.mark.parametrize(
    "kind, ecs, ec2",
    [
        ("throttle", "ThrottlingException", "RequestLimitExceeded"),
        ("500", "ServerException", "InternalError"),
        ("expired", "ExpiredTokenException", "RequestExpired"),
        ("access_denied", "AccessDeniedException", "UnauthorizedOperation"),
        ("capacity", "ClientException", "InsufficientInstanceCapacity"),
    ],
)
def test_a_refusing_fault_does_nothing(cloud, client, kind, ecs, ec2):
    cloud.fault("RunInstances", kind)
    cloud.fault("ListTasks", kind)
    with refused(ec2):
        client.launch()
    with refused(ecs):
        client.ecs.list_tasks()
    assert cloud.audit(FLEET).instances == [] and client.launch()


@pytest.mark.parametrize(
    "kind, acted, error",
    [
        ("500_after", True, ClientError),
        ("drop_before", False, ConnectionClosedError),
        ("drop_after", True, ConnectionClosedError),
        ("reset_after", True, Exception),
        ("hang_before", False, ReadTimeoutError),
        ("hang_after", True, ReadTimeoutError),
        ("malformed", True, ResponseParserError),
        ("truncated", True, Exception),
    ],
)
def test_a_lost_answer_leaves_one_instance_after_a_replay(cloud, kind, acted, error):
    # Only a cloud that hangs is to run into it, not a busy one.
    hasty, client = Client(cloud, read_timeout=2), Client(cloud, read_timeout=20)
    cloud.fault("RunInstances", kind, seconds=4)
    with pytest.raises(error):
        (hasty if kind.startswith("hang") else client).launch()
    assert len(cloud.audit(FLEET).instances) == acted
    replayed = client.launch()["InstanceId"]
    assert [i["id"] for i in cloud.audit(FLEET).instances] == [replayed]


def test_a_fault_strikes_the_call_that_it_names(cloud, client):
    cloud.fault("RunInstances", "500", match="op-2", times=2)
    cloud.fault("ListTasks", "500", after=1)
    client.launch("op-1")
    for _ in range(2):
        with refused("InternalError"):
            client.launch("op-2")
    client.launch("op-2")
    client.ecs.list_tasks()
    with refused("ServerException"):
        client.ecs.list_tasks()
    assert cloud.control()["faults"] == []


def test_a_list_may_show_nothing_or_an_empty_page(cloud, client):
    _, arn, _ = client.serve()
    for action, kind in (("ListTasks", "empty"), ("DescribeInstances", "empty")):
        cloud.fault(action, kind)
    assert client.ecs.list_tasks()["taskArns"] == []
    assert client.ec2.describe_instances()["Reservations"] == []
    cloud.fault("ListTasks", "empty_page")
    pages = list(client.ecs.get_paginator("list_tasks").paginate())
    assert [page["taskArns"] for page in pages] == [[], [arn]]


def test_calls_are_throttled_by_token_buckets(cloud, client):
    cloud.settings(throttle=0.02)  # two calls, then one in 2.5 s
    client.ecs.list_tasks()
    client.ecs.list_tasks()
    with refused("ThrottlingException"):
        client.ecs.list_tasks()
    client.ecs.describe_task_definition(taskDefinition="gameserver")


# ---- the audit


def test_a_clean_life_has_no_violations(cloud, client, testimony):
    instance_id, arn, _ = client.serve()
    audit = cloud.audit(FLEET)
    books = {"known": {instance_id, arn}, "max_servers": 1, "testimony_dir": testimony}
    assert audit.violations(**books) == []
    assert len(audit.orphans(known=set())) == 2
    client.ecs.stop_task(task=arn)
    client.wait_task(arn, "STOPPED")
    client.ec2.terminate_instances(InstanceIds=[instance_id])
    wait_until(lambda: client.state(instance_id) == "terminated", WAIT_S, "gone")
    audit = cloud.audit(FLEET)
    assert audit.violations(known=set(), max_servers=1, testimony_dir=testimony) == []


def test_the_audit_sees_duplicates_and_too_many(cloud, client):
    client.launch("op-1")
    client.launch("op-1", ClientToken="other")
    client.launch("op-2")
    audit = cloud.audit(FLEET)
    assert len(audit.duplicates()) == 1 and audit.most_servers() == 2
    assert any("allowed" in text for text in audit.violations(max_servers=1))


def test_the_audit_sees_foreign_things_touched(cloud, client):
    operator = Client(cloud, OPERATOR)
    foreign = operator.launch("x", TagSpecifications=None)["InstanceId"]
    assert cloud.audit(FLEET).violations() == []
    operator.ec2.terminate_instances(InstanceIds=[foreign])
    assert cloud.audit(FLEET).violations() == []
    other = operator.launch("y", TagSpecifications=None)["InstanceId"]
    client.ec2.terminate_instances(InstanceIds=[other])
    assert len(cloud.audit(FLEET).foreign_touched()) == 1


def test_the_audit_sees_an_instance_ended_under_somebody_elses_task(cloud, client):
    instance_id = client.launch_joined()
    small = {"taskDefinition": "foreign", "overrides": {}, "tags": []}
    Client(cloud, OPERATOR).run(instance_id, "z", startedBy="other", **small)
    client.ec2.terminate_instances(InstanceIds=[instance_id])
    assert len(cloud.audit(FLEET).foreign_touched()) == 1


def test_the_audit_sees_a_player_killed_with_the_machine(cloud, client, testimony):
    instance_id, arn, address = client.serve()
    with Players() as players:
        players.join(address)
        client.ec2.terminate_instances(InstanceIds=[instance_id])
        client.wait_task(arn, "STOPPED")
    assert len(cloud.audit(FLEET).signalled_with_players(testimony)) == 1


def test_the_audit_sees_a_machine_ended_under_its_own_task(cloud, client):
    instance_id, arn, _ = client.serve()
    client.ec2.terminate_instances(InstanceIds=[instance_id])
    client.wait_task(arn, "STOPPED")
    client.ec2.terminate_instances(InstanceIds=[instance_id])
    assert len(cloud.audit(FLEET).terminated_under_tasks()) == 1


def test_what_aws_takes_is_not_the_managers_doing(cloud, client, testimony):
    instance_id, arn, address = client.serve()
    with Players() as players:
        players.join(address)
        cloud.control(host={"instance": instance_id, "do": "lose"})
        client.wait_task(arn, "STOPPED")
    assert cloud.audit(FLEET).signalled_with_players(testimony) == []


def test_an_adopted_task_is_the_fleets(cloud, client):
    instance_id = client.launch_joined()
    arn = client.run(instance_id, tags=[], startedBy="hand")["tasks"][0]["taskArn"]
    marks = [{"key": t["Key"], "value": t["Value"]} for t in ec2_tags("op-1")]
    Client(cloud, OPERATOR).ecs.tag_resource(resourceArn=arn, tags=marks)
    assert client.task(arn, include=["TAGS"])["tags"] == marks
    client.ecs.stop_task(task=arn)
    assert cloud.audit(FLEET).foreign_touched() == []
