# SPDX-License-Identifier: MIT
"""EC2: moto's instances, with idempotency, states that take time, addresses
of their own on the loopback network, filters, pages, and a sudden end."""

import base64
import json
import re

from moto.ec2.models.instances import InstanceState, StateReason

from . import wire
from .paging import page
from .wire import AwsError
from .world import plan

PENDING, RUNNING, SHUTTING_DOWN = (
    ("pending", 0),
    ("running", 16),
    ("shutting-down", 32),
)
INSTANCE_ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")
CLUSTER_LINE = re.compile(r"ECS_CLUSTER=(\S+)")
FILTER_VALUES_MAX = 200
RESULTS_MIN, RESULTS_MAX = 5, 1000
GONE = ("shutting-down", "terminated")
ENDED_BY_USER = ("Client.UserInitiatedShutdown", "User initiated shutdown")


class Machine:
    """What the layer knows of one of moto's instances."""

    def __init__(self, instance, number, cluster, agent):
        self.instance = instance
        self.public = f"127.1.{number >> 8}.{number & 255}"
        self.private = f"127.2.{number >> 8}.{number & 255}"
        self.cluster = cluster
        self.agent = agent
        self.ipv6 = "::1"  # the loopback network has just this one
        self.created = 0.0
        self.ended = None  # when it was terminated
        self.tags = {}  # as it was launched

    @property
    def id(self):
        return self.instance.id

    @property
    def live(self):
        return self.instance.state not in GONE

    def turn(self, state):
        self.instance._state = InstanceState(*state)


