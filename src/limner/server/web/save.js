// Results out: downloaded or copied.

import { isEdited } from "./edits.js";
import { engine } from "./engines.js";
import { attempt, tell } from "./notices.js";
import { withEdits } from "./open.js";
import { formatOf, opaque, settingsOf, wanted } from "./settings.js";
import { on, state } from "./state.js";
import { text } from "./text.js";

const $ = (selector) => document.querySelector(selector);

/** A picture's result as a Blob: the last one, where it is still right. */
export async function resultOf(photo, options = wanted(settingsOf(photo))) {
  const ready = readyResultOf(photo, options);
  if (ready) return ready;
  const key = keyOf(photo, options);
  const { blob } = await engine.cutout(photo.file, await withEdits(photo, options));
  photo.result = { key, blob };
  return blob;
}

/** The same, if it needs no engine; else null. */
export function readyResultOf(photo, options = wanted(settingsOf(photo))) {
  const key = keyOf(photo, options);
  if (key === UNCHANGED) return photo.cutout;
  return photo.result?.key === key ? photo.result.blob : null;
}

const UNCHANGED = "[{},0]";
const pictures = new WeakMap(); // background pictures -> their numbers

function keyOf(photo, options) {
  const edits = isEdited(photo) ? photo.edits.version : 0;
  return JSON.stringify([options, edits], (_, value) => {
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
});
