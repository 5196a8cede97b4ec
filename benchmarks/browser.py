"""What the browser loads and how long it takes: the static page's engine, and another project's beside it.

python benchmarks/browser.py SITE --data ../shared/data/foreign [--peer FOLDER] [--count 60] [--endurance 200]
    [--only ROW ...]

SITE is what `limner web` wrote. A peer's FOLDER holds ``index.js``, a bundle that exports
``cutout(blob, model)``, which gives a PNG blob, with all it loads beside it. Files go out as brotli 11 leaves
them (needs the command ``brotli``), at 50 Mbit/s in all; the browser is Chromium without a GPU.
"""

import argparse
import base64
import io
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import PIL.Image
from playwright.sync_api import Browser, Page, sync_playwright

from limner.evaluation.metrics import Counts, iou

BYTES_PER_S = 50e6 / 8
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".html": "text/html",
}
PAGE = "<!doctype html><title>bench</title>"
CALL = """async ([module, model, picture, repeat]) => {
  const { cutout } = await import(module);
  const binary = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const source = new Blob([binary], { type: "image/jpeg" });
  const times = [];
  let made;
  for (let i = 0; i < repeat; i++) {
    const start = performance.now();
    made = await cutout(source, model);
    times.push(performance.now() - start);
  }
  const blob = made.blob ?? made;
  const reader = new FileReader();
  await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(blob); });
  return { times, png: reader.result.split(",")[1] };
}"""


class Host:
    """Serves folders by name with brotli, slowly; counts what went out."""

    def __init__(self, folders: dict[str, Path], packed: Path, quality: str) -> None:
        self.folders, self.packed, self.quality = folders, packed, quality
        self.sent = 0
        self.asked: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self.free_at = 0.0
        self.throttled = True
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, path: str) -> tuple[bytes, str, bool]:
        """Content, type and whether it is packed."""
        name, _, rest = path.strip("/").partition("/")
        if name not in self.folders or not rest:
            return PAGE.encode(), "text/html", False
        file = self.folders[name] / ("index.html" if rest == "page" else rest)
        packed = self.packed / (str(file).replace("/", "_") + ".br")
        if not packed.exists():
            command = shutil.which("brotli") or "brotli"
            subprocess.run([command, "-q", self.quality, "--lgwin=24", "-f", "-o", packed, file], check=True)
        return packed.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"), True

    def wait(self, count: int) -> None:
        """Until a line of `BYTES_PER_S` has carried so many more bytes."""
        with self.lock:
            self.sent += count
            self.free_at = max(self.free_at, time.perf_counter()) + count / BYTES_PER_S
            until = self.free_at
        if self.throttled:
            time.sleep(max(0.0, until - time.perf_counter()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, host: Host, *args: Any) -> None:
        self.host = host
        super().__init__(*args)

    def do_GET(self) -> None:
        self.host.asked.append((self.command, self.path))
        try:
            data, media_type, packed = self.host.find(self.path.partition("?")[0])
        except (OSError, subprocess.CalledProcessError):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "max-age=31536000, immutable")
        if packed:
            self.send_header("Content-Encoding", "br")
        self.end_headers()
        for start in range(0, len(data), 1 << 16):
            part = data[start : start + (1 << 16)]
            self.host.wait(len(part))
            self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        pass


def first_result(browser: Browser, host: Host, module: str, model: Any, picture: bytes) -> dict[str, Any]:
    """Bytes and times of a visitor's first cut-out and of the next visit, and of cut-outs after that."""
    context = browser.new_context()
    found: dict[str, Any] = {}
    encoded = base64.b64encode(picture).decode()
    for visit in ("first", "next"):
        page = context.new_page()
        sent, start = host.sent, time.perf_counter()
        page.goto(f"{host.origin}/")
        page.evaluate(CALL, [module, model, encoded, 1])
        found[f"{visit}_visit_s"] = round(time.perf_counter() - start, 2)
        found[f"{visit}_visit_megabytes"] = round((host.sent - sent) / 1e6, 3)
        if visit == "next":
            times = page.evaluate(CALL, [module, model, encoded, 3])["times"]
            found["warm_ms"] = round(median(times))
        page.close()
    context.close()
    return found


def accuracy(page: Page, module: str, model: Any, pairs: list[tuple[Path, Path]]) -> float:
    """Mean IoU in percent."""
    scores = []
    for image, mask in pairs:
        encoded = base64.b64encode(image.read_bytes()).decode()
        png = base64.b64decode(page.evaluate(CALL, [module, model, encoded, 1])["png"])
        alpha = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3]
        target = np.asarray(PIL.Image.open(mask).convert("L"))
        scores.append(iou(Counts.of(alpha >= 128, target >= 128)))
    return round(100 * float(np.mean(scores)), 2)


