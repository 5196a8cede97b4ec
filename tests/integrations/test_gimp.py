"""The plug-in in a real GIMP 3, without a window."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import limner
from tests.conftest import PORTRAIT, ROOT, decode

SCRIPT = """
from gi.repository import Gimp, Gio
file = Gio.File.new_for_path
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file({photo!r}))
layer = image.get_layers()[0]
procedure = Gimp.get_pdb().lookup_procedure("plug-in-limner-mask")
config = procedure.create_config()
config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
config.set_property("image", image)
config.set_core_object_array("drawables", [layer])
print("FIRST", procedure.run(config).index(0) == Gimp.PDBStatusType.SUCCESS)
print("MASK", layer.get_mask() is not None, layer.has_alpha())
Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file({target!r}), None)
again = procedure.run(config)
print("AGAIN", again.index(0) == Gimp.PDBStatusType.SUCCESS, again.index(1))
"""


@pytest.mark.slow
def test_a_layer_gets_a_mask_that_is_not_applied(tmp_path: Path) -> None:
    gimp = shutil.which("gimp-console-3.0")
    if gimp is None:
        pytest.skip("needs GIMP 3 (Debian 13: apt-get install gimp python3-gi)")
    plug_in = tmp_path / "gimp" / "plug-ins" / "limner" / "limner.py"
    plug_in.parent.mkdir(parents=True)
    shutil.copy(ROOT / "integrations" / "gimp.py", plug_in)
    plug_in.chmod(0o755)
    command = tmp_path / "limner"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m limner "$@"\n')
    command.chmod(0o755)
    target = tmp_path / "masked.png"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(photo=str(PORTRAIT), target=str(target)))
    env = {**os.environ, "GIMP3_DIRECTORY": str(tmp_path / "gimp"), "LIMNER": str(command)}
    env |= {"PATH": "/usr/bin:/bin"}  # GIMP's Python is the system's, which has gi
    env.pop("PYTHONPATH", None)
    line = [gimp, "-i", "--batch-interpreter", "python-fu-eval", "-b", f"exec(open({str(script)!r}).read())"]
    run = subprocess.run([*line, "--quit"], capture_output=True, text=True, env=env)
    said = [text for text in run.stdout.splitlines() if text.startswith(("FIRST", "MASK", "AGAIN"))]
    assert said[:2] == ["FIRST True", "MASK True False"], run.stderr
    assert said[2].startswith("AGAIN False The layer has a mask already")
    shown = decode(target)
    expected = 255 * limner.segment(PORTRAIT)
    assert np.abs(shown[..., 3] - expected).mean() < 0.5  # another JPEG decoder
