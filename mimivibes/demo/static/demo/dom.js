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

export const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** Say shortly what somebody has. */
export const purse = ({ stars, free_points, coins }) =>
  `${plural(stars + free_points, "credit", "credits")} · ${plural(coins, "coin", "coins")}`;

/** Say amounts in words, e.g. "1 star and 5 coins". */
export function inWords({ stars, free_points, coins, exp }) {
  const parts = [
    stars && plural(stars, "star", "stars"),
    free_points && plural(free_points, "free point", "free points"),
    coins && plural(coins, "coin", "coins"),
    exp && `${exp} exp`,
  ].filter(Boolean);
  return new Intl.ListFormat("en").format(parts);
}

/** Say when a day in the future is, e.g. "in 30 days". */
export function fromNow(time) {
  const hours = Math.round((new Date(time) - Date.now()) / 3_600_000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  return Math.abs(hours) < 48 ? words.format(hours, "hour") : words.format(Math.round(hours / 24), "day");
}
