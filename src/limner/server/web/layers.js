// Photo, foreground colours and alpha at the size of the screen, and what is composed of them.
// The downloaded file is made by the engine, at full size; the formulas here are the same.

import { canvasOf, pixelsOf } from "./pixels.js";

const SIDE = 1280; // longer side of the preview, pixels

/**
 * Photo, foreground colours and alpha at one size.
 * Where the cut-out is nearly transparent its colours mean little, and the photo's are taken.
 */
export function layersOf({ before, cut }) {
  const scale = Math.min(1, SIDE / Math.max(cut.width, cut.height));
  const [width, height] = [cut.width, cut.height].map((length) => Math.max(1, Math.round(length * scale)));
  const photo = pixelsOf(before, width, height);
  const front = pixelsOf(cut, width, height);
  const alpha = new Uint8ClampedArray(width * height);
  for (let i = 0; i < alpha.length; i++) {
    alpha[i] = front.data[4 * i + 3];
    const trusted = Math.min(1, alpha[i] / 32);
    for (let c = 4 * i; c < 4 * i + 3; c++) {
      front.data[c] = photo.data[c] + trusted * (front.data[c] - photo.data[c]);
    }
  }
  return { width, height, scale, before: photo, front: front.data, alpha };
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
