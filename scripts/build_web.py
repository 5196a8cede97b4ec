"""Put together what the npm package and the wheel of `limner[web]` hold beside their code.

python scripts/build_web.py

web/models gets the networks, verified by their sidecars. `small` lies there already, with 16-bit weights: in
WebAssembly they are twice as fast as the 8 bits of the Python package. It was made by
`limner export weights/small.ckpt web/models/small.onnx --weights float16`. The others are those of the
Python package.

web/limner_web gets all that the static page needs, with ONNX Runtime, which `npm ci` brings into
web/node_modules.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
BUNDLED = ROOT / "src" / "limner" / "models" / "weights"
RUNTIME = WEB / "node_modules" / "onnxruntime-web" / "dist"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def main() -> None:
    """Models first, then the wheel's folder."""
    lay_models()
    if not RUNTIME.exists():
        sys.exit("ONNX Runtime is missing: npm ci --prefix web --ignore-scripts")
    lay_assets(WEB / "limner_web")


def lay_models() -> None:
    """Copy and verify the networks, and the terms of the code."""
    models = WEB / "models"
    for name in ("base", "edge"):
        for suffix in (".onnx", ".json"):
            shutil.copyfile(BUNDLED / f"{name}{suffix}", models / f"{name}{suffix}")
    for name in ("small", "base", "edge"):
        expected = json.loads((models / f"{name}.json").read_text(encoding="utf-8"))["sha256"]
        if hashlib.sha256((models / f"{name}.onnx").read_bytes()).hexdigest() != expected:
            sys.exit(f"web/models/{name}.onnx is not the model that {name}.json describes: export it again")
    shutil.copyfile(ROOT / "LICENSE", WEB / "LICENSE")


def lay_assets(target: Path) -> None:
    """What `limner.static_page` takes: engine, models, runtime and site."""
    for name, source in (("engine", WEB / "src"), ("models", WEB / "models"), ("site", WEB / "site")):
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(source, target / name)
    (target / "runtime").mkdir(exist_ok=True)
    for name in RUNTIME_FILES:
        shutil.copyfile(RUNTIME / name, target / "runtime" / name)


if __name__ == "__main__":
    main()
