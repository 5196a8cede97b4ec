// Results that the page makes itself at full size: of options that its engine lacks.

import { engine } from "./engines.js";
import { open } from "./open.js";
import { OPTIONS, ID_PHOTOS } from "./options.js";
import { canvasOf } from "./pixels.js";
import { detailOf, sceneOf } from "./scene.js";
import { formatOf } from "./settings.js";

const HERE = new Set(["background", "blur", "lens", "fit", "align", "shadow", "shift", "feather", "mask", "crop", "margin"]);
const TYPES = { png: "image/png", webp: "image/webp", jpg: "image/jpeg" };
const QUALITY = 0.92;

const complete = Object.keys(OPTIONS).every((name) => engine.options.has(name));

/** Whether the page can make results with an option, by its engine or itself. */
export function offers(name) {
  return engine.options.has(name) || HERE.has(name);
}

/** Whether it can make a crop: where the head is, only a complete engine knows. */
export function offersCrop(crop) {
  return complete || !(crop in ID_PHOTOS);
}

/** Whether the page makes a result itself; `options` are those of an engine. */
export function isMadeHere({ output, format, ...options }) {
  if (complete) return false;
  const others = ["grey", "original"].includes(options.background);
  return others || Object.keys(options).some((name) => !engine.options.has(name));
}

/** A result as a Blob. */
export async function rendered(photo, settings) {
  const scene = await sceneOf(await open(photo), settings);
  const { width, height } = scene.kept;
  const { after } = detailOf(scene, { x: 0, y: 0, width, height }, 1);
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").putImageData(after, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, TYPES[formatOf(settings)], QUALITY));
}
