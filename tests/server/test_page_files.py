"""What the files of the web page hold, without a browser."""

import json
import re

import pytest

from limner.rendering.identity import ID_PHOTOS
from limner.rendering.options import DEFAULTS, SCHEMA
from limner.server.page import page_files

FILES = {path: data.decode() for path, data in page_files().items()}
SCRIPTS = {path: code for path, code in FILES.items() if path.endswith(".js")}
TEXTS = dict(re.findall(r'^  "?([\w.:\-]+)"?: "(.*)",$', FILES["texts.js"], re.MULTILINE))


def constant(name: str) -> dict[str, dict[str, object]]:
    """What options.js exports under this name."""
    found = re.search(rf"export const {name} = (.*?);\n", FILES["options.js"], re.DOTALL)
    assert found
    values: dict[str, dict[str, object]] = json.loads(found[1])
    return values


def test_options_are_those_of_the_schema() -> None:
    options = constant("OPTIONS")
    assert list(options) == list(SCHEMA)
    for name, option in options.items():
        default = DEFAULTS[name]
        assert option["default"] == (list(default) if isinstance(default, tuple) else default)
        assert option["choices"] == list(SCHEMA[name].choices)
    assert (options["blur"]["low"], options["blur"]["high"], options["blur"]["unit"]) == (0.01, 50, "percent")
    assert "high" not in options["subjects"]
    assert list(constant("ID_PHOTOS")) == list(ID_PHOTOS)


def test_the_page_knows_what_each_option_needs() -> None:
    for option in SCHEMA.values():
        assert f'"{option.needs}": (' in FILES["settings.js"]


def test_each_text_is_in_the_dictionary() -> None:
    named = re.findall(r'data-(?:text|label|tip)="([^"]+)"', FILES["index.html"])
    for code in SCRIPTS.values():
        named += re.findall(r'\btext\(\s*"([^"]+)"', code)
    assert named
    assert set(named) <= set(TEXTS)
    assert {f"option.{name}" for name in SCHEMA if name not in ("background", "crop")} <= set(TEXTS)


def test_the_page_itself_has_no_words() -> None:
    body = re.sub(r"<(script|style|svg).*?</\1>|<!--.*?-->", "", FILES["index.html"], flags=re.DOTALL)
    words = re.findall(r">\s*([^<>]*\w[^<>]*)<", body)
    assert set(words) <= {"Limner"}
    assert not re.findall(r'(?:aria-label|alt|title)="(\w[^"]*)"', body)


@pytest.mark.parametrize("path", sorted(SCRIPTS))
def test_modules_are_small_and_ask_nobody_else(path: str) -> None:
    code = SCRIPTS[path]
    assert len(code.splitlines()) <= 300
    for target in re.findall(r'(?:from|import) "([^"]+)"', code):
        assert target.removeprefix("./") in FILES, f"{path} imports {target}"
