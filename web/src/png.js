// PNG files, written row by row: no canvas, which would spoil the colours of pixels that are nearly transparent.

const GREY = 0;
const RGB = 2;
const RGBA = 6;
const COLOUR_TYPES = { 1: GREY, 3: RGB, 4: RGBA };
const PAETH = 4;

/** A PNG Blob, 8 bits a channel; `rows` is an async iterable of Uint8Arrays, a row each, which it may reuse. */
export async function encodePng(width, height, channels, rows) {
  const packed = [];
  const stream = new CompressionStream("deflate");
  const reading = (async () => {
    for (const reader = stream.readable.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      packed.push(...chunk("IDAT", value));
    }
  })();
  const writer = stream.writable.getWriter();
  const writing = (async () => {
    let above = new Uint8Array(width * channels);
    for await (const row of rows) {
      await writer.write(filtered(row, above, channels));
      above.set(row);
    }
    await writer.close();
  })();
  try {
    await Promise.all([reading, writing]);
  } catch (error) {
    writer.abort(error).catch(() => {}); // both ends of the stream tell of the same error
    throw error;
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, COLOUR_TYPES[channels]);
  const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
  const first = chunk("IHDR", new Uint8Array(header.buffer));
  return new Blob([signature, ...first, ...packed, ...chunk("IEND", new Uint8Array())], { type: "image/png" });
}

/** A row by what Paeth's filter leaves of it: the difference to the nearest of left, above and above left. */
function filtered(row, above, channels) {
  const result = new Uint8Array(row.length + 1);
  result[0] = PAETH;
  for (let i = 0; i < row.length; i++) {
    const left = i < channels ? 0 : row[i - channels];
    const corner = i < channels ? 0 : above[i - channels];
    const up = above[i];
    const toLeft = Math.abs(up - corner);
    const toUp = Math.abs(left - corner);
    const toCorner = Math.abs(left + up - 2 * corner);
    const guess = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    result[i + 1] = row[i] - guess;
  }
  return result;
}

function chunk(name, data) {
  const head = new DataView(new ArrayBuffer(8));
  head.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) head.setUint8(4 + i, name.charCodeAt(i));
  const tail = new DataView(new ArrayBuffer(4));
  const seen = checksum(new Uint8Array(head.buffer, 4), 0xffffffff);
  tail.setUint32(0, ~checksum(data, seen));
  return [head.buffer, data, tail.buffer];
}

const CRC = Int32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
  return number;
});

function checksum(bytes, seen) {
  for (let i = 0; i < bytes.length; i++) seen = CRC[(seen ^ bytes[i]) & 255] ^ (seen >>> 8);
  return seen;
}
