# SPDX-License-Identifier: MIT
"""PROVIDER=ecs against the test cloud: the life of gameservers on ECS. After
each test the cloud's audit must be clean (fixture ecs)."""

import signal

import pytest

from cloud.running import MISSING, READY
from harness.gameserver import health
from harness.waiting import hold_during, wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import CAPACITY, RUN_S, STOP_S  # noqa: E402

LAUNCH_PHASES = (
    "check_task_definition",
    "find_template",
    "run_instances",
    "join",
    "find_task_definition",
    "run_task",
    "task_running",
)
STOP_PHASES = (
    "find",
    "drain_host",
    "find_drained",
    "stop_task",
    "task_stopping",
    "terminate_instance",
    "instance_terminating",
)
PURE = ("check_task_definition", "find_template", "find_task_definition", "find_drained")


def fill(ecs, players, address, leave_free=0):
    """Players on one gameserver until only so many seats are free."""
    for _ in range(ecs.row(address)["seats"] - leave_free):
        players.join(address)


def gone(ecs, gameserver):
    rows = ecs.query("SELECT * FROM gameserver WHERE id = ?", gameserver)
    return rows[0] if rows[0]["state"] == "gone" else None


# ---- growing and shrinking


def test_from_an_empty_account_to_an_address_from_the_api(ecs):
    ecs.start_demo()
    address, source = ecs.grant()
    assert source == "fleet"
    assert health(address)["available_capacity"] == CAPACITY
    ecs.wait_at_rest(1)
    [task], [row] = ecs.tasks().values(), ecs.rows()
    assert task["address"] == row["address"] == address
    assert (task["arn"], task["instance"]) == (row["ref"], row["instance"])
    assert task["started_by"] == "gsm/test"
    [start] = ecs.launches()
    assert start["operation"] == row["mark"] == task["tags"]["gameserver-manager:operation"]
    [launch] = ecs.query("SELECT * FROM operation")
    assert (launch["kind"], launch["result"]) == ("launch", "done")


def test_the_launch_pins_what_it_found(ecs):
    """Another version or revision in between must not change a replay."""
    ecs.fleet_of(1)
    [run] = ecs.calls("RunInstances")
    assert run["params"]["LaunchTemplate"]["Version"].isdigit()
    assert run["params"]["LaunchTemplate"]["LaunchTemplateId"].startswith("lt-")
    [task] = ecs.calls("RunTask")
    assert task["params"]["taskDefinition"].startswith("arn:aws:ecs:")
    assert task["params"]["taskDefinition"].endswith("/gameserver:1")
    constraints = {one["type"]: one for one in task["params"]["placementConstraints"]}
    assert ecs.launched()[0] in constraints["memberOf"]["expression"]
    assert "distinctInstance" in constraints


def test_load_launches_another_within_one_poll(ecs, players):
    [address] = ecs.fleet_of(1)
    fill(ecs, players, address, leave_free=3)
    wait_until(lambda: ecs.pending("launch"), 3, "a launch begins")
    ecs.wait_at_rest(2)
    assert not players.cut


def test_a_surplus_is_drained_stopped_and_terminated_in_this_order(ecs):
    ecs.fleet_of(2)
    ecs.reload(MIN_SERVERS=1)
    ecs.wait_at_rest(1, STOP_S)
    [stop] = ecs.query("SELECT * FROM operation WHERE kind = 'stop'")
    assert (stop["reason"], stop["result"]) == ("proven_empty", "done")
    victim = gone(ecs, stop["gameserver"])
    states = ecs.query(
        "SELECT became FROM event WHERE kind = 'state' AND gameserver = ? ORDER BY id",
        victim["id"],
    )
    assert [row["became"] for row in states][-3:] == ["standby", "stopping", "gone"]
    happened = [
        what
        for what in (
            entry.get("action") or entry.get("event") for entry in ecs.audit().entries
        )
        if what
        in (
            "UpdateContainerInstancesState",
            "StopTask",
            "task_stopped",
            "TerminateInstances",
            "instance_terminated",
        )
    ]
    assert happened == [
        "UpdateContainerInstancesState",
        "StopTask",
        "task_stopped",
        "TerminateInstances",
        "instance_terminated",
    ]


def test_a_surplus_with_a_player_stays_until_the_player_left(ecs, players):
    ecs.fleet_of(2, players)
    ecs.reload(MIN_SERVERS=1, DOWNSCALE_MARGIN=17, UPSCALE_MARGIN=3)
    [standby] = wait_until(lambda: ecs.addresses("standby"), 10, "one is in standby")
    hold_during(lambda: ecs.state(standby) == "standby", 5, "it waits for its player")
    assert not ecs.calls("StopTask") and not ecs.calls("TerminateInstances")
    [inside] = [player for player in players.playing if player.address == standby]
    players.leave(inside)
    ecs.wait_at_rest(1, STOP_S)
    assert not players.cut


