/** Pixels of a picture, row by row, four bytes each: red, green, blue and opacity, not premultiplied. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** Opacity of the subject at the size of the picture, one byte a pixel, row by row; 255 is opaque. */
export interface Alpha {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
}

/** A rectangle in pixels of the upright picture. */
export interface Frame {
  top: number;
  left: number;
  height: number;
  width: number;
}

export interface Cutout {
  /** The result, encoded. */
  blob: Blob;
  /** Of the picture that `blob` holds. */
  alpha: Alpha;
  /** The smallest box around the subject; null where there is none. */
  box: Frame | null;
  /** What of the picture the result shows: all of it, unless it was cropped; it may reach beyond its borders. */
  frame: Frame;
  /** Mean of the alpha before any crop, in [0, 1]. */
  subjectShare: number;
}

export interface Options {
  /** "small" (the default): 1.5 MB. "base": 6.4 MB, finds more people and smaller ones. */
  model?: "small" | "base";
  /** By default a composite where there is a background, else a cut-out. */
  output?: "cutout" | "mask" | "composite";
  /** "#rrggbb", a picture, or the picture's own: blurred, grey, or as it is. */
  background?: "transparent" | "blur" | "grey" | "original" | `#${string}` | Blob | Pixels;
  /** Radius of the blur, in percent of the longer side; 2 by default. */
  blur?: number;
  /** Blur by a disc, as an open lens does. */
  lens?: boolean;
  /** How a picture behind fills the frame; "cover" by default. */
  fit?: "cover" | "contain" | "tile";
  /** Which part of a picture behind is seen, from [0, 0], top left, to [1, 1]. */
  align?: [number, number];
  /** Opacity of a drop shadow, in percent. */
  shadow?: number;
  /** Refinement of the edge; "fast" by default. */
  refine?: "fast" | "none";
  /** Moves the edge outwards, or inwards if negative, in pixels. */
  shift?: number;
  /** Softens the edge, in pixels. */
  feather?: number;
  /** Keeps so many of the largest people; 0 keeps all. */
  subjects?: number;
  /** "subject", "square", an aspect ratio such as "4:5", or an identity photo. */
  crop?: "" | "subject" | "square" | "35x45mm" | "2x2in" | `${number}:${number}`;
  /** Space around the subject in a crop, in percent of the longer side of its box; 5 by default. */
  margin?: number;
  /** "png" by default; "jpg" and "webp" as the browser can write them, and not in Node. */
  format?: "png" | "webp" | "jpg";
  /** Taken in place of what the networks would find, at the size of the picture. */
  alpha?: Alpha | null;
  /** Ends the work; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** How far the work is, in [0, 1]: the first half is loading. */
  onProgress?: (fraction: number) => void;
}

/** A picture: a file, its address, what is on the screen, or pixels. In Node, only pixels. */
export type Source = Blob | string | URL | ImageBitmapSource | VideoFrame | Pixels;

/**
 * Cut the person out of a picture. Nothing leaves the device.
 *
 * @throws TypeError If an option or the picture cannot be used.
 * @throws RangeError If the picture is smaller than 16 x 16 pixels or larger than 100 megapixels.
 */
export function cutout(source: Source, options?: Options): Promise<Cutout>;

/** Load runtime and networks, so that the first cut-out need not wait for them. */
export function preload(options?: Pick<Options, "model" | "onProgress">): Promise<void>;

/** The same in the form of the page's engines. */
export const engine: {
  name: string;
  options: Set<string>;
  cutout(source: Source, options?: Options, more?: Pick<Options, "signal" | "onProgress">): Promise<Cutout>;
};
