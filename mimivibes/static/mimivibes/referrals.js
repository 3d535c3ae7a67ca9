/**
 * Referrals for a web app: keep the code of an invitation link, claim it after sign-in.
 *
 *     import { createReferrals } from "./referrals.js";
 *
 *     const referrals = createReferrals({
 *       apiUrl: "https://referrals.example.com",
 *       getToken: async (options) => (await clerkLoaded).session?.getToken(options) ?? null,
 *       mode: "header", // "cookie" when the API is on the app's own site
 *     });
 *     referrals.start();        // on every page load: stores ?ref=CODE through the API
 *     await referrals.stored;   // before a redirect, e.g. to the sign-in page
 *     await referrals.claim();  // on every page load of somebody signed in
 *
 * The server decides to whom a code belongs. The browser keeps no code, no name and no "done" flag:
 * a code waits in the address bar until the API holds it, and in header mode the storage has the
 * opaque browser session, nothing else.
 */

const UTM = ["source", "medium", "campaign", "term", "content"];
const REFUSED = new Set(["code_not_found", "own_code"]);
const TIMEOUT_MS = 15_000;
const DELAYS_MS = { first: 500, longest: 30_000 };

/** What the API refused (`code` is the API's own), or why there is no answer. */
export class ReferralsError extends Error {
  /** @param {string} code such as "self_referral" or "network_error" @param {string} detail */
  constructor(code, detail, { status = 0, retryAfter = null, cause } = {}) {
    super(detail, { cause });
    Object.assign(this, { name: "ReferralsError", code, status, retryAfter });
  }

  /** Whether the same request may succeed later: no connection, a busy or broken server. */
  get passing() {
    return this.code === "network_error" || this.status === 429 || this.status >= 500;
  }
}

/**
 * @typedef {object} Options
 * @property {string} [apiUrl] origin of the API, "" when it serves the page itself
 * @property {(options: {skipCache: boolean}) => Promise<string|null>} [getToken] Clerk's session
 *   token; null only if nobody is signed in, so let it wait until Clerk has loaded
 * @property {"cookie"|"header"} [mode] how the browser session travels: in the API's cookie, or,
 *   for an app on another site, in a header whose value lives in `storage`
 * @property {Pick<Storage, "getItem"|"setItem">} [storage] localStorage unless told
 * @property {string} [param] the parameter of invitation links
 * @property {typeof globalThis.fetch} [fetch]
 * @property {(error: ReferralsError) => void} [onError] told of every call that ended in failure
 * @property {number} [retries] how often `start` and `claim` try again before they give up
 *
 * @typedef {{code: string, scope: "browser_session"|"user", captured_at: string,
 *   expires_at: string}} Capture
 * @typedef {object} Outcome
 * @property {"none"|"stored"|"refused"|"failed"} outcome "none": the address bar has no code;
 *   "refused": it is unknown or one's own, and dropped; "failed": the address bar still has it
 * @property {string} [code] as the link wrote it
 * @property {Capture} [capture] if stored
 * @property {ReferralsError} [error] if refused or failed
 */

