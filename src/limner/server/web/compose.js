// A result as pixels, from layers and what lies behind them.

/**
 * The subject before `behind`, pixels of the same size, or on nothing; over its shadow, bytes of opacity, if any.
 * With `mask`, the alpha alone.
 */
export function composed({ front, alpha, width, height }, { behind, shade, mask }) {
  const result = new ImageData(width, height);
  const { data } = result;
  for (let i = 0; i < alpha.length; i++) {
    const p = 4 * i;
    if (mask) {
      data[p] = data[p + 1] = data[p + 2] = alpha[i];
      data[p + 3] = 255;
      continue;
    }
    const opacity = alpha[i] / 255;
    const dark = shade ? shade[i] / 255 : 0;
    if (behind) {
      for (let c = p; c < p + 3; c++) data[c] = behind[c] * (1 - dark) * (1 - opacity) + opacity * front[c];
      data[p + 3] = 255;
    } else {
      const whole = opacity + (1 - opacity) * dark;
      const fraction = whole ? opacity / whole : 0;
      for (let c = p; c < p + 3; c++) data[c] = front[c] * (shade ? fraction : 1);
      data[p + 3] = 255 * whole;
    }
  }
  return result;
}
