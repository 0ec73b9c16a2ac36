# SPDX-License-Identifier: MIT
"""TLS in front of a server that has none, with a certificate of its own."""

import socket
import socketserver
import ssl
import subprocess
import threading

from harness.http import split_address

BUFFER = 65536


def make_certificate(directory):
    """(certificate, key) of localhost, which nobody else vouches for."""
    certificate, key = directory / "tls.pem", directory / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key


class _Pass(socketserver.BaseRequestHandler):
    """One connection: what comes from one side goes to the other."""

    def handle(self):
        try:
            near = self.server.context.wrap_socket(self.request, server_side=True)
        except OSError:
            return  # it doesn't trust us
        with near, socket.create_connection(self.server.target) as far:
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()

    @staticmethod
    def _pump(one, other):
        try:
            while data := one.recv(BUFFER):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other direction sees the end, too


class TlsFront(socketserver.ThreadingTCPServer):
    """Use as a context manager; `url` is what leads to the server behind."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, directory, target):
        super().__init__(("127.0.0.1", 0), _Pass)
        self.target = split_address(target)
        self.certificate, key = make_certificate(directory)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.url = f"https://localhost:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()
