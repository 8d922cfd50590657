"""How much more memory a piece of work had at its worst moment than at its beginning."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["peak_of"]

PROCESS = Path("/proc/self")
FORGET_THE_PEAK = "5"


def peak_of(action: Callable[[], Any]) -> float:
    """In MB, of this process as the system counts it: the database driver's own buffers are in it."""
    gc.collect()
    (PROCESS / "clear_refs").write_text(FORGET_THE_PEAK)
    before = _status("VmRSS")
    action()
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    """In kB."""
    found = next(line for line in (PROCESS / "status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(found.split()[1])
