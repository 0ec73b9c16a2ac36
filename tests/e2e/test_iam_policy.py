# SPDX-License-Identifier: MIT
"""docs/iam-policy*.json allow exactly the calls that scalerd/aws makes."""

import json
import re
import sys

import pytest

from harness.processes import ROOT

CODE = ROOT / "scalerd/aws"
POLICIES = {
    "EC2": ROOT / "docs/iam-policy.json",
    "FARGATE": ROOT / "docs/iam-policy-fargate.json",
}
# Checked by AWS besides the call itself: tags on what is made, roles passed on.
BESIDES = {
    "EC2": {"ec2:CreateTags", "ecs:TagResource", "iam:PassRole"},
    "FARGATE": {"ecs:TagResource", "iam:PassRole"},
}
# Calls that only one of the launch types makes. Fargate has no instances, but
# the fleet's marked ones are looked for all the same (the launch type may have
# been another).
ONLY = {
    "EC2": {
        "ec2:DescribeLaunchTemplates",
        "ec2:RunInstances",
        "ec2:TerminateInstances",
        "ecs:ListContainerInstances",
        "ecs:UpdateContainerInstancesState",
    },
    "FARGATE": set(),
}
# Of botocore's models, for where it is not installed.
KNOWN = {
    "ec2": """CreateTags DescribeInstances DescribeInstanceStatus
        DescribeLaunchTemplates DescribeLaunchTemplateVersions
        DescribeNetworkInterfaces DescribeSpotInstanceRequests DescribeSubnets
        DescribeTags RunInstances StartInstances StopInstances
        TerminateInstances""",
    "ecs": """DeregisterContainerInstance DescribeClusters
        DescribeContainerInstances DescribeTaskDefinition DescribeTasks
        ListContainerInstances ListTasks RunTask StartTask StopTask TagResource
        UpdateContainerInstancesState UpdateTaskProtection""",
}
TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)"|\'(?:[^\'\\]|\\.)*\'|/\*.*?\*/|//[^\n]*', re.DOTALL
)
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b")
NO_RESOURCE = {  # AWS knows no narrower one
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeNetworkInterfaces",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
}


@pytest.fixture(scope="module")
def operations():
    """action -> its name in a policy, of both services."""
    names = {service: set(text.split()) for service, text in KNOWN.items()}
    for packages in (ROOT / "build/venv").glob("lib/python3*/site-packages"):
        sys.path.append(str(packages))
    try:
        from botocore.session import Session
    except ImportError:
        pass
    else:
        for service in names:
            names[service] |= set(Session().get_service_model(service).operation_names)
    return {name: f"{service}:{name}" for service in names for name in names[service]}


def literals(code):
    """The string literals of C code, without those in comments."""
    return {match[1] for match in TOKEN.finditer(code) if match[1] is not None}


def calls(code, operations):
    return {operations[text] for text in literals(code) if text in operations}


def statements(launch_type):
    return json.loads(POLICIES[launch_type].read_text())["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def actions(launch_type):
    return {a for statement in statements(launch_type) for a in listed(statement["Action"])}


def test_calls_are_found_in_code_and_not_in_comments(operations):
    code = """
    /* Not "StartTask". */ // nor "StopInstances"
    static const struct phase phases[] = {
        {"find", CLIENT_ECS, "ListTasks"}, {"say", '"', "a \\"RunTask\\""},
        {"run_instances", CLIENT_EC2, "RunInstances", /* "StartInstances" */
         true},
    };
    """
    assert calls(code, operations) == {"ecs:ListTasks", "ec2:RunInstances"}


@pytest.mark.parametrize("launch_type", POLICIES)
def test_policy_allows_what_the_code_calls_and_no_more(launch_type, operations):
    code = "\n".join(path.read_text() for path in sorted(CODE.glob("*.[ch]")))
    other = "EC2" if launch_type == "FARGATE" else "FARGATE"
    called = calls(code, operations)
    assert ONLY["EC2"] | ONLY["FARGATE"] <= called
    assert actions(launch_type) == called - ONLY[other] | BESIDES[launch_type]


@pytest.mark.parametrize("launch_type", POLICIES)
def test_policy_has_no_wildcard_action(launch_type):
    for statement in statements(launch_type):
        assert statement["Effect"] == "Allow"
        assert "NotAction" not in statement and "NotResource" not in statement
        assert not [a for a in listed(statement["Action"]) if "*" in a]


@pytest.mark.parametrize("launch_type", POLICIES)
def test_policy_reaches_everything_only_where_aws_knows_nothing_narrower(launch_type):
    for statement in statements(launch_type):
        if "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= NO_RESOURCE


@pytest.mark.parametrize("launch_type", POLICIES)
def test_what_is_made_or_ended_is_the_fleets(launch_type):
    guarded = {
        "ec2:CreateTags": "aws:RequestTag/gameserver-manager:fleet",
        "ecs:RunTask": "aws:RequestTag/gameserver-manager:fleet",
        "ecs:TagResource": "aws:RequestTag/gameserver-manager:fleet",
        "ec2:TerminateInstances": "aws:ResourceTag/gameserver-manager:fleet",
        "ecs:StopTask": "aws:ResourceTag/gameserver-manager:fleet",
    }
    for statement in statements(launch_type):
        keys = {
            key: value
            for condition in statement.get("Condition", {}).values()
            for key, value in condition.items()
        }
        for action in listed(statement["Action"]):
            if action in guarded:
                assert keys[guarded[action]] == "FLEET", action
            if action == "ec2:RunInstances":
                assert keys["ec2:LaunchTemplate"].endswith("/LAUNCH_TEMPLATE_ID")
                instances = any(":instance/" in r for r in listed(statement["Resource"]))
                assert instances == ("aws:RequestTag/gameserver-manager:fleet" in keys)


@pytest.mark.parametrize("launch_type", POLICIES)
def test_page_explains_every_placeholder(launch_type):
    page = (ROOT / "docs/aws.md").read_text()
    assert f"]({POLICIES[launch_type].name})" in page
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    used = {
        word
        for statement in statements(launch_type)
        for word in PLACEHOLDER.findall(
            json.dumps([statement["Resource"], statement.get("Condition")])
        )
    }
    assert used and used <= explained
