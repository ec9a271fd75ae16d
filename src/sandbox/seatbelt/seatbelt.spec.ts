import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ConfinementScope } from '../sandbox.js';
import { RealPaths } from '../real-paths.js';
import { ServerFiles } from '../server-files.js';
import { SeatbeltConfinement } from './seatbelt-sandbox.js';

describe('a profile for macOS', () => {
  let root: string;
  let server: ServerFiles;
  const at = (...names: string[]): string => path.join(root, ...names);
  beforeEach(async () => {
    root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'seatbelt-')));
    for (const name of ['conversations/one', 'bash', 'home', 'work'])
      await mkdir(at(name), { recursive: true });
    await writeFile(at('k"ey'), 'secret');
    const paths = { conversations: at('conversations'), bashEvents: at('bash') };
    const config = { base_dir: root, paths, secretFiles: [at('k"ey')] } as unknown as ConstructorParameters<
      typeof ServerFiles
    >[0];
    process.env['OH_PERSISTENCE_DIR'] = at('persistence');
    server = new ServerFiles(config);
  });
  afterEach(async () => {
    delete process.env['OH_PERSISTENCE_DIR'];
    await rm(root, { recursive: true });
  });

  const confinement = (mode: 'guarded' | 'workspace', isOn = false): SeatbeltConfinement => {
    const scope: ConfinementScope = { workspace: at('work'), folder: at('conversations/one') };
    const configured = { readable: [at('read')], writable: [at('cache')] };
    const network = { isOn, explanation: '' };
    const paths = new RealPaths();
    const tools = { program: '/bin/sandbox', server, configured, network, paths };
    return new SeatbeltConfinement(mode, tools, scope);
  };
  const profileOf = (it: SeatbeltConfinement): string[] => {
    const { file, args } = it.program({ file: '/bin/sh', args: ['-c', 'x'], cwd: at('work'), env: {} });
    expect([file, args[0], ...args.slice(2)]).toEqual(['/bin/sandbox', '-p', '/bin/sh', '-c', 'x']);
    return (args[1] ?? '').split('\n');
  };
  /** The last rule of a profile for an operation that names a path itself. */
  const effect = (lines: string[], operation: string, file: string): string | undefined =>
    lines.findLast((line) => line.includes(` ${operation} `) && line.includes(`"${file}"`))?.slice(1, 6);

  it('hides the files, sockets and processes of the server in the mode "guarded"', () => {
    const lines = profileOf(confinement('guarded'));
    expect(lines.slice(0, 2)).toEqual(['(version 1)', '(allow default)']);
    for (const file of [at('conversations'), at('bash'), at('persistence'), at('k\\"ey')]) {
      expect([file, effect(lines, 'file*', file)]).toEqual([file, 'deny ']);
      expect(effect(lines, 'network-outbound', file)).toBe('deny ');
    }
    expect(effect(lines, 'file-write-unlink', root)).toBe('deny ');
    expect(effect(lines, 'file-read*', at('conversations/one/observations'))).toBe('allow');
    expect(effect(lines, 'file-write*', at('conversations/one/observations'))).toBeUndefined();
    expect(lines).toContain('(deny signal)');
    expect(lines.join()).not.toMatch(/deny file-write\*|deny network\*/);
  });

  it('lets programs change the workspace and what is configured only, in the mode "workspace"', () => {
    const lines = profileOf(confinement('workspace'));
    const denied = lines.indexOf('(deny file-write*)');
    const allowed = lines.findIndex((line) => line.startsWith('(allow file-write*'));
    const hidden = lines.findIndex((line) => line.startsWith('(deny file* '));
    expect([denied > 0, allowed > denied, hidden > allowed]).toEqual([true, true, true]);
    for (const file of [at('work'), at('cache'), '/dev/null']) expect(lines[allowed]).toContain(`"${file}"`);
    expect(lines[allowed]).not.toContain(`"${at('read')}"`);
    expect(effect(lines, 'file-read*', at('read'))).toBe('allow');
    expect(effect(lines, 'file-write*', at('conversations/one/sandbox/home'))).toBe('allow');
    expect(effect(lines, 'file-read-data', os.homedir())).toBe('deny ');
    expect(lines).toContain('(deny network*)');
    expect(profileOf(confinement('workspace', true))).not.toContain('(deny network*)');
  });

  it('gives programs a home folder and a folder for temporary files of the conversation', () => {
    const start = { file: '/bin/sh', args: [], cwd: at('work'), env: { HOME: '/x', A: 'a' } };
    const own = at('conversations/one/sandbox');
    expect(confinement('workspace').program(start).env).toEqual({
      HOME: `${own}/home`,
      TMPDIR: `${own}/tmp`,
      A: 'a',
    });
    expect(confinement('guarded').program(start).env).toEqual(start.env);
  });

  it('has the same rules for file tools', () => {
    const rules = confinement('workspace').files;
    expect(rules.refusal(at('work/a'), 'write')).toBeUndefined();
    expect(rules.refusal(at('read/a'), 'read')).toBeUndefined();
    expect(rules.refusal('/usr/bin/env', 'read')).toBeUndefined();
    for (const [file, access] of [
      [at('read/a'), 'write'],
      ['/usr/bin/env', 'write'],
      [path.join(os.homedir(), '.profile'), 'read'],
      [at('persistence/settings.json'), 'read'],
      [at('k"ey'), 'read'],
    ] as const)
      expect([file, rules.refusal(file, access)]).toEqual([file, expect.any(String)]);
    expect(confinement('guarded').files.refusal('/usr/x', 'write')).toBeUndefined();
  });
});
