import type { UsageAnswer, UsageItem } from './usage.service.js';

/** What spreadsheets take for the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r]/;
const SPECIAL = /[",\r\n]/;
const LINE_END = '\r\n';

/** The groups of an answer as CSV (RFC 4180), with a line of names. */
export function usageCsv({ items, group_by: names, total }: UsageAnswer): string {
  const first = names.flatMap(columnsOf);
  const columns = [...first, ...Object.keys(total)];
  const rows = items.map((item) => columns.map((column) => field(item[column] ?? null)).join());
  return [columns.map(field).join(), ...rows, ''].join(LINE_END);
}

function columnsOf(name: string): string[] {
  if (name === 'key') return ['key', 'key_name'];
  return [name === 'conversation' ? 'conversation_id' : name];
}

/** A text that would be a formula begins with an apostrophe. */
function field(value: UsageItem[string]): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
