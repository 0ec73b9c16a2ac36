# SPDX-License-Identifier: MIT
"""Requests in and answers out, by botocore's models of the services. What the
model does not know is refused: a request of ours must be one of AWS's."""

import json
import urllib.parse
import warnings
from dataclasses import dataclass, field

import botocore.serialize
from botocore.exceptions import ParamValidationError
from moto.core.exceptions import ServiceException
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.ec2.responses._base_response import EC2BaseResponse

# Of errors that every service has (signature, throttling), not in its model.
warnings.filterwarnings("ignore", message=".*does not match an error shape")

ECS_TARGET = "AmazonEC2ContainerServiceV20141113."
EC2_VERSION = "2016-11-15"
JSON_TYPE = "application/x-amz-json-1.1"
FORM_TYPE = "application/x-www-form-urlencoded"


class AwsError(ServiceException):
    def __init__(self, code, message, status=400, **members):
        super().__init__(code, message)
        self.status = status
        for name, value in members.items():
            setattr(self, name, value)


@dataclass
class Request:
    method: str
    url: str
    headers: dict  # as sent
    body: bytes
    service: str = ""
    action: str = ""
    params: dict = field(default_factory=dict)
    access_key: str = ""  # as it claims

    def header(self, name):
        found = [v for n, v in self.headers.items() if n.lower() == name.lower()]
        return found[0] if found else ""


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes


def model(service) -> ServiceModel:
    return get_service_model(service)


def recognize(request):
    """Sets service and action; False: this is no AWS request."""
    target = request.header("X-Amz-Target")
    if target.startswith(ECS_TARGET):
        request.service, request.action = "ecs", target[len(ECS_TARGET) :]
        return True
    form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1")))
    if "Action" in form:
        request.service, request.action = "ec2", form["Action"]
        return True
    return False


def parse(request):
    """Sets params, or raises AwsError: the model knows no such request."""
    if request.action not in model(request.service).operation_names:
        raise AwsError("InvalidAction", f"The action {request.action} is not valid")
    reader = {"ecs": _parse_json, "ec2": _parse_form}[request.service]
    try:
        request.params = reader(request)
    except (ParamValidationError, ValueError, TypeError) as error:
        code = {"ecs": "SerializationException", "ec2": "InvalidParameterValue"}
        raise AwsError(code[request.service], f"{request.action}: {error}") from error


def _serialized(request, params):
    operation = model(request.service).operation_model(request.action)
    protocol = {"ecs": "json", "ec2": "ec2"}[request.service]
    serializer = botocore.serialize.create_serializer(protocol)
    return serializer.serialize_to_request(params, operation)


def _parse_json(request):
    if request.header("Content-Type") != JSON_TYPE:
        raise ValueError(f"Content-Type is not {JSON_TYPE}")
    params = json.loads(request.body)
    _serialized(request, params)
    return params


def _parse_form(request):
    if request.header("Content-Type").split(";")[0] != FORM_TYPE:
        raise ValueError(f"Content-Type is not {FORM_TYPE}")
    pairs = urllib.parse.parse_qsl(
        request.body.decode(), keep_blank_values=True, strict_parsing=True
    )
    form = dict(pairs)
    if len(form) != len(pairs):
        raise ValueError("a parameter occurs twice")
    if form.get("Version") != EC2_VERSION:
        raise ValueError(f"Version is not {EC2_VERSION}")
    operation = model("ec2").operation_model(request.action)
    params = PROTOCOL_PARSERS["ec2"](operation).parse({"values": form})
    known = _serialized(request, params)["body"]
    unknown = set(form) - set(known) - {"Action", "Version"}
    if unknown:
        raise ValueError(f"unknown parameters: {', '.join(sorted(unknown))}")
    return params


def _serializer(service, action):
    protocol = {"ecs": "json", "ec2": "ec2"}[service]
    transformers = EC2BaseResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER
    shown = {
        path: transform
        for path, transform in transformers.items()
        if not path.startswith("RunInstances.")  # a replay shows the state as it is
    }
    return get_serializer_class(service, protocol)(
        operation_model=model(service).operation_model(action),
        value_picker=XFormedAttributePicker(
            response_transformers=shown if service == "ec2" else None
        ),
    )


def _answer(serialized):
    body = serialized["body"]
    body = body.encode() if isinstance(body, str) else body
    return Answer(serialized["status_code"], dict(serialized["headers"]), body)


def answer(service, action, result):
    return _answer(_serializer(service, action).serialize(result))


def error_answer(service, action, error):
    """action may be one that the model does not know."""
    if action not in model(service).operation_names:
        action = {"ecs": "ListClusters", "ec2": "DescribeRegions"}[service]
    made = _answer(_serializer(service, action).serialize(error))
    made.status = getattr(error, "status", made.status)
    return made
