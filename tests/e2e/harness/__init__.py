# SPDX-License-Identifier: MIT
"""What the whole-program tests share: processes, ports, HTTP, WebSocket
players, waiting for conditions, and the running system as one object."""
