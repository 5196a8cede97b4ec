// Cuts people out of pictures, here: nothing is sent anywhere. See index.d.ts for the types.

import { complete } from "./options.js";

const IN_WORKER = typeof Worker !== "undefined"; // asked now: in Node, ONNX Runtime brings one of another kind

let worker = null;
let count = 0;
const waiting = new Map();

/** Cut the person out of a picture. */
export async function cutout(source, { signal, onProgress, ...options } = {}) {
  signal?.throwIfAborted();
  const wanted = complete(options);
  const picture = await sendable(source);
  return work({ source: picture, options: wanted }, onProgress, signal);
}

/** Load runtime and networks, so that the first cut-out need not wait for them. */
export async function preload({ model = "small", onProgress } = {}) {
  await work({ preload: model }, onProgress);
}

/** The same, as the page's engines are (see docs/browser.md). */
export const engine = {
  name: "local",
  options: new Set([
    ...["background", "blur", "lens", "fit", "align", "shadow", "refine", "shift", "feather", "subjects", "crop", "margin"],
  ]),
  cutout: (source, options, more) => cutout(source, { ...options, ...more }),
};

/** What can be sent to a worker, or read in Node. */
async function sendable(source) {
  if (typeof source === "string" || source instanceof URL) {
    const answer = await fetch(source);
    if (!answer.ok) throw new TypeError(`cannot load ${source}: ${answer.status} ${answer.statusText}`);
    return answer.blob();
  }
  if (source instanceof Blob || source?.data) return source;
  return createImageBitmap(source); // of a canvas, an image, a video or its frame: a copy
}

async function work(job, onProgress = () => {}, signal) {
  if (!IN_WORKER) return here(job, onProgress, signal);
  worker ??= startWorker();
  const id = ++count;
  return new Promise((resolve, reject) => {
    const stop = () => {
      worker?.postMessage({ abort: id });
      settle(id).reject(signal.reason);
    };
    waiting.set(id, { resolve, reject, onProgress, release: () => signal?.removeEventListener("abort", stop) });
    signal?.addEventListener("abort", stop);
    worker.postMessage({ id, ...job });
  });
}

/** Without workers, as in Node. */
async function here({ source, options, preload }, onProgress, signal) {
  const pause = async () => signal?.throwIfAborted();
  if (preload) {
    const { loadNetworks } = await import("./networks.js");
    await loadNetworks(preload, onProgress);
    return null;
  }
  const { cut } = await import("./cut.js");
  return cut(source, options, onProgress, pause);
}

function startWorker() {
  const started = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data: { id, fraction, result, error } }) => {
    if (fraction !== undefined) {
      waiting.get(id)?.onProgress(fraction);
    } else if (waiting.has(id)) {
      if (error) settle(id).reject(error);
      else settle(id).resolve(result);
    }
  });
  started.addEventListener("error", (event) => {
    worker = null;
    const error = new Error(event.message || "the worker could not be loaded");
    for (const id of [...waiting.keys()]) settle(id).reject(error);
  });
  return started;
}

function settle(id) {
  const one = waiting.get(id);
  waiting.delete(id);
  one.release();
  return one;
}