class Machines:
    AGENT = {"mode": "join", "delay_s": 0}  # or never, dies; delay_s: later

    def __init__(self, world, account):
        self.world = world
        self.account = account
        self.all = {}  # id -> Machine
        self.agents = []  # what the next ones do, see AGENT
        self.on_join = self.on_leave = lambda machine: None
        self._tokens = {}  # ClientToken -> (request, reservation)
        self._number = 1

    def begin_at(self, number):
        """The addresses of the next ones: 127.1.x.y from this number on."""
        self._number = number

    # ---- RunInstances

    def run_instances(self, request):
        params = dict(request.params)
        token = params.pop("ClientToken", None)
        asked = json.dumps(params, sort_keys=True, default=str)
        reservation = self._replay(token, asked) if token else None
        if reservation is None:
            self._check_room(int(params.get("MinCount", 1)))
            before = set(self.account.ec2.reservations)
            answer = self.account.forward(request)
            if answer.status != 200:
                return answer
            (new,) = set(self.account.ec2.reservations) - before
            reservation = self.account.ec2.reservations[new]
            if token:
                self._tokens[token] = (asked, reservation)
            for instance in reservation.instances:
                self._launch(instance, params, request.access_key)
        return wire.answer("ec2", "RunInstances", reservation)

    def _replay(self, token, asked):
        first, reservation = self._tokens.get(token, (None, None))
        if reservation is None:
            return None
        machines = [self.all[instance.id] for instance in reservation.instances]
        ends = [machine.ended for machine in machines]
        kept = self.world["run_token_s"]
        if all(ends) and max(ends) + kept < self.world.now():
            del self._tokens[token]
            return None
        if first != asked:
            raise AwsError(
                "IdempotentParameterMismatch",
                "The client token was used with other parameters",
            )
        if any(machine.instance.state == "terminated" for machine in machines):
            raise AwsError(
                "IdempotentInstanceTerminated",
                "An instance with this client token has been terminated",
            )
        return reservation

    def _check_room(self, wanted):
        live = sum(machine.live for machine in self.all.values())
        if live + wanted > self.world["quota"]:
            raise AwsError("VcpuLimitExceeded", "You have requested more vCPU capacity")
        if live + wanted > self.world["capacity"]:
            raise AwsError(
                "InsufficientInstanceCapacity",
                "We currently do not have sufficient capacity",
                500,
            )

    def _launch(self, instance, params, access_key):
        number, self._number = self._number, self._number % 65534 + 1
        agent = plan(self.agents, self.AGENT)
        machine = Machine(instance, number, self._cluster(instance), agent)
        machine.created = self.world.now()
        machine.turn(PENDING)
        nic = instance.nics[0]
        nic.public_ip = None
        nic.private_ip_address = machine.private
        nic.private_ip_addresses = [
            {"Primary": True, "PrivateIpAddress": machine.private}
        ]
        if self.world["listen"] == "ipv6":
            instance.ipv6_address = machine.ipv6
            nic.ipv6_addresses = [machine.ipv6]
        self.all[machine.id] = machine
        template = params.get("LaunchTemplate", {})
        machine.tags = self.tags(machine.id)
        self.world.event(
            "instance_launched",
            instance=machine.id,
            tags=machine.tags,
            by=access_key,
            template_version=template.get("Version"),
        )
        self.world.after(self.world["address_s"], self._show_address, machine)
        self.world.after(self.world["boot_s"], self._boot, machine)

    def _cluster(self, instance):
        data = instance.user_data
        text = str(data.text if hasattr(data, "text") else data or "")
        try:
            text += base64.b64decode(text).decode(errors="replace")
        except ValueError:
            pass  # it was plain
        found = CLUSTER_LINE.search(text)
        return found.group(1) if found else "default"

    def _show_address(self, machine):
        if machine.live and self.world["public_addresses"]:
            machine.instance.nics[0].public_ip = machine.public

    def _boot(self, machine):
        if not machine.live:
            return
        if machine.agent["mode"] == "dies":
            self.take(machine, ("Server.InternalError", "Internal error on launch"))
            return
        machine.turn(RUNNING)
        self.world.event("instance_running", instance=machine.id)
        if machine.agent["mode"] == "join":
            delay = self.world["join_s"] + machine.agent["delay_s"]
            self.world.after(delay, self._join, machine)

    def _join(self, machine):
        if machine.live:
            self.on_join(machine)

    # ---- looking

    def tags(self, instance_id):
        instance = self.all[instance_id].instance
        return {tag["key"]: tag["value"] for tag in instance.get_tags()}

    def visible(self, instance_id):
        machine, now = self.all.get(instance_id), self.world.now()
        if machine is None or now - machine.created < self.world["describe_lag_s"]:
            return False
        shown = self.world["terminated_visible_s"]
        return machine.ended is None or now - machine.ended < shown

    def describe_instances(self, request):
        params = request.params
        ids, filters = params.get("InstanceIds", []), params.get("Filters", [])
        size = params.get("MaxResults", 0)
        if ids and size:
            raise AwsError(
                "InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults",
            )
        if size and not RESULTS_MIN <= size <= RESULTS_MAX:
            raise AwsError("InvalidParameterValue", f"maxResults {size}: not 5 to 1000")
        if any(len(f.get("Values", [])) > FILTER_VALUES_MAX for f in filters):
            raise AwsError("FilterLimitExceeded", "The maximum of filter values is 200")
        self._check_ids(ids)
        wanted = {f["Name"]: f.get("Values", []) for f in filters}
        if "instance-id" in wanted:
            self._check_form(wanted["instance-id"])
        found = [
            reservation
            for reservation in self.account.ec2.describe_instances(filters=wanted)
            if all(self.visible(instance.id) for instance in reservation.instances)
            and (not ids or reservation.instances[0].id in ids)
        ]
        size = min(size or self.world["page_size"], self.world["page_size"])
        size = len(ids) or size
        shown, token = page(
            found, size, params.get("NextToken"), lambda r: r.id, "InvalidNextToken"
        )
        result = {"Reservations": shown, "NextToken": token}
        return wire.answer("ec2", "DescribeInstances", result)

    def _check_form(self, ids):
        for one in ids:
            if not INSTANCE_ID.fullmatch(one):
                raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{one}"')

    def _check_ids(self, ids):
        self._check_form(ids)
        missing = [one for one in ids if not self.visible(one)]
        if missing:
            raise AwsError(
                "InvalidInstanceID.NotFound",
                f"The instance IDs '{', '.join(missing)}' do not exist",
            )

    # ---- the end

    def terminate_instances(self, request):
        ids = request.params["InstanceIds"]
        self._check_ids(ids)
        machines = [self.all[one] for one in ids]
        for machine in machines:
            if machine.instance.disable_api_termination:
                raise AwsError(
                    "OperationNotPermitted",
                    f"The instance '{machine.id}' may not be terminated.",
                )
        result = []
        for machine in machines:
            before = machine.instance._state
            self.take(machine, ENDED_BY_USER)
            after = machine.instance._state
            result.append(
                {
                    "InstanceId": machine.id,
                    "PreviousState": {"Code": before.code, "Name": before.name},
                    "CurrentState": {"Code": after.code, "Name": after.name},
                }
            )
        return wire.answer("ec2", "TerminateInstances", {"TerminatingInstances": result})

    def take(self, machine, reason):
        """Ends it, whoever wanted that; an ended one stays as it is."""
        if not machine.live:
            return
        machine.turn(SHUTTING_DOWN)
        machine.instance.state_reason = StateReason(f"{reason[0]}: {reason[1]}", reason[0])
        self.world.event("instance_ending", instance=machine.id, reason=reason[0])
        self.on_leave(machine)
        self.world.after(self.world["shutting_down_s"], self._end, machine, reason)

    def _end(self, machine, reason):
        machine.instance.terminate()
        machine.instance.state_reason = StateReason(f"{reason[0]}: {reason[1]}", reason[0])
        machine.instance.nics[0].public_ip = None
        machine.ended = self.world.now()
        self.world.event("instance_terminated", instance=machine.id)
