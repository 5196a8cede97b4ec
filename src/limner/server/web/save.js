// Results out: downloaded or copied.

import { isEdited } from "./edits.js";
import { engine } from "./engines.js";
import { attempt, tell } from "./notices.js";
import { editedAlphaOf } from "./open.js";
import { formatOf, opaque, settingsOf, wanted } from "./settings.js";
import { on, photos, state } from "./state.js";
import { text } from "./text.js";

const $ = (selector) => document.querySelector(selector);

/** A picture's result as a Blob: the last one, where it is still right. */
export async function resultOf(photo, options = wanted(settingsOf(photo))) {
  if (isEdited(photo)) options = { ...options, refine: undefined, subjects: undefined, alpha: await editedAlphaOf(photo) };
  if (!Object.keys(options).length) return photo.cutout;
  const key = keyOf(photo, options);
  if (photo.result?.key !== key) {
    const made = await engine.cutout(photo.file, options);
    photo.result = { key, blob: made.blob };
  }
  return photo.result.blob;
}

const pictures = new WeakMap(); // background pictures -> their numbers

function keyOf(photo, options) {
  return JSON.stringify({ ...options, alpha: options.alpha && photo.edits.version }, (_, value) => {
    if (!(value instanceof Blob)) return value;
    if (!pictures.has(value)) pictures.set(value, Math.random());
    return pictures.get(value);
  });
}

/** The name under which a picture's result is saved. */
export function nameOf(photo) {
  const settings = settingsOf(photo);
  const kind = settings.mask ? "mask" : opaque(settings) ? "composite" : "cutout";
  return `${photo.name.replace(/\.\w+$/, "")}-${kind}.${formatOf(settings)}`;
}

/** Let the browser save a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  tell(text("save.done", { name }));
}

async function save(photo) {
  download(await resultOf(photo), nameOf(photo));
}

$("#options").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt($("#download"), () => save(state.selected));
});

$("#download-all").addEventListener("click", (event) => {
  attempt(event.target, async () => {
    for (const photo of photos.filter((other) => other.state === "done")) await save(photo);
  });
});

$("#copy").hidden = !navigator.clipboard?.write;
$("#copy").addEventListener("click", (event) => {
  attempt(event.target, async () => {
    const { format, ...options } = wanted(settingsOf());
    await navigator.clipboard.write([new ClipboardItem({ "image/png": resultOf(state.selected, options) })]);
    tell(text("copy.done"));
  });
});

on("photos", () => {
  const ready = state.selected?.state === "done";
  for (const button of [$("#download"), $("#copy")]) button.disabled = !ready;
  $("#download-all").hidden = photos.filter((other) => other.state === "done").length < 2;
});
