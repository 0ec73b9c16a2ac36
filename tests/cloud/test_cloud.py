# SPDX-License-Identifier: MIT
"""The test cloud as a whole, looked at by a client that others wrote: boto3. Whom
it answers, and where credentials come from."""

import os
import signal

import pytest

from harness.http import request
from harness.processes import alive
from harness.waiting import wait_until

from .running import (
    CONTAINER_PATH,
    CONTAINER_TOKEN,
    MANAGER,
    MISSING,
    READY,
    REGION,
    RunningCloud,
)

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from botocore import UNSIGNED  # noqa: E402

from .client import FLEET, WAIT_S, Client, refused  # noqa: E402


# ---- signatures and shapes


def test_a_wrong_secret_is_refused(cloud):
    wrong = Client(cloud, (MANAGER[0], "wrong"))
    with refused("InvalidSignatureException"):
        wrong.ecs.list_tasks()
    with refused("SignatureDoesNotMatch"):
        wrong.ec2.describe_instances()
    with refused("UnrecognizedClientException"):
        Client(cloud, ("AKIANOBODY0000000001", "x")).ecs.list_tasks()


def test_an_unsigned_request_is_refused(cloud):
    unsigned = Client(cloud, signature_version=UNSIGNED)
    with refused("MissingAuthenticationTokenException"):
        unsigned.ecs.list_tasks()
    with refused("MissingAuthenticationToken"):
        unsigned.ec2.describe_instances()


@pytest.mark.parametrize("offset", [-600, 600])
def test_a_clock_that_is_off_by_more_than_five_minutes_is_refused(cloud, client, offset):
    cloud.settings(clock_offset_s=offset // 4)
    client.ecs.list_tasks()
    cloud.settings(clock_offset_s=offset)
    with refused("InvalidSignatureException") as error:
        client.ecs.list_tasks()
    assert ("expired" if offset > 0 else "not yet current") in str(error.value)
    with refused("RequestExpired"):
        client.ec2.describe_instances()


def test_what_the_model_does_not_know_is_refused(client):
    with refused("SerializationException"):
        client.ecs.describe_tasks()  # tasks is required
    with refused("SerializationException"):
        client.ecs.list_tasks(maxResults="many")
    with refused("InvalidParameterValue"):
        client.ec2.terminate_instances()


def test_a_signed_form_with_an_unknown_parameter_is_refused(cloud):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    def ask(body):
        made = AWSRequest(
            "POST",
            f"{cloud.url}/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            data=body,
        )
        SigV4Auth(Credentials(*MANAGER), "ec2", REGION).add_auth(made)
        headers = dict(made.headers.items())
        return request(cloud.address, "/", "POST", made.body, headers)

    right = "Action=DescribeInstances&Version=2016-11-15"
    assert ask(right).status == 200
    answer = ask(f"{right}&Filter.1.Nome=x")
    assert answer.status == 400 and b"InvalidParameterValue" in answer.body


def test_what_the_layer_does_not_know_is_refused(client):
    with refused("UnsupportedOperation"):
        client.ec2.stop_instances(InstanceIds=[client.launch()["InstanceId"]])


def test_a_connection_serves_many_requests(cloud):
    import http.client

    connection = http.client.HTTPConnection(*cloud.address.split(":"))
    for _ in range(3):
        connection.request("GET", "/nothing")
        assert connection.getresponse().read() and connection.sock is not None
    connection.close()


# ---- credentials


def test_imds_hands_out_credentials_to_version_2_alone(cloud, client):
    base = "/latest/meta-data/iam/security-credentials/"
    assert request(cloud.address, base).status == 401
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = request(cloud.address, "/latest/api/token", "PUT", headers=ttl).body.decode()
    with_token = {"X-aws-ec2-metadata-token": token}
    role = request(cloud.address, base, headers=with_token).body.decode()
    cloud.settings(session_s=1)
    said = request(cloud.address, base + role, headers=with_token).json()
    assert said["Code"] == "Success"
    keys = (said["AccessKeyId"], said["SecretAccessKey"])
    Client(cloud, keys, said["Token"]).ecs.list_tasks()
    with refused("UnrecognizedClientException"):
        Client(cloud, keys, "other").ecs.list_tasks()
    cloud.settings(clock_offset_s=2)
    with refused("ExpiredTokenException"):
        Client(cloud, keys, said["Token"]).ecs.list_tasks()


def test_the_container_endpoint_wants_its_token(cloud):
    assert request(cloud.address, CONTAINER_PATH).status == 401
    head = {"Authorization": CONTAINER_TOKEN}
    said = request(cloud.address, CONTAINER_PATH, headers=head).json()
    keys = (said["AccessKeyId"], said["SecretAccessKey"])
    Client(cloud, keys, said["Token"]).ec2.describe_instances()
    cloud.fault("container:credentials", "status", status=503)
    assert request(cloud.address, CONTAINER_PATH, headers=head).status == 503


# ---- the end


def test_the_clouds_end_is_its_gameservers_end(tmp_path):
    with RunningCloud(tmp_path, settings={"boot_s": 0.1}) as cloud:
        Client(cloud).serve()
        (pid,) = [e["pid"] for e in cloud.audit(FLEET).events("process_started")]
        os.kill(cloud.pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), WAIT_S, "the gameserver ends")
