import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Observation } from '../../events/index.js';
import { planningFileEditorDefinition } from './planning-editor-tool.js';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'planning-')));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (args: Record<string, unknown>): Promise<Observation> => {
  const host = { conversationId: 'c', workingDir: folder, folder: path.join(folder, 'c'), shownFolder: 'c' };
  const tool = planningFileEditorDefinition.create(host, {});
  return tool.prepare(args).execute({ signal: new AbortController().signal });
};

describe('planning_file_editor', () => {
  it('views all files and refuses to edit other files than the plan', async () => {
    const file = path.join(folder, 'a.txt');
    await writeFile(file, 'A\n');
    expect(await run({ command: 'view', path: file })).toEqual({
      content: [
        {
          cache_prompt: false,
          type: 'text',
          text: `Here's the result of running \`cat -n\` on ${file}:\n     1\tA\n`,
        },
      ],
      is_error: false,
      command: 'view',
      path: file,
      prev_exist: true,
      kind: 'PlanningFileEditorObservation',
    });
    for (const name of ['b.txt', 'PLAN.md', '.agents_tmp/../b.txt']) {
      const refused = path.join(folder, name);
      expect(await run({ command: 'create', path: `${folder}/${name}`, file_text: 'x' })).toMatchObject({
        content: [
          {
            text:
              `Operation 'create' is not allowed on file '${folder}/${name}'. Only the following files can be ` +
              `edited: ['${folder}/.agents_tmp/PLAN.md']`,
          },
        ],
        is_error: true,
        command: 'create',
        prev_exist: true,
      });
      await expect(readFile(refused)).rejects.toThrow('ENOENT');
    }
  });

  it('creates the plan with headings, edits it and omits contents from observations', async () => {
    const plan = path.join(folder, '.agents_tmp/PLAN.md');
    const edited = await run({
      command: 'str_replace',
      path: plan,
      old_str: '# 1. OBJECTIVE\n',
      new_str: '# 1. OBJECTIVE\nwin\n',
    });
    expect(edited).toMatchObject({ is_error: false, path: plan, prev_exist: true });
    expect(edited).not.toHaveProperty('new_content');
    expect(await readFile(plan, 'utf8')).toMatch(
      /^# 1\. OBJECTIVE\nwin\n\n# 2\. CONTEXT SUMMARY\n[^]*# 5\. TESTING AND VALIDATION\n$/,
    );
    expect(await run({ command: 'undo_edit', path: plan })).toMatchObject({ is_error: false });
    expect(await readFile(plan, 'utf8')).not.toContain('win');
  });

  it('keeps using a plan in the root of the workspace', async () => {
    const legacy = path.join(folder, 'PLAN.md');
    await writeFile(legacy, '# plan\n');
    expect(await run({ command: 'insert', path: legacy, insert_line: 1, new_str: 'more' })).toMatchObject({
      is_error: false,
    });
    const other = path.join(folder, '.agents_tmp/PLAN.md');
    expect(await run({ command: 'create', path: other, file_text: 'x' })).toMatchObject({ is_error: true });
  });
});
