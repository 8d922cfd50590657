"""`python tests/killing/leash.py COMMAND`: runs it, and ends it and all that it began with whoever holds our stdin."""

import os
import signal
import subprocess
import sys
import threading


def _end_with_its_holder() -> None:
    os.read(0, 1)  # nobody writes there; the system closes it, however the holder ended
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_its_holder, daemon=True).start()
    sys.exit(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, check=False).returncode)
