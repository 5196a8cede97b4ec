#!/usr/bin/env python3
"""GIMP 3: Layer > Mask > Mask Person (Limner) gives a layer a mask that shows the person; it is not applied.

Copy this file to plug-ins/limner/limner.py in GIMP's folder (on Linux ~/.config/GIMP/3.0/), and make it
executable. It calls the command `limner`, which must be on the PATH, or be named by the variable LIMNER.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402

PROCEDURE = "plug-in-limner-mask"


class Limner(Gimp.PlugIn):  # type: ignore[misc]
    """The plug-in: one procedure."""

    def do_query_procedures(self) -> list[str]:
        """Its name."""
        return [PROCEDURE]

    def do_set_i18n(self, _: str) -> bool:
        """There are no translations."""
        return False

    def do_create_procedure(self, name: str) -> Any:
        """What GIMP shows of it."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label("Mask _Person (Limner)")
        procedure.add_menu_path("<Image>/Layer/Mask")
        procedure.set_documentation("Add a mask that shows the person", __doc__ or "", name)
        procedure.set_attribution("The Limner authors", "The Limner authors", "2026")
        return procedure


def run(procedure: Any, _mode: Any, image: Any, drawables: list[Any], _config: Any, _data: Any) -> Any:
    """Mask the layer; GIMP shows what is wrong."""
    try:
        mask_person(image, drawables[0])
    except (OSError, ValueError) as error:
        failed = GLib.Error(str(error))
        return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, failed)
    Gimp.displays_flush()
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())


def mask_person(image: Any, layer: Any) -> None:
    """Give a layer the matte of the person in it as its mask, in one step of undo."""
    if not isinstance(layer, Gimp.Layer):
        raise ValueError("Choose a layer, not a mask or a channel.")
    if layer.get_mask():
        raise ValueError("The layer has a mask already: apply or delete it first.")
    with tempfile.TemporaryDirectory() as folder:
        photo, matte = Path(folder, "photo.png"), Path(folder, "matte.png")
        save(layer, photo)
        command = [os.environ.get("LIMNER") or shutil.which("limner") or ""]
        if not command[0]:
            raise ValueError("The command 'limner' was not found: put it on the PATH, or set LIMNER.")
        done = subprocess.run(
            [*command, "cut", "--mask", "-o", str(matte), str(photo)], capture_output=True, text=True
        )
        if done.returncode:
            raise ValueError(done.stderr.strip())
        opened = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(matte)))
    image.undo_group_start()
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    source, target = opened.get_layers()[0].get_buffer(), mask.get_buffer()
    area = Gegl.Rectangle.new(0, 0, mask.get_width(), mask.get_height())
    levels = source.get(area, 1.0, "Y' u8", Gegl.AbyssPolicy.NONE)
    target.set(area, "Y u8", levels)  # a copy would take opacity for a colour, and make it linear
    target.flush()
    mask.update(0, 0, mask.get_width(), mask.get_height())
    image.undo_group_end()
    opened.delete()


def save(layer: Any, path: Path) -> None:
    """Write one layer as a PNG file of its own size."""
    alone = Gimp.Image.new(layer.get_width(), layer.get_height(), layer.get_image().get_base_type())
    copy = Gimp.Layer.new_from_drawable(layer, alone)
    alone.insert_layer(copy, None, 0)
    copy.set_offsets(0, 0)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, alone, Gio.File.new_for_path(str(path)), None)
    alone.delete()


Gimp.main(Limner.__gtype__, sys.argv)
