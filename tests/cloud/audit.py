# SPDX-License-Identifier: MIT
"""After a scenario: what the cloud's own log says about what must never
happen. Needs only the standard library.

    audit = Audit(what GET /_audit answered, fleet="chess")
    assert not audit.violations(known={ids and ARNs}, max_servers=5)
"""

from collections import defaultdict
from pathlib import Path

FLEET = "gameserver-manager:fleet"
OPERATION = "gameserver-manager:operation"
MANAGER_KEYS = ("AKIAMANAGER", "ASIAMANAGER")  # access keys that scalerd has
ENDED = ("shutting-down", "terminated")


def testimony(directory, event):
    """[{key: value}] of the gameservers' own lines that begin with event."""
    found = []
    for log in Path(directory).iterdir():
        for line in log.read_text().splitlines():
            word, *pairs = line.split()
            if word == event:
                found.append(dict(pair.split("=", 1) for pair in pairs))
    return found


class Audit:
    def __init__(self, data, fleet, keys=MANAGER_KEYS):
        self.fleet = fleet
        self.keys = keys
        self.entries = data["entries"]
        self.instances = data["instances"]
        self.tasks = data["tasks"]

    def marked(self, tags, started_by=""):
        return tags.get(FLEET) == self.fleet or started_by == f"gsm/{self.fleet}"

    def events(self, name):
        return [entry for entry in self.entries if entry.get("event") == name]

    def calls(self, action):
        return [e for e in self.entries if e["kind"] == "call" and e["action"] == action]

    # ---- the rules: each gives the violations that it found

    def orphans(self, known):
        """Of the fleet, still there, and in nobody's books. known: instance
        ids and task ARNs of rows and open operations."""
        live = [
            instance["id"]
            for instance in self.instances
            if instance["state"] not in ENDED and self.marked(instance["tags"])
        ] + [
            task["arn"]
            for task in self.tasks
            if task["last"] != "STOPPED" and self.marked(task["tags"], task["started_by"])
        ]
        return [f"orphan: {name}" for name in live if name not in known]

    def unmarked(self):
        """What the manager launched without its whole mark."""
        launched = self.events("instance_launched") + self.events("task_launched")
        return [
            f"launched without a mark: {event.get('task') or event['instance']}"
            for event in launched
            if event["by"].startswith(self.keys)
            and not (event["tags"].get(FLEET) and event["tags"].get(OPERATION))
        ]

    def duplicates(self):
        found = []
        for event, kind in (("instance_launched", "instance"), ("task_launched", "task")):
            of = defaultdict(list)
            for launch in self.events(event):
                if self.marked(launch["tags"]) and OPERATION in launch["tags"]:
                    of[launch["tags"][OPERATION]].append(launch[kind])
            found += [
                f"{len(names)} {kind}s of operation {operation}: {names}"
                for operation, names in of.items()
                if len(names) > 1
            ]
        return found

    def shared_hosts(self):
        """Two tasks on one instance of the fleet, at any time."""
        of = defaultdict(list)
        for launch in self.events("task_launched"):
            if self.marked(launch["tags"]) and launch["instance"]:
                of[launch["instance"]].append(launch["task"])
        return [f"{len(t)} tasks on {name}: {t}" for name, t in of.items() if len(t) > 1]

    def signalled_with_players(self, directory=None):
        """directory: GAMESERVER_LOG, what the gameservers say themselves.
        Machines that AWS took (order `host`) are not the manager's doing."""
        taken = {e["instance"] for e in self.events("host_order")}
        of = {task["arn"]: task["instance"] for task in self.tasks}
        bad = {
            str(event["pid"]): f"{event['task']}: {event['signal']} with"
            f" {event['players']} players"
            for event in self.events("signalled")
            if event["players"] and of.get(event["task"]) not in taken
        }
        excused = {
            str(event["pid"])
            for event in self.events("process_started")
            if of.get(event["task"]) in taken
        }
        mine = {str(event["pid"]) for event in self.events("process_started")}
        for end in testimony(directory, "terminating") if directory else []:
            if end["connections"] != "0" and end["pid"] in mine - excused:
                bad.setdefault(end["pid"], f"pid {end['pid']} ended with players")
        return [f"signalled with players: {text}" for text in bad.values()]

    def foreign_touched(self):
        """Anything the manager ended or changed without the fleet's mark, or
        an instance with somebody else's task on it. A call that was refused
        counts: it was tried."""
        found = []
        for call in self.entries:
            if call["kind"] != "call" or not call["key"].startswith(self.keys):
                continue
            for target in call["targets"]:
                if target.get("missing"):
                    continue
                others = [o for o in target["others"] if o["fleet"] != self.fleet]
                if target["fleet"] != self.fleet or others:
                    found.append(f"{call['action']} touched {target['id']} {others}")
        return found

    def terminated_under_tasks(self):
        """Instances that the manager ended before their task had stopped. A
        call that was refused counts: it was tried."""
        return [
            f"{target['id']} terminated under {target['others']}"
            for call in self.calls("TerminateInstances")
            if call["key"].startswith(self.keys)
            for target in call["targets"]
            if target.get("others")
        ]

    def most_servers(self):
        """The most gameservers of the fleet that there were at one time: an
        operation counts from its first launch until all it made has ended."""
        live, most = defaultdict(set), 0
        owner = {}
        for entry in self.entries:
            name = entry.get("task") or entry.get("instance")
            event = entry.get("event")
            if event in ("instance_launched", "task_launched"):
                if self.marked(entry["tags"]):
                    owner[name] = entry["tags"].get(OPERATION, name)
                    live[owner[name]].add(name)
            elif event in ("instance_ending", "task_stopped") and name in owner:
                live[owner[name]].discard(name)
            most = max(most, sum(bool(names) for names in live.values()))
        return most

    def cloud_errors(self):
        return [f"the cloud's own: {e['error']}" for e in self.events("cloud_error")]

    def violations(self, known=None, max_servers=None, testimony_dir=None):
        """All that is wrong, in words; [] is what a test wants."""
        found = self.cloud_errors() + self.unmarked() + self.duplicates()
        found += self.shared_hosts() + self.foreign_touched()
        found += self.terminated_under_tasks()
        found += self.signalled_with_players(testimony_dir)
        if known is not None:
            found += self.orphans(known)
        if max_servers is not None and self.most_servers() > max_servers:
            found.append(f"{self.most_servers()} gameservers, {max_servers} allowed")
        return found
