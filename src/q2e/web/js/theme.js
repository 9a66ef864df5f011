// Light or dark: as the system has it, until one chooses.

import { notice } from "./dom.js";
import { t } from "./texts.js";

const KEY = "q2e-theme";
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

if (["light", "dark"].includes(localStorage.getItem(KEY)))
  root.dataset.theme = localStorage.getItem(KEY);

/** Change between light and dark; back at what the system has, the choice is forgotten. */
export function theme() {
  const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  if (next === (dark.matches ? "dark" : "light")) {
    delete root.dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    root.dataset.theme = next;
    localStorage.setItem(KEY, next);
  }
  notice(next === "dark" ? t("theme.dark") : t("theme.light"));
}
