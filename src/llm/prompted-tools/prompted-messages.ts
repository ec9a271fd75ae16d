import { textContent, type Content, type Message } from '../../events/index.js';
import type { LlmTool } from '../request/llm-request.js';
import { writeCall } from './call-text.js';
import { toolDocs } from './tool-docs.js';
import { TASK_END, exampleText, resultHeader } from './worked-example.js';

/**
 * The dialogue for a model without native tool calls: the system prompt describes the tools, an example
 * precedes the first message, calls and results are text.
 */
export function promptedMessages(messages: readonly Message[], tools: readonly LlmTool[]): Message[] {
  const written = messages.map(withoutCalls);
  if (tools.length === 0) return written;
  const task = written.findIndex(({ role }) => role === 'user');
  return withDocs(
    written.map((message, index) => (index === task ? withExample(message, tools) : message)),
    tools,
  );
}

function withoutCalls(message: Message): Message {
  if (message.role === 'tool') return resultMessage(message);
  const { tool_calls: calls = [], ...said } = message;
  if (calls.length === 0) return message;
  const thought = said.content.filter((block) => block.type !== 'text' || block.text.trim() !== '');
  return { ...said, content: [...thought, textContent(calls.map(writeCall).join('\n'))] };
}

/** Results are user messages, because the model knows no tool role. */
function resultMessage(message: Message): Message {
  const header = resultHeader(message.name ?? 'tool');
  const [first, ...rest] = message.content;
  const content: Content[] =
    first?.type === 'text'
      ? [textContent(header + first.text), ...rest]
      : [textContent(header), ...message.content];
  return { role: 'user', content, thinking_blocks: [] };
}

function withExample(message: Message, tools: readonly LlmTool[]): Message {
  return {
    ...message,
    content: [textContent(exampleText(tools)), ...message.content, textContent(TASK_END)],
  };
}

/** Adds the tools to the first block, which is the same in every conversation and therefore cached. */
function withDocs(messages: Message[], tools: readonly LlmTool[]): Message[] {
  const docs = toolDocs(tools);
  const [first, ...rest] = messages;
  if (first?.role !== 'system')
    return [{ role: 'system', content: [textContent(docs)], thinking_blocks: [] }, ...messages];
  const [block, ...blocks] = first.content;
  const instructions = block?.type === 'text' ? `${block.text}\n\n${docs}` : docs;
  return [{ ...first, content: [textContent(instructions), ...blocks] }, ...rest];
}
