// The words of a line that is said, each at its time: the one that is on is lit, each plays on click.

import { all, h, one } from "./dom.js";

const cutters = new Map();

/** Return what tells the words of a language apart. */
function cutter(language) {
  if (!cutters.has(language))
    cutters.set(language, new Intl.Segmenter(language || undefined, { granularity: "word" }));
  return cutters.get(language);
}

/**
 * Cut a line into its words, once. What is known is when a sentence begins and ends: a word begins
 * after the share of that time that the letters before it have of all.
 */
export function cut(line) {
  const place = one(".linetext", line);
  if (!place || one(".word", place)) return;
  const text = place.textContent;
  const [start, end] = [Number(line.dataset.start), Number(line.dataset.end)];
  place.replaceChildren(
    ...[...cutter(place.lang).segment(text)].map(({ segment, index, isWordLike }) =>
      isWordLike
        ? h(
            "span",
            { class: "word", data: { at: (start + ((end - start) * index) / text.length).toFixed(2) } },
            segment,
          )
        : segment,
    ),
  );
}

/** Let a line that is said play from the word that is clicked. */
export function playsWords(line, seek) {
  line.addEventListener("pointerenter", () => cut(line));
  line.addEventListener("click", (event) => {
    const word = event.target.closest(".word");
    // Who marks words to copy them does not mean to play them.
    if (word && getSelection().isCollapsed) seek(Number(word.dataset.at));
  });
}

/** Light the word of a line that is on. */
export function lightWord(line, seconds) {
  cut(line);
  const words = all(".word", line);
  const on = words.findLast((word) => Number(word.dataset.at) <= seconds + 0.05);
  for (const word of words) word.classList.toggle("now", word === on);
}

/** Let no word of a line be lit. */
export function unlight(line) {
  for (const word of all(".word.now", line)) word.classList.remove("now");
}
