// Pictures in and out. Inside, a picture is { width, height, data, shown, own }: its colours, three bytes a pixel; what a
// network sees, which is over white where the picture is transparent; and the opacity it came with, or null.

const STRIP = 256; // rows that a canvas holds at a time: a canvas as large as the picture is too much for some phones
const INVISIBLE = 0.5;
export const MAX_PIXELS = 100e6;
const LEAST_SIDE = 16;

const TYPES = { png: "image/png", webp: "image/webp", jpg: "image/jpeg" };

/** A picture from a Blob, an ImageBitmap, or pixels { width, height, data } of four bytes. */
export async function readPicture(source) {
  if (source?.data && source.width && source.height) return fromRows(source.width, source.height, [source.data]);
  if (typeof createImageBitmap === "undefined") {
    throw new TypeError("a picture is { width, height, data }, four bytes a pixel, where nothing decodes files (Node)");
  }
  const bitmap = source instanceof Blob ? await decoded(source) : source;
  try {
    return fromRows(bitmap.width, bitmap.height, strips(bitmap));
  } finally {
    bitmap.close();
  }
}

async function decoded(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch (error) {
    throw new TypeError(`not a picture that this browser can decode (${blob.type || "unknown type"})`, { cause: error });
  }
}

function* strips(bitmap) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, Math.min(STRIP, height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += STRIP) {
    const rows = Math.min(STRIP, height - top);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    yield context.getImageData(0, 0, width, rows).data;
  }
}

function fromRows(width, height, parts) {
  check(width, height);
  const data = new Uint8Array(3 * width * height);
  let own = null;
  let pixel = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 4, pixel++) {
      data[3 * pixel] = part[i];
      data[3 * pixel + 1] = part[i + 1];
      data[3 * pixel + 2] = part[i + 2];
      if (part[i + 3] < 255) own ??= new Uint8Array(width * height).fill(255);
      if (own) own[pixel] = part[i + 3];
    }
  }
  if (pixel !== width * height) {
    throw new TypeError(`${width} x ${height} pixels of four bytes, got ${pixel}`);
  }
  return { width, height, data, shown: own ? overWhite(data, own) : data, own };
}

function check(width, height) {
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new RangeError(`${width} x ${height} pixels are too few: at least ${LEAST_SIDE} x ${LEAST_SIDE}`);
  }
  if (width * height > MAX_PIXELS) {
    const megapixels = (count) => Math.round(count / 1e6);
    throw new RangeError(
      `the picture is too large (${megapixels(width * height)} megapixels): the limit is ${megapixels(MAX_PIXELS)}`,
    );
  }
}

/** What is seen over white; colours that cannot be seen become white too, lest they spread. */
function overWhite(data, own) {
  const shown = new Uint8Array(data.length);
  for (let i = 0; i < own.length; i++) {
    for (let channel = 3 * i; channel < 3 * i + 3; channel++) {
      shown[channel] = Math.round(255 + (own[i] / 255) * (data[channel] - 255));
      if (own[i] < INVISIBLE) data[channel] = 255;
    }
  }
  return shown;
}

/** A Blob in a format other than PNG, by the browser's own encoder; `rows` as of `encodePng`. */
export async function encode(width, height, channels, rows, format) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  let strip = null;
  let y = 0;
  for await (const row of rows) {
    strip ??= new ImageData(width, Math.min(STRIP, height - y));
    const at = 4 * width * (y % STRIP);
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        strip.data[at + 4 * x + channel] = row[channels * x + (channels < 3 ? 0 : channel)];
      }
      strip.data[at + 4 * x + 3] = channels === 4 ? row[4 * x + 3] : 255;
    }
    y++;
    if (y % STRIP === 0 || y === height) {
      context.putImageData(strip, 0, y - strip.height);
      strip = null;
    }
  }
  const blob = await canvas.convertToBlob({ type: TYPES[format], quality: 0.92 });
  if (blob.type !== TYPES[format]) throw new TypeError(`this browser writes no ${format}: take png`);
  return blob;
}
