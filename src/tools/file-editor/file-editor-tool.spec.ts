import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Action, Observation } from '../../events/index.js';
import { resolveToolCall } from '../arguments/resolve-tool-call.js';
import type { Tool } from '../tool.js';
import { fileEditorDefinition } from './file-editor-tool.js';

/** What the original answered to a sequence of calls; the workspace stands as `/workspace`. */
interface RecordedCase {
  arguments: string;
  action: Action;
  observation: Observation;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../../test/recorded/file-editor-cases.json', import.meta.url), 'utf8'),
) as RecordedCase[];

/** A PNG of one pixel, as recorded. */
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

/** The temporary file beside the target has a random name, which the text about a failed write shows. */
const withoutRandom = (text: string): string => text.replace(/\.[0-9a-z_]{8}\.tmp/g, '.<random>.tmp');

describe('the file editor, call after call as recorded', () => {
  it.each(recorded.map((record) => [record.arguments, record] as const))('%s', async (_title, record) => {
    const here = (text: string): string => text.replaceAll('/workspace', workspace);
    const back = (value: unknown): unknown =>
      JSON.parse(withoutRandom(JSON.stringify(value)).replaceAll(workspace, '/workspace'));
    const tools = new Map([['file_editor', tool]]);
    const call = { name: 'file_editor', arguments: here(record.arguments) };
    const resolved = resolveToolCall(tools, call, { analyzer: false });
    if (resolved.kind !== 'valid') throw new Error(resolved.error);
    const { invocation } = resolved;
    expect(JSON.stringify(back(invocation.action))).toBe(JSON.stringify(record.action));
    const observation = await invocation.execute({ signal: AbortSignal.abort() });
    const expected: unknown = JSON.parse(withoutRandom(JSON.stringify(record.observation)));
    expect(back(observation)).toEqual(expected);
    expect(JSON.stringify(back(observation))).toBe(JSON.stringify(expected));
  });

  it('leaves nothing but the files behind', async () => {
    expect(await readFile(path.join(workspace, 'a.txt'), 'utf8')).toBe('ONE\ntwo\ntwo\nthree\n');
  });
});

describe('an invocation of the file editor', () => {
  it('touches its file, relative ones inside the workspace', () => {
    const touched = (file: string) => tool.prepare({ command: 'view', path: file }).touches();
    expect(touched('/x//y/./z/')).toEqual([{ kind: 'file', key: '/x/y/z' }]);
    expect(touched('/x/../y')).toEqual([{ kind: 'file', key: '/y' }]);
    expect(touched('a.txt')).toEqual([{ kind: 'file', key: path.join(workspace, 'a.txt') }]);
  });
});
