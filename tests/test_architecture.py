import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "limner"
LAYERS = [
    {"errors"},
    {"files", "parallel"},
    {"images", "masks", "spec", "metrics", "matting"},
    {
        "tiles",
        "segmenter",
        "backgrounds",
        "framing",
        "foreground",
        "refine",
        "closed_form",
        "compose",
        "finishing",
        "cutting",
    },
    {"datasets", "evaluation", "subgroups", "bench", "report", "nets", "doctor", "batch", "video"},
    {"training"},
    {"server"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HOMES = {
    "PIL": {"images"},
    "av": {"video"},
    "onnxruntime": {"segmenter", "refine", "doctor", "training"},
    "torch": {"nets", "training"},
    "lightning": {"nets", "training"},
    "onnx": {"training"},
    "matplotlib": {"report"},
    "fastapi": {"server"},
    "prometheus_client": {"server"},
    "pyarrow": {"batch", "datasets"},
    "pillow_heif": {"images"},
    "pydantic": {"server"},
    "ray": {"batch"},
    "scipy": {"matting", "closed_form"},
    "starlette": {"server"},
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
def test_imports_point_to_the_left(path: Path) -> None:
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


def test_every_room_has_a_layer() -> None:
    assert {room(path) for path in MODULES} == set(LEVEL)


@pytest.mark.parametrize(
    "code", ["import limner", "import limner.cli", "from limner import cutout, load_image"]
)
def test_heavy_packages_are_not_loaded(code: str) -> None:
    probe = f"import sys; {code}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert not {"av", "onnxruntime", "torch", "lightning", "pyarrow"} & set(run.stdout.split())
