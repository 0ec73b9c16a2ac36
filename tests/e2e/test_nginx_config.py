# SPDX-License-Identifier: MIT
"""The site for nginx: production and demo, from one source."""

import os
import re
import socket
import subprocess

import pytest

from harness.http import request
from harness.ports import PortBlock
from harness.processes import ROOT, Process
from harness.waiting import wait_until

CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "X-Gameserver-Source, X-Gameserver-State-Age, Retry-After",
    "cache-control": "no-store",
    "content-type": "application/json",
}
START_S = 10


def render(kind, **values):
    words = [f"{name}={value}" for name, value in values.items()]
    return subprocess.run(
        [ROOT / "nginx/render", kind, *words], check=True, capture_output=True, text=True
    ).stdout


def number(pattern, text):
    found = re.findall(pattern, text, re.MULTILINE)
    assert len(found) == 1, f"{pattern}: {found}"
    return int(found[0])


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
        return True
    except OSError:
        return False


def for_this_machine(site):
    return site if has_ipv6() else re.sub(r"(?m)^    listen \[::\].*\n", "", site)


def with_cache_in(directory, site):
    path = re.compile(r'(?m)^fastcgi_cache_path "[^"]*"')
    assert len(path.findall(site)) == 1
    return path.sub(f'fastcgi_cache_path "{directory}/list"', site)


def write_main(directory, site):
    """A minimal nginx.conf around the site."""
    (directory / "site.conf").write_text(with_cache_in(directory, for_this_machine(site)))
    main = directory / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "fastcgi", "proxy", "scgi", "uwsgi")
    )
    main.write_text(
        f"daemon off; {user} pid {directory}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ {temporary} include site.conf; }}\n"
    )
    return main


class Site:
    """nginx with one rendering of the site, and nobody behind it."""

    def __init__(self, directory, kind, **values):
        self._block = PortBlock()
        self.socket = directory / "s"
        first = self._block.first
        self.public = f"127.0.0.1:{first}"
        self.operators = f"127.0.0.1:{first + 1}"
        public_listen = first if kind == "production" else self.public
        site = render(
            kind,
            SOCKET=self.socket,
            SHARE=ROOT / "nginx",
            PUBLIC_LISTEN=public_listen,
            STATUS_LISTEN=self.operators,
            **values,
        )
        main = write_main(directory, site)
        argv = ["nginx", "-e", "stderr", "-p", directory, "-c", main]
        self._nginx = Process(argv, directory / "nginx.log")
        wait_until(lambda: request(self.operators, "/status/").status, START_S, "nginx")

    def close(self):
        if self._nginx.running():
            self._nginx.end()
        self._block.close()


@pytest.fixture
def site(tmp_path):
    opened = []

    def make(kind, **values):
        opened.append(Site(tmp_path, kind, **values))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def assert_error(answer, status):
    assert answer.status == status
    assert list(answer.json()) == ["error"]
    for name, value in CORS.items():
        assert answer.headers.get(name) == value, name


def limit_of_the_api(name):
    headers = "".join(path.read_text() for path in (ROOT / "fcgi-api").glob("*.h"))
    return number(rf"\b{name} = (\d+)", headers)


@pytest.fixture(scope="module")
def threads():
    return limit_of_the_api("API_THREADS")


@pytest.mark.parametrize("kind", ["production", "demo"])
def test_every_placeholder_is_filled_in(kind):
    assert re.findall(r"@\w*@", render(kind)) == []


@pytest.mark.parametrize("kind", ["production", "demo"])
def test_connections_never_exceed_the_threads(kind, threads):
    site = render(kind)
    if kind == "demo":
        main = (ROOT / "tests/demo/nginx.conf").read_text()
        workers = number(r"^worker_processes (\d+);", main)
    else:
        workers = number(r"good for up to (\d+) workers", site)
    keepalive = number(r"^ *keepalive (\d+);", site)
    limits = set(re.findall(r"limit_conn gameserver_manager_all (\d+);", site))
    assert len(limits) == 1
    limit = int(limits.pop())
    assert workers * keepalive < threads
    assert limit < threads
    assert limit + (workers - 1) * keepalive <= threads


