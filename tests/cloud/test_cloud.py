# SPDX-License-Identifier: MIT
"""The test cloud, looked at by a client that others wrote: boto3."""

import os
import signal
import uuid

import pytest

from harness.http import request
from harness.players import Players
from harness.processes import alive
from harness.waiting import wait_until

from .running import (
    CONTAINER_PATH,
    CONTAINER_TOKEN,
    MANAGER,
    MISSING,
    OPERATOR,
    READY,
    REGION,
    RunningCloud,
)

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from botocore import UNSIGNED  # noqa: E402
from botocore.exceptions import (  # noqa: E402
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError  # noqa: E402

from .client import FLEET, Client, ec2_tags, host_port  # noqa: E402

WAIT_S = 10


def refused(code):
    return pytest.raises(ClientError, match=f"\\({code}\\)")


@pytest.fixture
def testimony(tmp_path):
    directory = tmp_path / "testimony"
    directory.mkdir()
    return directory


@pytest.fixture(scope="module")
def one_cloud(tmp_path_factory):
    with RunningCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def cloud(one_cloud, testimony):
    one_cloud.reset()
    one_cloud.settings(testimony=str(testimony))
    yield one_cloud
    assert not one_cloud.audit(FLEET).cloud_errors()


@pytest.fixture
def client(cloud):
    return Client(cloud)


# ---- signatures and shapes


def test_a_wrong_secret_is_refused(cloud):
    wrong = Client(cloud, (MANAGER[0], "wrong"))
    with refused("InvalidSignatureException"):
        wrong.ecs.list_tasks()
    with refused("SignatureDoesNotMatch"):
        wrong.ec2.describe_instances()
    with refused("UnrecognizedClientException"):
        Client(cloud, ("AKIANOBODY0000000001", "x")).ecs.list_tasks()


def test_an_unsigned_request_is_refused(cloud):
    unsigned = Client(cloud, signature_version=UNSIGNED)
    with refused("MissingAuthenticationTokenException"):
        unsigned.ecs.list_tasks()
    with refused("MissingAuthenticationToken"):
        unsigned.ec2.describe_instances()


@pytest.mark.parametrize("offset", [-600, 600])
def test_a_clock_that_is_off_by_more_than_five_minutes_is_refused(cloud, client, offset):
    cloud.settings(clock_offset_s=offset // 4)
    client.ecs.list_tasks()
    cloud.settings(clock_offset_s=offset)
    with refused("InvalidSignatureException") as error:
        client.ecs.list_tasks()
    assert ("expired" if offset > 0 else "not yet current") in str(error.value)
    with refused("RequestExpired"):
        client.ec2.describe_instances()


def test_what_the_model_does_not_know_is_refused(client):
    with refused("SerializationException"):
        client.ecs.describe_tasks()  # tasks is required
    with refused("SerializationException"):
        client.ecs.list_tasks(maxResults="many")
    with refused("InvalidParameterValue"):
        client.ec2.terminate_instances()


def test_a_signed_form_with_an_unknown_parameter_is_refused(cloud):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    def ask(body):
        made = AWSRequest(
            "POST",
            f"{cloud.url}/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            data=body,
        )
        SigV4Auth(Credentials(*MANAGER), "ec2", REGION).add_auth(made)
        headers = dict(made.headers.items())
        return request(cloud.address, "/", "POST", made.body, headers)

    right = "Action=DescribeInstances&Version=2016-11-15"
    assert ask(right).status == 200
    answer = ask(f"{right}&Filter.1.Nome=x")
    assert answer.status == 400 and b"InvalidParameterValue" in answer.body


def test_what_the_layer_does_not_know_is_refused(client):
    with refused("UnsupportedOperation"):
        client.ec2.stop_instances(InstanceIds=[client.launch()["InstanceId"]])


def test_a_connection_serves_many_requests(cloud):
    import http.client

    connection = http.client.HTTPConnection(*cloud.address.split(":"))
    for _ in range(3):
        connection.request("GET", "/nothing")
        assert connection.getresponse().read() and connection.sock is not None
    connection.close()


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


# ---- credentials


def test_imds_hands_out_credentials_to_version_2_alone(cloud, client):
    base = "/latest/meta-data/iam/security-credentials/"
    assert request(cloud.address, base).status == 401
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = request(cloud.address, "/latest/api/token", "PUT", headers=ttl).body.decode()
    with_token = {"X-aws-ec2-metadata-token": token}
    role = request(cloud.address, base, headers=with_token).body.decode()
    cloud.settings(session_s=1)
    said = request(cloud.address, base + role, headers=with_token).json()
    assert said["Code"] == "Success"
    keys = (said["AccessKeyId"], said["SecretAccessKey"])
    Client(cloud, keys, said["Token"]).ecs.list_tasks()
    with refused("UnrecognizedClientException"):
        Client(cloud, keys, "other").ecs.list_tasks()
    cloud.settings(clock_offset_s=2)
    with refused("ExpiredTokenException"):
        Client(cloud, keys, said["Token"]).ecs.list_tasks()


def test_the_container_endpoint_wants_its_token(cloud):
    assert request(cloud.address, CONTAINER_PATH).status == 401
    head = {"Authorization": CONTAINER_TOKEN}
    said = request(cloud.address, CONTAINER_PATH, headers=head).json()
    keys = (said["AccessKeyId"], said["SecretAccessKey"])
    Client(cloud, keys, said["Token"]).ec2.describe_instances()
    cloud.fault("container:credentials", "status", status=503)
    assert request(cloud.address, CONTAINER_PATH, headers=head).status == 503


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


def test_the_clouds_end_is_its_gameservers_end(tmp_path):
    with RunningCloud(tmp_path, settings={"boot_s": 0.1}) as cloud:
        Client(cloud).serve()
        (pid,) = [e["pid"] for e in cloud.audit(FLEET).events("process_started")]
        os.kill(cloud.pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), WAIT_S, "the gameserver ends")
