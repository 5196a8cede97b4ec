// From a picture to its alpha: what `limner.segment` does, row by row, so that a large picture takes little memory.

import { betweenBars } from "./bars.js";
import { edgeRefiner, GRID } from "./edge.js";
import { withoutSpecks } from "./masks.js";
import { downsampleImage, downsampleRows, ResizedMap, resizeImage } from "./resize.js";

export const OPAQUE = 65535; // alphas are kept in 16 bits
const LONGEST = 3; // longer over shorter side of a network's input at most
const TOGETHER = 64; // rows between two looks at whether the work is still wanted

/** Height and width at which a network sees a picture: `limner.models.spec.input_size`. */
export function inputSize(height, width, side, stride) {
  const aspect = Math.min(Math.max(height / width, 1 / LONGEST), LONGEST);
  const tall = (side / stride) * Math.sqrt(aspect);
  const wide = side / stride / Math.sqrt(aspect);
  let best = { miss: Infinity };
  for (const h of new Set([Math.floor(tall), Math.ceil(tall)])) {
    for (const w of new Set([Math.floor(wide), Math.ceil(wide)])) {
      const miss = Math.abs(Math.log(h / w / aspect)) + 0.5 * Math.abs(Math.log((h * w) / tall / wide));
      if (h && w && miss < best.miss) best = { miss, height: h * stride, width: w * stride };
    }
  }
  return best;
}

/**
 * The alpha of an image, refined along the edge: a Uint16Array, 0..OPAQUE.
 * `networks` are what `loadNetworks` gives, `refines` says whether the edge is refined, `pause(stage)` is awaited between the steps and may throw.
 */
export async function segment(image, networks, refines, pause) {
  const { width, height } = image;
  const network = await networkRows(image, networks);
  await pause("segment");
  const kept = withoutSpecks(height, width, network);
  const weights = new Float32Array(width);
  const cleaned = (y) => {
    const alpha = network(y);
    if (kept) {
      kept.row(y, weights);
      for (let x = 0; x < width; x++) alpha[x] *= weights[x];
    }
    return alpha;
  };
  const refiner = refines ? await refinerOf(image, cleaned, networks) : null;
  const alpha = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    if (y % TOGETHER === 0) await pause("refine");
    const row = cleaned(y);
    refiner?.row(y, row, image);
    for (let x = 0, to = y * width; x < width; x++, to++) alpha[to] = row[x] * OPAQUE + 0.5;
  }
  return alpha;
}

function refinerOf(image, alpha, networks) {
  const grid = downsampleRows(image.height, image.width, GRID, alpha);
  return edgeRefiner(downsampleImage(image, GRID), grid, image, networks.edge);
}

/** A finished alpha without parts that have less than a fraction of the largest one's area. */
export function withoutStrayParts(alpha, { height, width }, fraction) {
  const row = (y) => Float32Array.from(alpha.subarray(y * width, (y + 1) * width), (value) => value / OPAQUE);
  const kept = withoutSpecks(height, width, row, fraction);
  if (!kept) return alpha;
  const weights = new Float32Array(width);
  const result = new Uint16Array(alpha.length);
  for (let y = 0; y < height; y++) {
    kept.row(y, weights);
    for (let x = 0, at = y * width; x < width; x++, at++) result[at] = alpha[at] * weights[x] + 0.5;
  }
  return result;
}

/** The network's answer at the picture's size, as a function that gives row `y` in an array of its own. */
async function networkRows(image, networks) {
  const part = betweenBars(image);
  const { height: h, width: w } = inputSize(part.height, part.width, networks.side, networks.stride);
  const data = await networks.portrait(resizeImage(cropped(image, part), h, w));
  const found = new ResizedMap({ width: w, height: h, data }, part.height, part.width);
  const row = new Float32Array(image.width);
  return (y) => {
    row.fill(0);
    if (y >= part.top && y < part.top + part.height) found.row(y - part.top, row, part.left);
    return row;
  };
}

function cropped(image, { top, left, width, height }) {
  const whole = 3 * image.width;
  const rows = { width: image.width, height, data: image.data.subarray(top * whole, (top + height) * whole) };
  if (width === image.width) return rows;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = y * whole + 3 * left;
    data.set(rows.data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { width, height, data };
}
