# SPDX-License-Identifier: MIT
"""The public API and the operators' as nginx and players see them: real
nginx, real FastCGI, a real database; the test stands in for scalerd."""

import json
import time

import pytest

from harness.fcgi import BACKUP, SEEN_S, Api, ask, available
from harness.http import get_json, request
from harness.state import (
    ADDRESS,
    OTHER,
    Database,
    gameserver_sql,
    heartbeat_sql,
    standby_sql,
)
from harness.waiting import wait_until


def test_the_public_answers_have_the_seeds_bytes(site):
    for slash in ("/", ""):
        one = request(site.public, f"/available-gameserver{slash}")
        assert (one.status, one.body) == (200, b'{"available": "%s"}' % ADDRESS.encode())
        many = request(site.public, f"/available-gameserver-list{slash}")
        assert (many.status, many.body) == (200, b'{"server_list": ["%s"]}' % ADDRESS.encode())
        health = request(site.public, f"/healthz{slash}")
        assert health.status == 200
        assert health.json()["status"] == "ok"
        assert 0 <= health.json()["state_age_seconds"] < 30


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/available-gameserver/", 200),
        ("HEAD", "/available-gameserver/", 200),
        ("GET", "/available-gameserver-list/?x=y", 200),
        ("GET", "/healthz", 200),
        ("OPTIONS", "/available-gameserver/", 204),
        ("OPTIONS", "/nowhere", 404),
        ("POST", "/available-gameserver/", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/", 404),
        ("GET", "/available-gameserver/x", 404),
        ("GET", "/readyz", 404),
        ("GET", "/metrics", 404),
        ("GET", "/status.json", 404),
    ],
)
def test_every_answer_is_json_with_cors_and_is_not_stored(site, method, path, status):
    answer = request(site.public, path, method=method)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (
        answer.headers["access-control-expose-headers"]
        == "X-Gameserver-Source, X-Gameserver-State-Age, Retry-After"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert "x-gameserver-state-age" not in answer.headers
    if status in (204, 405):
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    if method == "HEAD" or status == 204:
        assert answer.body == b""
        return
    assert answer.headers["content-type"] == "application/json"
    assert status == 200 or list(answer.json()) == ["error"]


def test_head_says_what_get_would_and_grants_nothing(site):
    head = request(site.public, "/available-gameserver/", method="HEAD")
    full = request(site.public, "/available-gameserver/")
    for names in (head.headers, full.headers):
        del names["date"]
    assert head.headers == full.headers
    metrics = request(site.operators, "/metrics").body.decode()
    assert 'gsm_grants_total{source="fleet"} 1\n' in metrics


def test_operators_see_readiness_metrics_and_status(site):
    assert get_json(site.operators, "/readyz")["status"] == "ready"
    metrics = request(site.operators, "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\ngsm_free_seats 7\n" in metrics.body.decode()
    status = get_json(site.operators, "/status.json")
    assert status["stale"] is False
    assert status["fleet"]["free"] == 7
    assert status["alarms"][0]["message"] == 'most are "down" </b>'


def test_a_stale_state_is_granted_from_and_told(site, database):
    database.write(heartbeat_sql(age_s=100))
    answer = wait_until(
        lambda: (
            (got := request(site.public, "/available-gameserver/")).headers.get(
                "x-gameserver-state-age"
            )
            and got
        ),
        SEEN_S,
        "the age is told",
    )
    assert 100 <= int(answer.headers["x-gameserver-state-age"]) <= 110
    assert answer.json() == {"available": ADDRESS}
    assert request(site.public, "/healthz").status == 200
    assert request(site.operators, "/readyz").status == 503
    database.write(heartbeat_sql())
    wait_until(
        lambda: request(site.operators, "/readyz").status == 200, SEEN_S, "ready again"
    )


def test_commits_are_followed(api, database):
    database.change(standby_sql())
    wait_until(lambda: available(api) == BACKUP, SEEN_S, "the backup is granted")
    database.change(gameserver_sql(OTHER, slot=1))
    wait_until(lambda: available(api) == OTHER, SEEN_S, "the new one is granted")
    database.change(gameserver_sql(ADDRESS, slot=2))
    wait_until(
        lambda: json.loads(ask(api.socket, "/available-gameserver-list/")[1])
        == {"server_list": [OTHER, ADDRESS]},
        SEEN_S,
        "both are listed",
    )


def test_without_seats_and_backup_it_says_when_to_come_back(tmp_path, closing_later):
    database = closing_later(Database(tmp_path / "state.db"))
    api = closing_later(Api(tmp_path, database.path, backup=""))
    api.start()
    head, body = ask(api.socket, "/available-gameserver/")
    assert head.startswith("Status: 503 ")
    assert "\r\nRetry-After: " in head
    assert list(json.loads(body)) == ["error"]


# ---- the list


def list_requests(site):
    metrics = request(site.operators, "/metrics").body.decode()
    line = 'gsm_requests_total{path="/available-gameserver-list/",code="200"} '
    return int(metrics.split(line)[1].split()[0]) if line in metrics else 0


def test_one_list_serves_everybody_for_a_second(site, database):
    path = "/available-gameserver-list/"
    began = time.monotonic()
    answers = [request(site.public, path + query) for query in ["", "?a"] * 50]
    seconds = int(time.monotonic() - began) + 1
    for answer in answers:
        assert answer.body == b'{"server_list": ["%s"]}' % ADDRESS.encode()
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "age" not in answer.headers
    assert 1 <= list_requests(site) <= 1 + seconds
    head = request(site.public, path, method="HEAD")
    assert head.body == b""
    assert head.headers["content-length"] == answers[0].headers["content-length"]
    assert request(site.public, path, method="OPTIONS").status == 204
    assert request(site.public, path, method="POST").status == 405
    database.change(gameserver_sql(OTHER, slot=1))
    wait_until(
        lambda: request(site.public, path).json() == {"server_list": [ADDRESS, OTHER]},
        SEEN_S,
        "the next list is served",
    )
