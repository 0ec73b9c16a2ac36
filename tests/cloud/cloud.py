# SPDX-License-Identifier: MIT
"""The cloud as one object: an AWS request in, an answer out, with the fault
that the script has for it; the control commands; the audit."""

import time
import traceback

from . import wire
from .account import Account
from .credentials import MANAGER, OPERATOR, Endpoints
from .faults import AFTER, BEFORE, EMPTY, Fault, Faults, refuse
from .hosts import Hosts
from .machines import Machines
from .paging import FIRST
from .signature import Key, claimed_key, verify
from .tasks import Tasks
from .throttle import Throttle
from .wire import AwsError
from .world import World

REGION = "eu-central-1"
SPOT = ("Server.SpotInstanceTermination", "Spot instance termination")
LOST = ("Server.InternalError", "The machine failed")
FLEET_TAG = "gameserver-manager:fleet"
# What moto does as AWS does. Its other actions know nothing of the layer.
FORWARDED = {
    *("CreateCluster", "DescribeClusters", "ListClusters"),
    *("RegisterTaskDefinition", "DeregisterTaskDefinition", "DescribeTaskDefinition"),
    *("ListTaskDefinitions", "ListTaskDefinitionFamilies"),
    *("CreateLaunchTemplate", "CreateLaunchTemplateVersion", "DeleteLaunchTemplate"),
    *("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"),
    *("ModifyLaunchTemplate", "DescribeNetworkInterfaces", "DescribeSubnets"),
    *("DescribeSecurityGroups", "CreateTags", "DescribeTags"),
}
HTML = b"<html><body>Bad gateway</body></html>"


