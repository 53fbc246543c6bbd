"""Documents: read into dataclasses, or refused with every fault, its dotted path and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_nextrust.base import convert
from pytest_nextrust.base.convert import option, read_document
from pytest_nextrust.errors import ConfigError, Fault
from pytest_nextrust.hookapi.settings import HookSettings
from pytest_nextrust.project.documents import ProjectConfig
from pytest_nextrust.project.phases import Phase
from pytest_nextrust.scenario.model import Scenario
from pytest_nextrust.toolchain.prebuilt import PrebuiltIndex
from tests.unit.base.shapes import documents, given_to


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
    assert all(remedy for _, _, remedy in faults(document))


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


DOCUMENTS = [Document, PrebuiltIndex, *given_to("read_document", "read_file")]
"""What is read of documents, this test's own among it."""

GIVEN: dict[type[Any], dict[str, Any]] = {
    Scenario: {"name": "s", "folder": Path()},
    ProjectConfig: {"root": Path(), "source": None, "prefix": "", "notes": ()},
}


def test_every_class_of_documents_is_found() -> None:
    """Those of scenarios, settings and phases are among them, and most of them are."""
    assert {Scenario, ProjectConfig, HookSettings, Phase} <= set(DOCUMENTS)
    assert len(DOCUMENTS) > 10


@pytest.mark.parametrize("cls", DOCUMENTS, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}-{cls.__name__}")
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_document_is_read_or_refused_with_faults(cls: type[Any], data: st.DataObject) -> None:
    """Whatever TOML can say: a whole value, or faults with path, message and remedy; never anything else."""
    given = GIVEN.get(cls, {})
    keys = {key: field for key, field in convert._schema(cls, True).names.items() if field not in given}
    document = data.draw(documents(cls, keys))
    try:
        answer: object = read_document(cls, document, subject="test", given=given)
    except ConfigError as error:
        answer = error.faults
    whole = isinstance(answer, cls)
    assert whole or (isinstance(answer, tuple) and answer and all(f.path and f.message and f.remedy for f in answer))


@pytest.mark.parametrize("value", [16**5000, -(16**5000), 10**400], ids=["huge", "minus huge", "400 digits"])
@pytest.mark.parametrize("key", ["count", "ratio", "flag", "title", "words", "exit", "table"])
def test_a_number_too_large_to_be_shown(key: str, value: int) -> None:
    """Python refuses to write a number of thousands of digits in decimal; the fault is told all the same."""
    document = {"title": "t", key: value}
    assert [path for path, _, _ in faults(document)] == [key]
    assert faults({"wall": value}, Ranged)[0][0] == "wall"
    assert faults({"kind": "a", "size": value}, Inner)[0][0] == "size"


def test_a_value_given_beside_the_document_is_no_key_of_it() -> None:
    """Such a field is not missing, cannot be written, and is not among the known keys."""
    assert read_document(Inner, {"size": 2}, subject="test", given={"kind": "a"}) == Inner("a", 2)
    with pytest.raises(ConfigError) as caught:
        read_document(Inner, {"kind": "b"}, subject="test", given={"kind": "a"})
    assert [str(fault) for fault in caught.value.faults] == ["kind: unknown key (known keys: size)"]
