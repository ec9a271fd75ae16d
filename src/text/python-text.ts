/**
 * Values as Python writes them. The original server quotes arguments by `repr` and stores them by
 * `json.dumps` with its defaults: `", "` and `": "` as separators, everything but ASCII escaped. Clients and
 * models expect its texts.
 */

/** JSON as `json.dumps(value)` writes it. Undefined fields are omitted. */
export function pythonJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'number') return Number.isFinite(value) ? pythonNumber(value) : 'null';
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value !== 'object') return jsonString(typeof value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${jsonString(key)}: ${pythonJson(field)}`).join(', ')}}`;
}

/** A value as Python's `repr` writes it: `None`, `True`, strings in the quotes that need less escaping. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'string') return reprString(value);
  if (typeof value === 'number') return pythonNumber(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value !== 'object') return reprString(typeof value);
  return `{${Object.entries(value)
    .map(([key, field]) => `${reprString(key)}: ${pythonRepr(field)}`)
    .join(', ')}}`;
}

/** The name of the Python class that a JSON value is parsed to. */
export function pythonTypeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  // JavaScript does not distinguish 1.0 and 1: exact whole numbers count as integers.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
}

function jsonString(text: string): string {
  // JSON.stringify escapes quotes, backslashes and control characters like Python, but not other characters.
  return JSON.stringify(text).replace(/[\x7f-\uffff]/g, (unit) => unicodeEscape(unit.charCodeAt(0)));
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Python switches to exponents earlier than JavaScript and writes them with at least two digits. */
function pythonNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '0';
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString();
  const [digits = '0', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 16) return String(value);
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** A number as Python's `%g` writes it: six significant digits without trailing zeros. */
export function pythonGeneral(value: number): string {
  const [digits = '0', exponentText = '0'] = value.toExponential(5).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  return `${Number(digits)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

const NAMED_ESCAPES = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function reprString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  // Python escapes the Unicode categories "other" and "separator", except the space.
  const body = text.replace(/[\\\p{C}\p{Z}'"]/gu, (char) => {
    if (char === ' ' || char === "'" || char === '"') return char === quote ? `\\${char}` : char;
    return NAMED_ESCAPES.get(char) ?? codeEscape(char.codePointAt(0) ?? 0);
  });
  return quote + body + quote;
}

function codeEscape(code: number): string {
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return unicodeEscape(code);
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
