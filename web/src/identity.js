// Identity photos, and the head that the outline of the subject tells: `limner.rendering.identity` and `outline`.

import { largeParts, connectedParts } from "./masks.js";
import { roundEven } from "./resize.js";

const HEAD_PART = 0.1;
const HEAD_SHAPE = 1.25;
const FOREHEAD = 0.3;
const FACE_SHAPE = 1.75;
const HAIR_SHAPE = 1.31;
const NECK = [0.75, 1.6];
const SHOULDERS = 1.15;
const NARROW = 0.9;
const TO_NECK = 0.6;
const LEAST_SHAPE = 0.8;
const LEAST_FILL = 0.5;
const UPPER = 0.1;
const THIN = 0.15;
const CROWN = 0.1;
const MOST_CUT = 0.2;
const PLAY = 0.05;
const TOUCH = 0.02;
const GAP = 0.08;
const OVER = 0.06;
const LEAST_DPI = 75;

/** Sizes are height and width in pixels at 600 dots an inch; the rest are fractions of the height. */
export const ID_PHOTOS = {
  "35x45mm": { size: [1063, 827], inches: 45 / 25.4, head: 0.75, largestHead: 0.8, above: 0.08 },
  "2x2in": { size: [1200, 1200], inches: 2, head: 0.6, largestHead: 0.69, above: 0.08 },
};

/** The frame of an identity photo; `inside(x, y)` says whether a pixel belongs to the subject. */
export function idFrame(inside, size, photo, within) {
  const head = headOf(inside, size);
  const height = head.height / photo.head;
  if (height / photo.inches < LEAST_DPI) {
    const wanted = Math.round(photo.head * photo.size[0]);
    throw new RangeError(
      `the head is ${head.height} pixels high, and the identity photo shows it at ${wanted}: give a larger picture`,
    );
  }
  if (-head.top / head.height > MOST_CUT) {
    throw new RangeError("the head is cut off by the upper border: an identity photo shows all of it, give one that does");
  }
  const mask = partsOf(inside, size);
  const steps = (from, to, count) => Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
  const { head: start, largestHead: largest } = photo;
  let found;
  for (const fraction of [...steps(start, largest, 10), ...steps(largest, largest + OVER, 6)]) {
    found = fitted(mask, size, photo, head, fraction, within);
    const bearable = found.lacks.every(({ pixels, allowed }) => pixels <= allowed);
    if (!found.lacks.length || (fraction >= largest && bearable)) break;
  }
  for (const { side, pixels, allowed } of found.lacks) {
    if (pixels > allowed) {
      throw new RangeError(`the picture has ${pixels} pixels too little ${side} for an identity photo: give one that shows more`);
    }
  }
  return found.frame;
}

/** The frame in which the head takes this fraction of the height, and what is missing for it. */
function fitted(mask, size, photo, head, fraction, within) {
  const height = roundEven(head.height / fraction);
  const width = roundEven((height * photo.size[1]) / photo.size[0]);
  const above = head.top - roundEven(((photo.above * (1 - fraction)) / (1 - photo.head)) * height);
  const before = head.left + Math.floor((head.width - width) / 2);
  const cuts = (seen, limit, start, length) => {
    let count = 0;
    for (let i = Math.max(0, start); i < Math.min(limit, start + length); i++) count += seen(i);
    return within || count > TOUCH * length;
  };
  const lowest = cuts((x) => mask[(size.height - 1) * size.width + x], size.width, before, width);
  const first = cuts((y) => mask[y * size.width], size.height, above, height);
  const last = cuts((y) => mask[(y + 1) * size.width - 1], size.height, above, height);
  const [top, down] = placed(above, height, size.height, roundEven(PLAY * height), within, lowest);
  const [left, right] = placed(before, width, size.width, roundEven(PLAY * width), first, last);
  const lacks = [
    { side: down < 0 ? "above the head" : "below the head", pixels: Math.abs(down), allowed: 0 },
    { side: right < 0 ? "on the left" : "on the right", pixels: Math.abs(right), allowed: within ? 0 : GAP * width },
  ];
  return { frame: { top, left, height, width }, lacks: lacks.filter(({ pixels }) => pixels) };
}

