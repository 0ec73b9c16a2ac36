# SPDX-License-Identifier: MIT
"""One ECS task: what it is and how DescribeTasks shows it."""

import socket
import uuid

from .account import ACCOUNT


def free_port(address):
    """A port that nobody listens on, for tasks without a process."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Task:
    def __init__(self, arn, definition, params, group, fate, now):
        self.arn = arn
        self.definition = definition
        self.group = group
        self.started_by = params.get("startedBy", "")
        self.tags = {tag["key"]: tag["value"] for tag in params.get("tags", [])}
        self.marks = dict(self.tags)  # these are kept when it stops
        self.overrides = params.get("overrides", {})
        self.launch_type = params.get("launchType", "EC2")
        self.fate = fate  # what a test ordered for it, see Tasks.FATE
        self.created = now
        self.host = None
        self.interface = None  # of Fargate: moto's network interface
        self.address = "127.0.0.1"
        self.game = None
        self.port = None
        self.last, self.desired = "PROVISIONING", "RUNNING"
        self.started = self.stopping = self.stopped = None
        self.stop_code = self.stop_reason = None
        self.exit_code = None
        containers = definition.container_definitions
        self.cpu = sum(container.get("cpu", 0) for container in containers)
        self.memory = sum(container.get("memory", 0) for container in containers)
        self.runtime_ids = {c["name"]: uuid.uuid4().hex for c in containers}

    def holds(self, host):
        """Whether it takes resources of this host."""
        return self.host is host and self.last != "STOPPED"

    @property
    def container(self):
        """The definition of the container that the game is: the last one."""
        return self.definition.container_definitions[-1]

    @property
    def own_port(self):
        """The port that the gameserver is to listen on; 0: any, and Docker
        maps it. On Fargate nothing is mapped."""
        if self.launch_type != "FARGATE":
            return 0
        return self.container["portMappings"][0]["containerPort"]

    def environment(self):
        pairs = list(self.container.get("environment", []))
        for override in self.overrides.get("containerOverrides", []):
            if override.get("name") == self.container["name"]:
                pairs += override.get("environment", [])
        return {pair["name"]: pair["value"] for pair in pairs}

    def bindings(self, container, ipv6):
        """networkBindings of one container: the wrong ones first."""
        known = self.port is not None and self.fate["mode"] != "unbound"
        if not known or self.launch_type == "FARGATE":
            return []
        found = []
        for mapping in container.get("portMappings", []):
            mine = container is self.container
            protocol = mapping.get("protocol", "tcp")
            entry = {"containerPort": mapping["containerPort"], "protocol": protocol}
            port = self.port if mine else 1
            if ipv6:
                found.append({**entry, "bindIP": "::", "hostPort": port})
            found.append({**entry, "bindIP": "0.0.0.0", "hostPort": port})
        return found

    def _container(self, container, ipv6):
        name = container["name"]
        shown = {
            "containerArn": f"{self.arn.replace(':task/', ':container/')}/{name}",
            "taskArn": self.arn,
            "name": name,
            "image": container["image"],
            "runtimeId": self.runtime_ids[name],
            "lastStatus": self.last,
            "networkBindings": self.bindings(container, ipv6),
            "networkInterfaces": [],
            "healthStatus": "UNKNOWN",
            "cpu": str(container.get("cpu", 0)),
            "memory": str(container.get("memory", 0)),
        }
        if self.exit_code is not None:
            shown["exitCode"] = self.exit_code if container is self.container else 137
        return shown

    def _attachments(self):
        if self.interface is None:
            return []
        nic = self.interface
        details = {
            "subnetId": nic.subnet.id,
            "networkInterfaceId": nic.id,
            "macAddress": nic.mac_address,
            "privateIPv4Address": nic.private_ip_address,
        }
        status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}
        return [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, self.arn)),
                "type": "ElasticNetworkInterface",
                "status": status.get(self.last, "ATTACHED"),
                "details": [{"name": n, "value": v} for n, v in details.items()],
            }
        ]

    def shown(self, cluster_arn, ipv6, include=()):
        always = {
            "taskArn": self.arn,
            "clusterArn": cluster_arn,
            "taskDefinitionArn": self.definition.arn,
            "group": self.group,
            "lastStatus": self.last,
            "desiredStatus": self.desired,
            "launchType": self.launch_type,
            "createdAt": self.created,
            "cpu": str(self.cpu),
            "memory": str(self.memory),
            "version": 1,
            "overrides": self.overrides,
            "attachments": self._attachments(),
            "healthStatus": "UNKNOWN",
            "containers": [
                self._container(container, ipv6)
                for container in self.definition.container_definitions
            ],
            "tags": [{"key": k, "value": v} for k, v in self.tags.items()]
            if "TAGS" in include
            else [],
        }
        sometimes = {
            "containerInstanceArn": self.host.arn if self.host else None,
            "startedBy": self.started_by or None,
            "startedAt": self.started,
            "stoppingAt": self.stopping,
            "stoppedAt": self.stopped,
            "stopCode": self.stop_code,
            "stoppedReason": self.stop_reason,
        }
        return {**always, **{k: v for k, v in sometimes.items() if v is not None}}


def cluster_arn_of(account, name):
    return f"arn:aws:ecs:{account.region}:{ACCOUNT}:cluster/{name}"
