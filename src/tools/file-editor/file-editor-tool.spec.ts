import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Action, Observation } from '../../events/index.js';
import { resolveToolCall } from '../arguments/resolve-tool-call.js';
import type { Tool } from '../tool.js';
import { fileEditorDefinition } from './file-editor-tool.js';

/** A call of a sequence, and the original's result, with `/workspace` for the workspace. */
interface RecordedCase {
  arguments: string;
  action: Action;
  observation: Observation;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../../test/recorded/file-editor-cases.json', import.meta.url), 'utf8'),
) as RecordedCase[];

/** A PNG of one pixel, the same as in the recording. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let root: string;
let workspace: string;
let tool: Tool;

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'file-editor-'));
  workspace = path.join(root, 'w');
  await mkdir(path.join(workspace, 'sub'), { recursive: true });
  await mkdir(path.join(workspace, '.git'));
  await writeFile(path.join(workspace, 'a.txt'), 'one\ntwo\ntwo\nthree\n');
  await writeFile(path.join(workspace, 'sub', 'b.txt'), 'b\n');
  await writeFile(
    path.join(workspace, 'bin.dat'),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  );
  await writeFile(path.join(workspace, 'p.png'), Buffer.from(PIXEL, 'base64'));
  const folder = path.join(root, 'conversation');
  tool = fileEditorDefinition.create(
    { conversationId: 'c', workingDir: workspace, folder, shownFolder: 'c' },
    {},
  );
});

afterAll(async () => {
  await tool.close();
  await rm(root, { recursive: true });
});

/** Masks the random name of a temporary file, which the error about a failed write contains. */
const withoutRandom = (text: string): string => text.replace(/\.[0-9a-z_]{8}\.tmp/g, '.<random>.tmp');

describe('the file editor answers a recorded sequence of calls as the original does', () => {
  it.each(recorded.map((record) => [record.arguments, record] as const))('%s', async (_title, record) => {
    const toActual = (text: string): string => text.replaceAll('/workspace', workspace);
    const toRecorded = (value: unknown): unknown =>
      JSON.parse(withoutRandom(JSON.stringify(value)).replaceAll(workspace, '/workspace'));
    const tools = new Map([['file_editor', tool]]);
    const call = { name: 'file_editor', arguments: toActual(record.arguments) };
    const resolved = resolveToolCall(tools, call, { analyzer: false });
    if (resolved.kind !== 'valid') throw new Error(resolved.error);
    const { invocation } = resolved;
    expect(JSON.stringify(toRecorded(invocation.action))).toBe(JSON.stringify(record.action));
    const observation = await invocation.execute({ signal: AbortSignal.abort() });
    const expected: unknown = JSON.parse(withoutRandom(JSON.stringify(record.observation)));
    expect(toRecorded(observation)).toEqual(expected);
    expect(JSON.stringify(toRecorded(observation))).toBe(JSON.stringify(expected));
  });

  it('has applied the recorded edits', async () => {
    expect(await readFile(path.join(workspace, 'a.txt'), 'utf8')).toBe('ONE\ntwo\ntwo\nthree\n');
  });
});

describe('an invocation of the file editor', () => {
  it('locks its file and resolves relative paths in the workspace', () => {
    const touched = (file: string) => tool.prepare({ command: 'create', path: file }).touches();
    expect(touched('/x//y/./z/')).toEqual([{ kind: 'file', key: '/x/y/z' }]);
    expect(touched('/x/../y')).toEqual([{ kind: 'file', key: '/y' }]);
    expect(touched('a.txt')).toEqual([{ kind: 'file', key: path.join(workspace, 'a.txt') }]);
    expect(tool.prepare({ command: 'view', path: '/x' }).touches()).toEqual([
      { kind: 'file', key: '/x', isOnlyRead: true },
    ]);
  });
});
