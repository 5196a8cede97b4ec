// Where the head belongs in an identity photo: an oval over the picture.

import { ID_PHOTOS } from "./options.js";
import { settingsOf } from "./settings.js";
import { on } from "./state.js";
import { tool } from "./tools.js";

const guide = document.querySelector("#guide");
const SHAPE = 0.72; // width of a head against its height, hair included
const NS = "http://www.w3.org/2000/svg";

function show() {
  const photo = tool.edits ? undefined : ID_PHOTOS[settingsOf().crop];
  guide.toggleAttribute("hidden", !photo);
  if (!photo) return;
  const { width, height, head, above } = photo;
  const tall = head * height;
  guide.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const oval = document.createElementNS(NS, "ellipse");
  const attributes = { cx: width / 2, cy: above * height + tall / 2, rx: (SHAPE * tall) / 2, ry: tall / 2 };
  for (const [name, value] of Object.entries(attributes)) oval.setAttribute(name, value);
  const lines = [above * height, above * height + tall].map((y) => {
    const line = document.createElementNS(NS, "line");
    for (const [name, value] of Object.entries({ x1: 0, x2: width, y1: y, y2: y })) line.setAttribute(name, value);
    return line;
  });
  guide.replaceChildren(oval, ...lines);
}

for (const what of ["settings", "photos", "tool"]) on(what, show);
