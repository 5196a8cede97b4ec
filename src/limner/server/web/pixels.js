// Pixels of pictures.

/** A canvas of a size. */
export function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return canvas;
}

/** The pixels of a picture drawn at a size. */
export function pixelsOf(picture, width, height) {
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** One channel of a picture, (width, height, data), a byte a pixel; 3 is its opacity. */
export function channelOf(picture, channel) {
  const { width, height } = picture;
  const pixels = pixelsOf(picture, width, height).data;
  const data = new Uint8ClampedArray(width * height);
  for (let i = 0; i < data.length; i++) data[i] = pixels[4 * i + channel];
  return { width, height, data };
}

/** An alpha as a grey PNG. */
export function greyPng({ width, height, data }) {
  const canvas = canvasOf(width, height);
  const pixels = new ImageData(width, height);
  for (let i = 0; i < data.length; i++) {
    pixels.data.fill(data[i], 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
