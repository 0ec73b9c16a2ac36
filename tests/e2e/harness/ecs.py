# SPDX-License-Identifier: MIT
"""The system with PROVIDER=ecs, against the test cloud (tests/cloud). Needs
build/venv."""

import json
import signal
import sqlite3
from contextlib import closing

from cloud.audit import MANAGER_KEYS, OPERATION
from cloud.client import Client
from cloud.running import OPERATOR
from harness.stack import FAST, FLEET, READY_S, Stack
from harness.waiting import WaitTimeout, wait_until

CAPACITY = 10
RUN_S = 30  # until a launched gameserver serves, in a cloud that is fast
STOP_S = 40  # until one that is in surplus is gone
REFUSED_S = 40  # a stop that AWS refused is asked again only after that
WHOLE_CALL = 4  # one more than the client's own attempts: the call fails
SETTLE_S = 5  # until rows and cloud agree, once nothing is asked of them

ECS = {
    **FAST,
    "PROVIDER": "ecs",
    "SERVER_CAPACITY": CAPACITY,
    "SERVER_TASK_DEFINITION": "gameserver",
    "ECS_INSTANCE_LAUNCH_TEMPLATE": "gameserver",
    "AWS_REGION": "eu-central-1",
    "LIST_INTERVAL": 1,
    "LAUNCH_DEADLINE": 30,
    "REAP": "on",
    "JOIN_GRACE": 0,
    "SCALE_DOWN_DELAY": 0,
}


