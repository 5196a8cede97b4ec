"""How long `limner --version`, `limner --help` and `import limner` take, each in a process of its own.

    python benchmarks/startup.py

Prints the median of ten runs after one that is not counted, in seconds, and which heavy packages were loaded.
"""

import json
import statistics
import subprocess
import sys
import time

HEAVY = ("onnxruntime", "torch", "lightning")
COMMANDS = {
    "limner --version": "from limner.cli import main; main(['--version'])",
    "limner --help": "from limner.cli import main; main(['--help'])",
    "import limner": "import limner",
}


def seconds(code: str) -> float:
    """Wall time of a fresh interpreter that runs ``code``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def loaded(code: str) -> list[str]:
    """The heavy packages that ``code`` imports."""
    probe = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    return [name for name in HEAVY if name in run.stderr.split()]


def main() -> None:
    """Measure each command and print one JSON object."""
    rows = {}
    for name, code in {"python -c pass": "pass", **COMMANDS}.items():
        times = [seconds(code) for _ in range(11)][1:]
        rows[name] = {"median_s": round(statistics.median(times), 3), "heavy": loaded(code)}
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
