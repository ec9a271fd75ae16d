import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { observationsOf, observationText, outputPrefix } from '../support/observations.js';
import { ServerProcess } from '../support/server-process.js';

const HIDDEN = '<secret-hidden>';

describe('secrets that are fetched from another server', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start({ env: { OH_SECRET_KEY: 'a key' } });
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  const create = (script: string, more: Record<string, unknown>) =>
    ConversationClient.create(server, scriptedRequest(workspace, script, more));

  let vault: Server;
  let url: string;
  let asked: IncomingHttpHeaders[];
  let answer: { status: number; body: string; location?: string };

  beforeEach(async () => {
    asked = [];
    answer = { status: 200, body: 'fetched-value-1' };
    vault = createServer((request, response) => {
      asked.push(request.headers);
      if (answer.location) response.setHeader('location', answer.location);
      response.writeHead(answer.status).end(answer.body);
    });
    await new Promise<void>((resolve) => vault.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(vault.address() as AddressInfo).port}/secret`;
  });
  afterEach(async () => {
    vault.closeAllConnections();
    await new Promise((resolve) => vault.close(resolve));
  });

  const lookup = () => ({
    VAULT_KEY: { kind: 'LookupSecret', url, headers: { 'X-Vault-Token': 'let-me-in' } },
  });

  it('looked-up secrets are fetched with their headers each time a command names them', async () => {
    const conversation = await create('RUN: echo nothing\nFINISH: x', { secrets: lookup() });
    await conversation.reaches('finished');
    expect(asked).toEqual([]);
    await conversation.send('RUN: echo $VAULT_KEY\nFINISH: x');
    await conversation.reaches('finished');
    expect(asked).toEqual([expect.objectContaining({ 'x-vault-token': 'let-me-in' })]);
    answer.body = 'fetched-value-2';
    await conversation.send('RUN: echo fetched-value-1 "$VAULT_KEY"\nFINISH: x');
    await conversation.reaches('finished');
    const texts = (await observationsOf(conversation)).map(observationText);
    // The former value is masked as well: it may still be valid.
    expect(texts).toEqual(['nothing', 'x', HIDDEN, 'x', `${HIDDEN} ${HIDDEN}`, 'x']);
  });

  it('looked-up secrets are left unset when they cannot be fetched, and the agent is told why', async () => {
    answer = { status: 403, body: 'no such thing as fetched-value-1' };
    const conversation = await create('RUN: echo "[$VAULT_KEY]"\nRUN: echo "again $VAULT_KEY"\nFINISH: x', {
      secrets: lookup(),
    });
    await conversation.reaches('finished');
    const [first, second] = await observationsOf(conversation);
    expect(observationText(first)).toBe('[]');
    const told = '[The secret VAULT_KEY is not available: its server answered 403]\n';
    expect([outputPrefix(first), outputPrefix(second)]).toEqual([told, told]);
    // A lookup that has just failed is not repeated for each command.
    expect(asked.length).toBe(1);
  });

  it('looked-up secrets are not fetched through redirects, which would send their headers to another server', async () => {
    answer = { status: 302, body: '', location: url };
    const conversation = await create('RUN: echo "[$VAULT_KEY]"\nFINISH: x', { secrets: lookup() });
    await conversation.reaches('finished');
    const [first] = await observationsOf(conversation);
    expect(outputPrefix(first)).toContain('its server answered 302');
    expect(asked.length).toBe(1);
  });
});
