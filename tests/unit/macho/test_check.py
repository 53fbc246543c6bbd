"""check: sound files have no defects, each damage gives exactly its own, and nothing is left out or made up."""

from __future__ import annotations

import pytest

from pytest_nextrust.errors import UsageFault
from pytest_nextrust.macho import check, read
from pytest_nextrust.macho.defects import DEFECT_LIMIT, KINDS
from tests.unit.macho import builders as b
from tests.unit.macho.damage import Case, cases
from tests.unit.macho.edges import inside, outside

CASES = [*cases(), *outside()]


@pytest.mark.parametrize("name", sorted(b.samples()))
def test_sound_files_have_no_errors(name: str) -> None:
    """A sound file of every kind, with the oddities of NeXT's own linker, has no defect but a swapped fat header."""
    defects = check(read(b.samples()[name]))
    assert {d.id for d in defects} <= {"fat-swapped"}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.kind}{'-' if c.name else ''}{c.name.replace(' ', '_')}")
def test_one_damage_gives_its_own_defect(case: Case) -> None:
    """One changed field gives the defect it is about, at its offset, with a message and a remedy, and no other."""
    defects = check(read(case.data), cpu=case.cpu)
    assert {d.id for d in defects} - case.also == {case.kind}, defects[:5]
    first = next(d for d in defects if d.id == case.kind)
    assert first.message
    assert first.remedy
    if case.offset is not None:
        assert first.offset == case.offset


@pytest.mark.parametrize("name", sorted(inside()))
def test_a_limit_may_be_used_up(name: str) -> None:
    """A file that goes right up to a limit has no defect."""
    assert check(read(inside()[name])) == ()


def test_every_kind_of_defect_has_a_case() -> None:
    """No kind is in the table without a file that shows it, and none is shown that the table lacks."""
    assert {case.kind for case in CASES} == set(KINDS)


def message(kind: str) -> str:
    """What is said of the first case of a kind."""
    case = next(case for case in CASES if case.kind == kind)
    return next(defect.message for defect in check(read(case.data), cpu=case.cpu) if defect.id == kind)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("stack-low", "a7 is 0x4; the stack of 0x80000 bytes below it reaches into page 0"),
        ("section-segname", "section __DATA,__text is in segment __TEXT"),
        ("undefined-symbol", "(_main) is undefined"),
    ],
)
def test_messages_say_what_is_there(kind: str, fault: str) -> None:
    """Names and numbers of a message are the file's own."""
    assert fault in message(kind)


@pytest.mark.parametrize(("length", "shown"), [(200, "x" * 200), (201, "x" * 200 + "...")])
def test_long_names_are_cut(length: int, shown: str) -> None:
    """Of an undefined symbol's name two hundred characters are shown."""
    names = b"\0" + b"x" * length + b"\0"
    place = 28 + 24 + 88
    data = b.macho(2, [b.symtab(place, 1, place + 12, len(names)), b.thread(0)], {place: b.nlist(1, 1, 0, 0) + names})
    (found,) = [defect.message for defect in check(read(data)) if defect.id == "undefined-symbol"]
    assert f"({shown}) is undefined" in found


def test_severity_follows_the_reader_of_the_file() -> None:
    """A section type nobody knows is an error in an object, which the linker reads, and a warning in a program."""
    by_name = {c.name: c for c in CASES if c.kind == "section-type"}
    assert [d.severity for d in check(read(by_name["object"].data))] == ["error"]
    assert [d.severity for d in check(read(by_name[""].data))] == ["warning"]


@pytest.mark.parametrize(
    ("subtype", "cpu", "runs"),
    [(1, "m68030", True), (1, "m68040", True), (2, "m68040", True), (2, "m68030", False), (3, "m68030", True),
     (3, "m68040", False)],
)  # fmt: skip
def test_subtypes_run_where_the_kernel_runs_them(subtype: int, cpu: str, runs: bool) -> None:
    """Subtype 1 runs on both CPUs, 2 on the 68040 and 3 on the 68030 only."""
    defects = check(read(b.a_program(cpusubtype=subtype)), cpu=cpu)
    assert ({d.id for d in defects} == set()) is runs
    assert {d.id for d in defects} <= {"wrong-cpusubtype"}


def test_an_unknown_cpu_is_refused() -> None:
    """A CPU that the matrix does not have is a usage fault that lists the known ones."""
    with pytest.raises(UsageFault, match="m68030, m68040"):
        check(read(b.a_program()), cpu="m68000")


def test_every_defect_is_reported_at_once() -> None:
    """Independent damages in one file are all in one answer, in the order of the file."""
    data = b.a_program()
    for case in CASES:
        if case.kind in ("entry-odd", "segment-protection", "unknown-flags") and not case.name:
            assert case.offset is not None
            data = b.put32(data, case.offset, b.get32(case.data, case.offset))
    defects = check(read(data))
    assert {d.id for d in defects} == {"entry-odd", "segment-protection", "unknown-flags"}
    assert [d.offset for d in defects] == sorted(d.offset for d in defects)


