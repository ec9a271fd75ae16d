import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { SCOPES, type KeyReach, type KeyScope } from '../../src/auth/principals/principal.js';
import { forEachBounded } from '../../src/flow/index.js';
import { freePort } from '../support/free-port.js';
import { makeKey } from '../support/named-keys.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const SESSION = 'session-key';
const SERVED = fileURLToPath(new URL('served-routes.mjs', import.meta.url));
const ID = '00000000-0000-0000-0000-000000000001';
/** Operations that are sent at the same time. */
const WIDTH = 8;

interface Operation {
  operationId: string;
  security?: unknown;
  requestBody?: unknown;
  'x-required-scope'?: KeyScope;
  'x-own-keys'?: boolean;
  'x-alias-of'?: string;
}

interface Route extends Operation {
  method: string;
  path: string;
}

/** What `served-routes.mjs` prints. */
interface Served {
  routes: string[];
  gateways: { name: string; path: string; isOpen: boolean; hasRequirement: boolean }[];
}

/** A key that is shown, and what it may do; without a scope it is none that the server accepts. */
interface Shown {
  key: string | undefined;
  scope?: KeyScope;
  reach?: KeyReach;
}

/** GETs that need more than `read`: they answer secrets, or what is on the machine. */
const MORE_THAN_READ = [
  /^\/api\/(file|bash|git)\/(?!download-trajectory|repositories)/,
  /^\/api\/settings\/secrets\/\{/,
  /vscode\/url$/,
  /^\/api\/mcp\//,
  /^\/api\/keys(\/\{|$)/,
  /^\/api\/(audit|retention)/,
  /^\/api\/terminals/,
];
/** Operations that change nothing although they are no GETs. */
const READS_BY_POST = [
  'Skills_list',
  'Plugins_list',
  'SubAgents_list',
  'Hooks_read',
  'ProfileDiagnosis_materialize',
  'WorkspaceSession_start',
  'WorkspaceSession_end',
  // Each of its tools needs a scope of its own.
  'McpServer_post',
  'McpServer_delete',
  // Each of its methods does.
  'A2a_answer',
];
/** Operations for keys of one's own that name no conversation. */
const OWN_WITHOUT_CONVERSATION = [
  /^\/api\/run_queue$/,
  /^\/(api\/)?conversations(\/(search|count|summaries|import))?$/,
  /^\/v1\//,
  /^\/mcp$/,
  /^\/a2a$/,
  /^\/api\/automation\/(?!v1\/webhooks)/,
  /^\/api\/(tools\/(catalog)?|llm\/(providers|models.*)|profiles|keys\/current|usage(\/budgets)?|auth\/workspace-session)$/,
  /^\/api\/settings\/(agent|conversation)-schema$/,
];

/** Operations that are in no document: clients do not call them, or only some servers have them. */
const HIDDEN: Readonly<Record<string, Pick<Operation, 'x-required-scope' | 'x-own-keys'>>> = {
  'put /api/conversations/{conversation_id}/credential-bindings/{secret_name}': {
    'x-required-scope': 'write',
    'x-own-keys': false,
  },
  'post /api/conversations/prepare-for-sandbox-pause': { 'x-required-scope': 'admin', 'x-own-keys': false },
  'post /conversations/prepare-for-sandbox-pause': { 'x-required-scope': 'admin', 'x-own-keys': false },
};
/** What everybody may ask: whether the server works, what it is, and its set-up, which has another key. */
const OPEN = [
  ...['/', '/alive', '/health', '/ready', '/server_info', '/.well-known/agent-card.json'].map(
    (route) => `get ${route}`,
  ),
  ...['get /api/init', 'post /api/init'],
  ...['health', 'ready', 'sdk-version', 'server_info'].map((name) => `get /api/automation/${name}`),
];
/** What a link opens, and no key. */
const BY_LINK = ['/api/shared/{shared_id}', '/api/shared/{shared_id}/events'];
/** What signed deliveries of other systems open, and no key. */
const BY_SIGNATURE = ['post /api/automation/v1/events/{org_id}/{source}'];
/** Pages and documents without anything of anybody. */
const PAGES = [
  ...['/openapi.json', '/docs', '/docs/page.js', '/docs/assets/swagger-ui.css', '/redoc'],
  ...['/api/automation/openapi.json', '/api/automation/docs'],
  ...['/docs/assets/swagger-ui-bundle.js', '/docs/assets/favicon-32x32.png'],
];
/** Pages that are served before the routes. */
const OTHER_PAGES = ['/console/', `/console/shared/${ID}`];

/** The sockets that a key opens: their paths, the scope, and whether a key of one's own may. */
const SOCKETS = [
  ['/sockets/events/:id', 'read', true],
  ['/sockets/session/:id', 'read', true],
  ['/api/conversations/:id/events/socket', 'read', true],
  ['/sockets/conversations', 'read', true],
  ['/sockets/bash-events', 'admin', false],
  ['/sockets/files/:id', 'read', true],
  ['/sockets/files', 'admin', false],
  // With a conversation in the query, what needs a key of `read` (test/e2e/terminals).
  ['/sockets/terminals/:id', 'admin', false],
] as const;
/** Open to nobody with a key: one needs a link, the other the session of a page of a canvas extension. */
const SHARED_SOCKET = '/sockets/shared/:id';
const BACKEND_SOCKET = '/app-backends/:id';

describe('the scopes of operations', () => {
  let server: ServerProcess;
  let routes: Route[];
  let open: string[];
  let served: Served;
  const keys = new Map<string, Shown>();
  beforeAll(async () => {
    served = await servedByTheBuild();
    const nobody = `http://127.0.0.1:${await freePort()}`;
    server = await ServerProcess.start({
      key: SESSION,
      env: {
        SESSION_API_KEY: SESSION,
        OH_MAX_FAILED_KEYS_PER_MINUTE: '0',
        OH_GITHUB_URL: nobody,
        OPENAI_AUTH_ISSUER: nobody,
      },
    });
    const { needKey, needNone } = routesOf((await server.request('GET', '/openapi.json')).body);
    open = needNone;
    routes = needKey;
    for (const scope of SCOPES)
      for (const reach of ['all', 'own'] as const)
        keys.set(`${scope}/${reach}`, {
          key: (await makeKey(server, { scope, reach })).key,
          scope,
          reach,
        });
    const revoked = await makeKey(server, { scope: 'admin' });
    await server.request('DELETE', `/api/keys/${revoked.id}`);
    const expired = await makeKey(server, {
      scope: 'admin',
      expires_at: new Date(Date.now() + 1500).toISOString(),
    });
    await eventually(async () => (await ask('GET', '/api/keys/current', expired.key)).status === 401);
    keys.set('session', { key: SESSION, scope: 'admin', reach: 'all' });
    keys.set('none', { key: undefined });
    keys.set('wrong', { key: 'wrong' });
    keys.set('unknown id', { key: `ohk_${'0'.repeat(16)}_${'A'.repeat(43)}` });
    keys.set('wrong secret', { key: `${keys.get('admin/all')?.key?.slice(0, -4) ?? ''}AAAA` });
    keys.set('revoked', { key: revoked.key });
    keys.set('expired', { key: expired.key });
  });
  afterAll(() => server.stop());

  const ask = async (method: string, path: string, key: string | undefined, hasBody = false) => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        ...(key !== undefined && { 'x-session-api-key': key }),
        ...(hasBody && { 'content-type': 'application/json' }),
      },
      // What is allowed must not happen: no body can be read.
      ...(hasBody && { body: '{' }),
    });
    const text = await response.text();
    return { status: response.status, text };
  };

  it('are stated in the document for each operation that needs a key', () => {
    const unstated = routes.filter((route) => route['x-required-scope'] === undefined);
    expect(unstated.map(({ operationId }) => operationId)).toEqual([]);
    expect(routes.length).toBeGreaterThan(190);
  });

  it('are known of each route that is in no document', () => {
    const documented = [...routes.map(({ method, path: route }) => `${method} ${route}`), ...open];
    const others = served.routes.filter((route) => !documented.includes(route));
    const expected = [...Object.keys(HIDDEN), ...PAGES.map((route) => `get ${route}`)];
    expect(others.sort()).toEqual(expected.sort());
    expect(open.sort()).toEqual([...OPEN, ...BY_SIGNATURE, ...BY_LINK.map((route) => `get ${route}`)].sort());
  });

  it('are none of pages, and of what a link opens no key is enough', async () => {
    for (const [kind, { key }] of keys) {
      for (const page of [...PAGES, ...OTHER_PAGES]) {
        const { status } = await ask('GET', page, key);
        expect([kind, page, status]).toEqual([kind, page, 200]);
      }
      for (const route of BY_LINK) {
        const { status } = await ask('GET', route.replace('{shared_id}', ID), key);
        expect([kind, route, status]).toEqual([kind, route, 401]);
      }
    }
  });

  it('follow from what an operation is', () => {
    const is = (path: string, patterns: RegExp[]): boolean => patterns.some((pattern) => pattern.test(path));
    const odd = routes.filter((route) => {
      const { method, path, 'x-required-scope': scope, 'x-own-keys': own } = route;
      const isRead = method === 'get' ? !is(path, MORE_THAN_READ) : isReading(route);
      if (isRead !== (scope === 'read')) return true;
      if (own && !/\{(runtime_)?conversation_id\}/.test(path) && !is(path, OWN_WITHOUT_CONVERSATION))
        return true;
      // The machine and the server itself.
      return /^\/api\/(keys|audit|mcp|retention|settings)(?!.*(current|schema))/.test(path) && own === true;
    });
    expect(odd.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  it('decide about every kind of key', async () => {
    const wrong: string[] = [];
    const hidden = Object.entries(HIDDEN).map(([name, stated]): Route => {
      const [method = '', route = ''] = name.split(' ');
      return { operationId: name, requestBody: {}, ...stated, method, path: route };
    });
    const cases = [...routes, ...hidden].flatMap((route) =>
      [...keys].map(([kind, shown]) => ({ route, kind, shown })),
    );
    await forEachBounded(cases, WIDTH, async ({ route, kind, shown }) => {
      const path = route.path.replace(/\{[^}]*conversation_id\}/g, ID).replace(/\{[^}]+\}/g, 'unknown');
      const { status, text } = await ask(
        route.method.toUpperCase(),
        path,
        shown.key,
        route.requestBody !== undefined && route.method !== 'get',
      );
      const expected = outcome(route, shown);
      const seen = status === 401 ? 'no key' : isScopeRefusal(status, text) ? 'refused' : 'admitted';
      if (seen !== expected) wrong.push(`${kind}: ${route.method} ${path}: ${status} ${text.slice(0, 100)}`);
    });
    expect(wrong).toEqual([]);
  }, 240_000);

  describe('of sockets', () => {
    it('are stated by each gateway', () => {
      const { gateways } = served;
      expect(gateways.length).toBeGreaterThanOrEqual(6);
      const unstated = gateways.filter(({ isOpen, hasRequirement }) => !isOpen && !hasRequirement);
      expect(unstated.map(({ name }) => name)).toEqual([]);
      // What is shown by a link needs no key.
      expect(gateways.filter(({ isOpen }) => isOpen).map(({ name }) => name)).toEqual(['SharedGateway']);
    });

    it('are known of each path', () => {
      const paths = served.gateways.map(({ path: route }) =>
        route.replace('{api/}', 'api/').replace('{/*rest}', '').replace(/:\w+/, ':id'),
      );
      const known = [...SOCKETS.map(([at]) => at), SHARED_SOCKET, BACKEND_SOCKET];
      expect(paths.sort()).toEqual(known.sort());
    });

    it('let no key open what a link or a page of an extension opens', async () => {
      const shared = server.socketUrl(SHARED_SOCKET.replace(':id', ID));
      const backend = server.socketUrl(BACKEND_SOCKET.replace(':id', 'unknown'));
      for (const [kind, { key }] of keys) {
        for (const url of [shared, `${shared}?share_token=${key ?? ''}`])
          expect([kind, url, await byHeader(url, key)]).toEqual([kind, url, '403']);
        expect([kind, await byHeader(backend, key)]).not.toEqual([kind, 'open']);
      }
    });

    it.each(SOCKETS)('decide who opens %s', async (path, scope, own) => {
      const route = { 'x-required-scope': scope, 'x-own-keys': own };
      const url = server.socketUrl(path.replace(':id', ID));
      for (const [kind, shown] of keys) {
        const expected = outcome(route, shown);
        expect([kind, await byHeader(url, shown.key)]).toEqual([
          kind,
          expected === 'admitted' || shown.key === undefined ? 'open' : '403',
        ]);
        if (shown.key === undefined) continue;
        const closed = { 'no key': 4001, refused: 4003, admitted: undefined }[expected];
        expect([kind, await byFrame(url, shown.key)]).toEqual([kind, closed]);
      }
    });
  });
});

