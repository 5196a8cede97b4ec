// Where a picture is cropped: `limner.rendering.framing`. A frame is { top, left, height, width }, and may reach beyond
// the picture.

import { idFrame, ID_PHOTOS } from "./identity.js";
import { subjectBox } from "./masks.js";
import { ResizedMap, resizeImage, roundEven } from "./resize.js";
import { OPAQUE } from "./segment.js";

/** Picture and alpha as a crop shows them, { picture, alpha, frame }; `inside` keeps the frame within the picture. */
export function cropped(picture, alpha, crop, margin, inside) {
  const { height, width } = picture;
  const mask = (x, y) => alpha[y * width + x] >= OPAQUE / 2;
  const box = subjectBox(height, width, mask);
  if (!box) throw new RangeError("no person found to crop to: leave the crop away, or give another picture");
  const form = ID_PHOTOS[crop];
  const frame = form ? idFrame(mask, picture, form, inside) : frameAround(box, picture, crop, margin / 100, inside);
  const shown = { ...within(picture, frame), own: picture.own && part(picture.own, picture, frame) };
  const kept = part(alpha, picture, frame);
  return { frame, ...(form ? resized(shown, kept, form.size) : { picture: shown, alpha: kept }) };
}

function frameAround(box, { height, width }, crop, margin, inside) {
  const [endsAbove, endsLeft] = [box.top === 0, box.left === 0];
  const [endsBelow, endsRight] = [box.top + box.height === height, box.left + box.width === width];
  const space = roundEven(margin * Math.max(box.height, box.width));
  const [top, left] = [Math.max(0, box.top - space), Math.max(0, box.left - space)];
  const bottom = Math.min(height, box.top + box.height + space);
  const right = Math.min(width, box.left + box.width + space);
  if (crop === "subject") return { top, left, height: bottom - top, width: right - left };
  const aspect = aspectOf(crop);
  const [above, below] = [inside || endsAbove, inside || endsBelow];
  const [before, after] = [inside || endsLeft, inside || endsRight];
  const least = Math.max(bottom - top, roundEven((right - left) / aspect));
  const shrink = Math.min(
    1,
    above && below ? height / least : 1,
    before && after ? width / (least * aspect) : 1,
  );
  const [tall, wide] = [roundEven(least * shrink), roundEven(least * shrink * aspect)];
  return {
    top: shifted(top, tall, height, above, below || bottom === height),
    left: shifted(Math.floor((left + right - wide) / 2), wide, width, before, after),
    height: tall,
    width: wide,
  };
}

/** Where a stretch starts that reaches beyond neither border that is closed; the first one counts more. */
function shifted(start, length, end, first, last) {
  const moved = last ? Math.min(start, end - length) : start;
  return first ? Math.max(0, moved) : moved;
}

/** Width over height of "square" or "W:H". */
export function aspectOf(crop) {
  if (crop === "square") return 1;
  const [, width, height] = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(crop) ?? [];
  const aspect = width / height;
  if (!(aspect >= 0.05 && aspect <= 20)) {
    const known = ["subject", "square", ...Object.keys(ID_PHOTOS)].join(", ");
    throw new TypeError(`unknown crop '${crop}': use ${known}, or an aspect ratio such as 4:5`);
  }
  return aspect;
}

/** The pixels of a frame; the border is repeated beyond the picture, for black would spoil what is beside it. */
function within({ height, width, data }, frame) {
  const result = new Uint8Array(3 * frame.width * frame.height);
  for (let y = 0, to = 0; y < frame.height; y++) {
    const row = Math.min(height - 1, Math.max(0, frame.top + y)) * width;
    for (let x = 0; x < frame.width; x++, to += 3) {
      const from = 3 * (row + Math.min(width - 1, Math.max(0, frame.left + x)));
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return { width: frame.width, height: frame.height, data: result };
}

/** The values of a frame, zeros where it reaches beyond the picture. */
function part(values, { height, width }, frame) {
  const result = new values.constructor(frame.width * frame.height);
  const [from, to] = [Math.max(0, frame.left), Math.min(width, frame.left + frame.width)];
  for (let y = Math.max(0, frame.top); y < Math.min(height, frame.top + frame.height); y++) {
    result.set(values.subarray(y * width + from, y * width + to), (y - frame.top) * frame.width + from - frame.left);
  }
  return result;
}

function resized({ own, ...picture }, alpha, [height, width]) {
  const scaled = (values, whole) => {
    const map = new ResizedMap({ ...picture, data: Float32Array.from(values, (value) => value / whole) }, height, width);
    return map.whole().data;
  };
  return {
    picture: {
      ...resizeImage(picture, height, width),
      own: own && Uint8Array.from(scaled(own, 255), (value) => Math.round(255 * value)),
    },
    alpha: Uint16Array.from(scaled(alpha, OPAQUE), (value) => OPAQUE * value + 0.5),
  };
}
