"""When Python's garbage collector has nothing to find: while much is made, and in what stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector rest while the block, or the function so decorated, runs.

    Commands, entries and rows of a long filing all live until it ends, and none is part of a
    circle: looking through them again and again takes a tenth of its time. Circles that others make
    meanwhile are found afterwards. Where two blocks overlap, the collector may wake early.
    """
    awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if awake:
            gc.enable()


def settle() -> None:
    """Let the collector leave alone what a program has loaded by now, for it stays until the end.

    Whoever serves calls it once, before the first request: a look through all that was loaded takes
    60 ms, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
