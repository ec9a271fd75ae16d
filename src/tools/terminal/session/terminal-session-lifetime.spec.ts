import { readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { output, SOON, Terminals, WATCH } from '../../../../test/support/terminals.js';
import type { TerminalSession, TerminalSessionOptions } from './terminal-session.js';

let terminals: Terminals;
let folder: string;

beforeEach(async () => {
  terminals = await Terminals.inNewFolder();
  ({ folder } = terminals);
});

afterEach(() => terminals.close());

const open = (options?: Partial<TerminalSessionOptions>): TerminalSession => terminals.open(options);

/** The processes in a directory: all processes of a session that did not change their directory. */
async function processesIn(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const directories = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, index) => directories[index] === directory);
}

describe('the environment of a terminal session', () => {
  it('contains only allowed variables and those of the caller', async () => {
    const secrets = {
      SESSION_API_KEY: 'k1',
      OH_SESSION_API_KEYS_0: 'k2',
      OH_SECRET_KEY: 'k3',
      MY_CLOUD_TOKEN: 'k4',
    };
    Object.assign(process.env, secrets);
    try {
      const session = open({ env: { MINE: 'yes', OH_MINE: 'no' } });
      const names = (await output(session, 'env -0 | tr "\\0" "\\n" | cut -d= -f1')).split('\n');
      expect(names).toEqual(
        expect.arrayContaining(['PATH', 'MINE', 'AI_AGENT', 'PAGER', 'GIT_PAGER', 'TERM']),
      );
      expect(names.filter((name) => /^OH_|SESSION_API|MY_CLOUD/.test(name))).toEqual([]);
      expect(await output(session, 'echo $AI_AGENT $PAGER $GIT_PAGER $MINE')).toBe('openhands cat cat yes');
    } finally {
      for (const name of Object.keys(secrets)) Reflect.deleteProperty(process.env, name);
    }
  });

  it('accepts variables later and keeps $?', async () => {
    const session = open();
    await output(session, '(exit 9)');
    await session.exportVariables({ TOKEN: "a'b\n$c", 'NOT-A-NAME': 'x' });
    expect(await output(session, 'echo $?')).toBe('9');
    expect(await output(session, 'bash -c \'printf %s "$TOKEN"\'')).toBe("a'b\n$c");
  });

  it('accepts variables that are too large for programs, which start without them', async () => {
    const session = open();
    // The largest size for programs, and a larger one; LARG was exported before; UID is read-only.
    const fits = 'x'.repeat(128 * 1024 - 'FITS=\0'.length);
    await session.exportVariables({ LARG: 'was small' });
    await session.exportVariables({ UID: `${fits}xx`, FITS: fits, LARG: `${fits}x`, SMALL: 'small' });
    expect(await output(session, `bash -c 'echo \${#FITS} \${#LARG} $SMALL'; echo \${#LARG}`)).toBe(
      `${fits.length} 0 small\n${fits.length + 1}`,
    );
  });

  it('reads no start-up files and writes no history file', async () => {
    for (const name of ['.bashrc', '.bash_profile', '.profile'])
      await writeFile(path.join(folder, name), 'exit 9\n');
    const session = open({ env: { HOME: folder } });
    expect(await output(session, 'echo ~')).toBe(folder);
    await session.reset();
    await expect(readFile(path.join(folder, '.bash_history'))).rejects.toThrow('ENOENT');
  });
});

describe('a terminal session', () => {
  it('reports a missing directory and starts once it exists', async () => {
    const workingDir = path.join(folder, 'later');
    const session = open({ workingDir });
    await expect(session.run('true', WATCH)).rejects.toThrow(`${workingDir} does not exist`);
    await symlink(folder, workingDir);
    expect(await output(session, 'pwd')).toBe(workingDir);
  });

  it('reports a missing shell and one that is not bash', async () => {
    await expect(open({ shellPath: '/no/such/bash' }).run('true', WATCH)).rejects.toThrow(
      'Cannot start the shell',
    );
    await expect(open({ shellPath: '/bin/true' }).run('true', WATCH)).rejects.toThrow(
      'Cannot start the shell',
    );
  });

  it('starts a new shell on reset', async () => {
    const session = open();
    await session.run('export A=1; cd /; sleep 100', SOON);
    await session.reset();
    expect(session.status).toBe('idle');
    expect(await output(session, 'echo "[$A] $?"; pwd')).toBe(`[] 0\n${folder}`);
  });

  it('ends all its processes when it is closed', async () => {
    const session = open();
    const commands = [
      'sleep 1000 &',
      'nohup sleep 1000 > /dev/null 2>&1 &',
      'setsid sleep 1000 < /dev/null > /dev/null 2>&1 &',
      'setsid -f bash -c "trap \'\' TERM HUP INT; sleep 1000 & echo \\$! \\$\\$ > detached; wait"',
      '(sleep 1000 & disown; sleep 1000) & kill -STOP $!',
      'exec env -i sleep 1000 &',
    ];
    await session.run(`${commands.join('\n')}\nsleep 1000`, SOON);
    while (!(await readFile(path.join(folder, 'detached'), 'utf8').catch(() => ''))) await delay(10);
    // The shell, its foreground process, and at least one process for each command.
    expect((await processesIn(folder)).length).toBeGreaterThanOrEqual(commands.length + 2);
    await Promise.all([session.close(), session.close()]);
    expect(await processesIn(folder)).toEqual([]);
    await expect(session.run('true', WATCH)).rejects.toThrow('closed');
  });

  it('ends processes that outlived their shell', async () => {
    const session = open();
    await output(session, 'setsid -f bash -c "echo \\$\\$ > pid; exec sleep 1000"');
    const report = await session.run('while ! [ -s pid ]; do :; done; nohup sleep 1000 & exit', WATCH);
    expect(report.outcome).toBe('ended');
    expect((await processesIn(folder)).length).toBeGreaterThan(0);
    await session.close();
    expect(await processesIn(folder)).toEqual([]);
  });

  it('a terminal session can be closed before, during and after its start', async () => {
    await open().close();
    const session = open();
    const running = session.run('echo x', WATCH).catch((error: unknown) => error);
    await session.close();
    await running;
    expect(await session.run('true', WATCH).catch((error: unknown) => error)).toBeInstanceOf(Error);
  });

  it('notifies a watcher when it is closed', async () => {
    const session = open();
    await session.run('sleep 1000', SOON);
    const watching = session.watch(WATCH);
    await session.close();
    expect((await watching).outcome).toBe('ended');
  });
});
