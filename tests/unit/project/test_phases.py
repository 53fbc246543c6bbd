"""Phases: what is shipped, what a project changes, the order, what is refused, and the markers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.errors import ConfigError, UsageFault
from pytest_nextrust.project.phases import Phase, Phases, clear_done, done_path, mark_done, read_done


def phase(identifier: str, *depends: str) -> Phase:
    return Phase(identifier, identifier, depends=depends)


def ids(phases: tuple[Phase, ...]) -> list[str]:
    return [each.id for each in phases]


def test_the_shipped_phases(tmp_path: Path) -> None:
    """The five phases with their dependencies, each with everything the schema has."""
    phases = Phases.load(tmp_path)
    assert {p.id: p.depends for p in phases} == {
        "phase-1": (),
        "phase-2": ("phase-1",),
        "phase-3": ("phase-2",),
        "phase-4": ("phase-1",),
        "phase-5": ("phase-3",),
    }
    for each in phases:
        assert each.name
        assert each.deliverables
        assert each.expected_files
        assert each.success_criteria
        assert each.parallel_group
        assert each.expected_duration_days


def test_a_project_changes_adds_and_keeps(tmp_path: Path) -> None:
    """A known id replaces the keys it gives and keeps the others; a new id is a new phase."""
    (tmp_path / "nextrust.toml").write_text(
        '[[phase]]\nid = "phase-3"\nexpected-files = ["rust/spec.rs"]\n'
        '[[phase]]\nid = "phase-6"\nname = "Windows"\ndepends = ["phase-5"]\n'
    )
    phases = Phases.load(tmp_path)
    assert phases.ids == ("phase-1", "phase-2", "phase-3", "phase-4", "phase-5", "phase-6")
    assert phases["phase-3"].expected_files == ("rust/spec.rs",)
    assert phases["phase-3"].name == "Rust target: atomics and hello"
    assert phases["phase-6"].expected_duration_days is None


def test_a_project_may_have_only_its_own(tmp_path: Path) -> None:
    """``shipped_phases = false`` leaves nothing but what the project says."""
    (tmp_path / "nextrust.toml").write_text('shipped_phases = false\n[[phase]]\nid = "a"\nname = "A"\n')
    assert Phases.load(tmp_path).ids == ("a",)


def test_every_fault_of_the_projects_phases_at_once(tmp_path: Path) -> None:
    """All tables are read before anything is refused; paths are those of the file."""
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.nextrust.phase]]\nid = "a"\n'
        '[[tool.nextrust.phase]]\nid = "all"\nname = "x"\n'
        '[[tool.nextrust.phase]]\nid = "../x"\nname = "x"\nexpected_duration_days = -1\n'
        '[[tool.nextrust.phase]]\nid = "a"\nname = "again"\n'
        '[[tool.nextrust.phase]]\nname = "no id"\ndepend = []\n'
    )
    with pytest.raises(ConfigError) as caught:
        Phases.load(tmp_path)
    assert sorted(fault.path for fault in caught.value.faults) == [
        "tool.nextrust.phase[0].name",
        "tool.nextrust.phase[1].id",
        "tool.nextrust.phase[2].expected_duration_days",
        "tool.nextrust.phase[2].id",
        "tool.nextrust.phase[3].id",
        "tool.nextrust.phase[4].depend",
        "tool.nextrust.phase[4].id",
    ]
    assert caught.value.place == str(tmp_path / "pyproject.toml")


def test_unknown_dependencies_duplicates_and_cycles_are_refused_together() -> None:
    """Every fault of the graph is told in one error."""
    with pytest.raises(ConfigError) as caught:
        Phases([phase("a", "b"), phase("b", "c"), phase("c", "a"), phase("d", "x"), phase("d")])
    text = str(caught.value)
    assert "d: more than one phase has this id" in text
    assert "d.depends: no phase 'x'" in text
    assert "a cycle: a -> b -> c -> a" in text
    assert len(caught.value.faults) == 3


def test_a_phase_that_depends_on_itself_is_a_cycle() -> None:
    """The shortest cycle there is."""
    with pytest.raises(ConfigError, match="a cycle: a -> a"):
        Phases([phase("a", "a")])


def test_a_project_can_break_the_shipped_graph_only_with_an_error(tmp_path: Path) -> None:
    """A cycle through a shipped phase is found, and the project's file is named."""
    (tmp_path / "nextrust.toml").write_text('[[phase]]\nid = "phase-1"\ndepends = ["phase-5"]\n')
    with pytest.raises(ConfigError, match=r"(?s)nextrust\.toml.*cycle: phase-1 -> phase-5 -> phase-3") as caught:
        Phases.load(tmp_path)
    assert caught.value.place.endswith("nextrust.toml")


