# SPDX-License-Identifier: MIT
"""boto3 at the cloud: what AWS's own client sees and an operator does. Needs
build/venv."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.waiting import wait_until

from .running import MANAGER, REGION

FLEET = "chess"
SESSION = boto3.Session()  # it keeps the models that it has read
WAIT_S = 10


class Client:
    """boto3 at the cloud, without retries: one call is one request. fleet:
    whose mark its instances and tasks bear."""

    def __init__(self, cloud, credentials=MANAGER, token=None, fleet=FLEET, **config):
        self.fleet = fleet
        options = {
            "region_name": REGION,
            "endpoint_url": cloud.url,
            "aws_access_key_id": credentials[0],
            "aws_secret_access_key": credentials[1],
            "aws_session_token": token,
            "config": Config(
                retries={"total_max_attempts": 1}, parameter_validation=False, **config
            ),
        }
        self.ec2 = SESSION.client("ec2", **options)
        self.ecs = SESSION.client("ecs", **options)

    def launch(self, operation="op-1", **changes):
        """A marked instance; changes over the request, None leaves out."""
        asked = {
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": operation,
            "LaunchTemplate": {"LaunchTemplateName": "gameserver", "Version": "1"},
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": ec2_tags(operation, self.fleet)}
            ],
            **changes,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        return self.ec2.run_instances(**asked)["Instances"][0]

    def instance(self, instance_id):
        found = self.ec2.describe_instances(InstanceIds=[instance_id])
        return found["Reservations"][0]["Instances"][0]

    def state(self, instance_id):
        return self.instance(instance_id)["State"]["Name"]

    def host(self, instance_id):
        """Its container instance, or None."""
        arns = self.ecs.list_container_instances(
            filter=f"ec2InstanceId in ['{instance_id}']"
        )["containerInstanceArns"]
        if not arns:
            return None
        found = self.ecs.describe_container_instances(containerInstances=arns)
        return found["containerInstances"][0]

    def launch_joined(self, operation="op-1"):
        made = self.launch(operation)["InstanceId"]
        wait_until(lambda: self.host(made), WAIT_S, "the agent joins")
        return made

    def run(self, instance_id=None, operation="op-1", **changes):
        """RunTask's whole answer."""
        asked = {
            "taskDefinition": "gameserver:1",
            "clientToken": f"task-{operation}",
            "startedBy": f"gsm/{self.fleet}",
            "tags": [
                {"key": tag["Key"], "value": tag["Value"]}
                for tag in ec2_tags(operation, self.fleet)
            ],
            "overrides": {
                "containerOverrides": [
                    {
                        "name": "game",
                        "environment": [
                            {"name": "GAMESERVER_OPERATION", "value": operation},
                            {"name": "SERVER_CAPACITY", "value": "7"},
                        ],
                    }
                ]
            },
            **changes,
        }
        if instance_id:
            asked["placementConstraints"] = pinned(instance_id)
        return self.ecs.run_task(**asked)

    def task(self, arn, **more):
        return self.ecs.describe_tasks(tasks=[arn], **more)["tasks"][0]

    def wait_task(self, arn, status):
        wait_until(
            lambda: self.task(arn)["lastStatus"] == status, WAIT_S, f"the task is {status}"
        )
        return self.task(arn)

    def serve(self, operation="op-1"):
        """(instance id, task ARN, address) of a gameserver that runs."""
        instance_id = self.launch_joined(operation)
        arn = self.run(instance_id, operation)["tasks"][0]["taskArn"]
        task = self.wait_task(arn, "RUNNING")
        public = self.instance(instance_id)["PublicIpAddress"]
        return instance_id, arn, f"{public}:{host_port(task)}"


def refused(code):
    """A call in its `with` must be refused with this error code."""
    return pytest.raises(ClientError, match=f"\\({code}\\)")


def ec2_tags(operation, fleet=FLEET):
    return [
        {"Key": "gameserver-manager:fleet", "Value": fleet},
        {"Key": "gameserver-manager:operation", "Value": operation},
    ]


def pinned(instance_id):
    return [
        {"type": "distinctInstance"},
        {"type": "memberOf", "expression": f"ec2InstanceId in ['{instance_id}']"},
    ]


def host_port(task, container="game"):
    (shown,) = [one for one in task["containers"] if one["name"] == container]
    return shown["networkBindings"][0]["hostPort"]
