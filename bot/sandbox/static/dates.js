// Slack's date tokens, in a person's zone and by the sandbox's clock.

const parts = (ms, zone, options) =>
  Object.fromEntries(new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options })
    .formatToParts(ms).map((part) => [part.type, part.value]));

const day = (ms, zone) => {
  const { year, month, day: number } = parts(ms, zone, { year: "numeric", month: "2-digit", day: "2-digit" });
  return `${year}-${month}-${number}`;
};

// A zone whose people read a 12-hour clock; Slack has a preference for it, the sandbox has not.
export const reads12Hours = (zone) => /^(America|US|Canada|Australia)\//.test(zone || "");

export function timeOfDay(ms, zone, { seconds = false } = {}) {
  const hour12 = reads12Hours(zone);
  return new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hour: hour12 ? "numeric" : "2-digit",
    minute: "2-digit",
    second: seconds ? "2-digit" : undefined,
    hourCycle: hour12 ? "h12" : "h23",
  }).format(ms).replace(/\u202f/g, " ");
}

function ordinal(number) {
  const tens = number % 100;
  if (tens >= 11 && tens <= 13) return `${number}th`;
  return `${number}${{ 1: "st", 2: "nd", 3: "rd" }[number % 10] || "th"}`;
}

const HALF_A_YEAR_MS = 182 * 86_400_000;

// Slack docs: the year is left out within six months.
function written(ms, zone, now, { weekday, month }) {
  const { weekday: name, month: monthName, day: number, year } =
    parts(ms, zone, { weekday: "long", month, day: "numeric", year: "numeric" });
  const shown = month === "short" ? number : ordinal(Number(number));
  const far = Math.abs(ms - now) > HALF_A_YEAR_MS ? `, ${year}` : "";
  return `${weekday ? `${name}, ` : ""}${monthName} ${shown}${far}`;
}

export function relativeDay(ms, zone, now) {
  const that = day(ms, zone);
  const noon = (days) => day(now + days * 86_400_000, zone);
  if (that === day(now, zone)) return "today";
  if (that === noon(-1)) return "yesterday";
  if (that === noon(1)) return "tomorrow";
  return "";
}

export function ago(ms, now) {
  const seconds = Math.round((now - ms) / 1000);
  const size = Math.abs(seconds);
  const [count, unit] = size < 60 ? [size, "second"] : size < 3600 ? [Math.floor(size / 60), "minute"]
    : size < 86_400 ? [Math.floor(size / 3600), "hour"] : [Math.floor(size / 86_400), "day"];
  if (size < 5) return "just now";
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

const LONG = { weekday: true, month: "long" };
const USUAL = { month: "long" };
const SHORT = { month: "short" };

const TOKENS = {
  date_num: (ms, zone) => day(ms, zone),
  date: (ms, zone, now) => written(ms, zone, now, USUAL),
  date_short: (ms, zone, now) => written(ms, zone, now, SHORT),
  date_long: (ms, zone, now) => written(ms, zone, now, LONG),
  date_pretty: (ms, zone, now) => relativeDay(ms, zone, now) || written(ms, zone, now, USUAL),
  date_short_pretty: (ms, zone, now) => relativeDay(ms, zone, now) || written(ms, zone, now, SHORT),
  date_long_pretty: (ms, zone, now) => relativeDay(ms, zone, now) || written(ms, zone, now, LONG),
  day_divider_pretty: (ms, zone, now) => relativeDay(ms, zone, now) || written(ms, zone, now, LONG),
  time: (ms, zone) => timeOfDay(ms, zone),
  time_secs: (ms, zone) => timeOfDay(ms, zone, { seconds: true }),
  ago: (ms, zone, now) => ago(ms, now),
};

export function slackDate(unixSeconds, format, fallback, zone, now) {
  const ms = Number(unixSeconds) * 1000;
  if (!Number.isFinite(ms) || !zone) return fallback || format;
  return format.replace(/\{(\w+)\}/g, (whole, token) => TOKENS[token]?.(ms, zone, now) ?? whole);
}

export function fullDate(ms, zone) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "full", timeStyle: "long" }).format(ms);
}
