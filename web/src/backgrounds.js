// What goes behind a subject: a colour, a picture, or the photo's own background out of focus, as
// `limner.rendering.backgrounds` makes them. Each is a function that writes three bytes a pixel of a row.

import { OPAQUE } from "./segment.js";
import { ResizedMap, resizeImage, roundEven, weightsAlong } from "./resize.js";

const KERNEL_RADIUS = 8; // pixels: larger blurs are made on a smaller copy, where they are this large

/** One colour, "#rrggbb", everywhere. */
export function plain(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) throw new TypeError(`a colour is #rrggbb, got '${colour}'`);
  const values = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return (y, out) => {
    for (let i = 0; i < out.length; i++) out[i] = values[i % 3];
  };
}

/** A picture, its proportions kept: fit is "cover", "contain" (on white) or "tile"; align says which part is seen. */
export function laidOut(picture, { height, width }, fit, [x, y]) {
  const scales = [height / picture.height, width / picture.width];
  let [tall, wide] = [picture.height, picture.width];
  if (fit === "cover") {
    const scale = Math.max(...scales);
    [tall, wide] = [Math.max(roundEven(tall * scale), height), Math.max(roundEven(wide * scale), width)];
  } else if (fit === "contain") {
    const scale = Math.min(...scales);
    [tall, wide] = [Math.max(1, roundEven(tall * scale)), Math.max(1, roundEven(wide * scale))];
  }
  const { data } = resizeImage({ ...picture, data: picture.shown }, tall, wide);
  const [top, left] = [roundEven((height - tall) * y), roundEven((width - wide) * x)];
  const modulo = (value, count) => ((value % count) + count) % count;
  return (row, out) => {
    if (fit === "contain" && (row < top || row >= top + tall)) {
      out.fill(255);
      return;
    }
    const from = 3 * modulo(row - top, tall) * wide;
    for (let i = 0; i < width; i++) {
      const beyond = fit === "contain" && (i < left || i >= left + wide);
      const at = from + 3 * modulo(i - left, wide);
      for (let channel = 0; channel < 3; channel++) out[3 * i + channel] = beyond ? 255 : data[at + channel];
    }
  };
}

/** The picture itself. */
export function original({ width, data }) {
  return (y, out) => out.set(data.subarray(3 * y * width, 3 * (y + 1) * width));
}

/** The picture in greys of the same luminance. */
export function desaturated({ width, data }) {
  const light = Float32Array.from({ length: 256 }, (_, level) => decode(level / 255));
  return (y, out) => {
    for (let i = 0, at = 3 * y * width; i < 3 * width; i += 3, at += 3) {
      const luminance = 0.2126 * light[data[at]] + 0.7152 * light[data[at + 1]] + 0.0722 * light[data[at + 2]];
      out.fill(Math.round(255 * encode(luminance)), i, i + 3);
    }
  };
}

/** The opacity of a soft shadow below the subject and to its right, up to `percent`, as a function of row and column. */
export function shadow(alpha, { height, width }, percent) {
  const side = Math.max(height, width);
  const { scale, ...size } = smaller({ height, width }, 0.025 * side);
  const [small] = reduced(1, { height, width }, size, (x, y, out) => (out[0] = alpha[y * width + x] / OPAQUE));
  const step = roundEven((0.015 * side) / scale);
  const moved = new Float32Array(small.length);
  for (let y = step; y < size.height; y++) {
    const from = (y - step) * size.width;
    moved.set(small.subarray(from, from + size.width - step), y * size.width + step);
  }
  const map = new ResizedMap({ ...size, data: gaussian(moved, size, (0.0125 * side) / scale) }, height, width);
  const line = new Float32Array(width);
  return (y) => {
    map.row(y, line);
    return (x) => (percent / 100) * line[x];
  };
}

/**
 * The background blurred, in linear light, so that the subject leaves no trace in it: what is seen of the background is
 * spread. The radius is in percent of the longer side: twice the standard deviation, or that of a disc.
 */
