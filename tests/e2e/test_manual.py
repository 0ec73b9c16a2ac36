# SPDX-License-Identifier: MIT
"""The sample file and the manual agree with the table of options."""

import re
import shutil
import subprocess

import pytest

from harness.processes import BIN, ROOT

SAMPLE = ROOT / "docs/gameserver-manager.env"
MANUAL = ROOT / "docs/gameserver-manager.env.5"
RUN_S = 10


@pytest.fixture(scope="module")
def options():
    """name -> (default, what is accepted, help), from `scalerd --options`."""
    text = subprocess.run(
        [BIN / "scalerd", "--options"],
        check=True, capture_output=True, text=True, timeout=RUN_S,
    ).stdout
    found = re.findall(r"^(\w+) +(\S+)\n    accepted: (.+)\n    (.+)\n", text, re.MULTILINE)
    assert len(found) * 3 == len(text.splitlines()), "a line of --options was not understood"
    return {name: tuple(rest) for name, *rest in found}


def in_file(default):
    return "" if default == '""' else default


def manual_items():
    """name -> the text of its item, macros and escapes taken away."""
    pages = re.split(r"^\.It Ev (\w+)$", MANUAL.read_text(), flags=re.MULTILINE)[1:]
    return {
        name: " ".join(body.split("\n.")[0].replace("\\-", "-").replace("\\e", "\\").split())
        for name, body in zip(pages[::2], pages[1::2])
    }


def test_every_option_has_default_range_and_help(options):
    assert {"UPSCALE_MARGIN", "DATABASE", "SECRET_KEY"} <= options.keys()
    assert options["UPSCALE_MARGIN"][:2] == ("999", "a whole number from 0 to 1000000000")


def test_sample_file_has_every_option_with_its_default(options):
    assignments = re.findall(r"^#?([A-Z0-9_]+)=(.*)$", SAMPLE.read_text(), re.MULTILINE)
    assert sorted(name for name, _ in assignments) == sorted(options)
    assert dict(assignments) == {name: in_file(row[0]) for name, row in options.items()}


def test_sample_file_has_the_help_of_every_option(options):
    paragraphs = SAMPLE.read_text().split("\n\n")
    helps = {
        match.group(1): " ".join(line.lstrip("# ") for line in paragraph.splitlines()[:-1])
        for paragraph in paragraphs
        if (match := re.search(r"^#?([A-Z0-9_]+)=.*\Z", paragraph.strip(), re.MULTILINE))
    }
    assert helps == {name: row[2] for name, row in options.items()}


def test_manual_has_every_option_with_default_and_range(options):
    expected = {
        name: f"Default {default}; accepted: {accepted}."
        for name, (default, accepted, _) in options.items()
    }
    assert manual_items() == expected


def test_manual_is_clean_mdoc():
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    # Whether the pages it refers to are installed depends on the machine.
    lint = subprocess.run(
        ["mandoc", "-Tlint", "-Wstyle", MANUAL], capture_output=True, text=True, timeout=RUN_S
    )
    complaints = [
        line for line in lint.stdout.splitlines() if "referenced manual not found" not in line
    ]
    assert complaints == []


def test_example_of_the_manual_uses_known_options_only(options):
    example = re.search(
        r"^\.Sh EXAMPLES.*?^\.Bd.*?\n(.*?)^\.Ed", MANUAL.read_text(), re.MULTILINE | re.DOTALL
    )
    names = re.findall(r"^([A-Z0-9_]+)=", example.group(1), re.MULTILINE)
    assert names and set(names) <= options.keys()