class EcsStack(Stack):
    """A Stack whose gameservers are tasks in the test cloud. The cloud is
    emptied before; audit() after the test says what was wrong."""

    def __init__(self, directory, cloud):
        super().__init__(directory)
        self.options = {**ECS, "DATABASE": self.database, "LEDGER": self.ledger}
        self.cloud = cloud
        self.cloud.reset()
        self.cloud.settings(
            testimony=str(self.audit_dir), environment={"SERVER_CAPACITY": str(CAPACITY)}
        )
        self.environment.update(cloud.environment())
        self.operator = Client(cloud, OPERATOR, fleet=FLEET)
        self.left = set()  # ids that a test leaves there on purpose
        self.max_servers = None  # other than MAX_SERVERS

    @property
    def fargate(self):
        return self.options.get("LAUNCH_TYPE") == "FARGATE"

    def reload(self, **options):
        self.configure(**options)
        self.scalerd.send(signal.SIGHUP)

    # ---- what a test waits for

    def pending(self, kind=None):
        """The operations that are not finished."""
        return self.query(
            "SELECT * FROM operation WHERE result = 'pending' AND ?1 IN (kind, '')",
            kind or "",
        )

    def make_operations_older(self, hours):
        """As if scalerd, which must not run, had been away for so long."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(
                "UPDATE operation SET created_utc_ms = created_utc_ms - ?",
                (hours * 3600 * 1000,),
            )

    def operation(self, name):
        return self.query("SELECT * FROM operation WHERE id = ?", name)[0]

    def wait_at_rest(self, count, timeout=RUN_S):
        """So many serve, there are no others, and nothing is under way, here
        and in the cloud."""

        def at_rest():
            return (
                len(self.serving()) == len(self.rows()) == count
                and not self.pending()
                and len(self.tasks()) == count
                and len(self.instances()) == (0 if self.fargate else count)
            )

        try:
            wait_until(at_rest, timeout, f"{count} gameservers serve and all is done")
        except WaitTimeout as error:
            rows = [(row["id"], row["state"], row["health"]) for row in self.rows()]
            pending = [(o["kind"], o["phase"], o["detail"]) for o in self.pending()]
            raise WaitTimeout(
                f"{error}; rows {rows}, pending {pending}, alarms {self.alarm_texts()}"
            ) from None
        return self.serving()

    def alarm_texts(self):
        """{name: message}"""
        return {
            row["name"]: row["message"]
            for row in self.query("SELECT name, message FROM alarm")
        }

    def wait_alarm(self, name, timeout=RUN_S):
        """The message of the alarm, once it is raised."""
        return wait_until(
            lambda: self.alarm_texts().get(name), timeout, f"alarm {name} is raised"
        )

    def wait_refused(self, timeout=RUN_S):
        """What the first launch that AWS refused says."""
        rows = wait_until(
            lambda: self.query("SELECT detail FROM operation WHERE result = 'refused'"),
            timeout,
            "a launch was refused",
        )
        return rows[0]["detail"]

    def wait_event(self, event, timeout=RUN_S):
        wait_until(
            lambda: f"event={event}" in self.scalerd.output(), timeout, f"event={event}"
        )

    def fleet_of(self, count, players=None, **options):
        """So many serve, each with a player if players are given."""
        self.configure(MIN_SERVERS=count, **options)
        self.start_scalerd()
        addresses = self.wait_at_rest(count)
        if players is not None:
            for address in addresses:
                players.join(address)
            wait_until(
                lambda: all(row["seats"] == CAPACITY - 1 for row in self.rows()),
                10,
                "every player was noticed",
            )
        return addresses

    # ---- the cloud's side

    def audit(self):
        return self.cloud.audit(FLEET)

    def calls(self, action, fault=None):
        """What scalerd called; fault: only the calls that it struck."""
        return [
            call
            for call in self.audit().calls(action)
            if call["key"].startswith(MANAGER_KEYS)
            and fault in (None, call["fault"])
        ]

    def launched(self):
        """The instances that scalerd launched, in order, ended ones too."""
        return [
            event["instance"]
            for event in self.audit().events("instance_launched")
            if event["by"].startswith(MANAGER_KEYS)
        ]

    def instances(self):
        """{id: what the audit says} of those that have not ended."""
        return {
            one["id"]: one
            for one in self.audit().instances
            if one["state"] not in ("shutting-down", "terminated")
        }

    def tasks(self):
        """{ARN: what the audit says} of those that have not stopped."""
        return {one["arn"]: one for one in self.audit().tasks if one["last"] != "STOPPED"}

    def run_by_hand(self, family="gameserver", **changes):
        """(instance id, task ARN, address) of a gameserver that somebody runs
        as the manager before this one did, without any mark."""
        launched = self.operator.launch(
            f"by-hand-{family}-{len(self.instances())}", TagSpecifications=None
        )["InstanceId"]
        wait_until(lambda: self.operator.host(launched), 10, "its agent joins")
        task = self.operator.ecs.run_task(
            taskDefinition=family,
            launchType="EC2",
            placementConstraints=[
                {"type": "memberOf", "expression": f"ec2InstanceId == {launched}"},
                {"type": "distinctInstance"},
            ],
            **changes,
        )["tasks"][0]["taskArn"]
        shown = self.operator.wait_task(task, "RUNNING")
        container = shown["containers"][-1]
        port = container["networkBindings"][0]["hostPort"]
        public = self.operator.instance(launched)["PublicIpAddress"]
        return launched, task, f"{public}:{port}"

    def start_second_manager(self):
        """Another scalerd of this fleet, with a database of its own."""
        directory = self.directory / "second"
        directory.mkdir()
        database = directory / "state.db"
        process = self.spawn_scalerd(
            log="second.log", DATABASE=database, LEDGER=directory / "ledger"
        )
        wait_until(database.exists, READY_S, "the second one has a database")
        return process

    def run_marked(self, operation, fleet=FLEET):
        """The same with a mark, as another manager would."""
        client = Client(self.cloud, OPERATOR, fleet=fleet)
        return client.serve(operation)

    # ---- the verdict

    def known(self, audit):
        """Ids and ARNs that the database knows: by name, or by the mark of a
        row or of an operation that is under way."""
        rows, pending = self.rows(), self.pending()
        names = {row[column] for row in rows for column in ("instance", "ref")}
        marks = {row["mark"] for row in rows} | {one["id"] for one in pending}
        names |= {one["id"] for one in audit.instances if _mark(one) in marks}
        names |= {one["arn"] for one in audit.tasks if _mark(one) in marks}
        return names | self.left

    def violations(self):
        audit = self.audit()
        try:
            known = self.known(audit)
        except OSError:
            known = set(self.left)  # there is no database
        most = self.max_servers or self.options["MAX_SERVERS"]
        return audit.violations(
            known=known, max_servers=int(most), testimony_dir=self.audit_dir
        )

    def verdict(self):
        """What the audit says when all has settled; [] is what a test wants.
        Afterwards the faults are gone and the cloud's log is in a file, but
        for looks that worked."""
        self.cloud.control(clear_faults=None)
        try:
            wait_until(lambda: not self.violations(), SETTLE_S, "the audit is clean")
        except WaitTimeout:
            pass
        with open(self.directory / "cloud-calls.log", "w", encoding="utf-8") as log:
            for entry in self.audit().entries:
                if not _is_mere_look(entry):
                    log.write(f"{_line(entry)}\n")
        return self.violations()


def _mark(thing):
    return thing["tags"].get(OPERATION)


def _is_mere_look(entry):
    return (
        entry["kind"] == "call"
        and entry["action"].startswith(("Describe", "List"))
        and entry["status"] == 200
        and not entry["fault"]
    )


def _line(entry):
    """One entry of the cloud's log, short enough to read."""
    shown = {k: v for k, v in entry.items() if k not in ("n", "at", "kind", "key")}
    text = json.dumps(shown, default=str)
    return f"{entry['n']} {entry['at']:.3f} {entry['kind']} {text[:400]}"