export function blurred(picture, alpha, percent, lens) {
  const { width, height, data } = picture;
  const radius = (percent / 100) * Math.max(width, height);
  const { scale, ...size } = smaller(picture, radius);
  const planes = reduced(4, picture, size, (x, y, out) => {
    const at = y * width + x;
    const clear = 1 - alpha[at] / OPAQUE;
    out[3] = clear * clear * clear;
    for (let channel = 0; channel < 3; channel++) out[channel] = (out[3] * data[3 * at + channel]) / 255;
  });
  const means = [0, 0, 0];
  let seen = 0;
  for (let i = 0; i < planes[3].length; i++) {
    const weight = planes[3][i];
    seen += weight;
    for (let channel = 0; channel < 3; channel++) {
      planes[channel][i] = weight * decode(planes[channel][i] / (weight + 1e-6));
      means[channel] += planes[channel][i];
    }
  }
  const spread = lens ? (plane) => disc(plane, size, radius / scale) : (plane) => gaussian(plane, size, radius / scale / 2);
  const [red, green, blue, weight] = planes.map(spread);
  const maps = [red, green, blue].map((plane, channel) => {
    const mean = means[channel] / Math.max(seen, 1e-6);
    const colours = Float32Array.from(plane, (light, i) => encode((light + 1e-4 * mean) / (weight[i] + 1e-4)));
    return new ResizedMap({ ...size, data: colours }, height, width);
  });
  const line = new Float32Array(width);
  return (y, out) => {
    maps.forEach((map, channel) => {
      map.row(y, line);
      for (let x = 0; x < width; x++) out[3 * x + channel] = Math.round(255 * line[x]);
    });
  };
}

/** By how much a picture is reduced before a blur of so many pixels, and its size then. */
function smaller({ height, width }, radius) {
  const scale = Math.max(1, radius / KERNEL_RADIUS);
  const reduce = (length) => Math.max(1, roundEven(length / scale));
  return { scale, height: reduce(height), width: reduce(width) };
}

/** Planes of a smaller size, of values that `read(x, y, out)` gives for each pixel. */
function reduced(count, { width, height }, size, read) {
  const [across, down] = [weightsAlong(width, size.width), weightsAlong(height, size.height)];
  const planes = Array.from({ length: count }, () => new Float32Array(size.height * size.width));
  const rows = Array.from({ length: height }, () => []); // of each row, which rows of the result it goes into
  for (let y = 0; y < size.height; y++) {
    for (let k = 0; k < down.count[y]; k++) rows[down.first[y] + k].push([y, down.weights[y * down.width + k]]);
  }
  const line = new Float32Array(count * width);
  const out = new Float32Array(count);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      read(x, y, out);
      line.set(out, count * x);
    }
    for (let x = 0; x < size.width; x++) {
      for (let plane = 0; plane < count; plane++) {
        let sum = 0;
        for (let k = 0; k < across.count[x]; k++) {
          sum += across.weights[x * across.width + k] * line[count * (across.first[x] + k) + plane];
        }
        for (const [to, weight] of rows[y]) planes[plane][to * size.width + x] += weight * sum;
      }
    }
  }
  return planes;
}

/** Mean over a disc. */
function disc(plane, { height, width }, radius) {
  const reach = Math.round(radius);
  const halves = Array.from({ length: 2 * reach + 1 }, (_, row) =>
    Math.trunc(Math.sqrt(Math.max(0, (reach + 0.5) ** 2 - (row - reach) ** 2))),
  );
  const area = halves.reduce((sum, half) => sum + 2 * half + 1, 0);
  const result = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    for (let row = -reach; row <= reach; row++) {
      const from = Math.min(height - 1, Math.max(0, y + row)) * width;
      const half = halves[row + reach];
      const at = (x) => plane[from + Math.min(width - 1, Math.max(0, x))];
      let sum = 0;
      for (let x = -half; x <= half; x++) sum += at(x);
      for (let x = 0; x < width; x++) {
        result[y * width + x] += sum / area;
        sum += at(x + half + 1) - at(x - half);
      }
    }
  }
  return result;
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
