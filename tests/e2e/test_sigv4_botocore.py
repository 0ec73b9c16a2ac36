# SPDX-License-Identifier: MIT
"""scalerd/aws/sigv4.c against botocore's signer, on random requests."""

import ctypes
import datetime
import os
import random
import string
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("botocore", reason="botocore is not installed")

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 1000
BODY_MAX = 2000
YEAR_2100_S = 4102444800
PRINTABLE = string.ascii_letters + string.digits + "+/=_-."


class Keys(ctypes.Structure):
    _fields_ = [
        ("id", ctypes.c_char * 129),
        ("secret", ctypes.c_char * 129),
        ("token", ctypes.c_char * 8193),
    ]


class Request(ctypes.Structure):
    _fields_ = [
        ("service", ctypes.c_char_p),
        ("region", ctypes.c_char_p),
        ("host", ctypes.c_char_p),
        ("target", ctypes.c_char_p),
        ("content_type", ctypes.c_char_p),
        ("body", ctypes.c_char_p),
        ("body_size", ctypes.c_size_t),
        ("utc_ms", ctypes.c_int64),
    ]


class Headers(ctypes.Structure):
    _fields_ = [
        ("amz_date", ctypes.c_char * 17),
        ("authorization", ctypes.c_char * 640),
    ]


@pytest.fixture(scope="module")
def sign(tmp_path_factory):
    library = tmp_path_factory.mktemp("sigv4") / "sigv4.so"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-I."]
        + ["-shared", "-fPIC", "-o", library]
        + ["scalerd/aws/sigv4.c", "common/err.c", "-lcrypto"],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    function = ctypes.CDLL(str(library)).sigv4_sign
    function.restype = ctypes.c_bool
    return function


def text(dice, most):
    return "".join(dice.choices(PRINTABLE, k=dice.randint(1, most)))


def random_request(dice):
    service = dice.choice(["ecs", "ec2", "sts"])
    label = "".join(dice.choices(string.ascii_lowercase + string.digits, k=9))
    host = f"{service}.{label}.amazonaws.com"
    if dice.random() < 0.3:
        host = f"127.0.0.1:{dice.randint(1, 65535)}"
    return {
        "service": service,
        "region": text(dice, 20),
        "host": host,
        "target": dice.choice([None, text(dice, 80)]),
        "content_type": dice.choice([None, "application/x-amz-json-1.1", text(dice, 60)]),
        "body": dice.randbytes(dice.choice([0, dice.randint(1, BODY_MAX)])),
        "utc_ms": dice.randint(0, YEAR_2100_S * 1000),
        "id": text(dice, 128).replace("/", "A"),
        "secret": text(dice, 128),
        "token": dice.choice(["", text(dice, 8192)]),
    }


def by_botocore(monkeypatch, wanted):
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        seconds=wanted["utc_ms"] // 1000
    )
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_, **__: when)
    headers = {"Host": wanted["host"]}
    if wanted["content_type"]:
        headers["Content-Type"] = wanted["content_type"]
    if wanted["target"]:
        headers["X-Amz-Target"] = wanted["target"]
    request = AWSRequest(
        "POST", f"https://{wanted['host']}/", headers=headers, data=wanted["body"]
    )
    keys = Credentials(wanted["id"], wanted["secret"], wanted["token"] or None)
    auth.SigV4Auth(keys, wanted["service"], wanted["region"]).add_auth(request)
    return request.headers["X-Amz-Date"], request.headers["Authorization"]


def by_scalerd(sign, wanted):
    def encoded(name):
        return wanted[name].encode() if wanted[name] is not None else None

    keys = Keys(encoded("id"), encoded("secret"), encoded("token"))
    request = Request(
        *(encoded(n) for n in ("service", "region", "host", "target", "content_type")),
        wanted["body"],
        len(wanted["body"]),
        wanted["utc_ms"],
    )
    headers = Headers()
    error = ctypes.create_string_buffer(512)
    assert sign(
        ctypes.byref(request), ctypes.byref(keys), ctypes.byref(headers), error
    ), error.value
    return headers.amz_date.decode(), headers.authorization.decode()


def test_random_requests_are_signed_as_botocore_signs_them(sign, monkeypatch):
    seed = int(os.environ.get("SIGV4_SEED", random.SystemRandom().randrange(2**32)))
    dice = random.Random(seed)
    for number in range(REQUESTS):
        wanted = random_request(dice)
        assert by_scalerd(sign, wanted) == by_botocore(monkeypatch, wanted), (
            f"SIGV4_SEED={seed}, request {number}: {wanted}"
        )
