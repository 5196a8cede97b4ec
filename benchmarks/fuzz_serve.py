"""Uploads that no honest client would send, by the thousand, to a real server: does it stay up and polite?

    python -m benchmarks.fuzz_serve [--cases 10000] [--seed N] [--clients 4]

Every case is a whole HTTP request (`tests/server/fuzzing.py`): damaged pictures, spoilt forms, strange names,
types and options, for both APIs. A case fails when the answer is a 5xx, there is none, or it takes more than
a minute.

Prints JSON; exit code 1 if a case failed, the server died or its log holds a traceback.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.server.fuzzing import EXPECTED, Fuzz, send

from limner.evaluation.timing import machine

SERVE = [sys.executable, "-m", "limner", "serve", "--port", "0", "--max-megapixels", "1"]


def main() -> int:
    """Send and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    fuzz = Fuzz(args.seed)
    start = time.monotonic()
    with subprocess.Popen(SERVE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        found = re.search(r":(\d+);", server.stderr.readline())
        assert found
        port = int(found[1])
        with ThreadPoolExecutor(args.clients) as pool:
            statuses = list(pool.map(lambda number: send(port, fuzz.request(number)), range(args.cases)))
        alive = server.poll() is None
        server.terminate()
        log = server.stderr.read()
    strange = [number for number, status in enumerate(statuses) if status not in EXPECTED]
    result = {
        "machine": machine(),
        "cases": args.cases,
        "seed": args.seed,
        "seconds": round(time.monotonic() - start),
        "statuses": dict(sorted(Counter(statuses).items())),
        "failed_cases": strange,
        "alive_at_the_end": alive,
        "log": log.splitlines()[-5:],
    }
    print(json.dumps(result, indent=2))
    return int(bool(strange) or not alive or "Traceback" in log)


if __name__ == "__main__":
    sys.exit(main())
