"""What a hunt came across: a line of JSON for each finished shard, and the table that they add up to."""

import hashlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

__all__ = ["SEQUENCES", "Shard", "added_up", "code", "keep", "kept", "table", "too_rare"]

ROOT = Path(__file__).resolve().parents[2]
HUNTED = ("oscar_nd8", "sandbox_site", "tests/hunting", "requirements.lock")
FILE = "HUNT_FIGURES"
# Counted in each shard beside what its sequences came across.
SEQUENCES = "sequences"
# Which share of its sequences a hunt must lead to where something can go wrong; some half of what it does.
REACHED_AT_LEAST = {
    "an order was placed": 0.4,
    "a payment page ended unpaid": 0.2,
    "ND8 misbehaved": 0.2,
    "a process was killed": 0.15,
    "staff decided": 0.12,
    "nobody knew the checkout that was paid": 0.05,
    "money went back": 0.035,
    "a payment was held": 0.03,
    "one page was paid twice": 0.015,
    "a refund failed": 0.015,
    "two orders were placed": 0.01,
}
# What has a smaller share comes a few times among five hundred sequences, and by chance too few.
FREQUENT = 0.1


@dataclass(frozen=True, slots=True)
class Shard:
    """One seed's sequences: all of them kept their promises. `reached` counts the sequences that came across a thing.

    `code` tells whether two shards were run on the same code; `commit` tells a person which one it was.
    """

    shard: int
    code: str
    commit: str
    seconds: float
    reached: Mapping[str, int]


@cache
def code() -> str:
    """A digest of all that decides how a hunt goes."""
    digest = hashlib.sha256()
    for name in HUNTED:
        top = ROOT / name
        for path in [top] if top.is_file() else sorted(top.rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def keep(shard: int, seconds: float, reached: Mapping[str, int]) -> None:
    """Write a finished shard down, where somebody asked for it."""
    if FILE in os.environ:
        line = Shard(shard, code(), _commit(), round(seconds, 1), dict(reached))
        with Path(os.environ[FILE]).open("a") as file:
            file.write(f"{json.dumps(asdict(line))}\n")


def kept(file: Path) -> Iterator[Shard]:
    """Those of this code, each once."""
    lines = file.read_text().splitlines() if file.exists() else []
    shards = [Shard(**json.loads(line)) for line in lines]
    yield from {each.shard: each for each in shards if each.code == code()}.values()


def added_up(shards: Iterable[Shard]) -> Counter[str]:
    """What all of them came across."""
    reached = Counter[str]()
    for each in shards:
        reached.update(each.reached)
    return reached


def too_rare(reached: Mapping[str, int], *, frequent: bool = False) -> dict[str, int]:
    """What fewer sequences came across than REACHED_AT_LEAST says, and how many did; of what is `frequent` only."""
    whole = reached.get(SEQUENCES, 0)
    shares = {name: share for name, share in REACHED_AT_LEAST.items() if share >= FREQUENT or not frequent}
    found = {name: reached.get(name, 0) for name in shares}
    return {name: count for name, count in found.items() if count < shares[name] * whole}


def table(shards: Iterable[Shard]) -> str:
    """As docs/soak.md shows it."""
    shards = list(shards)
    reached = added_up(shards)
    seconds, commits = sum(each.seconds for each in shards), {each.commit for each in shards}
    whole = reached.pop(SEQUENCES, 0)
    rows = [f"| {name} | {count:,} | {100 * count / whole:.1f} % |" for name, count in reached.most_common()]
    head = f"{whole:,} sequences at {', '.join(sorted(commits))}, {seconds / 3600:.1f} hours of one process"
    return "\n".join([head, "", "| sequences in which | | |", "|---|---:|---:|", *rows])


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip()
