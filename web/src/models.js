// The networks that lie beside this package, as their sidecars describe them.

export const MODELS = {
  small: { side: 192, stride: 32, url: new URL("../models/small.onnx", import.meta.url) },
  base: { side: 256, stride: 32, url: new URL("../models/base.onnx", import.meta.url) },
};

export const EDGE = new URL("../models/edge.onnx", import.meta.url);
