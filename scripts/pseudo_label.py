"""Pseudo-labels from other projects' networks: a prepared data set with alphas and weights of pixels.

    pip install ai-edge-litert
    python scripts/pseudo_label.py ../pool/unlabelled/* data/people --teachers ../shared/peers
    python scripts/pseudo_label.py ../pool/scenes/* data/scenes --teachers ../shared/peers --no-subject

Run it again to resume. `limner data show data/people` draws some of it.
"""

import argparse
import shlex
import sys
from pathlib import Path

from limner.datasets.preparation import prepare
from limner.training.teachers import plan_pseudo_labels


def main() -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pictures", type=Path, nargs="+", help="folders of pictures")
    parser.add_argument("target", type=Path, help="folder of the data set")
    parser.add_argument("--teachers", type=Path, required=True, help="folder with the networks' files")
    parser.add_argument("--labels", type=Path, nargs="+", default=[], help="folders of coarse masks by stem")
    parser.add_argument(
        "--parts", type=Path, nargs="+", default=[], help="folders of masks of a part of the subject"
    )
    parser.add_argument("--no-subject", action="store_true", help="the pictures show no person")
    parser.add_argument("--count", type=int, help="so many pictures, spread evenly")
    parser.add_argument("--size", type=int, default=384, help="shorter side, pixels (%(default)s)")
    parser.add_argument("--licence", default="not stated", help="terms of the pictures, to be recorded")
    parser.add_argument("--jobs", type=int, help="worker processes (one a core)")
    args = parser.parse_args()
    plan = plan_pseudo_labels(
        args.pictures,
        name=args.target.resolve().name,
        teachers=args.teachers,
        labels=args.labels,
        parts=args.parts,
        no_subject=args.no_subject,
        short_side=args.size,
        licence=args.licence,
        count=args.count,
    )
    done = prepare(plan, args.target, command=shlex.join(sys.argv), shard_samples=100, jobs=args.jobs)
    for name, reason in done.spec.failures.items():
        print(f"left out {name}: {reason}")
    count = done.spec.splits["train"]
    print(f"{args.target}: {count} pictures, {done.made} asked about in {done.seconds:.0f} s")


if __name__ == "__main__":
    main()
