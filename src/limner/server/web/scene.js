// The result of a picture as pixels for the screen: all of it at once, or a part at full size.

import { backdropAt, backdropOf } from "./backdrop.js";
import { composed } from "./compose.js";
import { isEdited } from "./edits.js";
import { engine } from "./engines.js";
import { gridOf, layersAt, onGrid } from "./layers.js";
import { withEdits } from "./open.js";
import { behind, cropOptions, wanted } from "./settings.js";

const SIDE = 1280; // longer side of the picture that shows all, pixels

/**
 * All that is shown of an open picture: { kept, width, height, scale, before, after, at }.
 * `kept` is the frame in pixels of the photo; `before` and `after` show it at `scale`; see `detailOf`.
 */
export async function sceneOf(opened, settings) {
  const kept = (await keptOf(opened, settings)) ?? { top: 0, left: 0, width: opened.width, height: opened.height };
  const scale = Math.min(1, SIDE / Math.max(kept.width, kept.height));
  const grid = gridOf(opened, scale);
  const part = kept.width === opened.width && kept.height === opened.height ? { x: 0, y: 0, ...grid } : onGrid(kept, grid);
  const key = JSON.stringify([opened.photo.edits?.version, scale, part, settings.shift, settings.feather]);
  if (opened.layers?.key !== key) opened.layers = { key, ...layersAt(opened, grid, part, settings) };
  const { layers } = opened;
  const backdropKey = JSON.stringify([key, behind(settings), settings.blur, settings.lens, settings.shadow, settings.mask]);
  if (opened.backdrop?.key !== backdropKey) opened.backdrop = { key: backdropKey, ...backdropOf(layers, settings) };
  const whole = { x: 0, y: 0, width: layers.width, height: layers.height };
  const after = composed(layers, backdropAt(opened.backdrop, layers, settings, whole, whole, scale));
  return { opened, settings, kept, scale, before: layers.before, after };
}

/** A part of the scene at another scale, { before, after }; `region` is in pixels of the frame. */
export function detailOf({ opened, settings, kept }, region, scale) {
  const grid = gridOf(opened, scale);
  const frame = onGrid(kept, grid);
  const inside = onGrid({ top: region.y, left: region.x, width: region.width, height: region.height }, grid);
  const layers = layersAt(opened, grid, { ...inside, x: inside.x + frame.x, y: inside.y + frame.y }, settings);
  const { before } = layers;
  return { before, after: composed(layers, backdropAt(opened.backdrop, layers, settings, inside, frame, scale)) };
}

/** What a crop keeps of the photo, null without one; the engine knows where the head is. */
async function keptOf({ photo }, settings) {
  const options = cropOptions(wanted(settings));
  if (!options) return null;
  const key = JSON.stringify([options, isEdited(photo) ? photo.edits.version : 0]);
  if (photo.kept?.key !== key) {
    const cutout = withEdits(photo, options).then((edited) => engine.cutout(photo.file, edited));
    photo.kept = { key, cutout };
  }
  return (await photo.kept.cutout).frame;
}