def test_order_is_stable() -> None:
    """Dependencies come first; otherwise the document's order stands."""
    phases = Phases([phase("z"), phase("b", "a"), phase("a"), phase("y", "z"), phase("c")])
    assert phases.ids == ("z", "a", "b", "y", "c")


GRAPHS = st.integers(1, 8).flatmap(
    lambda n: st.lists(st.sets(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n)
)


@settings(max_examples=200, deadline=None)
@given(GRAPHS)
def test_any_graph_is_ordered_or_a_cycle(graph: list[set[int]]) -> None:
    """The order puts every dependency first and loses nothing, exactly where there is no cycle."""
    names = [f"p{i}" for i in range(len(graph))]
    reach = {i: set(needs) for i, needs in enumerate(graph)}
    for _ in graph:
        for needs in reach.values():
            needs |= {far for near in list(needs) for far in reach[near]}
    phases = [phase(names[i], *(names[n] for n in sorted(needs))) for i, needs in enumerate(graph)]
    if any(i in needs for i, needs in reach.items()):
        with pytest.raises(ConfigError, match="a cycle"):
            Phases(phases)
        return
    ordered = Phases(phases)
    assert sorted(ordered.ids) == sorted(names)
    for index, each in enumerate(ordered.order):
        assert set(each.depends) <= set(ordered.ids[:index])
        assert {p.id for p in ordered.closure(each.id)} == {each.id} | {names[n] for n in reach[names.index(each.id)]}


def test_closure_is_dependencies_first(tmp_path: Path) -> None:
    """A phase and everything below it, in order."""
    assert ids(Phases.load(tmp_path).closure("phase-5")) == ["phase-1", "phase-2", "phase-3", "phase-5"]


def test_current_is_the_first_without_marker(tmp_path: Path) -> None:
    """Markers move ``current`` on in dependency order; ``ready`` is what may start side by side."""
    phases = Phases.load(tmp_path)
    assert ids(phases.resolve("current")) == ["phase-1"]
    assert ids(phases.resolve("current", {"phase-1"})) == ["phase-2"]
    assert ids(phases.ready({"phase-1"})) == ["phase-2", "phase-4"]
    assert ids(phases.resolve("all", {"phase-1"})) == list(phases.ids)
    assert ids(phases.resolve("phase-4", {"phase-4"})) == ["phase-4"]


def test_nothing_current_is_refused(tmp_path: Path) -> None:
    """With every phase done there is nothing to verify, which must not look like a pass."""
    phases = Phases.load(tmp_path)
    assert phases.current(phases.ids) is None
    with pytest.raises(UsageFault, match="every phase is done"):
        phases.resolve("current", phases.ids)


@pytest.mark.parametrize("use", ["resolve", "closure", "__getitem__"])
def test_an_unknown_phase_lists_the_known(tmp_path: Path, use: str) -> None:
    """Wherever an id is asked for, an unknown one is answered with those there are."""
    with pytest.raises(UsageFault, match=r"(?s)no phase 'phase-9'.*phase-1, phase-2"):
        getattr(Phases.load(tmp_path), use)("phase-9")


def test_markers(tmp_path: Path) -> None:
    """A marker is made, found, made again and taken away; a folder of that name is none."""
    phases = Phases.load(tmp_path)
    assert read_done(tmp_path, phases) == frozenset()
    path = mark_done(tmp_path, "phase-1", {"commit": "c"})
    assert path == done_path(tmp_path, "phase-1") == tmp_path / "artifacts" / "phase" / "phase-1.done"
    assert b'"commit": "c"' in path.read_bytes()
    mark_done(tmp_path, "phase-1", {})
    done_path(tmp_path, "phase-2").mkdir()
    assert read_done(tmp_path, phases) == {"phase-1"}
    clear_done(tmp_path, "phase-1")
    clear_done(tmp_path, "phase-1")
    assert read_done(tmp_path, phases) == frozenset()


@pytest.mark.parametrize(("folder", "shown"), [("a/b", "a/b/journal.jsonl"), (".", "journal.jsonl")])
def test_expected_files_know_the_logs_folder(folder: str, shown: str) -> None:
    """``{status_dir}`` stands for the folder of the status log."""
    assert Phase("a", "a", expected_files=("{status_dir}/journal.jsonl", "x")).files(folder) == (shown, "x")


def test_absent_files_are_told(tmp_path: Path) -> None:
    """Expected files that do not exist under the project's root, in their order."""
    (tmp_path / "x").write_text("")
    phase = Phase("a", "a", expected_files=("y", "x", "{status_dir}/journal.jsonl"))
    assert phase.absent(tmp_path, "log") == ("y", "log/journal.jsonl")
