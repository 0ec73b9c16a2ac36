# SPDX-License-Identifier: MIT
"""PROVIDER=ecs over TLS: whom scalerd trusts with its keys."""

import shutil

import pytest

from cloud.running import MISSING, READY
from harness.tls import TlsFront
from harness.waiting import hold_during

if not READY:
    pytest.skip(MISSING, allow_module_level=True)
if not shutil.which("openssl"):
    pytest.skip("openssl is missing: nothing makes a certificate", allow_module_level=True)


@pytest.fixture
def front(ecs):
    with TlsFront(ecs.directory, ecs.cloud.address) as tls:
        ecs.environment["AWS_ENDPOINT_URL"] = tls.url
        yield tls


def test_an_endpoint_that_the_ca_bundle_vouches_for_is_used(ecs, front):
    ecs.configure(AWS_CA_BUNDLE=front.certificate)
    ecs.start_scalerd()
    ecs.wait_at_rest(1)
    assert len(ecs.launched()) == 1


def test_an_endpoint_that_nobody_vouches_for_gets_no_request(ecs, front):
    ecs.start_scalerd()
    assert "AWS_CA_BUNDLE" in ecs.wait_alarm("list_failing")
    assert not ecs.audit().entries and ecs.scalerd.running()


def test_a_ca_bundle_without_certificates_is_said(ecs, front):
    bundle = ecs.directory / "bundle.pem"
    bundle.write_text("no certificate\n")
    ecs.configure(AWS_CA_BUNDLE=bundle)
    ecs.start_scalerd()
    assert "AWS_CA_BUNDLE" in ecs.wait_alarm("list_failing")
    hold_during(ecs.scalerd.running, 1, "it goes on")
    assert not ecs.audit().entries
