// The worker: takes pictures one after the other, so that the page stays free.

import { cut } from "./cut.js";
import { loadNetworks } from "./networks.js";

const unwanted = new Set();
let last = Promise.resolve();

addEventListener("message", ({ data }) => {
  if (data.abort) {
    unwanted.add(data.abort);
  } else {
    last = last.then(() => answer(data));
  }
});

async function answer({ id, source, options, preload }) {
  const onProgress = (fraction) => postMessage({ id, fraction });
  // A message that says that the work is unwanted comes in between two tasks.
  const pause = async () => {
    await new Promise((resume) => setTimeout(resume));
    if (unwanted.has(id)) throw new DOMException("the cut-out is not wanted any more", "AbortError");
  };
  try {
    if (preload) {
      await loadNetworks(preload, onProgress);
      postMessage({ id, result: null });
    } else {
      await pause();
      const result = await cut(source, options, onProgress, pause);
      postMessage({ id, result }, [result.alpha.data.buffer]);
    }
  } catch (error) {
    postMessage({ id, error });
  }
  unwanted.delete(id);
}
