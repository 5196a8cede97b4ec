// Photo, foreground colours and alpha of a part of a picture, at a scale.
// The grid of a scale has a pixel for so many of the picture; a part is a rectangle of it, which may reach beyond.

import { editedAlpha } from "./edge.js";
import { canvasOf } from "./pixels.js";

/** The whole picture at a scale, in pixels of its grid. */
export function gridOf({ width, height }, scale) {
  return { scale, width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** A frame of the picture, in pixels of a grid. */
export function onGrid({ top, left, width, height }, { scale }) {
  const [y, x, across, down] = [top, left, width, height].map((length) => Math.round(length * scale));
  return { x, y, width: Math.max(1, across), height: Math.max(1, down) };
}

/**
 * Layers of a part: { width, height, before, front, alpha }; beyond the picture nothing is opaque.
 * Where the cut-out is nearly transparent its colours mean little, and the photo's are taken.
 */
export function layersAt(opened, grid, part, { shift, feather }) {
  const before = drawn(opened.before, opened, grid, part);
  const front = drawn(opened.cut, opened, grid, part).data;
  for (let i = 0; i < front.length; i += 4) {
    if (front[i + 3] >= 32) continue;
    const trusted = front[i + 3] / 32;
    for (let c = i; c < i + 3; c++) front[c] = before.data[c] + trusted * (front[c] - before.data[c]);
  }
  const alpha = alphaAt(opened, grid, part, shift * grid.scale, feather * grid.scale);
  return { width: part.width, height: part.height, before, front, alpha };
}

function drawn(bitmap, { width, height }, grid, part) {
  const context = canvasOf(part.width, part.height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = grid.scale !== 1;
  context.imageSmoothingQuality = "high";
  const inner = overlap(part, grid);
  if (inner) {
    const [across, down] = [width / grid.width, height / grid.height];
    context.drawImage(
      bitmap,
      inner.x * across, inner.y * down, inner.width * across, inner.height * down,
      inner.x - part.x, inner.y - part.y, inner.width, inner.height,
    );
  }
  return context.getImageData(0, 0, part.width, part.height);
}

/** The alpha of a part, its edge moved and softened by what lies around it too. */
function alphaAt(opened, grid, part, shift, feather) {
  const reach = Math.ceil(Math.abs(shift)) + 2 * Math.round(feather) + 1;
  const around = { x: part.x - reach, y: part.y - reach, width: part.width + 2 * reach, height: part.height + 2 * reach };
  const known = overlap(around, grid);
  const result = new Uint8ClampedArray(part.width * part.height);
  const inner = overlap(part, grid);
  if (!inner) return result;
  const alpha = editedAlpha({ ...known, alpha: reduced(opened, grid, known) }, shift, feather);
  for (let y = inner.y; y < inner.y + inner.height; y++) {
    const start = (y - known.y) * known.width + inner.x - known.x;
    result.set(alpha.subarray(start, start + inner.width), (y - part.y) * part.width + inner.x - part.x);
  }
  return result;
}

/** Means of the alpha over the pixels of a part of the grid. */
export function reduced({ alpha, width, height }, grid, part) {
  const result = new Uint8ClampedArray(part.width * part.height);
  if (grid.scale === 1) {
    for (let y = 0; y < part.height; y++) {
      const start = (y + part.y) * width + part.x;
      result.set(alpha.subarray(start, start + part.width), y * part.width);
    }
    return result;
  }
  const [across, down] = [width / grid.width, height / grid.height];
  const lefts = Array.from({ length: part.width + 1 }, (_, x) => Math.round((x + part.x) * across));
  for (let y = 0; y < part.height; y++) {
    const top = Math.round((y + part.y) * down);
    const bottom = Math.max(top + 1, Math.round((y + part.y + 1) * down));
    for (let x = 0; x < part.width; x++) {
      const right = Math.max(lefts[x] + 1, lefts[x + 1]);
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        for (let i = row * width + lefts[x]; i < row * width + right; i++) sum += alpha[i];
      }
      result[y * part.width + x] = sum / ((bottom - top) * (right - lefts[x]));
    }
  }
  return result;
}

/** What two rectangles share, the second from 0, 0; null where it is nothing. */
function overlap(part, { width, height }) {
  const [x, y] = [Math.max(0, part.x), Math.max(0, part.y)];
  const [right, bottom] = [Math.min(width, part.x + part.width), Math.min(height, part.y + part.height)];
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}
