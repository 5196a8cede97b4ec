"""The web page as a folder that any web server can show; it cuts people out on the visitor's own device.

Names of files hold a hash of their content, so that a browser may keep them for good.
"""

import hashlib
import json
import shutil
from pathlib import Path

from limner import files
from limner.errors import InputError
from limner.server.page import page_files

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""What the page may load and ask: nothing but its own folder."""

HEAD = f"""
  <meta http-equiv="Content-Security-Policy" content="{POLICY}">
  <link rel="manifest" href="manifest.webmanifest">
  <link rel="apple-touch-icon" href="icon-192.png">"""
LATER = ("models/base",)
"""Beginnings of files that a browser keeps when they are first used, not before."""


def write_page(target: str | Path, assets: Path) -> list[str]:
    """Write the page into a new or empty folder.

    Args:
        target: The folder.
        assets: What `scripts/build_web.py` put together: ``engine``, ``models``, ``runtime`` and ``site``.

    Returns:
        The paths of the files, relative to the folder.

    Raises:
        InputError: If there is something in the folder that is no such page.
        OutputError: If it cannot be written.
    """
    target = Path(target)
    if target.exists() and not (target / "service-worker.js").exists() and any(target.iterdir()):
        raise InputError(f"{target} is not empty and holds no page: name a new folder, or empty it")
    made = page_folder(assets)
    for folder in target.glob("*/"):
        if folder.name.partition("-")[0] in {path.partition("-")[0] for path in made}:
            shutil.rmtree(folder)
    for path, data in made.items():
        files.make_folder((target / path).parent)
        files.write_bytes(target / path, data)
    return list(made)


def page_folder(assets: Path) -> dict[str, bytes]:
    """Path of each file of the page -> its content."""
    models = {f"models/{_hashed(path)}": path.read_bytes() for path in sorted(assets.glob("models/*.onnx"))}
    runtime = _folder("runtime", _read(assets / "runtime"))
    engine = _read(assets / "engine", "*.js")
    for model in assets.glob("models/*.onnx"):
        _replace(engine, "models.js", model.name, _hashed(model))
    (start,) = (path for path in runtime if path.endswith(".mjs"))
    _replace(engine, "networks.js", '"onnxruntime-web/wasm"', f'"../{start}"')
    engine = _folder("engine", engine)
    (start,) = (path for path in engine if path.endswith("/index.js"))
    plain = {"limner.js": f'export * from "./{start}";\n'.encode()}  # for other pages, by a name that stays
    site = _read(assets / "site")
    page = page_files()
    page |= {name: site.pop(name) for name in ("engines.js", "installed.js")}
    _replace(page, "engines.js", '"limner"', f'"../{start}"')
    index = page.pop("index.html").decode()
    page = _folder("page", page)
    for path in page:
        index = index.replace(f'="{path.partition("/")[2]}"', f'="{path}"')
    (installed,) = (path for path in page if path.endswith("/installed.js"))
    index = index.replace('<meta charset="utf-8">', f'<meta charset="utf-8">{HEAD}', 1)
    index = index.replace("</head>", f'  <script type="module" src="{installed}"></script>\n</head>', 1)
    made = {**models, **runtime, **engine, **page, **site, **plain}
    later = [path for path in made if path.startswith(LATER)]
    unkept = (*later, "service-worker.js", *plain)
    kept = ["./", *(path for path in made if path not in unkept)]
    _replace(made, "service-worker.js", "FILES = []", f"FILES = {json.dumps(kept)}")
    _replace(made, "service-worker.js", "LATER = []", f"LATER = {json.dumps(later)}")
    return {**made, "index.html": index.encode()}


def _read(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def _replace(contents: dict[str, bytes], name: str, old: str, new: str) -> None:
    if old.encode() not in contents[name]:
        raise ValueError(f"{name} does not hold {old}")
    contents[name] = contents[name].replace(old.encode(), new.encode())


def _folder(name: str, contents: dict[str, bytes]) -> dict[str, bytes]:
    """The files in a folder whose name changes with them."""
    digest = hashlib.sha256(b"".join(f"{path}\0".encode() + data for path, data in contents.items()))
    return {f"{name}-{digest.hexdigest()[:10]}/{path}": data for path, data in contents.items()}


def _hashed(path: Path) -> str:
    return f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:10]}{path.suffix}"
