import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { describeWithBubblewrap } from '../support/sandbox.js';
import { KEY, SandboxFixture } from '../support/sandbox-fixture.js';

const ROOT = '/sys/fs/cgroup';
/** Where this test may make control groups that limit memory and processes; few machines allow it. */
const isDelegated = canDelegate();
const describeWithGroups = isDelegated ? describeWithBubblewrap : describe.skip;

function canDelegate(): boolean {
  try {
    const enabled = readFileSync(path.join(ROOT, 'cgroup.subtree_control'), 'utf8').split(/\s/);
    if (!['memory', 'pids'].every((name) => enabled.includes(name))) return false;
    const group = path.join(ROOT, `test-${process.pid}`);
    mkdirSync(group);
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

describeWithGroups('limits of a server that has a control group of its own', () => {
  const group = path.join(ROOT, `agent-server-test-${process.pid}`);
  let fixture: SandboxFixture;

  beforeAll(async () => {
    mkdirSync(group);
    fixture = await SandboxFixture.make();
    await fixture.serve({
      key: KEY,
      wrapper: ['/bin/sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh'],
      env: {
        SESSION_API_KEY_FILE: fixture.at('key'),
        OH_SANDBOX_MEMORY_MB: '128',
        OH_SANDBOX_PROCESSES: '40',
        OH_SANDBOX_OPEN_FILES: '177',
      },
    });
  });
  afterAll(() => fixture.stop());

  const ofPrograms = (): string[] => readdirSync(group).filter((name) => name.startsWith('agent-programs-'));

  it('are said in the line of the start and in /server_info', async () => {
    await fixture.server.logs(
      'limits by cgroup: 128 MB of memory of a conversation, 40 processes of a conversation, 177 open files',
    );
    const { body } = await fixture.server.request('GET', '/server_info');
    expect(body).toMatchObject({ sandbox: { limits: 'cgroup' } });
  });

  it('hold for all programs of a conversation, which cannot change them', async () => {
    const spawning = `const { spawn } = require("child_process"); let n = 0;
(function more() { const child = spawn("sleep", ["9"]);
  child.on("error", (error) => { console.log(error.code, n < 40); process.exit(); });
  child.on("spawn", () => { n += 1; more(); }); })()`;
    const output = await fixture.outputOf(`
node -e 'for (const all = [];;) all.push(Buffer.alloc(8e6, 1))'; echo "status $?"
node -e '${spawning}'
ulimit -n
cut -d: -f1,3 /proc/self/cgroup | grep -c /agent-programs-.*/run
for file in $(find /sys/fs/cgroup -name memory.max -o -name cgroup.procs); do echo $$ > $file && echo changed; done 2> errors
grep -c Read-only errors > /dev/null && echo read-only`);
    expect(output.replace(/^.*Killed.*\n/m, '')).toBe('status 137\nEAGAIN true\n177\n1\nread-only\n');
    expect(ofPrograms().length).toBeGreaterThan(0);
  });

  it('leave no control group behind', async () => {
    await fixture.server.end();
    expect(ofPrograms()).toEqual([]);
    rmdirSync(path.join(group, 'agent-server'));
    rmdirSync(group);
  });
});
