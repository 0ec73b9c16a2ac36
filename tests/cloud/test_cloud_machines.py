# SPDX-License-Identifier: MIT
"""The test cloud's EC2 and the agents that join from it, looked at by a client that
others wrote: boto3."""

import pytest

from harness.processes import alive
from harness.waiting import wait_until

from .running import MISSING, READY

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from botocore.exceptions import ClientError  # noqa: E402

from .client import FLEET, WAIT_S, refused  # noqa: E402


# ---- EC2


def test_an_instance_takes_time_to_run(cloud, client):
    cloud.settings(boot_s=0.5, address_s=0.3)
    made = client.launch()
    assert made["State"]["Name"] == "pending" and "PublicIpAddress" not in made
    assert client.state(made["InstanceId"]) == "pending"
    wait_until(lambda: client.state(made["InstanceId"]) == "running", WAIT_S, "it runs")
    shown = client.instance(made["InstanceId"])
    assert shown["PublicIpAddress"].startswith("127.1.")
    assert shown["PrivateIpAddress"].startswith("127.2.")
    marks = {tag["Key"]: tag["Value"] for tag in shown["Tags"]}
    assert marks["gameserver-manager:operation"] == "op-1"


def test_each_instance_has_addresses_of_its_own(client):
    ids = [client.launch(f"op-{n}")["InstanceId"] for n in range(3)]
    wait_until(
        lambda: len({client.instance(i).get("PublicIpAddress") for i in ids} - {None}) == 3,
        WAIT_S,
        "three addresses",
    )


def test_run_instances_is_idempotent_on_its_token(cloud, client):
    first = client.launch()["InstanceId"]
    assert client.launch()["InstanceId"] == first
    with refused("IdempotentParameterMismatch"):
        client.launch(
            LaunchTemplate={"LaunchTemplateName": "gameserver", "Version": "2"}
        )
    client.ec2.terminate_instances(InstanceIds=[first])
    wait_until(lambda: client.state(first) == "terminated", WAIT_S, "it is gone")
    with refused("IdempotentInstanceTerminated"):
        client.launch()
    assert len(cloud.audit(FLEET).instances) == 1
    cloud.settings(run_token_s=0)
    assert client.launch()["InstanceId"] != first


def test_the_version_of_the_launch_template_counts(client):
    second = {"LaunchTemplateName": "gameserver", "Version": "2"}
    assert client.launch("a")["InstanceType"] == "t3.small"
    assert client.launch("b", LaunchTemplate=second)["InstanceType"] == "t3.micro"
    shown = client.ec2.describe_launch_templates(LaunchTemplateNames=["gameserver"])
    assert shown["LaunchTemplates"][0]["LatestVersionNumber"] == 2


def test_a_missing_launch_template_is_an_error(client):
    with refused("InvalidLaunchTemplateName.NotFoundException"):
        client.launch(LaunchTemplate={"LaunchTemplateName": "none", "Version": "1"})


def test_instances_are_found_by_filters(client):
    one = client.launch("op-1")["InstanceId"]
    two = client.launch("op-2", TagSpecifications=None)["InstanceId"]
    other = [{"Key": "gameserver-manager:fleet", "Value": f"{FLEET}2"}]
    other = [{"ResourceType": "instance", "Tags": other}]
    client.launch("op-3", TagSpecifications=other)

    def found(name, *values):
        answer = client.ec2.describe_instances(
            Filters=[{"Name": name, "Values": list(values)}]
        )
        return [r["Instances"][0]["InstanceId"] for r in answer["Reservations"]]

    assert found("tag:gameserver-manager:fleet", FLEET) == [one]
    assert found("client-token", "op-2") == [two]
    assert found("instance-id", one, "i-00000000000000000") == [one]
    with refused("FilterLimitExceeded"):
        found("instance-id", *[f"i-{n:017x}" for n in range(201)])
    with refused("InvalidInstanceID.NotFound"):
        client.instance("i-00000000000000000")
    with refused("InvalidInstanceID.Malformed"):
        client.instance("i-wrong")


def test_instances_come_in_pages(client):
    made = {client.launch(f"op-{n}")["InstanceId"] for n in range(12)}
    pages = list(
        client.ec2.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": 5}
        )
    )
    shown = [r["Instances"][0]["InstanceId"] for p in pages for r in p["Reservations"]]
    assert len(pages) == 3 and len(shown) == 12 and set(shown) == made
    with refused("InvalidParameterCombination"):
        client.ec2.describe_instances(InstanceIds=[shown[0]], MaxResults=5)


