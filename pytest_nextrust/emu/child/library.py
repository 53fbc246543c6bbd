"""The emulator's library, called directly: the calls that this package needs, and the constants that go with them.

The unicorn package brings the library and a class for it. Importing that class, with every CPU's constants and what it
looks for on the way, takes five times as long as loading the library, in each child. ``Uc`` here has the names and the
meaning of the package's; a test runs both and compares, and compares the constants.

Boundary: the one place that loads the library. It says nothing about its use.
Source: ``unicorn/unicorn.h`` and ``unicorn/m68k.h`` of release 2.1.4.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import PathFinder
from typing import Any

__all__ = ["FILE", "VERSION", "Uc", "UcError", "address", "function", "m68k", "uc"]

NAMES = {"darwin": "libunicorn.2.dylib"}
"""What the library's file is called where it is not ``libunicorn.so.2``."""


class uc:  # noqa: N801 - as the package's module is called
    """The constants that are no CPU's own."""

    UC_ERR_OK = 0
    UC_ARCH_M68K = 7
    UC_MODE_BIG_ENDIAN = 1 << 30
    UC_PROT_READ, UC_PROT_WRITE, UC_PROT_EXEC = 1, 2, 4
    UC_HOOK_INTR = 1 << 0
    UC_HOOK_CODE = 1 << 2
    UC_HOOK_BLOCK = 1 << 3
    UC_HOOK_MEM_READ = 1 << 10
    UC_HOOK_MEM_WRITE = 1 << 11
    UC_HOOK_MEM_INVALID = 0b111111 << 4
    UC_HOOK_EDGE_GENERATED = 1 << 15
    UC_MEM_READ, UC_MEM_WRITE, UC_MEM_FETCH = 16, 17, 18
    UC_MEM_READ_UNMAPPED, UC_MEM_WRITE_UNMAPPED, UC_MEM_FETCH_UNMAPPED = 19, 20, 21
    UC_MEM_WRITE_PROT, UC_MEM_READ_PROT, UC_MEM_FETCH_PROT = 22, 23, 24
    UC_CTL_UC_USE_EXITS = 4
    UC_CTL_UC_EXITS = 6
    UC_CTL_CPU_MODEL = 7
    UC_CTL_TB_REMOVE_CACHE = 9
    UC_CTL_TB_FLUSH = 10
    UC_CTL_TCG_BUFFER_SIZE = 13
    UC_CTL_IO_WRITE = 1


class m68k:  # noqa: N801 - as the package's module is called
    """The numbers of the registers that are read and written one by one."""

    UC_M68K_REG_A0, UC_M68K_REG_A7 = 1, 8
    UC_M68K_REG_D0, UC_M68K_REG_D1 = 9, 10
    UC_M68K_REG_SR = 17
    UC_M68K_REG_CR_CACR = 22


def _find() -> str:
    """The library's file, which stands beside the package. Raises ImportError."""
    spec = PathFinder.find_spec("unicorn")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = os.path.join(folder, "lib", NAMES.get(sys.platform, "libunicorn.so.2"))  # noqa: PTH118
        if os.path.exists(file):  # noqa: PTH110
            return file
    raise ImportError("the package unicorn is not installed, or brings no library for this system", name="unicorn")


FILE = _find()
_library = ctypes.CDLL(FILE)


class _Translated(ctypes.Structure):
    """A block of code that has been translated (``uc_tb``)."""

    _fields_ = (("pc", ctypes.c_uint64), ("icount", ctypes.c_uint16), ("size", ctypes.c_uint16))


class _MappedRange(ctypes.Structure):
    """A range of memory, its end included (``uc_mem_region``)."""

    _fields_ = (("begin", ctypes.c_uint64), ("end", ctypes.c_uint64), ("perms", ctypes.c_uint32))


_POINTER, _NUMBER, _INT, _WORD = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int, ctypes.c_uint32

_ON_INTERRUPT = ctypes.CFUNCTYPE(None, _POINTER, _WORD, _POINTER)
_ON_CODE = ctypes.CFUNCTYPE(None, _POINTER, _NUMBER, _WORD, _POINTER)
_ON_ACCESS = ctypes.CFUNCTYPE(None, _POINTER, _INT, _NUMBER, _INT, ctypes.c_int64, _POINTER)
_ON_INVALID = ctypes.CFUNCTYPE(ctypes.c_bool, _POINTER, _INT, _NUMBER, _INT, ctypes.c_int64, _POINTER)
_ON_EDGE = ctypes.CFUNCTYPE(None, _POINTER, ctypes.POINTER(_Translated), ctypes.POINTER(_Translated), ctypes.c_void_p)

_CALLBACKS: dict[int, Any] = {
    uc.UC_HOOK_INTR: _ON_INTERRUPT,
    uc.UC_HOOK_CODE: _ON_CODE,
    uc.UC_HOOK_BLOCK: _ON_CODE,
    uc.UC_HOOK_MEM_READ: _ON_ACCESS,
    uc.UC_HOOK_MEM_WRITE: _ON_ACCESS,
    uc.UC_HOOK_MEM_READ | uc.UC_HOOK_MEM_WRITE: _ON_ACCESS,
    uc.UC_HOOK_MEM_INVALID: _ON_INVALID,
    uc.UC_HOOK_EDGE_GENERATED: _ON_EDGE,
}

