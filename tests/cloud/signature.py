# SPDX-License-Identifier: MIT
"""Signature version 4, checked with botocore's signer over exactly the
headers that the request says it signed."""

import hashlib
import hmac
import re
from calendar import timegm
from dataclasses import dataclass
from datetime import datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from .wire import AwsError

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass
class Key:
    access: str
    secret: str
    token: str = ""
    expires: float = float("inf")  # the cloud's time of day
    denied: tuple = ()  # actions that it may not do; "*": none


class ExactSigner(SigV4Auth):
    """Signs the headers of the request, all of them and no others."""

    def headers_to_sign(self, request):
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            chosen[name.lower()] = value
        return chosen


# What each service says: invalid signature, unknown key, expired token,
# request too old, access denied.
ERRORS = {
    "ecs": {
        "signature": ("InvalidSignatureException", 400),
        "key": ("UnrecognizedClientException", 400),
        "expired": ("ExpiredTokenException", 400),
        "skew": ("InvalidSignatureException", 400),
        "missing": ("MissingAuthenticationTokenException", 400),
        "denied": ("AccessDeniedException", 400),
    },
    "ec2": {
        "signature": ("SignatureDoesNotMatch", 403),
        "key": ("AuthFailure", 401),
        "expired": ("RequestExpired", 400),
        "skew": ("RequestExpired", 400),
        "missing": ("MissingAuthenticationToken", 403),
        "denied": ("UnauthorizedOperation", 403),
    },
}


def refusal(service, which, message):
    code, status = ERRORS[service][which]
    return AwsError(code, message, status)


def claimed_key(request):
    """The access key that it says it is signed with, or ""."""
    match = AUTHORIZATION.fullmatch(request.header("Authorization"))
    return match.group(1) if match else ""


def verify(request, keys, region, now, skew_s):
    """Raises AwsError unless it is signed well. keys: {access: Key}."""

    def refuse(which, message):
        raise refusal(request.service, which, message)

    match = AUTHORIZATION.fullmatch(request.header("Authorization"))
    if not match:
        refuse("missing", "Missing Authentication Token")
    access, date, scope_region, service, signed, signature = match.groups()
    key = keys.get(access)
    if key is None:
        refuse("key", "The security token included in the request is invalid.")
    stamp = request.header("X-Amz-Date")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or stamp[:8] != date:
        refuse("signature", "X-Amz-Date and the scope do not agree")
    if (scope_region, service) != (region, request.service):
        refuse("signature", f"Credential should be scoped to {region}/{request.service}")
    expected = _expected(request, key, signed.split(";"), region, refuse)
    if not hmac.compare_digest(expected, signature):
        refuse("signature", "The request signature we calculated does not match")
    sent = timegm(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").timetuple())
    if abs(sent - now) > skew_s:
        word = "expired" if sent < now else "not yet current"
        refuse("skew", f"Signature {word}: {stamp}")
    if request.header("X-Amz-Security-Token") != key.token:
        refuse("key", "The security token included in the request is invalid.")
    if now >= key.expires:
        refuse("expired", "The security token included in the request is expired")
    if request.action in key.denied or "*" in key.denied:
        refuse("denied", f"not authorized to perform: {service}:{request.action}")


def _expected(request, key, signed, region, refuse):
    if signed != sorted(set(signed)):
        refuse("signature", "SignedHeaders are not sorted")
    sent = [name.lower() for name in request.headers]
    must = {"host"} | {name for name in sent if name.startswith("x-amz-")}
    if not must <= set(signed) or not set(signed) <= set(sent):
        refuse("signature", "SignedHeaders lack a header that was sent, or name others")
    claimed = request.header("X-Amz-Content-SHA256")
    if claimed and claimed != hashlib.sha256(request.body).hexdigest():
        refuse("signature", "X-Amz-Content-SHA256 is not that of the body")
    copy = AWSRequest(request.method, request.url, data=request.body)
    for name, value in request.headers.items():
        if name.lower() in signed:
            copy.headers[name] = value
    copy.context["timestamp"] = request.header("X-Amz-Date")
    signer = ExactSigner(Credentials(key.access, key.secret), request.service, region)
    text = signer.string_to_sign(copy, signer.canonical_request(copy))
    return signer.signature(text, copy)
