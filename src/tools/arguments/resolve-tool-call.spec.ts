import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { fileEditorDefinition } from '../file-editor/file-editor-tool.js';
import { finishDefinition } from '../finish/finish-tool.js';
import { taskTrackerDefinition } from '../task-tracker/task-tracker-tool.js';
import { terminalDefinition } from '../terminal/terminal-tool.js';
import { thinkDefinition } from '../think/think-tool.js';
import type { Tool, ToolSchema } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import { resolveToolCall } from './resolve-tool-call.js';

/** A call, and what the original made of it: the stored action, or the error for the model. */
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

describe('resolveToolCall', () => {
  it.each(
    recorded.map((record) => [`${record.call.name} ${record.call.arguments.slice(0, 100)}`, record] as const),
  )('resolves a call as the original does: %s', (_title, { call, analyzer, valid, invalid }) => {
    const resolved = resolveToolCall(tools, call, { analyzer });
    if (resolved.kind === 'invalid') {
      const { name, argumentsText, error } = resolved;
      expect({ name, argumentsText, error }).toEqual(invalid);
      return;
    }
    const { name, argumentsText, summary, securityRisk, invocation } = resolved;
    expect({ name, argumentsText, summary, securityRisk, action: invocation.action }).toEqual(valid);
    // Clients see the fields in this order.
    expect(JSON.stringify(invocation.action)).toBe(JSON.stringify(valid?.action));
  });

  it('truncates a name that is too long', () => {
    const call = { name: 'n'.repeat(1_000_000), arguments: '{}' };
    const resolved = resolveToolCall(new Map(), call, { analyzer: false });
    expect(resolved.name).toHaveLength(256);
    expect(JSON.stringify(resolved).length).toBeLessThan(2_000);
  });

  it('never throws', () => {
    const tools = new Map([['think', thinkDefinition.create(host, {})]]);
    const name = fc.oneof(fc.string(), fc.constantFrom('think', 'grep', 'bash'));
    fc.assert(
      fc.property(name, fc.oneof(fc.string(), fc.json()), fc.boolean(), (given, text, analyzer) => {
        const resolved = resolveToolCall(tools, { name: given, arguments: text }, { analyzer });
        if (resolved.kind === 'valid') expect(resolved.name).toBe('think');
      }),
    );
  });

  it('uses the summary parameter of a tool as the summary of the call', () => {
    const schema: ToolSchema = { type: 'object', properties: { summary: { type: 'string' } } };
    const definition = { ...thinkDefinition, schema };
    const instance = { ...thinkDefinition.create(host, {}), definition };
    const call = { name: 'think', arguments: '{"summary": "short"}' };
    const resolved = resolveToolCall(new Map([['think', instance]]), call, { analyzer: false });
    expect(resolved.kind === 'valid' && resolved.invocation.action).toEqual({
      summary: 'short',
      kind: 'ThinkAction',
    });
    expect(resolved.kind === 'valid' && resolved.summary).toBe('short');
  });
});
