"""Time and cost of many portraits on many machines: a model, a simulation beside it, and what was measured.

    python benchmarks/fleet.py [--plot docs/scale.png]

Reads what `batch.py` and `driver.py` measured on one machine (`results/batch.json`, `results/driver.json`);
everything else is an assumption, and stands below with its unit. Prints JSON.
"""

import argparse
import heapq
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("results")
BLOCK = 32
"""Files that a worker is sent at a time, as in `limner.batch.cluster`."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a portrait costs, measured on one core and one driver."""

    cpu_s: float  # of a core
    plan_s: float  # of the driver, before anything begins, for each file
    hand_s: float  # of the driver, to hand out and record, for each file
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Assumed machines and storage, like those of the large clouds; prices in US dollars."""

    cores: int
    machine_cores: int = 64
    core_hour: float = 0.05  # on demand; about a third of it where machines may be taken away
    start_s: float = 120.0  # machines, image, Ray, the model
    life_h: float = 24.0  # mean time until a machine is lost
    replace_s: float = 180.0
    gbit_s: float = 10.0  # of a machine's network, each way
    gets_s: float = 5_500.0  # requests that one prefix of an object store bears
    puts_s: float = 3_500.0
    prefixes: int = 16  # that the pictures are spread over
    list_s: float = 1.5e-4  # for each file: a request lists a thousand of them
    gets_1000: float = 0.0004
    puts_1000: float = 0.005
    pack: int = 1  # pictures a file: more than one in Parquet


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What comes of it."""

    hours: float
    limit: str  # what takes longest
    compute_usd: float
    requests_usd: float


def bounds(picture: Picture, fleet: Fleet, pictures: int) -> dict[str, float]:
    """Seconds that each part of the work takes when nothing else holds it up; they overlap."""
    files = pictures / fleet.pack
    machines = fleet.cores / fleet.machine_cores
    at_work = 1 / (1 + fleet.replace_s / (3600 * fleet.life_h))
    again = 0.5 * tasks_s(picture, fleet) / (3600 * fleet.life_h)  # of a task, for each machine that is lost
    return {
        "cores": pictures * picture.cpu_s * (1 + again) / (fleet.cores * at_work),
        "driver": files * picture.hand_s,
        "network": pictures
        * max(picture.bytes_in, picture.bytes_out)
        * 8
        / (machines * fleet.gbit_s * 1e9 * at_work),
        "store": files * max(1 / fleet.gets_s, 1 / fleet.puts_s) / fleet.prefixes,
    }


def tasks_s(picture: Picture, fleet: Fleet) -> float:
    """How long a worker is at what it is sent at a time."""
    return picture.cpu_s * (fleet.pack if fleet.pack > 1 else BLOCK)


def modelled(picture: Picture, fleet: Fleet, pictures: int) -> float:
    """Seconds from start to end: the plan, then the slowest of what overlaps, then the last tasks."""
    planning = pictures / fleet.pack * (picture.plan_s + fleet.list_s)
    return fleet.start_s + planning + max(bounds(picture, fleet, pictures).values()) + tasks_s(picture, fleet)


