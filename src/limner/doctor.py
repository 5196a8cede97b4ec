"""What is installed, what is missing, and the command that fixes it."""

import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata

from limner._version import __version__
from limner.errors import ModelError
from limner.extras import extras, install_command, requirements
from limner.models.session import DEVICES
from limner.models.spec import bundled_kinds, read_model


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    state: str
    cure: str = ""  # a command; empty when all is well
    broken: bool = False  # cut-outs cannot be made until it is fixed


def examine() -> list[Finding]:
    """Look at Python, the packages, the devices, the bundled models and the extras."""
    return [
        Finding("limner", __version__),
        Finding("python", f"{platform.python_version()} ({sys.executable})"),
        Finding("system", f"{platform.system()} {platform.machine()}"),
        *packages(),
        _packer(),
        _devices(),
        *(_model(name) for name in bundled_kinds()),
        *(_extra(name) for name in extras()),
    ]


def packages() -> list[Finding]:
    """The packages that every install has, with their versions."""
    return [_package(name) for name in ("numpy", "pillow", "onnxruntime", "tqdm")]


def _package(name: str) -> Finding:
    if version := _version(name):
        return Finding(name, version)
    if name == "onnxruntime" and (version := _version("onnxruntime-gpu")):
        return Finding(name, f"{version} (GPU build)")
    return Finding(name, "missing", f"pip install {name}", broken=True)


def _packer() -> Finding:
    version = _version("isal")
    return Finding("isal", version or "missing: zlib packs PNG files, in four times the time")


def _devices() -> Finding:
    try:
        from onnxruntime import get_available_providers
    except ImportError as error:
        cure = "pip install --force-reinstall onnxruntime"
        return Finding("devices", f"ONNX Runtime does not load: {error}", cure, broken=True)
    providers = get_available_providers()
    names = ", ".join(device for device, provider in DEVICES.items() if provider in providers)
    if shutil.which("nvidia-smi") and "CUDAExecutionProvider" not in providers:
        cure = "pip uninstall onnxruntime && pip install onnxruntime-gpu"
        return Finding("devices", f"{names}; an NVIDIA GPU is here but this ONNX Runtime cannot use it", cure)
    return Finding("devices", names)


def _model(name: str) -> Finding:
    try:
        _, spec = read_model(name)
    except ModelError as error:
        return Finding(
            f"model {name}", str(error), "install Limner again, with --force-reinstall", broken=True
        )
    return Finding(
        f"model {name}", f"whole ({spec.size[0]} x {spec.size[1]}, {spec.parameters:,} parameters)"
    )


def _extra(extra: str) -> Finding:
    needed = [line for line in requirements(extra) if "python_version" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed]
    missing = [name for name in names if not _version(name)]
    if not missing:
        return Finding(f"extra {extra}", "installed")
    return Finding(f"extra {extra}", f"not installed ({', '.join(missing)})", install_command(extra))


def _version(package: str) -> str:
    """Of an installed package; empty where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