def test_standby_comes_back_before_a_launch(ecs, players):
    ecs.fleet_of(2, players)
    ecs.reload(MIN_SERVERS=1, DOWNSCALE_MARGIN=17, UPSCALE_MARGIN=3)
    [standby] = wait_until(lambda: ecs.addresses("standby"), 10, "one is in standby")
    [other] = ecs.serving()
    fill(ecs, players, other, leave_free=1)
    wait_until(lambda: ecs.state(standby) == "available", 5, "it came back")
    ecs.wait_at_rest(2)
    assert len(ecs.launched()) == 2 and not players.cut


# ---- scalerd killed in a phase


def kill_in(ecs, kind, phase):
    """kill -9 when the phase appears; the id of the operation. Every call
    takes its time, so that no phase passes unseen."""
    seen = []

    def appeared():
        found = ecs.pending(kind)
        seen.extend(one["phase"] for one in found if one["phase"] not in seen)
        return [one["id"] for one in found if one["phase"] == phase]

    try:
        [operation] = wait_until(appeared, STOP_S, f"phase {phase}")
    except AssertionError as error:
        raise AssertionError(f"{error}; phases seen: {seen}") from None
    ecs.scalerd.end(signal.SIGKILL)
    ecs.cloud.control(clear_faults=None)
    return operation


def some(phases):
    """Those in which nothing changes are looked at in check-all."""
    return [
        pytest.param(phase, marks=pytest.mark.long) if phase in PURE else phase
        for phase in phases
    ]


@pytest.mark.parametrize("phase", some(LAUNCH_PHASES))
def test_a_launch_goes_on_where_scalerd_was_killed(ecs, phase):
    ecs.cloud.fault("*", "slow", seconds=0.3, times=-1)
    ecs.start_scalerd()
    operation = kill_in(ecs, "launch", phase)
    ecs.start_scalerd()
    ecs.wait_at_rest(1)
    assert ecs.operation(operation)["result"] == "done"
    assert ecs.rows()[0]["mark"] == operation
    assert len(ecs.launched()) == len(ecs.launches()) == 1


@pytest.mark.parametrize("phase", some(STOP_PHASES))
def test_a_stop_goes_on_where_scalerd_was_killed(ecs, phase):
    ecs.fleet_of(2)
    ecs.cloud.fault("*", "slow", seconds=0.3, times=-1)
    ecs.reload(MIN_SERVERS=1)
    operation = kill_in(ecs, "stop", phase)
    ecs.start_scalerd()
    ecs.wait_at_rest(1, STOP_S)
    assert ecs.operation(operation)["result"] == "done"
    assert len(ecs.launched()) == 2


# ---- whose it is


def test_an_unmarked_task_of_the_family_is_served_and_never_stopped(ecs):
    instance, task, address = ecs.run_by_hand()
    ecs.fleet_of(1)
    assert ecs.serving() == [address] and ecs.launched() == []
    assert ecs.row(address)["ours"] == 0 and ecs.row(address)["ref"] == task
    ecs.reload(MIN_SERVERS=2)
    ecs.wait_at_rest(2)
    ecs.reload(MIN_SERVERS=1)
    ecs.wait_at_rest(1, STOP_S)
    assert ecs.serving() == [address]
    assert list(ecs.instances()) == [instance]


def test_adopt_off_ignores_an_unmarked_task(ecs):
    instance, _, address = ecs.run_by_hand()
    ecs.configure(ADOPT="off")
    ecs.start_scalerd()
    [mine] = ecs.wait_serving(1, RUN_S)
    assert mine != address
    hold_during(lambda: len(ecs.rows()) == 1, 3, "it is no row")
    assert instance in ecs.instances() and len(ecs.instances()) == 2


def test_what_belongs_to_others_is_left_alone(ecs):
    other = ecs.run_marked("11111111111111111111111111111111", fleet="other")
    foreign = ecs.run_by_hand("foreign")
    ecs.start_scalerd()
    [mine] = ecs.wait_serving(1, RUN_S)
    assert mine not in (other[2], foreign[2])
    hold_during(lambda: len(ecs.rows()) == 1, 3, "they are no rows")
    assert {other[0], foreign[0]} < set(ecs.instances())
    assert {other[1], foreign[1]} < set(ecs.tasks())


