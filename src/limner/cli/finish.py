"""The options that say what is made of a picture, for all commands that make one."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from limner.cli.shared import UsageError, need

if TYPE_CHECKING:
    from limner.images import Image
    from limner.render.render import Finish


def add_finish(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--mask", action="store_true", help="write the matte, in grey, instead")
    group = parser.add_argument_group("background")
    group.add_argument(
        "--background",
        default="transparent",
        metavar="WHAT",
        help="transparent (default), blur, grey, original, a picture file, or a colour: name, #rrggbb, rgb()",
    )
    group.add_argument(
        "--fit", default="cover", help="how a picture fills the frame: cover (default), contain, tile"
    )
    group.add_argument(
        "--align",
        default="0.5,0.5",
        metavar="X,Y",
        help="which part of a picture is seen: 0,0 is its top left, 1,1 its bottom right",
    )
    group.add_argument(
        "--blur",
        type=float,
        default=2.0,
        metavar="PERCENT",
        help="radius of the blur, in percent of the longer side (default 2)",
    )
    group.add_argument("--lens", action="store_true", help="blur by a disc, as an open lens does")
    group.add_argument(
        "--shadow", type=float, default=0.0, metavar="PERCENT", help="opacity of a drop shadow"
    )
    group = parser.add_argument_group("edge")
    group.add_argument("--refine", default="fast", help="fast (default), fine (needs limner[fine]) or none")
    group.add_argument(
        "--shift",
        type=float,
        default=0.0,
        metavar="PIXELS",
        help="move the edge outwards, or inwards if negative",
    )
    group.add_argument("--feather", type=int, default=0, metavar="PIXELS", help="soften the edge")
    group.add_argument("--subjects", type=int, default=0, metavar="N", help="keep the N largest people only")
    group = parser.add_argument_group("frame")
    group.add_argument(
        "--crop",
        default="",
        metavar="FRAME",
        help="subject, square, an aspect ratio W:H, or an identity photo: 35x45mm, 2x2in",
    )
    group.add_argument(
        "--square", action="store_const", const="square", dest="crop", help="the same as --crop square"
    )
    group.add_argument(
        "--margin",
        type=float,
        default=5.0,
        metavar="PERCENT",
        help="space around the subject in a crop, in percent of its longer side (default 5)",
    )


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Declare how the files are written."""
    parser.add_argument("--compress", action="store_true", help="take longer to write smaller files")
    parser.add_argument(
        "--metadata",
        choices=("no-gps", "keep", "strip"),
        default="no-gps",
        help="what the photo's file says of the shot: all but the place (default), all, or nothing",
    )


def read_finish(args: argparse.Namespace) -> "tuple[Finish, Image | None]":
    """What they say, and the background picture if one was named.

    Raises:
        InputError: If a value cannot be used, or the picture cannot be read.
    """
    from limner.images import FORMATS, load_image
    from limner.render.render import OWN, Finish

    if args.mask and args.background != "transparent":
        raise UsageError("--mask writes the matte alone: leave out --background")
    if args.refine == "fine":
        need("fine", "scipy")
    background, picture = args.background, None
    named = background in ("transparent", *OWN)
    if not named and (Path(background).suffix.lower() in FORMATS or Path(background).is_file()):
        background, picture = "picture", load_image(background)
    options = Finish(
        mask=args.mask,
        background=background,
        fit=args.fit,
        align=_pair(args.align),
        blur=args.blur / 100,
        lens=args.lens,
        shadow=args.shadow / 100,
        refine=args.refine,
        shift=args.shift,
        feather=args.feather,
        subjects=args.subjects,
        crop=args.crop,
        margin=args.margin / 100,
    )
    return options, picture


def _pair(text: str) -> tuple[float, float]:
    try:
        across, down = map(float, text.split(","))
    except ValueError as error:
        raise UsageError(f"--align wants two numbers such as 0.5,0, got {text}") from error
    return (down, across)
