// What goes behind a subject: a colour, a picture, or the photo's own background out of focus, as
// `limner.rendering.backgrounds` makes them. Each is a function that writes three bytes a pixel of a row.

import { OPAQUE } from "./segment.js";
import { ResizedMap, resizeImage, weightsAlong } from "./resize.js";

const KERNEL_RADIUS = 8; // pixels: larger blurs are made on a smaller copy, where they are this large

/** One colour, "#rrggbb", everywhere. */
export function plain(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) throw new TypeError(`a colour is #rrggbb, got '${colour}'`);
  const values = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return (y, out) => {
    for (let i = 0; i < out.length; i++) out[i] = values[i % 3];
  };
}

/** A picture that covers the frame, its middle seen. */
export function covering(picture, { height, width }) {
  const scale = Math.max(height / picture.height, width / picture.width);
  const tall = Math.max(Math.round(picture.height * scale), height);
  const wide = Math.max(Math.round(picture.width * scale), width);
  const { data } = resizeImage({ ...picture, data: picture.shown }, tall, wide);
  const [top, left] = [Math.round((tall - height) / 2), Math.round((wide - width) / 2)];
  return (y, out) => {
    const from = 3 * ((top + y) * wide + left);
    out.set(data.subarray(from, from + 3 * width));
  };
}

/**
 * The background blurred, in linear light, so that the subject leaves no trace in it: what is seen of the background is
 * spread. The radius, twice the standard deviation, is in percent of the longer side.
 */
export function blurred(picture, alpha, percent) {
  const { width, height } = picture;
  const radius = (percent / 100) * Math.max(width, height);
  const scale = Math.max(1, radius / KERNEL_RADIUS);
  const size = { height: Math.max(1, Math.round(height / scale)), width: Math.max(1, Math.round(width / scale)) };
  const area = size.height * size.width;
  const planes = reduced(picture, alpha, size);
  const means = [0, 0, 0];
  let seen = 0;
  for (let i = 0; i < area; i++) {
    const weight = planes[3][i];
    seen += weight;
    for (let channel = 0; channel < 3; channel++) {
      planes[channel][i] = weight * decode(planes[channel][i] / (weight + 1e-6));
      means[channel] += planes[channel][i];
    }
  }
  const [weight, ...colours] = [planes[3], ...planes.slice(0, 3)].map((plane) => gaussian(plane, size, radius / scale / 2));
  const maps = colours.map((plane, channel) => {
    const mean = means[channel] / Math.max(seen, 1e-6);
    const data = Float32Array.from(plane, (light, i) => encode((light + 1e-4 * mean) / (weight[i] + 1e-4)));
    return new ResizedMap({ ...size, data }, height, width);
  });
  const line = new Float32Array(width);
  return (y, out) => {
    maps.forEach((map, channel) => {
      map.row(y, line);
      for (let x = 0; x < width; x++) out[3 * x + channel] = Math.round(255 * line[x]);
    });
  };
}

/** Colours times weight, and the weight (1 - alpha)^3, of a smaller size: four planes. */
function reduced({ width, height, data }, alpha, size) {
  const [across, down] = [weightsAlong(width, size.width), weightsAlong(height, size.height)];
  const planes = Array.from({ length: 4 }, () => new Float32Array(size.height * size.width));
  const rows = Array.from({ length: height }, () => []); // of each row, which rows of the result it goes into
  for (let y = 0; y < size.height; y++) {
    for (let k = 0; k < down.count[y]; k++) rows[down.first[y] + k].push([y, down.weights[y * down.width + k]]);
  }
  const line = Array.from({ length: 4 }, () => new Float32Array(width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const clear = 1 - alpha[y * width + x] / OPAQUE;
      const weight = clear * clear * clear;
      line[3][x] = weight;
      for (let channel = 0; channel < 3; channel++) line[channel][x] = (weight * data[3 * (y * width + x) + channel]) / 255;
    }
    for (let x = 0; x < size.width; x++) {
      for (let plane = 0; plane < 4; plane++) {
        let sum = 0;
        for (let k = 0; k < across.count[x]; k++) {
          sum += across.weights[x * across.width + k] * line[plane][across.first[x] + k];
        }
        for (const [to, weight] of rows[y]) planes[plane][to * size.width + x] += weight * sum;
      }
    }
  }
  return planes;
}

function gaussian(plane, { height, width }, sigma) {
  const reach = Math.max(1, Math.round(3 * sigma));
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * Math.max(sigma, 0.1) ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight);
  const along = (values, lines, length, line, step) => {
    const result = new Float32Array(values.length);
    for (let i = 0; i < lines; i++) {
      for (let k = 0; k < length; k++) {
        let sum = 0;
        for (let j = -reach; j <= reach; j++) {
          sum += weights[j + reach] * values[i * line + Math.min(length - 1, Math.max(0, k + j)) * step];
        }
        result[i * line + k * step] = sum / total;
      }
    }
    return result;
  };
  return along(along(plane, width, height, 1, width), height, width, width, 1);
}

/** sRGB in [0, 1] -> light, and back (IEC 61966-2-1). */
function decode(value) {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function encode(light) {
  const value = Math.min(1, Math.max(0, light));
  return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
}
