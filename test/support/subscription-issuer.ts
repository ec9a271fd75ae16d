import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

type Fields = Record<string, unknown>;

/** In seconds. */
const DEFAULT_LIFE = 3600;

/** The vendor's server for sign-ins with device codes. `approve` enters a code. */
export class SubscriptionIssuer {
  readonly requests: { path: string; fields: Fields }[] = [];
  readonly tokens: string[] = [];
  private readonly approved = new Set<string>();
  private readonly refreshTokens = new Set<string>();
  /** The lifetime of new access tokens in seconds. */
  life = DEFAULT_LIFE;
  isDown = false;

  private constructor(private readonly server = createServer()) {
    this.server.on('request', (request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<SubscriptionIssuer> {
    const issuer = new SubscriptionIssuer();
    await once(issuer.server.listen(0, '127.0.0.1'), 'listening');
    return issuer;
  }

  get url(): string {
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  approve(userCode: string): void {
    this.approved.add(userCode);
  }

  /** Forgets what it has seen and issued; it is up, with the default lifetime. */
  reset(): void {
    this.requests.length = 0;
    this.tokens.length = 0;
    this.life = DEFAULT_LIFE;
    this.isDown = false;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const path = request.url ?? '';
    if (path === '/codex/responses') return this.model(request, text, response);
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    const fields: Fields = isForm
      ? Object.fromEntries(new URLSearchParams(text))
      : Object.fromEntries(Object.entries(JSON.parse(text) as object));
    this.requests.push({ path, fields });
    const [status, body] = this.isDown ? [500, {}] : this.reply(path, fields);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  private reply(path: string, fields: Fields): [number, Fields] {
    const code = String(fields['user_code']);
    switch (path) {
      case '/api/accounts/deviceauth/usercode':
        return [200, { device_auth_id: randomUUID(), user_code: randomUUID().slice(0, 8), interval: '0' }];
      case '/api/accounts/deviceauth/token':
        if (!this.approved.delete(code)) return [403, { error: 'pending' }];
        return [200, { authorization_code: `code-${code}`, code_verifier: `verifier-${code}` }];
      case '/oauth/token': {
        const { grant_type: grant, code: given, code_verifier: verifier, refresh_token: refresh } = fields;
        const isCode =
          grant === 'authorization_code' && verifier === String(given).replace('code', 'verifier');
        const isRefresh = grant === 'refresh_token' && this.refreshTokens.delete(String(refresh));
        return isCode || isRefresh ? [200, this.issue()] : [400, { error: 'invalid_grant' }];
      }
      default:
        return [404, {}];
    }
  }

  /** A model that answers requests with the newest token. */
  private model({ headers }: IncomingMessage, text: string, response: ServerResponse): void {
    const fields: Fields = Object.fromEntries(Object.entries(JSON.parse(text) as object));
    this.requests.push({ path: 'model', fields: { ...fields, headers } });
    if (headers.authorization !== `Bearer ${this.tokens.at(-2) ?? ''}`)
      return void response.writeHead(401).end('{}');
    const item = { id: 'msg_1', type: 'message', role: 'assistant' };
    const content = [{ type: 'output_text', text: 'hello', annotations: [] }];
    const events = [
      { type: 'response.created', response: { id: 'resp_1', created_at: 1, model: fields['model'] } },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
      {
        type: 'response.output_text.delta',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        delta: 'hello',
      },
      { type: 'response.output_item.done', output_index: 0, item: { ...item, status: 'completed', content } },
      {
        type: 'response.completed',
        response: { id: 'resp_1', usage: { input_tokens: 1, output_tokens: 1 } },
      },
    ];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  }

  private issue(): Fields {
    const claims = { 'https://api.openai.com/auth': { chatgpt_account_id: 'account-1' } };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const [access_token, refresh_token] = [`head-${randomUUID()}.${payload}.sign`, `refresh-${randomUUID()}`];
    this.tokens.push(access_token, refresh_token);
    this.refreshTokens.add(refresh_token);
    return { access_token, refresh_token, expires_in: this.life };
  }
}