for _name, _arguments in {
    "uc_close": (_POINTER,),
    "uc_context_alloc": (_POINTER, _POINTER),
    "uc_context_free": (_POINTER,),
    "uc_context_restore": (_POINTER, _POINTER),
    "uc_context_save": (_POINTER, _POINTER),
    "uc_ctl": (_POINTER, _WORD),
    "uc_emu_start": (_POINTER, _NUMBER, _NUMBER, _NUMBER, ctypes.c_size_t),
    "uc_emu_stop": (_POINTER,),
    "uc_free": (_POINTER,),
    "uc_hook_add": (_POINTER, _POINTER, _INT, _POINTER, _POINTER, _NUMBER, _NUMBER),
    "uc_hook_del": (_POINTER, ctypes.c_size_t),
    "uc_mem_map": (_POINTER, _NUMBER, _NUMBER, _WORD),
    "uc_mem_map_ptr": (_POINTER, _NUMBER, _NUMBER, _WORD, _POINTER),
    "uc_mem_protect": (_POINTER, _NUMBER, _NUMBER, _WORD),
    "uc_mem_read": (_POINTER, _NUMBER, _POINTER, _NUMBER),
    "uc_mem_regions": (_POINTER, _POINTER, _POINTER),
    "uc_mem_unmap": (_POINTER, _NUMBER, _NUMBER),
    "uc_mem_write": (_POINTER, _NUMBER, ctypes.c_char_p, _NUMBER),
    "uc_open": (_WORD, _WORD, _POINTER),
    "uc_reg_write": (_POINTER, _INT, _POINTER),
    "uc_strerror": (_INT,),
    "uc_version": (_POINTER, _POINTER),
}.items():
    getattr(_library, _name).argtypes = _arguments
_library.uc_strerror.restype = ctypes.c_char_p
_library.uc_version.restype = _WORD

_version = _library.uc_version(None, None)
VERSION = f"{_version >> 24}.{_version >> 16 & 255}.{_version >> 8 & 255}"
"""The library's release."""


class UcError(Exception):
    """A call that the library refused; ``errno`` is its status."""

    def __init__(self, errno: int) -> None:
        super().__init__(_library.uc_strerror(errno).decode("ascii"))
        self.errno = errno


def _done(status: int) -> None:
    if status:
        raise UcError(status)


def _filled(call: Any, *arguments: int) -> int:
    """The address that a call puts where its last argument points."""
    found = ctypes.c_void_p()
    _done(call(*arguments, ctypes.byref(found)))
    return int(found.value or 0)


class _Context:
    """Room for the state of a CPU, at ``address``."""

    def __init__(self, engine: int) -> None:
        self.address = 0
        self.address = _filled(_library.uc_context_alloc, engine)

    def __del__(self, _free: Any = _library.uc_context_free) -> None:
        # A default: at the interpreter's end this module's names are gone.
        if self.address:
            _free(self.address)


