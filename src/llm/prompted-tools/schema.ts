import { isJsonObject, parseJson } from '../../json/index.js';
import type { LlmTool } from '../request/llm-request.js';

/** The schema of a parameter. */
export interface ParameterSchema {
  [keyword: string]: unknown;
  type?: unknown;
  enum?: unknown;
  description?: unknown;
}

/** Schemas of a tool's parameters by name. */
export function parametersOf(tool: LlmTool): Map<string, ParameterSchema> {
  const { properties } = tool.parameters;
  if (!isJsonObject(properties)) return new Map();
  return new Map(
    Object.entries(properties).map(([name, schema]) => [name, isJsonObject(schema) ? schema : {}]),
  );
}

/** Names of the required parameters. */
export function requiredOf(tool: LlmTool): string[] {
  const { required } = tool.parameters;
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

/** The arguments of a call; empty if they are not a JSON object. */
export function argumentsObject(text: string): Record<string, unknown> {
  const value = parseOrUndefined(text);
  return isJsonObject(value) ? value : {};
}

/** Parses JSON; undefined if it is invalid or nests too deeply. */
export function parseOrUndefined(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
