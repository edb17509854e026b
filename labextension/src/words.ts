/** Figures as users read them. Units are symbols, the same in all languages; unknown is a dash. */

export const UNKNOWN = '–';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
/** Of larger, smaller: how long each is, and its symbol. */
const SPANS: readonly [number, string, number, string][] = [
  [DAY, 'd', HOUR, 'h'],
  [HOUR, 'h', MINUTE, 'min'],
  [MINUTE, 'min', 1, 's']
];

function figure(value: number, decimals: number): string {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString('en-US', digits);
}

/** GiB with one decimal, without the unit. */
export function gib(value: number | null): string {
  return value === null ? UNKNOWN : figure(value, 1);
}

/** A size on disk in the unit in which it reads best: MiB, GiB or TiB. */
export function disk(value: number | null): string {
  if (value === null) {
    return UNKNOWN;
  }
  if (value >= 1024) {
    return `${figure(value / 1024, 2)} TiB`;
  }
  return value >= 0.05 || value === 0
    ? `${figure(value, 1)} GiB`
    : `${figure(value * 1024, 1)} MiB`;
}

/** A figure without decimals, thousands with a comma, and its unit after a space. */
export function whole(value: number | null, unit = ''): string {
  return value === null ? UNKNOWN : [figure(value, 0), unit].filter(Boolean).join(' ');
}

/** A length of time in its two largest units: 2 min 29 s. */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  for (const [size, unit, part, smaller] of SPANS) {
    if (total >= size) {
      const rest = Math.floor((total % size) / part);
      return `${Math.floor(total / size)} ${unit} ${String(rest).padStart(2, '0')} ${smaller}`;
    }
  }
  return `${total} s`;
}

/** A length of time in its largest unit, for what is only an order: 2 h, 4 min. */
export function age(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  for (const [size, unit] of SPANS) {
    if (total >= size) {
      return `${Math.floor(total / size)} ${unit}`;
    }
  }
  return `${total} s`;
}

/** A length of time that runs out: whole minutes up to two hours. */
export function limit(seconds: number): string {
  const near = seconds >= MINUTE && seconds <= 2 * HOUR;
  return near ? `${Math.round(seconds / MINUTE)} min` : duration(seconds);
}

/** The reader's time of day. */
export function clock(at: Date): string {
  return at.toLocaleTimeString('en-GB');
}
