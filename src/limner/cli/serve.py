"""``limner serve``: the API and the web page."""

import argparse
import ipaddress
import logging
import os
import signal
import sys
import warnings
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from limner import files
from limner.cli.shared import Commands, UsageError, add_command, add_model, need, say
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.server.keys import Key, Keyring

KEY = "LIMNER_API_KEY"
"""The environment variable that may hold the API key."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "serve", _serve, help="answer over HTTP, with a web page")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: localhost only)")
    parser.add_argument("--port", type=int, default=8000, help="default 8000; 0 takes a free one")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_model(parser)
    parser.add_argument(
        "--sandbox", action="store_true", help="for tests of clients: a drawn person instead of a model"
    )
    group = parser.add_argument_group("who may use it")
    group.add_argument(
        "--key-file",
        metavar="FILE",
        help=f"API keys, one a line, each with a limit if wanted: KEY 60/minute (or set {KEY}); SIGHUP reads "
        "it again",
    )
    group.add_argument("--insecure", action="store_true", help="listen beyond localhost without an API key")
    group.add_argument(
        "--cors", nargs="+", default=[], metavar="ORIGIN", help="web sites whose pages may call, or '*'"
    )
    group.add_argument(
        "--allow-urls",
        nargs="+",
        default=[],
        metavar="HOST",
        help="hosts that pictures may be fetched from, with :PORT if unusual, or 'any' (default: none)",
    )
    parser.add_argument(
        "--access-log",
        action="store_true",
        help="print each request as JSON: no addresses, names or pictures",
    )
    group = parser.add_argument_group("limits")
    group.add_argument(
        "--queue", type=int, default=32, metavar="N", help="requests at a time, more get 429 (default 32)"
    )
    group.add_argument(
        "--batch", type=int, default=8, metavar="N", help="images a run of the network (default 8)"
    )
    group.add_argument(
        "--max-megabytes", type=float, default=32, metavar="MB", help="of a request (default 32)"
    )
    group.add_argument(
        "--max-megapixels", type=float, default=50, metavar="MP", help="of a picture, all frames (default 50)"
    )
    group.add_argument(
        "--time-limit", type=float, default=60, metavar="S", help="seconds for an answer (default 60)"
    )


def _serve(args: argparse.Namespace) -> int:
    from limner.allocator import keep_some

    need("serve", "fastapi", "uvicorn", "python_multipart", "prometheus_client")
    from limner.models.segmenter import Segmenter
    from limner.models.spec import DEFAULT_MODEL
    from limner.server import Sandbox, Settings, create_app
    from limner.server.run import listen, serve

    keep_some()
    keys = _keys(args.key_file)
    if not (_loopback(args.host) or keys or args.insecure):
        raise UsageError(
            f"--host {args.host} lets other machines in: set {KEY} or --key-file, or add --insecure"
        )
    settings = Settings(
        queue=args.queue,
        batch=args.batch,
        max_bytes=round(args.max_megabytes * 1e6),
        max_pixels=round(args.max_megapixels * 1e6),
        time_limit_s=args.time_limit,
        urls=tuple(args.allow_urls),
        keys=keys,
        origins=tuple(args.cors),
    )
    if args.sandbox and args.model:
        raise UsageError("--sandbox loads no model: leave out --model")
    app = create_app(
        Sandbox() if args.sandbox else Segmenter(args.model or DEFAULT_MODEL, device=args.device), settings
    )
    listener = listen(args.host, args.port)
    host = f"[{args.host}]" if ":" in args.host else args.host
    logging.getLogger().setLevel(logging.ERROR)  # what is wrong with a request, its client is told
    warnings.filterwarnings("ignore", module="PIL")
    if args.access_log:
        _print_requests()
    if args.key_file and hasattr(signal, "SIGHUP"):
        hangups = SimpleQueue[int]()  # a signal comes in the middle of anything: a thread does the work
        signal.signal(signal.SIGHUP, lambda number, _: hangups.put(number))
        reload = partial(_reload, hangups, args.key_file, app.state.service.keyring)
        Thread(target=reload, name="limner-reload", daemon=True).start()
    if args.sandbox:
        say("a sandbox: every picture gets the same drawn person")
    port = listener.getsockname()[1]
    say(f"ready on http://{host}:{port}; Ctrl-C stops")
    if args.open:  # the socket listens already; a browser in this terminal must not keep the server waiting
        page = f"http://{host if _loopback(args.host) else '127.0.0.1'}:{port}"
        Thread(target=_open, args=(page,), name="limner-open", daemon=True).start()
    try:
        serve(app, listener, stop_s=settings.upload_s + settings.time_limit_s)
    finally:
        service = app.state.service
        say(f"stopped; accepted {service.accepted} requests, answered {service.answered}")
    return 0


def _keys(path: str | None) -> "tuple[Key, ...]":
    from limner.server import parse_keys

    if path is None:
        text = os.environ.get(KEY, "")
        return parse_keys(text) if text else ()
    try:
        return parse_keys(files.read_text(Path(path)))
    except InputError as error:
        raise InputError(f"--key-file {path}: {error}") from error


def _reload(hangups: "SimpleQueue[int]", path: str, keyring: "Keyring") -> None:
    """At each hangup take the keys of the file as it is then; a file that cannot be used changes nothing."""
    while hangups.get():
        try:
            keys = _keys(path)
        except InputError as error:
            say(f"the API keys stay as they were: {error}")
        else:
            keyring.replace(keys)
            say(f"read {len(keys)} API {'key' if len(keys) == 1 else 'keys'} from {path}")


def _open(page: str) -> None:
    import webbrowser

    if not webbrowser.open(page):
        say(f"no browser was found: open {page}")


def _print_requests() -> None:
    from limner.server.guard import LOG

    LOG.addHandler(logging.StreamHandler(sys.stdout))
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
