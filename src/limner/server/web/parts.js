// The people in an alpha that stand apart: its connected parts.

const LEAST_AREA = 0.02; // of the largest part: less is no person of their own
const HALF = 128;

/**
 * Parts of an alpha at low resolution: { labels, parts }, the largest first.
 * `labels` gives each pixel the number of the part that is nearest to it, from 1; a part is
 * { label, x, y, area, places }: x and y are those of its middle, places the pixels that are opaque.
 */
export function partsOf(alpha, width, height) {
  const labels = new Int32Array(alpha.length);
  let found = [];
  for (let start = 0; start < alpha.length; start++) {
    if (labels[start] || alpha[start] < HALF) continue;
    const part = { label: found.length + 1, x: 0, y: 0, area: 0, places: [] };
    spread(labels, [start], part.label, width, (i) => alpha[i] >= HALF, (i) => {
      part.area += 1;
      if (alpha[i] === 255) part.places.push(i);
      part.x += i % width;
      part.y += Math.floor(i / width);
    });
    found.push({ ...part, x: part.x / part.area, y: part.y / part.area });
  }
  const most = Math.max(0, ...found.map((part) => part.area));
  const people = found.filter((part) => part.area >= LEAST_AREA * most).sort((one, other) => other.area - one.area);
  const kept = new Set(people.map((part) => part.label));
  labels.forEach((label, i) => kept.has(label) || (labels[i] = 0));
  fillNearest(labels, width);
  return { labels, parts: people };
}

/** Give each pixel without a label that of the nearest one, ring by ring. */
function fillNearest(labels, width) {
  let ring = [];
  for (let i = 0; i < labels.length; i++) if (labels[i]) ring.push(i);
  while (ring.length) {
    const next = [];
    for (const i of ring) {
      for (const j of neighbours(i, width, labels.length)) {
        if (labels[j]) continue;
        labels[j] = labels[i];
        next.push(j);
      }
    }
    ring = next;
  }
}

function spread(labels, starts, label, width, belongs, visit) {
  const waiting = [...starts];
  for (const start of starts) labels[start] = label;
  while (waiting.length) {
    const i = waiting.pop();
    visit(i);
    for (const j of neighbours(i, width, labels.length)) {
      if (labels[j] || !belongs(j)) continue;
      labels[j] = label;
      waiting.push(j);
    }
  }
}

function neighbours(i, width, length) {
  const found = [];
  if (i % width) found.push(i - 1);
  if ((i + 1) % width) found.push(i + 1);
  if (i >= width) found.push(i - width);
  if (i + width < length) found.push(i + width);
  return found;
}
