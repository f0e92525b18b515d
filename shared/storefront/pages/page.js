// The one page that there is: what it shows, what it says for a moment, and what only a screen reader hears.

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const spoken = document.getElementById("spoken");

/** Says something for some seconds, on the screen and to a screen reader. */
export function say(text) {
  notice.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { notice.textContent = ""; }, 8000);
}

/** Takes back what was said, if it begins with this. */
export function unsay(text) {
  if (notice.textContent.startsWith(text)) notice.textContent = "";
}

/** Tells a screen reader what others see. */
export function announce(text) {
  spoken.textContent = text;
}

/** Puts content in the place of what was there. What had the focus has it again, by its id. */
export function show(title, ...content) {
  const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
  document.title = `${title} · Twinshop`;
  main.setAttribute("aria-label", title);
  main.replaceChildren(...content.flat());
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** Begins a new page at its top. */
export function begin() {
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}
