// The photo out of focus behind the person, by the formula of limner.rendering.backgrounds.

import { canvasOf, pixelsOf } from "./pixels.js";

const KERNEL_RADIUS = 8; // pixels: larger blurs are made on a smaller copy

/** The photo out of focus, in linear light, without a trace of the subject: blur(w I) / blur(w), w = (1 - alpha)^3. */
export function blurred({ before, alpha, width, height }, radius) {
  const seen = canvasOf(width, height);
  const weighted = new ImageData(new Uint8ClampedArray(before.data), width, height);
  for (let i = 0; i < alpha.length; i++) weighted.data[4 * i + 3] = 255 * (1 - alpha[i] / 255) ** 3;
  seen.getContext("2d").putImageData(weighted, 0, 0);
  const shrink = Math.max(1, radius / KERNEL_RADIUS);
  const small = canvasOf(width / shrink, height / shrink);
  const pixels = pixelsOf(seen, small.width, small.height);
  const values = gaussian(inLinearLight(pixels.data), small.width, small.height, radius / shrink / 2);
  const mean = [0, 1, 2, 3].map((channel) => {
    let sum = 0;
    for (let i = channel; i < values.length; i += 4) sum += values[i];
    return sum;
  });
  for (let i = 0; i < values.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const light = (values[i + c] + (1e-4 * mean[c]) / Math.max(mean[3], 1e-6)) / (values[i + 3] + 1e-4);
      pixels.data[i + c] = 255 * fromLinear(light);
    }
    pixels.data[i + 3] = 255;
  }
  small.getContext("2d").putImageData(pixels, 0, 0);
  return pixelsOf(small, width, height).data;
}

function inLinearLight(bytes) {
  const table = Float32Array.from({ length: 256 }, (_, value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 4) {
    const weight = bytes[i + 3] / 255;
    for (let c = 0; c < 3; c++) values[i + c] = table[bytes[i + c]] * weight;
    values[i + 3] = weight;
  }
  return values;
}

function fromLinear(light) {
  const v = Math.min(1, Math.max(0, light));
  return v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
}

/** Gaussian blur of four interleaved channels along both axes; the border is repeated outwards. */
function gaussian(values, width, height, sigma) {
  const reach = Math.max(1, Math.round(3 * sigma));
  const offsets = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  const weights = offsets.map((k) => Math.exp(-(k ** 2) / (2 * Math.max(sigma, 0.1) ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [step, length, lines, stride] of [[4, width, height, 4 * width], [4 * width, height, width, 4]]) {
    const result = new Float32Array(values.length);
    for (let line = 0; line < lines; line++) {
      for (let place = 0; place < length; place++) {
        const target = line * stride + place * step;
        for (let k = -reach; k <= reach; k++) {
          const source = line * stride + Math.min(length - 1, Math.max(0, place + k)) * step;
          const weight = weights[k + reach] / total;
          for (let c = 0; c < 4; c++) result[target + c] += weight * values[source + c];
        }
      }
    }
    values = result;
  }
  return values;
}
