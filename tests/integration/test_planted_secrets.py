"""Secrets that guests, tests and commands print: in no file of the project, and not on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_nextrust import cli
from pytest_nextrust.testing import prints
from tests.integration.conftest import CELL, PHASES, Project
from tests.unit.base.secret_samples import ASSIGNED, BROKEN, ENVIRONMENT, PLACES, TOKENS, VALUE, made, sample
from tests.unit.base.test_redaction import SECRETS

CONFIGURED = "our-own-secret-value"
KNOWN = "a-value-of-no-known-shape"
PRINTED = {
    **SECRETS,
    "configured": CONFIGURED,
    "known-variable": KNOWN,
    "services": "\n".join(f"with {sample(name)} now" for name in TOKENS),
    "places": "\n\n".join(
        form.replace("{{", "{").replace("}}", "}").replace("{}", made(VALUE, name)) for name, form in ASSIGNED.items()
    ),
    "variables": "\n".join(f"it was {PLACES.get(name, value)}" for name, value in ENVIRONMENT.items()),
    # pytest shortens a long value to its beginning and its end: a piece from the middle of a key has no shape.
    "lines": "\n\n".join([*(text for text, _ in BROKEN.values()), *["and then the build went on"] * 20]),
}
"""What is printed and recorded, by kind."""
PLANTED = {
    **SECRETS,
    "configured": CONFIGURED,
    "known-variable": KNOWN,
    **{f"token {name}": sample(name) for name in TOKENS},
    **{f"value {name}": made(VALUE, name) for name in ASSIGNED},
    **{f"variable {name}": PLACES.get(name, value) for name, value in ENVIRONMENT.items()},
    **{f"piece {name} {piece}": piece for name, (_, pieces) in BROKEN.items() for piece in pieces},
}
"""What may stand nowhere."""
TEST = """
import os
import pytest

@pytest.mark.nextrust(phase="first")
@pytest.mark.parametrize("value", ["plain"])
def test_it(value, nextrust_status):
    text = os.environ["EVERYTHING"]
    nextrust_status.append("note", {"message": text, "more": [{text: 1}]})
    print(text)
    assert not text, text
"""


@pytest.fixture
def planted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that names a variable of its own as secret, and every secret in the environment."""
    settings = f'{PHASES}\n[hooks.secrets]\nvariables = ["OUR_SECRET"]\n'
    (project.path / "nextrust.toml").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("OUR_SECRET", CONFIGURED)
    monkeypatch.setenv("OPENAI_API_KEY", KNOWN)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EVERYTHING", "\n\n".join(PRINTED.values()))
    monkeypatch.chdir(project.path)
    return project


def leaks(texts: dict[str, str]) -> list[tuple[str, str]]:
    """Where which secret stands, as it is or as JSON carries it."""
    return [
        (where, name)
        for where, text in texts.items()
        for name, secret in PLANTED.items()
        if secret in text or json.dumps(secret)[1:-1] in text
    ]


def written(folder: Path) -> dict[str, str]:
    """Every file that was made, but for pytester's own record of what was printed, and the guest itself."""
    given = {"stdout", "stderr", "program.macho"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in given]
    return {str(path): path.read_bytes().decode("utf-8", "replace") for path in files if "__pycache__" not in str(path)}


@pytest.mark.parametrize("workers", [False, True])
def test_a_run_writes_and_shows_none(planted: Project, workers: bool) -> None:
    """A guest and a test that print every secret, with CTRF, JUnit and metrics: 0 leaks, and each is recorded."""
    planted.scenario("guest", made=prints("\n\n".join(PRINTED.values()).encode()), expect='exit = 0\nstdout = "hello"')
    planted.pytester.makepyfile(test_loud=TEST)
    reports = ("--nextrust-report", "out/r.json", "--nextrust-metrics", "out/m.prom", "--junitxml", "out/j.xml")
    phase = ("--nextrust-phase", "first", "--nextrust-cell", CELL, ".")
    result = (planted.run_workers if workers else planted.run)(*phase, *reports)
    result.assert_outcomes(failed=2)
    shown = {"stdout": result.stdout.str(), "stderr": result.stderr.str()}
    assert leaks(written(planted.path) | shown) == []
    for name in ("docs/ci-status/journal.jsonl", "docs/ci-status/pipeline-log.json", "out/r.json", "out/j.xml"):
        assert "[redacted:OUR_SECRET]" in (planted.path / name).read_text(encoding="utf-8"), name


def test_a_secret_parameter_loses_no_result(planted: Project) -> None:
    """A test whose parameter is a secret is recorded, once and passed, under a name without it."""
    planted.pytester.makepyfile(test_named=TEST.replace('["plain"]', '[os.environ["OUR_SECRET"]]').split("    text")[0])
    with (planted.path / "test_named.py").open("a", encoding="utf-8") as stream:
        stream.write("    pass\n")
    result = planted.run("--nextrust-phase", "first", "--nextrust-cell", CELL, "-p", "no:cacheprovider", ".")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert planted.verdicts() == {("test_named.py::test_it[[redacted:OUR_SECRET]]", CELL): "passed"}


def test_faulty_rules_for_secrets_stop_a_run(project: Project) -> None:
    """Rules that cannot be read are told before anything runs: nothing is written that they might have kept out."""
    (project.path / "nextrust.toml").write_text(f"{PHASES}\n[hooks.secrets]\nminimum = 1\n", encoding="utf-8")
    project.scenario("tiny")
    result = project.run("--nextrust-phase", "first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*hooks.secrets.minimum: 1 is too small*"])
    assert project.records() == []


@pytest.mark.parametrize("name", PRINTED)
def test_append_import_and_rebuild_write_none(planted: Project, name: str) -> None:
    """``nextrust status append`` and ``import``: the entry is there without the secret, and so is what is drawn."""
    secret = PRINTED[name]
    old = planted.path.parent / f"old-{name}.md"
    old.write_text(f"# Log\n\n- 2025-07-19T12:00:00Z - Deployed with {json.dumps(secret)[1:-1]}\n", encoding="utf-8")
    assert cli.main(["status", "append", "note", json.dumps({"message": secret, "a": {secret: [secret]}})]) == 0
    assert cli.main(["status", "import", str(old)]) == 0
    assert cli.main(["status", "rebuild"]) == 0
    found = written(planted.path)
    assert leaks(found) == []
    assert sum("[redacted:" in text for text in found.values()) >= 3
    assert planted.records("note")


def test_what_is_no_secret_stays(planted: Project) -> None:
    """The same way without a secret: what was given is what the log holds."""
    assert cli.main(["status", "append", "note", '{"message": "our-own value", "n": [1, null, "x"]}']) == 0
    assert planted.records("note") == [{"message": "our-own value", "n": [1, None, "x"]}]