async function servedByTheBuild(): Promise<Served> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'routes-'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [SERVED, folder], { cwd: folder });
    return JSON.parse(stdout) as Served;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is to happen, by the rule of docs/keys.md. */
function outcome(
  {
    'x-required-scope': required = 'admin',
    'x-own-keys': own,
  }: Pick<Operation, 'x-required-scope' | 'x-own-keys'>,
  { scope, reach }: Shown,
): 'no key' | 'refused' | 'admitted' {
  if (scope === undefined) return 'no key';
  if (SCOPES.indexOf(scope) < SCOPES.indexOf(required)) return 'refused';
  return reach === 'all' || own === true ? 'admitted' : 'refused';
}

function isScopeRefusal(status: number, text: string): boolean {
  return status === 403 && /This key has the (scope|reach)/.test(text);
}

function isReading({ operationId }: Route): boolean {
  return READS_BY_POST.includes(operationId);
}

function routesOf(document: unknown): { needKey: Route[]; needNone: string[] } {
  const { paths } = document as { paths: Record<string, Record<string, Operation>> };
  const all = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, ...operation })),
  );
  const needNone = all.filter(({ security }) => security === undefined);
  return {
    needKey: all.filter((route) => !needNone.includes(route)),
    needNone: needNone.map(({ method, path }) => `${method} ${path}`),
  };
}

