import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { anyCharacter } from '../../../../test/support/any-character.js';
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

describe('a command in a terminal session', () => {
  it('reports output, exit code and working directory', async () => {
    const session = open({ env: { PATH: process.env.PATH ?? '', HOME: folder } });
    const report = await session.run('echo out; echo err >&2; (exit 3)', WATCH);
    expect(report).toMatchObject({ outcome: 'completed', output: 'out\nerr', exitCode: 3 });
    expect(report.prompt).toMatchObject({ exitCode: 3, workingDir: folder, backgroundPid: -1 });
    expect(report.prompt?.username).not.toBe('');
    expect(report.prompt?.hostname).not.toBe('');
  });

  it('changes the state of the shell: directory, variables, functions, aliases, $?, jobs', async () => {
    const session = open();
    await output(
      session,
      'mkdir "a b" && cd "a b"; export A=1; B=2; f() { echo "f:$1"; }; alias g="echo g"; false',
    );
    expect(await output(session, 'echo $?')).toBe('1');
    expect(await output(session, "pwd; echo $A$B; f x; g; bash -c 'echo $A$B'")).toBe(
      `${folder}/a b\n12\nf:x\ng\n1`,
    );
    const started = await session.run('sleep 100 &', WATCH);
    expect(started.prompt?.backgroundPid).toBeGreaterThan(1);
    expect(await output(session, 'jobs')).toMatch(/^\[1\]\+ {2}Running +sleep 100 &$/);
    expect(await output(session, 'kill %1; wait; echo gone')).toContain('gone');
  });

  it.each([
    ['unicode', 'echo "grüße 你好 🚀"', 'grüße 你好 🚀'],
    ['history characters', 'echo "hi!! !x"', 'hi!! !x'],
    ['backslashes and tabs', "printf '%s|' 'a\\n\\\\b' 'c\td'", 'a\\n\\\\b|c\td|'],
    [
      'control characters',
      "printf %s '\x01\x03\x04\x11\x15\x16\x1a\x7f' | od -An -tx1",
      ' 01 03 04 11 15 16 1a 7f',
    ],
    ['a carriage return', "printf %s 'a\rb' | od -An -c", '   a  \\r   b'],
    ['quotes', `echo "a'b" 'c"d' $'e\\'f'`, `a'b c"d e'f`],
    ['a here-document', "cat <<'EOF'\n$x `y` \\\n\tz\nEOF", '$x `y` \\\n\tz'],
    ['several lines', 'for i in 1 2\ndo\n echo $i # one\ndone', '1\n2'],
    ['a comment', '# nothing\necho x # y', 'x'],
    ['no line end', 'printf abc', 'abc'],
    ['leading blanks', "printf '\\n  a\\n'", '\n  a'],
    ['nothing to run', ':', ''],
    ['a prompt in the output', 'echo "$PS1"', ''],
    ['our own code in the output', 'echo "$PROMPT_COMMAND" | wc -l', '1'],
    ['marker of another session', "printf '\\033]7331;abc;R;0;h;-1;u;h;p\\037/\\007x'", 'x'],
    ['beginning of a marker', "printf 'x\\033'", 'x'],
    ['a syntax error', 'echo "unclosed', 'bash: unexpected EOF while looking for matching `"\''],
    ['an unknown command', 'nosuchcommand', 'bash: nosuchcommand: command not found'],
    ['an aborting expansion', 'echo ${x:?is missing}; echo no', 'bash: x: is missing'],
  ])('a command in a terminal session may contain %s', async (_name, command, expected) => {
    const session = open();
    expect(await output(session, command)).toBe(expected);
    expect(await output(session, 'echo next')).toBe('next');
  });

  it.each([4000, 4095, 4096, 4097, 9000, 150_000])(
    'a command in a terminal session may be %d bytes long',
    async (length) => {
      const session = open();
      const start = "printf '%s' '";
      const end = "' | cksum; echo end";
      const filling = 'ab\\'.repeat(length).slice(0, length - start.length - end.length);
      await writeFile(path.join(folder, 'filling'), filling);
      const expected = await output(session, 'cksum < filling');
      expect(await output(session, start + filling + end)).toBe(`${expected}\nend`);
    },
  );

  it('a command in a terminal session may contain any quoted text', async () => {
    const session = open();
    const text = fc
      .string({ unit: anyCharacter, minLength: 1, maxLength: 40 })
      .filter((word) => !word.includes('\0'));
    await fc.assert(
      fc.asyncProperty(text, async (word) => {
        await output(session, `printf %s '${word.replaceAll("'", `'\\''`)}' > word`);
        expect(await readFile(path.join(folder, 'word'))).toEqual(Buffer.from(word));
      }),
      { numRuns: 100 },
    );
  });

  it('a command in a terminal session may print thousands of lines', async () => {
    const lines = (await output(open(), 'seq 1 5000')).split('\n');
    expect(lines).toHaveLength(5000);
    expect([lines[0], lines[4999]]).toEqual(['1', '5000']);
  });

  it('keeps the last 10,000 lines and reports the truncation', async () => {
    const report = await open().run('seq 1 30000', WATCH);
    expect(report.remainingLines).toBe(10_000);
    expect(report.output.split('\n').at(-1)).toBe('30000');
  });

  it('a command in a terminal session may print 100 MB without exhausting memory or blocking the event loop', async () => {
    const session = open();
    await output(session, 'true');
    const before = process.memoryUsage().rss;
    // The processor time between two turns of the event loop: a busy machine does not change it.
    let last = process.cpuUsage();
    let longest = 0;
    const ticks = setInterval(() => {
      const { user, system } = process.cpuUsage(last);
      longest = Math.max(longest, user + system);
      last = process.cpuUsage();
    }, 10);
    const report = await session.run("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo done", WATCH);
    clearInterval(ticks);
    expect(report.output.endsWith('done')).toBe(true);
    expect(report.output.length).toBeLessThan(5_000_000);
    expect(report.remainingLines).toBeGreaterThan(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
    expect(longest / 1000).toBeLessThan(1000);
  });

  it('streams its output while it runs', async () => {
    const received: Buffer[] = [];
    await open().run('printf "grü"; sleep 0.05; printf "ße\\n"', {
      ...WATCH,
      onOutput: (bytes) => received.push(bytes),
    });
    expect(received.length).toBeGreaterThan(1);
    expect(Buffer.concat(received).toString()).toBe('grüße\r\n');
  });
});

describe('a shell that was changed by commands', () => {
  it.each([
    ['PS1', 'PS1="\\u@\\h$ "'],
    ['PROMPT_COMMAND', 'PROMPT_COMMAND="echo prompt >/dev/null"'],
    ['no PROMPT_COMMAND', 'unset PROMPT_COMMAND'],
    ['a hook in PROMPT_COMMAND', 'hook() { return $?; }; PROMPT_COMMAND="hook;$PROMPT_COMMAND"'],
    ['echo off', 'stty -echo'],
    ['raw mode', 'stty raw -echo'],
    ['set -u', 'set -u'],
    ['set -f', 'set -f'],
    ['posix mode', 'set -o posix'],
    ['IFS', 'IFS=abcdefghijklmnopqrstuvwxyz0123456789'],
    ['TMOUT', 'TMOUT=1'],
    ['aliases', 'alias read=false printf=false eval=false hash=false'],
    ['functions', 'read() { :; }; hash() { :; }'],
    ['standard output', 'exec > /dev/null'],
    ['an ignored interrupt', 'trap "" INT'],
    ['exit trap', 'trap "echo bye" EXIT'],
  ])('keeps working after a change of %s', async (name, change) => {
    const session = open();
    await output(session, change);
    if (name === 'TMOUT') await delay(1200);
    expect((await session.run('(exit 4)', WATCH)).exitCode).toBe(4);
    expect(await output(session, 'echo "$?-x" >&2; stty sane')).toBe('4-x');
  });

  it('survives set -e while commands succeed and is replaced when one fails', async () => {
    const session = open();
    await output(session, 'false');
    await output(session, 'set -e');
    expect(await output(session, 'false || echo caught')).toBe('caught');
    expect(await session.run('false; echo no', WATCH)).toMatchObject({ outcome: 'ended', exitCode: 1 });
    expect(await output(session, 'echo $-; pwd')).toMatch(new RegExp(`^[^e]+\n${folder}$`));
  });

  it('traces only the command itself under set -x', async () => {
    const session = open();
    await output(session, 'set -x');
    expect(await output(session, 'echo a')).toBe('++ echo a\na');
  });

  it.each(['bash --norc', 'exec bash --norc'])('goes on in another bash after `%s`', async (command) => {
    const session = open();
    await output(session, 'export A=1');
    await output(session, 'B=2');
    await output(session, command);
    expect(await output(session, 'echo [$A$B]; cd /')).toBe('[1]');
    expect((await session.run('pwd; (exit 5)', WATCH)).exitCode).toBe(5);
  });

  it('returns from a nested bash', async () => {
    const session = open();
    await output(session, 'B=2');
    await output(session, 'bash --norc');
    expect(await output(session, 'exit')).toBe('exit');
    expect(await output(session, 'echo $B')).toBe('2');
  });

  it.each([
    ['exit 3', 3],
    ['exec true', 0],
    ['kill -9 $$', 0],
  ])('is replaced when `%s` ends it', async (command, exitCode) => {
    const session = open();
    await output(session, 'export A=1; cd /');
    const report = await session.run(`echo out; ${command}`, WATCH);
    expect(report).toMatchObject({ outcome: 'ended', exitCode });
    expect(report.output).toContain('out');
    expect(await output(session, 'echo [$A]; pwd')).toBe(`[]\n${folder}`);
  });

  it('reports the path of `python` if there is one', async () => {
    const bin = path.join(folder, 'bin');
    const session = open({ shellPath: '/bin/bash', env: { PATH: bin } });
    const report = await session.run('echo a', WATCH);
    expect(report).toMatchObject({ output: 'a', prompt: { pythonPath: '' } });
    const found = await session.run(`/bin/mkdir ${bin}; /bin/ln -s /bin/true ${bin}/python`, WATCH);
    expect(found.prompt?.pythonPath).toBe(`${bin}/python`);
  });

  it('reports directories with unusual names', async () => {
    const session = open();
    const name = 'a\n;b"c\x1fü';
    const report = await session.run(`mkdir $'a\\n;b"c\\x1fü'; cd a*`, WATCH);
    expect(report.prompt?.workingDir).toBe(path.join(folder, name));
  });
});

describe('a running command in a terminal session', () => {
  it('is watched until it is quiet, and again', async () => {
    const session = open();
    const first = await session.run('echo a; sleep 0.6; echo b; (exit 2)', { quietMs: 200 });
    expect(first).toMatchObject({ outcome: 'quiet', output: 'a', exitCode: -1 });
    expect(session.status).toBe('running');
    expect(await session.watch(WATCH)).toMatchObject({ outcome: 'completed', output: 'b', exitCode: 2 });
    expect(session.status).toBe('idle');
  });

  it('is not quiet while it prints', async () => {
    const report = await open().run('for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done', { quietMs: 300 });
    expect(report).toMatchObject({ outcome: 'completed', output: '1\n2\n3\n4\n5\n6' });
  });

  it('is watched for a limited time, quiet or not', async () => {
    const session = open();
    const report = await session.run('while :; do echo x; sleep 0.02; done', { quietMs: 1, timeoutMs: 200 });
    expect(report.outcome).toBe('timeout');
    await session.interrupt();
  });

  it('keeps its result for a later watcher', async () => {
    const session = open();
    await session.run('sleep 0.2; echo late', { quietMs: 10 });
    while (session.status === 'running') await delay(10);
    expect(session.status).toBe('finished');
    expect(await session.watch(WATCH)).toMatchObject({ outcome: 'completed', output: 'late' });
    await expect(session.watch(WATCH)).rejects.toThrow('No command is running');
  });

  it('makes other commands fail', async () => {
    const session = open();
    await session.run('sleep 100', { quietMs: 10 });
    await expect(session.run('true', WATCH)).rejects.toThrow('A command is running');
    await expect(session.exportVariables({ A: '1' })).rejects.toThrow('A command is running');
  });

  it('accepts input', async () => {
    const session = open();
    expect(await session.run('read -p "name? " n; echo "got $n"', SOON)).toMatchObject({ output: 'name?' });
    expect(await session.send('bob\n', WATCH)).toMatchObject({
      outcome: 'completed',
      output: 'bob\ngot bob',
    });
  });

  it('accepts Ctrl-D and Ctrl-Z', async () => {
    const session = open();
    await session.run('cat', { quietMs: 100 });
    expect(await session.send('\x04', WATCH)).toMatchObject({ outcome: 'completed', exitCode: 0 });
    await session.run('sleep 100', SOON);
    expect(await session.send('\x1a', WATCH)).toMatchObject({ outcome: 'completed', exitCode: 148 });
    expect(await output(session, 'kill %1; fg; echo done')).toContain('done');
  });

  it.each(['unread\n', '\x04', 'half a line'])('leaves unread input %j behind', async (input) => {
    const session = open();
    await session.run('sleep 0.4', { quietMs: 50 });
    expect(await session.send(input, WATCH)).toMatchObject({ outcome: 'completed' });
    expect(await output(session, 'echo next')).toBe('next');
  });
});

describe('an interrupt of a terminal session', () => {
  async function interrupted(session: TerminalSession, command: string, quietMs = 200): Promise<unknown> {
    const controller = new AbortController();
    const running = session
      .run(command, { ...WATCH, signal: controller.signal })
      .catch((error: unknown) => error);
    await delay(quietMs);
    controller.abort(new Error('stop'));
    return running;
  }

  it.each([
    ['obeys', 'sleep 100'],
    ['is a loop of commands', 'while true; do sleep 0.01; done'],
    ['is a loop of the shell', 'while :; do :; done'],
    ['obeys only the second time', `n=0; trap 'n=$((n+1))' INT; while [ $n -lt 2 ]; do :; done; trap - INT`],
    [
      'is a loop of commands that catch it, and ends with the third',
      `n=0; while [ $n -lt 3 ]; do bash -c 'trap "exit 3" INT; sleep 0.02 & wait $!' || n=$((n+1)); done`,
    ],
    ['prints', 'yes'],
    ['reads', 'cat'],
    ['is a pipeline', 'sleep 100 | cat | cat'],
    ['ignores Ctrl-C', 'bash -c \'trap "" INT; sleep 100\''],
    ['switched keys off', 'stty raw; sleep 100'],
  ])('ends a command that %s, and keeps the shell', async (_name, command) => {
    const session = open();
    await output(session, 'export A=1; cd /');
    expect(await interrupted(session, command)).toEqual(new Error('stop'));
    expect(await output(session, 'echo $A; pwd')).toBe('1\n/');
  });

  it('gives a command time to clean up', async () => {
    const session = open();
    const command = 'bash -c \'trap "exit 0" INT; sleep 100 & wait\'; sleep 0.25; touch cleaned-up';
    // The grace period is half a second, which may be too short on a busy machine.
    for (let times = 0; times < 10 && (await output(session, 'ls')) === ''; times += 1)
      expect(await interrupted(session, command)).toEqual(new Error('stop'));
    expect(await output(session, 'ls')).toBe('cleaned-up');
  });

  it('replaces a shell that cannot be interrupted and keeps its directory', async () => {
    const session = open();
    await output(session, 'cd /; trap "" INT');
    expect(await interrupted(session, 'while :; do :; done')).toEqual(new Error('stop'));
    expect(await output(session, 'pwd')).toBe('/');
  });

  it('prevents a command that has not started', async () => {
    const session = open();
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(session.run('touch x', { ...WATCH, signal })).rejects.toThrow('stop');
    expect(await output(session, 'ls')).toBe('');
  });

  it('never makes a command run twice or not at all', async () => {
    const session = open();
    let count = 0;
    for (let round = 0; round < 40; round += 1) {
      await interrupted(session, 'true', (round % 8) / 4);
      await output(session, 'echo x >> count');
      count += 1;
    }
    expect(await output(session, 'wc -l < count')).toBe(String(count));
  });
});
