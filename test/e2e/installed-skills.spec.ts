import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bareCopy, commitAll, runGit, skillText, writeFiles } from '../support/extension-files.js';
import { asJson, at, containing, SettingsFixture, type Json } from '../support/settings-fixture.js';

describe('installed skills', () => {
  let fixture: SettingsFixture;
  /** The repositories of github.com, for this server. */
  let hub: string;
  /** The folder of a test. */
  let folder: string;
  let source: string;
  beforeAll(async () => {
    hub = await mkdtemp(path.join(os.tmpdir(), 'hub-'));
    fixture = await SettingsFixture.start({ OH_GITHUB_URL: `file://${hub}` });
  });
  beforeEach(async () => {
    await fixture.clear();
    folder = await mkdtemp(path.join(fixture.folder, 'test-'));
    source = path.join(folder, 'source');
    await writeFiles(source, {
      'my-skill/SKILL.md': skillText('my-skill', 'first'),
      'my-skill/scripts/run.sh': 'x',
    });
    await chmod(path.join(source, 'my-skill/scripts/run.sh'), 0o755);
  });
  afterAll(async () => {
    await fixture.stop();
    await rm(hub, { recursive: true });
  });

  const install = (body: Json) => fixture.ask('POST', '/api/skills/install', body);
  const list = async () => (await fixture.done('GET', '/api/skills/installed'))['skills'];
  const installed = (name = 'my-skill') => path.join(fixture.root, 'skills', 'installed', name);
  const text = () => readFile(path.join(installed(), 'SKILL.md'), 'utf8');

  it('installs, lists, disables, refreshes and uninstalls a skill, and stores the file of the original', async () => {
    const moment: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}\+00:00$/);
    expect(await list()).toEqual([]);
    const { status, body } = await install({ source, repo_path: 'my-skill' });
    expect(status).toBe(200);
    expect(body).toEqual({
      name: 'my-skill',
      version: '1.0.0',
      description: 'About my-skill',
      enabled: true,
      source,
      resolved_ref: null,
      repo_path: 'my-skill',
      installed_at: moment,
      install_path: installed(),
    });
    expect((await stat(path.join(installed(), 'scripts/run.sh'))).mode & 0o777).toBe(0o755);
    expect(await install({ source, repo_path: 'my-skill' })).toEqual({
      status: 409,
      body: { detail: 'Skill already installed. Use force=true to overwrite.' },
    });
    const one = '/api/skills/installed/my-skill';
    expect(await fixture.done('PATCH', one, { enabled: false })).toEqual({
      name: 'my-skill',
      enabled: false,
    });
    await writeFiles(source, { 'my-skill/SKILL.md': skillText('my-skill', 'second') });
    const again = await fixture.done('POST', `${one}/refresh`);
    expect(again).toMatchObject({
      message: "Skill 'my-skill' updated",
      skill: { enabled: false, repo_path: 'my-skill' },
    });
    expect(await text()).toContain('second');
    expect(asJson(await fixture.file('skills/installed/.installed.json'))).toEqual({
      extensions: { 'my-skill': { ...asJson(again['skill']), requested_ref: null } },
    });
    expect(
      Object.keys(
        asJson(at(await fixture.file('skills/installed/.installed.json'), 'extensions', 'my-skill')),
      ),
    ).toEqual([
      ...[
        'name',
        'version',
        'description',
        'enabled',
        'source',
        'requested_ref',
        'resolved_ref',
        'repo_path',
      ],
      ...['installed_at', 'install_path'],
    ]);
    expect(await list()).toEqual([again['skill']]);
    expect(await fixture.done('GET', one)).toEqual(again['skill']);
    expect(await fixture.done('DELETE', one)).toEqual({ message: "Skill 'my-skill' uninstalled" });
    await expect(stat(installed())).rejects.toThrow('ENOENT');
    for (const [method, route, body] of [
      ['GET', one, undefined],
      ['PATCH', one, { enabled: true }],
      ['DELETE', one, undefined],
      ['POST', `${one}/refresh`, undefined],
    ] as const) {
      expect(await fixture.ask(method, route, body)).toEqual({
        status: 404,
        body: { detail: "Skill 'my-skill' is not installed" },
      });
    }
  });

  it('offers installed skills to agents while they are enabled', async () => {
    await install({ source, repo_path: 'my-skill' });
    const names = async () => {
      const { skills } = await fixture.done('POST', '/api/skills', { load_public: false });
      return Array.isArray(skills) ? skills.map((skill: unknown) => at(skill, 'name')) : [];
    };
    expect(await names()).toEqual(['my-skill']);
    await fixture.done('PATCH', '/api/skills/installed/my-skill', { enabled: false });
    expect(await names()).toEqual([]);
  });

  it('installs from a branch, a tag, a commit, and from github:owner/repository with or without a folder', async () => {
    const first = await commitAll(source);
    await runGit(source, 'tag', 'v1');
    await writeFiles(source, { 'my-skill/SKILL.md': skillText('my-skill', 'second') });
    await runGit(source, 'checkout', '-q', '-b', 'next');
    const second = await commitAll(source);
    const bare = path.join(hub, 'owner', 'skills.git');
    await bareCopy(source, bare);
    const address = `file://${bare}`;
    for (const [from, commit, body] of [
      [{ source: address, ref: 'next', repo_path: 'my-skill' }, second, 'second'],
      [{ source: address, ref: 'v1', repo_path: 'my-skill' }, first, 'first'],
      [{ source: address, ref: second, repo_path: 'my-skill' }, second, 'second'],
      [{ source: 'github:owner/skills', ref: 'v1', repo_path: 'my-skill' }, first, 'first'],
      [{ source: 'github:owner/skills/my-skill', ref: 'main' }, first, 'first'],
    ] as const) {
      const answer = await install({ ...from, force: true });
      expect(answer).toMatchObject({ status: 200, body: { source: from.source, resolved_ref: commit } });
      expect(await text()).toContain(body);
    }
    await expect(stat(path.join(installed(), '.git'))).rejects.toThrow('ENOENT');
    // The branch gets a newer commit.
    await runGit(bare, 'update-ref', 'refs/heads/main', second);
    const { skill } = await fixture.done('POST', '/api/skills/installed/my-skill/refresh');
    expect(skill).toMatchObject({ resolved_ref: second });
    expect(await text()).toContain('second');
    // A repository that is a skill itself.
    await bareCopy(
      await repositoryOf('alone', { 'SKILL.md': skillText('single', 'x') }),
      path.join(folder, 'other.git'),
    );
    expect(await install({ source: `file://${folder}/other.git` })).toMatchObject({
      body: { name: 'single' },
    });
    // A refresh that fails keeps the installed skill.
    await rm(bare, { recursive: true });
    expect((await fixture.ask('POST', '/api/skills/installed/my-skill/refresh')).status).toBe(400);
    expect(await text()).toContain('second');
  });

  async function repositoryOf(name: string, files: Record<string, string>): Promise<string> {
    const repository = path.join(folder, name);
    await writeFiles(repository, files);
    await commitAll(repository);
    return repository;
  }

  it('rejects sources that cannot be fetched, hold no valid skill or are too large', async () => {
    await writeFiles(source, { 'wrong/SKILL.md': skillText('other', 'x'), 'empty/README.md': 'x' });
    const large = path.join(source, 'large');
    await writeFiles(large, { 'SKILL.md': skillText('large', 'x') });
    await writeFile(path.join(large, 'sparse'), '');
    await truncate(path.join(large, 'sparse'), 300 * 1024 * 1024);
    const unavailable = containing('Failed to fetch skill source. Check that the source is valid.');
    const invalid = containing('Invalid skill. Ensure the source contains a valid SKILL.md.');
    for (const [body, status, detail] of [
      [{ source: '/nowhere/at/all' }, 400, unavailable],
      [{ source: 'nonsense' }, 400, unavailable],
      [{ source, repo_path: '../source/my-skill/../../..' }, 400, unavailable],
      [{ source, repo_path: '/etc' }, 400, unavailable],
      [{ source: path.join(source, 'my-skill', 'SKILL.md') }, 400, unavailable],
      [{ source: 'ext::sh -c "touch /tmp/pwned"' }, 400, unavailable],
      [{ source: '--upload-pack=touch /tmp/pwned' }, 400, unavailable],
      [{ source: 'ssh://-oProxyCommand=touch/x' }, 400, unavailable],
      [{ source: `file://${source}`, ref: '--upload-pack=x' }, 400, unavailable],
      [{ source: `file://${source}`, ref: 'HEAD:refs/heads/x' }, 400, unavailable],
      [{ source: `file://${source}/none.git` }, 400, unavailable],
      [{ source: 'a\0b' }, 400, unavailable],
      [{ source: path.join(source, 'wrong') }, 422, invalid],
      [{ source: path.join(source, 'empty') }, 422, invalid],
      [{ source: large }, 422, invalid],
    ] as const) {
      expect(await install(body)).toEqual({ status, body: { detail } });
    }
    expect((await install({ source: '' })).status).toBe(422);
    expect((await fixture.ask('GET', '/api/skills/installed/Bad_Name')).body).toEqual({
      detail: [
        {
          type: 'string_pattern_mismatch',
          loc: ['path', 'skill_name'],
          msg: "String should match pattern '^[a-z0-9]+(-[a-z0-9]+)*$'",
          input: 'Bad_Name',
          ctx: { pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' },
        },
      ],
    });
    expect(await list()).toEqual([]);
    expect(await readdir(path.join(fixture.root, 'cache', 'installing'))).toEqual([]);
  });

  it('copies no links that lead out of the source, and runs nothing of a hostile repository', async () => {
    const skill = path.join(source, 'my-skill');
    const marker = path.join(folder, 'ran');
    await writeFile(path.join(folder, 'outside'), 'a secret of somebody else');
    await symlink(path.join(folder, 'outside'), path.join(skill, 'file-link'));
    await symlink(folder, path.join(skill, 'folder-link'));
    await symlink('.', path.join(skill, 'circle'));
    await symlink('SKILL.md', path.join(skill, 'inner-link'));
    await writeFiles(source, { '.gitattributes': '* filter=evil\n' });
    await commitAll(source);
    await writeFiles(source, { '.git/hooks/post-checkout': `#!/bin/sh\ntouch ${marker}\n` });
    await chmod(path.join(source, '.git/hooks/post-checkout'), 0o755);
    await runGit(source, 'config', 'filter.evil.smudge', `touch ${marker}`);
    await runGit(source, 'config', 'uploadpack.packObjectsHook', `touch ${marker};`);
    await runGit(source, 'config', 'core.fsmonitor', `touch ${marker}`);
    for (const from of [{ source }, { source: `file://${source}` }]) {
      expect(await install({ ...from, repo_path: 'my-skill', force: true })).toMatchObject({ status: 200 });
      expect((await readdir(installed())).sort()).toEqual(['SKILL.md', 'inner-link', 'scripts']);
      expect((await stat(path.join(installed(), 'inner-link'))).isFile()).toBe(true);
    }
    await expect(stat(marker)).rejects.toThrow('ENOENT');
    await fixture.server.logs(/my-skill.*skipped.*file-link/);
    // A manifest that is a link out of its folder.
    const liar = path.join(folder, 'liar');
    await mkdir(liar);
    await symlink(path.join(skill, 'SKILL.md'), path.join(liar, 'SKILL.md'));
    expect((await install({ source: liar })).status).toBe(422);
  });

  it('adopts skills that were added by hand, hides passwords, and does not overwrite a broken list', async () => {
    await writeFiles(path.join(fixture.root, 'skills/installed'), {
      'by-hand/SKILL.md': skillText('by-hand', 'x'),
      'not-one/README.md': 'x',
      '.hidden/SKILL.md': skillText('hidden', 'x'),
    });
    expect(await list()).toMatchObject([{ name: 'by-hand', source: 'local', enabled: true }]);
    const failed = await install({ source: 'http://me:hush-hush@127.0.0.1:9/x.git' });
    expect(failed.status).toBe(400);
    expect(JSON.stringify(failed.body) + fixture.server.log).not.toContain('hush');
    const file = path.join(fixture.root, 'skills/installed/.installed.json');
    const entry = asJson(at(await fixture.file('skills/installed/.installed.json'), 'extensions', 'by-hand'));
    const extensions = { 'by-hand': { ...entry, source: 'https://me:hush-hush@host.test/x' }, gone: entry };
    await writeFile(file, JSON.stringify({ extensions, other: 1 }));
    expect(await list()).toMatchObject([{ name: 'by-hand', source: 'https://****@host.test/x' }]);
    await fixture.done('PATCH', '/api/skills/installed/by-hand', { enabled: false });
    expect(await fixture.file('skills/installed/.installed.json')).toMatchObject({ other: 1 });
    await writeFile(file, '{ broken');
    expect((await fixture.ask('GET', '/api/skills/installed')).status).toBe(409);
    expect((await install({ source, repo_path: 'my-skill' })).status).toBe(409);
    expect(await readFile(file, 'utf8')).toBe('{ broken');
  });

  it('has either the old or the new skill after the server was killed while installing', async () => {
    await install({ source, repo_path: 'my-skill' });
    // The state after a crash between the two renames.
    const waiting = path.join(fixture.root, 'cache/installing/replaced-skills--my-skill');
    await mkdir(path.dirname(waiting), { recursive: true });
    await rename(installed(), waiting);
    expect(await list()).toMatchObject([{ name: 'my-skill' }]);
    expect(await text()).toContain('first');

    await writeFiles(
      source,
      Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`my-skill/f${n}`, 'x'])),
    );
    for (let round = 0; round < 3; round++) {
      const going = install({ source, repo_path: 'my-skill', force: true }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5 + 15 * round));
      await fixture.restart('SIGKILL');
      await going;
      expect(await list()).toMatchObject([{ name: 'my-skill' }]);
      expect([2, 302]).toContain((await readdir(installed())).length);
    }
  });
});