class Uc:
    """One emulated CPU with its memory. Every method raises UcError where the library refuses.

    ``handle`` is the engine's address. A callback gets this object first and ``user_data`` last; what it raises stops
    the run, and is raised by ``emu_start``.
    """

    def __init__(self, arch: int, mode: int, cpu: int) -> None:
        self.handle = 0
        self._callbacks: dict[int, Any] = {}
        self._raised: BaseException | None = None
        self.handle = _filled(_library.uc_open, arch, mode)
        self._control(uc.UC_CTL_CPU_MODEL, ctypes.c_int(cpu))

    def __del__(self, _close: Any = _library.uc_close) -> None:
        if self.handle:
            _close(self.handle)

    # -- memory --------------------------------------------------------------------------------------------------------

    def mem_map(self, address: int, size: int, perms: int) -> None:
        """Add zeroed pages."""
        _done(_library.uc_mem_map(self.handle, address, size, perms))

    def mem_map_ptr(self, address: int, size: int, perms: int, pointer: int) -> None:
        """Add pages that are the host's memory at ``pointer``, which must stay."""
        _done(_library.uc_mem_map_ptr(self.handle, address, size, perms, pointer))

    def mem_unmap(self, address: int, size: int) -> None:
        """Remove pages."""
        _done(_library.uc_mem_unmap(self.handle, address, size))

    def mem_protect(self, address: int, size: int, perms: int) -> None:
        """Change what may be done with pages."""
        _done(_library.uc_mem_protect(self.handle, address, size, perms))

    def mem_read(self, address: int, size: int) -> bytes:
        """Bytes, whatever their pages' protection."""
        data = ctypes.create_string_buffer(size)
        _done(_library.uc_mem_read(self.handle, address, data, size))
        return data.raw

    def mem_write(self, address: int, data: bytes) -> None:
        """Set bytes, whatever their pages' protection."""
        _done(_library.uc_mem_write(self.handle, address, bytes(data), len(data)))

    def mem_regions(self) -> Iterator[tuple[int, int, int]]:
        """First and last address of each range of memory, and its protection."""
        regions, count = ctypes.POINTER(_MappedRange)(), ctypes.c_uint32()
        _done(_library.uc_mem_regions(self.handle, ctypes.byref(regions), ctypes.byref(count)))
        found = [(r.begin, r.end, r.perms) for r in regions[: count.value]]
        _library.uc_free(regions)
        return iter(found)

    # -- the CPU's state -----------------------------------------------------------------------------------------------

    def reg_write(self, register: int, value: int) -> None:
        """Set a register of at most 64 bits."""
        _done(_library.uc_reg_write(self.handle, register, ctypes.byref(ctypes.c_uint64(value))))

    def context_save(self) -> _Context:
        """A copy of the whole state."""
        context = _Context(self.handle)
        self.context_update(context)
        return context

    def context_update(self, context: _Context) -> None:
        """Copy the whole state to where there is room for it."""
        _done(_library.uc_context_save(self.handle, context.address))

    def context_restore(self, context: _Context) -> None:
        """Go back to a copy of the state."""
        _done(_library.uc_context_restore(self.handle, context.address))

    # -- running -------------------------------------------------------------------------------------------------------

    def emu_start(self, begin: int, until: int, timeout: int = 0, count: int = 0) -> None:
        """Run from ``begin`` to ``until``, at most ``timeout`` µs and ``count`` instructions (0: no limit)."""
        self._raised = None
        _done(_library.uc_emu_start(self.handle, begin, until, timeout, count))
        if self._raised is not None:
            raise self._raised

    def emu_stop(self) -> None:
        """Stop the run that this is called in."""
        _done(_library.uc_emu_stop(self.handle))

    def hook_add(
        self, htype: int, callback: Callable[..., Any], user_data: Any = None, begin: int = 1, end: int = 0
    ) -> int:
        """Have ``callback`` called for one kind of event between two addresses (by default everywhere)."""

        def guarded(_engine: int, *event: Any) -> Any:
            try:
                return callback(self, *map(_opened, event[:-1]), user_data)
            except BaseException as error:  # noqa: BLE001 - no exception crosses the library; emu_start raises it
                self._raised = self._raised or error
                self.emu_stop()
                return False

        return self.hook_add_native(htype, _CALLBACKS[htype](guarded), None, begin, end)

    def hook_add_native(self, htype: int, callback: Any, user_data: Any, begin: int, end: int) -> int:
        """The same with a C function, and a pointer for it."""
        handle = ctypes.c_size_t()
        function = ctypes.cast(callback, ctypes.c_void_p)
        _done(_library.uc_hook_add(self.handle, ctypes.byref(handle), htype, function, user_data, begin, end))
        self._callbacks[handle.value] = callback
        return handle.value

    def hook_del(self, handle: int) -> None:
        """Have a callback called no more."""
        _done(_library.uc_hook_del(self.handle, handle))
        del self._callbacks[handle]

    # -- translated code -----------------------------------------------------------------------------------------------

    def ctl_set_tcg_buffer_size(self, size: int) -> None:
        """How many bytes translated code may take."""
        self._control(uc.UC_CTL_TCG_BUFFER_SIZE, ctypes.c_uint32(size))

    def ctl_exits_enabled(self, enable: bool) -> None:
        """Whether runs stop in front of the addresses of ``ctl_set_exits``, or of their own ``until``."""
        self._control(uc.UC_CTL_UC_USE_EXITS, ctypes.c_int(enable))

    def ctl_set_exits(self, exits: Sequence[int]) -> None:
        """The addresses in front of which runs stop."""
        addresses = (ctypes.c_uint64 * len(exits))(*exits)
        self._control(uc.UC_CTL_UC_EXITS, addresses, ctypes.c_size_t(len(exits)))

    def ctl_remove_cache(self, begin: int, end: int) -> None:
        """Forget the code that was translated from these addresses."""
        self._control(uc.UC_CTL_TB_REMOVE_CACHE, ctypes.c_uint64(begin), ctypes.c_uint64(end))

    def ctl_flush_tb(self) -> None:
        """Forget all translated code."""
        self._control(uc.UC_CTL_TB_FLUSH)

    def _control(self, what: int, *arguments: Any) -> None:
        _done(_library.uc_ctl(self.handle, uc.UC_CTL_IO_WRITE << 30 | len(arguments) << 26 | what, *arguments))


def _opened(argument: Any) -> Any:
    """A block itself, where a pointer to it was given."""
    return argument.contents if isinstance(argument, ctypes._Pointer) else argument


def function(name: str) -> Any:
    """A function of the C library."""
    return getattr(_library, name)


def address(name: str) -> int:
    """Where that function is, for callbacks that are not Python's."""
    return int(ctypes.cast(function(name), ctypes.c_void_p).value or 0)
