// Keys and saving. The rules live in the program: each change goes there at once, and what comes back is shown.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const say = (id, text) => { document.getElementById(id).textContent = text; };

let labels = data.labels;
let revision = data.revision;
let shown = new Set(data.problems.map((problem) => problem.message));
let fresh = new Set(); // problems that the last change made
let pending = Promise.resolve();
let waiting = 0;

// ---- what is chosen -> the page

function show(problems) {
  for (const axis of ["cell_types", "populations", "routes"]) {
    for (const input of all(`input[name=${axis}]`)) input.checked = labels[axis].includes(input.value);
  }
  for (const input of all("input[name=study_design]")) input.checked = input.value === labels.study_design;
  for (const input of all("input[name=finding_cell]")) {
    const offered = input.value === "none" || labels.cell_types.includes(input.value);
    input.closest("label").hidden = !offered;
    input.disabled = !offered;
    if (!offered) input.checked = false;
  }
  showFindings();
  const rows = problems.map((problem) => {
    const li = item(problem.message);
    li.classList.toggle("fresh", fresh.has(problem.message));
    return li;
  });
  find("#problems").replaceChildren(...rows.filter((li) => li.className), ...rows.filter((li) => !li.className));
}

function item(text) {
  const li = document.createElement("li");
  li.textContent = text;
  return li;
}

function numberOf(finding) {
  return data.spans.findIndex(([start, end]) => start === finding.start && end === finding.end);
}

function showFindings() {
  const words = (finding) => `${finding.outcome}, ${finding.direction}, ${finding.cell_type}`;
  for (const li of all(".sentences li")) {
    const here = labels.findings.filter((finding) => `s${numberOf(finding)}` === li.id);
    li.classList.toggle("rationale", here.length > 0);
    find(".marks", li).textContent = here.map(words).join(" · ");
  }
  const rows = labels.findings.map((finding, place) => {
    const li = item(` ${words(finding)}, sentence ${numberOf(finding)}`);
    const button = document.createElement("button");
    const key = document.createElement("kbd");
    key.textContent = String.fromCharCode(97 + place);
    button.type = "button";
    button.dataset.key = key.textContent;
    button.setAttribute("aria-label", `${key.textContent} Remove ${words(finding)}`);
    button.setAttribute("aria-keyshortcuts", key.textContent);
    button.append(key, " Remove");
    button.addEventListener("click", () => remove(finding));
    li.prepend(button);
    return li;
  });
  find("#findings").replaceChildren(...(rows.length ? rows : [item("None yet; none is right where nothing is reported.")]));
}

// ---- saving

// An edit is applied to what the program answered last, so that fast keys never undo each other.
function save(state, edit, then) {
  say("error", "");
  say("status", "");
  say("saved", "Saving…");
  waiting += 1;
  pending = pending.then(() => {
    waiting -= 1;
    labels = edit(labels);
    return post(state, then);
  }).catch((error) => failed(`Not saved: ${error.message}`));
}

async function post(state, then) {
  const answer = await fetch(location.pathname, {
    method: "POST",
    headers: { "content-type": "application/json", "x-msminer": "annotate" },
    body: JSON.stringify({ labels, state, revision }),
  }).catch(() => { throw new Error("the program does not answer; is it still running? Start it again and load this page."); });
  const result = await answer.json();
  if (!answer.ok) { failed(result.error); return; }
  ({ labels, revision } = result);
  if (waiting) return;
  say("saved", "Saved");
  say("state", result.state);
  document.getElementById("state").className = `state ${result.state}`;
  const messages = result.problems.map((problem) => problem.message);
  fresh = new Set(messages.filter((message) => !shown.has(message)));
  shown = new Set(messages);
  if (result.notes.length) say("status", result.notes.join(" "));
  show(result.problems);
  if (then) then(result);
}

function failed(message) {
  say("saved", "");
  say("error", message);
  show([...shown].map((text) => ({ message: text })));
}

function chosen(name) {
  return all(`input[name=${name}]:checked`).map((input) => input.value);
}

function changed(axis, { value, checked }) {
  const others = (before) => before[axis].filter((label) => label !== value);
  if (axis === "study_design") save("draft", (before) => ({ ...before, study_design: value }));
  else save("draft", (before) => ({ ...before, [axis]: checked ? [...others(before), value] : others(before) }));
}

function finish(state) {
  save(state, (before) => before, (result) => { location.href = result.next; });
}

// ---- findings

const sentence = document.getElementById("sentence");

function point(number) {
  for (const li of all(".sentences .current")) li.classList.remove("current");
  const li = document.getElementById(`s${number}`);
  if (!li) return;
  li.classList.add("current");
  li.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const last = data.spans.length - 1;
  const now = sentence.value === "" ? (by > 0 ? -1 : last + 1) : Number(sentence.value);
  sentence.value = String(Math.min(last, Math.max(0, now + by)));
  point(sentence.value);
}

