"""C functions that have an atomic operation in another place than behind a plain pointer, or use its result otherwise.

A back end chooses other addresses and other instructions there. A shape is where the object is (a plain pointer, an
element ``p[i]``, a field, a global, a local, an argument), what is done with the result (returned, unused, compared,
branched on), and whether the operand is a constant. Each function still means its routine, and is called alone: to say
so it reads the object again by plain moves, or moves it to where the shape wants it, which other threads would see.

Which shapes: of 4 bytes every operation in every place, of the other sizes likewise with the sizes taken in turn; uses
and constants in turn, so that any two of operation, place, size, use and constant come together.

Boundary: text. What is hidden from the compiler goes through volatile objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_nextrust.atomics.compilers.functions import PREFIX, Operation
from pytest_nextrust.atomics.table import OPERATIONS

__all__ = ["FORMS", "NAMES", "PREAMBLE", "USES", "Shape", "shapes", "source_of"]

FORMS = ("pointer", "index", "field", "global", "local", "argument")
USES = ("returned", "unused", "compared", "branched")
NAMES = (
    "__atomic_load",
    "__atomic_store",
    "__atomic_exchange",
    "__atomic_compare_exchange",
    *(f"__atomic_fetch_{name}" for name in OPERATIONS),
    *(f"__atomic_{name}_fetch" for name in OPERATIONS),
    "__sync_val_compare_and_swap",
    "__sync_bool_compare_and_swap",
)
"""The routines' families, without size."""
OTHER_SIZES = (1, 2, 8)
CONSTANT = 1

_TYPES = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long long"}
_PLACE = 3
"""The index of an element."""

PREAMBLE = "\n".join(
    f"struct nextrust_record_{size} {{ short before; {kind} wanted; char after; }};\n"
    f"static {kind} nextrust_global_{size};"
    for size, kind in _TYPES.items()
)
"""What the functions of all shapes use."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An operation of ``size`` bytes in a place, with a use of its result; ``constant``: its operand may be one."""

    family: str
    size: int
    form: str
    use: str
    constant: bool

    @property
    def name(self) -> str:
        """The function's name."""
        constant = "_constant" if self.constant else ""
        return f"{PREFIX}{self.family.lstrip('_')}_{self.size}_at_{self.form}_{self.use}{constant}"


