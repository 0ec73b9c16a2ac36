# SPDX-License-Identifier: MIT
"""A cloud with other manners: what stands before the test cloud and changes
its answers, as other implementations of AWS's APIs differ from AWS."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.http import split_address

CHUNK = 100


def action_of(headers, body):
    """ListTasks, RunInstances, ..."""
    target = headers.get("X-Amz-Target", "")
    if target:
        return target.rsplit(".", 1)[1]
    fields = dict(pair.partition("=")[::2] for pair in body.decode().split("&"))
    return fields.get("Action", "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        behind = http.client.HTTPConnection(*self.server.target, timeout=60)
        try:
            behind.request("POST", self.path, body, dict(self.headers.items()))
            answer = behind.getresponse()
            status, said = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        finally:
            behind.close()
        action = action_of(self.headers, body)
        kind = answer.getheader("Content-Type")
        status, said = self.server.change(action, status, said)
        self._send(status, kind, said)

    def _send(self, status, kind, said):
        """In small chunks, with other names of headers; then it closes."""
        self.send_response_only(status)
        self.send_header("CONTENT-TYPE", kind)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        for at in range(0, len(said), CHUNK):
            part = said[at : at + CHUNK]
            self.wfile.write(b"%x;x=y\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\nx-trailer: 1\r\n\r\n")

    def log_message(self, *_arguments):
        pass


class OtherManners(ThreadingHTTPServer):
    """Use as a context manager. change(action, status, body) gives the status
    and body that are sent instead."""

    daemon_threads = True

    def __init__(self, target, change):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = split_address(target)
        self.change = change
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


def without(*names):
    """A change: JSON answers without these members, at any depth."""

    def strip(value):
        if isinstance(value, dict):
            return {n: strip(v) for n, v in value.items() if n not in names}
        return [strip(one) for one in value] if isinstance(value, list) else value

    def change(_action, status, body):
        if not body.startswith(b"{"):
            return status, body
        return status, json.dumps(strip(json.loads(body))).encode()

    return change
