import {
  anything,
  type FieldType,
  listOf,
  type Problem,
  recordOf,
  text,
  valueError,
} from '../../../http/index.js';
import { isJsonObject } from '../../../json/index.js';

const MAX_NAME = 128;
const NAME = /^[A-Za-z0-9._:/-]+$/;
const NOT_A_NAME =
  'Observability span name may only contain letters, numbers, dots, underscores, colons, slashes, and hyphens';

/** Labels for traces. Null: none, as in the original. */
export const observabilityTags = field(listOf(text()), [], tagsProblem);

/** Properties for traces: what an attribute of a span can hold. Null: none. */
export const observabilityMetadata = field(recordOf(anything()), {}, metadataProblem);

/** The name of spans. Null: the default. */
export const observabilitySpanName = field(text(), 'conversation', spanNameProblem);

/** The texts of problems are the original's, which are about the whole field. */
function field(
  type: FieldType,
  whenNull: unknown,
  problem: (value: unknown) => string | undefined,
): FieldType {
  const problems = (value: unknown): Problem[] => {
    const found = problem(value);
    return found === undefined ? [] : [valueError(found)];
  };
  return { ...type, read: (raw) => (raw === null ? structuredClone(whenNull) : raw), problems };
}

function tagsProblem(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'Observability tags must be a list';
  const isValid = value.every((tag) => typeof tag === 'string' && tag !== '');
  return isValid ? undefined : 'Observability tags must be non-empty strings';
}

function metadataProblem(value: unknown): string | undefined {
  if (!isJsonObject(value)) return 'Observability metadata must be a dictionary';
  const invalid = Object.entries(value).find(([, entry]) => !isAttribute(entry));
  if (invalid === undefined) return undefined;
  return (
    `Observability metadata value for '${invalid[0].slice(0, MAX_NAME)}' must be a scalar or a homogeneous ` +
    'sequence of strings, booleans, integers, or floats (mixed numeric types such as [1, 1.5] are not supported ' +
    'by OpenTelemetry)'
  );
}

function spanNameProblem(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return 'Observability span name must be a non-empty string';
  if (value.length > MAX_NAME)
    return `Observability span name exceeds maximum length of ${MAX_NAME} characters`;
  return NAME.test(value) ? undefined : NOT_A_NAME;
}

function isAttribute(value: unknown): boolean {
  if (!Array.isArray(value)) return kindOf(value) !== undefined;
  const first: unknown = value[0];
  return (
    value.length === 0 ||
    (kindOf(first) !== undefined && value.every((item) => kindOf(item) === kindOf(first)))
  );
}

function kindOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float';
  return typeof value === 'string' || typeof value === 'boolean' ? typeof value : undefined;
}