/** Where a stretch starts that reaches beyond no closed border, and how many pixels are missing for that. */
function placed(start, length, end, play, first, last) {
  const low = first ? Math.max(start - play, 0) : start - play;
  const high = last ? Math.min(start + play, end - length) : start + play;
  if (low <= high) return [Math.min(Math.max(start, low), high), 0];
  if (last && (!first || start + length - end > -start)) return [low, low - high];
  return [high, high - low];
}

/** The head's box, hair included. */
function headOf(inside, size) {
  const mask = partsOf(inside, size, HEAD_PART);
  const widths = Array.from({ length: size.height }, (_, y) => {
    let count = 0;
    for (let x = 0; x < size.width; x++) count += mask[y * size.width + x];
    return count;
  });
  const area = widths.reduce((sum, width) => sum + width);
  const thick = Math.max(0, widths.findIndex((width) => width >= THIN * Math.sqrt(area)));
  let [height, width] = headSize(widths.slice(thick));
  let top = thick;
  const highest = Math.max(0, thick - Math.trunc(UPPER * height));
  while (top > highest && widths[top - 1] >= CROWN * width) top--;
  height += thick - top;
  const across = new Array(size.width).fill(0);
  for (let y = top; y < Math.min(size.height, top + Math.max(1, Math.floor(height / 2))); y++) {
    for (let x = 0; x < size.width; x++) across[x] += mask[y * size.width + x];
  }
  const least = CROWN * across.reduce((one, other) => Math.max(one, other));
  const left = across.findIndex((count) => count >= least);
  width = across.findLastIndex((count) => count >= least) + 1 - left;
  let filled = 0;
  const bottom = Math.min(size.height, top + height);
  for (let y = top; y < bottom; y++) for (let x = left; x < left + width; x++) filled += mask[y * size.width + x];
  if (height < LEAST_SHAPE * width || filled < LEAST_FILL * (bottom - top) * width) {
    throw new RangeError("no head stands out in the outline of the person: give a portrait from the front, or another crop");
  }
  const missing = top === 0 ? missingCrown(widths[0] / width, height) : 0;
  return { top: top - missing, left, height: height + missing, width };
}

/** Height and width of a head that begins in the first of these rows. */
function headSize(widths) {
  const widest = [];
  for (const width of widths) widest.push(Math.max(width, widest.at(-1) ?? 0));
  let scale = widths.length;
  for (let down = 1; down <= widths.length; down++) {
    if (down >= HEAD_SHAPE * widest[Math.floor(down / 2)]) {
      scale = down;
      break;
    }
  }
  const [forehead, first, last] = [FOREHEAD, ...NECK].map((fraction) => Math.trunc(fraction * scale));
  const below = widths.slice(first, last + 1);
  const shoulders = below.findIndex((width) => width > SHOULDERS * widest[first]);
  const searched = shoulders < 0 ? below : below.slice(0, shoulders);
  const neck = first + searched.indexOf(Math.min(...searched));
  const height =
    widths[neck] < NARROW * widest[neck]
      ? TO_NECK * neck + (1 - TO_NECK) * FACE_SHAPE * widths[forehead]
      : HAIR_SHAPE * widths[forehead];
  return [Math.max(1, roundEven(height)), widest[Math.floor(scale / 2)]];
}

/** Pixels of an elliptic head above the border, by its width there as a fraction of its largest. */
function missingCrown(chord, height) {
  const lost = 0.5 * (1 - Math.sqrt(1 - Math.min(1, chord) ** 2));
  return roundEven((height * lost) / (1 - lost));
}

/** The mask of the subject's large parts, a byte a pixel. */
function partsOf(inside, { height, width }, fraction) {
  const { runs, areas } = connectedParts(height, width, inside);
  const kept = largeParts(areas, fraction);
  const mask = new Uint8Array(height * width);
  for (const { row, start, end, part } of runs) if (kept.has(part)) mask.fill(1, row * width + start, row * width + end);
  return mask;
}
