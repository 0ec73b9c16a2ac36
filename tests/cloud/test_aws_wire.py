# SPDX-License-Identifier: MIT
"""What scalerd/aws writes to ECS and EC2 against botocore's serializer, and what
it reads against answers that moto's serializer makes of the same service model.
"""

import ctypes
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from .running import MISSING, PYTHON

if not PYTHON.exists():
    pytest.skip(MISSING, allow_module_level=True)

import botocore.session  # noqa: E402
from botocore.serialize import create_serializer  # noqa: E402
from botocore.validate import ParamValidator  # noqa: E402
from moto.core.serialize import EC2Serializer, JSONSerializer  # noqa: E402
from moto.core.utils import get_service_model  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    *("ecs_request", "ec2_request", "form", "facts", "json_member", "xml", "marks"),
    *("ecs_answer", "ecs_answer_task", "ecs_answer_launch", "ec2_answer"),
)
TASK = "arn:aws:ecs:eu-west-1:123456789012:task/chess/0123456789abcdef"
HOST = "arn:aws:ecs:eu-west-1:123456789012:container-instance/chess/00112233"
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/game:7"
OPERATION = "00112233445566778899aabbccddee01"
MACHINE = "i-1234567890abcdef0"
FLEET_TAG = "gameserver-manager:fleet"
OPERATION_TAG = "gameserver-manager:operation"
PAGE_SIZE = 2048


def texts(*names):
    return [(name, ctypes.c_char_p) for name in names]


class ListTasks(ctypes.Structure):
    _fields_ = texts("cluster", "family", "started_by", "host", "page")


class RunTask(ctypes.Structure):
    _fields_ = texts(
        *("cluster", "task_definition", "container", "fleet", "operation", "token"),
        *("machine", "subnets", "security_groups"),
    ) + [("public_ip", ctypes.c_bool)]


class RunInstances(ctypes.Structure):
    _fields_ = texts("template", "version", "fleet", "operation")


class Binding(ctypes.Structure):
    _fields_ = [
        ("container", ctypes.c_char * 256),
        ("container_port", ctypes.c_int),
        ("host_port", ctypes.c_int),
        ("tcp", ctypes.c_bool),
    ]


class Task(ctypes.Structure):
    _fields_ = [
        ("arn", ctypes.c_char * 400),
        ("known", ctypes.c_int),
        ("family", ctypes.c_char * 256),
        ("last", ctypes.c_char * 32),
        ("to_stop", ctypes.c_bool),
        ("stop_code", ctypes.c_char * 32),
        ("reason", ctypes.c_char * 128),
        ("host", ctypes.c_char * 400),
        ("started_by", ctypes.c_char * 256),
        ("fleet", ctypes.c_char * 256),
        ("mark", ctypes.c_char * 33),
        ("eni", ctypes.c_char * 32),
        ("nbinding", ctypes.c_size_t),
        ("binding", Binding * 16),
    ]


class Machine(ctypes.Structure):
    _fields_ = [
        ("id", ctypes.c_char * 32),
        ("known", ctypes.c_int),
        ("state", ctypes.c_char * 32),
        ("reason", ctypes.c_char * 128),
        ("public_ip", ctypes.c_char * 48),
        ("private_ip", ctypes.c_char * 48),
        ("ipv6", ctypes.c_char * 48),
        ("fleet", ctypes.c_char * 256),
        ("mark", ctypes.c_char * 33),
    ]


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    library = tmp_path_factory.mktemp("wire") / "wire.so"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-I."]
        + ["-shared", "-fPIC", "-o", library]
        + [f"scalerd/aws/{name}.c" for name in SOURCES]
        + ["scalerd/edge/strict_json.c", "common/err.c", "-ljson-c", "-lexpat"],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    wire = ctypes.CDLL(str(library))
    wire.facts_new.restype = ctypes.c_void_p
    wire.facts_find_task.restype = ctypes.POINTER(Task)
    wire.facts_find_machine.restype = ctypes.POINTER(Machine)
    return wire


@pytest.fixture(scope="module")
def models():
    session = botocore.session.get_session()
    return {name: session.get_service_model(name) for name in ("ecs", "ec2")}


