# SPDX-License-Identifier: MIT
"""A command `aws` for shell scripts under test: parses as AWS's own does, by
botocore's models, and calls moto within this process. It takes what docs/aws.md
uses; anything else is an error. Needs build/venv."""

import json
import os
import socketserver
import sys
import threading
from pathlib import Path

import pytest

VENV = Path(__file__).resolve().parents[3] / "build" / "venv"
MISSING = "build/venv is missing: run tests/cloud/venv"
for packages in VENV.glob("lib/python3*/site-packages"):
    sys.path.insert(0, str(packages))
if not VENV.exists():
    pytest.skip(MISSING, allow_module_level=True)

# Before moto is imported: its images take seconds to load.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

import boto3  # noqa: E402
import jmespath  # noqa: E402
from botocore import xform_name  # noqa: E402
from moto import mock_aws  # noqa: E402

SESSION = boto3.Session()
GLOBAL = {"query": 1, "output": 1}  # option -> how many values
# What PATH finds: speaks to Handler, and ends with the exit code it gets.
SCRIPT = """#!/usr/bin/python3 -SE
import json, os, socket, sys
peer = socket.create_connection(("127.0.0.1", {port}))
peer.sendall(json.dumps([sys.argv[1:], os.getcwd()]).encode() + b"\\n")
code, out, err = json.loads(peer.makefile().read())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class Wrong(Exception):
    """What the real command would refuse too."""


def split(words):
    """[(option, values)] of an argument list."""
    found = []
    for word in words:
        if word.startswith("--"):
            found.append((word[2:], []))
        elif found:
            found[-1][1].append(word)
        else:
            raise Wrong(f"no option: {word}")
    return found


def operation_of(service, command):
    """The operation's model of a command such as `run-instances`."""
    try:
        model = SESSION._session.get_service_model(service)
    except Exception as error:
        raise Wrong(f"no service {service}: {error}") from None
    for name in model.operation_names:
        if xform_name(name, "-") == command:
            return model.operation_model(name)
    raise Wrong(f"{service} has no command {command}")


def waiter_of(service, name):
    """A waiter's operation, for `aws ec2 wait NAME`."""
    models = SESSION._session.get_waiter_model(service)
    for waiter in models.waiter_names:
        if xform_name(waiter, "-") == name:
            wanted = models.get_waiter(waiter).operation
            return SESSION._session.get_service_model(service).operation_model(wanted)
    raise Wrong(f"{service} can't wait for {name}")


def member_of(operation, option):
    """(name, shape) of an option; a flag may begin with no-."""
    members = operation.input_shape.members if operation.input_shape else {}
    names = {xform_name(name, "-"): name for name in members}
    name = names.get(option) or names.get(option.removeprefix("no-"))
    if name is None:
        raise Wrong(f"{operation.name} has no option --{option}")
    return name, members[name]


def parse(words):
    """(service, command or waiter, operation, {option: values}) of what stands
    behind `aws`, names checked, values not."""
    if len(words) < 2:
        raise Wrong("aws SERVICE COMMAND")
    service, command, *rest = words
    if command == "wait":
        operation, command, rest = waiter_of(service, rest[0]), rest[0], rest[1:]
    else:
        operation = operation_of(service, command)
    options = split(rest)
    for option, _ in options:
        if option not in GLOBAL and option != "cli-input-json":
            member_of(operation, option)
    if len(dict(options)) != len(options):
        raise Wrong("an option twice")
    return service, command, operation, dict(options)


def shorthand(text):
    """Name=a,Values=b,c as a structure."""
    made = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals:
            last = made[name] = [value]
        else:
            last.append(part)
    return {k: v if k.endswith("s") else v[0] for k, v in made.items()}


def loaded(text, cwd):
    if text.startswith("file://"):
        return Path(cwd, text[len("file://") :]).read_text()
    return text


def value_of(shape, option, words, cwd):
    if shape.type_name == "boolean" and not words:
        return not option.startswith("no-")
    texts = [loaded(word, cwd) for word in words]
    if shape.type_name == "list" and texts[0].lstrip()[:1] != "[":
        nested = shape.member.type_name == "structure"
        return [shorthand(text) if nested else text for text in texts]
    if len(texts) != 1:
        raise Wrong(f"--{option} takes one value, not {texts}")
    if shape.type_name in ("list", "map", "structure"):
        whole = texts[0]
        return json.loads(whole) if whole.lstrip()[:1] in "[{" else shorthand(whole)
    return int(texts[0]) if shape.type_name in ("integer", "long") else texts[0]


def parameters(operation, options, cwd):
    made = {}
    for option, words in options.items():
        if option == "cli-input-json":
            made.update(json.loads(loaded(words[0], cwd)))
        elif option not in GLOBAL:
            name, shape = member_of(operation, option)
            made[name] = value_of(shape, option, words, cwd)
    return made


def text_of(result):
    """As --output text: lists of words in a line, lists of lists in lines."""
    if not isinstance(result, list):
        return f"{'None' if result is None else result}\n"
    if any(isinstance(item, list) for item in result):
        return "".join(text_of(item) for item in result)
    return "\t".join(str(item) for item in result) + "\n" if result else ""


def call(words, cwd, region):
    """What the command prints."""
    service, command, operation, options = parse(words)
    client = SESSION.client(service, region)
    given = parameters(operation, options, cwd)
    if words[1] == "wait":
        client.get_waiter(xform_name(command.replace("-", "_"))).wait(**given)
        return ""
    answer = getattr(client, xform_name(operation.name))(**given)
    answer.pop("ResponseMetadata")
    if "query" in options:
        answer = jmespath.search(options["query"][0], answer)
    if options.get("output") == ["text"]:
        return text_of(answer)
    return json.dumps(answer, default=str) + "\n" if answer else ""


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        words, cwd = json.loads(self.rfile.readline())
        try:
            answer = [0, call(words, cwd, self.server.region), ""]
        except Exception as error:
            answer = [255, "", f"aws {' '.join(words)}: {error!r}\n"]
            self.server.refused.append(answer[2])
        self.wfile.write(json.dumps(answer).encode())


class FakeAws:
    """Use as a context manager: `bin` is for PATH, `refused` has what failed.
    Within it, boto3 is at the same empty account."""

    def __init__(self, directory, region):
        self.bin = Path(directory) / "bin"
        self.refused = []
        self._region = region
        self._mock = mock_aws()

    def __enter__(self):
        self._mock.start()
        self._server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        self._server.refused = self.refused
        self._server.region = self._region
        self.bin.mkdir()
        script = self.bin / "aws"
        script.write_text(SCRIPT.format(port=self._server.server_address[1]))
        script.chmod(0o755)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._mock.stop()

    def client(self, service):
        return SESSION.client(service, self._region)
