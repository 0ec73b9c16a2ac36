# SPDX-License-Identifier: MIT
"""python -m tests.cloud --port P [--script FILE]

Prints `listening 127.0.0.1:P` when it serves. FILE holds, as JSON, orders as
POST /_ctl takes them. Ends by SIGTERM or SIGINT, its gameservers with it.
"""

import argparse
import json
import signal
import threading

from .cloud import REGION
from .server import Server


POLL_S = 0.02  # how soon it notices its end


def main():
    parser = argparse.ArgumentParser(prog="tests.cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any")
    parser.add_argument("--region", default=REGION)
    parser.add_argument("--script", help="orders to begin with")
    options = parser.parse_args()
    server = Server(options.port, options.region)
    if options.script:
        with open(options.script, encoding="utf-8") as script:
            server.cloud.control(json.load(script))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    serve = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
    serve.start()
    print(f"listening 127.0.0.1:{server.port}", flush=True)
    ended.wait()
    server.shutdown()
    server.cloud.close()


if __name__ == "__main__":
    main()
