"""`python -m tests.hunting.soak PROCESSES`: the suite's hunt, a hundred thousand sequences long; its figures."""

import os
import subprocess
import sys

from tests.hunting.figures import FILE, ROOT, added_up, kept, table, too_rare

SHARDS = int(os.environ.get("SOAK_SHARDS", "200"))
FIGURES = ROOT / ".soak.jsonl"


def main(processes: int) -> int:
    """Run the shards that no earlier run finished on this code; 0 if all kept their promises and came across enough."""
    done = {each.shard for each in kept(FIGURES)}
    left = [str(shard) for shard in range(SHARDS) if shard not in done]
    print(f"{len(done)} shards are done on this code, {len(left)} are left.", flush=True)
    failed = _hunt(left, processes) if left else 0
    shards = list(kept(FIGURES))
    print(f"\n{table(shards)}")
    if rare := too_rare(added_up(shards)):
        print(f"\nToo few sequences came where something can go wrong: {rare}")
    return failed or int(bool(rare))


def _hunt(shards: list[str], processes: int) -> int:
    environment = {**os.environ, "HUNT_SHARDS": ",".join(shards), FILE: str(FIGURES)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/services/test_hunt.py"]
    if processes > 1:
        command += ["-n", str(processes)]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else os.cpu_count() or 1))
