# SPDX-License-Identifier: MIT
"""Who may call: fixed keys, and sessions that IMDSv2 and the container
credential endpoint hand out and that expire."""

import json
import secrets
import time

from .signature import Key
from .wire import Answer

MANAGER = Key("AKIAMANAGER000000001", "manager/secret+key")
OPERATOR = Key("AKIAOPERATOR00000001", "operator/secret+key")
ROLE = "gameserver-manager"
CONTAINER_PATH = "/container/credentials"
CONTAINER_TOKEN = "container-endpoint-token"
IMDS_TTL_MAX_S = 21600


def text(status, body=""):
    return Answer(status, {"Content-Type": "text/plain"}, body.encode())


class Endpoints:
    """The two endpoints. keys is shared with who checks signatures; sessions
    have access keys that begin with ASIAMANAGER."""

    def __init__(self, world, region, keys):
        self.world = world
        self.region = region
        self.keys = keys
        self._tokens = {}  # of IMDS -> end
        self._routes = {
            ("PUT", "/latest/api/token"): ("imds:token", self._token),
            ("GET", "/latest/meta-data/placement/region"): ("imds:region", self._region),
            ("GET", "/latest/meta-data/iam/security-credentials/"): (
                "imds:role",
                self._role,
            ),
            ("GET", f"/latest/meta-data/iam/security-credentials/{ROLE}"): (
                "imds:credentials",
                self._imds_credentials,
            ),
            ("GET", CONTAINER_PATH): ("container:credentials", self._container),
        }

    def route(self, request):
        """(action, function) or None."""
        path = request.url.split("/", 3)[-1]
        return self._routes.get((request.method, f"/{path}"))

    def _session(self):
        expires = self.world.now() + self.world["session_s"]
        key = Key(
            f"ASIAMANAGER{secrets.token_hex(5)[:9].upper()}",
            secrets.token_urlsafe(30),
            secrets.token_urlsafe(300),
            expires,
        )
        self.keys[key.access] = key
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
        return {
            "AccessKeyId": key.access,
            "SecretAccessKey": key.secret,
            "Token": key.token,
            "Expiration": stamp,
        }

    def _token(self, request):
        ttl = request.header("X-aws-ec2-metadata-token-ttl-seconds")
        if not ttl.isdigit() or not 1 <= int(ttl) <= IMDS_TTL_MAX_S:
            return text(400)
        token = secrets.token_urlsafe(40)
        self._tokens[token] = time.monotonic() + int(ttl)
        answer = text(200, token)
        answer.headers["X-aws-ec2-metadata-token-ttl-seconds"] = ttl
        return answer

    def _allowed(self, request):
        end = self._tokens.get(request.header("X-aws-ec2-metadata-token"), 0)
        return time.monotonic() < end

    def _region(self, request):
        return text(200, self.region) if self._allowed(request) else text(401)

    def _role(self, request):
        return text(200, ROLE) if self._allowed(request) else text(401)

    def _imds_credentials(self, request):
        if not self._allowed(request):
            return text(401)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.world.now()))
        shown = {"Code": "Success", "LastUpdated": now, "Type": "AWS-HMAC"}
        return text(200, json.dumps({**shown, **self._session()}))

    def _container(self, request):
        if request.header("Authorization") != CONTAINER_TOKEN:
            return text(401, json.dumps({"code": "AccessDenied"}))
        shown = {"RoleArn": f"arn:aws:iam::123456789012:role/{ROLE}"}
        return text(200, json.dumps({**shown, **self._session()}))
