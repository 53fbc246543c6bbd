"""What the commands that build Rust are told of a package: the member, the target, the features; or of a crate's root,
the edition.

Boundary: from options to ``CrateOptions``; whether they fit the sources is the build request's to judge.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_nextrust.toolchain.crates import CrateOptions

__all__ = ["add_crate_options", "crate_options", "crate_words"]

EDITIONS = ("2015", "2018", "2021", "2024")


def add_crate_options(parser: argparse.ArgumentParser) -> None:
    """The options, in cargo's own spelling, as a group of their own."""
    group = parser.add_argument_group("Rust packages (a folder with a Cargo.toml)")
    group.add_argument("-p", "--package", metavar="NAME", default="", help="the member of the workspace")
    target = group.add_mutually_exclusive_group()
    target.add_argument("--lib", action="store_true", help="its library")
    target.add_argument("--bin", metavar="NAME", default="", help="this program of it; default: its only one")
    target.add_argument("--example", metavar="NAME", default="", help="this example")
    target.add_argument("--test", metavar="NAME", default="", help="this integration test")
    group.add_argument(
        "--features", metavar="LIST", action="append", default=[], help="features to switch on, with commas; repeatable"
    )
    group.add_argument("--all-features", action="store_true", help="switch on all of its features")
    group.add_argument("--no-default-features", action="store_true", help="leave out its default features")
    group.add_argument(
        "--edition", choices=EDITIONS, default="", help="for a crate's root (.rs) without a package; default: 2024"
    )


def crate_options(args: argparse.Namespace, *, prefer_library: bool = False) -> CrateOptions:
    """What the options say."""
    from pytest_nextrust.toolchain.crates import CrateOptions

    listed = [name for given in args.features for name in given.replace(",", " ").split()]
    return CrateOptions(
        package=args.package,
        lib=args.lib,
        bin=args.bin,
        example=args.example,
        test=args.test,
        features=tuple(dict.fromkeys(listed)),
        all_features=args.all_features,
        no_default_features=args.no_default_features,
        edition=args.edition,
        prefer_library=prefer_library,
    )


def crate_words(options: CrateOptions) -> list[str]:
    """The options as words of a command line that asks for the same again."""
    edition = ["--edition", options.edition] if options.edition else []
    return [*options.arguments, *options.target, *edition]
