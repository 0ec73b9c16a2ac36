# SPDX-License-Identifier: MIT
"""scalerd/aws/endpoint.c against botocore's own tables, in every region."""

import ctypes
import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("botocore", reason="botocore is not installed")

import botocore.exceptions
import botocore.session
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
# With a call of each.
SERVICES = {"ecs": "ListTasks", "ec2": "DescribeInstances"}
SWITCHES = ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"]
ENV = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)


class Endpoint(ctypes.Structure):
    _fields_ = [("url", ctypes.c_char * 512), ("host", ctypes.c_char * 300)]


@pytest.fixture(scope="module")
def resolve(tmp_path_factory):
    library = tmp_path_factory.mktemp("endpoint") / "endpoint.so"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-I."]
        + ["-shared", "-fPIC", "-o", library]
        + ["scalerd/aws/endpoint.c", "common/err.c", "-lcurl"],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    function = ctypes.CDLL(str(library)).endpoint_resolve
    function.restype = ctypes.c_bool
    return function


def by_scalerd(resolve, service, region, variables):
    texts = {
        name.encode(): ctypes.create_string_buffer(value.encode())
        for name, value in variables.items()
    }
    env = ENV(
        lambda _, name: ctypes.addressof(texts[name]) if name in texts else None
    )
    endpoint = Endpoint()
    error = ctypes.create_string_buffer(512)
    if not resolve(
        ctypes.byref(endpoint), service.encode(), region.encode(), env, None, error
    ):
        return None
    assert endpoint.host.decode() in endpoint.url.decode()
    return endpoint.url.decode().rstrip("/")


def by_botocore(session, service, region, variables):
    try:
        client = session.create_client(
            service,
            region,
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(
                use_fips_endpoint="AWS_USE_FIPS_ENDPOINT" in variables,
                use_dualstack_endpoint="AWS_USE_DUALSTACK_ENDPOINT" in variables,
            ),
        )
    except botocore.exceptions.EndpointVariantError:
        return None  # its older table knows no such endpoint
    operation = client.meta.service_model.operation_model(SERVICES[service])
    found = client._ruleset_resolver.construct_endpoint(operation, {}, {})
    return found.url.rstrip("/")


def regions(session):
    known = {
        region
        for partition in session.get_available_partitions()
        for service in SERVICES
        for region in session.get_available_regions(service, partition)
    }
    return sorted(known | {"eu-north-9"})  # one that is yet to come


@pytest.mark.parametrize("switches", [[], SWITCHES[:1], SWITCHES[1:], SWITCHES])
def test_every_region_has_the_endpoint_that_botocore_has(resolve, switches):
    session = botocore.session.Session()
    variables = {name: "true" for name in switches}
    compared = 0
    for service in SERVICES:
        for region in regions(session):
            theirs = by_botocore(session, service, region, variables)
            if theirs:
                assert by_scalerd(resolve, service, region, variables) == theirs
                compared += 1
    assert compared > 70
