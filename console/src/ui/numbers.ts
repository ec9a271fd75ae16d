/** An amount of money (USD) in a few characters. */
export function money(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < 0.01) return '<$0.01';
  return usd < 99.995 ? `$${usd.toFixed(2)}` : `$${Math.round(usd).toLocaleString('en-US')}`;
}

/** A count in a few characters: `950`, `1.2k`, `34M`. */
export function compact(count: number): string {
  return scaled(count, 1000, ['', 'k', 'M', 'G']);
}

/** A number of bytes in a few characters. */
export function bytes(count: number): string {
  return scaled(count, 1024, [' B', ' KB', ' MB', ' GB']);
}

/** Two digits at least, in the largest unit of which there is one after rounding. */
function scaled(count: number, step: number, units: readonly string[]): string {
  let value = count;
  let index = 0;
  while (index < units.length - 1 && Math.round(value) >= step) {
    value /= step;
    index += 1;
  }
  return `${index > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)}${units[index]}`;
}
