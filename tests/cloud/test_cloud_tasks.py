# SPDX-License-Identifier: MIT
"""The test cloud's tasks, which are real gameservers, looked at by a client that
others wrote: boto3."""

import os
import signal
import uuid

import pytest

from harness.http import request
from harness.players import Players
from harness.waiting import wait_until

from .running import MISSING, READY

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from .client import FLEET, WAIT_S, host_port, refused  # noqa: E402


# ---- tasks


def test_a_task_runs_a_real_gameserver(cloud, client, testimony):
    instance_id, arn, address = client.serve()
    health = request(address, "/health/").json()
    assert health["available_capacity"] == 7
    assert address.startswith("127.1.")
    assert client.task(arn)["startedBy"] == f"gsm/{FLEET}"
    text = "".join(log.read_text() for log in testimony.iterdir())
    assert "operation=op-1" in text
    for _ in range(6):
        assert client.task(arn)["lastStatus"] == "RUNNING"
    shown = client.task(arn, include=["TAGS"])
    assert {"key": "gameserver-manager:fleet", "value": FLEET} in shown["tags"]
    assert client.host(instance_id)["runningTasksCount"] == 1


def test_gameservers_get_the_settings_environment(cloud, client):
    cloud.settings(environment={"SERVER_CAPACITY": "5"})
    instance_id = client.launch_joined()
    arn = client.run(instance_id, overrides={})["tasks"][0]["taskArn"]
    port = host_port(client.wait_task(arn, "RUNNING"))
    address = f"{client.instance(instance_id)['PublicIpAddress']}:{port}"
    assert request(address, "/health/").json()["available_capacity"] == 5


def test_a_task_goes_through_its_states(cloud, client):
    cloud.settings(provisioning_s=0.4, pending_s=0.4)
    made = client.run(client.launch_joined())["tasks"][0]
    assert (made["lastStatus"], made["desiredStatus"]) == ("PROVISIONING", "RUNNING")
    assert made["containers"][0]["networkBindings"] == []
    client.wait_task(made["taskArn"], "PENDING")
    client.wait_task(made["taskArn"], "RUNNING")


def test_the_game_is_not_always_the_first_container(client):
    instance_id = client.launch_joined()
    arn = client.run(instance_id, taskDefinition="gameserver-sidecar")["tasks"][0]
    task = client.wait_task(arn["taskArn"], "RUNNING")
    assert task["containers"][0]["name"] != "game"
    address = f"{client.instance(instance_id)['PublicIpAddress']}:{host_port(task)}"
    assert request(address, "/health/").status == 200
    assert host_port(task, "metrics") != host_port(task)


def test_gameservers_listen_on_the_private_address_alone_when_told(cloud, client):
    cloud.settings(listen="private")
    instance_id, _, address = client.serve()
    with pytest.raises(OSError):
        request(address, "/health/")
    private = client.instance(instance_id)["PrivateIpAddress"]
    assert request(f"{private}:{address.split(':')[1]}", "/health/").status == 200


def test_gameservers_may_have_ipv6_addresses(cloud, client):
    cloud.settings(listen="ipv6")
    instance_id, arn, _ = client.serve()
    address = client.instance(instance_id)["Ipv6Address"]
    where = f"[{address}]:{host_port(client.task(arn))}"
    assert request(where, "/health/").status == 200


def test_run_task_is_idempotent_on_its_token(cloud, client):
    instance_id = client.launch_joined()
    first = client.run(instance_id)["tasks"][0]["taskArn"]
    assert client.run(instance_id)["tasks"][0]["taskArn"] == first
    with refused("ConflictException") as error:
        client.run(instance_id, group="other")
    assert error.value.response["resourceIds"] == [first]
    client.wait_task(first, "RUNNING")
    client.ecs.stop_task(task=first)
    client.wait_task(first, "STOPPED")
    assert client.run(instance_id)["tasks"][0]["taskArn"] == first
    cloud.settings(task_token_stopped_s=0)
    assert client.run(instance_id)["tasks"][0]["taskArn"] != first


