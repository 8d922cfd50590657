"""`python -m oscar_nd8.emulator`: ND8 as a program, until it is told to stop."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from .reading import is_http_url
from .server import running
from .world import Setup


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with running(**vars(options)) as emulator:
        sys.stdout.write(f"ND8 emulator: {emulator.url}\n")
        sys.stdout.flush()
        stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m oscar_nd8.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8800, help="0 takes a free port")
    parser.add_argument("--api-key", default=Setup.api_key)
    parser.add_argument("--merchant-token", default=Setup.merchant_token)
    parser.add_argument("--webhook-url", type=_webhook_url, default="", help="empty: send nothing")
    parser.add_argument("--webhook-secret", default=Setup.webhook_secret)
    parser.add_argument("--seed", type=int, help="makes ids and tokens repeatable")
    return parser


def _webhook_url(value: str) -> str:
    if value and not is_http_url(value):
        raise argparse.ArgumentTypeError("must be an http or https URL, or empty")
    return value


if __name__ == "__main__":
    main()
