"""The hooks: further folders, further toolchains, and a look at outcomes."""

from __future__ import annotations

from pytest_nextrust.testing import write_scenario
from tests.integration.conftest import CELL, Project

FIRST = ("--nextrust-phase", "first", "--nextrust-cell", CELL)


def test_scenarios(project: Project) -> None:
    """``pytest_nextrust_scenarios`` adds folders; the project's scenario of a name still replaces theirs."""
    write_scenario(project.path / "more", "tiny", phase="first", expect="exit = 1")
    write_scenario(project.path / "more", "other", phase="first")
    project.scenario("tiny")
    project.pytester.makeconftest(
        "import pathlib\ndef pytest_nextrust_scenarios(config): return [config.rootpath / 'more']"
    )
    project.run(*FIRST).assert_outcomes(passed=2)


def test_no_answer_adds_nothing(project: Project) -> None:
    """A hook that answers None is no obstacle."""
    project.scenario("tiny")
    project.pytester.makeconftest(
        "def pytest_nextrust_scenarios(config): pass\ndef pytest_nextrust_toolchains(config): pass\n"
    )
    project.run(*FIRST).assert_outcomes(passed=1)


def test_toolchains(project: Project) -> None:
    """``pytest_nextrust_toolchains`` brings a toolchain that builds scenarios and is in their record."""
    project.pytester.makeconftest(
        """
        import hashlib
        from pytest_nextrust.testing import exits
        from pytest_nextrust.toolchain.interface import BuildResult, Probe
        class Mine:
            name = "mine"
            languages = frozenset({"c"})
            def probe(self): return Probe(True, version="9")
            def build(self, request):
                request.out.write_bytes(exits(4))
                sha = hashlib.sha256(request.out.read_bytes()).hexdigest()
                return BuildResult(request.out, sha, "mine", "9")
        def pytest_nextrust_toolchains(config): return [Mine()]
        """
    )
    file = project.scenario("tiny", expect="exit = 4")
    (file.parent / "main.c").write_text("", encoding="utf-8")
    program = 'language = "c"\\nsources = ["main.c"]'.replace("\\n", "\n")
    file.write_text(file.read_text(encoding="utf-8").replace('file = "program.macho"', program), encoding="utf-8")
    result = project.run(*FIRST, "--nextrust-toolchain", "mine")
    result.assert_outcomes(passed=1)
    (item,) = project.records()
    assert (item["toolchain"], item["version"], item["provenance"]) == ("mine", "9", "built")
    assert item["reproduction"].endswith("--nextrust-toolchain mine")


def test_outcome(project: Project) -> None:
    """``pytest_nextrust_outcome`` sees item and outcome; an exception there fails the test."""
    project.scenario("tiny")
    project.pytester.makeconftest(
        "def pytest_nextrust_outcome(item, outcome):\n"
        "    assert outcome.verdict == 'passed'\n"
        "    raise RuntimeError('seen ' + item.name)\n"
    )
    result = project.run(*FIRST)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*RuntimeError: seen tiny*{CELL}*"])
    assert project.verdicts() == {("tiny", CELL): "failed"}
