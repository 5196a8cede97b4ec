// One picture from start to end, in the thread that calls: a worker's, or Node's own.

import { blurred, covering, plain } from "./backgrounds.js";
import { Foreground, GRID } from "./foreground.js";
import { INVISIBLE, subjectBox } from "./masks.js";
import { loadNetworks } from "./networks.js";
import { encode, readPicture } from "./picture.js";
import { encodePng } from "./png.js";
import { downsampleImage, downsampleRows } from "./resize.js";
import { OPAQUE, segment } from "./segment.js";

const TOGETHER = 64;

/** What `cutout` of index.js gives. `onProgress(fraction)` is told how far it is, `pause()` may throw to stop it. */
export async function cut(source, options, onProgress, pause) {
  const loading = options.alpha ? null : loadNetworks(options.model, (part) => onProgress(part / 2));
  loading?.catch(() => {}); // it is awaited below, after the picture, which may fail first
  const picture = await readPicture(source);
  const behind = options.background instanceof Blob ? await readPicture(options.background) : options.background;
  const { width, height } = picture;
  const shown = { width, height, data: picture.shown };
  onProgress(0.5);
  const fractions = { segment: 0.65, refine: 0.8, render: 0.9 };
  const step = async (stage) => {
    onProgress(fractions[stage]);
    await pause();
  };
  const alpha = options.alpha ? given(options.alpha, picture) : await segment(shown, await loading, step);
  if (picture.own) for (let i = 0; i < alpha.length; i++) alpha[i] = (alpha[i] * picture.own[i]) / 255 + 0.5;
  const bytes = new Uint8ClampedArray(alpha.length);
  let sum = 0;
  for (let i = 0; i < alpha.length; i++) {
    bytes[i] = (alpha[i] * 255) / OPAQUE; // a clamped array rounds
    sum += alpha[i];
  }
  const { channels, rows } = rendered(picture, alpha, bytes, behind, options);
  const stepped = (async function* () {
    for (let y = 0; y < height; y++) {
      if (y % TOGETHER === 0) await step("render");
      yield rows(y);
    }
  })();
  const encoder = options.format === "png" ? encodePng : encode;
  const blob = await encoder(width, height, channels, stepped, options.format);
  onProgress(1);
  return {
    blob,
    alpha: { width, height, data: bytes },
    box: subjectBox(height, width, (x, y) => alpha[y * width + x] >= OPAQUE / 2),
    frame: { top: 0, left: 0, height, width },
    subjectShare: sum / OPAQUE / alpha.length,
  };
}

function given(alpha, { width, height }) {
  if (alpha.width !== width || alpha.height !== height || alpha.data.length !== width * height) {
    throw new TypeError(`the alpha is to be of the picture's size, ${width} x ${height}`);
  }
  return Uint16Array.from(alpha.data, (value) => (value * OPAQUE) / 255);
}

/** How many bytes a pixel of the result has, and its rows. */
function rendered(picture, alpha, bytes, background, options) {
  const { width } = picture;
  if (options.output === "mask") return { channels: 1, rows: (y) => bytes.subarray(y * width, (y + 1) * width) };
  const colours = foregroundRows(picture, alpha);
  const row = new Uint8ClampedArray(width * (options.output === "cutout" ? 4 : 3));
  if (options.output === "cutout") {
    return {
      channels: 4,
      rows: (y) => {
        const front = colours(y);
        for (let x = 0; x < width; x++) {
          const seen = alpha[y * width + x] >= INVISIBLE * OPAQUE;
          for (let channel = 0; channel < 3; channel++) row[4 * x + channel] = seen ? front[3 * x + channel] : 0;
          row[4 * x + 3] = bytes[y * width + x];
        }
        return row;
      },
    };
  }
  const behind = backgroundRows(picture, alpha, background, options);
  return {
    channels: 3,
    rows: (y) => {
      behind(y, row);
      const front = colours(y);
      for (let x = 0; x < width; x++) {
        const opacity = alpha[y * width + x] / OPAQUE;
        for (let i = 3 * x; i < 3 * x + 3; i++) row[i] += opacity * (front[i] - row[i]);
      }
      return row;
    },
  };
}

function backgroundRows(picture, alpha, background, options) {
  if (background === "blur") return blurred(picture, alpha, options.blur);
  return typeof background === "string" ? plain(background) : covering(background, picture);
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
