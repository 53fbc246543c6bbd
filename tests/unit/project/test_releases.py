"""Names of releases: one of clang is of clang, and nothing else has any."""

from __future__ import annotations

import pytest

from pytest_nextrust.project.releases import is_of, release_of


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("clang-22", ("clang", 22)),
        ("clang-9", ("clang", 9)),
        ("clang", None),
        ("clang-", None),
        ("clang-09", None),
        ("clang-123", None),
        ("clang-22-next", None),
        ("gnu-12", None),
        ("my-clang-22", None),
    ],
)
def test_the_release_that_a_name_means(name: str, release: tuple[str, int] | None) -> None:
    """Two digits without a leading nought, of clang alone: a project's own toolchain may be called anything else."""
    assert release_of(name) == release


def test_a_release_is_of_its_toolchain() -> None:
    """What is said of clang holds for each of its releases, and what is said of one for that alone."""
    assert is_of("clang-22", "clang")
    assert is_of("clang-22", "clang-22")
    assert is_of("gnu", "gnu")
    assert not is_of("clang", "clang-22")
    assert not is_of("clang-19", "clang-22")
    assert not is_of("gnu-12", "gnu")
