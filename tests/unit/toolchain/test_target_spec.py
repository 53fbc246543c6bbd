"""Target specifications: one fault each, all of them at once, and mends that rustc really takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_nextrust import macho
from pytest_nextrust.errors import ConfigError, UsageFault
from pytest_nextrust.toolchain import BuildRequest, ToolchainConfig, resolve
from pytest_nextrust.toolchain.rust import ENVIRONMENT, TARGET, RustToolchain
from pytest_nextrust.toolchain.target_facts import TargetFacts, ask, words_of
from pytest_nextrust.toolchain.target_spec import REMOVED, examine, judge, mend, read
from tests.unit.toolchain.conftest import Run

FOLDER = Path(__file__).parent / "targets"
LAYOUT = "E-m:e-p:32:16:32-i8:8:8-i16:16:16-i32:16:32-n8:16:32-a:0:16-S16"
LISTED = [
    ("pointer-width-as-text", "target-pointer-width", "wrong type: integer", 'write "target-pointer-width": 32'),
    ("no-data-layout", "data-layout", "is missing", f'write "data-layout": "{LAYOUT}"'),
    ("data-layout-of-another-alignment", "data-layout", "not the m68k's", f'write "data-layout": "{LAYOUT}"'),
    ("renamed-key", "target-os", "earlier or later release's key", 'it is os now: write "os": "nextstep"'),
    ("boolean-as-text", "executables", "wrong type: boolean", 'write "executables": true'),
    ("unknown-key", "has-fpu", "reads no such key", "leave it out"),
    ("endian-not-said", "target-endian", "means little", 'write "target-endian": "big"'),
    ("cpu-of-the-shelf", "cpu", "no CPU of this back end", 'write "cpu": "M68030"'),
    ("no-llvm-target", "llvm-target", "is missing", 'write "llvm-target": "m68k"'),
    ("unwinding", "panic-strategy", "nothing here unwinds", 'write "panic-strategy": "abort"'),
    ("foreign-linker-flavor", "linker-flavor", "does not fit GNU ld", 'write "linker-flavor": "gnu-cc"'),
    ("atomics-of-64-bits", "max-atomic-width", "LLVM emits no cas2", 'write "max-atomic-width": 32'),
    ("misspelled-key", "relocation-modell", "reads no such key", 'write "relocation-model": "static"'),
]
"""File, key of its one fault, words of it, words of its mend."""

pytestmark = pytest.mark.needs_compiler("rust")


@pytest.fixture(scope="module")
def rust() -> RustToolchain:
    """The toolchain, its compiler looked up once."""
    toolchain = RustToolchain()
    assert toolchain.probe().found
    return toolchain


@pytest.fixture(scope="module")
def facts(rust: RustToolchain) -> TargetFacts:
    """What the compiler says of itself."""
    return ask(rust.probe().path, TARGET, ENVIRONMENT)


def _taken(rust: RustToolchain, document: Mapping[str, Any], folder: Path) -> str:
    """What rustc answers to a document; "" where it takes it in silence."""
    file = folder / "tried.json"
    file.write_text(json.dumps(document))
    command = [rust.probe().path, "-Zunstable-options", "--print", "cfg", "--target", str(file)]
    done = subprocess.run(command, env=dict(ENVIRONMENT), capture_output=True, text=True)
    return done.stderr or ("" if done.returncode == 0 else "failed in silence")


@pytest.mark.parametrize(("name", "key", "message", "remedy"), LISTED, ids=[row[0] for row in LISTED])
def test_one_fault_and_its_mend(
    rust: RustToolchain, tmp_path: Path, name: str, key: str, message: str, remedy: str
) -> None:
    """The one fault of a file is named with its mend; rustc takes the mended file, which has no fault."""
    mended = rust.examined(FOLDER / f"{name}.json")
    assert [fault.key for fault in mended.faults] == [key]
    assert message in mended.faults[0].message
    assert remedy in mended.faults[0].remedy
    again = tmp_path / "mended.json"
    again.write_text(mended.text)
    assert rust.examined(again).faults == ()
    assert _taken(rust, mended.document, tmp_path) == ""


def test_a_sound_one_has_no_fault(rust: RustToolchain) -> None:
    """The compiler's own target and a NeXT one of the same values are left as they are."""
    mended = rust.examined(FOLDER / "sound.json")
    assert mended.faults == ()
    assert mended.document == json.loads((FOLDER / "sound.json").read_text())


