// Asks our own record every few seconds, and loads the page again when there is news.
// A page that waits also loads again without news, and does the same without JavaScript by <meta http-equiv="refresh">.
// A page that waits for nothing (data-only-news) is left alone: somebody may be reading it.
(function () {
  "use strict";
  const box = document.getElementById("nd8-watch");
  if (!box) { return; }
  const FIRST_MS = 600; // ND8's message is usually as quick as the shopper's browser
  const EVERY_MS = 2500;
  const ASK_AT_MOST = 6;
  const LONG_AFTER_MS = 45000;
  const onlyNews = "onlyNews" in box.dataset;
  const long = document.getElementById("nd8-confirming-long");
  const key = "nd8-waiting-since:" + box.dataset.stateUrl;
  let began = Number(sessionStorage.getItem(key));
  if (!began) {
    began = Date.now();
    sessionStorage.setItem(key, String(began));
  }
  let asked = 0;

  async function ask() {
    asked += 1;
    if (long && Date.now() - began > LONG_AFTER_MS) { long.hidden = false; }
    let settled = false;
    try {
      const answer = await fetch(box.dataset.stateUrl, { credentials: "same-origin" });
      settled = answer.ok && (await answer.json()).settled;
    } catch (error) {
      settled = false; // offline for a moment: ask again
    }
    if (settled || (asked >= ASK_AT_MOST && !onlyNews)) {
      window.location.replace(box.dataset.againUrl); // loading it makes the shop ask the payment service itself
    } else if (asked < ASK_AT_MOST) {
      window.setTimeout(ask, EVERY_MS);
    }
  }
  window.setTimeout(ask, FIRST_MS);
}());
