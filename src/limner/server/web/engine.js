// What makes cut-outs. The page knows no more of an engine than this.

/**
 * @typedef {Object} Alpha  Opacity of the subject.
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray} data  One byte a pixel, row by row; 255 is opaque.
 *
 * @typedef {{top: number, left: number, width: number, height: number}} Frame  In pixels of the upright picture.
 *
 * @typedef {Object} Cutout
 * @property {Blob} blob  The picture, encoded.
 * @property {Alpha | Promise<Alpha> | null} alpha  Of the picture that `blob` holds; null where that is opaque.
 * @property {Frame | null} box  The smallest one around the subject; null where there is none.
 * @property {Frame} frame  What of the picture the result shows: all of it, unless it was cropped.
 * @property {number} subjectShare  Mean of the alpha, in [0, 1].
 *
 * @typedef {Object} Engine
 * @property {string} name
 * @property {Set<string>} options  Names of those that it takes, as in options.js.
 * @property {Object<string, string[]>} lacks  Choices of these options that it does not have.
 * @property {(source: Blob, options?: Object, more?: {signal?: AbortSignal, onProgress?: (fraction: number) => void})
 *   => Promise<Cutout>} cutout
 *   Options are named as in options.js and have their defaults. Beside them: `output` (cutout, mask, composite),
 *   `format` (png, webp, jpg); `background` may be a Blob, a picture; `alpha`, an Alpha of the upright picture, is
 *   taken instead of what the engine would find, and not refined. Throws a Refusal where it cannot do it.
 */

/** Why there is no cut-out, in a sentence for the person who asked. */
export class Refusal extends Error {}
