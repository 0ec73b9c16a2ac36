# SPDX-License-Identifier: MIT
"""The seed's own application for gunicorn, with GAMESERVERS servers in its
memory and no thread that asks AWS. SEED names its checkout."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["SEED"], "manager"))
os.environ.setdefault("SECRET_KEY", "bench")
os.environ.setdefault("AWS_ACCESS_KEY_ID", "bench")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "bench")

from manager.wsgi import application  # noqa: E402,F401
from scaling_manager import server_classes  # noqa: E402

SEATS = 1000


def _server(number):
    server = server_classes.Server.__new__(server_classes.Server)
    server.address = f"10.1.{number // 250}.{number % 250 + 1}:27015"
    server.available_capacity = SEATS
    return server


server_classes.get_tasks = lambda _family: []
_manager = server_classes.ServerManagerThread.get_instance()
_manager.available_servers = [_server(i) for i in range(int(os.environ["GAMESERVERS"]))]
