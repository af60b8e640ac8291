import type { Language, Translate } from './messages.ts';

/** How Winnow writes numbers: thousands separated, no more digits than are known. */
export interface Formats {
  /** Whole numbers: `12,480`. */
  count(value: number): string;
  /** Images per second: `9.4`, `231`. */
  rate(value: number): string;
  /** A number with one digit behind the point: `76.1`. */
  oneDigit(value: number): string;
  /** A number without a unit, such as a loss, to three significant digits: `1.42`, `0.00031`. */
  decimal(value: number): string;
  /** A measured share, 0 to 1: `94 %`, `99.1 %`; 100 % only for exactly 1. */
  share(value: number): string;
  /** A share of work done, 0 to 1, in whole percent rounded down, so that 100 % means done. */
  percent(value: number): string;
  /** An estimated time: `about 40 min`, `about 2 h 10 min`. */
  duration(seconds: number): string;
  /** Bytes: `1.4 GB`, in powers of 1000 as in file managers. */
  bytes(value: number): string;
  /** A moment as date and time of day, from ISO 8601. */
  date(iso: string): string;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NBSP = '\u00a0'; // between a number and its unit, where no line may break

export function createFormats(language: Language, translate: Translate): Formats {
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const oneDigit = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const upToOneDigit = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const threeDigits = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });

  const count = (value: number) => whole.format(value);

  function rate(value: number): string {
    if (value > 0 && value < 0.05) return `<${NBSP}${oneDigit.format(0.1)}`;
    return (value < 9.95 ? oneDigit : whole).format(value);
  }

  function share(value: number): string {
    const percent = value * 100;
    const isNearAll = percent >= 90 && percent < 100;
    if (isNearAll && percent >= 99.95) return `>${NBSP}${oneDigit.format(99.9)}${NBSP}%`;
    if (percent > 0 && percent < 0.5)
      return percent < 0.1
        ? `<${NBSP}${oneDigit.format(0.1)}${NBSP}%`
        : `${oneDigit.format(percent)}${NBSP}%`;
    return `${(isNearAll ? upToOneDigit : whole).format(percent)}${NBSP}%`;
  }

  const percent = (value: number) => `${whole.format(Math.floor(value * 100))}${NBSP}%`;

  function duration(seconds: number): string {
    if (seconds < 5) return translate('duration.seconds');
    if (seconds < 0.9 * MINUTE)
      return translate('duration.about.seconds', { seconds: Math.round(seconds / 5) * 5 });
    if (seconds < 59.5 * MINUTE)
      return translate('duration.about.minutes', { minutes: Math.max(1, Math.round(seconds / MINUTE)) });
    if (seconds < 10 * HOUR) {
      const minutes = Math.round(seconds / MINUTE / 5) * 5;
      const hours = Math.floor(minutes / 60);
      return minutes % 60 === 0
        ? translate('duration.about.hours', { hours })
        : translate('duration.about.hours-minutes', { hours, minutes: minutes % 60 });
    }
    if (seconds < 2 * DAY) return translate('duration.about.hours', { hours: Math.round(seconds / HOUR) });
    return translate('duration.about.days', { days: Math.round(seconds / DAY) });
  }

  function bytes(value: number): string {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let amount = value;
    let unit = 0;
    while (amount >= 999.5 && unit < units.length - 1) {
      amount /= 1000;
      unit++;
    }
    const isWhole = unit === 0 || amount >= 9.95;
    return `${(isWhole ? whole : oneDigit).format(amount)}${NBSP}${units[unit] ?? ''}`;
  }

  return {
    count,
    rate,
    share,
    percent,
    duration,
    bytes,
    oneDigit: (value) => oneDigit.format(value),
    decimal: (value) => threeDigits.format(value),
    date: (iso) => moment.format(new Date(iso)),
  };
}
