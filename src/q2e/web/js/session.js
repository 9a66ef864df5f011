// Who one is here: what the token allows, and the way out.

import { api } from "./api.js";
import { one, tool } from "./dom.js";
import { t } from "./texts.js";

/** What the token is called and allows; null where the server does not say. */
export const who = api.session().catch(() => null);

/** Mark the page with what may be done, and offer to sign out where one has signed in. */
export async function session() {
  const found = await who;
  if (!found) return; // the searches say what is wrong
  document.documentElement.dataset.scope = found.scope;
  if (found.demanded) one("#tools").append(tool("leave", t("session.leave", { name: found.name }), leave));
}

async function leave() {
  await fetch("sign-out", { method: "POST", redirect: "manual" });
  location.assign("sign-in");
}
