import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { EXAMPLE_CONVERSATION } from '../../src/http/index.js';
import { acpCommand } from '../support/acp.js';
import { apiDocument } from '../support/api-document.js';
import {
  ExampleRequests,
  isDocumentedSuccess,
  type PrepareBody,
  SentExamples,
} from '../support/example-requests.js';
import { startMcpServer } from '../support/mcp-http.mjs';
import { OriginalConversation } from '../support/original-conversation.js';
import { startSignIn } from '../support/mcp-sign-in.mjs';
import { eventually, ServerProcess } from '../support/server-process.js';
import { SubscriptionIssuer } from '../support/subscription-issuer.js';
import { trajectoryZip } from '../support/trajectory-zip.js';
import { asJson } from '../support/settings-fixture.js';

/** Several servers start at once, which takes long on a busy machine. */
const LONGEST_MS = 300_000;
const document = apiDocument();
const examples = new ExampleRequests(document);

/** What an example needs besides other requests. */
interface Surroundings {
  /** Environment variables of the server. */
  env?: Record<string, string>;
  prepare?: Record<string, PrepareBody>;
  stop?: () => Promise<void>;
}

type ByOperation = Readonly<Record<string, () => Surroundings | Promise<Surroundings>>>;

/** Operations that need no other configuration. Each documents what it needs. */
const PREPARED: ByOperation = {
  Branches_navigate: () => ({ prepare: { Branches_navigate: afterRun } }),
  Checkpoints_restore: () => ({ prepare: { Checkpoints_restore: afterRun } }),
  Goals_start: () => ({ prepare: { Goals_start: afterRun } }),
  Import_import: () => ({ prepare: { Import_import: withZip } }),
  Files_upload: () => ({ prepare: { Files_upload: intoFolder('Files_upload') } }),
  Files_uploadInConversation: () => ({
    prepare: { Files_uploadInConversation: intoFolder('Files_uploadInConversation') },
  }),
  Mcp_start: withSignIn,
  Mcp_callback: withSignIn,
  Terminals_resize: () => ({
    prepare: { Terminals_resize: ofTerminal('Terminals_resize', '/api/terminals') },
  }),
  Terminals_resizeInConversation: () => ({
    prepare: {
      Terminals_resizeInConversation: ofTerminal(
        'Terminals_resizeInConversation',
        `/api/conversations/${EXAMPLE_CONVERSATION}/terminals`,
      ),
    },
  }),
};
/** Operations that need another configuration, which others can share. */
const CONFIGURED: ByOperation = {
  Shares_create: withSecretKey,
  AutomationWebhooks_create: withSecretKey,
  AutomationWebhooks_update: withSecretKey,
  AutomationEvents_deliver: () => ({ ...withSecretKey(), prepare: { AutomationEvents_deliver: signed } }),
  Acp_models: withNpx,
  Subscription_poll: withIssuer,
  // The discard port: nobody listens there.
  Webhooks_redeliver: () => ({
    env: { OH_WEBHOOKS: '[{"name": "audit", "base_url": "http://127.0.0.1:9"}]' },
  }),
};
/** The operation of a server that serves nothing else until then. */
const DEFERRED: ByOperation = { Init_start: () => ({ env: { OH_DEFERRED_INIT: 'true' } }) };
const SURROUNDINGS: ByOperation = { ...PREPARED, ...CONFIGURED, ...DEFERRED };

/** What an answer has to contain whose status alone does not tell a success. */
const ANSWERS: Readonly<Record<string, object>> = {
  ...Object.fromEntries(
    ['', '#skill', '#plugin', '#mcp-server', '#canvas-extension'].map((name) => [
      `Bash_execute${name}`,
      { exit_code: 0, stderr: null },
    ]),
  ),
  Acp_models: { error: null },
  LlmProfiles_validate: { valid: true },
  ProfileDiagnosis_materialize: { valid: true },
  Mcp_test: { ok: true, tools: ['now'], tool_result: { is_error: false } },
  Mcp_start: { ok: true },
  Mcp_callback: { ok: true },
  CanvasBackends_start: { state: 'ready', detail: null },
  Subscription_poll: { connected: true },
};

/** What comes of an answer later, soon or not. */
const OUTCOMES: Readonly<Record<string, (sent: SentExamples) => Promise<void>>> = {
  Mcp_callback: async ({ server, answerTo }) => {
    const route = `/api/mcp/oauth/status/${String(answerTo('Mcp_callback')['job_id'])}`;
    const isSignedIn = async () =>
      asJson((await server.request('GET', route)).body)['status'] === 'succeeded';
    await eventually(isSignedIn, 'the end of the sign-in');
  },
};

describe('the examples of the API document', () => {
  it('has an example for every request body', () => {
    expect(examples.missing).toEqual([]);
    expect(examples.all.length).toBeGreaterThan(60);
  });

  it('has only examples that match the schemas of their bodies', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'doc', components: document['components'] });
    const problems = examples.all.flatMap(([, references]) =>
      references.flatMap((reference) => {
        const { value, schema } = examples.find(reference);
        const absolute = JSON.stringify(schema).replaceAll('"#/components/', '"doc#/components/');
        const isValid = ajv.validate(asJson(JSON.parse(absolute)), value);
        return isValid ? [] : [`${reference}: ${ajv.errorsText()}`];
      }),
    );
    expect(problems).toEqual([]);
  });

  it('says of each example what it needs besides other requests', () => {
    expect(examples.needing.sort()).toEqual(Object.keys(SURROUNDINGS).sort());
  });

  it.concurrent.each(batches(examples.all))(
    'accepts the examples of %s on a new server',
    async (_ids, batch) => {
      const { env, prepare, stop } = await surroundingsOf(batch);
      const server = await ServerProcess.start({ env });
      try {
        const sent = new SentExamples(examples, server, prepare);
        for (const reference of batch.flatMap(([, references]) => references)) {
          const answer = await sent.send(reference);
          const { description } = examples.find(reference).operation;
          expect({
            reference,
            answer,
            isSuccess: isDocumentedSuccess(description, answer.status),
          }).toMatchObject({
            isSuccess: true,
            answer: { body: ANSWERS[reference] ?? answer.body },
          });
          await OUTCOMES[reference]?.(sent);
        }
      } finally {
        await server.stop();
        await stop();
      }
    },
    LONGEST_MS,
  );
});

