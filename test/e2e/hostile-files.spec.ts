import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { writeFiles } from '../support/write-files.js';

const SIZE = 60 * 1024;
/** Heads of Markdown files that make the parser of YAML take minutes, or end the process. */
const HEADS: Readonly<Record<string, string>> = {
  quotes: '"',
  anchors: '&a ',
  tags: '!t ',
  brackets: '[',
  braces: '{a: ',
  dashes: '- ',
  questions: '? ',
  commas: '[,',
  aliases: '*a ',
  colons: 'a: b: c\n',
};
/** Ten times what all of it takes (ms). */
const GENEROUS_MS = 20_000;

/**
 * Files of a repository that nobody vouches for: each is left out with a line in the log, and nothing stalls
 * or ends.
 */
describe('files of a hostile repository', () => {
  let folder: string;
  let server: ServerProcess;
  const at = (...names: string[]) => path.join(folder, ...names);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'hostile-'));
    server = await ServerProcess.start({ cwd: at(), env: { HOME: at('home') } });
    const deep = '['.repeat(50_000);
    const nested = `{"name": "n", "plugins": ${'['.repeat(1000)}${']'.repeat(1000)}}`;
    const markdown = Object.entries(HEADS).flatMap(([name, piece]) => {
      const text = `---\nname: ${name}\n${piece.repeat(SIZE / piece.length)}\n---\nbody\n`;
      const cut = `---\n${piece.repeat(8000 / piece.length)}\n---\nbody\n`;
      return [
        [`work/.agents/skills/${name}.md`, text],
        [`work/.agents/skills/${name}-8k.md`, cut],
        [`work/.agents/agents/${name}.md`, text],
        [`work/.agents/plugins/p/commands/${name}.md`, text],
        [`work/.agents/plugins/p/agents/${name}.md`, cut],
        [`work/.agents/plugins/p/skills/${name}/SKILL.md`, text],
      ] as const;
    });
    await writeFiles(folder, {
      ...Object.fromEntries(markdown),
      'work/.agents/skills/good.md': '---\nname: good\ntriggers: [word]\n---\ngood text\n',
      'work/AGENTS.md': '# '.repeat(100_000),
      'work/.openhands/hooks.json': deep,
      'work/.agents/plugins/p/.plugin/plugin.json': '{"name": "p"}',
      'work/.agents/plugins/p/hooks/hooks.json': nested,
      'work/.agents/plugins/p/.mcp.json': deep,
      'work/.agents/plugins/q/.plugin/plugin.json': nested,
      'market/.plugin/marketplace.json': nested,
      'canvas/canvas-extension.json': nested,
      'home/.openhands/cache/skills/public-skills/marketplaces/default.json': deep,
    });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('files of a hostile repository are left out with their names in the log, and the others count', async () => {
    const start = performance.now();
    const request = scriptedRequest(at('work'), 'SAY: hi', {
      agent: {
        llm: { model: 'scripted/test', usage_id: 'agent' },
        agent_context: { load_project_skills: true, load_user_skills: true, load_public_skills: true },
      },
    });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    const asked = [
      ['/api/skills', { load_project: true, project_dir: at('work') }],
      ['/api/plugins', { load_project: true, project_dir: at('work') }],
      ['/api/sub-agents', { project_dir: at('work') }],
      ['/api/hooks', { project_dir: at('work') }],
    ] as const;
    for (const [route, body] of asked) {
      const answer = await server.request('POST', route, body);
      expect([route, answer.status]).toEqual([route, 200]);
      if (route === '/api/skills') expect(JSON.stringify(answer.body)).toContain('good text');
    }
    for (const [route, source] of [
      ['/api/plugins/install', at('work/.agents/plugins/q')],
      ['/api/canvas-extensions/install', at('canvas')],
    ] as const) {
      const answer = await server.request('POST', route, { source });
      expect([route, answer.status]).toEqual([route, 422]);
      expect(JSON.stringify(answer.body)).toContain('nested more than 200 deep');
    }
    expect(performance.now() - start).toBeLessThan(GENEROUS_MS);
    expect((await server.request('GET', '/health')).status).toBe(200);
    for (const name of Object.keys(HEADS)) {
      await server.logs(`/work/.agents/skills/${name}.md: the frontmatter has more than 8192 characters`);
    }
    await server.logs('hooks.json: JSON nested more than 200 deep');
    await server.logs(
      '/work/.agents/skills/brackets-8k.md: the frontmatter has collections nested more than',
    );
  });

  it('that are templates of prompts are refused with a reason, soon', async () => {
    const templates: Readonly<Record<string, string>> = {
      loops: '{% for a in l %}'.repeat(9) + 'x' + '{% endfor %}'.repeat(9),
      range: '{% for i in range(1000000000) %}x{% endfor %}',
      doubled: `{% set x = "aaaaaaaaaa" %}${'{% set x = x ~ x %}'.repeat(29)}{{ x | upper }}`,
      lists: `{% set x = ["a"] %}${'{% set x = x + x %}'.repeat(26)}{{ x | length }}`,
      brackets: `{{ ${'('.repeat(50_000)}`,
      sums: `{{ ${'1+'.repeat(25_000)}1 }}`,
      spaces: `{%${' '.repeat(60_000)}`,
      large: 'x'.repeat(70_000),
      included: '{% include "large.j2" %}'.repeat(1000),
    };
    const files = Object.entries(templates).map(([name, text]) => [`prompts/${name}.j2`, text]);
    await writeFiles(folder, Object.fromEntries(files) as Record<string, string>);
    const l = Array.from({ length: 50 }, (_, index) => index);
    for (const name of Object.keys(templates)) {
      const start = performance.now();
      const answer = await server.request('POST', '/api/conversations', {
        ...scriptedRequest(at('work')),
        agent: {
          llm: { model: 'scripted/test', usage_id: 'agent' },
          system_prompt_filename: at(`prompts/${name}.j2`),
          system_prompt_kwargs: { l },
        },
      });
      expect([name, answer.status]).toEqual([name, 422]);
      expect(JSON.stringify(answer.body)).toMatch(/cannot be rendered|is too large/);
      expect(performance.now() - start).toBeLessThan(5_000);
    }
    expect((await server.request('GET', '/health')).status).toBe(200);
  });
});
