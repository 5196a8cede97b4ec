// All results in one ZIP file, written as they are made.

import { Refusal } from "./engine.js";
import { attempt, tell } from "./notices.js";
import { download, nameOf, resultOf } from "./save.js";
import { on, photos } from "./state.js";
import { text } from "./text.js";
import { zipped } from "./zip.js";

const NAME = "limner.zip";
const button = document.querySelector("#download-all");
const progress = document.querySelector("#zip-progress");

const ready = () => photos.filter((photo) => photo.state === "done");

/** The results, one after the other; whatever is refused is left out and named at the end. */
async function* results(all, refused) {
  for (const [i, photo] of all.entries()) {
    progress.value = i / all.length;
    try {
      const blob = await resultOf(photo);
      delete photo.result;
      yield { name: nameOf(photo), blob };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refused.push(photo.name);
    }
  }
}

async function save() {
  const all = ready();
  const refused = [];
  const file = await targetFile();
  if (file === null) return;
  progress.hidden = false;
  try {
    const pieces = zipped(results(all, refused));
    if (file) await written(file, pieces);
    else download(await gathered(pieces), NAME);
  } finally {
    progress.hidden = true;
  }
  const told = refused.length ? "zip.some" : "zip.done";
  tell(text(told, { count: all.length - refused.length, names: refused.join(", ") }));
}

/** A file that the browser lets the page write; null where the person chose none, undefined where it does not. */
async function targetFile() {
  if (!window.showSaveFilePicker) return undefined;
  try {
    return await window.showSaveFilePicker({ suggestedName: NAME });
  } catch (error) {
    if (error.name === "AbortError") return null;
    throw error;
  }
}

async function written(file, pieces) {
  const target = await file.createWritable();
  for await (const piece of pieces) await target.write(piece);
  await target.close();
}

/** One Blob of them; the browser keeps Blobs outside the page's memory. */
async function gathered(pieces) {
  const parts = [];
  for await (const piece of pieces) parts.push(piece);
  return new Blob(parts, { type: "application/zip" });
}

button.addEventListener("click", () => attempt(button, save));

on("photos", () => (button.hidden = ready().length < 2));
