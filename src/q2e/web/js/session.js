// Who one is here: what the token allows, and the way out.

import { api } from "./api.js";
import { one, tool } from "./dom.js";
import { t } from "./texts.js";

/** Mark the page with what may be done, and offer to sign out where one has signed in. */
export async function session() {
  let found;
  try {
    found = await api.session();
  } catch {
    return; // the searches say what is wrong
  }
  document.documentElement.dataset.scope = found.scope;
  if (found.demanded) one("#tools").append(tool("leave", t("session.leave", { name: found.name }), leave));
}

async function leave() {
  await fetch("sign-out", { method: "POST", redirect: "manual" });
  location.assign("sign-in");
}
