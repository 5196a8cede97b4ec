// What the photo and the alpha give for a background: blur, grey and shadow, by limner.rendering.backgrounds.

import { fromLinear, toLinear } from "./light.js";
import { canvasOf, pixelsOf } from "./pixels.js";

const KERNEL_RADIUS = 8; // pixels: larger blurs are made on a smaller copy
const SHADOW = { softness: 0.0125, shift: 0.015 }; // of the longer side
const LUMINANCE = [0.2126, 0.7152, 0.0722]; // ITU-R BT.709

/** The photo out of focus, in linear light, without a trace of the subject: blur(w I) / blur(w), w = (1 - alpha)^3. */
export function blurred({ before, alpha, width, height }, radius, lens) {
  const seen = canvasOf(width, height);
  const weighted = new ImageData(new Uint8ClampedArray(before.data), width, height);
  for (let i = 0; i < alpha.length; i++) weighted.data[4 * i + 3] = 255 * (1 - alpha[i] / 255) ** 3;
  seen.getContext("2d").putImageData(weighted, 0, 0);
  const { small, shrink } = reducedFor(radius, width, height);
  const pixels = pixelsOf(seen, small.width, small.height);
  const light = inLinearLight(pixels.data);
  const blur = lens ? disc(light, small, radius / shrink) : gaussian(light, small, 4, radius / shrink / 2);
  const mean = [0, 1, 2, 3].map((channel) => {
    let sum = 0;
    for (let i = channel; i < light.length; i += 4) sum += light[i];
    return sum;
  });
  for (let i = 0; i < blur.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const spread = (blur[i + c] + (1e-4 * mean[c]) / Math.max(mean[3], 1e-6)) / (blur[i + 3] + 1e-4);
      pixels.data[i + c] = fromLinear(spread);
    }
    pixels.data[i + 3] = 255;
  }
  small.getContext("2d").putImageData(pixels, 0, 0);
  return small;
}

/** Opacity of a soft shadow below the subject and to its right, in the alpha of a small canvas. */
export function shadow({ alpha, width, height }, opacity) {
  const side = Math.max(width, height);
  const whole = canvasOf(width, height);
  const shape = new ImageData(width, height);
  for (let i = 0; i < alpha.length; i++) shape.data[4 * i + 3] = alpha[i];
  whole.getContext("2d").putImageData(shape, 0, 0);
  const { small, shrink } = reducedFor(2 * SHADOW.softness * side, width, height);
  const pixels = pixelsOf(whole, small.width, small.height);
  const step = Math.round((SHADOW.shift * side) / shrink);
  const moved = new Float32Array(small.width * small.height);
  for (let y = step; y < small.height; y++) {
    for (let x = step; x < small.width; x++) {
      moved[y * small.width + x] = pixels.data[4 * ((y - step) * small.width + x - step) + 3];
    }
  }
  const soft = gaussian(moved, small, 1, (SHADOW.softness * side) / shrink);
  for (let i = 0; i < soft.length; i++) pixels.data[4 * i + 3] = opacity * soft[i];
  small.getContext("2d").putImageData(pixels, 0, 0);
  return small;
}

/** A photo in greys of the same luminance, as pixels. */
export function grey({ data }) {
  const result = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const light = LUMINANCE[0] * toLinear(data[i]) + LUMINANCE[1] * toLinear(data[i + 1]) + LUMINANCE[2] * toLinear(data[i + 2]);
    result.fill(fromLinear(light), i, i + 3);
    result[i + 3] = 255;
  }
  return result;
}

function reducedFor(radius, width, height) {
  const shrink = Math.max(1, radius / KERNEL_RADIUS);
  return { shrink, small: canvasOf(width / shrink, height / shrink) };
}

function inLinearLight(bytes) {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 4) {
    const weight = bytes[i + 3] / 255;
    for (let c = 0; c < 3; c++) values[i + c] = toLinear(bytes[i + c]) * weight;
    values[i + 3] = weight;
  }
  return values;
}

/** Gaussian blur of interleaved channels along both axes; the border is repeated outwards. */
function gaussian(values, { width, height }, channels, sigma) {
  const reach = Math.max(1, Math.round(3 * sigma));
  const offsets = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  const weights = offsets.map((k) => Math.exp(-(k ** 2) / (2 * Math.max(sigma, 0.1) ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [step, length, lines, stride] of [[1, width, height, width], [width, height, width, 1]]) {
    const result = new Float32Array(values.length);
    for (let line = 0; line < lines; line++) {
      for (let place = 0; place < length; place++) {
        const target = channels * (line * stride + place * step);
        for (let k = -reach; k <= reach; k++) {
          const source = channels * (line * stride + Math.min(length - 1, Math.max(0, place + k)) * step);
          const weight = weights[k + reach] / total;
          for (let c = 0; c < channels; c++) result[target + c] += weight * values[source + c];
        }
      }
    }
    values = result;
  }
  return values;
}

/** Mean of four interleaved channels over a disc; the border is repeated outwards. */
function disc(values, { width, height }, radius) {
  const reach = Math.round(radius);
  const result = new Float32Array(values.length);
  const sums = new Float64Array(4 * (width + 2 * reach + 2));
  let area = 0;
  const clamp = (place, length) => Math.min(length - 1, Math.max(0, place));
  for (let row = -reach; row <= reach; row++) {
    const half = Math.floor(Math.sqrt(Math.max(0, (reach + 0.5) ** 2 - row ** 2)));
    area += 2 * half + 1;
    for (let y = 0; y < height; y++) {
      const line = clamp(y + row, height) * width;
      for (let x = -reach; x <= width + reach; x++) {
        const source = 4 * (line + clamp(x, width));
        const target = 4 * (x + reach + 1);
        for (let c = 0; c < 4; c++) sums[target + c] = sums[target + c - 4] + values[source + c];
      }
      for (let x = 0; x < width; x++) {
        const [low, high, target] = [4 * (x + reach - half), 4 * (x + reach + half + 1), 4 * (y * width + x)];
        for (let c = 0; c < 4; c++) result[target + c] += sums[high + c] - sums[low + c];
      }
    }
  }
  return result.map((sum) => sum / area);
}
