# SPDX-License-Identifier: MIT
"""moto's backends of one account and region, called as its own stubber calls
them, and what stands in the account before anybody comes."""

import base64
import os

# Before moto is imported: the list of images takes seconds to load.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from moto.core.exceptions import HTTPException  # noqa: E402
from moto.core.request import Request as MotoRequest  # noqa: E402
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.ec2.models.core import TaggedEC2Resource  # noqa: E402
from moto.ec2.responses import EC2Response  # noqa: E402
from moto.ec2.utils import filter_dict_attribute_mapping  # noqa: E402
from moto.ecs.models import ecs_backends  # noqa: E402
from moto.ecs.responses import EC2ContainerServiceResponse  # noqa: E402

from .wire import Answer  # noqa: E402

ACCOUNT = "123456789012"
RESPONSES = {"ec2": EC2Response, "ecs": EC2ContainerServiceResponse}
CONTAINER_PORT = 8888
SIDECAR_PORT = 9100

filter_dict_attribute_mapping["client-token"] = "client_token"


def _tags_of(resource):
    """moto's own looks at every tag of the account for each resource: with a
    thousand instances a list would take a minute."""
    tags = resource.ec2_backend.tags.get(resource.id, {})
    return [{"key": key, "value": value} for key, value in tags.items()]


TaggedEC2Resource.get_tags = _tags_of


class Account:
    def __init__(self, region):
        self.region = region
        self.ec2 = ec2_backends[ACCOUNT][region]
        self.ecs = ecs_backends[ACCOUNT][region]
        self.ec2.reset()
        self.ecs.reset()

    def arn(self, what):
        return f"arn:aws:ecs:{self.region}:{ACCOUNT}:{what}"

    def forward(self, request):
        """moto's own answer to a request."""
        url = f"https://{request.service}.{self.region}.amazonaws.com/"
        copy = MotoRequest.from_primitives(
            request.method, url, request.headers, request.body
        )
        try:
            status, headers, body = RESPONSES[request.service].dispatch(
                copy, url, copy.headers
            )
        except HTTPException as error:
            status, headers, body = error.code, dict(error.get_headers()), error.get_body()
        body = body.encode() if isinstance(body, str) else body
        return Answer(int(status), {k: str(v) for k, v in dict(headers).items()}, body)

    def furnish(self, cluster="default", template="gameserver"):
        """A cluster, a launch template of two versions and the task
        definitions gameserver, gameserver-sidecar (whose first container is
        another), gameserver-fargate and foreign."""
        self.ecs.create_cluster(cluster)
        data = base64.b64encode(
            f"#!/bin/sh\necho ECS_CLUSTER={cluster} >>/etc/ecs/ecs.config\n".encode()
        ).decode()
        made = self.ec2.create_launch_template(
            template,
            "",
            {"ImageId": "ami-12345678", "InstanceType": "t3.small", "UserData": data},
            {},
        )
        made.create_version({**made.versions[0].data, "InstanceType": "t3.micro"}, "")
        game = container("game", CONTAINER_PORT, 600)
        sidecar = container("metrics", SIDECAR_PORT, 64)
        self._define("gameserver", [game])
        self._define("gameserver-sidecar", [sidecar, game])
        self._define("foreign", [container("other", CONTAINER_PORT, 200)])
        self._define("gameserver-fargate", [game], fargate=True)

    def _define(self, family, containers, fargate=False):
        self.ecs.register_task_definition(
            family,
            containers,
            [],
            network_mode="awsvpc" if fargate else "bridge",
            requires_compatibilities=["FARGATE"] if fargate else ["EC2"],
            cpu="256" if fargate else None,
            memory="1024" if fargate else None,
        )


def container(name, port, memory):
    return {
        "name": name,
        "image": f"registry.example/{name}:1",
        "cpu": 128,
        "memory": memory,
        "essential": True,
        "environment": [],
        "portMappings": [{"containerPort": port, "hostPort": 0, "protocol": "tcp"}],
    }
