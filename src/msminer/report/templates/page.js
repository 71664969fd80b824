"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const table = $("table");
  const STEP = 100;
  // By hand: the browser's own number format takes longer to start than the rest of this script.
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

  // Without scripts all rows are plain table rows. With them, the rows beyond the first wait as text, so that the page
  // opens at once: they are read when a filter is first used, and only what is shown becomes a row.
  const body = table.tBodies[0];
  const total = Number(table.dataset.rows);
  const NAMED = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"' };
  const character = (name, number) => (number ? String.fromCodePoint(number) : NAMED[name]);
  const words = (html) => html.replace(/<[^>]*>/g, "").replace(/&(?:amp|lt|gt|quot|#(\d+));/g, character).trim();
  const read = (html, at, row = null) => {
    const cells = html.split("<td>").slice(1).map(words);
    return { html, row, at, cells, text: cells[1].toLowerCase(), year: Number(cells[0]) || 0, found: cells[5].split("; ") };
  };
  let facts = null;
  const all = () => {
    if (facts) return facts;
    const rest = $("rest");
    const lines = rest ? rest.textContent.split("<tr ").slice(1) : [];
    facts = [...body.rows].map((row, at) => read(row.innerHTML, at, row));
    for (const line of lines) facts.push(read("<tr " + line, facts.length));
    rest?.remove();
    return facts;
  };
  const rowOf = (fact) => {
    if (!fact.row) {
      const sheet = document.createElement("template");
      sheet.innerHTML = fact.html;
      fact.row = sheet.content.firstElementChild;
    }
    return fact.row;
  };

  const state = { only: null, label: "", key: 0, order: 1, sorted: false, shown: STEP, hits: null };
  const value = (id) => $(id).value.trim();
  const finds = (fact, outcome, direction, cell) => {
    if (!outcome && !direction) return true;
    return fact.found.some((text) => {
      const [name, rest = ""] = text.split(": ");
      const here = rest.replace(/ \(.*\)$/, "");
      const about = (rest.match(/\((.*)\)$/) || ["", ""])[1];
      return (!outcome || name === outcome) && (!direction || here === direction) && (!cell || !about || about === cell || about.startsWith(cell + "-"));
    });
  };
  const wanted = () => {
    const sought = value("f-text").toLowerCase().replace(/^pmid:?\s*/, "").split(/\s+/).filter(Boolean);
    const [cell, outcome, direction, design] = ["cell", "outcome", "direction", "design"].map((name) => value("f-" + name));
    const from = Number(value("f-from")) || -1, to = Number(value("f-to")) || 9999;
    const dated = value("f-from") || value("f-to");
    return (fact) =>
      (!state.only || state.only.has(fact.at)) &&
      sought.every((word) => fact.text.includes(word)) &&
      (!cell || fact.cells[3].split(", ").includes(cell)) &&
      (!design || fact.cells[2] === design) &&
      (!dated || (fact.year >= from && fact.year <= to && fact.year > 0)) &&
      finds(fact, outcome, direction, cell);
  };
  const compare = (a, b) => {
    const [x, y] = [a.cells[state.key], b.cells[state.key]];
    // Rows without a value stand last, whichever way the table is sorted.
    if (!x || !y) return !x - !y;
    return state.order * (state.key === 0 ? a.year - b.year : x.localeCompare(y, "en")) || a.at - b.at;
  };
  const show = () => {
    const hits = (state.hits ??= all());
    body.replaceChildren(...hits.slice(0, state.shown).map(rowOf));
    const part = Math.min(state.shown, hits.length);
    $("f-status").textContent = `${grouped(hits.length)} of ${grouped(total)} publications${state.label}${part < hits.length ? `; the first ${part} are shown` : ""}`;
    $("f-more").hidden = part >= hits.length;
  };
  const apply = () => {
    state.hits = all().filter(wanted());
    if (state.sorted) state.hits.sort(compare);
    state.shown = STEP;
    show();
  };
  const only = (numbers, label) => {
    $("filters").reset();
    state.only = numbers ? new Set(numbers) : null;
    state.label = label;
    apply();
  };

  for (const [key, head] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      state.order = state.sorted && state.key === key ? -state.order : key === 0 ? -1 : 1;
      state.key = key;
      state.sorted = true;
      for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", state.order > 0 ? "ascending" : "descending");
      apply();
    });
  }
  $("filters").addEventListener("input", apply);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => {
    state.only = null;
    state.label = "";
    setTimeout(apply);
  });
  $("f-more").addEventListener("click", () => {
    const next = state.shown;
    state.shown += STEP * 5;
    show();
    body.rows[next]?.querySelector("a")?.focus();
  });

  // What stands in closed parts waits as text, too, and so do the charts. Charts and evidence are put in once the page
  // is open and the browser idle, so that a search in the page finds them; the long tables only when they are opened.
  const fill = (part) => part.querySelectorAll("noscript").forEach((waiting) => { waiting.outerHTML = waiting.textContent; });
  const draw = (frame) => {
    fill(frame.parentElement);
    frame.remove();
  };
  const EVIDENCE = ".claim > details";
  for (const part of document.querySelectorAll(`.later, ${EVIDENCE}`)) part.addEventListener("toggle", () => fill(part));
  const waits = [...document.querySelectorAll(`.waits, ${EVIDENCE}`)];
  const next = () => {
    const part = waits.shift();
    if (part) (part.matches(".waits") ? draw : fill)(part);
  };
  const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, 20));
  const idle = (time) => {
    do next(); while (time?.timeRemaining() > 4);
    if (waits.length) whenIdle(idle);
  };
  window.addEventListener("load", () => whenIdle(idle));

  // Buttons above the claims show and hide verdicts.
  const toggles = [...document.querySelectorAll("[data-show]")];
  const claims = [...document.querySelectorAll(".claim")];
  const sift = () => {
    const on = new Set(toggles.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.show));
    for (const claim of claims) claim.hidden = !on.has(claim.dataset.verdict);
  };
  for (const button of toggles) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      sift();
    });
  }

  // A link into a closed part opens it; a link to rows filters the table to them.
  const land = (target) => {
    target.scrollIntoView();
    // Parts that come into sight on the way may be taller than was assumed.
    requestAnimationFrame(() => requestAnimationFrame(() => target.scrollIntoView()));
  };
  const follow = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    if (id.startsWith("rows=")) {
      const [claim, tier] = id.slice(5).split(".");
      const known = JSON.parse($("claim-rows").textContent);
      if (!known[claim]?.[tier]) return;
      only(known[claim][tier], ` behind claim ${claim}, ${tier.replaceAll("_", " ")}`);
      land($("evidence"));
      return;
    }
    const at = /^r(\d+)$/.exec(id);
    if (at && !$(id) && Number(at[1]) < total) only([Number(at[1])], ": one linked row");
    const names = (waiting) => waiting.textContent.includes(`id="${id}"`);
    const holder = $(id) ? null : [...document.querySelectorAll("details > noscript")].find(names);
    if (holder) fill(holder.parentElement);
    const target = $(id);
    if (!target) return;
    const claim = target.closest(".claim");
    if (claim?.hidden) {
      for (const button of toggles) button.setAttribute("aria-pressed", "true");
      sift();
    }
    for (let part = target; part; part = part.parentElement) if (part.localName === "details") part.open = true;
    land(target);
  };
  window.addEventListener("hashchange", follow);

  // Paper shows what a click would open.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    while (waits.length) next();
    closed = [...document.querySelectorAll(".claim details:not([open])")];
    for (const part of closed) part.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const part of closed) part.open = false;
  });

  $("f-status").textContent = `${grouped(total)} publications${total > STEP ? `; the first ${STEP} are shown` : ""}`;
  $("f-more").hidden = total <= STEP;
  if (location.hash) follow();
})();
