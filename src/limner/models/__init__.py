"""The networks and how they run: files with their sidecars, ONNX Runtime sessions, pictures to alphas."""
