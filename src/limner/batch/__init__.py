"""Many pictures: folders, lists and stores of any size, in one process or on many machines, resumable."""

from limner.batch.job import Job, Outcome, Task
from limner.batch.plan import Choice, Counts
from limner.batch.run import Summary, plan_batch, run_batch
from limner.batch.runners import Runner, run_here, run_processes

__all__ = [
    "Choice",
    "Counts",
    "Job",
    "Outcome",
    "Runner",
    "Summary",
    "Task",
    "plan_batch",
    "run_batch",
    "run_here",
    "run_processes",
]
