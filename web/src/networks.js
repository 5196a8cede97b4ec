// The networks, in ONNX Runtime's WebAssembly. Whatever is needed lies beside these modules: nothing comes from a CDN.

import * as ort from "onnxruntime-web/wasm";

import { EDGE, MODELS } from "./models.js";

ort.env.logLevel = "error";
// More threads need a page that is isolated, and two networks this small gain little from them.
ort.env.wasm.numThreads = 1;

const NODE_FILES = "node:fs/promises"; // not for bundlers: only Node reads files
const sessions = new Map();

/** A network that finds people and the one that refines edges; loaded once. `onProgress` is told of the download. */
export async function loadNetworks(model, onProgress = () => {}) {
  if (!(model in MODELS)) throw new TypeError(`unknown model '${model}': use ${Object.keys(MODELS).join(" or ")}`);
  const fractions = [0, 0];
  const [portrait, edge] = await Promise.all(
    [MODELS[model].url, EDGE].map((url, index) =>
      session(url, (fraction) => {
        fractions[index] = fraction;
        onProgress((fractions[0] + fractions[1]) / 2);
      }),
    ),
  );
  return {
    side: MODELS[model].side,
    stride: MODELS[model].stride,
    portrait: async ({ width, height, data }) => {
      const pixels = new ort.Tensor("uint8", data, [1, height, width, 3]);
      return run(portrait, { pixels });
    },
    edge: async (image, alpha, height, width) => {
      const pixels = new ort.Tensor("float32", image, [3, height, width]);
      return run(edge, { pixels, alpha: new ort.Tensor("float32", alpha, [height, width]) });
    },
  };
}

async function run(session, inputs) {
  const found = await session.run(inputs);
  return found[session.outputNames[0]].data;
}

function session(url, onProgress) {
  if (!sessions.has(url.href)) {
    const starting = read(url, onProgress).then((bytes) => ort.InferenceSession.create(bytes));
    starting.catch(() => sessions.delete(url.href)); // so that the next call tries again
    sessions.set(url.href, starting);
  }
  return sessions.get(url.href);
}

async function read(url, onProgress) {
  if (url.protocol === "file:") {
    const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ NODE_FILES);
    return readFile(url);
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`cannot load ${url}: ${answer.status} ${answer.statusText}`);
  const size = answer.headers.has("Content-Encoding") ? Infinity : Number(answer.headers.get("Content-Length"));
  const parts = [];
  let loaded = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onProgress(Math.min(1, loaded / size));
  }
  onProgress(1);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
