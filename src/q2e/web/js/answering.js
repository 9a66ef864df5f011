// Whether a question is answered in sentences, and the button for it; the answer itself comes when wanted.

import { button, h, icon, one } from "./dom.js";
import { late } from "./parts.js";
import { go, question, state } from "./state.js";
import { t } from "./texts.js";

const ASKS = /[?？؟⁇]["'”’»」』）)\s]*$/u;
const answer = late(() => import("./answer.js"), { sheets: ["answer"] });

/** Whether a state has its question answered: by the button, or because it ends with its mark. */
export const wanted = (now) =>
  question(now) !== "" && !now.then.length && now.answer !== "off" &&
  (now.answer === "on" || ASKS.test(now.q));

/** Answer what the state asks, once what answers is loaded; hide the answer to anything else. */
export function show(now) {
  if (answer.now()) answer.now().show(now);
  else if (wanted(now)) answer.load().then((own) => own.show(state()));
}

/** Have the question in the box answered. */
export const ask = () => {
  if (!question(state())) one("#q").focus();
  else if (state().answer === "on" && !one("#answer").hidden) one("#answer").focus();
  else go({ answer: "on", view: "search" });
};

/** Return the button that has the question answered. */
export const answerButton = (act) =>
  button([icon("answer"), h("span", {}, t("place.answer"))], act, {
    id: "answer-it",
    title: t("answer.title"),
    "aria-label": t("answer.label"),
  });