def simulated(picture: Picture, fleet: Fleet, pictures: int, rng: np.random.Generator) -> float:
    """Seconds from start to end, task by task.

    A worker asks the one driver for its next task when it begins one. Tasks take times of a gamma
    distribution (that of a picture is exponential); a machine that is lost takes the tasks of its cores
    with it, which are done again, and is replaced. Network and store are queues that all tasks pass.
    """
    size = fleet.pack if fleet.pack > 1 else BLOCK
    files = size // fleet.pack
    left = -(-pictures // size)
    found = bounds(picture, fleet, pictures)
    shared = max(found["network"], found["store"]) * size / pictures  # of a task, in the slower queue
    begun = fleet.start_s + pictures / fleet.pack * (picture.plan_s + fleet.list_s)
    machines = -(-fleet.cores // fleet.machine_cores)
    lost = begun + rng.exponential(3600 * fleet.life_h, machines)
    driver = queue = end = begun
    waiting = [(begun, core) for core in range(fleet.cores)]
    takes = rng.gamma(size, picture.cpu_s, 1 << 16)
    count = 0
    while left:
        ready, core = heapq.heappop(waiting)
        machine = core // fleet.machine_cores
        while lost[machine] + fleet.replace_s <= ready:
            lost[machine] += fleet.replace_s + rng.exponential(3600 * fleet.life_h)
        if lost[machine] <= ready:  # it is being replaced
            heapq.heappush(waiting, (lost[machine] + fleet.replace_s, core))
            continue
        driver = max(driver, ready) + picture.hand_s * files
        queue = max(queue, ready) + shared
        done = ready + takes[count % len(takes)]
        count += 1
        if done > lost[machine]:
            heapq.heappush(waiting, (lost[machine] + fleet.replace_s, core))
            continue
        left -= 1
        end = max(end, done, queue)
        heapq.heappush(waiting, (max(done, driver, queue), core))
    return float(max(end, driver))


def plan(picture: Picture, fleet: Fleet, pictures: int) -> Plan:
    """Hours and dollars of so many pictures."""
    seconds = modelled(picture, fleet, pictures)
    parts = bounds(picture, fleet, pictures)
    parts["plan"] = pictures / fleet.pack * (picture.plan_s + fleet.list_s)
    requests = pictures / fleet.pack / 1000 * (fleet.gets_1000 + fleet.puts_1000)
    return Plan(
        hours=round(seconds / 3600, 2),
        limit=max(parts, key=lambda name: parts[name]),
        compute_usd=round(seconds / 3600 * fleet.cores * fleet.core_hour, 2),
        requests_usd=round(requests, 2),
    )


def measured() -> tuple[Picture, dict[str, Any], dict[str, Any]]:
    """What a picture costs, and the runs that say so."""
    batch = json.loads((RESULTS / "batch.json").read_text(encoding="utf-8"))
    driver = json.loads((RESULTS / "driver.json").read_text(encoding="utf-8"))
    cost = {
        run["runner"]: run["cpu_us_a_picture"] / 1e6 for run in driver["driver"] if "cpu_us_a_picture" in run
    }
    picture = Picture(
        cpu_s=float(np.median([run["runs"][-1]["cpu_ms_a_picture"] for run in batch["rounds"]])) / 1e3,
        plan_s=cost["plan"],
        hand_s=cost["ray"] - cost["plan"],
        bytes_in=batch["input_bytes"],
        bytes_out=batch["output_bytes"],
    )
    return picture, batch, driver


def small(picture: Picture, workers: int, pictures: int) -> float:
    """Pictures a second of workers on this machine in the simulation, none of them lost, start included."""
    here = Fleet(
        cores=workers, machine_cores=workers, start_s=0, life_h=1e9, gbit_s=1e3, gets_s=1e9, puts_s=1e9
    )
    here = replace(here, list_s=0)
    return pictures / simulated(picture, here, pictures, np.random.default_rng(0))


def scaling(picture: Picture, *, pack: int) -> list[dict[str, float]]:
    """Pictures a second while all are at work, by the model and by the simulation, for ever more cores."""
    rows = []
    for cores in (1, 2, 4, 8, 16, 64, 256, 1024, 4096, 16384):
        fleet = Fleet(cores=cores, machine_cores=min(64, cores), start_s=0, list_s=0, pack=pack)
        still = replace(picture, plan_s=0)
        pictures = cores * 40 * (pack if pack > 1 else BLOCK)
        seconds = simulated(still, fleet, pictures, np.random.default_rng(cores))
        model = pictures / max(bounds(still, fleet, pictures).values())
        rows.append({"cores": cores, "model": round(model, 1), "simulated": round(pictures / seconds, 1)})
    return rows


def draw(picture: Picture, batch: dict[str, Any], driver: dict[str, Any], path: str) -> None:
    """Rate against cores."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for pack, colour, name in (
        (1, "tab:blue", "a file a picture"),
        (1000, "tab:green", "Parquet, 1,000 a file"),
    ):
        rows = scaling(picture, pack=pack)
        cores = [row["cores"] for row in rows]
        axes.plot(cores, [row["model"] for row in rows], color=colour, label=f"model, {name}")
        axes.plot(
            cores, [row["simulated"] for row in rows], "o", color=colour, mfc="none", label="  simulated"
        )
    runs = batch["rounds"][0]["runs"]
    axes.plot(
        [run["workers"] for run in runs],
        [run["pictures_per_s"] for run in runs],
        "k*",
        markersize=13,
        label="measured, limner batch",
    )
    asleep = driver["asleep"]
    axes.plot(
        [run["actors"] for run in asleep],
        [run["pictures_per_s"] * driver["sleep_s"] / picture.cpu_s for run in asleep],
        "rx",
        label="measured, Ray actors that sleep instead",
    )
    axes.set(
        xscale="log", yscale="log", xlabel="cores", ylabel="pictures a second", title="512 x 512 JPEG to PNG"
    )
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print the model, the simulation beside it, and plans."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", metavar="FILE.png")
    args = parser.parse_args()
    picture, batch, driver = measured()
    plans = []
    for pictures, cores, pack in (
        (10**5, 2, 1),
        (10**5, 64, 1),
        (10**7, 64, 1),
        (10**7, 1024, 1),
        (10**7, 1024, 1000),
        (10**9, 1024, 1000),
        (10**9, 8192, 1),
        (10**9, 8192, 1000),
    ):
        fleet = Fleet(cores=cores, machine_cores=min(64, cores), pack=pack)
        if pack > 1 or pictures <= 10**7:
            hours = round(simulated(picture, fleet, pictures, np.random.default_rng(0)) / 3600, 2)
        else:
            hours = None  # 31 million blocks: by the model alone
        row = {"pictures": pictures, "cores": cores, "pack": pack, **asdict(plan(picture, fleet, pictures))}
        plans.append({**row, "simulated_hours": hours})
    runs = batch["rounds"][0]["runs"]
    checked = [
        {
            "workers": run["workers"],
            "measured": run["pictures_per_s"],
            "simulated": round(small(picture, run["workers"], batch["pictures"]), 2),
        }
        for run in runs
    ]
    result = {
        "picture": asdict(picture),
        "assumed": asdict(Fleet(cores=64)),
        "checked": checked,
        "plans": plans,
        "scaling": {f"{pack} a file": scaling(picture, pack=pack) for pack in (1, 1000)},
    }
    print(json.dumps(result, indent=2))
    if args.plot:
        draw(picture, batch, driver, args.plot)


if __name__ == "__main__":
    main()
