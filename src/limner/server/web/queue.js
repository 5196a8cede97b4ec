// Pictures on their way through the engine.

import { Refusal } from "./engine.js";
import { engine } from "./engines.js";
import { tell } from "./notices.js";
import { forget } from "./open.js";
import { thumbnailOf } from "./strip.js";
import { changed, photos, state } from "./state.js";
import { text } from "./text.js";

const AT_ONCE = 2; // pictures that the engine has at a time
const LEAST_SUBJECT = 0.003; // less of the picture is nobody

/** Take files in; what is no picture is refused. */
export function add(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/") || /\.(heic|heif|tiff?)$/i.test(file.name));
  if (files.length && !pictures.length) return tell(text("files.none"));
  photos.push(...pictures.map((file) => ({ file, name: file.name || text("files.unnamed"), state: "waiting", own: null })));
  if (pictures.length) state.selected = photos.at(-pictures.length);
  changed("photos");
  work();
}

/** Take a picture out. */
export function remove(photo) {
  const index = photos.indexOf(photo);
  photos.splice(index, 1);
  photo.abort?.abort();
  forget(photo);
  if (photo === state.selected) state.selected = photos[Math.min(index, photos.length - 1)] ?? null;
  changed("photos");
}

async function work() {
  const next = photos.find((photo) => photo.state === "waiting");
  if (!next || photos.filter((photo) => photo.state === "working").length >= AT_ONCE) return;
  next.state = "working";
  changed("photos");
  work();
  try {
    await cut(next);
    next.state = "done";
    tell(text("queue.ready", { name: next.name, state: text(next.noSubject ? "state.nobody" : "state.cut") }));
  } catch (error) {
    if (error.name !== "AbortError") {
      if (!(error instanceof Refusal)) throw error;
      next.state = "failed";
      next.error = error.message;
    }
  } finally {
    changed("photos");
    work();
  }
}

async function cut(photo) {
  photo.abort = new AbortController();
  const { blob, subjectShare } = await engine.cutout(photo.file, {}, { signal: photo.abort.signal });
  photo.cutout = blob;
  photo.noSubject = subjectShare < LEAST_SUBJECT;
  const picture = await createImageBitmap(blob);
  photo.thumbnail = thumbnailOf(picture);
  picture.close();
}