/** Opens a socket with a key in a header: `open`, or the status of the refusal. */
async function byHeader(url: string, key: string | undefined): Promise<string> {
  const socket = new WebSocket(url, { headers: key === undefined ? {} : { 'x-session-api-key': key } });
  socket.on('error', () => undefined);
  try {
    return await new Promise((resolve) => {
      socket.once('open', () => resolve('open'));
      socket.once('unexpected-response', (_request, { statusCode }) => resolve(String(statusCode)));
    });
  } finally {
    socket.terminate();
  }
}

/** Opens a socket with a key in its first frame: the code if it is closed for its key. */
async function byFrame(url: string, key: string): Promise<number | undefined> {
  const socket = new WebSocket(url);
  socket.on('error', () => undefined);
  socket.once('open', () => socket.send(JSON.stringify({ type: 'auth', session_api_key: key })));
  try {
    return await new Promise((resolve) => {
      // Of what is admitted the first sign is a frame, or that there is no such conversation.
      socket.once('message', () => resolve(undefined));
      socket.once('close', (code) => resolve(code === 4004 ? undefined : code));
      socket.once('open', () => socket.ping());
      // A frame that is wrong is answered where nothing else is sent.
      socket.once('open', () => socket.send('{'));
    });
  } finally {
    socket.terminate();
  }
}
