"""``nextrust atomics`` of runtimes that export little: no verdict is given that was not earned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_nextrust.cli import main

CASES = Path(__file__).parents[1] / "atomics_coverage" / "cases"

STORE = """
static volatile unsigned char lock;
void __atomic_store_8(volatile void *p, unsigned long long v, int o)
{
    unsigned char busy;
    do __asm__ volatile("tas %1\\n\\tsmi %0" : "=d"(busy), "+m"(lock) : : "cc", "memory"); while (busy);
    *(volatile unsigned long long *)p = v;
    __asm__ volatile("" ::: "memory");
    lock = 0;
}
"""
"""Under a lock, so that it is right beside itself."""

pytestmark = pytest.mark.needs_compiler("gnu")


def answer(folder: Path, *options: str) -> dict[str, Any]:
    """The JSON answer, with the exit status that the command had."""
    out = folder / "answer.json"
    status = main(["atomics", *options, "--artifacts", str(folder / "programs"), "--json", str(out)])
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert found["exit"] == status
    return found


@pytest.mark.parametrize(
    ("name", "options", "verdict"),
    [
        ("unlocked_sub", (), "failed"),
        ("unlocked_add_and_fetch", (), "failed"),
        ("shift2_hash", ("--overlap", "mixed"), "failed"),
        ("load8_right", (), "budget"),
        ("load8_wrong", (), "budget"),
    ],
)
def test_a_verdict_is_earned(name: str, options: tuple[str, ...], verdict: str, tmp_path: Path) -> None:
    """No atomicity at all, one routine of nine without a lock, two locks for one word; and a load alone."""
    found = answer(tmp_path, str(CASES / f"{name}.c"), *options)
    assert found["verdict"] == verdict
    assert {cell["level"] for cell in found["cells"]} == {"0", "1", "2", "3", "s"}
    if verdict == "budget":
        assert found["exit"] == 3
        assert {(cell["verdict"], cell["histories"]) for cell in found["cells"]} == {("not explored", 0)}


def test_the_text_names_what_is_not_explored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason, and no word of a pass."""
    answer(tmp_path, str(CASES / "load8_right.c"))
    said = capsys.readouterr().out
    assert "not explored, since nothing that is exported could show a fault of it: __atomic_load_8" in said
    assert "verdict: budget" in said
    assert "passed" not in said


def test_a_load_in_two_halves_shows_beside_a_store(tmp_path: Path) -> None:
    """The same load is found out as soon as something that writes is exported too."""
    store = tmp_path / "store.c"
    store.write_text(STORE, encoding="utf-8")
    found = answer(tmp_path, str(CASES / "load8_wrong.c"), str(store), "--level", "2")
    assert (found["verdict"], found["exit"]) == ("failed", 1)
    assert {cell["routine"]: cell["verdict"] for cell in found["cells"]}["__atomic_load_8"] == "failed"


def test_equal_code_at_another_level_is_checked_once(tmp_path: Path) -> None:
    """Every level has its cells, with the same counts, and the histories are those of different code."""
    source = tmp_path / "swap.S"
    source.write_text(
        '.section .text.swap,"ax"\n.globl __sync_fetch_and_add_4\n.type __sync_fetch_and_add_4, @function\n'
        "__sync_fetch_and_add_4:\n move.l 4(%sp),%a0\n1: move.l (%a0),%d0\n move.l %d0,%d1\n add.l 8(%sp),%d1\n"
        " cas.l %d0,%d1,(%a0)\n jne 1b\n rts\n.size __sync_fetch_and_add_4, .-__sync_fetch_and_add_4\n",
        encoding="utf-8",
    )
    one, all_levels = (answer(tmp_path, str(source), "--level", level) for level in ("2", "all"))
    assert (one["verdict"], all_levels["verdict"]) == ("passed", "passed")
    assert all_levels["totals"]["histories"] == one["totals"]["histories"] > 0
    assert {cell["histories"] for cell in all_levels["cells"]} == {cell["histories"] for cell in one["cells"]}
    assert len(all_levels["cells"]) == 5
