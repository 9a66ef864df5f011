// The menu of the languages that the page speaks.

import { h } from "./dom.js";
import { LANGUAGES, language, speak, t } from "./texts.js";

/** Return the menu; each language has its own name. */
export const tongues = () =>
  h(
    "select",
    {
      class: "field tongues",
      "aria-label": t("top.language"),
      title: t("top.language"),
      on: { change: (event) => speak(event.target.value) },
    },
    Object.entries(LANGUAGES).map(([code, name]) =>
      h("option", { value: code, lang: code, selected: code === language }, name),
    ),
  );
