// Changes of an alpha that are asked for: who is kept, and an edge that is moved and softened, as
// `limner.mattes.masks` makes them. Alphas are Uint16Arrays, 0..OPAQUE.

import { boxMean, connectedParts, SPECK } from "./masks.js";
import { OPAQUE } from "./segment.js";

const FAINT = 0.05; // opacity from which a pixel belongs to someone
const STRIP = 256; // rows that are filtered at a time

/** The alpha of the `count` largest people alone. */
export function keepLargest(alpha, { height, width }, count) {
  const { runs } = connectedParts(height, width, (x, y) => alpha[y * width + x] >= FAINT * OPAQUE);
  const areas = new Map();
  for (const { row, start, end, part } of runs) {
    let area = areas.get(part) ?? 0;
    for (let i = row * width + start; i < row * width + end; i++) if (alpha[i] >= OPAQUE / 2) area++;
    areas.set(part, area);
  }
  const order = [...areas.keys()].sort((one, other) => areas.get(other) - areas.get(one) || one - other);
  const kept = new Set(order.slice(0, count).filter((part) => areas.get(part) >= SPECK * areas.get(order[0])));
  const result = new Uint16Array(alpha.length);
  for (const { row, start, end, part } of runs) {
    const [from, to] = [row * width + start, row * width + end];
    if (kept.has(part)) result.set(alpha.subarray(from, to), from);
  }
  return result;
}

/** The edge moved outwards by so many pixels, inwards where they are negative. */
export function shiftEdge(alpha, size, pixels) {
  if (pixels < 0) return inverted(shiftEdge(inverted(alpha), size, -pixels));
  const whole = Math.floor(pixels);
  const fraction = pixels - whole;
  return inStrips(alpha, size, whole + 1, (part) => {
    const low = greatest(part, whole);
    if (!fraction) return low;
    const high = greatest(part, whole + 1).data;
    return { ...part, data: low.data.map((value, i) => value + fraction * (high[i] - value)) };
  });
}

/** The edge softened: the mean over a square of side 2 * radius + 1, taken twice. */
export function feather(alpha, size, radius) {
  return inStrips(alpha, size, 2 * radius, (part) => boxMean(boxMean(part, radius), radius));
}

function inverted(alpha) {
  return alpha.map((value) => OPAQUE - value);
}

/** A filter that looks `reach` pixels far, run over strips of rows; strips of one value stay. */
function inStrips(alpha, { height, width }, reach, filter) {
  const result = alpha.slice();
  for (let start = 0; start < height; start += STRIP) {
    const first = Math.max(0, start - reach);
    const last = Math.min(height, start + STRIP + reach);
    const part = alpha.subarray(first * width, last * width);
    if (part.every((value) => value === part[0])) continue;
    const { data } = filter({ width, height: last - first, data: Float32Array.from(part, (value) => value / OPAQUE) });
    const stop = Math.min(height, start + STRIP);
    for (let i = start * width; i < stop * width; i++) {
      result[i] = Math.min(1, Math.max(0, data[i - first * width])) * OPAQUE + 0.5;
    }
  }
  return result;
}

/** The greatest value within an octagon: a square widened along both diagonals. */
function greatest(map, radius) {
  if (!radius) return map;
  const slant = Math.min(Math.round(radius * (1 - Math.SQRT1_2)), Math.floor((radius - 1) / 2));
  const straight = radius - 2 * slant;
  let grown = padded(map, radius);
  for (const [down, right, reach] of [[1, 0, straight], [0, 1, straight], [1, 1, slant], [1, -1, slant]]) {
    grown = slidingMax(grown, down, right, reach);
  }
  return grown;
}

function padded({ width, height, data }, border) {
  const wide = width + 2 * border;
  const result = new Float32Array(wide * (height + 2 * border));
  for (let y = 0; y < height; y++) {
    result.set(data.subarray(y * width, (y + 1) * width), (y + border) * wide + border);
  }
  return { width: wide, height: height + 2 * border, data: result };
}

/** The greatest of 2 * radius + 1 values in a row along a line, whose ends are lost; by maxima of 2, 4, 8 ... values. */
function slidingMax(map, down, right, radius) {
  const wanted = 2 * radius + 1;
  for (let done = 1; done < wanted; ) {
    const step = Math.min(done, wanted - done);
    const width = map.width - (right ? step : 0);
    const height = map.height - (down ? step : 0);
    const data = new Float32Array(width * height);
    const far = (down ? step * map.width : 0) + (right > 0 ? step : 0);
    const near = right < 0 ? step : 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0, at = y * map.width; x < width; x++, at++) {
        data[y * width + x] = Math.max(map.data[at + far], map.data[at + near]);
      }
    }
    map = { width, height, data };
    done += step;
  }
  return map;
}
