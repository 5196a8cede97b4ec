// A ZIP file, written piece by piece: files are stored as they are, since pictures are packed already.
// PKWARE's APPNOTE 6.3.10; beyond 4 GB the directory has ZIP64 fields.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});
const VERSION = 45; // ZIP64
const UTF8 = 0x800;
const MOST = 0xffffffff;

/**
 * The pieces of a ZIP file, Blobs and Uint8Arrays, one file after the other.
 * `files` gives { name, blob }, one at a time, as an asynchronous iterator; names are made different.
 */
export async function* zipped(files, now = new Date()) {
  const entries = [];
  const taken = new Map();
  let offset = 0;
  for await (const { name, blob } of files) {
    const bytes = new TextEncoder().encode(unique(name, taken));
    const crc = await crcOf(blob);
    const entry = { bytes, crc, size: blob.size, offset, time: timeOf(now) };
    const head = record(0x04034b50, [[2, VERSION], ...common(entry)], bytes);
    yield head;
    yield blob;
    offset += head.length + blob.size;
    entries.push(entry);
  }
  const directory = entries.map(directoryRecord);
  const size = directory.reduce((sum, one) => sum + one.length, 0);
  yield* directory;
  const count = entries.length;
  if (offset > MOST || count > 0xffff) {
    yield record(0x06064b50, [[8, 44], [2, VERSION], [2, VERSION], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, offset]]);
    yield record(0x07064b50, [[4, 0], [8, offset + size], [4, 1]]);
  }
  const few = Math.min(count, 0xffff);
  yield record(0x06054b50, [[2, 0], [2, 0], [2, few], [2, few], [4, size], [4, Math.min(offset, MOST)], [2, 0]]);
}

function common({ bytes, crc, size, time }, extra = 0) {
  return [[2, UTF8], [2, 0], [4, time], [4, crc], [4, size], [4, size], [2, bytes.length], [2, extra]];
}

function directoryRecord(entry) {
  const far = entry.offset > MOST;
  const extra = far ? fields([[2, 1], [2, 8], [8, entry.offset]]) : new Uint8Array();
  const rest = [[2, 0], [2, 0], [2, 0], [4, 0], [4, far ? MOST : entry.offset]];
  const numbers = [[2, VERSION], [2, VERSION], ...common(entry, extra.length), ...rest];
  return record(0x02014b50, numbers, entry.bytes, extra);
}

function record(signature, numbers, ...rest) {
  const parts = [fields([[4, signature], ...numbers]), ...rest];
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    result.set(part, place);
    place += part.length;
  }
  return result;
}

/** Numbers of so many bytes each, the lowest byte first. */
function fields(numbers) {
  const view = new DataView(new ArrayBuffer(numbers.reduce((sum, [length]) => sum + length, 0)));
  let place = 0;
  for (const [length, value] of numbers) {
    if (length === 2) view.setUint16(place, value, true);
    if (length === 4) view.setUint32(place, value, true);
    if (length === 8) view.setBigUint64(place, BigInt(value), true);
    place += length;
  }
  return new Uint8Array(view.buffer);
}

async function crcOf(blob) {
  let crc = MOST;
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ MOST) >>> 0;
    for (const byte of value) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  }
}

/** Date and time as DOS writes them. */
function timeOf(date) {
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}

/** The name, with a number where it was there before. */
function unique(name, taken) {
  const before = taken.get(name) ?? 0;
  taken.set(name, before + 1);
  if (!before) return name;
  const [, stem, extension] = name.match(/^(.*?)(\.[^.]*)?$/);
  return unique(`${stem}-${before + 1}${extension ?? ""}`, taken);
}
