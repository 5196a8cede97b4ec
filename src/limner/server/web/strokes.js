// A stroke of the brush as pixels: how much of it covers each, and where it surely goes.

const CORE = 0.4; // of the radius: what is so near the middle of a stroke is surely meant
const CONTEXT = 1.5; // radii around a stroke that tell what it should stop at

/**
 * What a stroke covers of a picture: { x, y, width, height, cover, core }, bytes a pixel; null beside the picture.
 * Points are { x, y, radius } in pixels of the picture; `softness`, in [0, 1], is how much of the radius fades.
 */
export function rasterised(points, softness, picture) {
  const part = partOf(points, picture);
  if (!part) return null;
  const { x, y, width, height } = part;
  const cover = new Uint8ClampedArray(width * height);
  const core = new Uint8Array(width * height);
  points.forEach((point, i) => {
    const before = points[Math.max(0, i - 1)];
    const radius = Math.max(0.5, point.radius);
    const hard = radius * (1 - softness);
    const [dx, dy] = [point.x - before.x, point.y - before.y];
    const squared = dx * dx + dy * dy || 1;
    const [left, right] = span(before.x, point.x, radius, x, width);
    const [top, bottom] = span(before.y, point.y, radius, y, height);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const px = column + x + 0.5 - before.x;
        const py = row + y + 0.5 - before.y;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
        const distance2 = (px - along * dx) ** 2 + (py - along * dy) ** 2;
        if (distance2 > radius * radius) continue;
        const distance = Math.sqrt(distance2);
        const index = row * width + column;
        const strength = distance <= hard ? 255 : (255 * (radius - distance)) / (radius - hard);
        if (strength > cover[index]) cover[index] = strength;
        if (distance <= CORE * radius) core[index] = 1;
      }
    }
  });
  return { ...part, cover, core };
}

function partOf(points, picture) {
  const reach = (point) => (1 + CONTEXT) * point.radius + 8;
  const x = Math.max(0, Math.floor(Math.min(...points.map((point) => point.x - reach(point)))));
  const y = Math.max(0, Math.floor(Math.min(...points.map((point) => point.y - reach(point)))));
  const right = Math.min(picture.width, Math.ceil(Math.max(...points.map((point) => point.x + reach(point)))));
  const bottom = Math.min(picture.height, Math.ceil(Math.max(...points.map((point) => point.y + reach(point)))));
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}

function span(from, to, radius, start, length) {
  const first = Math.floor(Math.min(from, to) - radius - start);
  const last = Math.ceil(Math.max(from, to) + radius - start) + 1;
  return [Math.max(0, first), Math.min(length, last)];
}
