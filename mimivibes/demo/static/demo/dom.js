/** Make an element: `h("p.hint", { title: "…" }, "text", child)`; what is null or false is left out. */
export function h(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false));
  return element;
}

export const $ = (id) => document.getElementById(id);

const TONES = { Nok: 1, Ploy: 2, Mali: 3, Somchai: 4 };

export function avatar(name) {
  if (!name) return h("span.avatar.tone-none", { ariaHidden: "true" }, "?");
  return h(`span.avatar.tone-${TONES[name] ?? 0}`, { ariaHidden: "true" }, [...name][0]);
}

/** Put values into a translated sentence: `fill(gettext("%(name)s is here."), { name })`. */
export const fill = (sentence, values) => interpolate(sentence, values, true);

const language = document.documentElement.lang;
const credits = (count) => fill(ngettext("%(count)s credit", "%(count)s credits", count), { count });
const coinsOf = (count) => fill(ngettext("%(count)s coin", "%(count)s coins", count), { count });

/** Say shortly what somebody has. */
export const purse = ({ stars, free_points, coins }) =>
  `${credits(stars + free_points)} · ${coinsOf(coins)}`;

/** Say amounts in words, e.g. "1 star and 5 coins". */
export function inWords({ stars, free_points, coins, exp }) {
  const parts = [
    stars && fill(ngettext("%(count)s star", "%(count)s stars", stars), { count: stars }),
    free_points && fill(
      ngettext("%(count)s free point", "%(count)s free points", free_points), { count: free_points },
    ),
    coins && coinsOf(coins),
    exp && fill(gettext("%(count)s exp"), { count: exp }),
  ].filter(Boolean);
  return new Intl.ListFormat(language).format(parts);
}

/** Say when a day in the future is, e.g. "in 30 days". */
export function fromNow(time) {
  const hours = Math.round((new Date(time) - Date.now()) / 3_600_000);
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  return Math.abs(hours) < 48 ? words.format(hours, "hour") : words.format(Math.round(hours / 24), "day");
}
