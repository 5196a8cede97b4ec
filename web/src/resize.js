// The resampling of `limner.images.resize`: bilinear, and antialiased where it makes smaller. Bytes are rounded as
// Pillow does it, so that a network sees the same pixels in every language.
// An image is { width, height, data }, three bytes a pixel; a map has floats, one a pixel.

const PRECISION = 22; // bits of Pillow's weights
const STRIP_BYTES = 1 << 20; // of `limner.images.strips`
const LEAST_ROWS = 16;

/** Which of `before` pixels make each of `after` pixels along one side, and their weights. */
export function weightsAlong(before, after) {
  const found = emptyWeights(before / after, after);
  for (let i = 0; i < after; i++) weigh(found, i, (i + 0.5) * (before / after), before / after, before);
  return found;
}

function emptyWeights(scale, after) {
  const width = Math.ceil(Math.max(scale, 1)) * 2 + 2;
  return { first: new Int32Array(after), count: new Int32Array(after), weights: new Float64Array(after * width), width };
}

/** The weights of pixel `i`, whose centre lies there among `length` pixels. */
function weigh({ first, count, weights, width }, i, centre, scale, length) {
  const reach = Math.max(scale, 1);
  const start = Math.max(0, Math.trunc(centre - reach + 0.5));
  const end = Math.min(length, Math.trunc(centre + reach + 0.5));
  let sum = 0;
  for (let k = start; k < end; k++) {
    const weight = Math.max(0, 1 - Math.abs((k - centre + 0.5) * (1 / reach)));
    weights[i * width + k - start] = weight;
    sum += weight;
  }
  for (let k = 0; k < end - start; k++) weights[i * width + k] /= sum;
  first[i] = start;
  count[i] = end - start;
}

/** An image at another size; in the strips of rows that Python takes it in, for Pillow rounds at their borders. */
export function resizeImage(image, height, width) {
  const { data, ...size } = image;
  if (size.height === height && size.width === width) return image;
  const scale = size.height / height;
  const reach = Math.max(scale, 1) + 1;
  const rowBytes = Math.floor((3 * Math.max(size.height * size.width, height * width)) / height);
  const rows = Math.max(LEAST_ROWS, Math.floor(STRIP_BYTES / rowBytes));
  const result = new Uint8Array(3 * width * height);
  for (let start = 0; start < height; start += rows) {
    const stop = Math.min(start + rows, height);
    const top = Math.max(0, Math.trunc(start * scale - reach));
    const bottom = Math.min(size.height, Math.trunc(stop * scale + reach) + 1);
    const strip = data.subarray(3 * top * size.width, 3 * bottom * size.width);
    const box = [start * scale - top, Math.min(stop * scale, size.height) - top];
    const part = resizeStrip({ width: size.width, height: bottom - top, data: strip }, box, stop - start, width);
    result.set(part.data, 3 * start * width);
  }
  return { width, height, data: result };
}

/** Part of an image, between two heights of it, at another size. */
function resizeStrip(image, [first, last], height, width) {
  const across = (seen) => (seen.width === width ? seen : alongRows(seen, fixed(weightsAlong(seen.width, width)), width));
  const down = (seen) => alongColumns(seen, fixed(weightsBetween(first, last, seen.height, height)), height);
  const lost = image.height - height;
  const downFirst = lost > 0 && lost > 2 * (image.width - width); // Pillow's rule
  return downFirst ? across(down(image)) : down(across(image));
}

/** Weights along a side of `length` pixels, of which those from `first` to `last` become `after`. */
function weightsBetween(first, last, length, after) {
  const start = Math.fround(first); // Pillow keeps borders in 32 bits
  const step = Math.fround(Math.fround(last) - start) / after;
  const found = emptyWeights(step, after);
  for (let i = 0; i < after; i++) weigh(found, i, start + (i + 0.5) * step, step, length);
  return found;
}

function alongRows(image, { first, count, weights, width: reach }, width) {
  const pixels = image.data;
  const data = new Uint8Array(3 * width * image.height);
  for (let y = 0, to = 0; y < image.height; y++) {
    const row = 3 * y * image.width;
    for (let x = 0; x < width; x++, to += 3) {
      let red = 1 << (PRECISION - 1);
      let green = red;
      let blue = red;
      const end = row + 3 * (first[x] + count[x]);
      for (let at = row + 3 * first[x], k = x * reach; at < end; at += 3, k++) {
        const weight = weights[k];
        red = (red + Math.imul(weight, pixels[at])) | 0;
        green = (green + Math.imul(weight, pixels[at + 1])) | 0;
        blue = (blue + Math.imul(weight, pixels[at + 2])) | 0;
      }
      data[to] = red >> PRECISION;
      data[to + 1] = green >> PRECISION;
      data[to + 2] = blue >> PRECISION;
    }
  }
  return { width, height: image.height, data };
}

function alongColumns(image, { first, count, weights, width: reach }, height) {
  const row = 3 * image.width;
  const pixels = image.data;
  const data = new Uint8Array(row * height);
  const sums = new Int32Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (PRECISION - 1));
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * reach + k];
      const from = (first[y] + k) * row;
      for (let x = 0; x < row; x++) sums[x] += Math.imul(weight, pixels[from + x]);
    }
    for (let x = 0; x < row; x++) data[y * row + x] = sums[x] >> PRECISION;
  }
  return { width: image.width, height, data };
}