def test_termination_takes_time(cloud, client):
    made = client.launch_joined()
    cloud.settings(shutting_down_s=0.5)
    answer = client.ec2.terminate_instances(InstanceIds=[made])
    change = answer["TerminatingInstances"][0]
    assert change["PreviousState"]["Name"] == "running"
    assert change["CurrentState"]["Name"] == client.state(made) == "shutting-down"
    wait_until(lambda: client.state(made) == "terminated", WAIT_S, "it is gone")
    client.ec2.terminate_instances(InstanceIds=[made])
    assert client.host(made) is None


def test_one_wrong_id_and_none_is_terminated(client):
    made = client.launch()["InstanceId"]
    with refused("InvalidInstanceID.NotFound"):
        client.ec2.terminate_instances(InstanceIds=[made, "i-00000000000000000"])
    assert client.state(made) in ("pending", "running")


def test_an_account_without_capacity_says_so(cloud, client):
    cloud.settings(capacity=1)
    client.launch("op-1")
    with refused("InsufficientInstanceCapacity"):
        client.launch("op-2")
    cloud.settings(quota=1)
    with refused("VcpuLimitExceeded"):
        client.launch("op-2")


def test_an_instance_may_die_at_launch(cloud, client):
    cloud.control(agents=[{"mode": "dies"}])
    made = client.launch()["InstanceId"]
    wait_until(lambda: client.state(made) == "terminated", WAIT_S, "it died")
    assert client.instance(made)["StateReason"]["Code"] == "Server.InternalError"


def test_describe_may_lag_behind_a_launch(cloud, client):
    cloud.settings(describe_lag_s=0.5)
    made = client.launch()["InstanceId"]
    with refused("InvalidInstanceID.NotFound"):
        client.instance(made)

    def seen():
        try:
            return client.instance(made)
        except ClientError:
            return None

    wait_until(seen, WAIT_S, "it is shown")


# ---- agents


def test_an_agent_joins_after_a_while_or_late_or_never(cloud, client):
    cloud.control(
        agents=[{"mode": "join"}, {"mode": "join", "delay_s": 1}, {"mode": "never"}]
    )
    soon, late, never = (client.launch(f"op-{n}")["InstanceId"] for n in range(3))
    assert client.host(soon) is None
    joined = wait_until(lambda: client.host(soon), WAIT_S, "it joins")
    assert joined["status"] == "ACTIVE" and joined["agentConnected"]
    assert joined["ec2InstanceId"] == soon
    assert client.host(late) is None
    wait_until(lambda: client.host(late), WAIT_S, "the late one joins")
    assert client.host(never) is None and client.state(never) == "running"


def test_container_instances_are_listed_by_status_and_in_pages(cloud, client):
    first, *others = [client.launch_joined(f"op-{n}") for n in range(3)]
    cloud.settings(page_size=2)
    arn = client.host(first)["containerInstanceArn"]
    client.ecs.update_container_instances_state(
        containerInstances=[arn], status="DRAINING"
    )
    assert client.host(first)["status"] == "DRAINING"

    def listed(**filters):
        pages = client.ecs.get_paginator("list_container_instances").paginate(**filters)
        return [arn for page in pages for arn in page["containerInstanceArns"]]

    assert len(listed()) == 3
    assert listed(status="DRAINING") == [arn]
    assert len(listed(status="ACTIVE")) == 2
    assert listed(filter=f"ec2InstanceId == {others[0]}") != [arn]
    with refused("InvalidParameterException"):
        listed(filter="nonsense == 1")
    failed = client.ecs.describe_container_instances(containerInstances=["0" * 32])
    assert failed["failures"][0]["reason"] == "MISSING"


# ---- machines that go away


def test_a_terminated_host_takes_its_task(cloud, client):
    instance_id, arn, _ = client.serve()
    (pid,) = [e["pid"] for e in cloud.audit(FLEET).events("process_started")]
    client.ec2.terminate_instances(InstanceIds=[instance_id])
    task = client.wait_task(arn, "STOPPED")
    assert task["stoppedReason"] == f"Host EC2 (instance {instance_id}) terminated."
    assert not alive(pid) and client.host(instance_id) is None


def test_a_spot_instance_drains_and_is_taken(cloud, client):
    cloud.settings(spot_notice_s=0.5)
    instance_id, arn, _ = client.serve()
    cloud.control(host={"instance": instance_id, "do": "spot"})
    assert client.host(instance_id)["status"] == "DRAINING"
    assert client.task(arn)["lastStatus"] == "RUNNING"
    client.wait_task(arn, "STOPPED")
    reason = client.instance(instance_id)["StateReason"]["Code"]
    assert reason == "Server.SpotInstanceTermination"


def test_a_draining_host_gets_no_task(cloud, client):
    instance_id = client.launch_joined()
    cloud.control(host={"instance": instance_id, "do": "drain"})
    assert client.run(instance_id)["tasks"] == []
