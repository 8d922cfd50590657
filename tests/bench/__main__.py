"""`python -m tests.bench [name ...] [--full] [--json FILE]`: run benchmarks, print a table, keep the figures."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.site.settings")
django.setup()

from tests.bench import client, export, machines, many, payment, reconcile, servers, startup, webhook  # noqa: E402  # Django must be set up first
from tests.bench.figures import Figure, Profile  # noqa: E402  # Django must be set up first
from tests.bench.shop import database, open_shop  # noqa: E402  # Django must be set up first

Benchmark = Callable[[Profile], Iterator[Figure]]
BENCHMARKS: Mapping[str, Benchmark] = {
    each.NAME: each.run for each in (startup, client, payment, webhook, servers, machines, export, reconcile, many)
}


def main() -> None:
    """Run what was asked for; a goal that was missed is marked, and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which ones; all with a goal if none")
    parser.add_argument("--full", action="store_true", help="the goals' own sizes; takes much longer")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures are kept")
    given = parser.parse_args()
    profile = Profile(full=given.full)
    kept = []
    with database():
        for name in given.names or [each for each in BENCHMARKS if each != servers.NAME]:
            open_shop(products=payment.lines(profile)[-1])
            began = time.perf_counter()
            print(f"\n{name}")
            for figure in BENCHMARKS[name](profile):
                kept.append({"benchmark": name, **asdict(figure), "met": figure.is_met})
                _print(figure)
            print(f"  ({time.perf_counter() - began:.0f} s)")
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "django": django.__version__}
    given.json.write_text(json.dumps({"machine": machine, "full": given.full, "figures": kept}, indent=1) + "\n")


def _print(figure: Figure) -> None:
    sign = "≥" if figure.higher_is_better else "≤"
    mark = "met   " if figure.is_met else "MISSED"
    value = f"{figure.value:.3g} {sign} {figure.goal:g} {figure.unit}"
    print(f"  {mark} {figure.what:<58} {value:<28} {figure.detail}")


if __name__ == "__main__":
    main()
