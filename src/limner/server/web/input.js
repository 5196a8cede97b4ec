// Pictures that are chosen, dropped or pasted.

import { add } from "./queue.js";

for (const input of document.querySelectorAll("#files, #capture")) {
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
}
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    if (event.dataTransfer?.types.includes("Files")) document.body.classList.add("dragging");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  add(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) add(event.clipboardData.files);
});
