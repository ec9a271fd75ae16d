import { isJsonObject, parseJson } from '../../json/index.js';
import type { LlmTool } from '../llm.js';

/** What is known of one parameter of a tool. */
export interface ParameterSchema {
  [keyword: string]: unknown;
  type?: unknown;
  enum?: unknown;
  description?: unknown;
}

/** The parameters of a tool by name. */
export function parametersOf(tool: LlmTool): Map<string, ParameterSchema> {
  const { properties } = tool.parameters;
  if (!isJsonObject(properties)) return new Map();
  return new Map(
    Object.entries(properties).map(([name, schema]) => [name, isJsonObject(schema) ? schema : {}]),
  );
}

/** The names of the parameters that a call must have. */
export function requiredOf(tool: LlmTool): string[] {
  const { required } = tool.parameters;
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

/** The arguments of a call; what is no JSON object has none. */
export function argumentsObject(text: string): Record<string, unknown> {
  const value = parsed(text);
  return isJsonObject(value) ? value : {};
}

/** JSON, or undefined where it is none, or nests too deeply. */
export function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
