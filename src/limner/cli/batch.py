"""``limner batch``: a folder, a list or a store full of pictures, resumable."""

import argparse
import json
import threading
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from limner.cli.options import add_encoding, add_options, read_options
from limner.cli.shared import Commands, UsageError, add_command, add_model, asked_to_stop, need, positive, say

if TYPE_CHECKING:
    from limner.batch import Counts, Job, Runner, Summary


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "batch", _batch, help="cut the people out of whole folders, resumable")
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder, a picture, a 'pattern/**/*.jpg', a list.txt, or - for a list",
    )
    parser.add_argument("target", metavar="TARGET", help="a folder: it gets the folders of the source")
    add_options(parser)
    parser.add_argument("--format", default="png", help="of the results (png)")
    add_encoding(parser)
    add_model(parser)
    parser.add_argument("--workers", type=positive, metavar="N", help="processes (one a core)")
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="pictures at a time in a process (1; 8 where files are far away)",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="work on a Ray cluster: its address, auto for that of this machine, or local to start one here",
    )
    parser.add_argument(
        "--gpus", type=float, default=0.0, metavar="FRACTION", help="of a GPU, for each Ray actor"
    )
    parser.add_argument(
        "--column",
        default="",
        metavar="NAME",
        help="that of the pictures in Parquet files (the only binary one)",
    )
    parser.add_argument(
        "--skip-existing", action="store_true", help="leave out what has a result, whatever from"
    )
    parser.add_argument("--retry-failed", action="store_true", help="try again what failed before")
    parser.add_argument(
        "--checksum", action="store_true", help="find changed files by their contents, not by size and time"
    )
    parser.add_argument("--watch", action="store_true", help="continue with new files, until Ctrl-C")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done: input, tab, output")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def _batch(args: argparse.Namespace) -> int:
    _check(args)
    from limner.batch import Choice, Job, plan_batch, run_batch, storage
    from limner.models.spec import DEFAULT_MODEL

    options = read_options(args)
    far = any(map(storage.is_remote, (args.source, args.target)))
    job = Job(
        model=args.model or DEFAULT_MODEL,
        device=args.device,
        options=options,
        compress=args.compress,
        metadata=args.metadata,
        extension=f".{args.format.lower().lstrip('.')}",
        column=args.column,
        threads=args.threads or (8 if far else 1),
    )
    choice = Choice(skip_existing=args.skip_existing, retry_failed=args.retry_failed, checksum=args.checksum)
    if args.dry_run:
        counts, due = plan_batch(args.source, args.target, job, choice=choice)
        for task in due:
            print(f"{task.input}\t{task.output}")
        say(f"{counts.due} to do; {_left_out(counts)}")
        return 0
    with asked_to_stop() as stop:
        runner = _runner(args, job, stop)
        summary = run_batch(
            args.source, args.target, job, choice=choice, runner=runner, stop=stop.is_set, watch=args.watch
        )
    stopped = stop.is_set() and not args.watch
    _report(summary, args, stopped=stopped)
    if stopped:
        return 130
    failed = summary.failed + summary.found.failed
    if not failed:
        return 0
    return 3 if summary.done + summary.found.kept else 1


def _check(args: argparse.Namespace) -> None:
    """Refuse options that cannot be, and extras that are not installed."""
    if args.watch and args.dry_run:
        raise UsageError("--watch and --dry-run exclude each other")
    if args.gpus and args.ray is None:
        raise UsageError("--gpus is for --ray; a single machine takes --device cuda")
    if args.ray is not None:
        need("cluster", "ray", "pyarrow")
    from limner.batch import inputs, storage

    if any(storage.is_remote(path) or path.endswith(inputs.PARQUET) for path in (args.source, args.target)):
        need("cluster", "pyarrow")


def _runner(args: argparse.Namespace, job: "Job", stop: threading.Event) -> "Runner":
    if args.ray is None:
        from limner.batch import run_processes

        return partial(run_processes, workers=args.workers, chunk=1 if job.threads == 1 else 4 * job.threads)
    from limner.batch.cluster import run_ray

    return partial(run_ray, address=args.ray, workers=args.workers, gpus=args.gpus, stop=stop.is_set)


def _report(summary: "Summary", args: argparse.Namespace, *, stopped: bool) -> None:
    made = summary.done + summary.failed
    if args.json:
        values = {"done": summary.done, "failed": summary.failed, "taken_s": round(summary.taken_s, 3)}
        print(json.dumps({**values, "found": asdict(summary.found), "causes": summary.causes}))
    for kind, count in summary.causes.most_common():
        say(f"{count:,} failed: {kind} (first {summary.examples[kind]})")
    rate = f" in {summary.taken_s:.1f} s, {made / summary.taken_s:.1f} pictures/s" if made else ""
    say(f"{summary.done:,} done, {summary.failed:,} failed{rate}; {_left_out(summary.found)}")
    if stopped:
        say(
            f"stopped with {summary.found.due - summary.files:,} files to do; "
            "run the same command again to resume"
        )


def _left_out(counts: "Counts") -> str:
    parts = [f"{counts.kept:,} were there already"]
    if counts.failed:
        parts.append(f"{counts.failed:,} failed before (--retry-failed tries again)")
    if counts.others:
        parts.append(f"{counts.others:,} are no pictures")
    return ", ".join(parts)