function fixed(found) {
  const weights = Int32Array.from(found.weights, (weight) => Math.trunc(0.5 + weight * (1 << PRECISION)));
  return { ...found, weights };
}

/** A map at another size, its rows made when they are asked for. */
export class ResizedMap {
  constructor(map, height, width) {
    this.width = width;
    this.height = height;
    this.across = mapRows(map, width);
    this.down = weightsAlong(map.height, height);
  }

  /** Write row `y`, clipped to [0, 1], to `out` from `start` on. */
  row(y, out, start = 0) {
    const { first, count, weights, width: reach } = this.down;
    const { across, width: size } = this;
    out.fill(0, start, start + size);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * reach + k];
      const from = (first[y] + k) * size;
      for (let x = 0; x < size; x++) out[start + x] += weight * across[from + x];
    }
    for (let x = start; x < start + size; x++) out[x] = Math.min(1, Math.max(0, out[x]));
  }

  /** All of it, as a map. */
  whole() {
    const data = new Float32Array(this.width * this.height);
    for (let y = 0; y < this.height; y++) this.row(y, data, y * this.width);
    return { width: this.width, height: this.height, data };
  }
}

function mapRows(map, width) {
  if (width === map.width) return map.data;
  const { first, count, weights, width: reach } = weightsAlong(map.width, width);
  const data = new Float32Array(width * map.height);
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < count[x]; k++) sum += weights[x * reach + k] * map.data[y * map.width + first[x] + k];
      data[y * width + x] = sum;
    }
  }
  return data;
}

/** Every how many pixels of a picture `downsample` looks at one, and the size that it makes. */
export function downsampling(height, width, side) {
  const longest = Math.max(height, width);
  const step = Math.max(1, Math.floor((Math.floor(longest / (2 * side)) - 1) / 2) * 2 + 1);
  const start = Math.floor(step / 2);
  const thin = { height: Math.ceil((height - start) / step), width: Math.ceil((width - start) / step) };
  const scale = Math.min(side, longest) / Math.max(thin.height, thin.width);
  return {
    step,
    start,
    thin,
    height: Math.max(1, roundEven(thin.height * scale)),
    width: Math.max(1, roundEven(thin.width * scale)),
  };
}

/** An image as three planes of floats, 0..255, `side` pixels on the longer side at most. */
export function downsampleImage(image, side) {
  const { step, start, thin, height, width } = downsampling(image.height, image.width, side);
  const data = new Uint8Array(3 * thin.width * thin.height);
  for (let y = 0, to = 0; y < thin.height; y++) {
    for (let x = 0; x < thin.width; x++, to += 3) {
      const from = 3 * ((start + y * step) * image.width + start + x * step);
      data[to] = image.data[from];
      data[to + 1] = image.data[from + 1];
      data[to + 2] = image.data[from + 2];
    }
  }
  const small = resizeImage({ ...thin, data }, height, width);
  const planes = new Float32Array(3 * height * width);
  for (let i = 0; i < height * width; i++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * height * width + i] = small.data[3 * i + channel];
  }
  return { width, height, data: planes };
}

/** The same of a map, of which `row(y)` gives the rows. */
export function downsampleRows(height, width, side, row) {
  const { step, start, thin, ...size } = downsampling(height, width, side);
  const data = new Float32Array(thin.width * thin.height);
  for (let y = 0; y < thin.height; y++) {
    const values = row(start + y * step);
    for (let x = 0; x < thin.width; x++) data[y * thin.width + x] = values[start + x * step];
  }
  return new ResizedMap({ ...thin, data }, size.height, size.width).whole();
}

/** Along a side of `length` pixels, the place of each on a grid of `count`: the pixel before it, and how far behind. */
export function placesAlong(length, count) {
  const before = new Int32Array(length);
  const part = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const place = Math.min(count - 1, Math.max(0, (i + 0.5) * (count / length) - 0.5));
    before[i] = Math.min(Math.trunc(place), Math.max(0, count - 2));
    part[i] = place - before[i];
  }
  return { before, part };
}

/** Planes on a grid, read at every pixel of a picture, bilinearly. */
export class GridPlanes {
  constructor({ height, width, data }, channels, picture) {
    this.grid = { height, width, data, channels };
    this.down = placesAlong(picture.height, height);
    this.across = placesAlong(picture.width, width);
    this.line = new Float32Array(channels * width);
  }

  /** Go to a row of the picture: `line` is as wide as the grid then. */
  row(y) {
    const { height, width, data, channels } = this.grid;
    const { line } = this;
    const above = this.down.before[y];
    const below = Math.min(above + 1, height - 1);
    const part = this.down.part[y];
    for (let channel = 0; channel < channels; channel++) {
      const [from, to] = [(channel * height + above) * width, (channel * height + below) * width];
      for (let x = 0; x < width; x++) {
        line[channel * width + x] = data[from + x] + part * (data[to + x] - data[from + x]);
      }
    }
  }

  /** The value of a plane at column `x` of the row. */
  at(channel, x) {
    const left = channel * this.grid.width + this.across.before[x];
    const right = left + (this.grid.width > 1 ? 1 : 0);
    return this.line[left] + this.across.part[x] * (this.line[right] - this.line[left]);
  }
}

/** Rounded, halves to the even number, as Python does. */
export function roundEven(value) {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
