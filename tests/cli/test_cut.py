import json
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.ExifTags
import PIL.Image
import pytest

from limner.cli import main
from limner.images import Image, Rgba, load_animation, load_grey, load_image, to_uint8
from limner.models.spec import DEFAULT_MODEL, model_path
from limner.rendering import cut as front
from tests.conftest import PORTRAIT, decode
from tests.images.test_decode import png_header


def run(*arguments: str | Path, stdin: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    """The command in a process of its own."""
    command = [sys.executable, "-m", "limner", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60)


def assert_is_cut(cut: Rgba, image: Image) -> None:
    """The image's own pixels where it is opaque, nothing where it is not, and the alpha of `segment`."""
    np.testing.assert_array_equal(cut[..., 3], to_uint8(front.segment(image)))
    opaque = cut[..., 3] == 255
    assert np.abs(cut[opaque][:, :3].astype(int) - image[opaque]).max() <= 1  # 0.999 is written as 255
    assert not cut[cut[..., 3] == 0].any()


def test_cutout_of_the_portrait(tmp_path: Path, portrait: Image, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.png"
    assert main(["cut", str(PORTRAIT), "-o", str(target)]) == 0
    written = decode(target)
    assert_is_cut(written, portrait)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"limner: wrote {target}\n"


def test_matte_and_backgrounds(tmp_path: Path, portrait: Image) -> None:
    alpha = front.segment(portrait)
    assert main(["cut", str(PORTRAIT), "-o", str(tmp_path / "m.png"), "--mask"]) == 0
    np.testing.assert_array_equal(load_grey(tmp_path / "m.png"), to_uint8(alpha))
    assert main(["cut", str(PORTRAIT), "-o", str(tmp_path / "c.png"), "--background", "#c86432"]) == 0
    composite = load_image(tmp_path / "c.png")
    assert (composite[to_uint8(alpha) == 0] == (200, 100, 50)).all()
    np.testing.assert_array_equal(composite[alpha == 1], portrait[alpha == 1])
    behind = tmp_path / "behind.png"
    PIL.Image.new("RGB", (30, 50), "blue").save(behind)
    assert main(["cut", str(PORTRAIT), "-o", str(tmp_path / "p.jpg"), "--background", str(behind)]) == 0
    assert load_image(tmp_path / "p.jpg")[5, 300, 2] > 200


def test_default_names_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/x.jpg", "y.jpg"):
        (tmp_path / name).write_bytes(PORTRAIT.read_bytes())
    assert main(["cut", str(tmp_path / "a/x.jpg"), str(tmp_path / "y.jpg")]) == 0
    assert (tmp_path / "a/x-cutout.png").exists()
    assert (tmp_path / "y-cutout.png").exists()
    made = tmp_path / "new" / "folder"
    assert main(["cut", str(tmp_path / "a/x.jpg"), str(tmp_path / "y.jpg"), "-o", str(made), "--mask"]) == 0
    assert {path.name for path in made.iterdir()} == {"x-matte.png", "y-matte.png"}


def test_pipe_in_and_out() -> None:
    done = run("cut", "-", stdin=PORTRAIT.read_bytes())
    assert done.returncode == 0
    assert done.stderr == b""
    assert decode(done.stdout).shape == (512, 512, 4)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_picture_that_the_output_cannot_take_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "limner", "cut", str(PORTRAIT), "-o", "-"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"limner: error: cannot write to standard output: No space left on device\n"


def test_a_terminal_gets_no_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["cut", str(PORTRAIT), "-o", "-"]) == 2
    assert "would fill the terminal" in capsys.readouterr().err


STAGES = ("decode", "network", "refine", "render", "encode")


def test_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.jpg")
    assert main(["cut", str(PORTRAIT), missing, "-o", str(tmp_path), "--json", "--device", "cpu"]) == 3
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert good == {
        "input": str(PORTRAIT),
        "output": str(tmp_path / "eileen-collins-cutout.png"),
        "width": 512,
        "height": 512,
        "frames": 1,
        "subject_fraction": pytest.approx(0.6, abs=0.2),
        "confidence": pytest.approx(0.9, abs=0.1),
        "model": DEFAULT_MODEL,
        "device": "cpu",
        "seconds": dict.fromkeys(STAGES, pytest.approx(5, abs=5)),
    }
    assert bad["input"] == missing
    assert "no such file" in bad["error"]


def half_of_the_portrait(path: Path) -> None:
    path.write_bytes(PORTRAIT.read_bytes()[:40_000])


BAD_PICTURES: dict[str, tuple[Callable[[Path], object] | None, str]] = {
    "missing.jpg": (None, "no such file"),
    "directory.jpg": (lambda path: path.mkdir(), "is a directory"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "is empty"),
    "text.jpg": (lambda path: path.write_text("I am not a picture"), "not a picture that Limner reads"),
    "truncated.jpg": (half_of_the_portrait, "is damaged"),
    "one.png": (lambda path: PIL.Image.new("RGB", (1, 1)).save(path), "too few"),
    "strip.png": (lambda path: PIL.Image.new("RGB", (1, 5000)).save(path), "too few"),
    "bomb.png": (lambda path: path.write_bytes(png_header(40_000, 40_000) + bytes(1_000_000)), "too large"),
    "large.png": (lambda path: path.write_bytes(png_header(18_000, 10_000)), "too large"),
}


def test_bad_pictures_end_in_one_line_each(tmp_path: Path) -> None:
    """In one process of its own, which sees what libraries print too."""
    (tmp_path / "out").mkdir()
    for name, (make, _) in BAD_PICTURES.items():
        if make:
            make(tmp_path / name)
        (tmp_path / "out" / f"{Path(name).stem}-cutout.png").write_bytes(b"precious")
    before = {path: path.is_dir() or path.read_bytes() for path in tmp_path.rglob("*")}
    done = run("cut", *(tmp_path / name for name in BAD_PICTURES), "-o", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, b"")
    lines = done.stderr.decode().splitlines()
    for line, (name, (_, message)) in zip(lines, BAD_PICTURES.items(), strict=True):
        assert name in line
        assert message in line
    assert {path: path.is_dir() or path.read_bytes() for path in tmp_path.rglob("*")} == before


def not_onnx(folder: Path) -> list[str]:
    (folder / "notes.onnx").write_text("hello")
    (folder / "notes.json").write_bytes(model_path(DEFAULT_MODEL).with_suffix(".json").read_bytes())
    return ["--model", str(folder / "notes.onnx")]


def text_as_model(folder: Path) -> list[str]:
    (folder / "notes.txt").write_text("hello")
    return ["--model", str(folder / "notes.txt")]


def changed_model(folder: Path) -> list[str]:
    source = model_path(DEFAULT_MODEL)
    (folder / "m.onnx").write_bytes(source.read_bytes() + b"x")
    (folder / "m.json").write_bytes(source.with_suffix(".json").read_bytes())
    return ["--model", str(folder / "m.onnx")]


BAD_ARGUMENTS: dict[str, tuple[Callable[[Path], list[str]], int, str]] = {
    "unknown extension": (lambda folder: ["-o", f"{folder}/out.xyz"], 1, "unknown picture format '.xyz'"),
    "no extension": (lambda folder: ["-o", f"{folder}/out"], 1, "unknown picture format ''"),
    "transparent JPEG": (lambda folder: ["-o", f"{folder}/out.jpg"], 1, "JPEG has no transparency"),
    "no folder": (lambda folder: ["-o", f"{folder}/none/out.png"], 1, "its folder does not exist"),
    "model that is not ONNX": (not_onnx, 1, "notes.onnx is not the model"),
    "model that is a text": (text_as_model, 1, "notes.txt is not an ONNX model"),
    "model of another SHA-256": (changed_model, 1, "m.onnx is not the model"),
    "no such model": (lambda folder: ["--model", "mona-lisa"], 1, "no model 'mona-lisa'"),
    "no such device": (lambda folder: ["--device", "tpu"], 1, "unknown device 'tpu'"),
    "no such colour": (lambda folder: ["--background", "blurple"], 2, "'blurple' is not a colour"),
    "no such background": (lambda folder: ["--background", f"{folder}/sea.jpg"], 1, "no such file"),
    "matte on a background": (lambda folder: ["--mask", "--background", "red"], 2, "leave out background"),
    "blur of nothing": (lambda folder: ["--blur", "9"], 2, "blur has no effect here"),
    "no such crop": (lambda folder: ["--crop", "round"], 2, "unknown crop 'round'"),
    "picture and JSON": (lambda folder: ["-o", "-", "--json"], 2, "choose another output"),
    "input as output": (lambda folder: ["-o", f"{folder}/portrait.png"], 2, "is the input itself"),
    "two of one name": (lambda folder: [f"{folder}/portrait.jpg", "-o", f"{folder}/"], 2, "several pictures"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_arguments_end_in_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "portrait.png"
    PIL.Image.fromarray(load_image(PORTRAIT)).save(source)
    make, code, message = BAD_ARGUMENTS[name]
    arguments = make(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["cut", str(source), *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert message in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert main(["cut", str(PORTRAIT), "-o", str(tmp_path / "out.png")]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_target_on_a_read_only_file_system(capsys: pytest.CaptureFixture[str]) -> None:
    target = Path("/proc/limner.png")
    if not target.parent.exists():
        pytest.skip("needs /proc, where nobody can write")
    assert main(["cut", str(PORTRAIT), "-o", str(target)]) == 1
    assert f"cannot write {target}" in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = run("cut", tmp_path / "none.jpg", "--debug")
    assert done.returncode == 1
    assert b"Traceback" in done.stderr


def test_what_a_library_warns_of_is_a_line(tmp_path: Path) -> None:
    PIL.Image.fromarray(load_image(PORTRAIT)).resize((64, 64)).save(tmp_path / "photo.tif", dpi=(72, 72))
    data = bytearray((tmp_path / "photo.tif").read_bytes())
    resolution = data.index(struct.pack("<HHI", 0x011A, 5, 1))
    data[resolution + 8 : resolution + 12] = struct.pack("<I", 9_000_000)  # where the file has no byte
    (tmp_path / "photo.tif").write_bytes(data)
    (tmp_path / "second.tif").write_bytes(data)
    done = run("cut", tmp_path / "photo.tif", tmp_path / "second.tif")
    assert done.returncode == 0
    lines = done.stderr.decode().splitlines()
    for name, said in zip(("photo", "second"), (lines[:2], lines[2:]), strict=True):
        assert said[0] == f"limner: {tmp_path / name}.tif: Truncated File Read"
        assert said[1].startswith("limner: wrote")


def test_all_failed_is_1(tmp_path: Path) -> None:
    assert main(["cut", str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")]) == 1


def animation(path: Path) -> Path:
    """A portrait and the same one mirrored, each shown for 80 ms."""
    first = PIL.Image.fromarray(load_image(PORTRAIT)).resize((160, 160))
    mirrored = first.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    first.save(path, save_all=True, append_images=[mirrored], duration=80)
    return path


@pytest.mark.parametrize("extension", [".png", ".webp", ".gif"])
def test_every_frame_of_an_animation_is_cut(tmp_path: Path, extension: str) -> None:
    source, target = animation(tmp_path / "two.gif"), tmp_path / f"cut{extension}"
    done = run("cut", source, "-o", target, "--json")
    assert done.returncode == 0, done.stderr
    assert b"several frames" not in done.stderr
    assert json.loads(done.stdout)["frames"] == 2
    (first, shown_ms), (second, _) = load_animation(target).frames
    assert shown_ms == 80
    assert first.alpha is not None
    assert second.alpha is not None
    assert 0.1 < first.alpha.mean() < 0.9
    assert np.abs(first.alpha - second.alpha[:, ::-1]).mean() < np.abs(first.alpha - second.alpha).mean() / 2


def test_a_still_format_takes_the_first_frame_and_says_so(tmp_path: Path) -> None:
    done = run("cut", animation(tmp_path / "two.gif"), "--background", "white", "-o", tmp_path / "cut.jpg")
    assert done.returncode == 0
    assert b"several frames" in done.stderr
    assert decode(tmp_path / "cut.jpg").shape == (160, 160, 3)


def test_an_animation_is_not_cropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = animation(tmp_path / "two.gif")
    assert main(["cut", str(source), "--crop", "square", "-o", str(tmp_path / "cut.png")]) == 1
    assert f"{source}: an animation cannot be cropped" in capsys.readouterr().err
    assert not (tmp_path / "cut.png").exists()


def test_metadata_is_kept_as_it_is_asked_for(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[PIL.ExifTags.Base.Make] = "Camera"
    exif[PIL.ExifTags.IFD.GPSInfo] = {PIL.ExifTags.GPS.GPSLatitudeRef: "N"}
    PIL.Image.fromarray(load_image(PORTRAIT)).resize((64, 64)).save(tmp_path / "photo.jpg", exif=exif)
    kept = {}
    for choice in ("no-gps", "keep", "strip"):
        target = tmp_path / f"{choice}.png"
        options = [] if choice == "no-gps" else ["--metadata", choice]
        assert main(["cut", str(tmp_path / "photo.jpg"), "-o", str(target), *options]) == 0
        with PIL.Image.open(target) as picture:
            found = picture.getexif()
            place = found.get_ifd(PIL.ExifTags.IFD.GPSInfo)
            kept[choice] = (found.get(PIL.ExifTags.Base.Make), bool(place))
    assert kept == {"no-gps": ("Camera", False), "keep": ("Camera", True), "strip": (None, False)}


def test_rotated_photo_gives_an_upright_cutout(tmp_path: Path, portrait: Image) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    cropped = portrait[:, :400]
    PIL.Image.fromarray(np.rot90(cropped)).save(tmp_path / "phone.png", exif=exif)
    assert main(["cut", str(tmp_path / "phone.png")]) == 0
    written = decode(tmp_path / "phone-cutout.png")
    assert_is_cut(written, cropped)


def test_empty_room_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PIL.Image.new("RGB", (200, 200), (40, 60, 90)).save(tmp_path / "wall.png")
    alpha = front.segment(tmp_path / "wall.png")
    if alpha.max() >= 0.5:
        pytest.skip("this model sees a person in a plain wall")
    assert main(["cut", str(tmp_path / "wall.png")]) == 0
    assert "no person found" in capsys.readouterr().err
