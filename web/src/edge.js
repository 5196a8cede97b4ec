// The edge of an alpha, refined at the picture's own size: `limner.mattes.refine`. A network sees picture and alpha on a
// grid and gives affine coefficients there, and a weight: where it is 1, alpha is the sigmoid of an affine function of colour.

import { GridPlanes } from "./resize.js";

export const GRID = 256; // longer side of what the network sees, pixels, at most
const STRIDE = 8;
const LEAST = 0.02;
const CHANNELS = 5; // slopes, bias, weight

/** An alpha without what is nearly transparent or opaque. */
function stretch(alpha) {
  return Math.min(1, Math.max(0, (alpha - LEAST) / (1 - 2 * LEAST)));
}

/**
 * What refines an alpha row by row; null where it has no edge, and stays as it is.
 * `image` and `alpha` are what `downsample` made of a picture of this size, `run(pixels, alpha, height, width)` the network.
 */
export async function edgeRefiner(image, alpha, picture, run) {
  if (!alpha.data.some((value) => value > LEAST && value < 1 - LEAST)) return null;
  const { width, height } = alpha;
  const features = new Float32Array(CHANNELS * height * width);
  const enlarged = Math.min(Math.max(picture.width, picture.height) / GRID - 1, 1);
  if (enlarged > 0) {
    const [tall, wide] = [padded(height), padded(width)];
    const found = await run(pad(image, 3, tall, wide), pad(alpha, 1, tall, wide), tall, wide);
    for (let channel = 0; channel < CHANNELS; channel++) {
      for (let y = 0; y < height; y++) {
        const from = (channel * tall + y) * wide;
        features.set(found.subarray(from, from + width), (channel * height + y) * width);
      }
    }
    for (let i = (CHANNELS - 1) * height * width; i < features.length; i++) features[i] *= enlarged;
  }
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
    this.planes = new GridPlanes(features, CHANNELS, picture);
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