function add() {
  const [outcome] = chosen("outcomes");
  const [direction] = chosen("directions");
  const [cell] = chosen("finding_cell");
  const span = sentence.value === "" ? undefined : data.spans[Number(sentence.value)];
  const lacking = [[span, "a sentence"], [outcome, "an outcome"], [direction, "a direction"], [cell, "a cell type"]];
  const first = lacking.find(([value]) => value === undefined);
  if (first) { say("error", `The finding needs ${first[1]} of this record.`); return; }
  const finding = { outcome, direction, cell_type: cell, start: span[0], end: span[1] };
  for (const input of all("#finding input[type=radio]")) input.checked = false;
  save("draft", (before) => ({ ...before, findings: [...before.findings, finding] }));
  say("status", "Finding added: 5 for another, 7 to finish.");
  focusOn(group(5)); // no letter acts here, so that one letter too many does no harm
}

function remove(finding) {
  const same = (other) => JSON.stringify(other) === JSON.stringify(finding);
  // The button goes away with its finding; a reader who has moved on meanwhile stays where she is.
  const lost = () => document.activeElement === document.body || group(6).contains(document.activeElement);
  const back = () => { if (lost()) focusIn(group(6)); };
  save("draft", (before) => ({ ...before, findings: before.findings.filter((other) => !same(other)) }), back);
}

// ---- moving by keys

const group = (digit) => find(`[data-digit="${digit}"]`);

function focusOn(element) {
  if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus();
}

function focusIn(element) {
  if (!element) return;
  const target = find("input:checked:enabled, input[type=number]", element) ?? find("input:enabled, button, a", element);
  if (target) target.focus();
  else focusOn(element);
  if (target === sentence) target.select();
  element.scrollIntoView({ block: "nearest" });
}

function afterStep(stepName) {
  if (stepName === "outcomes") focusIn(find("[data-step=directions]"));
  else if (stepName === "directions") {
    const offered = all("input[name=finding_cell]:enabled");
    if (offered.length === 1) { offered[0].checked = true; add(); } else focusIn(find("[data-step=finding_cell]"));
  } else add();
}

function onward(target) {
  if (target === sentence) { focusIn(find("[data-step=outcomes]")); return; }
  const inner = target.closest("[data-step]");
  if (inner) { afterStep(inner.dataset.step); return; }
  const here = target.closest("[data-digit]");
  if (here) focusIn(group(Math.min(7, (Number(here.dataset.digit) % 8) + 1)));
}

function letter(key) {
  const active = document.activeElement.closest("[data-keys]");
  const control = active && find(`[data-key="${key}"]:not(:disabled)`, active);
  if (!control) return false;
  control.focus();
  control.click();
  if (active.dataset.step) afterStep(active.dataset.step);
  return true;
}

const keysButton = document.getElementById("keys");
const guide = document.getElementById("guide");
let keysOn = localStorage.getItem("msminer-keys") !== "off";

function showKeys() {
  keysButton.setAttribute("aria-pressed", String(keysOn));
  keysButton.textContent = `Single keys: ${keysOn ? "on" : "off"}`;
}

function single(event) {
  const typing = event.target === sentence;
  if (/^[0-8]$/.test(event.key) && !typing && group(event.key)) { focusIn(group(event.key)); return true; }
  if (event.key === "?") { guide.showModal(); return true; }
  return /^[a-z]$/.test(event.key) && letter(event.key);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || guide.open) return;
  const target = event.target;
  if (target === sentence && ["ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape" && target === sentence) {
    focusIn(group(7));
  } else if (event.key === "Enter" && target.matches("input")) {
    event.preventDefault();
    onward(target);
  } else if (keysOn && single(event)) {
    event.preventDefault();
  }
});

for (const axis of ["cell_types", "study_design", "populations", "routes"]) {
  for (const input of all(`input[name=${axis}]`)) input.addEventListener("change", () => changed(axis, input));
}
for (const button of all("[data-finish]")) button.addEventListener("click", () => finish(button.dataset.finish));
for (const button of all("[data-take]")) {
  button.addEventListener("click", () => save("draft", () => data.readings[Number(button.dataset.take)]));
}
for (const li of all(".sentences li")) {
  li.addEventListener("click", () => { sentence.value = li.value; point(li.value); });
}
sentence.addEventListener("input", () => point(sentence.value));
document.getElementById("add").addEventListener("click", add);
document.getElementById("open-guide").addEventListener("click", () => guide.showModal());
document.getElementById("close-guide").addEventListener("click", () => guide.close());
keysButton.addEventListener("click", () => {
  keysOn = !keysOn;
  localStorage.setItem("msminer-keys", keysOn ? "on" : "off");
  showKeys();
});
document.addEventListener("focusin", (event) => {
  const definition = event.target.getAttribute("aria-describedby");
  const words = definition?.startsWith("d-") && document.getElementById(definition);
  if (words) find(".help").textContent = `${event.target.value}: ${words.textContent}`;
});

showKeys();
show(data.problems);
focusIn(group(data.readings.length ? 8 : 1));
