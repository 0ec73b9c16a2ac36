# SPDX-License-Identifier: MIT
"""The .env of the application that this one replaces works as it is."""

import signal

from harness.http import get_json
from harness.processes import fleet_processes
from harness.waiting import wait_until

SEED_ENV = """\
AWS_REGION=ap_south_1
SECRET_KEY=lol
DEBUG=False
UPSCALE_MARGIN=4
DOWNSCALE_MARGIN=18
SERVER_CAPACITY=10
AWS_REGION=ap-south-1
ECS_INSTANCE_LAUNCH_TEMPLATE=defaultECS
SERVER_TASK_DEFINITION=LaunchGameserver
SLEEP_TIME=0
BACKUP_GAMESERVER=127.0.0.1:8888
"""


def test_make_run_works_with_the_seeds_env(stack, players):
    stack.config.write_text(SEED_ENV)
    ports = stack.options["LOCAL_PORTS"]
    stack.environment = {"PROVIDER": "local", "LOCAL_PORTS": ports}
    stack.start_demo(["make", "--no-print-directory", "run"])

    # The seed's own client.
    address = get_json(stack.public, "/available-gameserver/")["available"]
    assert get_json(stack.public, "/available-gameserver-list/") == {"server_list": [address]}
    for _ in range(7):
        players.join(address)

    # Three seats are left, UPSCALE_MARGIN is four.
    wait_until(lambda: len(stack.serving()) == 2, 10, "the fleet grew")
    wait_until(
        lambda: len(get_json(stack.public, "/available-gameserver-list/")["server_list"]) == 2,
        5,
        "both are handed out",
    )

    log = (stack.run_dir / "scalerd.log").read_text()
    assert "AWS_REGION" in log, "a warning about the double assignment"
    assert "lol" not in log
    assert not players.cut

    # Ctrl-C reaches the whole process group of a terminal; make passes it on.
    assert stack.demo.end(signal.SIGTERM, timeout=30) in (0, -signal.SIGTERM, 2)
    wait_until(lambda: not fleet_processes(stack.database), 15, "no gameserver is left")
