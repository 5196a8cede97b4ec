// What is to be made of the pictures: one set of settings for all, or a picture's own.

import { ID_PHOTOS, OPTIONS } from "./options.js";
import { changed, state } from "./state.js";

/** Backgrounds that are asked for by their name; "colour" and "picture" stand for what is chosen beside them. */
export const BACKGROUNDS = ["transparent", "colour", "blur", "picture", "grey", "original"];

const OWN = ["blur", "grey", "original"];

/** Formats in which results are saved. */
export const FORMATS = ["png", "webp", "jpg"];

/** Shapes that people need, beside the formats of identity photos. */
export const CROPS = ["", "subject", "1:1", "4:5", "9:16", "16:9", "1200:628", ...Object.keys(ID_PHOTOS)];

const NEEDS = {
  "": () => true,
  "a picture behind": (settings) => behind(settings) === "picture",
  "background blur": (settings) => behind(settings) === "blur",
  "no mask": (settings) => !settings.mask,
  "a crop": (settings) => settings.crop !== "" && !(settings.crop in ID_PHOTOS),
};

/** The settings of all pictures without their own. */
export const shared = {
  ...Object.fromEntries(Object.entries(OPTIONS).map(([name, option]) => [name, option.default])),
  colour: "#ffffff",
  picture: null, // { file, bitmap }
  format: FORMATS[0],
};

/** Those of a picture, by default of the one that is shown. */
export function settingsOf(photo = state.selected) {
  return photo?.own ?? shared;
}

/** Give a picture settings of its own, or let it follow the others again. */
export function setOwn(photo, own) {
  photo.own = own ? { ...settingsOf(photo) } : null;
  changed("settings");
}

/** Whether an option has an effect. */
export function applies(name, settings) {
  return NEEDS[OPTIONS[name].needs](settings);
}

/** What lies behind the subject: one of BACKGROUNDS. */
export function behind(settings) {
  if (settings.mask || (settings.background === "picture" && !settings.picture)) return "transparent";
  return settings.background;
}

/** Whether the result has no transparency. */
export function opaque(settings) {
  return settings.mask || behind(settings) !== "transparent";
}

/** The format of the result: JPEG has no transparency. */
export function formatOf(settings) {
  return settings.format === "jpg" && !opaque(settings) ? FORMATS[0] : settings.format;
}

/** The settings as options of an engine: only those that differ from its defaults. */
export function wanted(settings) {
  const options = {};
  for (const [name, option] of Object.entries(OPTIONS)) {
    if (name === "background" || name === "mask" || !applies(name, settings)) continue;
    if (String(settings[name]) !== String(option.default)) options[name] = settings[name];
  }
  if (settings.mask) options.output = "mask";
  const background = behind(settings);
  if (background === "colour") options.background = settings.colour;
  else if (background === "picture") options.background = settings.picture.file;
  else if (background !== OPTIONS.background.default) options.background = background;
  const format = formatOf(settings);
  if (format !== FORMATS[0]) options.format = format;
  return options;
}

/** What the alpha depends on, of `wanted`. */
export function alphaOptions({ refine, subjects }) {
  return Object.fromEntries(Object.entries({ refine, subjects }).filter(([, value]) => value !== undefined));
}

/** What the crop depends on, of `wanted`; null where the whole picture is kept. */
export function cropOptions(options) {
  if (!options.crop) return null;
  const { crop, margin, background, output, shift, feather } = options;
  const own = OWN.includes(background) ? background : undefined;
  const kept = { ...alphaOptions(options), crop, margin, background: own, output, shift, feather };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}
