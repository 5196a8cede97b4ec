// The words of the page, from the dictionary.

import { TEXTS } from "./texts.js";

/** A text of the dictionary, with values in place of its {names}. */
export function text(key, values = {}) {
  const found = TEXTS[key];
  if (found === undefined) throw new Error(`texts.js has no ${key}`);
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const PLACES = { text: "textContent", label: "aria-label", tip: "title" };

/** Put the texts into the elements that name them: data-text, data-label, data-tip. */
export function translate(root) {
  for (const [place, attribute] of Object.entries(PLACES)) {
    for (const element of root.querySelectorAll(`[data-${place}]`)) {
      const words = text(element.dataset[place]);
      if (attribute === "textContent") element.textContent = words;
      else element.setAttribute(attribute, words);
    }
  }
}
