// What a result will look like, computed from the photo and its alpha at the size of the screen.
// The downloaded file is made by the server, at full size; the formulas here are the same.

const KERNEL_RADIUS = 8; // pixels: larger blurs are made on a smaller copy

/** A canvas of a size. */
export function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return canvas;
}

/** The pixels of a picture drawn at a size. */
export function pixelsOf(picture, width, height) {
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * Photo, foreground colours and alpha at one size.
 * Where the server's cut-out is nearly transparent its colours mean little, and the photo's are taken.
 */
export function layersOf(photo, cutout, width, height) {
  const before = pixelsOf(photo, width, height);
  const front = pixelsOf(cutout, width, height);
  const alpha = new Uint8ClampedArray(width * height);
  for (let i = 0; i < alpha.length; i++) {
    alpha[i] = front.data[4 * i + 3];
    const trusted = Math.min(1, alpha[i] / 32);
    for (let c = 4 * i; c < 4 * i + 3; c++) {
      front.data[c] = before.data[c] + trusted * (front.data[c] - before.data[c]);
    }
  }
  return { width, height, before, front: front.data, alpha };
}

/** The part of the layers, with this alpha, that a frame keeps; beyond the photo nothing is opaque. */
export function cropped(layers, alpha, { top, left, width, height }) {
  const part = (values, channels) => {
    const kept = new Uint8ClampedArray(channels * width * height);
    const [from, to] = [Math.max(0, left), Math.min(layers.width, left + width)];
    for (let y = Math.max(0, top); y < Math.min(layers.height, top + height); y++) {
      const row = values.subarray(channels * (y * layers.width + from), channels * (y * layers.width + to));
      kept.set(row, channels * ((y - top) * width + from - left));
    }
    return kept;
  };
  const before = new ImageData(part(layers.before.data, 4), width, height);
  return { width, height, before, front: part(layers.front, 4), alpha: part(alpha, 1) };
}

/** The alpha with its edge moved outwards by `shift` pixels and softened over `feather`. */
export function editedAlpha({ alpha, width, height }, shift, feather) {
  const radius = Math.round(feather);
  const moved = shiftEdge(alpha, width, height, shift);
  return radius ? boxMean(boxMean(moved, width, height, radius), width, height, radius) : moved;
}

/** The result as pixels: on nothing, or before `behind`, pixels of the same size. */
export function composed({ front, alpha, width, height }, behind) {
  const result = new ImageData(width, height);
  for (let i = 0; i < alpha.length; i++) {
    const opacity = alpha[i] / 255;
    for (let c = 4 * i; c < 4 * i + 3; c++) {
      result.data[c] = behind ? behind[c] + opacity * (front[c] - behind[c]) : front[c];
    }
    result.data[4 * i + 3] = behind ? 255 : alpha[i];
  }
  return result;
}

/** One colour everywhere, as pixels. */
export function plain(hex, { width, height }) {
  const pixels = new Uint8ClampedArray(4 * width * height);
  const colour = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
  for (let i = 0; i < pixels.length; i += 4) pixels.set(colour, i);
  return pixels;
}

/** A picture that covers the whole frame, as pixels. */
export function covering(picture, { width, height }) {
  const scale = Math.max(width / picture.width, height / picture.height);
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  const [across, down] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (width - across) / 2, (height - down) / 2, across, down);
  return context.getImageData(0, 0, width, height).data;
}

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

function shiftEdge(alpha, width, height, pixels) {
  if (!pixels) return alpha;
  if (pixels < 0) return shiftEdge(alpha.map((value) => 255 - value), width, height, -pixels).map((value) => 255 - value);
  const whole = Math.floor(pixels);
  const low = greatest(alpha, width, height, whole);
  if (whole === pixels) return low;
  const high = greatest(alpha, width, height, whole + 1);
  return low.map((value, i) => value + (pixels - whole) * (high[i] - value));
}

/** The greatest alpha within an octagon of a radius: a square widened along both diagonals. */
function greatest(alpha, width, height, radius) {
  if (!radius) return alpha;
  const slant = Math.min(Math.round(radius * (1 - Math.SQRT1_2)), Math.floor((radius - 1) / 2));
  const straight = radius - 2 * slant;
  const wide = width + 2 * radius;
  let grown = new Uint8ClampedArray(wide * (height + 2 * radius));
  for (let y = 0; y < height; y++) {
    grown.set(alpha.subarray(y * width, (y + 1) * width), (y + radius) * wide + radius);
  }
  for (const [direction, reach] of [[wide, straight], [1, straight], [wide + 1, slant], [wide - 1, slant]]) {
    grown = greatestAlong(grown, direction, reach);
  }
  const result = new Uint8ClampedArray(alpha.length);
  for (let y = 0; y < height; y++) {
    const start = (y + radius) * wide + radius;
    result.set(grown.subarray(start, start + width), y * width);
  }
  return result;
}

function greatestAlong(values, direction, reach) {
  let done = 1; // values along the line that each one stands for
  while (done < 2 * reach + 1) {
    const step = Math.min(done, 2 * reach + 1 - done);
    const next = new Uint8ClampedArray(values);
    const offset = step * direction;
    for (let i = 0; i + offset < values.length; i++) {
      if (values[i + offset] > next[i]) next[i] = values[i + offset];
    }
    values = next;
    done += step;
  }
  const centred = new Uint8ClampedArray(values.length);
  centred.set(values.subarray(0, values.length - reach * direction), reach * direction);
  return centred;
}

/** Mean over the square of side 2 radius + 1 around each pixel, cut at the border. */
function boxMean(values, width, height, radius) {
  for (const [step, length, lines, stride] of [[1, width, height, width], [width, height, width, 1]]) {
    const result = new Float32Array(values.length);
    for (let line = 0; line < lines; line++) {
      const start = line * stride;
      let sum = 0;
      for (let place = 0; place < Math.min(radius, length); place++) sum += values[start + place * step];
      for (let place = 0; place < length; place++) {
        if (place + radius < length) sum += values[start + (place + radius) * step];
        if (place - radius > 0) sum -= values[start + (place - radius - 1) * step];
        const count = Math.min(place + radius, length - 1) - Math.max(place - radius, 0) + 1;
        result[start + place * step] = sum / count;
      }
    }
    values = result;
  }
  return values;
}
