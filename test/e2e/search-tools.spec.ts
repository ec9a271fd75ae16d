import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

const TOOLS = [{ name: 'glob' }, { name: 'grep' }];

describe('the tools glob and grep', () => {
  let folder: string;
  let server: ServerProcess;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'search-tools-'));
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('finds files of the workspace by name and by content, and refuses unknown arguments', async () => {
    const work = path.join(folder, 'work');
    await mkdir(work);
    await writeFile(path.join(work, 'a.py'), 'needle\n');
    const script =
      'TOOL: glob {"pattern": "**/*.py"}\nTOOL: grep {"pattern": "needle", "include": "*.py"}\n' +
      'TOOL: grep {"pattern": "needle", "security_risk": "LOW", "depth": 2}\nFINISH: d';
    const agent = { llm: { model: 'scripted/test', usage_id: 'agent' }, tools: TOOLS };
    const conversation = await ConversationClient.create(server, scriptedRequest(work, script, { agent }));
    await conversation.reaches('finished');
    const events = await conversation.events();
    const observations = events.flatMap((event) => event['observation'] ?? []);
    expect(observations).toMatchObject([
      { files: [path.join(work, 'a.py')], truncated: false, kind: 'GlobObservation' },
      { matches: [path.join(work, 'a.py')], include_pattern: '*.py', kind: 'GrepObservation' },
      { kind: 'FinishObservation' },
    ]);
    const [error] = events.filter(({ kind }) => kind === 'AgentErrorEvent');
    expect(error?.['error']).toContain('depth\n  Extra inputs are not permitted');
    const [prompt] = events.filter(({ kind }) => kind === 'SystemPromptEvent');
    expect(prompt?.['tools']).toMatchObject([
      { kind: 'GlobTool', title: 'glob', annotations: { readOnlyHint: true } },
      { kind: 'GrepTool', title: 'grep', annotations: { readOnlyHint: true } },
      { kind: 'FinishTool' },
      { kind: 'ThinkTool' },
    ]);
    expect(JSON.stringify(prompt?.['tools'])).toContain(`working directory is: ${work}`);
  });
});
