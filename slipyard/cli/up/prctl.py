"""The few things that only the C library can do for a child; Linux alone."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_THP_DISABLE = 1, 15, 41  # linux/prctl.h
_M_ARENA_MAX = -8  # malloc.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Has the kernel kill this process when `parent` dies, or ends it now where that happened already."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(0)


def name_process(name: str) -> None:
    """What `ps -o comm` shows; the kernel keeps 15 bytes."""
    _LIBC.prctl(_PR_SET_NAME, name.encode()[:15])


def forgo_huge_pages() -> None:
    """For this process and all that come from it: where the kernel gives huge pages to everybody, a byte costs 2 MiB."""
    _LIBC.prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def share_one_heap() -> None:
    """Threads of the C library's malloc share one arena instead of 8 a core: idle memory over rare contention."""
    mallopt = getattr(_LIBC, "mallopt", None)
    if mallopt is not None:  # musl has no arenas
        mallopt(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """What was freed in the middle of the heap goes back to the kernel too."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
