"""The gnu and clang toolchains: what they emit is sound, runs, is reproducible, and what they refuse is explained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_nextrust import macho
from pytest_nextrust.errors import BuildFailed, ConfigError, ToolchainError, ToolchainMissing, UsageFault
from pytest_nextrust.project.matrix import CPUS, PROFILES
from pytest_nextrust.toolchain import BuildRequest, ToolchainConfig, resolve, toolchains
from tests.unit.toolchain.conftest import Build, Run

C_TOOLCHAINS = [
    pytest.param("gnu", marks=pytest.mark.needs_compiler("gnu")),
    pytest.param("clang", marks=pytest.mark.needs_compiler("clang")),
]

_LAYOUT = """
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
struct odd { char c; }; struct three { char c[3]; };
struct mixed { char a; long b; char c; double d; long long e; };
int main(int argc, char **argv)
{
	printf("%d %d %d %d %d\\n", (int)sizeof(struct mixed), (int)offsetof(struct mixed, b),
		(int)offsetof(struct mixed, d), (int)offsetof(struct mixed, e), (int)sizeof(struct stat));
	return argc;
}
"""


@pytest.mark.parametrize("toolchain", C_TOOLCHAINS)
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("profile", PROFILES)
def test_structs_are_laid_out_as_next_does(build: Build, run: Run, toolchain: str, cpu: str, profile: str) -> None:
    """Every member is aligned to two bytes at most, in every cell and by both compilers; the Mach-O has no defect."""
    result = build(_LAYOUT, toolchain=toolchain, cpu=cpu, profile=profile)
    assert macho.check(macho.read(result.path.read_bytes()), cpu=cpu) == ()
    record = run(result, cpu=cpu, argv=(b"a", b"b"))
    assert (record.end.kind, record.end.value) == ("exit", 2)
    assert record.stdout == b"24 2 8 16 60\n"
    assert result.toolchain == toolchain
    assert result.provenance == "built"


@pytest.mark.needs_compiler("gnu")
def test_several_sources_of_two_languages(tmp_path: Path, run: Run) -> None:
    """C and assembly link into one program, in a folder with a space in its name; equal names do not collide."""
    folder = tmp_path / "a folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "x.c").write_text("int half(int); int main(void) { return half(42); }\n")
    (folder / "sub/x.S").write_text("\t.globl half\nhalf:\tmove.l 4(%sp),%d0\n\tasr.l #1,%d0\n\trts\n")
    request = BuildRequest((folder / "x.c", folder / "sub/x.S"), folder / "the program")
    record = run(toolchains(ToolchainConfig())["gnu"].build(request))
    assert record.end.value == 21


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("optimise", ["0", "1", "2", "3", "s"])
def test_a_level_overrides_the_profile(build: Build, optimise: str) -> None:
    """The level asked for is the one on the compiler's command line, whatever the profile."""
    result = build("int main(void) { return 0; }", profile="release", optimise=optimise)
    compiles = [command for command in result.commands if "-c" in command]
    assert f"-O{optimise}" in compiles[-1]


@pytest.mark.needs_compiler("gnu")
def test_the_same_sources_elsewhere_make_the_same_bytes(tmp_path: Path) -> None:
    """Neither the folder nor the time of a build reaches the program, even where it names its source file."""
    hashes = set()
    for name in ("here", "there and elsewhere"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "x.c").write_text("#include <stdio.h>\nint main(void) { return puts(__FILE__ __DATE__) < 0; }\n")
        request = BuildRequest((folder / "x.c",), folder / "x", profile="debug")
        hashes.add(toolchains(ToolchainConfig())["gnu"].build(request).sha256)
    assert len(hashes) == 1


@pytest.mark.parametrize("toolchain", C_TOOLCHAINS)
def test_a_source_that_does_not_compile(build: Build, tmp_path: Path, toolchain: str) -> None:
    """The compiler's words and its command line are shown, and nothing is left at the output."""
    with pytest.raises(BuildFailed) as raised:
        build("int main(void) { return missing_name; }", toolchain=toolchain)
    assert "missing_name" in str(raised.value)
    assert "program.c" in " ".join(raised.value.command)
    assert not (tmp_path / "program.macho").exists()


