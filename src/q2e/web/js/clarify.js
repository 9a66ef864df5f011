// A question back, where hits are many and one answer would tell them apart.

import { fill, h, one, words } from "./dom.js";
import { go, question, state } from "./state.js";
import { channelName, languageName } from "./text.js";
import { has, nodes, t } from "./texts.js";

/** The questions that the server asks back, and how the page asks them. */
const ASKED = [
  [/^In which language is it/, "back.language"],
  [/^From which year is it/, "back.year"],
  [/^Is this seen: (.*)\?$/, "back.seen"],
  [/^Is it about: (.*)\?$/, "back.about"],
];
const FEWEST = 6;
const WAIT_MS = 900;
let timer;

/** Whether a question back is wanted: not where the state narrows the hits down already. */
export const asksBack = (now) =>
  Boolean(question(now)) && !(now.ex.length || now.lang.length || now.ch.length || now.hit);

/** Show the question back that came with an answer, once the typing has come to rest. */
export function clarify(results, settled) {
  clearTimeout(timer);
  if (!results?.clarify || results.hits.length < FEWEST || results.query.clause) return;
  if (!asksBack(state())) return;
  timer = setTimeout(() => tell(results, settled), WAIT_MS);
}

function tell(results, settled) {
  const back = results.clarify;
  if (!back.question || !settled() || question(state()) !== results.query.text) return;
  // In place of the hints, so that nothing moves under the pointer; but never under the cursor.
  if (one("#hints").contains(document.activeElement)) return;
  fill(
    one("#hints"),
    h(
      "span",
      { class: "hints back", role: "group", "aria-label": t("hints.back") },
      h("span", { class: "soft" }, asked(back.question)),
      back.options.slice(0, 5).map((option) =>
        h(
          "button",
          {
            type: "button",
            class: "lesson",
            on: { click: () => go({ q: option.text, then: [], ev: null }) },
          },
          words(named(option.label)),
          ` ${option.videos}`,
        ),
      ),
    ),
  );
}

function asked(question) {
  const [pattern, key] = ASKED.find(([known]) => known.test(question)) ?? [];
  if (!key) return words(question);
  const [, label] = pattern.exec(question);
  return nodes(key, { label: label && words(label) });
}

function named(label) {
  if (has(`back.${label}`)) return t(`back.${label}`);
  if (/^[a-z]{2,3}$/.test(label)) return languageName(label);
  return channelName(label);
}
