import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describeTool, type Tool } from './tool.js';
import type { ToolHost } from './tool-host.js';
import { DuplicateToolError, UnknownToolError, ToolRegistry } from './tool-registry.js';
import { toLlmTool } from './llm-tool.js';

const DEFAULTS = ['FinishTool', 'ThinkTool'];
const registry = new ToolRegistry();
const named = (...names: string[]) => names.map((name) => ({ name, params: {} }));

let folder: string;
let host: ToolHost;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tools-'));
  host = { conversationId: 'c', workingDir: folder, folder: path.join(folder, 'c'), shownFolder: 'c' };
});

afterAll(() => rm(folder, { recursive: true }));

describe('ToolRegistry', () => {
  it('creates the configured tools in their order, then the built-in ones', () => {
    const names = [...registry.createTools(named('task_tracker', 'terminal'), DEFAULTS, host).keys()];
    expect(names).toEqual(['task_tracker', 'terminal', 'finish', 'think']);
    expect([...registry.createTools([], ['ThinkTool'], host).keys()]).toEqual(['think']);
  });

  it('reports an unknown name and the available ones', () => {
    expect(() => registry.createTools(named('nosuchtool'), DEFAULTS, host)).toThrow(
      new UnknownToolError('nosuchtool', registry.available()),
    );
    expect(() => registry.assertKnown(named('nosuchtool'), [])).toThrow(
      /^ToolDefinition 'nosuchtool' is not registered. Available: \['terminal', 'file_editor', 'task_tracker', 'glob',/,
    );
    // Configurable tools are not found by class name, and built-in ones not by tool name.
    expect(() => registry.assertKnown(named('TerminalTool'), [])).toThrow(UnknownToolError);
    expect(() => registry.assertKnown([], ['think'])).toThrow(
      "Available: ['FinishTool', 'ThinkTool', 'InvokeSkillTool', 'SwitchLLMTool', 'ClassifyAndSwitchLLMTool', 'VisionInspectTool']",
    );
    expect(() => registry.assertKnown(named('constructor'), [])).toThrow(UnknownToolError);
  });

  it('refuses two tools with the same name', () => {
    expect(() => registry.assertKnown(named('terminal', 'terminal'), [])).toThrow(
      new DuplicateToolError(['terminal']),
    );
    expect(() => registry.assertKnown([], ['ThinkTool', 'ThinkTool'])).toThrow(
      "Duplicate tool names found: {'think'}",
    );
  });

  it('knows the Python modules of tools that the original has', () => {
    const modules = registry.available().map((name) => registry.pythonModule(name));
    expect(modules).toEqual([
      'openhands.tools.terminal.definition',
      'openhands.tools.file_editor.definition',
      'openhands.tools.task_tracker.definition',
      'openhands.tools.glob.definition',
      'openhands.tools.grep.definition',
      'openhands.tools.planning_file_editor.definition',
      'openhands.tools.gemini.edit.definition',
      'openhands.tools.gemini.write_file.definition',
      'openhands.tools.gemini.read_file.definition',
      'openhands.tools.gemini.list_directory.definition',
      'openhands.tools.apply_patch.definition',
      'openhands.tools.task.definition',
      'openhands.tools.ask_oracle.definition',
      'openhands.tools.child_conversation.definition',
      'openhands.sdk.tool.builtins.classify_and_switch_llm',
      'openhands.tools.browser_use.definition',
    ]);
    expect(registry.pythonModule('finish')).toBeUndefined();
    expect(registry.pythonModule('constructor')).toBeUndefined();
  });

  it('renders an observation by its kind and leaves unknown ones unchanged', () => {
    const content = [{ cache_prompt: false, type: 'text' as const, text: 'out' }];
    const metadata = { exit_code: 0, working_dir: '/w', prefix: '', suffix: '\n[done]' };
    const observation = { content, is_error: false, metadata, exit_code: 0, kind: 'TerminalObservation' };
    expect(JSON.stringify(registry.renderObservation(observation))).toContain('[done]');
    expect(registry.renderObservation({ content, is_error: false, kind: 'GrepObservation' })).toBe(content);
  });
});

describe('the description of a tool', () => {
  const tools = (): Map<string, Tool> =>
    registry.createTools(named('terminal', 'file_editor', 'task_tracker'), DEFAULTS, host);

  it('has the parameters of the original in the same order', () => {
    const parameters = [...tools().values()].map(({ definition }) => toLlmTool(definition).parameters);
    const shapes = parameters.map(({ properties, required }) => [Object.keys(properties ?? {}), required]);
    const always = ['security_risk', 'summary'];
    expect(shapes).toEqual([
      [[...always, 'command', 'is_input', 'timeout', 'reset'], ['command']],
      [
        [...always, 'command', 'path', 'file_text', 'old_str', 'new_str', 'insert_line', 'view_range'],
        ['command', 'path'],
      ],
      [[...always, 'command', 'task_list'], undefined],
      [['summary', 'message'], ['message']],
      [['summary', 'thought'], ['thought']],
    ]);
    expect(Object.keys(parameters[0] ?? {})).toEqual(['type', 'properties', 'required']);
  });

  it('omits keywords that only validation uses', () => {
    const text = JSON.stringify([...tools().values()].map(({ definition }) => toLlmTool(definition)));
    expect(text).not.toMatch(/"(default|minimum)":|"title":"TaskItem"/);
    const tracker = tools().get('task_tracker');
    if (!tracker) throw new Error('no task tracker');
    // Here `title` is a field, not a keyword.
    expect(toLlmTool(tracker.definition).parameters).toMatchObject({
      properties: {
        task_list: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              title: { type: 'string' },
              notes: { type: 'string' },
              status: { type: 'string', enum: ['todo', 'in_progress', 'done'] },
            },
            required: ['title'],
          },
        },
      },
    });
  });

  it('equals that of the original in the system prompt event, except for the text', () => {
    const described = [...tools().values()].map(({ definition }) => ({
      ...describeTool(definition),
      description: '',
    }));
    const hints = (read: boolean, destroy: boolean, same: boolean, open: boolean) => ({
      readOnlyHint: read,
      destructiveHint: destroy,
      idempotentHint: same,
      openWorldHint: open,
    });
    const entry = (stem: string, title: string, annotations: object) => ({
      description: '',
      action_type: `${stem}Action`,
      observation_type: `${stem}Observation`,
      annotations,
      kind: `${stem}Tool`,
      title,
    });
    const expected = [
      entry('Terminal', 'terminal', { title: 'terminal', ...hints(false, true, false, true) }),
      entry('FileEditor', 'file_editor', { title: 'file_editor', ...hints(false, true, false, false) }),
      entry('TaskTracker', 'task_tracker', hints(false, false, true, false)),
      entry('Finish', 'finish', { title: 'finish', ...hints(true, false, true, false) }),
      entry('Think', 'think', hints(true, false, true, false)),
    ];
    expect(JSON.stringify(described)).toBe(JSON.stringify(expected));
  });
});
