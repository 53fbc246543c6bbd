"""Documents: read into dataclasses, or refused with every fault, its dotted path and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.project.documents import load_project, read_file, read_toml


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]
    size: int = option(default=1, minimum=1, maximum=9)


@dataclass(frozen=True)
class Document:
    title: str
    count: int = 0
    ratio: float = 0.0
    flag: bool = False
    folder: Path | None = None
    stdin_file: str | None = None
    words: tuple[str, ...] = option(default=(), choices=("red", "green"))
    table: Mapping[str, int] = option(default_factory=dict)
    exit: int | str = 0
    inner: Inner | None = None
    checks: tuple[Inner, ...] = option(default=(), name="check")
    anything: Any = None
    code: str = option(default="x", pattern="[a-z]+", remedy="lower-case letters")

    def document_faults(self) -> Iterator[Fault]:
        if self.title == "bad":
            yield Fault("title", "bad with this count", "another title")


@dataclass(frozen=True)
class Outer:
    document: Document


def faults(document: Mapping[str, Any], cls: type[Any] = Document) -> list[tuple[str, str, str]]:
    with pytest.raises(ConfigError) as caught:
        read_document(cls, document, subject="test", place="file.toml")
    assert str(caught.value).startswith("test file.toml: ")
    return [(fault.path, fault.message, fault.remedy) for fault in caught.value.faults]


def test_every_annotation_is_read() -> None:
    """Each kind of value arrives as its annotation says, defaults fill the rest."""
    document = read_document(
        Document,
        {
            "title": "t",
            "count": 3,
            "ratio": 2,
            "flag": True,
            "folder": "a/b",
            "words": ["red"],
            "table": {"x": 1},
            "exit": "SIGILL",
            "inner": {"kind": "a"},
            "check": [{"kind": "b", "size": 9}],
            "anything": [1, {}],
        },
        subject="test",
    )
    assert document == Document(
        "t", 3, 2.0, True, Path("a/b"), None, ("red",), {"x": 1}, "SIGILL", Inner("a"), (Inner("b", 9),), [1, {}]
    )
    assert isinstance(document.ratio, float)


@pytest.mark.parametrize("key", ["stdin-file", "stdin_file"])
def test_a_dash_and_an_underscore_are_the_same(key: str) -> None:
    """Either spelling of a name is the field."""
    assert read_document(Document, {"title": "t", key: "x"}, subject="test").stdin_file == "x"


def test_both_spellings_at_once_are_a_fault() -> None:
    """One value would silently win; so neither does."""
    found = faults({"title": "t", "stdin-file": "x", "stdin_file": "y"})
    assert found == [("stdin_file", "given twice, in two spellings", "keep one")]


def test_all_faults_come_at_once_in_the_documents_order() -> None:
    """Nothing is hidden behind the first fault; missing keys come last in their table."""
    found = faults(
        {
            "count": True,
            "titel": "x",
            "ratio": "1",
            "words": ["red", "gren", 3],
            "table": {"a.b": "x", "ok": 1},
            "exit": 1.5,
            "inner": {"kind": "c", "size": 10},
            "check": [{"kind": "a", "size": 0}, 4, {}],
            "code": "X",
            "folder": "",
        }
    )
    assert [path for path, _, _ in found] == [
        "count",
        "titel",
        "ratio",
        "words[2]",
        'table."a.b"',
        "exit",
        "inner.kind",
        "inner.size",
        "check[0].size",
        "check[1]",
        "check[2].kind",
        "code",
        "folder",
        "title",
    ]
    remedies = {path: remedy for path, _, remedy in found}
    assert remedies["titel"] == "did you mean title?"
    assert remedies["code"] == "lower-case letters"
    assert remedies["inner.size"] == "at most 9"
    assert ("title", "missing", "write a string") in found


def test_every_fault_has_a_remedy() -> None:
    """A message that only refuses is not enough."""
    document = {"count": "x", "nonsense": 1, "exit": [], "words": "red", "table": 3, "inner": 3, "check": [{"kind": 1}]}
    assert all(remedy for path, _, remedy in faults(document) if path != "exit")


def test_choices_suggest_the_nearest() -> None:
    """A misspelt choice is answered with the one that was meant, and all there are."""
    assert faults({"title": "t", "words": ["gren"]}) == [
        ("words[0]", "no such value 'gren'", "did you mean green? one of red, green")
    ]


def test_an_unknown_key_far_from_any_lists_the_known() -> None:
    """Without a near name the known ones are listed, by the names they have in the document."""
    ((path, message, remedy),) = faults({"kind": "a", "zzzz": 1}, Inner)
    assert (path, message, remedy) == ("zzzz", "unknown key", "known keys: kind, size")


def test_rules_across_keys_get_the_tables_path() -> None:
    """``document_faults`` speaks of its own table; the reader puts the path before."""
    assert faults({"document": {"title": "bad"}}, Outer) == [("document.title", "bad with this count", "another title")]


def test_a_prefix_is_put_before_every_path() -> None:
    """A table inside a larger file names its keys as that file has them."""
    with pytest.raises(ConfigError, match=r"tool\.x\.kind: missing"):
        read_document(Inner, {}, subject="test", path="tool.x")


@pytest.mark.parametrize("value", [float("nan"), -1, 10])
def test_ranges_refuse_what_is_not_inside(value: float) -> None:
    """A bound holds for everything that is not shown to be within, NaN included."""
    assert len(faults({"wall": value}, Ranged)) == 1


def test_nan_is_not_inside_a_half_open_range() -> None:
    """One bound is enough to keep NaN out."""
    assert faults({"wait": float("nan")}, Ranged) == [("wait", "nan is too small", "at least 0")]


def test_true_is_no_number() -> None:
    """A boolean stands for no number, whole or not."""
    assert [path for path, _, _ in faults({"title": "t", "ratio": True, "count": False})] == ["ratio", "count"]


@dataclass(frozen=True)
class Ranged:
    wall: float = option(default=1.0, minimum=0, maximum=9)
    wait: float = option(default=1.0, minimum=0)


def test_a_union_with_a_table_tells_the_tables_faults() -> None:
    """For a table where a string or a table may stand, the table's own faults are told."""
    assert faults({"it": {"kind": "z"}}, Either)[0][0] == "it.kind"
    assert read_document(Either, {"it": "x"}, subject="t").it == "x"
    assert faults({"it": 3}, Either)[0][1] == "expected a string or a table, found 3"


