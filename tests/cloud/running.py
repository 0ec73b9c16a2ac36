# SPDX-License-Identifier: MIT
"""The test cloud as a process of its own, for tests of the whole system.
Needs only the standard library, and build/venv to be there."""

import json
import subprocess
from pathlib import Path

from harness.http import request
from harness.waiting import wait_until

from .audit import Audit

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "venv" / "bin" / "python"
# tests/cloud/venv puts this file there last.
READY = (ROOT / "build" / "venv" / "requirements.txt").exists()
MISSING = "build/venv is missing: run tests/cloud/venv"
START_S = 30
STOP_S = 10
REGION = "eu-central-1"
# As in credentials.py, which needs botocore.
MANAGER = ("AKIAMANAGER000000001", "manager/secret+key")
OPERATOR = ("AKIAOPERATOR00000001", "operator/secret+key")
CONTAINER_PATH = "/container/credentials"
CONTAINER_TOKEN = "container-endpoint-token"


class RunningCloud:
    """Use as a context manager. directory: for its output; testimony: where
    gameservers write (GAMESERVER_LOG)."""

    def __init__(self, directory, testimony="", **orders):
        self._log = Path(directory) / "cloud.log"
        argv = [PYTHON, "-m", "tests.cloud", "--port", "0"]
        settings = {**orders.get("settings", {}), "testimony": str(testimony)}
        orders["settings"] = settings
        script = Path(directory) / "cloud.json"
        script.write_text(json.dumps(orders))
        argv += ["--script", script]
        with open(self._log, "wb") as output:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
            )
        self.pid = self._process.pid
        try:
            self.address = wait_until(self._listening, START_S, "the cloud listens")
        except BaseException:
            self.close()
            raise
        self.url = f"http://{self.address}"

    def _listening(self):
        text = self._log.read_text()
        assert self._process.poll() is None, f"the cloud ended: {text}"
        lines = [line for line in text.splitlines() if line.startswith("listening ")]
        return lines and lines[0].split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def environment(self, credentials=MANAGER):
        """What points a program at this cloud."""
        return {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": credentials[0],
            "AWS_SECRET_ACCESS_KEY": credentials[1],
        }

    def control(self, **orders):
        """See Cloud.control. What is left of the faults comes back."""
        answer = request(self.address, "/_ctl", "POST", json.dumps(orders))
        assert answer.status == 200, f"{orders}: {answer.body!r}"
        return answer.json()

    def reset(self):
        """Everything as at the start, without faults and orders."""
        answer = request(self.address, "/_reset", "POST")
        assert answer.status == 200, f"{answer.body!r}"

    def settings(self, **settings):
        self.control(settings=settings)

    def fault(self, action, kind, **more):
        self.control(faults=[{"action": action, "kind": kind, **more}])

    def audit(self, fleet):
        return Audit(request(self.address, "/_audit").json(), fleet)

    def close(self):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
