# SPDX-License-Identifier: MIT
"""ECS tasks: run, list, describe, stop, and what becomes of them."""

import json
import re
import signal
import uuid

from . import wire
from .agent import Game
from .hosts import short_id
from .paging import page
from .placement import place
from .task import Task, cluster_arn_of, free_port
from .wire import AwsError
from .world import plan

COUNT_MAX = 10
DESCRIBE_MAX = 100
STARTED_BY = re.compile(r"[A-Za-z0-9_/-]{1,128}")
NOT_WITH_STARTED_BY = ("containerInstance", "family", "serviceName", "launchType")
HOST_GONE = "Host EC2 (instance {}) terminated."
PULL_FAILED = "CannotPullContainerError: image not found"


class Tasks:
    # mode: run, stuck (stays PENDING), unbound (never a networkBinding),
    # fails (TaskFailedToStart); options: of the gameserver's command line.
    FATE = {"mode": "run", "options": []}

    def __init__(self, world, account, hosts):
        self.world = world
        self.account = account
        self.hosts = hosts
        self.all = {}  # short id -> Task
        self.fates = []  # of the next ones, see FATE
        self._tokens = {}  # (cluster, clientToken) -> (request, tasks, failures, when)
        self._number = 1
        hosts.on_lost = self.host_lost
        hosts.tasks = self.all.values

    def begin_at(self, number):
        """The addresses of the next ones on Fargate, as Machines.begin_at."""
        self._number = number

    # ---- RunTask

    def run_task(self, request, failure=None):
        """failure: the reason that a fault wants in failures[]."""
        params = dict(request.params)
        cluster = self.hosts.cluster(params)
        self._check(params)
        token = params.pop("clientToken", None)
        asked = json.dumps(params, sort_keys=True)
        before = self._replay((cluster, token), asked) if token else None
        if before is not None:
            _, made, failures, _ = before
        else:
            made, failures = self._make(cluster, params, request.access_key, failure)
            if token:
                entry = (asked, made, failures, self.world.now())
                self._tokens[(cluster, token)] = entry
        result = {"tasks": [self.shown(task) for task in made], "failures": failures}
        return wire.answer("ecs", "RunTask", result)

    def _check(self, params):
        if not 1 <= params.get("count", 1) <= COUNT_MAX:
            raise AwsError("InvalidParameterException", "count must be 1 to 10.")
        started_by = params.get("startedBy")
        if started_by is not None and not STARTED_BY.fullmatch(started_by):
            raise AwsError("InvalidParameterException", "Invalid startedBy.")

    def _replay(self, key, asked):
        if key not in self._tokens:
            return None
        entry = self._tokens[key]
        first, made, _, when = entry
        now = self.world.now()
        stops = [task.stopped for task in made]
        ended = bool(stops) and all(stops)
        if now - when > self.world["task_token_s"] or (
            ended and now - max(stops) > self.world["task_token_stopped_s"]
        ):
            del self._tokens[key]
            return None
        if first != asked:
            raise AwsError(
                "ConflictException",
                "The clientToken was used with other parameters.",
                resourceIds=[task.arn for task in made],
            )
        return entry

    def _make(self, cluster, params, access_key, failure):
        definition = self._definition(params["taskDefinition"])
        made, failures = [], []
        for _ in range(params.get("count", 1)):
            task = self._new(cluster, definition, params)
            if failure is not None:
                failed = [{"reason": failure}]
            elif task.launch_type == "FARGATE":
                failed = self._attach(task, params)
            else:
                hosts = [
                    host
                    for host in self.hosts.all.values()
                    if host.cluster == cluster and host.status != "INACTIVE"
                ]
                constraints = params.get("placementConstraints", [])
                task.host, failed = place(task, constraints, hosts, self.all.values())
            if failed:
                failures += failed
                continue
            self._begin(task, access_key)
            made.append(task)
        return made, failures

    def _definition(self, name):
        try:
            found = self.account.ecs.describe_task_definition(name)
        except Exception as error:
            raise AwsError("ClientException", "TaskDefinition not found.") from error
        if found.status != "ACTIVE":
            raise AwsError("ClientException", "TaskDefinition is inactive")
        return found

    def _new(self, cluster, definition, params):
        arn = self.account.arn(f"task/{cluster}/{uuid.uuid4().hex}")
        group = params.get("group") or f"family:{definition.family}"
        return Task(arn, definition, params, group, self.FATE, self.world.now())

    def _attach(self, task, params):
        """A network interface for a Fargate task."""
        network = params.get("networkConfiguration", {}).get("awsvpcConfiguration")
        if not network or task.definition.network_mode != "awsvpc":
            raise AwsError(
                "InvalidParameterException",
                "Network Configuration must be provided when networkMode 'awsvpc'"
                " is specified.",
            )
        number, self._number = self._number, self._number % 65534 + 1
        addresses = {
            "public": f"127.3.{number >> 8}.{number & 255}",
            "private": f"127.4.{number >> 8}.{number & 255}",
        }
        try:
            task.interface = self.account.ec2.create_network_interface(
                network["subnets"][0],
                addresses["private"],
                group_ids=network.get("securityGroups", []),
                description=task.arn,
            )
        except Exception as error:
            raise AwsError("InvalidParameterException", str(error)) from error
        task.interface.status = "in-use"
        task.address = addresses[self.world["listen"]]
        if network.get("assignPublicIp") == "ENABLED":
            lag = self.world["association_s"]
            self.world.after(lag, self._associate, task, addresses["public"])
        return []

    def _associate(self, task, address):
        if task.last != "STOPPED":
            task.interface.public_ip = address

    def _begin(self, task, access_key):
        task.fate = plan(self.fates, self.FATE)
        self.all[short_id(task.arn)] = task
        if task.host:
            machine = task.host.machine
            task.address = getattr(machine, self.world["listen"])
        self.world.event(
            "task_launched",
            task=task.arn,
            tags=task.tags,
            started_by=task.started_by,
            instance=task.host.machine.id if task.host else None,
            by=access_key,
        )
        self.world.after(self.world["provisioning_s"], self._pend, task)

    # ---- life

    def _pend(self, task):
        if task.desired != "RUNNING" or task.last == "STOPPED":
            return
        task.last = "PENDING"
        mode = task.fate["mode"]
        if mode == "fails":
            self._stopped(task, "TaskFailedToStart", PULL_FAILED)
        elif mode == "stuck":
            pass
        elif self.world["gameservers"]:
            self._start_game(task)
        else:
            task.port = free_port(task.address)
            self.world.after(self.world["pending_s"], self._run, task)

    def _start_game(self, task):
        task.game = Game(
            self.world,
            task.arn,
            task.address,
            task.own_port,
            task.environment(),
            task.fate["options"],
            lambda game: self.world.after(self.world["pending_s"], self._run, task),
            lambda game, code: self._exited(task, code),
        )

    def _run(self, task):
        if task.last != "PENDING":
            return
        task.port = task.game.port if task.game else task.port
        task.last = "RUNNING"
        task.started = self.world.now()
        self.world.event(
            "task_running", task=task.arn, address=f"{task.address}:{task.port}"
        )

    def _exited(self, task, code):
        if task.last == "STOPPED":
            return
        task.exit_code = code
        self._stopped(
            task, "EssentialContainerExited", "Essential container in task exited"
        )

    def _stopped(self, task, code, reason):
        """The first that names a cause is right: a stopped one ends by it."""
        task.desired, task.last = "STOPPED", "STOPPED"
        task.stop_code = task.stop_code or code
        task.stop_reason = task.stop_reason or reason
        task.stopped = self.world.now()
        task.stopping = task.stopping or task.stopped
        task.tags = {}
        if task.interface is not None:
            task.interface.public_ip = None
        self.world.event("task_stopped", task=task.arn, code=task.stop_code)

    def host_lost(self, host):
        """The machine is going: its gameservers die, players or not."""
        for task in [task for task in self.all.values() if task.holds(host)]:
            task.stop_code = task.stop_code or "TerminationNotice"
            task.stop_reason = task.stop_reason or HOST_GONE.format(host.machine.id)
            task.desired = "STOPPED"
            if task.game:
                task.game.signal(signal.SIGKILL)
            else:
                self._stopped(task, None, None)

    # ---- StopTask

    def stop_task(self, request):
        task = self.known(request.params["task"], self.hosts.cluster(request.params))
        if task is None:
            raise AwsError(
                "InvalidParameterException", "The referenced task was not found."
            )
        if task.desired == "RUNNING":
            task.desired = "STOPPED"
            task.stopping = self.world.now()
            task.stop_code = "UserInitiated"
            task.stop_reason = request.params.get("reason", "Task stopped by user")
            task.tags = {}
            self.world.event("task_stopping", task=task.arn, by=request.access_key)
            self.world.after(self.world["stopping_s"], self._stop, task)
        return wire.answer("ecs", "StopTask", {"task": self.shown(task)})

    def _stop(self, task):
        if task.last == "STOPPED":
            return
        task.last = "STOPPING"
        if task.game is None:
            self._stopped(task, None, None)
            return
        task.game.signal(signal.SIGTERM)
        limit = task.container.get("stopTimeout", self.world["stop_timeout_s"])
        self.world.after(limit, self._stop_hard, task)

    def _stop_hard(self, task):
        if task.last != "STOPPED":
            task.game.signal(signal.SIGKILL)

    # ---- looking

    def shown(self, task, include=()):
        cluster = task.arn.split("/")[-2]
        return task.shown(
            cluster_arn_of(self.account, cluster), self.world["ipv6_bindings"], include
        )

    def known(self, text, cluster):
        """The task that Describe and Stop can see, or None."""
        task, now = self.all.get(short_id(text)), self.world.now()
        if task is None or task.arn.split("/")[-2] != cluster:
            return None
        if now - task.created < self.world["describe_lag_s"]:
            return None
        kept = self.world["stopped_visible_s"]
        return None if task.stopped and now - task.stopped > kept else task

    def describe_tasks(self, request):
        params, cluster = request.params, self.hosts.cluster(request.params)
        if not 1 <= len(params["tasks"]) <= DESCRIBE_MAX:
            raise AwsError("InvalidParameterException", "tasks: 1 to 100 can be named.")
        tasks, failures = [], []
        for one in params["tasks"]:
            task = self.known(one, cluster)
            if task is None:
                arn = one if one.startswith("arn:") else self.account.arn(f"task/{one}")
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                tasks.append(self.shown(task, params.get("include", ())))
        result = {"tasks": tasks, "failures": failures}
        return wire.answer("ecs", "DescribeTasks", result)

    def list_tasks(self, request):
        params, cluster = request.params, self.hosts.cluster(request.params)
        mixed = [name for name in NOT_WITH_STARTED_BY if name in params]
        if "startedBy" in params and mixed:
            raise AwsError(
                "InvalidParameterException", "startedBy must be the only filter."
            )
        if not 1 <= params.get("maxResults", 100) <= 100:
            raise AwsError("InvalidParameterException", "maxResults must be 1 to 100.")
        desired = params.get("desiredStatus", "RUNNING")
        now, lag = self.world.now(), self.world["list_lag_s"]
        tests = {
            "startedBy": lambda task: task.started_by,
            "family": lambda task: task.definition.family,
            "launchType": lambda task: task.launch_type,
            "containerInstance": lambda task: short_id(task.host.arn) if task.host else "",
            "serviceName": lambda task: "",
        }
        wanted = {name: params[name] for name in tests if name in params}
        if "containerInstance" in wanted:
            wanted["containerInstance"] = short_id(wanted["containerInstance"])
        found = [
            task.arn
            for task in self.all.values()
            if task.desired == desired
            and now - task.created >= lag
            and self.known(task.arn, cluster)
            and all(tests[name](task) == value for name, value in wanted.items())
        ]
        size = min(params.get("maxResults", 100), self.world["page_size"])
        shown, token = page(
            found, size, params.get("nextToken"), str, "InvalidParameterException"
        )
        result = {"taskArns": shown}
        if token:
            result["nextToken"] = token
        return wire.answer("ecs", "ListTasks", result)

    # ---- tags, for whoever adopts a task

    def tag_resource(self, request):
        task = self.all.get(short_id(request.params["resourceArn"]))
        if task is None or task.desired != "RUNNING":
            raise AwsError("ResourceNotFoundException", "The resource was not found.")
        tags = {tag["key"]: tag["value"] for tag in request.params["tags"]}
        task.tags.update(tags)
        task.marks.update(tags)
        self.world.event("task_tagged", task=task.arn, tags=tags, by=request.access_key)
        return wire.answer("ecs", "TagResource", {})

    def close(self):
        for task in self.all.values():
            if task.game:
                task.game.kill()
