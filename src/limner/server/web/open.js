// The few pictures that are open: decoded, with their alpha at full size.

import { engine } from "./engines.js";

const MOST = 3; // decoded pictures take 10 bytes a pixel
const opened = []; // the last one used comes last

/**
 * A picture's pixels: { photo, before, cut, width, height, alpha }.
 * `before` and `cut` are bitmaps of the photo and of its cut-out, `alpha` bytes.
 */
export async function open(photo) {
  let found = opened.find((one) => one.photo === photo);
  if (found) opened.splice(opened.indexOf(found), 1);
  else found = await decoded(photo);
  opened.push(found);
  while (opened.length > MOST) close(opened.shift());
  return found;
}

async function decoded(photo) {
  const [before, cut] = await Promise.all([photoIn(photo.file), createImageBitmap(photo.cutout)]);
  const { width, height } = cut;
  return { photo, before, cut, width, height };
}

/** The photo as the browser reads it, or as the engine does where the browser cannot. */
async function photoIn(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    const { blob } = await engine.cutout(file, { background: "original", format: "jpg" });
    return createImageBitmap(blob);
  }
}

function close({ before, cut }) {
  before.close();
  cut.close();
}
