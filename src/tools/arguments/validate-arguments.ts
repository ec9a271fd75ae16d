import type { ToolDefinition } from '../tool.js';
import { coerceFields, type ValidationProblem } from './coerce-value.js';
import { pythonRepr, pythonTypeName } from '../../text/index.js';

/** Arguments that fit the schema, or the text that tells the model what does not. */
export type ValidatedArguments = { ok: true; args: Record<string, unknown> } | { ok: false; error: string };

/** The texts name the page of pydantic that explains the mistake; models have learnt to read them. */
const EXPLANATIONS = 'https://errors.pydantic.dev/2.14/v';

/** No more mistakes than these are told in full: a list of a megabyte may hold half a million. */
const MAX_PROBLEMS = 100;

/** What is shown of a value, in bytes: longer ones lose their middle. */
const SHOWN_BYTES = 50;

/**
 * Checks arguments against a tool's schema. Valid ones come back in schema order with the defaults filled in;
 * unset optional ones are absent. All mistakes are told at once, in the form of a pydantic validation error.
 */
export function validateArguments(
  definition: Pick<ToolDefinition, 'schema' | 'actionKind' | 'argumentsTitle' | 'normaliseArguments'>,
  args: Record<string, unknown>,
): ValidatedArguments {
  const { schema, actionKind } = definition;
  // Models see the stored action in the history and repeat its `kind`.
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
  // Many mistakes may be about the same large object.
  const shown = new Map<unknown, string>();
  const lines = problems.slice(0, MAX_PROBLEMS).map(({ location, message, type, input }) => {
    const repr = shown.get(input) ?? shortRepr(input);
    shown.set(input, repr);
    const value = `input_value=${repr}, input_type=${pythonTypeName(input)}`;
    return `${location}\n  ${message} [type=${type}, ${value}]\n    For further information visit ${EXPLANATIONS}/${type}`;
  });
  if (problems.length > MAX_PROBLEMS) lines.push(`... and ${problems.length - MAX_PROBLEMS} more`);
  return [title, ...lines].join('\n');
}

/** The first 25 and the last 24 bytes of a long value, cut between characters. */
function shortRepr(value: unknown): string {
  const repr = pythonRepr(value);
  if (Buffer.byteLength(repr) <= SHOWN_BYTES) return repr;
  const start = takeBytes(Array.from(repr.slice(0, 2 * 25)), 25).join('');
  const end = takeBytes(Array.from(repr.slice(-2 * 24)).reverse(), 24)
    .reverse()
    .join('');
  return `${start}...${end}`;
}

/** As many of the first characters as fit. */
function takeBytes(chars: readonly string[], limit: number): string[] {
  let bytes = 0;
  const tooMany = chars.findIndex((char) => (bytes += Buffer.byteLength(char)) > limit);
  return chars.slice(0, tooMany === -1 ? chars.length : tooMany);
}
