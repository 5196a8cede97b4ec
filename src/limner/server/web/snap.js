// A stroke that stops at edges: which of the pixels that it covers belong to what was meant.
// Colours of the stroke's middle against those around it, and how far each pixel is from either across edges;
// filtered along edges at low resolution, then applied to the colours at full size.

import { colourModel, logLikelihood } from "./colours.js";
import { guided } from "./guided.js";

const MOST = 16000; // pixels at low resolution
const SURE = 0.9; // an opacity that tells subject, as 1 less it tells background
const COLOUR_WEIGHT = 0.5; // of the difference of two logarithms of likelihood
const CLEAR = 8; // a larger difference is no clearer
const DISTANCE_WEIGHT = 3; // of the difference of two distances over their sum
const STEP = 2; // the least length of a step from pixel to pixel, in grey levels
const LEAST = 0.05; // alphas up to this become 0, those from 1 less this become 1
const FAR = 1e9;
const WIDE = { radius: 5, noise: 6 }; // decides
const NARROW = { radius: 2, noise: 3 }; // finds the edge

/**
 * The alpha after a stroke, bytes.
 * `region` is a part of the picture, { width, height, colours, alpha, cover, core }: (N, 4) bytes, and of `rasterised`.
 */
export function snapped({ width, height, colours, alpha, cover, core }, keeps) {
  const scale = Math.min(1, Math.sqrt(MOST / (width * height)));
  const grid = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const small = reduced({ width, height, colours, alpha, cover, core }, grid);
  if (!keeps) small.alpha = small.alpha.map((opacity) => 1 - opacity);
  const meant = decided(small, grid);
  const coefficients = guided(small.colours, meant, grid.width, grid.height, NARROW.radius, NARROW.noise);
  const result = new Uint8ClampedArray(alpha);
  const [across, down] = [grid.width / width, grid.height / height];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (!cover[i]) continue;
      const found = core[i] ? 1 : affine(coefficients, grid, (x + 0.5) * across - 0.5, (y + 0.5) * down - 0.5, colours, i);
      const value = 255 * (keeps ? found : 1 - found);
      const better = keeps ? Math.max(alpha[i], value) : Math.min(alpha[i], value);
      result[i] = alpha[i] + (cover[i] / 255) * (better - alpha[i]);
    }
  }
  return result;
}

/** What a stroke does that stops at nothing. */
export function painted({ alpha, cover }, keeps) {
  const wanted = keeps ? 255 : 0;
  return alpha.map((value, i) => value + (cover[i] / 255) * (wanted - value));
}

/** Of each pixel at low resolution whether it is meant, in [0, 1]. */
function decided({ colours, alpha, cover, core }, { width, height }) {
  const [inside, outside, middle] = [[], [], []];
  for (let i = 0; i < alpha.length; i++) {
    if (core[i] >= 0.5) middle.push(i);
    else if (cover[i] === 0 && alpha[i] < 1 - SURE) outside.push(i);
    else if (cover[i] === 0 && alpha[i] > SURE) inside.push(i);
  }
  if (!middle.length) return cover.map((strength, i) => Math.max(strength, alpha[i]));
  if (!outside.length) return new Float32Array(alpha.length).fill(1);
  const meant = colourModel(colours, middle);
  const other = colourModel(colours, outside);
  const lengths = steps(colours, width, height);
  const near = distances(lengths, [...middle, ...inside], width, height);
  const far = distances(lengths, outside, width, height);
  const chance = new Float32Array(alpha.length);
  for (let i = 0; i < alpha.length; i++) {
    if (core[i] >= 0.5) {
      chance[i] = 1;
    } else if (cover[i] === 0) {
      chance[i] = alpha[i];
    } else {
      const byColour = logLikelihood(meant, colours, 4 * i) - logLikelihood(other, colours, 4 * i);
      const byDistance = (far[i] - near[i]) / (far[i] + near[i] + 1e-6);
      chance[i] = sigmoid(COLOUR_WEIGHT * Math.max(-CLEAR, Math.min(CLEAR, byColour)) + DISTANCE_WEIGHT * byDistance);
    }
  }
  const filtered = guided(colours, chance, width, height, WIDE.radius, WIDE.noise)[4];
  return filtered.map((value, i) => (core[i] >= 0.5 ? 1 : cover[i] === 0 ? alpha[i] : sigmoid(10 * (value - 0.5))));
}

