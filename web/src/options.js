// The options of `cutout`, checked before anything is loaded.

const OUTPUTS = ["cutout", "mask", "composite"];
const FORMATS = ["png", "webp", "jpg"];

/** Options with their defaults, checked. */
export function complete(options) {
  const { model = "small", output, background = "transparent", blur = 2, format = "png", alpha = null, ...other } = options;
  const [unknown] = Object.keys(other);
  if (unknown) throw new TypeError(`unknown option '${unknown}'`);
  const plainly = background === "transparent";
  const made = output ?? (plainly ? "cutout" : "composite");
  if (!OUTPUTS.includes(made)) throw new TypeError(`unknown output '${made}': use ${OUTPUTS.join(", ")}`);
  if (!FORMATS.includes(format)) throw new TypeError(`unknown format '${format}': use ${FORMATS.join(", ")}`);
  if ((made === "composite") === plainly) throw new TypeError("a background goes with output 'composite', and with no other");
  if (made === "cutout" && format === "jpg") throw new TypeError("jpg has no transparency: take png or webp, or a background");
  if (!(blur > 0 && blur <= 50)) throw new TypeError(`blur is from 0 to 50 percent, got ${blur}`);
  return { model, output: made, background, blur, format, alpha };
}