/** Operations with examples, and the references of each. */
type Operations = [id: string, references: string[]][];

/**
 * Operations that share a new server. No two of them are of one part of the API, so that each still has to
 * name the requests of its part which it follows. Only those that need another configuration have one.
 */
function batches(all: Operations): [ids: string, batch: Operations][] {
  const configured = { ...CONFIGURED, ...DEFERRED };
  const groups = [
    all.filter(([id]) => !(id in configured)),
    all.filter(([id]) => id in CONFIGURED),
    all.filter(([id]) => id in DEFERRED),
  ];
  return groups.flatMap((group) => {
    const shared: Operations[] = [];
    const taken = new Map<string, number>();
    for (const one of group) {
      const [part = ''] = one[0].split('_');
      const index = taken.get(part) ?? 0;
      taken.set(part, index + 1);
      (shared[index] ??= []).push(one);
    }
    return shared.map((batch): [string, Operations] => [batch.map(([id]) => id).join(', '), batch]);
  });
}

/** All that the operations of a batch need. */
async function surroundingsOf(batch: Operations): Promise<Required<Surroundings>> {
  const all: Surroundings[] = [];
  for (const [id] of batch) all.push((await SURROUNDINGS[id]?.()) ?? {});
  return {
    env: Object.assign({}, ...all.map(({ env }) => env)) as Record<string, string>,
    prepare: Object.assign({}, ...all.map(({ prepare }) => prepare)) as Record<string, PrepareBody>,
    stop: async () => {
      for (const { stop } of all) await stop?.();
    },
  };
}

/** Waits until the run of the example conversation has ended. */
async function afterRun(body: unknown, { server, answerTo }: SentExamples): Promise<unknown> {
  const route = `/api/conversations/${String(answerTo('Conversations_create')['id'])}`;
  const status = async () => asJson((await server.request('GET', route)).body)['execution_status'];
  await eventually(async () => (await status()) === 'finished', 'the end of the run');
  return body;
}

function withSecretKey(): Surroundings {
  return { env: { OH_SECRET_KEY: 'a secret key for links and webhooks' } };
}

/** Signs an event as GitHub does, with the secret of the example of its webhook. */
function signed(body: unknown, sent: SentExamples): unknown {
  const signature = createHmac('sha256', 'a shared secret').update(JSON.stringify(body)).digest('hex');
  sent.setHeaders('AutomationEvents_deliver', {
    'X-GitHub-Event': 'pull_request',
    'X-Hub-Signature-256': `sha256=${signature}`,
  });
  return body;
}

/** Uploads into the working folder of the example conversation. */
function intoFolder(id: string): PrepareBody {
  return (body, sent) => {
    sent.setParameter(id, 'path', path.join(sent.server.cwd, 'workspace/project/upload.txt'));
    return body;
  };
}

/** Opens a terminal, and names it in the path. @param route where terminals are opened */
function ofTerminal(id: string, route: string): PrepareBody {
  return async (body, sent) => {
    const { body: terminal } = await sent.server.request('POST', route);
    sent.setParameter(id, 'terminal_id', String(asJson(terminal)['id']));
    return body;
  };
}

/** The trajectory of a conversation that another server has. */
async function withZip(): Promise<unknown> {
  return { file: new Blob([await trajectoryZip([new OriginalConversation()])]) };
}

/** An `npx` that starts the ACP agent of the tests instead of a package. */
async function withNpx(): Promise<Surroundings> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'npx-'));
  const command = acpCommand().map((word) => `'${word}'`);
  await writeFile(path.join(folder, 'npx'), `#!/bin/sh\nexec ${command.join(' ')}\n`);
  await chmod(path.join(folder, 'npx'), 0o755);
  return {
    env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** An MCP server with OAuth, and a user who signs in there. */
async function withSignIn(): Promise<Surroundings> {
  const mcp = await startMcpServer();
  const front = await startSignIn({ to: mcp.url });
  return {
    prepare: {
      Mcp_start: (body) => {
        const server = asJson(asJson(body)['server']);
        return { ...asJson(body), server: { ...server, url: front.url } };
      },
      Mcp_callback: async (body, sent) => {
        const page = String(sent.answerTo('Mcp_start')['authorization_url']);
        const answer = await fetch(page, { redirect: 'manual' });
        return { ...asJson(body), callback_url: answer.headers.get('location') };
      },
    },
    stop: async () => {
      await front.close();
      await mcp.close();
    },
  };
}

/** A stand-in for OpenAI's sign-in, and a user who enters the code. */
async function withIssuer(): Promise<Surroundings> {
  const issuer = await SubscriptionIssuer.start();
  return {
    env: { OPENAI_AUTH_ISSUER: issuer.url, OH_SECRET_KEY: 'test-key' },
    prepare: {
      Subscription_poll: async (body, { server }) => {
        const { body: started } = await server.request('POST', '/api/llm/subscription/openai/device/start');
        const { device_code, user_code } = asJson(started);
        issuer.approve(String(user_code));
        return { ...asJson(body), device_code };
      },
    },
    stop: () => issuer.stop(),
  };
}