def test_every_fault_at_once(rust: RustToolchain, tmp_path: Path) -> None:
    """All faults of a document are told in one go, where rustc names the first alone."""
    document = json.loads((FOLDER / "sound.json").read_text())
    document |= {"target-pointer-width": "32", "cpu": "68040", "panic-strategy": "unwind", "max-atomic-width": 64}
    document |= {"target-os": document.pop("os"), "has-fpu": 1, "executables": "yes", "linker-flavor": "bpf"}
    del document["data-layout"]
    keys = {"target-pointer-width", "cpu", "panic-strategy", "max-atomic-width", "target-os", "has-fpu"}
    keys |= {"executables", "linker-flavor", "data-layout"}
    file = tmp_path / "all.json"
    file.write_text(json.dumps(document))
    mended = rust.examined(file)
    assert {fault.key for fault in mended.faults} == keys
    assert _taken(rust, document, tmp_path).count("error:") == 1
    assert _taken(rust, mended.document, tmp_path) == ""
    with pytest.raises(ConfigError) as caught:
        mended.require_sound("all.json")
    assert len(caught.value.faults) == len(keys)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 1 << 40), st.text(max_size=8), st.lists(st.text(max_size=4), max_size=2)
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_written_is_mended(
    rust: RustToolchain, facts: TargetFacts, tmp_path: Path, data: st.DataObject
) -> None:
    """Of any values under the compiler's keys and others comes a document that the compiler takes without a word."""
    names = st.sampled_from([*facts.keys, "is-like-osx", "target-env", "whatever"])
    # What LLVM is handed on the way is its own matter: it ends the process over words that it does not know.
    changed = data.draw(st.dictionaries(names.filter(lambda key: key != "llvm-args"), VALUES, max_size=4))
    document = {**facts.own, **changed}
    for key in data.draw(st.sets(st.sampled_from(sorted(facts.own)), max_size=2)):
        document.pop(key, None)
    file = tmp_path / "drawn.json"
    file.write_text(json.dumps(document))
    mended = rust.examined(file)
    assert _taken(rust, mended.document, tmp_path) == ""
    assert mended.faults or _taken(rust, document, tmp_path) == ""


def _blind(facts: TargetFacts) -> TargetFacts:
    return TargetFacts(facts.release, facts.own)


@pytest.mark.parametrize("name", [row[0] for row in LISTED])
def test_a_compiler_that_tells_no_schema(rust: RustToolchain, facts: TargetFacts, tmp_path: Path, name: str) -> None:
    """Where the compiler prints no schema, its answers to one try after the other lead to one that it takes."""
    document, twice = read(FOLDER / f"{name}.json")

    def refusal(changed: Mapping[str, Any]) -> tuple[str, ...]:
        file = tmp_path / "tried.json"
        file.write_text(json.dumps(changed))
        return words_of(rust.probe().path, file, ENVIRONMENT)

    mended = examine(document, _blind(facts), refusal, twice)
    assert mended.faults
    assert _taken(rust, mended.document, tmp_path) == ""


def test_what_only_the_compiler_knows(rust: RustToolchain, facts: TargetFacts, tmp_path: Path) -> None:
    """A rule that no schema has is told in the compiler's words, with the key that it is about."""
    file = tmp_path / "x.json"
    file.write_text(json.dumps({**facts.own, "min-atomic-width": 8, "llvm-args": ["-no-such-option"]}))
    mended = rust.examined(file)
    assert [fault.key for fault in mended.faults] == ["llvm-args"]
    assert "-no-such-option" in mended.faults[0].message
    assert "llvm-args" not in mended.document


