// Where a picture is cropped, by limner.rendering.framing: for engines that do not crop.

import { gridOf, reduced } from "./layers.js";
import { partsOf } from "./parts.js";

const HALF = 128;
const SIDE = 512; // longer side of the alpha that tells specks from people, pixels
const SPECK = 0.01; // of the largest part's area

/** The smallest frame around what is opaque, specks left out; null where nothing is. */
export function boxOf(opened) {
  const grid = gridOf(opened, Math.min(1, SIDE / Math.max(opened.width, opened.height)));
  const { parts } = partsOf(reduced(opened, grid, { x: 0, y: 0, ...grid }), grid.width, grid.height, SPECK);
  if (!parts.length) return null;
  const spare = grid.scale < 1 ? 1 : 0; // pixels of the grid, which are coarse
  const coarse = (side, outwards) => outwards(...parts.map((part) => part[side]));
  const scale = opened.width / grid.width;
  const start = (side) => Math.max(0, Math.floor((coarse(side, Math.min) - spare) * scale));
  const end = (side, length) => Math.min(length, Math.ceil((coarse(side, Math.max) + spare) * scale));
  return boxWithin(opened, start("left"), start("top"), end("right", opened.width), end("bottom", opened.height));
}

function boxWithin({ alpha, width }, left, top, right, bottom) {
  const box = { left: right, top: bottom, right: left, bottom: top };
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (alpha[y * width + x] < HALF) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
    }
  }
  return { top: box.top, left: box.left, width: box.right - box.left, height: box.bottom - box.top };
}

/**
 * What a crop keeps, around the box of the subject in a picture: `crop` is "subject" or "W:H".
 * `margin` is a fraction of the longer side of the box; `inside` keeps the frame within the picture.
 */
export function frameAround(box, picture, { crop, margin, inside }) {
  const { width, height } = picture;
  const ends = [box.top === 0, box.left === 0, box.top + box.height === height, box.left + box.width === width];
  const [above, before, below, after] = ends.map((end) => inside || end);
  const space = Math.round(margin * Math.max(box.height, box.width));
  const [top, left] = [Math.max(0, box.top - space), Math.max(0, box.left - space)];
  const bottom = Math.min(height, box.top + box.height + space);
  const right = Math.min(width, box.left + box.width + space);
  if (crop === "subject") return { top, left, width: right - left, height: bottom - top };
  const [across, down] = crop.split(":").map(Number);
  const aspect = across / down;
  const least = Math.max(bottom - top, Math.round((right - left) / aspect));
  const shrink = Math.min(1, above && below ? height / least : 1, before && after ? width / (least * aspect) : 1);
  const tall = Math.round(least * shrink);
  const wide = Math.round(least * shrink * aspect);
  return {
    top: shifted(top, tall, height, above, below || bottom === height),
    left: shifted(Math.floor((left + right - wide) / 2), wide, width, before, after),
    width: wide,
    height: tall,
  };
}

/** Where a stretch starts that reaches beyond neither border that is closed; the first one counts more. */
function shifted(start, length, end, first, last) {
  const latest = last ? Math.min(start, end - length) : start;
  return first ? Math.max(0, latest) : latest;
}
