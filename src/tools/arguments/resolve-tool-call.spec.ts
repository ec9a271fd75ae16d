import { readFileSync } from 'node:fs';
import { fileEditorDefinition } from '../file-editor/file-editor-tool.js';
import { finishDefinition } from '../finish/finish-tool.js';
import { taskTrackerDefinition } from '../task-tracker/task-tracker-tool.js';
import { terminalDefinition } from '../terminal/terminal-tool.js';
import { thinkDefinition } from '../think/think-tool.js';
import type { Tool } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import { resolveToolCall } from './resolve-tool-call.js';

/** Calls and what the original made of them: the events it stored and the texts it told the model. */
interface RecordedCall {
  call: { name: string; arguments: string };
  analyzer: boolean;
  valid?: { name: string; argumentsText: string; summary: string; securityRisk: string; action: unknown };
  invalid?: { name: string; argumentsText: string; error: string };
}

const recorded = JSON.parse(
  readFileSync(new URL('../../../test/recorded/tool-calls.json', import.meta.url), 'utf8'),
) as RecordedCall[];

const host: ToolHost = { conversationId: 'c', workingDir: '/w', folder: '/nowhere', shownFolder: 'nowhere' };
const tools = new Map<string, Tool>(
  [terminalDefinition, fileEditorDefinition, taskTrackerDefinition, finishDefinition, thinkDefinition].map(
    (definition) => [definition.name, definition.create(host, {})],
  ),
);

describe('a tool call of a model', () => {
  it.each(
    recorded.map((record) => [`${record.call.name} ${record.call.arguments.slice(0, 100)}`, record] as const),
  )('is resolved as recorded: %s', (_title, { call, analyzer, valid, invalid }) => {
    const resolved = resolveToolCall(tools, call, { analyzer });
    if (resolved.kind === 'invalid') {
      const { name, argumentsText, error } = resolved;
      expect({ name, argumentsText, error }).toEqual(invalid);
      return;
    }
    const { name, argumentsText, summary, securityRisk, invocation } = resolved;
    expect({ name, argumentsText, summary, securityRisk, action: invocation.action }).toEqual(valid);
    // The key order is part of what clients see.
    expect(JSON.stringify(invocation.action)).toBe(JSON.stringify(valid?.action));
  });
});
