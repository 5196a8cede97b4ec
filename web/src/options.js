// The options of `cutout`, checked before anything is loaded. Names, units and defaults are those of the command.

import { aspectOf } from "./framing.js";
import { ID_PHOTOS } from "./identity.js";

const DEFAULTS = {
  model: "small",
  output: undefined,
  background: "transparent",
  blur: 2,
  lens: false,
  fit: "cover",
  align: [0.5, 0.5],
  shadow: 0,
  refine: "fast",
  shift: 0,
  feather: 0,
  subjects: 0,
  crop: "",
  margin: 5,
  format: "png",
  alpha: null,
};
const CHOICES = {
  output: ["cutout", "mask", "composite"],
  format: ["png", "webp", "jpg"],
  fit: ["cover", "contain", "tile"],
  refine: ["fast", "none"],
};
const RANGES = { blur: [0.01, 50], shadow: [0, 100], shift: [-100, 100], feather: [0, 200], subjects: [0, 1e9], margin: [0, 200] };

/** Options with their defaults. */
export function complete(options) {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const [unknown] = Object.keys(given).filter((name) => !(name in DEFAULTS));
  if (unknown) throw new TypeError(`unknown option '${unknown}'`);
  const made = { ...DEFAULTS, ...given };
  const plainly = made.background === "transparent";
  made.output ??= plainly ? "cutout" : "composite";
  for (const [name, choices] of Object.entries(CHOICES)) {
    if (!choices.includes(made[name])) throw new TypeError(`unknown ${name} '${made[name]}': use ${choices.join(", ")}`);
  }
  for (const [name, [low, high]] of Object.entries(RANGES)) {
    if (!(made[name] >= low && made[name] <= high)) {
      throw new TypeError(`${name} is from ${low} to ${high}, got ${made[name]}`);
    }
  }
  if ((made.output === "composite") === plainly) {
    throw new TypeError("a background goes with output 'composite', and with no other");
  }
  if (made.output === "cutout" && made.format === "jpg") {
    throw new TypeError("jpg has no transparency: take png or webp, or a background");
  }
  if (made.crop && made.crop !== "subject" && !(made.crop in ID_PHOTOS)) aspectOf(made.crop);
  return made;
}
