import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServerProcess } from '../support/server-process.js';
import { expectTenSteps } from '../support/wire/ten-steps-checks.js';
import { holdTenSteps } from '../support/wire/ten-steps.js';
import { startTokenServer, vertexClaude, vertexGemini, type TokenServer } from '../support/wire/vertex.js';
import type { WireProtocol } from '../support/wire/wire-protocol.js';

const MODELS: [string, WireProtocol][] = [
  ['vertex_ai/gemini-2.5-pro', vertexGemini],
  ['vertex_ai/gemini-3-pro-preview', vertexGemini],
  ['vertex_ai/claude-sonnet-4-5@20250929', vertexClaude],
];

describe('Vertex AI', () => {
  let folder: string;
  let tokens: TokenServer;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'vertex-'));
    tokens = await startTokenServer();
  });
  afterAll(async () => {
    await tokens.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe('with a service account', () => {
    let server: ServerProcess;
    beforeAll(async () => {
      const file = path.join(folder, 'account.json');
      await writeFile(file, JSON.stringify(tokens.serviceAccount));
      server = await ServerProcess.start({
        env: { GOOGLE_APPLICATION_CREDENTIALS: file, VERTEXAI_LOCATION: 'europe-west1' },
      });
    });
    afterAll(() => server.stop());

    it.each(MODELS)('completes ten steps with %s', async (model, protocol) => {
      for (const stream of [false, true]) {
        const llm = (base_url: string) => ({ model, base_url, api_key: null });
        expectTenSteps(await holdTenSteps(server, { protocol, llm, stream }));
      }
      expect(tokens.given()).toBe(1);
    });

    it('reports what is wrong with credentials without showing them', async () => {
      const { privateKey } = await otherAccount();
      for (const [api_key, reason] of [
        [
          JSON.stringify({ ...tokens.serviceAccount, private_key_id: 'k2', private_key: privateKey }),
          'invalid_grant',
        ],
        [JSON.stringify({ type: 'external_account', secret: 'shh-secret' }), 'neither'],
        [`${folder}/nothing.json`, 'cannot be read'],
      ]) {
        const llm = (base_url: string) => ({ model: 'vertex_ai/gemini-2.5-pro', base_url, api_key });
        const held = await holdTenSteps(server, { protocol: vertexGemini, llm, stream: false });
        expect(held.requests).toHaveLength(0);
        const errors = held.events.filter(({ kind }) => kind === 'ConversationErrorEvent');
        expect(errors[0]).toMatchObject({ code: 'LLMAuthenticationError' });
        expect(JSON.stringify(errors)).toContain(reason);
        expect(JSON.stringify(errors)).not.toMatch(/shh-secret|PRIVATE KEY/);
      }
    });
  });

  it('uses the credentials that gcloud has stored', async () => {
    const gcloud = path.join(folder, '.config', 'gcloud');
    await mkdir(gcloud, { recursive: true });
    await writeFile(path.join(gcloud, 'application_default_credentials.json'), JSON.stringify(tokens.user));
    const server = await ServerProcess.start({ env: { HOME: folder, VERTEXAI_LOCATION: 'europe-west1' } });
    try {
      const llm = (base_url: string) => ({ model: 'vertex_ai/gemini-2.5-pro', base_url, api_key: null });
      expectTenSteps(await holdTenSteps(server, { protocol: vertexGemini, llm, stream: false }));
    } finally {
      await server.stop();
    }
  });
});

async function otherAccount(): Promise<{ privateKey: string }> {
  const other = await startTokenServer();
  await other.close();
  return { privateKey: other.serviceAccount['private_key'] ?? '' };
}
