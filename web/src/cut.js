// One picture from start to end, in the thread that calls: a worker's, or Node's own.

import { blurred, desaturated, laidOut, original, plain, shadow } from "./backgrounds.js";
import { feather, keepLargest, shiftEdge } from "./edits.js";
import { Foreground, GRID } from "./foreground.js";
import { cropped } from "./framing.js";
import { ID_PHOTOS } from "./identity.js";
import { INVISIBLE, subjectBox } from "./masks.js";
import { loadNetworks } from "./networks.js";
import { encode, readPicture } from "./picture.js";
import { encodePng } from "./png.js";
import { downsampleImage, downsampleRows } from "./resize.js";
import { OPAQUE, segment, withoutStrayParts } from "./segment.js";

const TOGETHER = 64;
const HEAD_PART = 0.1; // what is smaller than this fraction of the person is no part of an identity photo
const OWN = { blur: true, grey: true, original: true }; // backgrounds that are made of the photo's own

/** What `cutout` of index.js gives. `onProgress(fraction)` is told how far it is, `pause()` may throw to stop it. */
export async function cut(source, options, onProgress, pause) {
  const loading = options.alpha ? null : loadNetworks(options.model, (part) => onProgress(part / 2));
  loading?.catch(() => {}); // it is awaited below, after the picture, which may fail first
  const picture = await readPicture(source);
  const behind = typeof options.background === "string" ? options.background : await readPicture(options.background);
  const { width, height } = picture;
  const shown = { width, height, data: picture.shown };
  onProgress(0.5);
  const fractions = { segment: 0.65, refine: 0.8, render: 0.9 };
  const step = async (stage) => {
    onProgress(fractions[stage]);
    await pause();
  };
  const found = options.alpha
    ? given(options.alpha, picture)
    : await segment(shown, await loading, options.refine === "fast", step);
  const whole = adjusted(found, picture, options);
  const inside = options.output === "mask" || options.background in OWN;
  const frame = { top: 0, left: 0, height, width };
  const seen = options.crop
    ? cropped(picture, whole, options.crop, options.margin, inside)
    : { picture, alpha: whole, frame };
  const result = rendered(seen.picture, seen.alpha, behind, options);
  const rows = (async function* () {
    for (let y = 0; y < seen.picture.height; y++) {
      if (y % TOGETHER === 0) await step("render");
      yield result.row(y);
    }
  })();
  const encoder = options.format === "png" ? encodePng : encode;
  const blob = await encoder(seen.picture.width, seen.picture.height, result.channels, rows, options.format);
  onProgress(1);
  return {
    blob,
    alpha: { width: seen.picture.width, height: seen.picture.height, data: inBytes(seen.alpha) },
    box: subjectBox(height, width, (x, y) => whole[y * width + x] >= OPAQUE / 2),
    frame: seen.frame,
    subjectShare: whole.reduce((sum, value) => sum + value, 0) / OPAQUE / whole.length,
  };
}

/** The alpha of the people that are kept, its edge moved and softened, times the photo's own opacity. */
function adjusted(alpha, picture, options) {
  if (options.subjects) alpha = keepLargest(alpha, picture, options.subjects);
  else if (options.crop in ID_PHOTOS) alpha = withoutStrayParts(alpha, picture, HEAD_PART);
  if (options.shift) alpha = shiftEdge(alpha, picture, options.shift);
  if (options.feather) alpha = feather(alpha, picture, options.feather);
  return picture.own ? alpha.map((value, i) => (value * picture.own[i]) / 255 + 0.5) : alpha;
}

function inBytes(alpha) {
  return Uint8ClampedArray.from(alpha, (value) => (value * 255) / OPAQUE); // which rounds
}

function given(alpha, { width, height }) {
  if (alpha.width !== width || alpha.height !== height || alpha.data.length !== width * height) {
    throw new TypeError(`the alpha is to be of the picture's size, ${width} x ${height}`);
  }
  return Uint16Array.from(alpha.data, (value) => (value * OPAQUE) / 255);
}

/** How many bytes a pixel of the result has, and a function that gives row `y` in an array of its own. */
function rendered(picture, alpha, background, options) {
  const { width } = picture;
  const { output } = options;
  const channels = { mask: 1, composite: 3, cutout: 4 }[output];
  const row = new Uint8ClampedArray(width * channels);
  const opacityAt = (y) => (x) => alpha[y * width + x] / OPAQUE;
  if (output === "mask") {
    const masked = (y) => {
      const opacity = opacityAt(y);
      for (let x = 0; x < width; x++) row[x] = 255 * opacity(x);
      return row;
    };
    return { channels, row: masked };
  }
  const colours = foregroundRows(picture, alpha);
  const shade = options.shadow ? shadow(alpha, picture, options.shadow) : () => () => 0;
  if (output === "cutout") {
    const cut = (y) => {
      const [front, opacity, dark] = [colours(y), opacityAt(y), shade(y)];
      for (let x = 0; x < width; x++) {
        const below = (1 - opacity(x)) * dark(x); // the subject over its shadow, which is black
        const total = opacity(x) + below;
        const share = total >= INVISIBLE ? opacity(x) / total : 0;
        for (let channel = 0; channel < 3; channel++) row[4 * x + channel] = share * front[3 * x + channel];
        row[4 * x + 3] = 255 * total;
      }
      return row;
    };
    return { channels, row: cut };
  }
  const behind = backgroundRows(picture, alpha, background, options);
  const composed = (y) => {
    behind(y, row);
    const [front, opacity, dark] = [colours(y), opacityAt(y), shade(y)];
    for (let x = 0; x < width; x++) {
      for (let i = 3 * x; i < 3 * x + 3; i++) {
        const back = Math.round(row[i] * (1 - dark(x)));
        row[i] = back + opacity(x) * (front[i] - back);
      }
    }
    return row;
  };
  return { channels, row: composed };
}

function backgroundRows(picture, alpha, background, { blur, lens, fit, align }) {
  if (background === "blur") return blurred(picture, alpha, blur, lens);
  if (background === "grey") return desaturated(picture);
  if (background === "original") return original(picture);
  return typeof background === "string" ? plain(background) : laidOut(background, picture, fit, align);
}

/** The subject's own colours, as a function that gives row `y` in an array of its own. */
function foregroundRows(picture, alpha) {
  const { width, height, data } = picture;
  const row = new Uint8ClampedArray(3 * width);
  const line = new Float32Array(width);
  const opacities = (y) => {
    for (let x = 0; x < width; x++) line[x] = alpha[y * width + x] / OPAQUE;
    return line;
  };
  const grid = downsampleRows(height, width, GRID, opacities);
  const foreground = new Foreground(downsampleImage(picture, GRID), grid, picture);
  return (y) => {
    row.set(data.subarray(3 * y * width, 3 * (y + 1) * width));
    foreground.row(y, row, (x) => alpha[y * width + x] / OPAQUE);
    return row;
  };
}
