import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "limner"
LAYERS = [
    {"errors", "_version", "allocator", "extras", "files", "notices", "parallel", "processes"},
    {"images"},
    {"models"},
    {"mattes"},
    {"rendering"},
    {"datasets", "evaluation", "video", "batch"},
    {"nets", "training"},
    {"server", "cli", "doctor", "static_page"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HOMES = {
    "PIL": {"images"},
    "ai_edge_litert": {"training"},
    "av": {"video"},
    "fastapi": {"server"},
    "lightning": {"nets", "training"},
    "matplotlib": {"evaluation"},
    "onnx": {"training"},
    "onnxruntime": {"models", "doctor", "training"},
    "pillow_heif": {"images"},
    "prometheus_client": {"server"},
    "pyarrow": {"batch", "datasets"},
    "pydantic": {"server"},
    "ray": {"batch"},
    "scipy": {"evaluation", "mattes", "training"},
    "starlette": {"server"},
    "torch": {"nets", "training"},
    "tqdm": {"batch", "datasets", "evaluation", "training", "video"},
    "uvicorn": {"server"},
}
MODULES = [
    path for path in SOURCE.rglob("*.py") if path.name != "__main__.py" and path != SOURCE / "__init__.py"
]


def room(path: Path) -> str:
    """The first name below the package: a module, or a sub-package."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Full names of all that a module imports, inside its functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_up(path: Path) -> None:
    for name in imported(path):
        top, _, rest = name.partition(".")
        first = rest.partition(".")[0]
        if top == "limner" and first in LEVEL:
            assert LEVEL[first] <= LEVEL[room(path)], f"{room(path)} must not import {first}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_libraries_stay_at_home(path: Path) -> None:
    for name in imported(path):
        homes = HOMES.get(name.partition(".")[0])
        assert homes is None or room(path) in homes, f"{name} belongs to {homes}, not to {room(path)}"


def test_no_circles() -> None:
    """Rooms of one row may import each other in one direction only, modules never in circles."""
    rooms = graph((room(path), top) for path in MODULES for top in tops(path) if top != room(path))
    assert not circle(rooms)
    names = {module_name(path) for path in MODULES}
    modules = graph(
        (module_name(path), target)
        for path in MODULES
        for target in {known(name, names) for name in imported(path)} - {None, module_name(path)}
    )
    assert not circle(modules)


def tops(path: Path) -> set[str]:
    """The rooms that a module imports from."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("limner.")} & set(LEVEL)


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def known(name: str, names: set[str]) -> str | None:
    """The module in which an imported name stands."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name or None


def graph(arrows: Iterable[tuple[str, str | None]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for source, target in arrows:
        assert target
        found[source].add(target)
    return found


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Some that cannot be put in an order; none if all can."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_has_a_layer() -> None:
    assert {room(path) for path in MODULES} == set(LEVEL)


@pytest.mark.parametrize("code", ["import limner", "import limner.cli", "from limner import cut, load_image"])
def test_heavy_packages_are_not_loaded(code: str) -> None:
    probe = f"import sys; {code}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert not {"av", "onnxruntime", "torch", "lightning", "pyarrow"} & set(run.stdout.split())


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_the_command_starts_without_a_picture_library(argument: str) -> None:
    probe = (
        "import sys; from limner.cli import main\n"
        f"try: main([{argument!r}])\n"
        "except SystemExit: print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert not {"numpy", "PIL", "onnxruntime"} & set(run.stdout.split())