@pytest.mark.needs_compiler("gnu")
def test_a_program_that_does_not_link(build: Build) -> None:
    """The linker's words and its command line are shown."""
    with pytest.raises(BuildFailed, match="undefined reference to `nowhere'") as raised:
        build("int nowhere(void); int main(void) { return nowhere(); }")
    assert raised.value.command[0].endswith("ld")


@pytest.mark.needs_compiler("gnu")
def test_an_old_program_survives_a_failed_build(build: Build, tmp_path: Path) -> None:
    """A build replaces its output whole or leaves the old file as it was."""
    old = build("int main(void) { return 1; }").path.read_bytes()
    with pytest.raises(BuildFailed):
        build("int main(void) {")
    assert (tmp_path / "program.macho").read_bytes() == old
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.needs_compiler("gnu")
def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    """An output in a folder that is not there is an error that names it."""
    (tmp_path / "x.c").write_text("int main(void) { return 0; }")
    request = BuildRequest((tmp_path / "x.c",), tmp_path / "absent/x")
    with pytest.raises(ToolchainError, match="cannot write: No such file or directory"):
        toolchains(ToolchainConfig())["gnu"].build(request)


@pytest.mark.needs_compiler("gnu")
def test_a_program_may_bring_its_own_library_function(build: Build, run: Run) -> None:
    """A function of the program's own takes the place of the library's of the same name."""
    text = (
        "#include <stdio.h>\nunsigned strlen(const char *s) { return 2; }\n"
        'int main(void) { return fputs("four", stdout); }'
    )
    assert run(build(text)).stdout == b"fo"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cpu": "m68020"}, "no CPU 'm68020'"),
        ({"profile": "fast"}, "no profile 'fast'"),
        ({"optimise": "9"}, "no level '9'"),
        ({"sources": ()}, "no source given"),
        ({"sources": (Path(__file__).with_name("no-such.c"),)}, "no such file"),
        ({"sources": (Path("/"),)}, "is a folder"),
        ({"linker": "lld"}, "no linker 'lld'"),
        ({"sources": (Path(__file__), Path(__file__)), "link": "object"}, "made of one source"),
    ],
)
def test_requests_that_make_no_sense(tmp_path: Path, fields: dict[str, object], message: str) -> None:
    """A wrong CPU, profile, level, source or kind of output is refused before any compiler runs."""
    (tmp_path / "x.c").write_text("")
    whole = {"sources": (tmp_path / "x.c",), "out": tmp_path / "x", **fields}
    with pytest.raises(UsageFault, match=message):
        toolchains(ToolchainConfig())["gnu"].build(BuildRequest(**whole))  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "package"), [("gnu", "gcc-m68k-linux-gnu"), ("clang", "clang-19")])
def test_without_a_compiler(no_compilers: Path, tmp_path: Path, name: str, package: str) -> None:
    """With nothing on PATH the probe names what is missing and its package, and a build says the same."""
    toolchain = toolchains(ToolchainConfig())[name]
    probe = toolchain.probe()
    assert not probe.found
    assert "m68k-linux-gnu-ld" in probe.missing
    assert package in probe.remedy
    (tmp_path / "x.c").write_text("")
    with pytest.raises(ToolchainMissing, match="m68k-linux-gnu-ld"):
        toolchain.build(BuildRequest((tmp_path / "x.c",), tmp_path / "x"))