def test_a_failure_is_remembered_with_its_token(cloud, client):
    instance_id = client.launch_joined()
    cloud.control(host={"instance": instance_id, "do": "disconnect"})
    for _ in range(2):
        answer = client.run(instance_id)
        assert answer["tasks"] == [] and answer["failures"][0]["reason"] == "AGENT"
        cloud.control(host={"instance": instance_id, "do": "connect"})
    assert client.run(instance_id, clientToken="new")["tasks"]


def test_a_cluster_without_instances_is_an_error(client):
    with refused("InvalidParameterException"):
        client.run()
    with refused("ClusterNotFoundException"):
        client.run(cluster="none")
    with refused("ClientException"):
        client.run(taskDefinition="none")


def test_constraints_place_a_task(client):
    one, two = client.launch_joined("op-1"), client.launch_joined("op-2")
    task = client.run(two, "op-2")["tasks"][0]
    assert task["containerInstanceArn"] == client.host(two)["containerInstanceArn"]
    again = client.run(two, "op-3")
    assert again["tasks"] == [] and "onstraint" in again["failures"][0]["reason"]
    nowhere = client.run("i-00000000000000000", "op-4")
    assert (
        nowhere["failures"][0]["reason"] == "MemberOf placement constraint unsatisfied."
    )
    assert client.run(one, "op-5")["tasks"]


def test_a_stopping_task_does_not_block_its_instance(cloud, client):
    """As in AWS: distinctInstance looks at what is wanted of a task."""
    cloud.settings(stopping_s=5)
    instance_id = client.launch_joined()
    small = {"taskDefinition": "foreign", "overrides": {}}
    first = client.run(instance_id, **small)["tasks"][0]["taskArn"]
    client.wait_task(first, "RUNNING")
    client.ecs.stop_task(task=first)
    assert client.run(instance_id, "op-2", **small)["tasks"]


def test_resources_are_counted(client):
    instance_id = client.launch_joined()
    assert client.run(instance_id)["tasks"]
    answer = client.run(operation="op-2", placementConstraints=[])
    assert [f["reason"] for f in answer["failures"]] == ["RESOURCE:MEMORY"]


def test_more_than_ten_tasks_at_once_are_refused(client):
    client.launch_joined()
    with refused("InvalidParameterException"):
        client.run(count=11)


def test_a_failure_by_script(cloud, client):
    instance_id = client.launch_joined()
    cloud.fault("RunTask", "failure", reason="RESOURCE:ENI")
    assert client.run(instance_id)["failures"][0]["reason"] == "RESOURCE:ENI"
    assert client.run(instance_id, clientToken="new")["tasks"]


