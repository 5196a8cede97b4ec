"""ONNX Runtime sessions: where a network runs, and how it is started."""

from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ModelError
from limner.parallel import quota, thread_count

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

DEVICES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
"""Device -> the name of its execution provider in ONNX Runtime."""


def choose_device(device: str) -> str:
    """A key of `DEVICES`; "auto" becomes CUDA where ONNX Runtime was built with it, else the CPU.

    Raises:
        ModelError: If the device is unknown, or not in this build. No other is taken in its place.
    """
    from onnxruntime import get_available_providers

    if device != "auto" and device not in DEVICES:
        raise ModelError(f"unknown device '{device}': use auto, {', '.join(DEVICES)}")
    available = get_available_providers()
    if device == "auto":
        return "cuda" if DEVICES["cuda"] in available else "cpu"
    if DEVICES[device] not in available:
        cure = (
            "pip uninstall onnxruntime; pip install onnxruntime-gpu" if device == "cuda" else "limner doctor"
        )
        raise ModelError(f"no device '{device}' in this build of ONNX Runtime; see: {cure}")
    return device


def start_session(
    model: Path | bytes, *, name: str, device: str = "cpu", threads: int | None = None
) -> "InferenceSession":
    """A session that runs a network, an ONNX file or its bytes, on one device, a key of `DEVICES`.

    One run may use so many threads, by default one a core.

    Raises:
        ModelError: If ONNX Runtime cannot load it there; the message has its name.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    own_choice = 0  # by the affinity, which knows no quota
    options.intra_op_num_threads = threads or (thread_count() if quota() else own_choice)
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting would take a core
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[DEVICES[device]])
    except Exception as error:  # ONNX Runtime's errors have no common base of their own
        raise ModelError(f"ONNX Runtime cannot load the model '{name}' on {device}: {error}") from error
    if session.get_providers()[0] != DEVICES[device]:
        raise ModelError(f"ONNX Runtime could not start '{device}': check its driver, or use --device cpu")
    return session
