# SPDX-License-Identifier: MIT
"""PROVIDER=ecs against clouds that answer otherwise than AWS does: emulators,
proxies, gateways. What can be understood works; what can't changes nothing."""

import pytest

from cloud.running import MISSING, READY
from harness.manners import OtherManners, without
from harness.waiting import hold_during, wait_until

if not READY:
    pytest.skip(MISSING, allow_module_level=True)

from harness.ecs import RUN_S, STOP_S  # noqa: E402

HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
OPTIONAL = ("createdAt", "startedAt", "stoppedAt", "failures", "protocol", "bindIP")
OPTIONAL += ("stopCode", "stoppedReason", "group", "attachments", "overrides", "launchType")


@pytest.fixture
def manners(ecs):
    """begin(change): the cloud answers so from now on."""
    fronts = []

    def begin(change):
        fronts.append(OtherManners(ecs.cloud.address, change))
        ecs.environment["AWS_ENDPOINT_URL"] = fronts[-1].url
        return fronts[-1]

    yield begin
    for front in fronts:
        front.__exit__()


def test_without_optional_members_gameservers_come_and_go(ecs, manners):
    manners(without(*OPTIONAL))
    ecs.fleet_of(2)
    ecs.reload(MIN_SERVERS=1)
    ecs.wait_at_rest(1, STOP_S)
    assert len(ecs.launched()) == 2


@pytest.mark.parametrize(
    "status, body",
    [
        pytest.param(502, HTML, id="html-502"),
        pytest.param(200, HTML, id="html-200", marks=pytest.mark.long),
        pytest.param(200, b"", id="nothing", marks=pytest.mark.long),
        pytest.param(200, b"{}", id="empty-object"),
        pytest.param(302, b"", id="redirect", marks=pytest.mark.long),
    ],
)
def test_answers_that_mean_nothing_change_nothing(ecs, manners, players, status, body):
    front = manners(without())
    ecs.fleet_of(2, players)
    rows, calls = ecs.rows(), len(ecs.audit().calls("RunInstances"))
    front.change = lambda *_: (status, body)
    ecs.wait_alarm("list_failing", 2 * RUN_S)
    hold_during(
        lambda: [row["state"] for row in ecs.rows()] == ["available"] * 2, 2, "they stay"
    )
    assert [row["ref"] for row in ecs.rows()] == [row["ref"] for row in rows]
    assert len(ecs.audit().calls("RunInstances")) == calls and not players.cut
    front.change = without()
    wait_until(lambda: "list_failing" not in ecs.alarms(), RUN_S, "it is listed again")


def test_a_task_whose_port_is_never_shown_is_replaced(ecs, manners):
    front = manners(without("networkBindings"))
    ecs.configure(LAUNCH_DEADLINE=8)
    ecs.start_scalerd()
    wait_until(lambda: "launch_failed" in ecs.scalerd.output(), RUN_S, "it is given up")
    assert "last phase: task_running" in ecs.scalerd.output()
    front.change = without()
    ecs.wait_at_rest(1, RUN_S)
