"""The text of the workflows: what of a project is in them, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pytest_nextrust.ci.workflows import ACTIONS, GUIDE, SECRETS, workflow_files
from pytest_nextrust.errors import ConfigError

MAIN = ".github/workflows/nextrust.yml"


def texts(root: Path, settings: str = "") -> dict[str, str]:
    (root / "nextrust.toml").write_text(settings, encoding="utf-8")
    return workflow_files(root)


def test_a_job_for_every_phase(tmp_path: Path) -> None:
    """Each waits for those it depends on and no other, so emulation runs beside the build, and std after the target."""
    jobs = yaml.safe_load(texts(tmp_path)[MAIN])["jobs"]
    needs = {name: job.get("needs") for name, job in jobs.items()}
    assert needs == {
        "plan": None,
        "phase-1": ["plan"],
        "phase-2": ["plan", "phase-1"],
        "phase-3": ["plan", "phase-2"],
        "phase-4": ["plan", "phase-1"],
        "phase-5": ["plan", "phase-3"],
        "status": ["plan", "phase-1", "phase-2", "phase-3", "phase-4", "phase-5"],
    }


def test_phases_whose_ids_are_no_ids_of_jobs(tmp_path: Path) -> None:
    """Every phase has a job of its own, whose commands and artifacts have the phase's id."""
    names = ("1.a", "1-a", "status", "plan")
    settings = "shipped_phases = false\n" + "".join(f'[[phase]]\nid = "{name}"\nname = "x"\n' for name in names)
    jobs = yaml.safe_load(texts(tmp_path, settings)[MAIN])["jobs"]
    assert list(jobs) == ["plan", "phase-1-a", "phase-1-a-2", "status-2", "plan-2", "status"]
    scripts = [step["run"] for step in jobs["phase-1-a"]["steps"] if step.get("run", "").startswith("pytest")]
    assert scripts[0].startswith("pytest --nextrust-phase 1.a ")
    assert jobs["status"]["needs"] == ["plan", "phase-1-a", "phase-1-a-2", "status-2", "plan-2"]


def test_what_the_project_says(tmp_path: Path) -> None:
    """Its commands, packages, branch and version of Python are in the files, and nothing is left to fill in."""
    settings = (
        '[ci]\nbootstrap = "python -m pip install one"\ninstall = "make env"\npackages = ["gcc-m68k-linux-gnu"]\n'
        'python = "3.12"\nbranch = "trunk"\nnightly_budget = "90m"\nnightly = ["make soak"]\npackage = true\n'
    )
    files = texts(tmp_path, settings)
    main, nightly = files[MAIN], files[".github/workflows/nextrust-nightly.yml"]
    for words in ("python -m pip install one", "make env", "recommends gcc-m68k-linux-gnu", '"3.12"', '["trunk"]'):
        assert words in main
    assert '--nextrust-budget "90m"' in nightly
    assert "make soak" in nightly
    assert {".github/workflows/tests.yml", ".github/workflows/release.yml"} <= set(files)
    for text in files.values():
        assert not re.search(r"@[a-z-]+@", text)


def test_what_is_left_out(tmp_path: Path) -> None:
    """Without packages no step installs any; without ``models`` and ``package`` there is no such job or file."""
    files = texts(tmp_path, "[ci]\npackages = []\n")
    assert "apt-get" not in "".join(files.values())
    assert "review" not in yaml.safe_load(files[MAIN])["jobs"]
    assert ".github/workflows/release.yml" not in files
    models = yaml.safe_load(texts(tmp_path, "[ci]\nmodels = true\n")[MAIN])["jobs"]
    assert models["review"]["environment"] == "production"
    assert "review" in models["status"]["needs"]


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ('install = "a\\nb"', "ci.install"),
        ('bootstrap = "echo ${{ github.head_ref }}"', "ci.bootstrap"),
        ('nightly = ["make ${{ github.head_ref }}"]', "ci.nightly[0]"),
        ('packages = ["gcc; rm -rf /"]', "ci.packages"),
        ("python = 3.13", "ci.python"),
        ('branch = "a\\"]"', "ci.branch"),
        ('nightly_budget = "1$(x)"', "ci.nightly_budget"),
        ("models = 1", "ci.models"),
        ("instal = 1", "ci.instal"),
    ],
)
def test_settings_that_are_refused(tmp_path: Path, settings: str, path: str) -> None:
    """By their path: what is no command in one line, no name of a package, an expression that somebody's text fills."""
    with pytest.raises(ConfigError) as caught:
        texts(tmp_path, f"[ci]\n{settings}\n")
    assert [fault.path for fault in caught.value.faults if fault.path.startswith(path)]


def test_pins_are_commits_with_versions() -> None:
    """Forty digits, and the version that they are."""
    for action in ACTIONS.values():
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_the_guide_names_every_secret(tmp_path: Path) -> None:
    """The page that the reminder links has each token, and the workflows ask for no other secret."""
    files = texts(tmp_path, "[ci]\nmodels = true\n")
    assert all(f"`{name}`" in files[GUIDE] for name in SECRETS)
    asked = set(re.findall(r"secrets\.(\w+)", "".join(files.values())))
    assert asked == {*SECRETS, "O3_ENDPOINT"}
