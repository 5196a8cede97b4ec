// What `limner.mattes.masks` does: dilation, means, connected parts, and an alpha without stray parts.
// A mask is { width, height, data }, a byte a pixel, 0 or 1.

import { ResizedMap, roundEven } from "./resize.js";

export const INVISIBLE = 0.5 / 255;
export const SPECK = 0.01; // of the largest part's area
const CERTAIN = 0.95;
const GRID = 384;
const HAIR = 0.02; // of the shorter side
const LEAST_SUBJECT = 1e-4; // of the picture

/** 1 within `radius` pixels of a 1, along rows and columns (Chebyshev). */
export function dilate(mask, radius) {
  const grow = (data, lines, length, line, step) => {
    const grown = new Uint8Array(data.length);
    for (let i = 0; i < lines; i++) {
      let until = -1;
      for (let k = 0; k < length + radius; k++) {
        if (k < length && data[i * line + k * step]) until = k + 2 * radius;
        if (k >= radius && k <= until) grown[i * line + (k - radius) * step] = 1;
      }
    }
    return grown;
  };
  const { width, height } = mask;
  const rows = grow(mask.data, height, width, width, 1);
  return { width, height, data: grow(rows, width, height, 1, width) };
}

/** Mean over the square of side 2 * radius + 1 around each pixel, cut at the border. */
export function boxMean({ width, height, data }, radius) {
  const mean = (values, lines, length, line, step) => {
    const result = new Float32Array(values.length);
    for (let i = 0; i < lines; i++) {
      const at = i * line;
      let sum = 0;
      for (let k = -radius; k < length; k++) {
        if (k + radius < length) sum += values[at + (k + radius) * step];
        if (k - radius - 1 >= 0) sum -= values[at + (k - radius - 1) * step];
        if (k >= 0) result[at + k * step] = sum / (Math.min(k + radius + 1, length) - Math.max(k - radius, 0));
      }
    }
    return result;
  };
  const columns = mean(data, width, height, 1, width);
  return { width, height, data: mean(columns, height, width, width, 1) };
}

/**
 * The connected parts (4 neighbours) of a mask as runs of pixels: row, start and end of each, and its part; and the
 * parts' areas. `inside(x, y)` says whether a pixel belongs to the mask; rows are asked from the top down.
 */
export function connectedParts(height, width, inside) {
  const runs = [];
  const above = [];
  const root = (run) => {
    while (above[run] !== run) run = above[run] = above[above[run]];
    return run;
  };
  let before = 0; // first run of the row above
  for (let y = 0; y < height; y++) {
    const first = runs.length;
    let near = before;
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      const start = x;
      while (x < width && inside(x, y)) x++;
      const run = runs.length;
      runs.push({ row: y, start, end: x });
      above.push(run);
      while (near < first && runs[near].end <= start) near++;
      for (let k = near; k < first && runs[k].start < x; k++) {
        const [one, other] = [root(k), root(run)];
        above[Math.max(one, other)] = Math.min(one, other);
      }
    }
    before = first;
  }
  const areas = new Map();
  runs.forEach((run, index) => {
    run.part = root(index);
    areas.set(run.part, (areas.get(run.part) ?? 0) + run.end - run.start);
  });
  return { runs, areas };
}

/** The largest part, and others of at least a fraction of its area for which `stays(part)` holds. */
export function largeParts(areas, fraction = SPECK, stays = () => true) {
  let largest = null;
  for (const [part, area] of areas) if (largest === null || area > areas.get(largest)) largest = part;
  const least = Math.max(1, fraction * (areas.get(largest) ?? 0));
  return new Set([...areas.keys()].filter((part) => part === largest || (areas.get(part) >= least && stays(part))));
}

/** The smallest box around the subject, less the specks: { top, left, height, width }; null where there is none. */
export function subjectBox(height, width, inside) {
  const { runs, areas } = connectedParts(height, width, inside);
  const kept = largeParts(areas);
  const area = [...kept].reduce((sum, part) => sum + areas.get(part), 0);
  if (!area || area < LEAST_SUBJECT * height * width) return null;
  const seen = runs.filter((run) => kept.has(run.part));
  const [top, bottom] = [seen[0].row, seen.at(-1).row + 1];
  const left = seen.reduce((least, run) => Math.min(least, run.start), width);
  const right = seen.reduce((most, run) => Math.max(most, run.end), 0);
  return { top, left, height: bottom - top, width: right - left };
}

/**
 * Where an alpha stays that loses its stray parts, as a map of weights at the picture's size; null where all stays.
 * `row(y)` gives the rows of the alpha; a stray part has less than a fraction of the largest one's area.
 */
export function withoutSpecks(height, width, row, fraction = SPECK) {
  const step = Math.max(1, Math.floor(Math.max(height, width) / GRID));
  const seen = { width: Math.ceil(width / step), height: Math.ceil(height / step) };
  seen.data = new Float32Array(seen.width * seen.height);
  for (let y = 0; y < seen.height; y++) {
    const values = row(y * step);
    for (let x = 0; x < seen.width; x++) seen.data[y * seen.width + x] = values[x * step];
  }
  const { runs, areas } = connectedParts(seen.height, seen.width, (x, y) => seen.data[y * seen.width + x] >= 0.5);
  const pixels = (run) => seen.data.subarray(run.row * seen.width + run.start, run.row * seen.width + run.end);
  const sure = new Set(runs.filter((run) => pixels(run).some((alpha) => alpha >= CERTAIN)).map((run) => run.part));
  const kept = largeParts(areas, fraction, (part) => sure.has(part));
  const parts = { ...seen, data: new Uint8Array(seen.data.length) };
  for (const run of runs) {
    if (kept.has(run.part)) parts.data.fill(1, run.row * seen.width + run.start, run.row * seen.width + run.end);
  }
  const near = dilate(parts, 1 + roundEven(HAIR * Math.min(seen.height, seen.width)));
  const loses = seen.data.some((alpha, i) => !near.data[i] && alpha >= INVISIBLE);
  return loses ? new ResizedMap({ ...near, data: Float32Array.from(near.data) }, height, width) : null;
}
