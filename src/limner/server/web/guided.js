// The guided filter: values that follow the edges of colours, as affine functions of them.
// He, Sun and Tang, "Guided image filtering", ECCV 2010.

/**
 * Affine coefficients, (5 arrays): three slopes, bias and the values that they give.
 * `colours` are (N, 4) numbers in [0, 255], `values` in [0, 1]; `noise` is how far colours of one thing differ.
 */
export function guided(colours, values, width, height, radius, noise) {
  const count = width * height;
  const channels = [0, 1, 2].map((c) => Float32Array.from({ length: count }, (_, i) => colours[4 * i + c]));
  const mean = (numbers) => boxMean(numbers, width, height, radius);
  const times = (one, other) => one.map((number, i) => number * other[i]);
  const [mr, mg, mb] = channels.map(mean);
  const mv = mean(values);
  const [r, g, b] = channels;
  const products = [[r, r], [r, g], [r, b], [g, g], [g, b], [b, b], [r, values], [g, values], [b, values]];
  const [rr, rg, rb, gg, gb, bb, rv, gv, bv] = products.map(([one, other]) => mean(times(one, other)));
  const slopes = [0, 1, 2, 3].map(() => new Float32Array(count));
  const least = noise * noise;
  for (let i = 0; i < count; i++) {
    const a = rr[i] - mr[i] * mr[i] + least; // the covariance: a p q, p d s, q s f
    const d = gg[i] - mg[i] * mg[i] + least;
    const f = bb[i] - mb[i] * mb[i] + least;
    const p = rg[i] - mr[i] * mg[i];
    const q = rb[i] - mr[i] * mb[i];
    const s = gb[i] - mg[i] * mb[i];
    const x = rv[i] - mr[i] * mv[i];
    const y = gv[i] - mg[i] * mv[i];
    const z = bv[i] - mb[i] * mv[i];
    const c0 = d * f - s * s;
    const c1 = q * s - p * f;
    const c2 = p * s - q * d;
    const determinant = a * c0 + p * c1 + q * c2;
    const red = (c0 * x + c1 * y + c2 * z) / determinant;
    const green = (c1 * x + (a * f - q * q) * y + (p * q - a * s) * z) / determinant;
    const blue = (c2 * x + (p * q - a * s) * y + (a * d - p * p) * z) / determinant;
    slopes[0][i] = red;
    slopes[1][i] = green;
    slopes[2][i] = blue;
    slopes[3][i] = mv[i] - red * mr[i] - green * mg[i] - blue * mb[i];
  }
  const [sr, sg, sb, bias] = slopes.map(mean);
  const result = bias.map((start, i) => start + sr[i] * r[i] + sg[i] * g[i] + sb[i] * b[i]);
  return [sr, sg, sb, bias, result];
}

/** Mean over the square of side 2 radius + 1 around each pixel, cut at the border. */
export function boxMean(values, width, height, radius) {
  const across = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x++) sum += values[start + x];
    for (let x = 0; x < width; x++) {
      if (x + radius < width) sum += values[start + x + radius];
      if (x > radius) sum -= values[start + x - radius - 1];
      across[start + x] = sum / (Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1);
    }
  }
  const result = new Float32Array(values.length);
  const sums = new Float64Array(width);
  for (let y = 0; y < Math.min(radius, height); y++) {
    for (let x = 0; x < width; x++) sums[x] += across[y * width + x];
  }
  for (let y = 0; y < height; y++) {
    const rows = Math.min(y + radius, height - 1) - Math.max(y - radius, 0) + 1;
    for (let x = 0; x < width; x++) {
      if (y + radius < height) sums[x] += across[(y + radius) * width + x];
      if (y > radius) sums[x] -= across[(y - radius - 1) * width + x];
      result[y * width + x] = sums[x] / rows;
    }
  }
  return result;
}
