"""ND8 as a program of its own, written from ND8's documents alone."""

from .app import create_app
from .server import Emulator, running
from .world import Setup, World

__all__ = ["Emulator", "Setup", "World", "create_app", "running"]
