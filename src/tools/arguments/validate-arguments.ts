import type { ToolDefinition } from '../tool.js';
import { coerceFields, type ValidationProblem } from './coerce-value.js';
import { pythonRepr, pythonTypeName } from '../../text/index.js';

/** Arguments that match the schema, or an error message for the model. */
type ValidatedArguments = { ok: true; args: Record<string, unknown> } | { ok: false; error: string };

/** Messages link to pydantic's documentation, as the original's do. */
const DOCUMENTATION = 'https://errors.pydantic.dev/2.14/v';

/** Further errors are only counted: a list of a megabyte may contain half a million. */
const MAX_PROBLEMS = 100;

/** The maximum length of a quoted value (bytes). Longer values are cut in the middle. */
const MAX_QUOTED_BYTES = 50;

/**
 * Validates arguments against a tool's schema. Returns valid arguments in schema order with defaults filled
 * in and unset optional ones absent. All errors are reported at once, in the form of a pydantic error.
 */
export function validateArguments(
  definition: Pick<ToolDefinition, 'schema' | 'actionKind' | 'argumentsTitle' | 'normaliseArguments'>,
  args: Record<string, unknown>,
): ValidatedArguments {
  const { schema, actionKind } = definition;
  // Models see `kind` in stored actions and repeat it.
  const { kind, ...fields } = args;
  const given = kind === undefined || kind === actionKind ? fields : args;
  const problems: ValidationProblem[] = [];
  const valid = coerceFields({ ...schema }, definition.normaliseArguments?.(given) ?? given, '', problems);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(schema.properties, name)) continue;
    if (schema.additionalProperties) {
      valid[name] = given[name];
      continue;
    }
    problems.push({
      location: name,
      type: 'extra_forbidden',
      message: 'Extra inputs are not permitted',
      input: given[name],
    });
  }
  return problems.length === 0
    ? { ok: true, args: valid }
    : { ok: false, error: describe(definition.argumentsTitle ?? actionKind, problems) };
}

function describe(model: string, problems: ValidationProblem[]): string {
  const title = `${problems.length} validation error${problems.length === 1 ? '' : 's'} for ${model}`;
  // Many errors may quote the same large object.
  const reprs = new Map<unknown, string>();
  const lines = problems.slice(0, MAX_PROBLEMS).map(({ location, message, type, input }) => {
    const repr = reprs.get(input) ?? shortRepr(input);
    reprs.set(input, repr);
    const value = `input_value=${repr}, input_type=${pythonTypeName(input)}`;
    return `${location}\n  ${message} [type=${type}, ${value}]\n    For further information visit ${DOCUMENTATION}/${type}`;
  });
  if (problems.length > MAX_PROBLEMS) lines.push(`... and ${problems.length - MAX_PROBLEMS} more`);
  return [title, ...lines].join('\n');
}

/** The first 25 and the last 24 bytes of a long value, cut between characters. */
function shortRepr(value: unknown): string {
  const repr = pythonRepr(value);
  if (Buffer.byteLength(repr) <= MAX_QUOTED_BYTES) return repr;
  const start = takeBytes(Array.from(repr.slice(0, 2 * 25)), 25).join('');
  const end = takeBytes(Array.from(repr.slice(-2 * 24)).reverse(), 24)
    .reverse()
    .join('');
  return `${start}...${end}`;
}

/** The first characters that fit into a number of bytes. */
function takeBytes(chars: readonly string[], limit: number): string[] {
  let bytes = 0;
  const firstExcess = chars.findIndex((char) => (bytes += Buffer.byteLength(char)) > limit);
  return chars.slice(0, firstExcess === -1 ? chars.length : firstExcess);
}