def test_a_sign_of_a_second_manager_freezes_launches_and_stops(ecs, players):
    [address] = ecs.fleet_of(1)
    _, _, other = ecs.run_marked("22222222222222222222222222222222")
    message = ecs.wait_alarm("second_manager")
    assert "second manager" in message
    ecs.wait_serving(2)
    fill(ecs, players, address)
    fill(ecs, players, other)
    wait_until(
        lambda: ecs.query("SELECT limited_by FROM fleet")[0]["limited_by"] == "frozen",
        10,
        "launches are frozen",
    )
    hold_during(lambda: len(ecs.instances()) == 2, 3, "nothing is launched")
    for player in players.playing:
        players.leave(player)
    ecs.reload(DOWNSCALE_MARGIN=15, UPSCALE_MARGIN=2, MIN_SERVERS=0)
    hold_during(lambda: len(ecs.serving()) == 2, 6, "nothing is drained")
    assert not ecs.calls("StopTask") and not ecs.calls("TerminateInstances")


@pytest.mark.long
def test_two_managers_of_one_fleet_notice_each_other(ecs, players):
    [address] = ecs.fleet_of(1)
    ecs.start_second_manager()
    hold_during(lambda: len(ecs.instances()) == 1, 5, "it adopts what runs")
    fill(ecs, players, address)
    ecs.wait_alarm("second_manager")
    wait_until(lambda: len(ecs.tasks()) >= 2, RUN_S, "somebody launched")
    hold_during(lambda: len(ecs.instances()) <= 3, 10, "nobody launches again")
    assert not players.cut


def test_another_task_definition_loses_nobody(ecs, players):
    [before] = ecs.fleet_of(1, players)
    shown = ecs.operator.ecs.describe_task_definition(taskDefinition="gameserver")
    ecs.operator.ecs.register_task_definition(
        family="gameserver-new",
        containerDefinitions=shown["taskDefinition"]["containerDefinitions"],
    )
    ecs.reload(SERVER_TASK_DEFINITION="gameserver-new", MIN_SERVERS=2)
    ecs.wait_at_rest(2)
    assert before in ecs.serving() and not players.cut
    asked = [call["params"]["taskDefinition"] for call in ecs.calls("RunTask")]
    assert "task-definition/gameserver-new:" in asked[-1]
    players.leave(players.playing[0])
    ecs.reload(MIN_SERVERS=1)
    ecs.wait_at_rest(1, STOP_S)


# ---- what ends by itself


def test_a_draining_host_gets_no_more_players_and_is_replaced(ecs, players):
    [address] = ecs.fleet_of(1, players)
    instance = ecs.row(address)["instance"]
    ecs.cloud.control(host={"instance": instance, "do": "drain"})
    wait_until(lambda: ecs.row(address)["host_leaving"], 10, "that is noticed")
    assert not ecs.query("SELECT * FROM api_v1_gameservers WHERE address = ?", address)
    wait_until(lambda: len(ecs.serving()) == 2, RUN_S, "there is a replacement")
    hold_during(lambda: ecs.state(address) == "available", 3, "it stays for its player")
    assert not players.cut and instance in ecs.instances()


def test_a_spot_instance_is_replaced_while_its_players_play_on(ecs, players):
    [address] = ecs.fleet_of(1, players)
    instance = ecs.row(address)["instance"]
    ecs.cloud.settings(spot_notice_s=15)
    ecs.cloud.control(host={"instance": instance, "do": "spot"})
    wait_until(lambda: len(ecs.serving()) == 2, 14, "there is a replacement")
    assert not players.cut
    wait_until(lambda: players.cut, 17, "AWS takes the machine")
    ecs.wait_at_rest(1)
    assert ecs.serving() != [address]


def test_a_task_that_ends_takes_its_instance_along_and_is_replaced(ecs):
    [address] = ecs.fleet_of(1)
    row = ecs.row(address)
    ecs.cloud.control(exit=row["ref"])
    wait_until(lambda: row["instance"] not in ecs.instances(), 20, "it is terminated")
    ecs.wait_at_rest(1)
    assert gone(ecs, row["id"]) and ecs.serving() != [address]


def test_a_machine_that_is_lost_is_replaced(ecs):
    [address] = ecs.fleet_of(1)
    row = ecs.row(address)
    ecs.cloud.control(host={"instance": row["instance"], "do": "lose"})
    wait_until(lambda: gone(ecs, row["id"]), 20, "its end was noticed")
    ecs.wait_at_rest(1)


def test_without_its_database_scalerd_finds_everything_again(ecs, players):
    addresses = ecs.fleet_of(2, players)
    before = {(row["ref"], row["instance"], row["mark"]) for row in ecs.rows()}
    ecs.scalerd.end(signal.SIGKILL)
    for suffix in ("", "-wal", "-shm"):
        ecs.database.with_name(ecs.database.name + suffix).unlink(missing_ok=True)
    ecs.start_scalerd()
    assert sorted(ecs.wait_at_rest(2)) == sorted(addresses)
    after = {(row["ref"], row["instance"], row["mark"]) for row in ecs.rows()}
    assert after == before and all(row["ours"] for row in ecs.rows())
    assert len(ecs.launched()) == 2 and not players.cut


