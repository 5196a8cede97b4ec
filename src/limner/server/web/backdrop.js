// What lies behind the subject: of the whole result once, on a small canvas, and then of any part of it.

import { blurred, grey, shadow } from "./blur.js";
import { canvasOf } from "./pixels.js";
import { behind } from "./settings.js";

/** What is computed of the layers of the whole result: { blur, shade }, canvases or null. */
export function backdropOf(layers, settings) {
  const side = Math.max(layers.width, layers.height);
  return {
    blur: behind(settings) === "blur" ? blurred(layers, (settings.blur / 100) * side, settings.lens) : null,
    shade: settings.shadow && !settings.mask ? shadow(layers, settings.shadow / 100) : null,
  };
}

/**
 * For `composed`: what lies behind a part of the result.
 * `part` is in pixels of the whole result, `whole` its size, both on one grid.
 */
export function backdropAt({ blur, shade }, layers, settings, part, whole, scale) {
  return {
    behind: pixelsBehind(blur, layers, settings, part, whole, scale),
    shade: shade && opacityOf(enlarged(shade, part, whole)),
    mask: settings.mask,
  };
}

function pixelsBehind(blur, { before }, settings, part, whole, scale) {
  switch (behind(settings)) {
    case "colour":
      return plain(settings.colour, part);
    case "blur":
      return enlarged(blur, part, whole);
    case "grey":
      return grey(before);
    case "original":
      return before.data;
    case "picture":
      return laidOut(settings.picture.bitmap, settings, part, whole, scale);
    default:
      return null;
  }
}

function plain(hex, { width, height }) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
  const colour = new Uint8ClampedArray([red, green, blue, 255]);
  const pixels = new Uint32Array(width * height).fill(new Uint32Array(colour.buffer)[0]);
  return new Uint8ClampedArray(pixels.buffer);
}

/** A part of a small canvas that stands for the whole. */
function enlarged(small, part, whole) {
  return painted(part, (context) => context.drawImage(small, 0, 0, whole.width, whole.height));
}

/** A part of a picture that fills the whole frame as `fit` and `align` say. */
function laidOut(picture, { fit, align }, part, whole, scale) {
  const scales = [whole.width / picture.width, whole.height / picture.height];
  const enlarge = { cover: Math.max(...scales), contain: Math.min(...scales), tile: scale }[fit];
  const [width, height] = [Math.round(picture.width * enlarge), Math.round(picture.height * enlarge)];
  const left = Math.round((whole.width - width) * align[0]);
  const top = Math.round((whole.height - height) * align[1]);
  return painted(part, (context) => {
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, whole.width, whole.height);
    if (fit !== "tile") return context.drawImage(picture, left, top, width, height);
    for (let y = top - Math.ceil(top / height) * height; y < whole.height; y += height) {
      for (let x = left - Math.ceil(left / width) * width; x < whole.width; x += width) {
        context.drawImage(picture, x, y, width, height);
      }
    }
  });
}

/** Pixels of a part, painted in coordinates of the whole. */
function painted(part, paint) {
  const context = canvasOf(part.width, part.height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.translate(-part.x, -part.y);
  paint(context);
  return context.getImageData(0, 0, part.width, part.height).data;
}

function opacityOf(pixels) {
  return Uint8ClampedArray.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i + 3]);
}
