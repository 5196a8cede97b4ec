// The form of settings: its controls are made from the schema of options.

import { isEdited } from "./edits.js";
import { engine } from "./engines.js";
import { tell } from "./notices.js";
import { OPTIONS } from "./options.js";
import { applies, BACKGROUNDS, CROPS, FORMATS, opaque, setOwn, settingsOf } from "./settings.js";
import { changed, on, photos, state } from "./state.js";
import { text } from "./text.js";

const form = document.querySelector("#options");
const OTHER = "other"; // the crop that is written, not chosen

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A number: a field with all values, and a slider that is fine near the default. */
function numberControl(place, name) {
  const { low, high, whole, unit } = OPTIONS[name];
  const field = element("input", { type: "number", name, id: name, min: low, step: whole ? 1 : "any" });
  field.follow = () => {};
  const label = element("label", { for: name }, text(`option.${name}`));
  place.append(label, element("span", { class: "number" }, field, text(`unit.${unit}`)));
  if (high === undefined) return;
  field.max = high;
  place.append(sliderOf(field, OPTIONS[name]));
}

function sliderOf(field, { low, high, whole, default: start }) {
  const slider = element("input", { type: "range", min: low < start ? -1 : 0, max: 1, step: 0.005, tabindex: -1, "aria-hidden": true });
  const reach = (position) => (position < 0 ? start - low : high - start);
  slider.addEventListener("input", () => {
    const position = Number(slider.value);
    const value = start + Math.sign(position) * Math.abs(position) ** 3 * reach(position);
    field.value = whole ? Math.round(value) : Number(value.toPrecision(2));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.follow = () => {
    const change = Number(field.value) - start;
    slider.value = Math.sign(change) * Math.cbrt(Math.abs(change) / (reach(change) || 1));
  };
  return slider;
}

function checkControl(place, name) {
  place.append(element("label", { class: "check" }, element("input", { type: "checkbox", name }), text(`option.${name}`)));
}

/** Radio buttons side by side. */
function choiceControl(place, name, values) {
  for (const value of values.filter((one) => !engine.lacks[name]?.includes(one))) {
    const input = element("input", { type: "radio", name, value });
    place.append(element("label", {}, input, element("span", {}, text(`${name}.${value}`))));
  }
}

function cropControl(select) {
  for (const value of [...CROPS, OTHER]) select.append(element("option", { value }, text(`crop.${value || "none"}`)));
}

function alignControl(place) {
  for (const y of [0, 0.5, 1]) {
    for (const x of [0, 0.5, 1]) {
      const label = text("align.place", { across: text(`align.x.${x}`), down: text(`align.y.${y}`) });
      place.append(element("input", { type: "radio", name: "align", value: `${x},${y}`, "aria-label": label }));
    }
  }
}

for (const place of form.querySelectorAll("[data-number]")) numberControl(place, place.dataset.number);
for (const place of form.querySelectorAll("[data-check]")) checkControl(place, place.dataset.check);
for (const place of form.querySelectorAll("[data-choice]")) {
  const name = place.dataset.choice;
  choiceControl(place, name, { background: BACKGROUNDS, format: FORMATS }[name] ?? OPTIONS[name].choices);
}
cropControl(form.elements.crop);
alignControl(form.querySelector("#align"));
for (const place of form.querySelectorAll("[data-option]")) place.hidden = !engine.options.has(place.dataset.option);

// ---- between the form and the settings ----

const READ = {
  checkbox: (field) => field.checked,
  number: (field, before) => (field.value !== "" && field.validity.valid ? field.valueAsNumber : before),
};

/** Put the settings of the picture that is shown into the form. */
export function showSettings() {
  const settings = settingsOf();
  for (const field of form.elements) {
    const value = settings[field.name];
    if (field.type === "radio") field.checked = String(value) === field.value;
    else if (field.type === "checkbox") field.checked = value ?? field.checked;
    else if (field.type === "number" && field !== document.activeElement) field.value = value;
    else if (field.type === "color") field.value = value;
    field.follow?.();
  }
  if (document.activeElement !== form.elements.ratio) {
    const other = !CROPS.includes(settings.crop);
    form.elements.crop.value = other ? OTHER : settings.crop;
    if (other) form.elements.ratio.value = settings.crop;
  }
  showParts(settings);
  own.checked = Boolean(state.selected?.own);
  own.closest("label").hidden = photos.length < 2;
  const edited = state.selected && isEdited(state.selected);
  for (const field of form.querySelectorAll("[data-option=refine] input, [data-option=subjects] input")) field.disabled = edited;
  form.querySelector("#edited-hint").hidden = !edited;
}

/** Show only what has an effect. */
function showParts(settings) {
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== settings.background;
  for (const part of form.querySelectorAll("[data-needs]")) {
    part.hidden = !engine.options.has(part.dataset.needs) || !applies(part.dataset.needs, settings);
  }
  form.querySelector("#ratio").hidden = form.elements.crop.value !== OTHER;
  const jpeg = form.querySelector("[value=jpg]");
  jpeg.disabled = !opaque(settings);
  jpeg.setAttribute("aria-describedby", "jpeg-hint");
  form.querySelector("#jpeg-hint").hidden = !jpeg.disabled;
  if (jpeg.disabled && jpeg.checked) form.querySelector("[value=png]").checked = true;
  form.querySelector("#picture-name").textContent = settings.picture?.file.name ?? "";
}

form.addEventListener("input", async ({ target }) => {
  const settings = settingsOf();
  const { name } = target;
  if (name === "picture") {
    if (target.files.length) settings.picture = await backdropOf(target.files[0]);
  } else if (name === "crop" || name === "ratio") {
    settings.crop = cropIn(settings);
  } else if (name === "align") {
    settings.align = target.value.split(",").map(Number);
  } else if (name in settings) {
    settings[name] = (READ[target.type] ?? ((field) => field.value))(target, settings[name]);
  } else {
    return;
  }
  changed("settings");
});

function cropIn(settings) {
  const { crop, ratio } = form.elements;
  if (crop.value !== OTHER) return crop.value;
  return ratio.value && ratio.validity.valid ? ratio.value : settings.crop;
}

async function backdropOf(file) {
  try {
    return { file, bitmap: await createImageBitmap(file) };
  } catch {
    tell(text("background.unreadable"));
    return null;
  }
}

for (const swatch of form.querySelectorAll(".swatches button")) {
  swatch.style.setProperty("--colour", swatch.value);
  swatch.addEventListener("click", () => {
    settingsOf().colour = swatch.value;
    changed("settings");
  });
}

const own = document.querySelector("#own");
own.addEventListener("input", (event) => {
  event.stopPropagation();
  setOwn(state.selected, own.checked);
});

on("settings", showSettings);
on("photos", showSettings);
on("alpha", showSettings);
