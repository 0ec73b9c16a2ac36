# SPDX-License-Identifier: MIT
"""Makes the harness of the whole-program tests importable from here, and
boto3 from the test cloud's own Python. Fixtures: the test cloud and a client
of it."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))
for packages in (TESTS.parent / "build" / "venv").glob("lib/python3*/site-packages"):
    sys.path.insert(0, str(packages))


@pytest.fixture
def testimony(tmp_path):
    directory = tmp_path / "testimony"
    directory.mkdir()
    return directory


@pytest.fixture(scope="package")
def one_cloud(tmp_path_factory):
    """One for all tests here; `cloud` resets it."""
    from .running import RunningCloud

    with RunningCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def cloud(one_cloud, testimony):
    """Empty, as it is made. After the test its audit must be clean of errors
    of the cloud's own."""
    from .client import FLEET

    one_cloud.reset()
    one_cloud.settings(testimony=str(testimony))
    yield one_cloud
    assert not one_cloud.audit(FLEET).cloud_errors()


@pytest.fixture
def client(cloud):
    from .client import Client

    return Client(cloud)
