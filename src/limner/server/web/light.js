// Between sRGB bytes and linear light (IEC 61966-2-1).

const TABLE = Float32Array.from({ length: 256 }, (_, value) => {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

/** Light of a byte, in [0, 1]. */
export function toLinear(byte) {
  return TABLE[byte];
}

/** The byte of light, as a number. */
export function fromLinear(light) {
  const v = Math.min(1, Math.max(0, light));
  return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
}
