// Bars of one colour on two sides of a picture: `limner.models.bars`.

const TOLERANCE = 8; // levels
const SMALLEST = 0.02; // thickness of each bar over the picture's length in that direction, at least
const FADE = 16; // lines behind a bar within which the picture begins

/** What lies between bars above and below, and left and right: { top, left, height, width }. */
export function betweenBars({ width, height, data }) {
  const [top, bottom] = between(height, width, (line, i) => 3 * (line * width + i), data);
  const [left, right] = between(width, bottom - top, (line, i) => 3 * ((top + i) * width + line), data);
  return { top, left, height: bottom - top, width: right - left };
}

function between(count, length, at, data) {
  const first = thickness(count, length, at, data);
  const last = thickness(count, length, (line, i) => at(count - 1 - line, i), data);
  const isPair = Math.min(first, last) >= Math.max(1, SMALLEST * count) && first + last < count;
  return isPair ? [first, count - last] : [0, count];
}

function thickness(count, length, at, data) {
  const corner = at(0, 0);
  const other = (line) => {
    let found = 0;
    for (let i = 0; i < length; i++) {
      const pixel = at(line, i);
      for (let channel = 0; channel < 3; channel++) {
        if (Math.abs(data[pixel + channel] - data[corner + channel]) > TOLERANCE) {
          found++;
          break;
        }
      }
    }
    return found / length;
  };
  let found = 0;
  while (found < count && !other(found)) found++;
  for (let line = found; line < Math.min(count, found + FADE); line++) {
    if (other(line) > 0.5) return found;
  }
  return 0;
}
