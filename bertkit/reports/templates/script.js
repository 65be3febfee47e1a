"use strict";
for (const box of document.querySelectorAll(".find")) {
  const rows = [...document.getElementById(box.dataset.of).children];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const count = box.querySelector("output");
  box.hidden = false;
  box.querySelector("input").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
}