class Cloud:
    """There is one at a time: moto's backends are those of the process."""

    def __init__(self, region, first_address):
        self.world = World()
        self.region = region
        self.account = Account(region)
        self.account.furnish()
        self.keys = {key.access: key for key in (MANAGER, OPERATOR)}
        self.endpoints = Endpoints(self.world, region, self.keys)
        self.machines = Machines(self.world, self.account)
        self.hosts = Hosts(self.world, self.account)
        self.tasks = Tasks(self.world, self.account, self.hosts)
        self.machines.on_join = self.hosts.join
        self.machines.on_leave = self.hosts.leave
        self.faults = Faults()
        self.throttle = Throttle()
        for part in (self.machines, self.tasks):
            part.begin_at(first_address)
        self._actions = {
            "RunInstances": self.machines.run_instances,
            "DescribeInstances": self.machines.describe_instances,
            "TerminateInstances": self.machines.terminate_instances,
            "RunTask": self.tasks.run_task,
            "StopTask": self.tasks.stop_task,
            "DescribeTasks": self.tasks.describe_tasks,
            "ListTasks": self.tasks.list_tasks,
            "TagResource": self.tasks.tag_resource,
            "ListContainerInstances": self.hosts.list_container_instances,
            "DescribeContainerInstances": self.hosts.describe_container_instances,
            "UpdateContainerInstancesState": self.hosts.update_container_instances_state,
        }

    # ---- requests

    def handle(self, request):
        """(answer or None, fault or None). None: nothing is to be sent; the
        fault says how the connection ends."""
        endpoint = self.endpoints.route(request)
        if endpoint:
            return self._handle_endpoint(request, *endpoint)
        if not wire.recognize(request):
            return wire.Answer(404, {}, b"no such thing\n"), None
        request.access_key = claimed_key(request)
        with self.world.lock:
            fault = self.faults.strike(request.action, request.body)
        if fault and fault.kind in BEFORE:
            self._log(request, 0, "", fault, [])
            return None, fault
        with self.world.lock:
            targets = self._targets(request)
            answer, code = self._perform(request, fault)
            self._log(request, answer.status, code, fault, targets)
        return answer, fault

    def _handle_endpoint(self, request, action, function):
        with self.world.lock:
            fault = self.faults.strike(action, request.body)
            if fault and fault.kind in BEFORE:
                return None, fault
            if fault and fault.kind not in AFTER:
                answer = wire.Answer(fault.status, {}, b"")
            else:
                answer = function(request)
            self.world.log("endpoint", action=action, status=answer.status)
        return answer, fault

    def _perform(self, request, fault):
        """(answer, error code or "")."""
        try:
            verify(
                request, self.keys, self.region, self.world.now(), self.world["skew_s"]
            )
            wire.parse(request)
            scale = self.world["throttle"]
            if not self.throttle.take(request.service, request.action, scale):
                refuse(Fault(request.action, "throttle"), request.service)
            if fault:
                refuse(fault, request.service)
            if fault and fault.kind == "html":
                page = {"Content-Type": "text/html"}
                return wire.Answer(fault.status, page, HTML), fault.kind
            return self._act(request, fault), ""
        except wire.ServiceException as error:
            return wire.error_answer(request.service, request.action, error), error.code
        except Exception:
            self.world.event("cloud_error", error=traceback.format_exc())
            error = AwsError("InternalFailure", "the cloud has a defect", 500)
            return wire.error_answer(request.service, request.action, error), error.code

    def _act(self, request, fault):
        own = self._actions.get(request.action)
        if fault and fault.kind == "failure":
            return self.tasks.run_task(request, failure=fault.reason)
        if fault and fault.kind.startswith("empty"):
            return self._nothing(request, fault)
        if own is None and request.action not in FORWARDED:
            raise AwsError("UnsupportedOperation", f"no {request.action} in this cloud")
        answer = own(request) if own else self.account.forward(request)
        if fault and fault.kind == "500_after":
            error = AwsError("InternalFailure", "acted, and failed", fault.status)
            return wire.error_answer(request.service, request.action, error)
        if fault and fault.kind == "malformed":
            answer.body = answer.body[: len(answer.body) // 2]
        return answer

    @staticmethod
    def _nothing(request, fault):
        result, token = EMPTY[request.action]
        if fault.kind == "empty_page":
            result = {**result, token: FIRST}
        return wire.answer(request.service, request.action, result)

    # ---- the log of calls

    def _targets(self, request):
        """What the call would end or change, and whose that is now."""
        try:
            wire.parse(request)
        except AwsError:
            return []
        params = request.params
        names = {
            "TerminateInstances": params.get("InstanceIds", []),
            "StopTask": [params.get("task")],
            "UpdateContainerInstancesState": params.get("containerInstances", []),
        }.get(request.action, [])
        return [self._target(name.rsplit("/", 1)[-1]) for name in names if name]

    def _target(self, name):
        if name in self.tasks.all:
            task = self.tasks.all[name]
            return {"id": task.arn, "fleet": task.marks.get(FLEET_TAG), "others": []}
        if name in self.hosts.all:
            name = self.hosts.all[name].machine.id
        if name not in self.machines.all:
            return {"id": name, "fleet": None, "others": [], "missing": True}
        on_it = [
            task
            for task in self.tasks.all.values()
            if task.host and task.host.machine.id == name and task.last != "STOPPED"
        ]
        return {
            "id": name,
            "fleet": self.machines.tags(name).get(FLEET_TAG),
            "others": [
                {"task": task.arn, "fleet": task.marks.get(FLEET_TAG)}
                for task in on_it
            ],
        }

    def _log(self, request, status, code, fault, targets):
        self.world.log(
            "call",
            service=request.service,
            action=request.action,
            key=request.access_key,
            params=request.params,
            status=status,
            code=code,
            fault=fault.kind if fault else None,
            targets=targets,
        )

    # ---- control

    def control(self, order):
        """Does what a POST to /_ctl says; returns what is left of the faults."""
        doers = {
            "settings": self.world.configure,
            "faults": lambda all_: [self.faults.add(one) for one in all_],
            "clear_faults": lambda _: self.faults.clear(),
            "agents": self.machines.agents.extend,
            "fates": self.tasks.fates.extend,
            "keys": self._set_keys,
            "host": self._host,
            "exit": self._exit,
        }
        unknown = set(order) - set(doers)
        if unknown:
            raise ValueError(f"unknown orders: {', '.join(sorted(unknown))}")
        with self.world.lock:
            for name, value in order.items():
                doers[name](value)
            return {"faults": self.faults.left()}

    def _set_keys(self, keys):
        """Those named replace the ones of the same name."""
        for described in keys:
            key = Key(**described)
            self.keys[key.access] = key

    def _host(self, order):
        machine = self.machines.all[order["instance"]]
        host = self.hosts.of(machine.id)
        what = order["do"]
        self.world.event("host_order", instance=machine.id, do=what)
        if what == "lose":
            self.machines.take(machine, LOST)
        elif what == "spot":
            if host:
                host.status = "DRAINING"
            self.world.after(self.world["spot_notice_s"], self.machines.take, machine, SPOT)
        elif what == "protect":
            machine.instance.disable_api_termination = order.get("on", True)
        elif what in ("connect", "disconnect") and host:
            host.connected = what == "connect"
        elif what == "drain" and host:
            host.status = "DRAINING"
        else:
            raise ValueError(f"host: {what} can't be done to {machine.id}")

    def _exit(self, arn):
        """A gameserver ends by itself."""
        self.tasks.all[arn.rsplit("/", 1)[-1]].game.kill()

    def audit(self, since=0):
        with self.world.lock:
            return {
                "at": time.time(),
                "entries": self.world.entries[since:],
                "instances": [
                    {
                        "id": machine.id,
                        "state": machine.instance.state,
                        "tags": self.machines.tags(machine.id),
                        "public": machine.public,
                        "private": machine.private,
                    }
                    for machine in self.machines.all.values()
                ],
                "tasks": [
                    {
                        "arn": task.arn,
                        "last": task.last,
                        "desired": task.desired,
                        "tags": task.marks,
                        "started_by": task.started_by,
                        "instance": task.host.machine.id if task.host else None,
                        "address": f"{task.address}:{task.port}",
                    }
                    for task in self.tasks.all.values()
                ],
            }

    def close(self):
        with self.world.lock:
            self.tasks.close()
            self.world.close()
