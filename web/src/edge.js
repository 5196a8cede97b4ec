// The edge of an alpha, refined at the picture's own size: `limner.mattes.refine`. A network sees picture and alpha on a
// grid and gives affine coefficients there; near the edge, alpha is the sigmoid of an affine function of colour.

import { boxMean, dilate } from "./masks.js";
import { GridPlanes } from "./resize.js";

export const GRID = 256; // longer side of what the network sees, pixels, at most
const STRIDE = 8;
const LEAST = 0.02;
const BAND = 5; // pixels where the longer side is GRID

/** An alpha without what is nearly transparent or opaque. */
function stretch(alpha) {
  return Math.min(1, Math.max(0, (alpha - LEAST) / (1 - 2 * LEAST)));
}

/** Where the edge may lie on the grid, as weights that fall to 0 at the border of the band; null where nowhere. */
function bandWeight(alpha) {
  const unknown = { ...alpha, data: Uint8Array.from(alpha.data, (value) => value > LEAST && value < 1 - LEAST) };
  if (!unknown.data.includes(1)) return null;
  const band = dilate(unknown, Math.max(1, Math.round((BAND / GRID) * Math.max(alpha.width, alpha.height))));
  const weight = boxMean({ ...band, data: Float32Array.from(band.data) }, 2);
  for (let i = 0; i < weight.data.length; i++) weight.data[i] *= band.data[i];
  return weight.data;
}

/**
 * What refines an alpha row by row; null where it has no edge, and stays as it is.
 * `image` and `alpha` are what `downsample` made of a picture of this size, `run(pixels, alpha, height, width)` the network.
 */
export async function edgeRefiner(image, alpha, picture, run) {
  const weight = bandWeight(alpha);
  if (!weight) return null;
  const { width, height } = alpha;
  const [tall, wide] = [padded(height), padded(width)];
  const found = await run(pad(image, 3, tall, wide), pad(alpha, 1, tall, wide), tall, wide);
  const features = new Float32Array(5 * height * width);
  for (let channel = 0; channel < 4; channel++) {
    for (let y = 0; y < height; y++) {
      const from = (channel * tall + y) * wide;
      features.set(found.subarray(from, from + width), (channel * height + y) * width);
    }
  }
  features.set(weight, 4 * height * width);
  return new Refiner({ height, width, data: features }, picture);
}

function padded(length) {
  return Math.ceil(length / STRIDE) * STRIDE;
}

/** Planes padded below and to the right by their last row and column. */
function pad({ width, height, data }, channels, tall, wide) {
  const result = new Float32Array(channels * tall * wide);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < tall; y++) {
      const from = (channel * height + Math.min(y, height - 1)) * width;
      const to = (channel * tall + y) * wide;
      result.set(data.subarray(from, from + width), to);
      result.fill(data[from + width - 1], to + width, to + wide);
    }
  }
  return result;
}

class Refiner {
  constructor(features, picture) {
    this.planes = new GridPlanes(features, 5, picture);
  }

  /** Refine row `y` of an alpha in place, with the colours of that row of the picture. */
  row(y, alpha, { width, data }) {
    const { planes } = this;
    planes.row(y);
    for (let x = 0, at = 3 * y * width; x < width; x++, at += 3) {
      const before = stretch(alpha[x]);
      alpha[x] = before;
      const weight = planes.at(4, x);
      if (weight === 0) continue;
      const logit =
        planes.at(3, x) + planes.at(0, x) * data[at] + planes.at(1, x) * data[at + 1] + planes.at(2, x) * data[at + 2];
      alpha[x] = before + weight * (stretch(1 / (1 + Math.exp(-logit))) - before);
    }
  }
}