@pytest.mark.needs_compiler("gnu")
def test_a_compiler_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler killed half-way (out of memory, say) is a failed build that says which signal."""
    real = toolchains(ToolchainConfig())["gnu"].probe().path
    fake = tmp_path / "bin"
    fake.mkdir()
    script = f'#!/bin/sh\ncase "$*" in *program.c*) kill -9 $$;; *) exec {real} "$@";; esac\n'
    (fake / "m68k-linux-gnu-gcc").write_text(script)
    (fake / "m68k-linux-gnu-gcc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "program.c").write_text("int main(void) { return 0; }")
    with pytest.raises(BuildFailed, match="killed by SIGKILL"):
        toolchains(ToolchainConfig())["gnu"].build(BuildRequest((tmp_path / "program.c",), tmp_path / "x"))


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("name", ["gnu", "clang", "rust"])
def test_compilers_without_the_elf_reader_are_not_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot make Mach-O is no toolchain: the probe names pyelftools and its extra, so that prebuilt serves."""
    monkeypatch.setattr("pytest_nextrust.toolchain.cruntime.find_spec", lambda module: None)
    probe = toolchains()[name].probe()
    assert not probe.found
    assert "pyelftools" in probe.missing
    assert "pip install 'pytest-nextrust[elf]'" in probe.remedy


@pytest.mark.parametrize("toolchain", C_TOOLCHAINS)
@pytest.mark.parametrize("profile", PROFILES)
def test_main_without_a_return_answers_0(build: Build, run: Run, toolchain: str, profile: str) -> None:
    """C99 5.1.2.2.3: reaching the brace that ends main answers 0, whatever was computed last."""
    text = '#include <stdint.h>\nextern int printf(const char *, ...);\nint main(void) { printf("hello\\n"); }\n'
    result = build(text, toolchain=toolchain, profile=profile)
    record = run(result)
    assert (record.end.kind, record.end.value, record.stdout) == ("exit", 0, b"hello\n")
    assert "warning" not in result.log


@pytest.mark.needs_compiler("gnu")
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("profile", PROFILES)
def test_nested_functions_are_called_through_pointers(build: Build, run: Run, cpu: str, profile: str) -> None:
    """GNU C writes a trampoline on the stack: it may be executed there, and what ran in its place before is gone."""
    text = """
extern int printf(const char *, ...);
static int apply(int (*f)(int), int x) { return f(x); }
static int twice(int k) { int add(int x) { return x + k; } return apply(add, 4); }
static int product(int k) { int times(int x) { return x * k; } return apply(times, 4); }
int main(void) { int n; for (n = 3; n < 6; n++) printf("%d %d\\n", twice(n), product(n)); return 0; }
"""
    record = run(build(text, cpu=cpu, profile=profile), cpu=cpu)
    assert (record.end.kind, record.stdout) == ("exit", b"7 12\n8 16\n9 20\n")
    assert [trap.number for trap in record.traps if trap.klass == "machine"].count(2) == 6


def clangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two releases of clang with the back end, which answer nothing but their version and CPUs."""
    for release in ("19.1.7", "22.1.8"):
        file = folder / f"clang-{release.partition('.')[0]}"
        file.write_text(f"#!/bin/sh\necho clang version {release}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_which_release_clang_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest, or the project's; each installed one by its own name, and one that is missing named with a remedy."""
    clangs(tmp_path, monkeypatch)
    monkeypatch.delenv("NEXTRUST_CLANG", raising=False)
    found = toolchains(ToolchainConfig())
    assert found["clang"].probe().version == found["clang-22"].probe().version == "clang version 22.1.8"
    assert found["clang-19"].probe().version == "clang version 19.1.7"
    (tmp_path / "nextrust.toml").write_text('[toolchain.clang]\nversion = "19"\n')
    assert toolchains(ToolchainConfig.load(tmp_path))["clang"].probe().version == "clang version 19.1.7"
    monkeypatch.setenv("NEXTRUST_CLANG", "19")
    assert toolchains(ToolchainConfig())["clang"].probe().version == "clang version 19.1.7"
    assert toolchains(ToolchainConfig())["clang-22"].probe().version == "clang version 22.1.8"
    with pytest.raises(ToolchainMissing, match="apt-get install clang-18"):
        resolve("c", "clang-18", ToolchainConfig())


def test_a_release_that_is_no_number(tmp_path: Path) -> None:
    """A version of clang is its major number as text; anything else is a fault with the remedy."""
    (tmp_path / "nextrust.toml").write_text('[toolchain.clang]\nversion = "newest"\n')
    with pytest.raises(ConfigError, match="the major version as text"):
        ToolchainConfig.load(tmp_path)
