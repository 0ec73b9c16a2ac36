# SPDX-License-Identifier: MIT
"""ECS container instances: machines whose agent has joined a cluster."""

import re
import uuid

from . import wire
from .paging import page
from .wire import AwsError

CPU, MEMORY = 1024, 900
DESCRIBE_MAX = 100
UPDATE_MAX = 10
ID_LIST = re.compile(r"ec2InstanceId\s+in\s+\[([^\]]*)\]")
ID_EQUAL = re.compile(r"ec2InstanceId\s*==\s*(\S+)")


def instance_ids(expression, error):
    """The ids of `ec2InstanceId in [...]` or `== ...`; other expressions of
    AWS's language are none that the cloud knows."""
    many = ID_LIST.fullmatch(expression.strip())
    one = ID_EQUAL.fullmatch(expression.strip())
    if not many and not one:
        raise AwsError("InvalidParameterException", error)
    words = many.group(1).split(",") if many else [one.group(1)]
    return [word.strip(" '\"") for word in words if word.strip()]


def short_id(text):
    """The last part of an ARN, or the id itself."""
    return text.rsplit("/", 1)[-1]


class Host:
    def __init__(self, machine, cluster, arn, now):
        self.machine = machine
        self.cluster = cluster
        self.arn = arn
        self.joined = now
        self.status = "ACTIVE"
        self.connected = True

    def shown(self, tasks, include=()):
        on_it = [task for task in tasks if task.holds(self)]
        used = {
            "CPU": sum(task.cpu for task in on_it),
            "MEMORY": sum(task.memory for task in on_it),
        }
        total = {"CPU": CPU, "MEMORY": MEMORY}
        tags = [
            {"key": tag["key"], "value": tag["value"]}
            for tag in self.machine.instance.get_tags()
        ]
        return {
            "containerInstanceArn": self.arn,
            "ec2InstanceId": self.machine.id,
            "version": 1,
            "versionInfo": {"agentVersion": "1.90.0", "dockerVersion": "25.0"},
            "registeredResources": [integer(n, v) for n, v in total.items()],
            "remainingResources": [integer(n, v - used[n]) for n, v in total.items()],
            "status": self.status,
            "agentConnected": self.connected,
            "runningTasksCount": sum(t.last == "RUNNING" for t in on_it),
            "pendingTasksCount": sum(t.last in ("PROVISIONING", "PENDING") for t in on_it),
            "attributes": [{"name": "ecs.instance-type", "value": "t3.small"}],
            "registeredAt": self.joined,
            "attachments": [],
            "tags": tags if "TAGS" in include else [],
        }


def integer(name, value):
    return {"name": name, "type": "INTEGER", "integerValue": value}


class Hosts:
    def __init__(self, world, account):
        self.world = world
        self.account = account
        self.all = {}  # short id -> Host
        self.on_lost = lambda host: None
        self.tasks = lambda: ()

    def join(self, machine):
        cluster = machine.cluster
        if cluster not in self.account.ecs.clusters:
            return  # its agent tries for ever
        arn = self.account.arn(f"container-instance/{cluster}/{uuid.uuid4().hex}")
        host = Host(machine, cluster, arn, self.world.now())
        self.all[short_id(arn)] = host
        self.world.event("joined", instance=machine.id, host=arn)

    def leave(self, machine):
        for host in self.all.values():
            if host.machine is machine and host.status != "INACTIVE":
                host.connected = False
                host.status = "INACTIVE"
                self.on_lost(host)

    def of(self, instance_id):
        found = [host for host in self.all.values() if host.machine.id == instance_id]
        return found[0] if found else None

    def cluster(self, params):
        return self.account.ecs._get_cluster(params.get("cluster", "default")).name

    def _known(self, text, cluster):
        host = self.all.get(short_id(text))
        lag = self.world["describe_lag_s"]
        if host is None or host.cluster != cluster:
            return None
        return host if self.world.now() - host.joined >= lag else None

    def list_container_instances(self, request):
        params, cluster = request.params, self.cluster(request.params)
        lag = self.world["list_lag_s"]
        found = [
            host
            for host in self.all.values()
            if host.cluster == cluster and self.world.now() - host.joined >= lag
        ]
        status = params.get("status")
        found = [
            host
            for host in found
            if (host.status == status if status else host.status != "INACTIVE")
        ]
        if "filter" in params:
            ids = instance_ids(params["filter"], "Invalid filter expression.")
            found = [host for host in found if host.machine.id in ids]
        size = min(params.get("maxResults", 100), self.world["page_size"])
        shown, token = page(
            [host.arn for host in found],
            size,
            params.get("nextToken"),
            str,
            "InvalidParameterException",
        )
        result = {"containerInstanceArns": shown}
        if token:
            result["nextToken"] = token
        return wire.answer("ecs", request.action, result)

    def describe_container_instances(self, request):
        return self._on_each(request, DESCRIBE_MAX, lambda host: None)

    def update_container_instances_state(self, request):
        status = request.params["status"]
        if status not in ("ACTIVE", "DRAINING"):
            raise AwsError("InvalidParameterException", "Invalid status.")

        def update(host):
            if host.status != "INACTIVE":
                host.status = status

        return self._on_each(request, UPDATE_MAX, update)

    def _on_each(self, request, most, change):
        cluster, ids = self.cluster(request.params), request.params["containerInstances"]
        if not 1 <= len(ids) <= most:
            raise AwsError(
                "InvalidParameterException", f"instances: 1 to {most} can be named."
            )
        shown, failures = [], []
        include = request.params.get("include", ())
        for one in ids:
            host = self._known(one, cluster)
            if host is None:
                failures.append({"arn": one, "reason": "MISSING"})
                continue
            change(host)
            shown.append(host.shown(self.tasks(), include))
        result = {"containerInstances": shown, "failures": failures}
        return wire.answer("ecs", request.action, result)
