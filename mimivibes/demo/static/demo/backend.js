/** The demo's own endpoints: what a web app's other parts, Clerk among them, would do. */

import { fill } from "./dom.js";

const csrfToken = document.querySelector("meta[name=csrf-token]").content;

async function call(path, body) {
  const response = await fetch(`/demo/${path}`, {
    method: body ? "POST" : "GET",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken },
    body: body && JSON.stringify(body),
    cache: "no-store",
  });
  if (!response.ok) {
    throw new Error(fill(gettext("The demo's server answered %(status)s."), { status: response.status }));
  };
  return response.json();
}

/** The cast and `others`, each with code, balances and who invited them. */
export async function people(others) {
  const query = new URLSearchParams(others.map((name) => ["name", name]));
  return (await call(`people?${query}`)).people;
}

/** A name that nobody has had yet. */
export const newName = async () => (await call("newcomer", {})).name;

/** Let `name` complete a reading, as the readings' own back end would report it. */
export const completeReading = (name) => call("reading", { name });

/** Forget the cookie that makes this a known browser. */
export const newBrowser = () => call("new-browser", {});

const token = (name) => call("token", { name });

/** Whoever is signed in here, in all tabs: the part that Clerk plays in a real app. */
export const session = {
  cached: null,

  get person() {
    return localStorage.getItem("demo-person");
  },

  signIn(name) {
    localStorage.setItem("demo-person", name);
    const others = session.newcomers;
    if (!others.includes(name)) localStorage.setItem("demo-people", JSON.stringify([...others, name]));
  },

  signOut() {
    localStorage.removeItem("demo-person");
  },

  /** Whoever has ever signed in at this browser. */
  get newcomers() {
    return JSON.parse(localStorage.getItem("demo-people") ?? "[]");
  },

  /** A session token, like Clerk's `getToken`: cached until it is about to expire. */
  async getToken({ skipCache }) {
    const name = session.person;
    if (!name) return null;
    const { cached } = session;
    if (!skipCache && cached?.name === name && cached.until > Date.now()) return cached.token;
    const issued = await token(name);
    session.cached = { name, token: issued.token, until: Date.now() + issued.seconds * 1000 - 10_000 };
    return issued.token;
  },
};
