"""Runs Django's commands for the sandbox, from whatever directory it is called."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

REPOSITORY = Path(__file__).resolve().parent.parent


def main() -> None:
    """Put the repository on the path (the shop is a package in it) and hand over to Django."""
    sys.path.insert(0, str(REPOSITORY))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox_site.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
