import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { runGit } from '../support/extension-files.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';
import { amount, memoryReturns, underLoad } from './load-watch.js';

const run = promisify(execFile);

/** The 99th percentile of `/health` (ms). In the short form other tests run on the same cores. */
const P99_MS = amount(1_000, 250);
/** Characters of a large file: the most that is read of one. */
const LARGE = 256 * 1024;
/** Folders of a project with skills and plugins. */
const SKILLS = '.agents/skills';
const PLUGINS = '.agents/plugins';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const markdown = (name: string, head: string, body: string): string =>
  `---\nname: ${name}\n${head}\n---\n${body}\n`;

/** Too many, too large and malformed files, by path. */
function hostileFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  const large = 'x y '.repeat(LARGE / 4 - 64);
  const list = (count: number, word: string): string =>
    numbers(count)
      .map((n) => `${word}${n}`)
      .join(', ');
  for (const n of numbers(amount(600, 10_000)))
    files[`${SKILLS}/few/s${n}.md`] = markdown(`s${n}`, '', 'text');
  for (const n of numbers(amount(40, 450))) files[`${SKILLS}/large/l${n}.md`] = markdown(`l${n}`, '', large);
  for (const n of numbers(amount(40, 400))) {
    files[`.openhands/skills/t${n}.md`] = markdown(`t${n}`, `triggers: [${list(300, 'word')}]`, 'text');
    files[`.openhands/microagents/p${n}.md`] = markdown(`p${n}`, `paths: ["${'*a'.repeat(400)}"]`, 'text');
  }
  for (const n of numbers(amount(30, 300))) files[`deep/d${n}/AGENTS.md`] = large;
  files[`${'d/'.repeat(200)}AGENTS.md`] = 'deep';
  for (const plugin of numbers(amount(10, 300))) {
    const folder = `${PLUGINS}/p${plugin}`;
    files[`${folder}/.plugin/plugin.json`] = JSON.stringify({
      name: `p${plugin}`,
      skills: numbers(100).map((n) => `./skills/../${n % 2 ? 'skills' : 'more'}/`),
      mcpServers: numbers(100).map(() => './servers.json'),
    });
    files[`${folder}/servers.json`] = JSON.stringify({
      mcpServers: Object.fromEntries(numbers(200).map((n) => [`m${n}`, { command: '/no/such/program' }])),
    });
    files[`${folder}/hooks/hooks.json`] = JSON.stringify({
      hooks: { PostToolUse: numbers(1_000).map(() => ({ matcher: '(a*)*b', hooks: [] })) },
    });
    for (const n of numbers(20)) {
      files[`${folder}/skills/k${n}/SKILL.md`] = markdown(`k${n}`, 'description: d', 'text');
      files[`${folder}/commands/c${n}.md`] = markdown(`c${n}`, '', '${CLAUDE_PLUGIN_ROOT} '.repeat(1_000));
      files[`${folder}/agents/a${n}.md`] = markdown(`a${n}`, 'tools: Read', large.slice(0, 10_000));
    }
  }
  return files;
}

describe('a server with a hostile repository', () => {
  let folder: string;
  let server: ServerProcess;
  const at = (...names: string[]) => path.join(folder, ...names);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'hostile-repository-'));
    server = await ServerProcess.start({ env: { HOME: at('home') } });
    await runGit(folder, 'init', '-q', 'work');
    await writeFiles(at('work'), hostileFiles());
    // Circular links, links out of the repository, and pipes in the place of files.
    for (const kind of ['scripts', 'references', 'assets']) {
      await mkdir(at('work', SKILLS, kind), { recursive: true });
      await writeFiles(at('work', SKILLS, kind), { 'SKILL.md': markdown(kind, 'description: d', 'text') });
      await symlink('/', at('work', SKILLS, kind, kind));
    }
    await symlink('..', at('work', SKILLS, 'circle'));
    await symlink('/', at('work', SKILLS, 'outside'));
    await symlink('/dev/zero', at('work', SKILLS, 'zero.md'));
    for (const pipe of [`${SKILLS}/pipe.md`, 'CLAUDE.md', `${PLUGINS}/p0/agents/pipe.md`, '.mcp.json'])
      await run('mkfifo', [at('work', pipe)]);
    // An index that names far more files than exist.
    const blob = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
    const rows = numbers(amount(20_000, 400_000)).map((n) => `100644 ${blob}\tmany/${n}/AGENTS.md\n`);
    await writeFiles(folder, { rows: rows.join('') });
    await run('sh', ['-c', 'git update-index --index-info < ../rows'], { cwd: at('work') });
  }, 240_000);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Runs a conversation that loads everything in the repository. */
  const runConversation = async (): Promise<void> => {
    const request = scriptedRequest(at('work'), 'SAY: word1 word299', {
      agent: {
        llm: { model: 'scripted/test', usage_id: 'agent' },
        tools: [{ name: 'file_editor' }],
        agent_context: { load_project_skills: true, load_memory: true },
      },
    });
    const conversation = await ConversationClient.create(server, request);
    await eventually(async () => (await conversation.status()) === 'finished', 'the end', 120_000);
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
  };
  const list = async (): Promise<void> => {
    const where = { project_dir: at('work') };
    for (const [route, body] of [
      ['/api/skills', { load_project: true, load_user: false, load_public: false, ...where }],
      ['/api/plugins', { load_project: true, load_user: false, ...where }],
      ['/api/sub-agents', where],
      ['/api/hooks', where],
    ] as const) {
      const { status } = await server.request('POST', route, body);
      expect([route, status]).toEqual([route, 200]);
    }
  };
  const readChanges = async (): Promise<void> => {
    const query = new URLSearchParams({ path: at('work') }).toString();
    const answer = await fetch(`${server.url}/api/git/changes?${query}`);
    await answer.arrayBuffer();
    expect(answer.status).toBe(200);
  };

  it('stays responsive and keeps no memory, whatever the files are', async () => {
    const steps: [string, () => Promise<void>][] = [
      ['lists', list],
      ['conversations', runConversation],
      ['changes', readChanges],
    ];
    let before: number | undefined;
    const seen: [string, number][] = [];
    for (const [name, step] of steps) {
      const { health, memory } = await underLoad(server, `a hostile repository: ${name}`, async () => {
        for (let round = 0; round < amount(1, 3); round += 1) await step();
      });
      before ??= memory?.before;
      seen.push([name, health.p99]);
    }
    expect(seen.filter(([, p99]) => p99 >= P99_MS)).toEqual([]);
    await memoryReturns(server, before);
  }, 600_000);
});
