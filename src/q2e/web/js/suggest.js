// Below the box while one types: how the question may go on; what one asked before, where it is empty.

import { api } from "./api.js";
import { all, button, fill, h, one, words } from "./dom.js";
import { asked, forgetAsked, remember } from "./mine.js";
import { t } from "./texts.js";

const WAIT_MS = 120;
/** A question is remembered that was looked at for so long. */
const REST_MS = 2000;
const MOST = 8;
let timer;
let resting;
let active = -1;

/** Let a box of the page offer how to go on; `take(question)` is called with what is chosen. */
export function suggesting(input, take) {
  const list = h("ul", { id: "suggestions", role: "listbox", "aria-label": t("suggest") });
  const place = h("div", { class: "suggestions", id: "suggesting", hidden: true }, list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");
  const choose = (text) => {
    close(input);
    take(text);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => offer(input, choose), WAIT_MS);
  });
  input.addEventListener("click", () => input.value || offer(input, choose));
  input.addEventListener("blur", () => setTimeout(() => leave(input, place), 0));
  input.addEventListener("search", () => close(input));
  input.addEventListener("keydown", (event) => pressed(event, input, choose));
  return place;
}

async function offer(input, choose) {
  const text = input.value;
  const found = text.trim() ? await ends(text) : await before();
  if (input.value !== text || document.activeElement !== input) return;
  const list = one("#suggestions");
  active = -1;
  input.removeAttribute("aria-activedescendant");
  fill(
    list,
    found.map(({ text: whole, kind }, place) =>
      h(
        "li",
        {
          id: `suggestion-${place}`,
          role: "option",
          "aria-selected": "false",
          data: { text: whole },
          // Pressed, not clicked: a click would come after the box has lost the cursor.
          on: { pointerdown: (event) => (event.preventDefault(), choose(whole)) },
        },
        words(whole),
        h("span", { class: "soft small" }, t(`suggest.${kind}`)),
      ),
    ),
  );
  const clear = () => {
    forgetAsked();
    close(input);
    input.focus();
  };
  one("#forget-asked")?.remove();
  if (!text.trim() && found.length)
    list.after(button(t("suggest.forget"), clear, { class: "plain small", id: "forget-asked" }));
  one("#suggesting").hidden = !found.length;
  input.setAttribute("aria-expanded", String(found.length > 0));
}

/** Return the ends the collection offers; a server that cannot say offers none. */
const ends = (text) =>
  api.suggest(text, MOST).then(
    (answer) => answer.suggestions,
    () => [],
  );

const before = async () =>
  (await asked()).slice(0, MOST).map((text) => ({ text, kind: "asked" }));

function leave(input, place) {
  if (!place.contains(document.activeElement)) close(input);
}

function close(input) {
  clearTimeout(timer);
  active = -1;
  one("#suggesting").hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function pressed(event, input, choose) {
  if (event.isComposing) return;
  const options = one("#suggesting").hidden ? [] : all("#suggestions li");
  if (event.key === "Escape" && options.length) {
    event.stopPropagation();
    event.preventDefault();
    close(input);
  } else if (event.key === "Enter") {
    if (active >= 0 && options[active]) {
      event.preventDefault();
      choose(options[active].dataset.text);
    } else close(input);
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) && options.length) {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    active = (active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length;
    options.forEach((option, place) =>
      option.setAttribute("aria-selected", String(place === active)),
    );
    options[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[active].id);
  }
}

/** Remember a question that has been answered, once one rests on it. */
export function rest(question) {
  clearTimeout(resting);
  if (question) resting = setTimeout(() => remember(question), REST_MS);
}
