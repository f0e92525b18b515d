// What is going on, as a sentence. Its seconds are for the eye alone: a screen reader hears what changes otherwise.

/** Shows a story (happened, at, now) in the element; `until` is now in epoch ms. */
export function showStory(element, story, until) {
  if (!story?.happened) return;
  const ago = story.at ? ` ${Math.max(0, Math.round((until - story.at) / 1000))} s ago` : "";
  if (!element.children.length) {
    element.replaceChildren(...["happened", "ago", "now"].map((name) => Object.assign(document.createElement("span"), { className: name })));
    element.children[1].setAttribute("aria-hidden", "true");
  }
  [story.happened, ago, `; ${story.now}.`].forEach((text, at) => {
    if (element.children[at].textContent !== text) element.children[at].textContent = text;
  });
}
