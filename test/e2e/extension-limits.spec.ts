import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { anyCharacter } from '../support/any-character.js';
import { commitAll, runGit, skillText, writeFiles } from '../support/extension-files.js';
import { containing, SettingsFixture, type Json } from '../support/settings-fixture.js';

const run = promisify(execFile);

describe('limits on installed extensions', () => {
  let fixture: SettingsFixture;
  beforeAll(async () => (fixture = await SettingsFixture.start({ OH_GITHUB_URL: 'file:///nowhere' })));
  afterAll(() => fixture.stop());

  const install = (body: Json) => fixture.ask('POST', '/api/skills/install', body);

  it('refuses a repository that would fill the disk before unpacking it', async () => {
    const folder = path.join(fixture.folder, 'bomb');
    await writeFiles(folder, { 'SKILL.md': skillText('bomb', 'x') });
    await commitAll(folder);
    const blob = await runGit(folder, 'rev-parse', 'HEAD:SKILL.md');
    let entry = `100644 blob ${blob}`;
    // Ten million files in a few kilobytes. Their names are long: the limit is one on bytes of paths.
    const name = 'f'.repeat(100);
    for (let level = 0; level < 7; level++) {
      const lines = Array.from({ length: 10 }, (_, n) => `${entry}\t${name}${n}`).join('\n');
      await writeFile(path.join(folder, 'tree.txt'), `${lines}\n`);
      entry = `040000 tree ${await runGit(folder, '-c', 'alias.tree=!git mktree < tree.txt', 'tree')}`;
    }
    const tree = entry.split(' ')[2] ?? '';
    const commit = await runGit(folder, 'commit-tree', '-m', 'bomb', tree);
    await runGit(folder, 'update-ref', 'refs/heads/bomb', commit);
    const answer = await install({ source: `file://${folder}`, ref: 'bomb' });
    expect(answer).toEqual({
      status: 400,
      body: { detail: containing('the repository has too many files') },
    });
    expect(await readdir(path.join(fixture.root, 'cache/installing'))).toEqual([]);
  });

  it('refuses a folder with more files than allowed', async () => {
    const folder = path.join(fixture.folder, 'many');
    await writeFiles(folder, { 'SKILL.md': skillText('many', 'x') });
    await run('sh', ['-c', 'seq -f f%g 10000 | xargs touch'], { cwd: folder });
    expect((await install({ source: folder })).body).toEqual({ detail: containing('more than 10000 files') });
    expect((await install({ source: '/proc' })).status).toBeGreaterThanOrEqual(400);
    expect((await install({ source: '/proc' })).status).toBeLessThan(500);
  });

  it('answers 504 when a git host does not respond', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    const source = `git://127.0.0.1:${address.port}/x.git`;
    const { status, body } = await fixture.ask('POST', '/api/plugins/fetch', { source, timeout: 1 });
    expect([status, body['exception']]).toEqual([504, containing('source_timeout')]);
    silent.close();
  });

  it('installs a skill once for concurrent requests', async () => {
    await writeFiles(fixture.folder, { 'same/SKILL.md': skillText('same', 'x') });
    const source = path.join(fixture.folder, 'same');
    const answers = await Promise.all(Array.from({ length: 5 }, () => install({ source })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    const forced = await Promise.all(Array.from({ length: 5 }, () => install({ source, force: true })));
    expect(forced.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await readdir(path.join(fixture.root, 'skills/installed/same'))).toEqual(['SKILL.md']);
    expect(await readdir(path.join(fixture.root, 'cache/installing'))).toEqual([]);
  });

  it('never answers an install request with a server error', async () => {
    const word = fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 60 }),
      fc.constantFrom(
        'github:',
        'github:a/b',
        'github:../..',
        'file://',
        'file:///',
        'git@h:x',
        './',
        '~',
        '-u',
        '\0',
      ),
    );
    const request = fc.record({
      source: fc.tuple(word, word).map((words) => words.join('')),
      ref: fc.option(word),
      repo_path: fc.option(word),
      force: fc.boolean(),
    });
    const kinds = fc.constantFrom('skills', 'plugins', 'canvas-extensions');
    const isHarmless = ({ source }: { source: string }) => !/^(https?|ssh|git):|@|^[~/.]/i.test(source);
    await fc.assert(
      fc.asyncProperty(kinds, request.filter(isHarmless), async (kind, body) => {
        const { status } = await fixture.ask('POST', `/api/${kind}/install`, body);
        expect([400, 409, 422]).toContain(status);
      }),
      { numRuns: 60, seed: 8 },
    );
  });
});
