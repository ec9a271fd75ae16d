import { textContent, type Message, type MessageToolCall } from '../../events/index.js';
import type { LlmResponse, LlmTool } from '../request/llm-request.js';
import { readCall, type WrittenCall } from './call-text.js';
import { parametersOf, parseOrUndefined, requiredOf, type ParameterSchema } from './schema.js';

/** A prompted model wrote an invalid call. The message is for the model. */
export class CallNotationError extends Error {
  override readonly name = 'CallNotationError';
}

type Answer = LlmResponse['message'];

/**
 * Converts the text of a prompted model into a tool call; an answer without a call is not changed.
 * @param history the preceding dialogue, to number the call
 * @throws CallNotationError
 */
export function promptedAnswer(
  answer: Answer,
  tools: readonly LlmTool[],
  history: readonly Message[],
): Answer {
  // Some models make native calls although they were offered no tools.
  if (answer.tool_calls?.length) return answer;
  const written = readCall(answer.content.map(({ text }) => text).join('\n'));
  if (!written) return answer;
  const tool = findTool(written.name, tools);
  const call: MessageToolCall = {
    id: nextId(history),
    name: tool.name,
    arguments: JSON.stringify(argumentsOf(written, tool)),
    origin: 'completion',
  };
  const { role, content: _asWritten, ...rest } = answer;
  return { role, content: [textContent(written.text)], tool_calls: [call], ...rest };
}

/** Prompted calls have no ids, so they are numbered. */
function nextId(history: readonly Message[]): string {
  const numbers = history
    .flatMap(({ tool_calls }) => tool_calls ?? [])
    .map(({ id }) => Number(/^toolu_(\d{2,9})$/.exec(id)?.[1] ?? 0));
  const next = numbers.reduce((most, number) => Math.max(most, number), 0) + 1;
  return `toolu_${String(next).padStart(2, '0')}`;
}

function findTool(name: string, tools: readonly LlmTool[]): LlmTool {
  const tool = tools.find((candidate) => candidate.name === name);
  if (tool) return tool;
  throw new CallNotationError(
    `Function '${name}' not found in available tools: [${quotedList(tools.map((candidate) => candidate.name))}]`,
  );
}

function argumentsOf({ parameters }: WrittenCall, tool: LlmTool): Record<string, unknown> {
  const known = parametersOf(tool);
  const values: Record<string, unknown> = {};
  for (const [name, text] of parameters) {
    const schema = known.get(name);
    if (!schema) {
      throw new CallNotationError(
        `Parameter '${name}' is not allowed for function '${tool.name}'. Allowed parameters: {${quotedList([...known.keys()])}}`,
      );
    }
    values[name] = readValue(name, text, schema);
  }
  const missing = requiredOf(tool).filter((name) => !parameters.has(name));
  if (missing.length > 0) {
    throw new CallNotationError(
      `Missing required parameters for function '${tool.name}': {${quotedList(missing)}}`,
    );
  }
  return values;
}

/** Converts a text to the type of its schema. Other mismatches are reported by the tool. */
function readValue(name: string, text: string, schema: ParameterSchema): unknown {
  if (Array.isArray(schema.enum)) {
    const allowed: unknown[] = schema.enum;
    const wanted = text.trim();
    const found =
      allowed.find((value) => String(value) === wanted) ??
      allowed.find((value) => String(value).toLowerCase() === wanted.toLowerCase());
    if (found !== undefined) return found;
    throw new CallNotationError(
      `Parameter '${name}' is expected to be one of [${quotedList(allowed.map(String))}].`,
    );
  }
  if (schema.type === undefined || schema.type === 'string') return text;
  if (schema.type === 'integer' && !/^\s*[-+]?\d+(\.0*)?\s*$/.test(text))
    throw new CallNotationError(`Parameter '${name}' is expected to be an integer.`);
  const value = parseOrUndefined(text.trim());
  if (schema.type === 'array' && !Array.isArray(value))
    throw new CallNotationError(`Parameter '${name}' is expected to be an array.`);
  return value ?? text;
}

function quotedList(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
