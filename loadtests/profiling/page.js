"use strict";
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const asked = new URLSearchParams(location.search).get("theme");
  const dress = () => { document.documentElement.dataset.theme = asked ?? (system.matches ? "dark" : "light"); };
  system.addEventListener("change", dress);
  dress();

  const boxAbove = (box) => box.parentElement.closest(".flame li");
  const buttonOf = (box) => box?.querySelector(":scope > button");
  const zoom = (flame, box) => {
    flame.querySelectorAll(".above, .zoomed").forEach((one) => one.classList.remove("above", "zoomed"));
    if (!box || !boxAbove(box)) return;
    box.classList.add("zoomed");
    for (let above = boxAbove(box); above; above = boxAbove(above)) above.classList.add("above");
  };
  const focus = (flame, button) => {
    if (!button) return;
    flame.querySelectorAll('[tabindex="0"]').forEach((one) => { one.tabIndex = -1; });
    button.tabIndex = 0;
    button.focus();
  };

  const flames = [...document.querySelectorAll(".flame")];
  flames.forEach((flame) => {
    flame.querySelector("button").tabIndex = 0; // one stop of the Tab key; arrow keys go on from there
    flame.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      zoom(flame, button.parentElement);
      focus(flame, button);
    });
    flame.addEventListener("keydown", (event) => {
      const box = event.target.parentElement;
      const next = {
        ArrowDown: () => box.querySelector(":scope > ul > li:not([hidden])"),
        ArrowUp: () => boxAbove(box),
        ArrowRight: () => box.nextElementSibling,
        ArrowLeft: () => box.previousElementSibling,
      }[event.key];
      if (event.key === "Escape") zoom(flame, null);
      else if (next) focus(flame, buttonOf(next()));
      else return;
      event.preventDefault();
    });
  });

  document.getElementById("search").addEventListener("input", (event) => {
    const text = event.target.value.trim().toLowerCase();
    flames.forEach((flame) => {
      const whole = Number(flame.querySelector("li").dataset.ms);
      let matched = 0;
      flame.querySelectorAll("button").forEach((button) => {
        const match = text !== "" && button.textContent.toLowerCase().includes(text);
        button.classList.toggle("match", match);
        const within = boxAbove(button.parentElement)?.closest("li:has(> .match)");
        if (match && !within) matched += Number(button.parentElement.dataset.ms);
      });
      flame.closest("section").querySelector("output").textContent =
        text && `${matched.toFixed(3)} ms (${(100 * matched / whole).toFixed(1)} %) in what matches.`;
    });
  });
})();