def test_a_gameserver_that_ends_stops_its_task(cloud, client):
    _, arn, _ = client.serve()
    cloud.control(exit=arn)
    task = client.wait_task(arn, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 137


@pytest.mark.parametrize(
    "fate, code",
    [
        ({"mode": "fails"}, "TaskFailedToStart"),
        ({"options": ["--misbehave", "refuse-start"]}, "EssentialContainerExited"),
    ],
)
def test_a_task_may_fail_to_start(cloud, client, fate, code):
    cloud.control(fates=[fate])
    arn = client.run(client.launch_joined())["tasks"][0]["taskArn"]
    assert client.wait_task(arn, "STOPPED")["stopCode"] == code


def test_a_stopped_task_is_told_first_and_killed_later(cloud, client, testimony):
    _, arn, address = client.serve()
    with Players() as players:
        players.join(address)
        answer = client.ecs.stop_task(task=arn, reason="a test")["task"]
        assert (answer["desiredStatus"], answer["lastStatus"]) == ("STOPPED", "RUNNING")
        task = client.wait_task(arn, "STOPPED")
    assert task["stopCode"] == "UserInitiated" and task["stoppedReason"] == "a test"
    assert client.task(arn, include=["TAGS"])["tags"] == []
    audit = cloud.audit(FLEET)
    assert [s["players"] for s in audit.events("signalled")][0] == 1
    assert audit.signalled_with_players(testimony)
    with refused("InvalidParameterException"):
        client.ecs.stop_task(task="0" * 32)


def test_a_gameserver_that_ignores_sigterm_is_killed(cloud, client):
    cloud.settings(stop_timeout_s=0.3)
    _, arn, _ = client.serve()
    (pid,) = [e["pid"] for e in cloud.audit(FLEET).events("process_started")]
    os.kill(pid, signal.SIGSTOP)
    client.ecs.stop_task(task=arn)
    assert client.wait_task(arn, "STOPPED")["containers"][0]["exitCode"] == 137
    signals = [e["signal"] for e in cloud.audit(FLEET).events("signalled")]
    assert signals == ["SIGTERM", "SIGKILL"]


def test_unknown_tasks_are_missing(cloud, client):
    answer = client.ecs.describe_tasks(tasks=["0" * 32])
    assert answer["tasks"] == [] and answer["failures"][0]["reason"] == "MISSING"
    with refused("InvalidParameterException"):
        client.ecs.describe_tasks(tasks=[uuid.uuid4().hex for _ in range(101)])
    _, arn, _ = client.serve()
    client.ecs.stop_task(task=arn)
    client.wait_task(arn, "STOPPED")
    cloud.settings(stopped_visible_s=0)
    assert client.ecs.describe_tasks(tasks=[arn])["failures"]


def test_tasks_are_listed_in_pages_and_by_one_filter(cloud, client):
    cloud.settings(gameservers=False, page_size=3)
    for n in range(4):
        client.launch_joined(f"op-{n}")
    foreign = {"taskDefinition": "foreign", "placementConstraints": [], "count": 7}
    made = client.run(operation="f", startedBy="somebody", overrides={}, **foreign)
    mine = client.run(operation="m", taskDefinition="foreign", overrides={})

    def listed(**filters):
        pages = client.ecs.get_paginator("list_tasks").paginate(**filters)
        return [arn for page in pages for arn in page["taskArns"]]

    assert len(listed()) == 8 and len(set(listed())) == 8
    assert listed(startedBy="somebody") == [t["taskArn"] for t in made["tasks"]]
    assert listed(startedBy=f"gsm/{FLEET}") == [mine["tasks"][0]["taskArn"]]
    assert len(listed(family="foreign")) == 8
    with refused("InvalidParameterException"):
        listed(startedBy="somebody", family="foreign")
    client.ecs.stop_task(task=mine["tasks"][0]["taskArn"])
    assert listed(startedBy=f"gsm/{FLEET}") == []
    stopped = listed(startedBy=f"gsm/{FLEET}", desiredStatus="STOPPED")
    assert stopped == [mine["tasks"][0]["taskArn"]]


def test_lists_may_lag(cloud, client):
    instance_id = client.launch_joined()
    cloud.settings(list_lag_s=1)
    arn = client.run(instance_id)["tasks"][0]["taskArn"]
    assert client.ecs.list_tasks()["taskArns"] == []
    assert client.task(arn)
    wait_until(lambda: client.ecs.list_tasks()["taskArns"] == [arn], WAIT_S, "listed")


# ---- Fargate


def test_a_fargate_task_has_an_address_of_its_own(cloud, client):
    subnet = client.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"subnets": [subnet], "assignPublicIp": "ENABLED"}
    cloud.settings(association_s=1)
    arn = client.run(
        taskDefinition="gameserver-fargate",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )["tasks"][0]["taskArn"]
    details = client.task(arn)["attachments"][0]["details"]
    (nic,) = [d["value"] for d in details if d["name"] == "networkInterfaceId"]

    def association():
        shown = client.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic])
        return shown["NetworkInterfaces"][0].get("Association")

    assert association() is None
    public = wait_until(association, WAIT_S, "it has a public address")["PublicIp"]
    assert client.wait_task(arn, "RUNNING")["containers"][0]["networkBindings"] == []
    assert request(f"{public}:8888", "/health/").status == 200
