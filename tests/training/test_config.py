from pathlib import Path

import pytest

from limner.errors import InputError
from limner.training.config import TrainConfig, read_recipe
from tests.conftest import ROOT

MINIMAL = 'name = "a"\nnet = "unet"\ndata = ["x"]\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "a.toml"
    path.write_text(MINIMAL)
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_are_valid_and_named_after_their_file(path: Path) -> None:
    assert read_recipe(path).name == path.stem


def test_defaults_and_changes(recipe: Path) -> None:
    assert read_recipe(recipe) == TrainConfig(name="a", net="unet", data=("x",))
    changed = read_recipe(recipe, ["epochs=3", "learning_rate=1", 'data=["x", "y"]', "output=/tmp/runs"])
    assert (changed.epochs, changed.learning_rate, changed.data, changed.output) == (
        3,
        1.0,
        ("x", "y"),
        "/tmp/runs",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epoch=3", "unknown setting 'epoch': did you mean 'epochs'"),
        ("qqqq=3", "unknown setting 'qqqq': known"),
        ("epochs=three", "epochs must be of type int, got 'three'"),
        ("data=x", "data must be of type"),
        ("data=[1]", "each of data must be of type str, got 1"),
        ("losses={dice='a'}", "losses.dice must be of type float, got 'a'"),
        ("epochs=0", "epochs must be positive, got 0"),
        ("input_size=100", "multiple of 16"),
        ("distillation_weight=0.5", "distillation_weight must be in"),
        ("holdout=1.0", r"holdout must be in \(0, 1\), got 1.0"),
        ("scale=0.5", "scale must be at least 1"),
        ("background_swap=0.5", "background_swap and no_subject need backgrounds"),
        ("background_swap=2", r"background_swap must be in \[0, 1\], got 2.0"),
        ("weights=[1.0, 2.0]", "one number for each of data"),
        ("weights=[0]", "weights must be positive"),
        ("learning_rate=0", "learning_rate must be positive"),
        ("encoder_rate=0", r"encoder_rate must be in \(0, 1\]"),
        ("stride=4", "stride must be a multiple of 8, got 4"),
        ("schedule=linear", "schedule is one of cosine, plateau"),
        ("devices=3", "batch_size must be a multiple of devices"),
        ("losses=bce", "losses must be of type"),
        ("epochs", "write key=value"),
    ],
)
def test_bad_settings(recipe: Path, change: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_recipe(recipe, [change])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_recipe_is_read_however_it_was_saved(recipe: Path, encoding: str) -> None:
    text = recipe.read_text() + '\ndescription = "José"\n'
    recipe.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert read_recipe(recipe).description == "José"


def test_bad_recipes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the recipe"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_text("name = ")
    with pytest.raises(InputError, match="not a TOML recipe"):
        read_recipe(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_text('name = "a"\n')
    with pytest.raises(InputError, match="lacks net, data"):
        read_recipe(tmp_path / "a.toml")
