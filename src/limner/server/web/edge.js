// The edge of an alpha: moved and softened, by the formulas of limner.mattes.masks.

/** The alpha with its edge moved outwards by `shift` pixels and softened over `feather`. */
export function editedAlpha({ alpha, width, height }, shift, feather) {
  const radius = Math.round(feather);
  const moved = shiftEdge(alpha, width, height, shift);
  return radius ? boxMean(boxMean(moved, width, height, radius), width, height, radius) : moved;
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