def in_c(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return (ctypes.c_char_p * len(value))(*(v.encode() for v in value))
    if isinstance(value, ctypes.Structure):
        return ctypes.byref(value)
    return ctypes.c_size_t(value) if isinstance(value, int) else value


def filled(structure, **members):
    return structure(
        **{n: v.encode() if isinstance(v, str) else v for n, v in members.items()}
    )


def written(wire, function, *arguments):
    made = getattr(wire, function)
    made.restype = ctypes.c_char_p
    return made(*(in_c(argument) for argument in arguments)).decode()


def tags(key="Key", value="Value", **more):
    pairs = {FLEET_TAG: "blitz", OPERATION_TAG: OPERATION, **more}
    return [{key: name, value: text} for name, text in pairs.items()]


RUN = {
    "cluster": "chess",
    "task_definition": DEFINITION,
    "container": "game",
    "fleet": "blitz",
    "operation": OPERATION,
    "token": OPERATION,
}
RUN_BY_AWS = {
    "cluster": "chess",
    "taskDefinition": DEFINITION,
    "count": 1,
    "clientToken": OPERATION,
    "overrides": {
        "containerOverrides": [
            {
                "name": "game",
                "environment": [
                    {"name": "GAMESERVER_OPERATION", "value": OPERATION},
                    {"name": "GAMESERVER_FLEET", "value": "blitz"},
                ],
            }
        ]
    },
    "startedBy": "gsm/blitz",
    "tags": tags("key", "value"),
    "enableECSManagedTags": True,
}
ECS_REQUESTS = [
    (
        ("ecs_list_tasks", filled(ListTasks, cluster="chess", family="game")),
        ("ListTasks", {"cluster": "chess", "family": "game", "maxResults": 100}),
    ),
    (
        ("ecs_list_tasks", filled(ListTasks, cluster="c", started_by="gsm/b", page="p")),
        (
            "ListTasks",
            {"cluster": "c", "startedBy": "gsm/b", "maxResults": 100, "nextToken": "p"},
        ),
    ),
    (
        ("ecs_list_tasks", filled(ListTasks, cluster="c", host=HOST)),
        ("ListTasks", {"cluster": "c", "containerInstance": HOST, "maxResults": 100}),
    ),
    (
        ("ecs_describe_tasks", "c", [TASK, TASK], 2),
        ("DescribeTasks", {"cluster": "c", "tasks": [TASK, TASK], "include": ["TAGS"]}),
    ),
    (
        ("ecs_list_hosts", "c", [MACHINE], 1, None),
        (
            "ListContainerInstances",
            {
                "cluster": "c",
                "filter": f"ec2InstanceId in ['{MACHINE}']",
                "maxResults": 100,
            },
        ),
    ),
    (
        ("ecs_describe_hosts", "c", [HOST], 1),
        ("DescribeContainerInstances", {"cluster": "c", "containerInstances": [HOST]}),
    ),
    (
        ("ecs_drain_host", "c", HOST),
        (
            "UpdateContainerInstancesState",
            {"cluster": "c", "containerInstances": [HOST], "status": "DRAINING"},
        ),
    ),
    (
        ("ecs_describe_task_definition", "game"),
        ("DescribeTaskDefinition", {"taskDefinition": "game"}),
    ),
    (
        ("ecs_run_task", filled(RunTask, **RUN, machine=MACHINE)),
        (
            "RunTask",
            {
                **RUN_BY_AWS,
                "launchType": "EC2",
                "placementConstraints": [
                    {"type": "distinctInstance"},
                    {
                        "type": "memberOf",
                        "expression": f"ec2InstanceId in ['{MACHINE}']",
                    },
                ],
            },
        ),
    ),
    (
        (
            "ecs_run_task",
            filled(
                RunTask,
                **RUN,
                subnets="subnet-1,subnet-2",
                security_groups="sg-1",
                public_ip=True,
            ),
        ),
        (
            "RunTask",
            {
                **RUN_BY_AWS,
                "launchType": "FARGATE",
                "networkConfiguration": {
                    "awsvpcConfiguration": {
                        "subnets": ["subnet-1", "subnet-2"],
                        "securityGroups": ["sg-1"],
                        "assignPublicIp": "ENABLED",
                    }
                },
            },
        ),
    ),
    (
        ("ecs_stop_task", "c", TASK, 'a "b"\n'),
        ("StopTask", {"cluster": "c", "task": TASK, "reason": 'a "b"\n'}),
    ),
]


def asked_by(name, *values):
    return {"Name": name, "Values": list(values)}


LIVING = ("pending", "running", "shutting-down", "stopping", "stopped")
EC2_REQUESTS = [
    (
        ("ec2_describe_machines", [MACHINE, "i-0b"], 2, "a+/="),
        (
            "DescribeInstances",
            {
                "Filters": [asked_by("instance-id", MACHINE, "i-0b")],
                "MaxResults": 500,
                "NextToken": "a+/=",
            },
        ),
    ),
    (
        ("ec2_describe_fleet", "blitz", None),
        (
            "DescribeInstances",
            {
                "Filters": [
                    asked_by(f"tag:{FLEET_TAG}", "blitz"),
                    asked_by("instance-state-name", *LIVING),
                ],
                "MaxResults": 500,
            },
        ),
    ),
    (
        ("ec2_describe_marked", [OPERATION], 1, None),
        (
            "DescribeInstances",
            {
                "Filters": [asked_by(f"tag:{OPERATION_TAG}", OPERATION)],
                "MaxResults": 500,
            },
        ),
    ),
    (
        ("ec2_describe_enis", ["eni-1"], 1, None),
        (
            "DescribeNetworkInterfaces",
            {
                "Filters": [asked_by("network-interface-id", "eni-1")],
                "MaxResults": 500,
            },
        ),
    ),
    (
        ("ec2_describe_template", "lt-0a1b"),
        ("DescribeLaunchTemplates", {"LaunchTemplateIds": ["lt-0a1b"]}),
    ),
    (
        ("ec2_describe_template", "game é"),
        ("DescribeLaunchTemplates", {"LaunchTemplateNames": ["game é"]}),
    ),
    (
        (
            "ec2_run_instances",
            filled(
                RunInstances,
                template="lt-0a1b",
                version="3",
                fleet="blitz",
                operation=OPERATION,
            ),
        ),
        (
            "RunInstances",
            {
                "LaunchTemplate": {"LaunchTemplateId": "lt-0a1b", "Version": "3"},
                "MinCount": 1,
                "MaxCount": 1,
                "ClientToken": OPERATION,
                "TagSpecifications": [
                    {
                        "ResourceType": "instance",
                        "Tags": tags(Name="gameserver-blitz"),
                    },
                    {"ResourceType": "volume", "Tags": tags()},
                ],
            },
        ),
    ),
    (
        ("ec2_terminate", MACHINE),
        ("TerminateInstances", {"InstanceIds": [MACHINE]}),
    ),
]


def serialized(model, action, parameters):
    operation = model.operation_model(action)
    report = ParamValidator().validate(parameters, operation.input_shape)
    assert not report.has_errors(), report.generate_report()
    serializer = create_serializer(model.protocol, include_validation=False)
    return serializer.serialize_to_request(parameters, operation)["body"]


@pytest.mark.parametrize("call, wanted", ECS_REQUESTS)
def test_requests_to_ecs_say_what_botocore_would(wire, models, call, wanted):
    ours = json.loads(written(wire, *call))
    assert ours == json.loads(serialized(models["ecs"], *wanted))


@pytest.mark.parametrize("call, wanted", EC2_REQUESTS)
def test_requests_to_ec2_say_what_botocore_would(wire, models, call, wanted):
    ours = parse_qsl(written(wire, *call), strict_parsing=True)
    theirs = serialized(models["ec2"], *wanted)
    assert len(ours) == len(dict(ours))
    assert dict(ours) == {name: str(value) for name, value in theirs.items()}


def answered(serializer, service, action, result):
    operation = get_service_model(service).operation_model(action)
    body = serializer(operation).serialize(result)["body"]
    return body if isinstance(body, bytes) else body.encode()


def read(wire, function, body, *page):
    facts = ctypes.c_void_p(wire.facts_new())
    error = ctypes.create_string_buffer(512)
    assert getattr(wire, function)(
        facts, body, ctypes.c_size_t(len(body)), *page, error
    ), error.value
    return facts


def test_a_serialized_description_of_tasks_is_read(wire):
    port = {"bindIP": "::", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"}
    result = {
        "tasks": [
            {
                "taskArn": TASK,
                "taskDefinitionArn": DEFINITION,
                "containerInstanceArn": HOST,
                "lastStatus": "STOPPED",
                "desiredStatus": "STOPPED",
                "startedBy": "gsm/blitz",
                "stopCode": "EssentialContainerExited",
                "stoppedReason": "exited",
                "tags": tags("key", "value"),
                "containers": [
                    {"name": "game", "exitCode": 3, "networkBindings": [port, port]}
                ],
            }
        ],
        "failures": [{"arn": f"{TASK}2", "reason": "MISSING"}],
    }
    body = answered(JSONSerializer, "ecs", "DescribeTasks", result)
    facts = read(wire, "ecs_read_tasks", body)
    task = wire.facts_find_task(facts, TASK.encode()).contents
    assert (task.family, task.host) == (b"game", HOST.encode())
    assert (task.to_stop, task.last) == (True, b"STOPPED")
    assert task.stop_code == b"EssentialContainerExited"
    assert task.reason == b"exited (game: exit code 3)"
    assert (task.started_by, task.fleet) == (b"gsm/blitz", b"blitz")
    assert task.mark == OPERATION.encode()
    assert task.nbinding == 2
    assert (task.binding[1].container_port, task.binding[1].host_port) == (80, 32768)
    assert task.binding[1].tcp
    wire.facts_free(facts)


def test_a_serialized_description_of_machines_is_read(wire):
    result = {
        "Reservations": [
            {
                "ReservationId": "r-1",
                "Instances": [
                    {
                        "InstanceId": MACHINE,
                        "State": {"Code": 16, "Name": "running"},
                        "StateReason": {"Code": "x", "Message": "because & so"},
                        "PublicIpAddress": "192.0.2.1",
                        "PrivateIpAddress": "10.0.0.1",
                        "Tags": tags(Name="<x>"),
                        "NetworkInterfaces": [
                            {"Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}]}
                        ],
                    }
                ],
            }
        ],
        "NextToken": "a+/=",
    }
    body = answered(EC2Serializer, "ec2", "DescribeInstances", result)
    page = ctypes.create_string_buffer(PAGE_SIZE)
    facts = read(wire, "ec2_read_machines", body, page)
    machine = wire.facts_find_machine(facts, MACHINE.encode()).contents
    assert page.value == b"a+/="
    assert (machine.state, machine.reason) == (b"running", b"because & so")
    assert (machine.public_ip, machine.private_ip) == (b"192.0.2.1", b"10.0.0.1")
    assert machine.ipv6 == b"2001:db8::1"
    assert (machine.fleet, machine.mark) == (b"blitz", OPERATION.encode())
    wire.facts_free(facts)
