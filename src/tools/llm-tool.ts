import { isJsonObject } from '../json/index.js';
import type { ToolDefinition } from './tool.js';

/** A tool as a model sees it. The same as `LlmTool` of `llm/`, which this folder may not import. */
interface LlmTool {
  name: string;
  description: string;
  /** JSON schema of the arguments. */
  parameters: Record<string, unknown>;
}

/** Keywords that only our validation reads. Models are not sent them. */
const INTERNAL_KEYWORDS = new Set(['default', 'minimum', 'title']);

const SECURITY_RISK = {
  type: 'string',
  description:
    'How much harm this action could do.\n\n' +
    'LOW reads or stays inside the workspace. MEDIUM changes the project or its environment in a way that can be ' +
    'undone. HIGH reaches beyond the workspace, handles secrets or cannot be undone. UNKNOWN when you cannot tell.',
  enum: ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH'],
};

const SUMMARY = {
  type: 'string',
  description:
    'A concise summary (approximately 10 words) describing what this specific action does. Focus on the key ' +
    'operation and target, for example: "run the unit tests of the parser".',
};

/**
 * Describes a tool to a model. Its parameters are preceded by `security_risk`, unless the tool is read-only,
 * and by `summary`, unless the tool has a parameter of this name. Both are optional.
 */
export function toLlmTool(definition: ToolDefinition): LlmTool {
  const { name, description, annotations, modelSchema, response } = definition;
  const schema = withFields(modelSchema ?? schemaForModel(definition), response);
  const { security_risk: _reserved, ...own } = isJsonObject(schema['properties']) ? schema['properties'] : {};
  return {
    name,
    description,
    parameters: {
      ...schema,
      properties: {
        ...(annotations.readOnlyHint ? {} : { security_risk: SECURITY_RISK }),
        ...(Object.hasOwn(own, 'summary') ? {} : { summary: SUMMARY }),
        ...own,
      },
    },
  };
}

/** The schema of a tool with the fields that a client wants with each call. */
function withFields(
  schema: Record<string, unknown>,
  response: ToolDefinition['response'],
): Record<string, unknown> {
  if (!response) return schema;
  const own = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  return {
    ...schema,
    properties: { ...own, ...response.properties },
    required: [...new Set([...required, ...response.required])],
    ...(response.isClosed ? { additionalProperties: false } : {}),
  };
}

/** The tool's schema without the internal keywords. */
function schemaForModel({ schema }: ToolDefinition): Record<string, unknown> {
  const { properties, required } = schema;
  return {
    type: 'object',
    properties: mapValues(properties, forModel),
    ...(required && required.length > 0 ? { required } : {}),
  };
}

function forModel(schema: unknown): unknown {
  if (!isJsonObject(schema)) return schema;
  const visible = Object.entries(schema).filter(([keyword]) => !INTERNAL_KEYWORDS.has(keyword));
  return Object.fromEntries(
    visible.map(([keyword, value]) => {
      if (keyword === 'properties' && isJsonObject(value)) return [keyword, mapValues(value, forModel)];
      return [keyword, keyword === 'items' ? forModel(value) : value];
    }),
  );
}

function mapValues(
  object: Record<string, unknown>,
  map: (value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}
