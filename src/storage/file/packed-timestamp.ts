const FORMAT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

/**
 * Event timestamps (`YYYY-MM-DDTHH:MM:SS.ffffff`, no zone) as microseconds: they fit a double exactly. The zone does
 * not matter as long as both directions take the same one. Undefined for any text that would not come back the same.
 */
export function parseMicros(timestamp: string): number | undefined {
  if (!FORMAT.test(timestamp)) return undefined;
  const millis = Date.parse(`${timestamp.slice(0, 23)}Z`);
  const micros = millis * 1000 + Number(timestamp.slice(23));
  return millis >= 0 && formatMicros(micros) === timestamp ? micros : undefined;
}

/** The timestamp that `parseMicros` made a number of. */
export function formatMicros(micros: number): string {
  const iso = new Date(Math.floor(micros / 1000)).toISOString();
  return iso.slice(0, 23) + String(micros % 1000).padStart(3, '0');
}
