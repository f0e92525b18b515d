// The words that a search may complete or correct: the shop finds whole words, and visitors type half ones and wrong ones.

import { DRAWINGS, SHELVES } from "./drawings.js";
import { COLOURS } from "./pictures.js";

const KINDS = Object.keys(DRAWINGS);
const WORDS = new Set([...KINDS.flatMap((kind) => kind.split(/[\s-]+/)), ...Object.keys(COLOURS)].filter((word) => /^[a-z]{3,}$/.test(word)));
const MOST_ENDINGS = 5;
const MOST_CHARACTERS = 200; // of a query, as the API's contract says
const SYNTAX = /["-]|\bor\b/i; // the search's own: who writes it knows what to ask for

/** Names for the list that the search field offers. */
export const suggestions = KINDS.map((kind) => kind[0].toUpperCase() + kind.slice(1));

/** Returns what to ask the shop for: "oak cha" is "oak cha or oak chair or …". */
export function completed(query) {
  const words = query.toLowerCase().split(/\s+/);
  const last = words.pop();
  if (last.length < 2 || WORDS.has(last) || SYNTAX.test(query)) return query;
  const endings = [...WORDS].filter((word) => word.startsWith(last)).slice(0, MOST_ENDINGS);
  const alternatives = [last, ...endings].map((ending) => [...words, ending].join(" ")).join(" or ");
  return endings.length && alternatives.length <= MOST_CHARACTERS ? alternatives : query;
}

/** Returns the query with its unknown words replaced by known ones that look alike, or null if there are none. */
export function corrected(query) {
  const words = query.toLowerCase().split(/\s+/);
  const better = words.map((word) => (WORDS.has(word) ? word : alike(word) ?? word));
  return better.join(" ") === words.join(" ") ? null : better.join(" ");
}

/** Whether a word names a category, its beginning, or a kind of product in it. */
export function belongs(word, category) {
  const kinds = Object.keys(SHELVES[category] ?? {}).flatMap((kind) => kind.split(/[\s-]+/));
  return kinds.includes(word) || (word.length > 2 && category.toLowerCase().startsWith(word));
}

/** Returns the known word that looks most like this one: it has the same first letter, and a third of the letters may differ. */
function alike(word) {
  const near = [...WORDS]
    .filter((other) => other[0] === word[0])
    .map((other) => [distance(word, other), other])
    .filter(([differ]) => differ <= Math.max(1, Math.floor(word.length / 3)))
    .sort(([one], [other]) => one - other);
  return near[0]?.[1] ?? null;
}

/** How many letters must be put in, left out or changed (Levenshtein). */
function distance(from, to) {
  let row = [...to, ""].map((_, at) => at);
  for (const [at, letter] of [...from].entries()) {
    const next = [at + 1];
    for (const [place, other] of [...to].entries()) {
      next.push(Math.min(row[place + 1] + 1, next[place] + 1, row[place] + (other === letter ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1);
}