/** @param {Options} [options] */
export function createReferrals({
  apiUrl = "",
  getToken = async () => null,
  mode = "cookie",
  storage,
  param = "ref",
  fetch = (...request) => globalThis.fetch(...request),
  onError = () => {},
  retries = 8,
} = {}) {
  const base = `${apiUrl.replace(/\/+$/, "")}/api/v1`;
  const key = `mimi-browser-session:${new URL(apiUrl || "/", location.href).origin}`;
  const session = mode === "header" ? sharedValue(storage, key) : null;
  let storing = { code: null, outcome: Promise.resolve({ outcome: "none" }) };
  let claiming = null;

  /** Try until it works, or cannot, or has failed too often; then `onError` is told. */
  async function retrying(tries, work) {
    for (let failures = 0; ; failures++) {
      try {
        return await work();
      } catch (error) {
        if (!error.passing || failures >= tries) {
          onError(error);
          throw error;
        }
        await pause(error, failures);
      }
    }
  }

  /**
   * Call the API on behalf of one person. A visitor may sign in between two tries; once somebody is
   * signed in, nobody else goes on in their place.
   */
  function call(method, path, { body, tries = 2, person = null } = {}) {
    return retrying(tries, async () => {
      const token = await tokenOf(person);
      person = subjectOf(token);
      const response = await send(method, path, body, token);
      if (response.status !== 401 || !person) return read(response);
      return read(await send(method, path, body, await tokenOf(person, true)));
    });
  }

  async function tokenOf(person, skipCache = false) {
    // Not known is not "nobody": sent as a visitor's, a code would land in the wrong scope.
    const token = await Promise.resolve({ skipCache }).then(getToken).catch(unreachable);
    if (person && subjectOf(token) !== person) {
      throw new ReferralsError("person_changed", "Somebody else is at this browser now.");
    }
    return token;
  }

  /**
   * Send once. What may change the browser session runs alone, in all tabs: two first captures at
   * once would be given a session each, and the code in one of them would be lost.
   */
  function send(method, path, body, token) {
    return locked(key, method === "GET" ? "shared" : "exclusive", async () => {
      const headers = { Accept: "application/json" };
      if (body) headers["Content-Type"] = "application/json";
      if (token) headers.Authorization = `Bearer ${token}`;
      if (session?.value) headers["X-Browser-Session"] = session.value;
      const response = await fetch(`${base}${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: session ? "omit" : "include",
        cache: "no-store",
        keepalive: method !== "GET",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch(unreachable);
      const newest = response.headers.get("X-Browser-Session");
      if (session && newest) session.value = newest;
      return response;
    });
  }

  async function store(link) {
    try {
      const capture = await call("POST", "/referrals/captures", { body: link, tries: retries });
      dropFromAddressBar(param, link.code);
      return { outcome: "stored", code: link.code, capture };
    } catch (error) {
      const refused = REFUSED.has(error.code);
      if (refused) dropFromAddressBar(param, link.code);
      return { outcome: refused ? "refused" : "failed", code: link.code, error };
    }
  }

  function claimAs(person, code) {
    if (claiming?.person !== person || claiming.code !== code) {
      const body = code ? { code } : {};
      const work = call("POST", "/referrals/claim", { body, person, tries: retries });
      const mine = { person, code, work };
      const end = () => claiming === mine && (claiming = null);
      work.then(end, end);
      claiming = mine;
    }
    return claiming.work;
  }

  return {
    /**
     * Store the code of the address bar, and only then take it out of there. Call it on every page
     * load and, in a single-page app, after navigation. A failure is tried again, and after a
     * reload too, for the code is still in the address bar.
     * @returns {Promise<Outcome>} never rejects
     */
    start() {
      const link = linkIn(location, param);
      if (link && link.code !== storing.code) {
        const mine = { code: link.code, outcome: store(link) };
        mine.outcome.then(() => (mine.code = null));
        storing = mine;
      }
      return storing.outcome;
    },

    /** Await it before a redirect that loses the address bar. @returns {Promise<Outcome>} */
    get stored() {
      return storing.outcome;
    },

    /**
     * Claim what the signed-in person has opened, after a code still being stored. Safe on every
     * page load: a repeated claim answers what stands, a second one at a time joins the first.
     * @param {string} [code] typed by hand, instead of what was opened
     * @returns {Promise<{attribution: object|null}>} null for a visitor, or when nothing was opened
     * @throws {ReferralsError} such as already_attributed, self_referral, not_new_account
     */
    async claim(code) {
      await storing.outcome;
      const person = subjectOf(await retrying(retries, () => tokenOf(null)));
      return person ? claimAs(person, code) : { attribution: null };
    },

    /** What a claim would use now. @returns {Promise<Capture|null>} */
    current: async () => (await call("GET", "/referrals/captures/current")).capture,

    /** Forget what this person, or this visitor, has opened. @returns {Promise<null>} */
    forget: () => call("DELETE", "/referrals/captures/current"),

    /** Whose a code is, and what it gives. @param {string} code @returns {Promise<object>} */
    validate: (code) => call("POST", "/referrals/validate", { body: { code } }),

    /** The signed-in person's share link, statistics, newest friends. @returns {Promise<object>} */
    status: () => call("GET", "/referrals/status"),

    /** The signed-in person, their balances and attribution. @returns {Promise<object>} */
    me: () => call("GET", "/me"),
  };
}

/** Read an invitation link; null if it carries no code. */
function linkIn({ origin, pathname, search }, param) {
  const query = new URLSearchParams(search);
  const code = query.get(param)?.trim();
  if (!code) return null;
  const values = UTM.map((name) => [name, query.get(`utm_${name}`)?.slice(0, 200)]);
  const utm = values.filter(([, value]) => value);
  // The rest of the query may hold other people's secrets, sign-in tickets for one: it stays here.
  const link = { code, landing_url: `${origin}${pathname}` };
  return utm.length ? { ...link, utm: Object.fromEntries(utm) } : link;
}

/** Take `code` out of the address bar, unless the app has gone elsewhere meanwhile. */
function dropFromAddressBar(param, code) {
  const url = new URL(location.href);
  if (url.searchParams.get(param)?.trim() !== code) return;
  url.searchParams.delete(param);
  history.replaceState(history.state, "", url);
}

function unreachable(cause) {
  throw new ReferralsError("network_error", "The server cannot be reached.", { cause });
}

/** Return the answer's JSON, or throw the problem that it tells. */
async function read(response) {
  if (response.status === 204) return null;
  if (response.ok) return response.json().catch(unreachable);
  const problem = await response.json().catch(() => ({}));
  throw new ReferralsError(
    problem.code ?? `http_${response.status}`,
    problem.detail ?? `The server answered ${response.status}.`,
    { status: response.status, retryAfter: milliseconds(response.headers.get("Retry-After")) },
  );
}

/** Read Retry-After, which is a number of seconds or a date (RFC 9110, 10.2.3). */
function milliseconds(retryAfter) {
  if (!retryAfter) return null;
  const wait = /^\d+$/.test(retryAfter) ? retryAfter * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(wait) ? null : Math.max(wait, 0);
}

/** Wait as the server asks, or twice as long each time; a connection that returns ends the wait. */
async function pause({ code, retryAfter }, failures) {
  const backoff = Math.min(DELAYS_MS.first * 2 ** failures, DELAYS_MS.longest);
  const delay = retryAfter ?? backoff * (0.75 + Math.random() / 2);
  await new Promise((resolve) => {
    setTimeout(resolve, delay);
    if (code === "network_error") addEventListener("online", resolve, { once: true });
  });
}

/** Name the person of a token, to tell people apart; the server alone verifies it. */
function subjectOf(token) {
  if (!token) return null;
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)).sub ?? token;
  } catch {
    return token;
  }
}

function locked(name, mode, work) {
  return navigator.locks ? navigator.locks.request(name, { mode }, work) : work();
}

/** A value that all tabs share; where the storage refuses, this page alone remembers it. */
function sharedValue(storage, key) {
  let own = null;
  return {
    get value() {
      try {
        return (storage ?? localStorage).getItem(key) ?? own;
      } catch {
        return own; // a browser that blocks site data throws on the mere access
      }
    },
    set value(newest) {
      own = newest;
      try {
        (storage ?? localStorage).setItem(key, newest);
      } catch {
        // Full or forbidden: `own` serves until the page is left.
      }
    },
  };
}