@dataclass(frozen=True)
class Either:
    it: str | Inner


TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["title", "count", "words", "table", "inner", "check", "exit", "kind"]) | st.text(max_size=5),
        TOML,
        max_size=6,
    )
)
def test_any_document_is_read_or_refused_with_faults(document: dict[str, Any]) -> None:
    """Whatever TOML can say: a whole value, or a ConfigError with at least one fault; never anything else."""
    try:
        answer: Document | tuple[Fault, ...] = read_document(Document, document, subject="test")
    except ConfigError as error:
        answer = tuple(error.faults)
    assert answer
    assert isinstance(answer, Document) or all(isinstance(fault, Fault) for fault in answer)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a = \xff", "not UTF-8"),
        (b"a = ", "not TOML"),
        (b"a = " + b"[" * 5000, "not TOML"),
        (b"a = 1\na = 2", "not TOML"),
    ],
)
def test_files_that_are_not_toml(tmp_path: Path, content: bytes, fault: str) -> None:
    """A file that is not TOML is one fault that says so and names the file."""
    file = tmp_path / "f.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=fault) as caught:
        read_toml(file, subject="test")
    assert caught.value.place == str(file)


def test_a_missing_file_and_a_folder_are_faults(tmp_path: Path) -> None:
    """What cannot be opened is told with the system's reason."""
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "none", subject="test")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_toml(tmp_path, subject="test")


def test_read_file_does_both(tmp_path: Path) -> None:
    """A file is read as its dataclass."""
    (tmp_path / "f.toml").write_text('kind = "a"')
    assert read_file(Inner, tmp_path / "f.toml", subject="test") == Inner("a")


def test_a_project_without_settings_is_all_defaults(tmp_path: Path) -> None:
    """No file, or a pyproject.toml that has no table for us: defaults, and nothing to remark."""
    assert load_project(tmp_path).source is None
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1")
    project = load_project(tmp_path)
    assert (project.source, project.notes, project.shipped_phases) == (None, (), True)


@pytest.mark.parametrize(
    ("name", "header", "prefix"),
    [("nextrust.toml", "", ""), ("pyproject.toml", "tool.nextrust.", "tool.nextrust")],
)
def test_settings_come_from_either_file(tmp_path: Path, name: str, header: str, prefix: str) -> None:
    """The same settings, as a file of their own or as a table."""
    (tmp_path / name).write_text(
        (f"[{header[:-1]}]\n" if header else "")
        + f'scenarios = ["s"]\nshipped-phases = false\n[[{header}phase]]\nid = "p"\n[{header}toolchain.mine]\nx = 1\n'
    )
    project = load_project(tmp_path)
    assert project.source == tmp_path / name
    assert project.prefix == prefix
    assert (project.scenarios, project.shipped_phases) == (("s",), False)
    assert (project.phases, project.toolchains) == (({"id": "p"},), {"mine": {"x": 1}})


def test_both_files_is_said_and_the_own_one_wins(tmp_path: Path) -> None:
    """Settings that are ignored are not ignored in silence."""
    (tmp_path / "nextrust.toml").write_text('scenarios = ["own"]')
    (tmp_path / "pyproject.toml").write_text('[tool.nextrust]\nscenarios = ["shared"]')
    project = load_project(tmp_path)
    assert project.scenarios == ("own",)
    assert "is ignored" in project.notes[0]


def test_a_broken_pyproject_matters_only_where_it_is_read(tmp_path: Path) -> None:
    """It is a fault where settings might be in it, and nobody's business beside nextrust.toml."""
    (tmp_path / "pyproject.toml").write_text("[")
    with pytest.raises(ConfigError, match="not TOML"):
        load_project(tmp_path)
    (tmp_path / "nextrust.toml").write_text("")
    assert load_project(tmp_path).notes == ()


def test_faults_of_settings_name_their_place(tmp_path: Path) -> None:
    """Dotted paths are those of the file the user has open."""
    (tmp_path / "pyproject.toml").write_text('[tool.nextrust]\nscenario = ["x"]')
    with pytest.raises(ConfigError, match=r"tool\.nextrust\.scenario: unknown key \(did you mean scenarios\?\)"):
        load_project(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool]\nnextrust = 3")
    with pytest.raises(ConfigError, match=r"tool\.nextrust: expected a table"):
        load_project(tmp_path)
