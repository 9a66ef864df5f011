// When the server does not answer: says so, asks again by and by, and goes on when it does.

import { api } from "./api.js";
import { button, h, say } from "./dom.js";
import { t } from "./texts.js";

const FIRST_MS = 1000;
const MOST_MS = 30_000;
let banner = null;
let timer;
let wait = FIRST_MS;

/** Watch over the connection; `back` is called when the server answers again. */
export function watchOver(back) {
  addEventListener("q2e:lost", lost);
  addEventListener("online", () => banner && ask());

  function lost() {
    if (banner) return;
    banner = h(
      "div",
      { class: "offline", role: "alert" },
      h("p", {}, t("offline")),
      button(t("offline.now"), ask),
    );
    document.body.prepend(banner);
    wait = FIRST_MS;
    timer = setTimeout(ask, wait);
  }

  async function ask() {
    clearTimeout(timer);
    try {
      const answer = await api.health();
      if (!answer.ok) throw new Error(String(answer.status));
    } catch {
      wait = Math.min(MOST_MS, 2 * wait);
      timer = setTimeout(ask, wait);
      return;
    }
    banner.remove();
    banner = null;
    say(t("offline.back"));
    back();
  }
}
