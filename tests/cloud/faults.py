# SPDX-License-Identifier: MIT
"""Faults by script. Each says which calls it strikes:

    {"action": "RunTask", "kind": "500_after", "times": 1, "after": 0,
     "match": "text in the body", "seconds": 5, "code": ..., "status": ...}

action "*" is any; IMDS and the container endpoint have the actions
imds:token, imds:role, imds:credentials, imds:region, container:credentials.
`after`: so many calls that match go by first; `times` -1: for ever. empty: a
list shows nothing; empty_page: nothing, and the token of its first page.
"""

from dataclasses import dataclass

from .wire import AwsError

BEFORE = ("hang_before", "drop_before")  # the connection fails, nothing is done
AFTER = ("500_after", "hang_after", "drop_after", "reset_after", "slow")
AFTER += ("malformed", "truncated")  # half a body; with the length of all of it
EMPTY = {  # what a list shows that shows nothing
    "ListTasks": ({"taskArns": []}, "nextToken"),
    "ListContainerInstances": ({"containerInstanceArns": []}, "nextToken"),
    "DescribeInstances": ({"Reservations": []}, "NextToken"),
}
REFUSALS = {
    # kind: ((code, status) of ECS, of EC2, message)
    "throttle": (
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 503),
        "Rate exceeded",
    ),
    "500": (("ServerException", 500), ("InternalError", 500), "An internal error"),
    "503": (("ServiceUnavailable", 503), ("Unavailable", 503), "Unavailable"),
    "expired": (
        ("ExpiredTokenException", 400),
        ("RequestExpired", 400),
        "The security token included in the request is expired",
    ),
    "access_denied": (
        ("AccessDeniedException", 400),
        ("UnauthorizedOperation", 403),
        "You are not authorized to perform this operation.",
    ),
    "capacity": (
        ("ClientException", 400),
        ("InsufficientInstanceCapacity", 500),
        "Capacity is unavailable at this time. Please try again later"
        " or in a different availability zone",
    ),
    "quota": (
        ("LimitExceededException", 400),
        ("VcpuLimitExceeded", 400),
        "You have requested more vCPU capacity than your current limit.",
    ),
}
OTHERS = ("html", "error", "failure", "status", "empty", "empty_page")
KINDS = (*BEFORE, *AFTER, *REFUSALS, *OTHERS)


@dataclass
class Fault:
    action: str
    kind: str
    times: int = 1
    after: int = 0
    match: str = ""
    seconds: float = 30
    code: str = "InternalFailure"
    message: str = "by script"
    reason: str = "AGENT"  # of kind failure, in RunTask's failures[]
    status: int = 500

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"fault {self.kind}: not one of {', '.join(KINDS)}")
        if self.kind.startswith("empty") and self.action not in EMPTY:
            raise ValueError(f"{self.action} is no list")


class Faults:
    def __init__(self):
        self._waiting = []

    def add(self, described):
        self._waiting.append(Fault(**described))

    def clear(self):
        self._waiting.clear()

    def left(self):
        return [fault.__dict__ for fault in self._waiting]

    def strike(self, action, body):
        """The fault of this call, or None. Counts it."""
        for fault in self._waiting:
            if fault.action not in ("*", action) or fault.match.encode() not in body:
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            if fault.times == 0:
                self._waiting.remove(fault)
            return fault
        return None


def refuse(fault, service):
    """Raises what a fault of a refusing kind says; returns for other kinds."""
    if fault.kind in REFUSALS:
        ecs, ec2, message = REFUSALS[fault.kind]
        code, status = ecs if service == "ecs" else ec2
        raise AwsError(code, message, status)
    if fault.kind == "error":
        raise AwsError(fault.code, fault.message, fault.status)
