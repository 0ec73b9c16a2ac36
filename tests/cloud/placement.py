# SPDX-License-Identifier: MIT
"""Where RunTask puts a task: constraints, agents, resources."""

from .hosts import CPU, MEMORY, instance_ids
from .wire import AwsError


def _read(constraints):
    """(distinct?, ids of the memberOf constraints or None)."""
    distinct, allowed = False, None
    for constraint in constraints:
        kind = constraint.get("type")
        if kind == "distinctInstance":
            distinct = True
        elif kind == "memberOf":
            ids = set(
                instance_ids(constraint.get("expression", ""), "Invalid expression.")
            )
            allowed = ids if allowed is None else allowed & ids
        else:
            raise AwsError("InvalidParameterException", "Invalid constraint type.")
    return distinct, allowed


def _ports_of(task):
    return {
        mapping["hostPort"]
        for container in task.definition.container_definitions
        for mapping in container.get("portMappings", [])
        if mapping.get("hostPort")
    }


def _lack(host, task, tasks):
    """The resource that is missing on host, or None."""
    on_it = [other for other in tasks if other.holds(host)]
    if task.cpu + sum(other.cpu for other in on_it) > CPU:
        return "RESOURCE:CPU"
    if task.memory + sum(other.memory for other in on_it) > MEMORY:
        return "RESOURCE:MEMORY"
    if any(_ports_of(task) & _ports_of(other) for other in on_it):
        return "RESOURCE:PORTS"
    return None


def place(task, constraints, hosts, tasks):
    """(host, []) or (None, failures). hosts: the cluster's that are not
    INACTIVE; tasks: all that there are."""
    distinct, allowed = _read(constraints)
    if not hosts:
        raise AwsError(
            "InvalidParameterException",
            "No Container Instances were found in your cluster.",
        )
    active = [host for host in hosts if host.status == "ACTIVE"]
    fitting = [host for host in active if allowed is None or host.machine.id in allowed]
    if not fitting:
        return None, [{"reason": "MemberOf placement constraint unsatisfied."}]
    if distinct:
        # By what is wanted of a task, not by what it still does: an instance
        # whose task is being stopped counts as empty.
        fitting = [
            host
            for host in fitting
            if not any(
                other.host is host
                and other.desired == "RUNNING"
                and other.group == task.group
                for other in tasks
            )
        ]
        if not fitting:
            reason = "DistinctInstance placement constraint unsatisfied."
            return None, [{"reason": reason}]
    failures = []
    for host in fitting:
        reason = _lack(host, task, tasks) if host.connected else "AGENT"
        if reason is None:
            return host, []
        failures.append({"arn": host.arn, "reason": reason})
    return None, failures
