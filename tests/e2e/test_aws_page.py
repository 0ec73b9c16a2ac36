# SPDX-License-Identifier: MIT
"""docs/aws.md can be pasted: its commands are AWS's, and what it marks as sh
makes the account that it promises, and takes it down again."""

import base64
import json
import os
import re
import shlex
import subprocess

import pytest

from harness.aws_cli import FakeAws, Wrong, parse
from harness.processes import ROOT

PAGE = ROOT / "docs/aws.md"
SAMPLE = ROOT / "docs/gameserver-manager.env"
CLEANING = "## Cleaning up"
REGION = "eu-central-1"
SCRIPT_S = 120
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text, language):
    return [body for name, body in FENCE.findall(text) if name == language]


def plain_commands():
    """The words behind `aws` in blocks that no test runs."""
    for block in blocks(PAGE.read_text(), ""):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("aws "):
                yield shlex.split(line, comments=True)[1:]


@pytest.fixture
def account(tmp_path):
    """An empty account; `bin` has an aws for it."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    with FakeAws(tmp_path, REGION) as aws:
        yield aws


def making():
    """What is to be pasted to get a fleet."""
    return "".join(blocks(PAGE.read_text().split(CLEANING)[0], "sh"))


def cleaning():
    """What is to be pasted to get rid of it."""
    return "".join(blocks(PAGE.read_text().split(CLEANING)[1], "sh"))


def paste(account, script):
    ran = subprocess.run(
        ["sh", "-eu"],
        input=script,
        cwd=account.bin.parent,
        env={"PATH": f"{account.bin}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SCRIPT_S,
    )
    assert (ran.returncode, account.refused) == (0, []), ran.stderr
    return ran.stdout


def launch_as_scalerd_does(account):
    """One marked instance and one marked task; -> the instance's id."""
    mark = {"Key": "gameserver-manager:fleet", "Value": "chess"}
    instance = account.client("ec2").run_instances(
        MinCount=1,
        MaxCount=1,
        LaunchTemplate={"LaunchTemplateName": "chess", "Version": "1"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [mark]}],
    )["Instances"][0]["InstanceId"]
    identity = json.dumps({"instanceId": instance, "region": REGION})
    ecs = account.client("ecs")
    ecs.register_container_instance(cluster="games", instanceIdentityDocument=identity)
    ecs.run_task(
        cluster="games", taskDefinition="chess", launchType="EC2", startedBy="gsm/chess"
    )
    return instance


def test_commands_that_are_only_shown_are_awss_own():
    seen = [parse(words)[1] for words in plain_commands()]
    assert {"associate-iam-instance-profile", "describe-tasks"} <= set(seen)


def test_a_wrong_command_is_seen():
    for words in (
        "ecs create-clusters",
        "ecs create-cluster --name a",
        "ec2 wait instance-gone",
        "games run",
    ):
        with pytest.raises(Wrong):
            parse(words.split())


def test_pasted_commands_make_the_account(account):
    paste(account, making())

    ec2, ecs = account.client("ec2"), account.client("ecs")
    assert ecs.list_clusters()["clusterArns"][0].endswith(":cluster/games")
    template = ec2.describe_launch_template_versions(
        LaunchTemplateName="chess", Versions=["1"]
    )["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    user_data = base64.b64decode(template["UserData"]).decode().splitlines()
    assert user_data[0] == "#!/bin/sh"
    assert user_data[2:5] == [
        "ECS_CLUSTER=games",
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
        "ECS_CONTAINER_STOP_TIMEOUT=120s",
    ]
    assert template["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert template["MetadataOptions"]["HttpTokens"] == "required"
    network = template["NetworkInterfaces"][0]
    assert network["AssociatePublicIpAddress"] is True
    group = ec2.describe_security_groups(GroupIds=network["Groups"])["SecurityGroups"][0]
    ports = {(rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissions"]}
    assert ports == {(32768, 65535), (8888, 8888)}


def test_pasted_task_definition_runs_one_game(account):
    paste(account, making())

    ecs = account.client("ecs")
    task = ecs.describe_task_definition(taskDefinition="chess")["taskDefinition"]
    game = task["containerDefinitions"][0]
    assert (task["networkMode"], game["essential"], game["stopTimeout"]) == (
        "bridge",
        True,
        120,
    )
    assert game["portMappings"] == [
        {"containerPort": 8888, "hostPort": 0, "protocol": "tcp"}
    ]
    fargate = ecs.describe_task_definition(taskDefinition="chess-fargate")
    assert fargate["taskDefinition"]["requiresCompatibilities"] == ["FARGATE"]


def test_pasted_policy_has_no_placeholder_left(account):
    paste(account, making())

    iam = account.client("iam")
    role = {"RoleName": "gameserver-manager"}
    arn = iam.list_attached_role_policies(**role)["AttachedPolicies"][0]["PolicyArn"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    fargate = iam.get_role_policy(**role, PolicyName="fargate")["PolicyDocument"]
    statements = version["Document"]["Statement"] + fargate["Statement"]
    values = json.dumps([[s["Resource"], s.get("Condition")] for s in statements])
    template = account.client("ec2").describe_launch_templates()["LaunchTemplates"][0]
    assert template["LaunchTemplateId"] in values
    assert not re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b", values)
    for name in ("role/gameserver-task", "task-definition/chess-fargate:*"):
        assert f":{name}" in values


def test_pasted_cleaning_leaves_nothing(account):
    paste(account, making() + "set >variables.sh\n")
    instance = launch_as_scalerd_does(account)
    # What a shell says of itself (PPID) can't be set again.
    paste(account, "set +e; . ./variables.sh; set -e\n" + cleaning())

    ec2, ecs, iam = (account.client(name) for name in ("ec2", "ecs", "iam"))
    state = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]
    assert state["Instances"][0]["State"]["Name"] == "terminated"
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    groups = ec2.describe_security_groups()["SecurityGroups"]
    assert {group["GroupName"] for group in groups} == {"default"}
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []
    assert iam.list_roles()["Roles"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_options_of_the_page_are_options():
    known = set(re.findall(r"^#?([A-Z_]+)=", SAMPLE.read_text(), re.MULTILINE))
    named = {
        name
        for block in blocks(PAGE.read_text(), "")
        for name in re.findall(r"^([A-Z_]+)=", block, re.MULTILINE)
    }
    assert "LAUNCH_TYPE" in named and named <= known
