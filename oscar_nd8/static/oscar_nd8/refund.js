// Shows what the chosen lines, or the amount typed, come to. Only shown: what is given back is computed by the shop,
// which says so on the next page and asks before anything happens.
(function () {
  "use strict";
  const form = document.getElementById("nd8-refund");
  const summary = document.getElementById("nd8-refund-errors");
  if (summary) { summary.focus(); }
  if (!form) { return; }
  const decimals = Number(form.dataset.decimals);
  const remaining = Number(form.dataset.remaining);
  const certain = form.dataset.certain === "yes";
  const sum = document.getElementById("nd8-refund-sum");
  const pieces = form.querySelectorAll("input[data-left]");
  const wholes = form.querySelectorAll("input[type=checkbox][data-worth]");
  const other = form.querySelector("input[name=other]");
  const money = new Intl.NumberFormat(document.documentElement.lang || undefined, {
    style: "currency", currency: form.dataset.currency, minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });

  // Of equal shares the earlier ones take what does not divide, as the shop splits them.
  function worthOf(input) {
    const left = Number(input.dataset.left);
    const worth = Number(input.dataset.worth);
    const wanted = Math.min(Math.max(Math.trunc(Number(input.value) || 0), 0), left);
    return Math.floor(worth / left) * wanted + Math.min(worth % left, wanted);
  }

  function chosen() {
    let total = 0;
    pieces.forEach(function (input) { total += worthOf(input); });
    wholes.forEach(function (box) { total += box.checked ? Number(box.dataset.worth) : 0; });
    return Math.min(total, remaining);
  }

  function inWords(minor) {
    return money.format(minor / Math.pow(10, decimals));
  }

  function show() {
    const how = form.querySelector("input[name=how]:checked");
    let text = "–";
    if (how && how.value === "everything") {
      text = certain ? inWords(remaining) : sum.dataset.atLeast + " " + inWords(remaining);
    } else if (how && how.value === "amount") {
      const minor = Math.round(Number(other.value) * Math.pow(10, decimals));
      text = minor > 0 ? inWords(minor) + (minor > remaining ? " (" + sum.dataset.tooMuch + ")" : "") : "–";
    } else if (how) {
      text = inWords(chosen());
    }
    if (sum.textContent !== text) { sum.textContent = text; }
  }

  // Who fills in one part of the form means that part.
  function mean(value) {
    const radio = form.querySelector("input[name=how][value=" + value + "]");
    const current = form.querySelector("input[name=how]:checked");
    // An amount that was typed stays: the lines then say what it is for.
    if (radio && !(value === "lines" && current && current.value === "amount" && other.value)) { radio.checked = true; }
  }

  form.addEventListener("input", function (event) {
    if (event.target === other) { mean("amount"); }
    if (event.target.dataset.worth !== undefined) { mean("lines"); }
    show();
  });
  show();
}());
