// The subject's own colours along its edge: `limner.mattes.foreground`.

import { boxMean } from "./masks.js";
import { GridPlanes } from "./resize.js";

export const GRID = 256; // longer side at which mean colours are taken, pixels, at most
const RADII = [12, 2];
const SMALL = 1e-5;

/** Corrects the colours of pixels that are neither opaque nor transparent. */
export class Foreground {
  /** `image` and `alpha` are what `downsample` made of both, at `GRID`, `picture` has the size of the picture. */
  constructor(image, alpha, picture) {
    this.planes = new GridPlanes(meanColours(image, alpha), 6, picture);
  }

  /** Correct a row's colours, three bytes a pixel, in place; `opacity(x)` is in [0, 1]. */
  row(y, colours, opacity) {
    const { planes } = this;
    planes.row(y);
    for (let x = 0, at = 0; at < colours.length; x++, at += 3) {
      const share = opacity(x);
      if (share === 0 || share === 1) continue;
      for (let channel = 0; channel < 3; channel++) {
        const [front, behind] = [planes.at(channel, x), planes.at(3 + channel, x)];
        colours[at + channel] = corrected(colours[at + channel], share, front, behind);
      }
    }
  }
}

/** Of foreground and background nearby, six planes. */
function meanColours(image, alpha) {
  const { width, height } = alpha;
  const area = width * height;
  const means = new Float32Array(6 * area);
  const map = () => ({ width, height, data: new Float32Array(area) });
  for (let channel = 0; channel < 3; channel++) {
    const pixels = image.data.subarray(channel * area, (channel + 1) * area);
    let front = pixels;
    let behind = pixels;
    for (const radius of RADII) {
      const fraction = boxMean(alpha, radius).data;
      const [ofFront, ofBehind] = [map(), map()];
      for (let i = 0; i < area; i++) {
        ofFront.data[i] = alpha.data[i] * front[i];
        ofBehind.data[i] = (1 - alpha.data[i]) * behind[i];
      }
      const [meanFront, meanBehind] = [boxMean(ofFront, radius).data, boxMean(ofBehind, radius).data];
      front = new Float32Array(area);
      for (let i = 0; i < area; i++) {
        meanFront[i] /= fraction[i] + SMALL;
        meanBehind[i] /= 1 - fraction[i] + SMALL;
        front[i] = Math.min(255, Math.max(0, corrected(pixels[i], alpha.data[i], meanFront[i], meanBehind[i])));
      }
      behind = meanBehind;
      means.set(meanFront, channel * area);
    }
    means.set(behind, (3 + channel) * area);
  }
  return { width, height, data: means };
}

function corrected(pixel, opacity, front, behind) {
  return front + opacity * (pixel - opacity * front - (1 - opacity) * behind);
}