def shapes() -> Iterator[Shape]:
    """The shapes that are made, each once."""
    seen = set()
    for number, family in enumerate(NAMES):
        for place, form in enumerate(FORMS):
            for size in (4, OTHER_SIZES[(number + place) % len(OTHER_SIZES)]):
                use = USES[(number + place + (size == 4)) % len(USES)]
                constant = bool((number // 2 + place) & 1)
                if family == "__atomic_load":
                    constant = False
                if family == "__atomic_store":
                    use = "returned"
                shape = Shape(family, size, form, use, constant)
                plain = form == "pointer" and use == "returned" and not constant
                if not plain and shape not in seen:
                    seen.add(shape)
                    yield shape


def source_of(shape: Shape) -> Operation:
    """The function of a shape."""
    kind = _TYPES[shape.size]
    slot = kind if shape.size == 8 else "unsigned long"
    types = {"value": f"{slot} value", "old": f"{slot} old", "expected": f"{kind} *expected"}
    arguments = _arguments(shape.family)
    result = "void" if shape.family == "__atomic_store" else "int" if _compares(shape.family) else slot
    listed = ", ".join([f"{kind} *object", *(types[argument] for argument in arguments)])
    head = f"{result} {shape.name}({listed})"
    if shape.form == "argument":
        text = _by_argument(shape, result, ", ".join(types[argument] for argument in arguments), head)
    else:
        before, at, after = _place(shape)
        text = _function(head, result, before, _body(shape, at), after)
    return Operation(shape.name, f"{shape.family}_{shape.size}", text, shape.size, min(shape.size, 2), alone=True)


def _arguments(family: str) -> tuple[str, ...]:
    if family == "__atomic_load":
        return ()
    if family.startswith("__sync_"):
        return "old", "value"
    return ("expected", "value") if family == "__atomic_compare_exchange" else ("value",)


def _compares(family: str) -> bool:
    return family in ("__atomic_compare_exchange", "__sync_bool_compare_and_swap")


def _function(head: str, result: str, before: list[str], body: list[str], after: list[str]) -> str:
    declared = [] if result == "void" else [f"{result} result;"]
    ends = [] if result == "void" else ["return result;"]
    lines = "".join(f"\t{line}\n" for line in (*declared, *before, *body, *after, *ends))
    return f"{head}\n{{\n{lines}}}\n"


def _by_argument(shape: Shape, result: str, types: str, head: str) -> str:
    """The object is an argument of a function of its own, which hands back what it then holds."""
    kind = _TYPES[shape.size]
    given = "".join(f", {argument}" for argument in _arguments(shape.family))
    declared = f"__attribute__((noinline)) {result} {shape.name}_inner({kind} moved, {kind} *back"
    declared += f", {types})" if types else ")"
    inner = _function(declared, result, [], _body(shape, "&moved"), ["*back = moved;"])
    call = f"{shape.name}_inner(*object, object{given});"
    return f"{inner}{head}\n{{\n\t{'' if result == 'void' else 'return '}{call}\n}}\n"


def _place(shape: Shape) -> tuple[list[str], str, list[str]]:
    """What comes before, the address, and what comes after."""
    kind, size = _TYPES[shape.size], shape.size
    if shape.form == "index":
        hidden = f"{kind} *volatile hidden = object - {_PLACE}, *first = hidden;"
        return [hidden, f"volatile long chosen = {_PLACE};", "long index = chosen;"], "first + index", []
    if shape.form == "field":
        record = f"struct nextrust_record_{size}"
        distance = f"__builtin_offsetof({record}, wanted)"
        hidden = f"{record} *volatile hidden = ({record} *)((char *)object - {distance}), *record = hidden;"
        return [hidden], "&record->wanted", []
    if shape.form == "global":
        return (
            [f"nextrust_global_{size} = *object;"],
            f"&nextrust_global_{size}",
            [f"*object = nextrust_global_{size};"],
        )
    if shape.form == "local":
        moved = [f"{kind} local = *object, *volatile escaped = &local;", "(void)escaped;"]
        return moved, "&local", ["*object = local;"]
    return [], "object", []


def _body(shape: Shape, at: str) -> list[str]:
    if not shape.constant:
        return _use(shape, at, f"({_TYPES[shape.size]})value")
    kind = _TYPES[shape.size]
    chosen, other = (_use(shape, at, operand) for operand in (str(CONSTANT), f"({kind})value"))
    return [f"volatile {kind} given = value;", f"if (given == {CONSTANT}) {{", *chosen, "} else {", *other, "}"]


def _use(shape: Shape, at: str, operand: str) -> list[str]:
    """The operation and what is done with its result; the right one is read by plain moves before or after."""
    call = _call(shape.family, at, operand)
    kind = _TYPES[shape.size]
    if shape.family == "__atomic_store":
        return [f"{call};"]
    if shape.use == "returned":
        return [f"result = {call};"]
    plain = f"*(volatile {kind} *)({at})"
    if shape.family.endswith("_fetch"):
        before, right = "", plain
    elif _compares(shape.family):
        wanted = "*expected" if "expected" in _arguments(shape.family) else f"({kind})old"
        before, right = f"volatile int right = {plain} == {wanted};", "right"
    else:
        before, right = f"volatile {kind} right = {plain};", "right"
    first = [before] if before else []
    result = "int" if _compares(shape.family) else kind
    if shape.use == "unused":
        return ["{", *first, f"{call};", f"result = {right};", "}"]
    if shape.use == "compared":
        made = f"{result} found = {call}, wanted = {right};"
        return ["{", *first, made, "result = wanted;", "if (found != wanted)", "\tresult = ~wanted;", "}"]
    return ["{", *first, "result = 0;", f"if ({call})", f"\tresult = {right};", "}"]


def _call(family: str, at: str, operand: str) -> str:
    order = "__ATOMIC_SEQ_CST"
    if family.startswith("__sync_"):
        return f"{family}({at}, ({_typeof(at)})old, {operand})"
    if family == "__atomic_load":
        return f"__atomic_load_n({at}, {order})"
    if family == "__atomic_compare_exchange":
        return f"__atomic_compare_exchange_n({at}, expected, {operand}, 0, {order}, {order})"
    name = f"{family}_n" if family in ("__atomic_store", "__atomic_exchange") else family
    return f"{name}({at}, {operand}, {order})"


def _typeof(at: str) -> str:
    return f"__typeof__(*({at}))"
