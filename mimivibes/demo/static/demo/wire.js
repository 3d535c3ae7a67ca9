/** The log of HTTP calls: a `fetch` that writes down what passes. */

import { $, fill, h } from "./dom.js";
import { session } from "./backend.js";

const KEPT = 80;
let entries = JSON.parse(sessionStorage.getItem("demo-wire") ?? "[]");

export async function loggedFetch(url, options) {
  const entry = { method: options.method, path: url, who: session.person ?? gettext("a visitor") };
  try {
    const response = await fetch(url, options);
    const body = await response.clone().json().catch(() => null);
    return note({ ...entry, status: response.status, ...summary(response, body) }, response);
  } catch (error) {
    note({ ...entry, status: 0, code: "network_error" });
    throw error;
  }
}

export function clearLog() {
  entries = [];
  show();
}

function note(entry, result) {
  entries = [entry, ...entries].slice(0, KEPT);
  show();
  return result;
}

function summary(response, body) {
  const told = [];
  if (body?.capture === null) told.push(gettext("nothing waits"));
  if (body?.attribution === null && response.url.endsWith("/claim")) told.push(gettext("nothing to claim"));
  if (response.headers.has("X-Browser-Session")) told.push(gettext("new browser session"));
  return { code: response.ok ? null : body?.code, told };
}

export function show() {
  sessionStorage.setItem("demo-wire", JSON.stringify(entries));
  $("log").replaceChildren(
    ...(entries.length
      ? entries.map(line)
      : [h("li.nothing", {}, gettext("Nothing yet. Open a link or sign somebody in."))]),
  );
}

function line({ method, path, who, status, code, told = [] }) {
  const rest = [fill(gettext("as %(who)s"), { who }), ...told].join(" · ");
  const works = status >= 200 && status < 400;
  return h(
    "li.entry",
    {},
    h("span.method", {}, method),
    h("span.path", {}, path.replace("/api/v1", "")),
    h(`span.status.${works ? "ok" : "no"}`, {}, status || "–"),
    h("span.told", {}, code ? [h("b", {}, code), ` · ${rest}`] : rest),
  );
}