@pytest.mark.parametrize("kind", ["production", "demo"])
def test_nginx_lets_go_of_an_idle_connection_before_the_api_does(kind):
    """Else requests meet a connection that is being closed."""
    idle_s = number(r"^ *keepalive_timeout (\d+)s;", render(kind))
    assert idle_s * 1000 < limit_of_the_api("READ_MAX_MS")


def test_nginx_accepts_the_production_site(tmp_path):
    port = {} if os.getuid() == 0 else {"PUBLIC_LISTEN": 8080}
    site = render("production", SHARE=ROOT / "nginx", **port)
    main = write_main(tmp_path, site)
    tested = subprocess.run(
        ["nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", main],
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr


def test_what_make_install_puts_there_is_complete(tmp_path):
    """The installed site includes installed files, and nginx accepts it."""
    target = tmp_path / "usr"
    words = [f"PREFIX={target}", "DESTDIR="]
    subprocess.run(
        ["make", "install", *words], cwd=ROOT, check=True, capture_output=True
    )
    share = target / "share/gameserver-manager/nginx"
    site = (share / "gameserver-manager.conf").read_text()
    if os.getuid() != 0:
        site = re.sub(r"(listen (\[::\]:)?)80;", r"\g<1>8080;", site)
    main = write_main(tmp_path, site)
    tested = subprocess.run(
        ["nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", main],
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stderr
    for included in re.findall(r'include "(.*)"', site):
        assert included.startswith(str(share))
    for program in ("scalerd", "fcgi-api"):
        assert os.access(target / "bin" / program, os.X_OK)
    subprocess.run(
        ["make", "uninstall", *words], cwd=ROOT, check=True, capture_output=True
    )
    assert [path for path in target.rglob("*") if path.is_file()] == []


def test_a_dead_api_is_503_with_retry_after(site):
    nginx = site("demo")
    for listener in (nginx.public, nginx.operators):
        answer = request(listener, "/available-gameserver/")
        assert_error(answer, 503)
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "status, path, method, body",
    [
        (413, "/", "POST", "x" * 3000),
        (414, "/" + "x" * 9000, "GET", None),
        (405, "/", "TRACE", None),
        (400, "/%00", "GET", None),
    ],
)
def test_an_error_of_nginx_is_json_for_browsers(site, status, path, method, body):
    answer = request(site("demo").public, path, method=method, body=body)
    assert_error(answer, status)
    assert "retry-after" not in answer.headers


def test_both_listeners_share_one_limit_of_connections(site):
    nginx = site("demo", LIMIT_CONN=2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(nginx.socket))
        silent.listen(8)
        os.chmod(nginx.socket, 0o666)
        waiting = [socket.create_connection(nginx.public.split(":")) for _ in range(2)]
        for each in waiting:
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        passed_on = [silent.accept()[0] for _ in waiting]
        answer = request(nginx.operators, "/healthz", timeout=2)
        assert_error(answer, 503)
        assert answer.headers["retry-after"] == "1"
        for each in waiting + passed_on:
            each.close()


def test_production_limits_the_rate_of_the_public_listener_only(site):
    nginx = site("production")
    answers = [request(nginx.public, "/healthz") for _ in range(80)]
    statuses = {answer.status for answer in answers}
    assert statuses == {503, 429}  # nobody is behind this nginx
    limited = next(answer for answer in answers if answer.status == 429)
    assert_error(limited, 429)
    assert limited.headers["retry-after"] == "1"
    assert request(nginx.operators, "/healthz").status == 503


def test_the_status_page_is_for_operators_and_loads_nothing_from_elsewhere(site):
    nginx = site("demo")
    page = request(nginx.operators, "/status/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(rb"https?://|innerHTML", page.body)
    assert request(nginx.operators, "/").headers["location"] == "/status/"
    assert_error(request(nginx.public, "/status/"), 503)  # passed to the dead API
