// Turns each figure.compare of two pictures into a before/after slider.
for (const figure of document.querySelectorAll("figure.compare")) {
  const pictures = figure.querySelector(".pictures");
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 100, value: 50 });
  slider.setAttribute("aria-label", "How much of the photo is shown, in percent");
  const line = document.createElement("div");
  line.className = "line";
  pictures.append(line);
  pictures.after(slider);
  const show = (at) => pictures.style.setProperty("--at", `${at}%`);
  slider.addEventListener("input", () => show(slider.value));
  pictures.addEventListener("pointermove", (event) => {
    const box = pictures.getBoundingClientRect();
    slider.value = (100 * (event.clientX - box.left)) / box.width;
    show(slider.value);
  });
  figure.classList.add("ready");
}