def orphan(ecs):
    """A marked instance without a task, as a lost database may leave it."""
    made = ecs.operator.launch("33333333333333333333333333333333")["InstanceId"]
    wait_until(lambda: ecs.operator.host(made), 10, "its agent joins")
    return made


def test_an_orphaned_instance_is_alarmed_and_reaped(ecs):
    left = orphan(ecs)
    ecs.configure(LAUNCH_DEADLINE=10)
    ecs.start_scalerd()
    assert left in ecs.wait_alarm("orphan")
    wait_until(lambda: left not in ecs.instances(), 25, "it is terminated")
    ecs.wait_at_rest(1)
    wait_until(lambda: "orphan" not in ecs.alarms(), 5, "the alarm is over")


def test_an_orphaned_instance_is_left_in_a_dry_run(ecs):
    left = orphan(ecs)
    ecs.left.add(left)
    ecs.configure(LAUNCH_DEADLINE=10, REAP="dry-run")
    ecs.start_scalerd()
    assert left in ecs.wait_alarm("orphan")
    hold_during(lambda: left in ecs.instances(), 11, "it is left")
    ecs.wait_serving(1, RUN_S)
    assert left in ecs.instances() and not ecs.calls("TerminateInstances")
    assert left in ecs.alarm_texts()["orphan"]


# ---- other shapes of gameservers


@pytest.fixture
def fargate(ecs):
    subnet = ecs.operator.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.configure(
        LAUNCH_TYPE="FARGATE",
        GAMESERVER_PORT=8888,
        FARGATE_SUBNETS=subnet,
        SERVER_TASK_DEFINITION="gameserver-fargate",
        ECS_INSTANCE_LAUNCH_TEMPLATE=None,
    )
    return ecs


def test_fargate_tasks_come_and_go(fargate):
    addresses = fargate.fleet_of(2)
    assert all(address.startswith("127.3.") for address in addresses)
    assert all(address.endswith(":8888") for address in addresses)
    fargate.reload(MIN_SERVERS=1)
    fargate.wait_at_rest(1, STOP_S)
    assert not fargate.calls("RunInstances") and not fargate.calls("TerminateInstances")


def test_a_fargate_launch_goes_on_where_scalerd_was_killed(fargate):
    fargate.cloud.fault("*", "slow", seconds=0.3, times=-1)
    fargate.start_scalerd()
    operation = kill_in(fargate, "launch", "run_task")
    fargate.start_scalerd()
    fargate.wait_at_rest(1)
    assert fargate.operation(operation)["result"] == "done"
    assert len(fargate.launches()) == 1


def test_with_a_sidecar_the_container_must_be_named(ecs):
    ecs.configure(SERVER_TASK_DEFINITION="gameserver-sidecar")
    ecs.start_scalerd()
    assert "GAMESERVER_CONTAINER" in ecs.wait_refused()
    assert ecs.launched() == [], "nothing is paid for what can't work"
    ecs.reload(GAMESERVER_CONTAINER="game")
    [address] = ecs.wait_at_rest(1)
    assert health(address)["available_capacity"] == CAPACITY


def test_players_get_the_address_that_the_template_makes(ecs):
    ecs.configure(ADDRESS_TEMPLATE="{dashed_ip}.play.example.com:{port}")
    ecs.start_scalerd()
    [address] = ecs.wait_at_rest(1)
    [row] = ecs.rows()
    assert row["ip"].startswith("127.1.")
    assert address == f"{row['ip'].replace('.', '-')}.play.example.com:{row['port']}"


def test_gameservers_may_be_reached_by_their_private_address(ecs):
    ecs.cloud.settings(listen="private", public_addresses=False)
    ecs.configure(ADDRESS_SOURCE="private", HEALTH_ADDRESS_SOURCE="private")
    ecs.start_scalerd()
    [address] = ecs.wait_at_rest(1)
    assert address.startswith("127.2.") and health(address)


def test_health_may_be_asked_at_another_address_than_players_get(ecs):
    ecs.cloud.settings(listen="private")
    ecs.configure(ADDRESS_SOURCE="public", HEALTH_ADDRESS_SOURCE="private")
    ecs.start_scalerd()
    [address] = ecs.wait_at_rest(1)
    assert address.startswith("127.1.")
    assert ecs.rows()[0]["ip"].startswith("127.2.")


def test_the_cloud_may_be_slow_to_show_what_was_made(ecs):
    """As AWS is: lists and descriptions lag behind what was acknowledged."""
    ecs.cloud.settings(list_lag_s=3, describe_lag_s=3)
    ecs.fleet_of(2)
    assert len(ecs.launched()) == 2
