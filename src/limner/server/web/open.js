// The few pictures that are open: decoded, with their alpha at full size.

import { isEdited } from "./edits.js";
import { engine } from "./engines.js";
import { channelOf, greyPng } from "./pixels.js";
import { alphaOptions, settingsOf, wanted } from "./settings.js";
import { photos } from "./state.js";

const MOST = 2; // decoded pictures take 9 bytes a pixel
const opened = []; // the last one used comes last

/**
 * A picture's pixels: { photo, key, before, cut, width, height, alpha }.
 * `before` and `cut` are bitmaps of the photo and of its cut-out, `alpha` bytes; `key` names what it was made with.
 */
export async function open(photo) {
  const key = baseKey(photo);
  let found = opened.find((one) => one.photo === photo);
  if (found) opened.splice(opened.indexOf(found), 1);
  if (found && found.key !== key) {
    await close(found);
    found = null;
  }
  found ??= await decoded(photo, key);
  opened.push(found);
  while (opened.length > MOST) await close(opened.shift());
  return found;
}

/** Options for an engine: with the alpha where it was edited, in place of those that it was made with. */
export async function withEdits(photo, options) {
  if (!isEdited(photo)) return options;
  const { refine, subjects, ...others } = options;
  return { ...others, alpha: await editedAlphaOf(photo) };
}

async function editedAlphaOf(photo) {
  const found = opened.find((one) => one.photo === photo);
  if (found) return { width: found.width, height: found.height, data: found.alpha };
  return alphaIn(photo.edits.alpha);
}

/** Close what is open of a picture that is taken out. */
export function forget(photo) {
  const index = opened.findIndex((one) => one.photo === photo);
  if (index >= 0) close(opened.splice(index, 1)[0]);
}

/** The options that the alpha was made with: once it is edited, those of that time. */
function baseKey(photo) {
  if (isEdited(photo)) return photo.edits.key;
  const key = JSON.stringify(alphaOptions(wanted(settingsOf(photo))));
  if (photo.edits && photo.edits.key !== key) delete photo.edits; // what was undone belongs to another alpha
  return key;
}

async function decoded(photo, key) {
  const [before, cut] = await Promise.all([photoIn(photo.file), baseOf(photo, key).then(createImageBitmap)]);
  const alpha = photo.edits?.alpha ? await alphaIn(photo.edits.alpha) : channelOf(cut, 3);
  return { photo, key, before, cut, width: cut.width, height: cut.height, alpha: alpha.data };
}

/** The cut-out that the alpha comes from. */
async function baseOf(photo, key) {
  if (key === "{}") return photo.cutout;
  if (photo.base?.key !== key) photo.base = { key, blob: (await engine.cutout(photo.file, JSON.parse(key))).blob };
  return photo.base.blob;
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

async function alphaIn(blob) {
  const picture = await createImageBitmap(blob);
  const alpha = channelOf(picture, 0);
  picture.close();
  return alpha;
}

async function close({ photo, before, cut, width, height, alpha }) {
  before.close();
  cut.close();
  if (photo.edits && photos.includes(photo)) photo.edits.alpha = await greyPng({ width, height, data: alpha });
}
