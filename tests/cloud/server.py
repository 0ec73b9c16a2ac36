# SPDX-License-Identifier: MIT
"""HTTP/1.1 with keep-alive in front of the cloud."""

import json
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .cloud import Cloud
from .wire import Answer, Request

BODY_MAX = 4 << 20


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer in one packet
    timeout = 60

    def do_any(self):
        size = int(self.headers.get("Content-Length", 0))
        if size > BODY_MAX:
            self.send_error(413)
            return
        body = self.rfile.read(size)
        route = (self.command, self.path.split("?")[0])
        own = {
            ("POST", "/_ctl"): self._ctl,
            ("POST", "/_reset"): self._reset,
            ("GET", "/_audit"): self._audit,
        }
        if route in own:
            self._send(own[route](body))
            return
        host = self.headers.get("Host", "")
        request = Request(
            self.command, f"http://{host}{self.path}", dict(self.headers.items()), body
        )
        if len(request.headers) != len(self.headers):
            self.send_error(400, "a header was sent twice")
            return
        answer, fault = self.server.cloud.handle(request)
        self._reply(answer, fault)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_any

    def _reply(self, answer, fault):
        kind = fault.kind if fault else ""
        if kind.startswith("hang") or kind == "slow":
            time.sleep(fault.seconds)
        if kind.startswith(("hang", "drop", "reset")):
            self._break(kind.startswith("reset"))
            return
        self._send(answer, truncated=kind == "truncated")

    def _break(self, reset):
        if reset:
            hard = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)
        self.close_connection = True

    def _send(self, answer, truncated=False):
        self.send_response(answer.status)
        names = {name.lower() for name in answer.headers}
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        if "content-type" not in names:
            self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if truncated:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(answer.body)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(timestamp or self.server.cloud.world.now())

    def _ctl(self, body):
        try:
            said, status = self.server.cloud.control(json.loads(body)), 200
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            said, status = {"error": repr(error)}, 400
        return json_answer(status, said)

    def _reset(self, _body):
        self.server.renew()
        return json_answer(200, {})

    def _audit(self, _body):
        since = int(self.path.partition("?since=")[2] or 0)
        return json_answer(200, self.server.cloud.audit(since))

    def log_message(self, *_arguments):
        pass  # the audit is the log

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # the other side's right


def json_answer(status, what):
    body = json.dumps(what, default=str).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port, region):
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self._region = region
        self.cloud = self._new_cloud()

    def _new_cloud(self):
        # Clouds of tests that run at the same time have addresses of their own.
        return Cloud(self._region, 1 + self.port * 251 % 65000)

    def renew(self):
        """An empty account again; what ran in the old one is ended."""
        self.cloud.close()
        self.cloud = self._new_cloud()