def test_a_renamed_key_whose_new_name_is_there_too(facts: TargetFacts) -> None:
    """The old name goes, and what the new one says stays."""
    document = {**facts.own, "os": "none", "target-os": "nextstep"}
    (fault,) = judge(document, facts)
    assert fault.remedy == "leave it out; os is there"
    assert fault.changes == (("target-os", REMOVED),)
    assert mend(document, (fault,)) == {**facts.own, "os": "none"}


def test_a_right_form_of_a_wrong_value(facts: TargetFacts) -> None:
    """A value is not mended to one that is wrong for another reason."""
    (fault,) = judge({**facts.own, "binary-format": "macho"}, facts)
    assert (fault.key, fault.remedy) == ("binary-format", "leave it out")
    (fault,) = judge({**facts.own, "max-atomic-width": "64"}, facts)
    assert fault.changes == (("max-atomic-width", 32),)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not JSON"),
        ('{"arch": "m68k",', "not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"arch": "\udcff"}', "not JSON"),
    ],
)
def test_what_is_no_document(rust: RustToolchain, tmp_path: Path, text: str, fault: str) -> None:
    """A file that holds no JSON object is refused in words."""
    file = tmp_path / "x.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageFault, match=fault):
        rust.examined(file)


def test_a_key_that_is_there_twice(tmp_path: Path) -> None:
    """Nobody can tell which of the two was meant, so it is said; the last one counts, as JSON readers have it."""
    file = tmp_path / "x.json"
    file.write_text('{"arch": "arm", "arch": "m68k"}')
    document, faults = read(file)
    assert document == {"arch": "m68k"}
    assert [fault.key for fault in faults] == ["arch"]


def test_no_mend_helps(facts: TargetFacts) -> None:
    """Where the compiler refuses whatever is tried, that is said, and no endless tries are made."""
    tries = []

    def refusal(changed: Mapping[str, Any]) -> tuple[str, ...]:
        tries.append(changed)
        return ("no",)

    with pytest.raises(UsageFault, match="no mend of it is taken by rustc"):
        examine(facts.own, facts, refusal)
    assert len(tries) < 5


def test_a_program_for_a_target_of_ones_own(rust: RustToolchain, tmp_path: Path, run: Run) -> None:
    """A program is built for the specification, sees what it says, and runs; the project's settings may name it."""
    source = tmp_path / "x.rs"
    source.write_text("""#![no_std]
#![no_main]
extern crate next;
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    if cfg!(target_os = "nextstep") { 42 } else { 1 }
}
""")
    request = BuildRequest((source,), tmp_path / "x", profile="release")
    named = rust.build(BuildRequest((source,), tmp_path / "y", profile="release", target=FOLDER / "sound.json"))
    settings_of = ToolchainConfig(target=FOLDER / "sound.json")
    set_up = resolve("rust", None, settings_of).build(request)
    assert macho.check(macho.read(named.path.read_bytes()), cpu="m68030") == ()
    assert named.sha256 == set_up.sha256
    assert run(named).end.value == 42
    assert run(rust.build(request)).end.value == 1


def test_a_faulty_target_builds_nothing(rust: RustToolchain, tmp_path: Path) -> None:
    """Nothing is compiled for a specification with a fault, and nothing is written."""
    source = tmp_path / "x.rs"
    source.write_text("#![no_std]\n")
    with pytest.raises(ConfigError, match="target-pointer-width"):
        rust.build(BuildRequest((source,), tmp_path / "x", target=FOLDER / "pointer-width-as-text.json"))
    assert not (tmp_path / "x").exists()


def test_a_target_is_for_rust(tmp_path: Path) -> None:
    """A C source has no use for it."""
    source = tmp_path / "x.c"
    source.write_text("int main(void) { return 0; }\n")
    with pytest.raises(UsageFault, match="not Rust"):
        BuildRequest((source,), tmp_path / "x", target=FOLDER / "sound.json").validate()
