// An engine (see engine.js): the server that the page came from.

import { Refusal } from "./engine.js";
import { OPTIONS } from "./options.js";
import { channelOf, greyPng } from "./pixels.js";
import { text } from "./text.js";

const KEY = "limner-key";
const MAX_TRIES = 20; // while the server is busy

export const server = { name: "server", options: new Set(Object.keys(OPTIONS)), lacks: {}, cutout };

async function cutout(source, options = {}, { signal } = {}) {
  const form = new FormData();
  form.append("image", source, "image");
  const { alpha, ...others } = options;
  if (alpha) form.append("alpha", await greyPng(alpha), "alpha");
  for (const [name, value] of Object.entries(others)) {
    if (value instanceof Blob) form.append(name, value, name);
    else form.append(name, String(value));
  }
  const answer = await admitted(form, signal);
  const blob = await answer.blob();
  return {
    blob,
    get alpha() {
      return options.background ? null : alphaOf(blob, options.output === "mask" ? 0 : 3);
    },
    box: frameIn(answer.headers.get("Limner-Box")),
    frame: frameIn(answer.headers.get("Limner-Frame")),
    subjectShare: Number(answer.headers.get("Limner-Subject")),
  };
}

function frameIn(header) {
  if (!header) return null;
  const [top, left, height, width] = header.split(",").map(Number);
  return { top, left, height, width };
}

async function alphaOf(blob, channel) {
  const picture = await createImageBitmap(blob);
  const alpha = channelOf(picture, channel);
  picture.close();
  return alpha;
}

/** The answer to a form, once the server has a place for it and the key that it asks for. */
async function admitted(form, signal) {
  for (let attempt = 0; ; attempt++) {
    const answer = await post(form, signal);
    if (answer.ok) return answer;
    if (answer.status === 401) {
      await askForKey();
    } else if ([429, 503].includes(answer.status) && attempt < MAX_TRIES) {
      const seconds = Number(answer.headers.get("Retry-After") ?? 1);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    } else {
      throw new Refusal(await reason(answer));
    }
  }
}

async function post(form, signal) {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { "X-Api-Key": key } : {};
  try {
    return await fetch("v1/cutout", { method: "POST", body: form, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(text("server.silent"));
  }
}

async function reason(answer) {
  if (answer.headers.get("Content-Type") !== "application/problem+json") {
    return text("server.status", { status: answer.status });
  }
  const detail = (await answer.json()).detail;
  return `${detail[0].toUpperCase()}${detail.slice(1)}.`;
}

let asking = null;

function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = document.querySelector("#key");
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(KEY, dialog.querySelector("input").value.trim());
      asking = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}
