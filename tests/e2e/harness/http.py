# SPDX-License-Identifier: MIT
"""One HTTP request, one answer, nothing hidden (no redirects, no retries)."""

import http.client
import json
import socket
from dataclasses import dataclass

TIMEOUT_S = 5


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)


def split_address(address):
    """"host:port" or "[v6]:port" -> (host, port)."""
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def request(address, path, method="GET", body=None, headers=None, timeout=TIMEOUT_S):
    connection = http.client.HTTPConnection(*split_address(address), timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    except http.client.HTTPException as error:
        raise OSError(f"{method} {address}{path}: {error!r}") from error
    finally:
        connection.close()


def get_json(address, path, **options):
    answer = request(address, path, **options)
    assert answer.status == 200, f"{path}: {answer.status} {answer.body[:200]!r}"
    return answer.json()


def raw(address, data, timeout=3):
    """Sends the bytes as they are. All that comes back until the connection ends
    or nothing more comes."""
    with socket.create_connection(split_address(address), timeout) as sock:
        sock.sendall(data)
        answer = b""
        try:
            while more := sock.recv(65536):
                answer += more
        except socket.timeout:
            pass
        return answer
