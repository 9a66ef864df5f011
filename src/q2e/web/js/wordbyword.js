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
 * Return when what stands at a place of a text is said. `known` are places and seconds in order, from
 * the first letter to the last: between two of them letters take equal times.
 */
function saidAt(known, index) {
  const next = Math.max(1, known.findIndex(([place]) => place > index));
  const [[from, first], [to, last]] = [known[next - 1], known[next]];
  return first + ((last - first) * (index - from)) / Math.max(to - from, 1);
}

/** Cut a line into its words, once; the times of its words are those that were heard, where kept. */
export function cut(line) {
  const place = one(".linetext", line);
  if (!place || one(".word", place)) return;
  const text = place.textContent;
  const letters = [...text];
  // The server counts characters, a browser units of 16 bits.
  const unit = (count) => letters.slice(0, count).join("").length;
  const known = [
    [0, Number(line.dataset.start)],
    ...JSON.parse(line.dataset.words ?? "[]").map(([count, second]) => [unit(count), second]),
    [text.length + 1, Number(line.dataset.end)],
  ];
  place.replaceChildren(
    ...[...cutter(place.lang).segment(text)].map(({ segment, index, isWordLike }) =>
      isWordLike
        ? h(
            "span",
            { class: "word", data: { at: saidAt(known, index).toFixed(2) } },
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
