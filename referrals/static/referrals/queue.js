/* The held queue by single keys. All of it can be done without them, by Tab and the buttons. */

const form = document.querySelector("[data-queue]");
const cases = [...document.querySelectorAll("[data-case]")];
const help = document.querySelector("[data-help-dialog]");
const reason = document.getElementById("reason");
const OFF = "held-queue-keys-off";

let at = null; // the case that the keys are about
let meant = null; // the button that Enter in the reason stands for

const keysAreOn = () => localStorage.getItem(OFF) === null;
const boxes = () => cases.map((item) => item.querySelector("input[name=case]"));
const selected = () => boxes().filter((box) => box?.checked);

function go(step) {
  const next = cases.indexOf(at) + step;
  at = cases[Math.max(0, Math.min(next, cases.length - 1))];
  at.focus();
}

function select(item) {
  item?.querySelector("input[name=case]")?.click();
}

function showSelected() {
  const count = document.querySelector("[data-selected]");
  if (count) count.textContent = selected().length;
}

function decide(decision) {
  meant = document.querySelector(`[data-decision=${decision}]`);
  if (meant === null) return;
  if (selected().length === 0) select(at);
  for (const button of document.querySelectorAll("[data-decision]")) {
    button.classList.toggle("meant", button === meant);
  }
  if (reason.value.trim()) form.requestSubmit(meant);
  else reason.focus();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  x: () => select(at),
  a: () => decide("approve"),
  r: () => decide("reject"),
  "?": () => help.showModal(),
};

/* The letter that is printed on the key, for keyboards of other scripts too. */
function letter(event) {
  return /^[!-~]$/.test(event.key) ? event.key : event.code.replace("Key", "").toLowerCase();
}

function isTyping(target) {
  return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!keysAreOn() || help.open || isTyping(event.target)) return;
  const act = KEYS[letter(event)];
  if (act === undefined) return;
  event.preventDefault();
  act();
}

function onKeyInReason(event) {
  if (event.key === "Escape") (at ?? cases[0]).focus();
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || meant === null) return;
  event.preventDefault();
  form.requestSubmit(meant);
}

function showWhetherKeysAreOn() {
  document.querySelector("[data-keys]").classList.toggle("off", !keysAreOn());
}

if (form !== null) {
  document.querySelector("[data-keys]").hidden = false;
  document.addEventListener("keydown", onKey);
  document.addEventListener("focusin", (event) => {
    at = event.target.closest("[data-case]") ?? at;
  });
  document.querySelector("[data-help]").addEventListener("click", KEYS["?"]);
  const keysOn = document.querySelector("[data-keys-on]");
  keysOn.checked = keysAreOn();
  keysOn.addEventListener("change", () => {
    if (keysOn.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "");
    showWhetherKeysAreOn();
  });
  reason?.addEventListener("keydown", onKeyInReason);
  form.addEventListener("change", showSelected);
  // A browser may have kept what was selected when it comes back to the page.
  window.addEventListener("pageshow", showSelected);
  showWhetherKeysAreOn();
  showSelected();
}
