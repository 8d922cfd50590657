// Asks our own record every few seconds, and loads the page again when there is news.
// Without JavaScript the page does the same by <meta http-equiv="refresh">.
(function () {
  "use strict";
  const box = document.getElementById("nd8-confirming");
  if (!box) { return; }
  const EVERY_MS = 2500;
  const RELOAD_AFTER = 6; // loading the page makes the shop ask the payment service itself
  const LONG_AFTER_MS = 45000;
  const key = "nd8-waiting-since:" + box.dataset.stateUrl;
  let began = Number(sessionStorage.getItem(key));
  if (!began) {
    began = Date.now();
    sessionStorage.setItem(key, String(began));
  }
  const long = document.getElementById("nd8-confirming-long");
  let asked = 0;

  async function ask() {
    asked += 1;
    if (Date.now() - began > LONG_AFTER_MS) { long.hidden = false; }
    let settled = false;
    try {
      const answer = await fetch(box.dataset.stateUrl, { credentials: "same-origin" });
      settled = answer.ok && (await answer.json()).settled;
    } catch (error) {
      settled = false; // offline for a moment: ask again
    }
    if (settled || asked >= RELOAD_AFTER) {
      window.location.replace(box.dataset.againUrl);
    } else {
      window.setTimeout(ask, EVERY_MS);
    }
  }
  window.setTimeout(ask, EVERY_MS);
}());
