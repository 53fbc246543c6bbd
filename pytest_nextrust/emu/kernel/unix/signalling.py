"""UNIX calls on signals: kill, killpg, sigvec, sigblock, sigsetmask, sigpause, sigstack, sigreturn.

Boundary: dispositions and masks; frames and delivery are in ``signals`` and ``state``.

Sources: 4.3BSD and NeXT ``kern_sig.c``. sigreturn takes the sigcontext's address from the user's stack, as NeXT's does.
"""

from __future__ import annotations

from pytest_nextrust.emu.kernel.calls import Syscall, signed
from pytest_nextrust.emu.kernel.ends import JustReturn, UnixError
from pytest_nextrust.emu.kernel.errno import Errno
from pytest_nextrust.emu.kernel.signals import NSIG, SIG_IGN, UNMASKABLE, Action, Signal, bit
from pytest_nextrust.emu.kernel.state import PID, Task
from pytest_nextrust.emu.kernel.structures import SIGSTACK, SIGVEC

__all__ = ["SIGNAL_CALLS"]


def _send(task: Task, signal: int) -> int:
    if signal > NSIG:
        raise UnixError(Errno.EINVAL)
    if signal in range(1, NSIG):
        task.post(signal)
    return 0


def kill(task: Task, pid: int, signal: int) -> int:
    """kill(2): there is one process; a broadcast finds nobody else."""
    if signal > NSIG:
        raise UnixError(Errno.EINVAL)
    who = signed(pid)
    if who not in (PID, 0, -task.process.group):
        raise UnixError(Errno.ESRCH)
    return _send(task, signal)


def killpg(task: Task, group: int, signal: int) -> int:
    """killpg(2)."""
    if signal > NSIG:
        raise UnixError(Errno.EINVAL)
    if group not in (0, task.process.group):
        raise UnixError(Errno.ESRCH)
    return _send(task, signal)


def sigvec(task: Task, signal: int, new: int, old: int) -> int:
    """sigvec(2)."""
    if not 0 < signal < NSIG or signal in (Signal.SIGKILL, Signal.SIGSTOP):
        raise UnixError(Errno.EINVAL)
    state = task.signals
    if old:
        held = state.actions[signal]
        task.memory.copyout(old, SIGVEC.pack(held.handler, held.mask, held.flags))
    if new:
        handler, mask, flags = SIGVEC.unpack(task.memory.copyin(new, SIGVEC.size))
        if signal == Signal.SIGCONT and handler == SIG_IGN:
            raise UnixError(Errno.EINVAL)
        state.actions[signal] = Action(handler, mask & ~UNMASKABLE, flags & 3)
        if handler == SIG_IGN:
            state.pending &= ~bit(signal)
    return 0


def sigblock(task: Task, mask: int) -> int:
    """sigblock(2): answers the old mask."""
    return task.signals.set_mask(task.signals.mask | mask)


def sigsetmask(task: Task, mask: int) -> int:
    """sigsetmask(2): answers the old mask."""
    return task.signals.set_mask(mask)


def sigpause(task: Task, mask: int) -> int:
    """sigpause(2): always EINTR, once a handler has run with the mask from before."""
    if task.thread.waiting is None:
        task.signals.restore_mask = task.signals.set_mask(mask)
    task.wait(None, restart=False, why="sigpause waits for a signal that nobody will send")
    return 0


def sigstack(task: Task, new: int, old: int) -> int:
    """sigstack(2)."""
    state = task.signals
    if old:
        task.memory.copyout(old, SIGSTACK.pack(state.stack, int(state.on_stack)))
    if new:
        top, on_stack = SIGSTACK.unpack(task.memory.copyin(new, SIGSTACK.size))
        state.stack, state.on_stack = top, bool(on_stack)
    return 0


def sigreturn(task: Task) -> int:
    """sigreturn(2): every register it restores comes from the sigcontext; the others stay."""
    task.signals.sigreturn(task.thread.registers, task.memory)
    raise JustReturn


SIGNAL_CALLS = (
    Syscall(
        37, "kill", 2, kill, "The guest itself or its group; anybody else is ESRCH. A stop ends the run, saying so."
    ),
    Syscall(103, "sigreturn", 0, sigreturn, "The sigcontext's address is taken from the stack, at sp + 4."),
    Syscall(108, "sigvec", 3, sigvec, ""),
    Syscall(109, "sigblock", 1, sigblock, ""),
    Syscall(110, "sigsetmask", 1, sigsetmask, ""),
    Syscall(
        111, "sigpause", 1, sigpause, "Passes guest time up to the next timer; without one the run ends, saying so."
    ),
    Syscall(112, "sigstack", 2, sigstack, ""),
    Syscall(139, "sigcleanup", 0, sigreturn, "As sigreturn."),
    Syscall(146, "killpg", 2, killpg, ""),
)
