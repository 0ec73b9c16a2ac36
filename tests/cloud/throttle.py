# SPDX-License-Identifier: MIT
"""AWS's token buckets: (burst, refill per second) of what shares one."""

import time

ECS_READ = ("DescribeTasks", "ListTasks", "DescribeContainerInstances")
ECS_READ += ("ListContainerInstances",)
ECS_DEFINITION = ("DescribeTaskDefinition", "ListTaskDefinitions")
BUCKETS = {
    "ecs read": (100, 20),
    "ecs definition": (50, 20),
    "ecs write": (100, 40),
    "ec2 read": (100, 20),
    "ec2 RunInstances": (5, 2),
    "ec2 write": (50, 5),
}


def bucket_of(service, action):
    if service == "ecs":
        if action in ECS_READ:
            return "ecs read"
        return "ecs definition" if action in ECS_DEFINITION else "ecs write"
    if action.startswith("Describe"):
        return "ec2 read"
    return "ec2 RunInstances" if action == "RunInstances" else "ec2 write"


class Throttle:
    def __init__(self):
        self._left = {}  # bucket -> (tokens, when)

    def take(self, service, action, scale):
        """False: too many calls. scale: the buckets' size, 1 as in AWS."""
        if not scale:
            return True
        name = bucket_of(service, action)
        burst, refill = (number * scale for number in BUCKETS[name])
        now = time.monotonic()
        tokens, when = self._left.get(name, (burst, now))
        tokens = min(burst, tokens + (now - when) * refill)
        self._left[name] = (max(tokens - 1, 0) if tokens >= 1 else tokens, now)
        return tokens >= 1
