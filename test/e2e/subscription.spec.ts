import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SettingsFixture, type Json } from '../support/settings-fixture.js';
import { SubscriptionIssuer } from '../support/subscription-issuer.js';

const SIGNED_OUT = { vendor: 'openai', connected: false, account_email: null, expires_at: null };

describe('a ChatGPT subscription', () => {
  let fixture: SettingsFixture;
  let issuer: SubscriptionIssuer;
  beforeAll(async () => {
    issuer = await SubscriptionIssuer.start();
    fixture = await SettingsFixture.start({
      OPENAI_AUTH_ISSUER: issuer.url,
      CHATGPT_CODEX_BASE_URL: `${issuer.url}/codex`,
    });
  });
  afterEach(async () => {
    issuer.reset();
    await fixture.done('POST', route('logout'));
    await rm(fixture.root, { recursive: true, force: true });
  });
  afterAll(async () => {
    await fixture.stop();
    await issuer.stop();
  });

  const route = (name: string): string => `/api/llm/subscription/openai/${name}`;
  const status = (): Promise<Json> => fixture.done('GET', route('status'));
  const start = (): Promise<Json> => fixture.done('POST', route('device/start'));
  const poll = (code: unknown) => fixture.ask('POST', route('device/poll'), { device_code: code });
  const file = (name = 'openai_oauth.sealed.json'): string => path.join(fixture.root, 'auth', name);
  const shared = (): string => file('openai_oauth.json');
  const gone = { status: 404, body: { detail: 'Subscription device login not found or expired' } };

  async function signedIn(): Promise<Json> {
    const { device_code, user_code } = await start();
    issuer.approve(String(user_code));
    const { status: code, body } = await poll(device_code);
    expect([code, body]).toMatchObject([200, { connected: true }]);
    return body;
  }

  it('has models, and is not signed in to at first', async () => {
    expect(await fixture.done('GET', route('models'))).toMatchObject({
      vendor: 'openai',
      models: expect.arrayContaining(['gpt-5.5', 'gpt-6-sol']) as unknown,
    });
    expect(await status()).toEqual(SIGNED_OUT);
    expect(await poll('x')).toEqual(gone);
    expect(await fixture.ask('POST', route('device/poll'), {})).toMatchObject({ status: 422 });
    expect(await fixture.done('POST', route('logout'))).toEqual(SIGNED_OUT);
    expect(issuer.requests).toEqual([]);
  });

  it('is signed in to with a device code and stored encrypted', async () => {
    const started = await start();
    expect(started).toMatchObject({
      verification_uri: `${issuer.url}/codex/device`,
      verification_uri_complete: null,
      interval_seconds: 0,
    });
    const { device_code, user_code } = started;
    expect(await poll(device_code)).toEqual({ status: 200, body: SIGNED_OUT });
    issuer.approve(String(user_code));
    const { body } = await poll(device_code);
    expect(body).toEqual({ ...SIGNED_OUT, connected: true, expires_at: expect.any(Number) as unknown });
    expect(await poll(device_code)).toEqual(gone);
    expect(await status()).toEqual(body);
    const [access_token, refresh_token] = issuer.tokens;
    const text = await readFile(file(), 'utf8');
    const token = expect.stringMatching(/^gAAAA/) as unknown;
    expect(JSON.parse(text)).toEqual({
      ...{ type: 'oauth', vendor: 'openai', access_token: token, refresh_token: token },
      expires_at: body['expires_at'],
    });
    for (const secret of [access_token, refresh_token]) expect(text).not.toContain(secret);
    const modes = await Promise.all(
      [path.dirname(file()), file()].map(async (name) => (await stat(name)).mode & 0o777),
    );
    expect(modes).toEqual([0o700, 0o600]);
    await fixture.restart();
    expect(await status()).toEqual(body);
    for (const token of issuer.tokens) expect(fixture.server.log).not.toContain(token);
  });

  it('is renewed once when it has expired, however many requests need it', async () => {
    issuer.life = 1;
    await signedIn();
    issuer.life = 3600;
    const answers = await Promise.all([status(), status(), status()]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ connected: true });
    const grants = issuer.requests
      .filter(({ path }) => path === '/oauth/token')
      .map(({ fields }) => fields['grant_type']);
    expect(grants).toEqual(['authorization_code', 'refresh_token']);
  });

  it('is shared with the original when there is no other sign-in, also after its renewal', async () => {
    issuer.life = 1;
    await signedIn();
    issuer.life = 3600;
    const [access_token, refresh_token] = issuer.tokens;
    await rm(file());
    const stored = { type: 'oauth', vendor: 'openai', access_token, refresh_token, expires_at: 1 };
    await writeFile(shared(), JSON.stringify(stored));
    expect(await status()).toMatchObject({ connected: true });
    const renewed = JSON.parse(await readFile(shared(), 'utf8')) as Json;
    expect(renewed).toMatchObject({ type: 'oauth', vendor: 'openai' });
    expect(issuer.tokens).toContain(renewed['refresh_token']);
    expect(renewed['refresh_token']).not.toBe(refresh_token);
    await expect(stat(file())).rejects.toThrow('ENOENT');
    await fixture.done('POST', route('logout'));
    await expect(stat(shared())).rejects.toThrow('ENOENT');
  });

  it('is kept only in memory when there is no secret key', async () => {
    const withKey = fixture;
    fixture = await SettingsFixture.start({ OH_SECRET_KEY: '', OPENAI_AUTH_ISSUER: issuer.url });
    try {
      const body = await signedIn();
      expect(await status()).toEqual(body);
      const text = await readFile(file(), 'utf8');
      for (const token of issuer.tokens) expect(text).not.toContain(token);
      await expect(stat(shared())).rejects.toThrow('ENOENT');
      await fixture.server.logs('because OH_SECRET_KEY is not set');
      await fixture.restart();
      expect(await status()).toEqual(SIGNED_OUT);
    } finally {
      await fixture.stop();
      fixture = withKey;
    }
  });

  it('counts as signed out while it cannot be renewed or read, without being lost', async () => {
    issuer.life = 1;
    await signedIn();
    issuer.isDown = true;
    expect(await status()).toEqual(SIGNED_OUT);
    issuer.isDown = false;
    expect(await status()).toMatchObject({ connected: true });
    await mkdir(path.dirname(file()), { recursive: true });
    for (const content of ['{', '[]', '{"vendor": "openai"}', '{"vendor": 1, "access_token": {}}']) {
      await writeFile(file(), content);
      expect(await status()).toEqual(SIGNED_OUT);
    }
  });

  it('is signed out of for good, including sign-ins that have begun', async () => {
    await signedIn();
    const { device_code, user_code } = await start();
    expect(await fixture.done('POST', route('logout'))).toEqual(SIGNED_OUT);
    issuer.approve(String(user_code));
    expect(await poll(device_code)).toEqual(gone);
    await expect(stat(file())).rejects.toThrow('ENOENT');
  });

  it('authenticates requests to models with a renewed token', async () => {
    const llm = { model: 'openai/gpt-5.5', auth_type: 'subscription', base_url: 'http://127.0.0.1:1' };
    const check = () => fixture.done('POST', '/api/profiles/mine/validate', { llm });
    expect(await check()).toMatchObject({ valid: false, error: { type: 'LLMAuthenticationError' } });
    issuer.life = 1;
    await signedIn();
    issuer.life = 3600;
    expect(await check()).toEqual({ valid: true, error: null });
    const asked = issuer.requests.filter(({ path }) => path === 'model').map(({ fields }) => fields);
    expect(asked).toMatchObject([
      {
        ...{ model: 'gpt-5.5', stream: true, store: false, instructions: 'Answer with one word.' },
        headers: { 'chatgpt-account-id': 'account-1', originator: 'codex_cli_rs' },
      },
    ]);
    expect(asked[0]).not.toHaveProperty('max_output_tokens');
  });

  it('answers 502 when its vendor fails', async () => {
    issuer.isDown = true;
    const answer = await fixture.ask('POST', route('device/start'));
    expect(answer).toMatchObject({ status: 502 });
    expect(String(answer.body['exception'])).toContain('the request for a device code with 500');
  });

  it('limits the number of sign-ins that have begun', async () => {
    for (let count = 0; count < 20; count++) await start();
    expect(await fixture.ask('POST', route('device/start'))).toMatchObject({ status: 429 });
  });
});