def endurance(browser: Browser, host: Host, module: str, picture: bytes, count: int) -> list[dict[str, Any]]:
    """Heaps and the memory of the renderer while one picture after the other is cut."""
    page = browser.new_page()
    page.goto(f"{host.origin}/")
    session = page.context.new_cdp_session(page)
    encoded, found = base64.b64encode(picture).decode(), []
    for done in range(0, count + 1, count // 4):
        page.evaluate(CALL, [module, {}, encoded, max(1, count // 4 if done else 1)])
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"]
        found.append({"pictures": done, "page_heap_mb": round(heap / 1e6, 1), "renderer_mb": renderer_mb()})
    page.close()
    return found


def renderer_mb() -> int:
    """Resident memory of Chromium's largest renderer, megabytes."""
    sizes = [0]
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"--type=renderer" in status.read_bytes():
                lines = (status.parent / "status").read_text().splitlines()
                sizes += [int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS")]
        except OSError:
            continue
    return max(sizes)


def large(browser: Browser, host: Host, module: str, make: Callable[[int], bytes]) -> list[dict[str, Any]]:
    """Time and peak memory at 12 and 50 megapixels."""
    found = []
    for megapixels in (12, 50):
        page = browser.new_page()
        page.goto(f"{host.origin}/")
        page.evaluate(CALL, [module, {}, base64.b64encode(make(0)).decode(), 1])
        before, peak, over = renderer_mb(), [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(peak, over))
        watch.start()
        try:
            times = page.evaluate(CALL, [module, {}, base64.b64encode(make(megapixels)).decode(), 1])["times"]
            row = {"s": round(times[0] / 1000, 1)}
        finally:
            over.set()
            watch.join()
        found.append({"megapixels": megapixels, **row, "before_mb": before, "peak_mb": peak[0]})
        page.close()
    return found


def _watch(peak: list[int], over: threading.Event) -> None:
    while not over.wait(0.05):
        peak[0] = max(peak[0], renderer_mb())


def main() -> None:
    """Measure, print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("site", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--endurance", type=int, default=200)
    parser.add_argument(
        "--quality", default="11", help="of brotli: less packs faster, where bytes do not matter"
    )
    parser.add_argument("--only", nargs="+", help="such as 'limner small' and 'peer medium'")
    args = parser.parse_args()
    example = Path(__file__).parents[1] / "examples" / "eileen-collins.jpg"

    def make(megapixels: int) -> bytes:
        if not megapixels:
            return example.read_bytes()
        width = round((megapixels * 1e6 * 3 / 4) ** 0.5)
        target = io.BytesIO()
        PIL.Image.open(example).resize((width, width * 4 // 3)).save(target, "JPEG", quality=90)
        return target.getvalue()

    engine = next(args.site.glob("engine-*")).name
    ours = f"/site/{engine}/index.js"
    rows: dict[str, tuple[str, Any]] = {"limner small": (ours, {}), "limner base": (ours, {"model": "base"})}
    if args.peer:
        rows |= {f"peer {model}": ("/peer/index.js", model) for model in ("small", "medium")}
    rows = {name: row for name, row in rows.items() if not args.only or name in args.only}
    folders = {"site": args.site} | ({"peer": args.peer} if args.peer else {})
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as packed, sync_playwright() as playwright:
        host = Host(folders, Path(packed), args.quality)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pairs = _pairs(args.data, args.count) if args.data else []
        for name, (module, model) in rows.items():
            first_result(browser, host, module, model, make(0))  # packs the files
            result[name] = first_result(browser, host, module, model, make(0))
            print(name, result[name], flush=True)
            host.throttled = False
            if pairs:
                page = browser.new_page()
                page.goto(f"{host.origin}/")
                result[name]["foreign_iou"] = accuracy(page, module, model, pairs)
                page.close()
            host.throttled = True
            print(name, result[name], flush=True)
        if args.endurance:
            host.throttled = False
            result["endurance"] = endurance(browser, host, ours, make(0), args.endurance)
            result["large"] = large(browser, host, ours, make)
        result["methods"] = sorted({method for method, _ in host.asked})
        browser.close()
    print(json.dumps(result, indent=2))


def _pairs(data: Path, count: int) -> list[tuple[Path, Path]]:
    """Pictures and their masks, in turn from every part of the set."""
    parts = [sorted(part.glob("images/*")) for part in sorted(data.iterdir()) if part.is_dir()]
    share = max(1, count // len(parts))
    images = [path for part in parts for path in part[:: max(1, len(part) // share)][:share]]
    return [(path, path.parents[1] / "masks" / f"{path.stem}.png") for path in images]


if __name__ == "__main__":
    main()