/** The lengths of steps to the pixel on the right, below, and below to the right and left: long where colours change. */
function steps(colours, width, height) {
  const length = (i, j, distance) => {
    let change = STEP;
    for (let c = 0; c < 3; c++) change += Math.abs(colours[4 * i + c] - colours[4 * j + c]);
    return change * distance;
  };
  const maps = [0, 1, 2, 3].map(() => new Float32Array(width * height).fill(Infinity));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x + 1 < width) maps[0][i] = length(i, i + 1, 1);
      if (y + 1 === height) continue;
      maps[1][i] = length(i, i + width, 1);
      if (x + 1 < width) maps[2][i] = length(i, i + width + 1, Math.SQRT2);
      if (x > 0) maps[3][i] = length(i, i + width - 1, Math.SQRT2);
    }
  }
  return maps;
}

/** The shortest way from some pixels to each other one, by two sweeps there and back. */
function distances([right, down, across, back], starts, width, height) {
  const far = new Float32Array(width * height).fill(FAR);
  for (const start of starts) far[start] = 0;
  for (let sweep = 0; sweep < 2; sweep++) {
    for (let i = 1; i < far.length; i++) {
      let least = Math.min(far[i], far[i - 1] + right[i - 1]);
      if (i >= width) least = Math.min(least, far[i - width] + down[i - width], far[i - width + 1] + back[i - width + 1]);
      if (i > width) least = Math.min(least, far[i - width - 1] + across[i - width - 1]);
      far[i] = least;
    }
    for (let i = far.length - 2; i >= 0; i--) {
      let least = Math.min(far[i], far[i + 1] + right[i]);
      if (i + width < far.length) least = Math.min(least, far[i + width] + down[i], far[i + width - 1] + back[i]);
      if (i + width + 1 < far.length) least = Math.min(least, far[i + width + 1] + across[i]);
      far[i] = least;
    }
  }
  return far;
}

/** Means over the pixels of a smaller grid; alpha, cover and core in [0, 1]. */
function reduced({ width, height, colours, alpha, cover, core }, grid) {
  const count = grid.width * grid.height;
  const small = { colours: new Float32Array(4 * count), alpha: new Float32Array(count), cover: new Float32Array(count), core: new Float32Array(count) };
  const counts = new Float32Array(count);
  const columns = Int32Array.from({ length: width }, (_, x) => Math.min(grid.width - 1, Math.floor((x * grid.width) / width)));
  for (let y = 0; y < height; y++) {
    const row = Math.min(grid.height - 1, Math.floor((y * grid.height) / height)) * grid.width;
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const j = row + columns[x];
      counts[j] += 1;
      small.colours[4 * j] += colours[4 * i];
      small.colours[4 * j + 1] += colours[4 * i + 1];
      small.colours[4 * j + 2] += colours[4 * i + 2];
      small.alpha[j] += alpha[i] / 255;
      small.cover[j] += cover[i] / 255;
      small.core[j] += core[i];
    }
  }
  for (let j = 0; j < count; j++) {
    for (let c = 0; c < 3; c++) small.colours[4 * j + c] /= counts[j];
    for (const values of [small.alpha, small.cover, small.core]) values[j] /= counts[j];
  }
  return small;
}

/** The value that coefficients, sampled between the pixels of the grid, give to a colour; in [0, 1]. */
function affine([red, green, blue, bias], { width, height }, x, y, colours, i) {
  const left = Math.min(width - 1, Math.max(0, Math.floor(x)));
  const top = Math.min(height - 1, Math.max(0, Math.floor(y)));
  const right = Math.min(width - 1, left + 1);
  const below = (Math.min(height - 1, top + 1) - top) * width;
  const fx = Math.min(1, Math.max(0, x - left));
  const fy = Math.min(1, Math.max(0, y - top));
  const row = top * width;
  const at = (j) => bias[j] + red[j] * colours[4 * i] + green[j] * colours[4 * i + 1] + blue[j] * colours[4 * i + 2];
  const upper = (1 - fx) * at(row + left) + fx * at(row + right);
  const lower = (1 - fx) * at(row + below + left) + fx * at(row + below + right);
  const value = (1 - fy) * upper + fy * lower;
  return Math.min(1, Math.max(0, (value - LEAST) / (1 - 2 * LEAST)));
}

function sigmoid(value) {
  return 1 / (1 + Math.exp(-value));
}