def test_members_report_offsets_in_the_outer_file() -> None:
    """A defect of a fat file's member has its offset in the fat file."""
    bad = next(c for c in CASES if c.kind == "entry-odd")
    assert bad.offset is not None
    (defect,) = check(read(b.fat((6, 1, bad.data))))
    assert (defect.id, defect.offset) == ("entry-odd", 0x2000 + bad.offset)


def test_many_defects_of_a_kind_are_counted() -> None:
    """Past the limit of a kind the others are counted in one last entry."""
    symbols = b.nlist(99, 2, 0, 0) * (DEFECT_LIMIT + 7)
    data = b.macho(1, [b.symtab(52, DEFECT_LIMIT + 7, 52 + len(symbols), 0)], {52: symbols})
    defects = check(read(data))
    assert len(defects) == DEFECT_LIMIT + 1
    assert any("and 7 more" in d.message for d in defects)


def test_a_fat_member_for_another_cpu_has_its_own_alignment() -> None:
    """4 KiB pages, and an alignment nobody here knows, are another kernel's; a member of ours is held to 8 KiB."""
    program, foreign = b.a_program(), bytearray(b.a_program())
    foreign[4:8] = (18).to_bytes(4, "big")
    entries: list[tuple[int, ...]] = []
    body = bytearray(0x2000)
    for cputype, align, content in ((6, 13, program), (18, 12, bytes(foreign)), (7, 40, b"i386")):
        at = len(body) if cputype == 6 else len(body) + -len(body) % 0x2000 + 0x1000
        body += bytes(at - len(body)) + content
        entries.append((cputype, 1, at, len(content), align))
    body[:8] = b"\xca\xfe\xba\xbe" + len(entries).to_bytes(4, "big")
    for number, entry in enumerate(entries):
        body[8 + 20 * number : 28 + 20 * number] = b"".join(value.to_bytes(4, "big") for value in entry)
    assert check(read(bytes(body)), cpu="m68030") == ()
    body[8 + 8 : 8 + 12] = (entries[0][2] + 0x1000).to_bytes(4, "big")
    assert "fat-member-misaligned" in {defect.id for defect in check(read(bytes(body)))}


def test_an_archives_members_for_other_cpus_are_named_and_not_looked_into() -> None:
    """One defect for the member, none for what is in it."""
    foreign = bytearray(b.an_object())
    foreign[4:8] = (7).to_bytes(4, "big")
    foreign[16:20] = (99).to_bytes(4, "big")  # more commands than there are
    data = b.archive(("ours.o", b.an_object()), ("theirs.o", bytes(foreign)), symbols=[("_main", 0)])
    defects = check(read(data))
    assert [(d.id, "theirs.o" in d.message, "I386" in d.message) for d in defects] == [("wrong-cputype", True, True)]


def test_work_is_counted_and_bounded() -> None:
    """Of whatever there is too much, the check ends at the limit, says where, and calls nothing beyond it sound."""
    many = 1_000
    symbols = b.nlist(0, 2, 0, 0) * many
    names = b"\0" + b"x" * 65_000 + b"\0"
    library = b"!<arch>\n" + b.ar_member("x", b.macho(1, [])) * many
    words = b.macho(1, [b"\0\0\0\x0a\0\0\0\x08"] * 4000)
    section = b.section("__s", "__T", 0, 1 << 20, 300, 0, 300, many)
    files = {
        "symbols": b.macho(2, [b.symtab(52, many, 0, 0)], {52: symbols}),
        "names": b.macho(2, [b.symtab(52, 60, 52 + 720, len(names))], {52: b.nlist(1, 1, 0, 0) * 60, 772: names}),
        "relocations": b.macho(1, [b.segment("", 0, 1 << 20, 0, 0, sections=[section])], {300: b.reloc(0, 1) * many}),
        "defects": b.macho(2, [b.symtab(52, 600, 0, 0)], {52: b.nlist(9, 0x0B, 0, 0) * 600}),
        "members": library,
        "commands": words,
        "contents": b"!<arch>\n" + b.ar_member("__.SYMDEF", (8 * many).to_bytes(4, "big") + bytes(8 * many + 4)),
    }
    for name, data in files.items():
        assert "not-looked-further" not in {d.id for d in check(read(data), work=100_000)}, name
        found = [d for d in check(read(data), work=900) if d.id == "not-looked-further"]
        assert len(found) == 1, name
        assert found[0].severity == "error"
        assert 0 <= found[0].offset <= len(data), name
