import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SettingsFixture, type Json } from '../support/settings-fixture.js';

const ROUTE = '/api/git/repositories/search';
const TOKEN = 'ghp_sesame';

/** 230 repositories, as GitHub pages them. */
function repositories(page: number): object[] {
  const ids = Array.from({ length: 230 }, (_none, index) => index).slice((page - 1) * 100, page * 100);
  return ids.map((id) => ({
    ...{ id, full_name: `me/${id % 23 === 0 ? 'Wanted' : 'other'}-${id}`, private: id % 2 === 0 },
    ...{ stargazers_count: id, pushed_at: '2026-01-01T00:00:00Z', default_branch: 'main' },
  }));
}

/** Lists repositories with the token of a user, which no other host ever gets. */
describe('repository search at GitHub', () => {
  let fixture: SettingsFixture;
  let requests: IncomingMessage[];
  let otherRequests: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const host = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  const otherHost = createServer((request, response) => {
    otherRequests.push(request);
    response.end('[]');
  });
  const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  beforeAll(async () => {
    for (const server of [host, otherHost]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    const GITHUB_API_URL = `${addressOf(host)}/api/v3/`;
    fixture = await SettingsFixture.start({ GITHUB_API_URL });
  });
  beforeEach(() => {
    [requests, otherRequests] = [[], []];
    answer = page;
  });
  afterAll(async () => {
    await fixture.stop();
    for (const server of [host, otherHost]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  function page({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const number = Number(new URL(url, 'http://host').searchParams.get('page'));
    // The server follows no address in the link: it only reads that there is a next page.
    const next = `<${addressOf(otherHost)}/user/repos?page=2>; rel="next"`;
    if (number < 3) response.setHeader('link', next);
    response.end(JSON.stringify(repositories(number)));
  }
  const search = async (query: Record<string, string> = {}) => {
    const text = new URLSearchParams({ provider: 'github', ...query }).toString();
    return fixture.ask('GET', `${ROUTE}?${text}`);
  };
  const namesOf = (body: Json) =>
    (body['items'] as { full_name: string }[]).map(({ full_name }) => full_name);

  it('sends no request without a token or for another provider', async () => {
    expect(await search()).toEqual({
      ...{ status: 200, body: { items: [], next_page_id: null, missing_token: true } },
    });
    expect(await search({ provider: 'gitlab' })).toMatchObject({
      ...{ status: 400, body: { detail: "Repository discovery is not supported for provider 'gitlab'" } },
    });
    expect(requests).toEqual([]);
  });

  it('lists repositories in pages, and sends the token in a header', async () => {
    await fixture.done('PUT', '/api/settings/secrets', { name: 'GH_TOKEN', value: 'not this one' });
    await fixture.done('PUT', '/api/settings/secrets', { name: 'github_token', value: TOKEN });
    const { body } = await search({ limit: '60' });
    expect(namesOf(body)).toHaveLength(60);
    expect(body).toMatchObject({ next_page_id: '1:60', missing_token: false });
    expect(body['items']).toMatchObject([
      {
        ...{ id: '0', full_name: 'me/Wanted-0', git_provider: 'github', is_public: false },
        ...{ stargazers_count: 0, pushed_at: '2026-01-01T00:00:00Z', main_branch: 'main' },
      },
      ...Array.from({ length: 59 }, () => ({})),
    ]);
    const rest = await search({ limit: '60', page_id: '1:60' });
    expect(namesOf(rest.body)).toHaveLength(40);
    expect(rest.body['next_page_id']).toBe('2');
    const last = await search({ page_id: '3' });
    expect(namesOf(last.body)).toHaveLength(30);
    expect(last.body['next_page_id']).toBeNull();
    expect(requests.map(({ url, headers }) => [url?.split('?')[0], headers.authorization])).toEqual(
      Array.from({ length: 3 }, () => ['/api/v3/user/repos', `Bearer ${TOKEN}`]),
    );
    expect(requests.every(({ url }) => !url?.includes(TOKEN))).toBe(true);
    expect(await search({ page_id: '0' })).toMatchObject({ status: 400 });
  });

  it('searches the names on all pages, and asks no other host', async () => {
    const { body } = await search({ query: 'wANTED' });
    expect(namesOf(body)).toEqual(Array.from({ length: 10 }, (_none, index) => `me/Wanted-${index * 23}`));
    expect(requests).toHaveLength(3);
    expect(otherRequests).toEqual([]);
  });

  it.each([
    [401, 401],
    [403, 403],
    [404, 400],
    [500, 502],
    [503, 502],
  ])('maps status %i of GitHub to %i', async (status, expected) => {
    answer = (_request, response) => response.writeHead(status).end('{"message": "ghp_sesame is bad"}');
    const { status: seen, body } = await search();
    expect(seen).toBe(expected);
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  it('answers 502 to an invalid answer of GitHub, and sends the token to no other host', async () => {
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(302, { location: addressOf(otherHost) }).end(),
      (response) => response.end('no JSON'),
      (response) => response.end('{"an": "object"}'),
      (response) => response.socket?.destroy(),
      (response) => response.end(`[${'1,'.repeat(9 * 1024 * 1024)}1]`),
    ];
    for (const reply of answers) {
      answer = (_request, response) => reply(response);
      expect((await search()).status).toBe(502);
    }
    expect(otherRequests).toEqual([]);
    expect(fixture.server.log).not.toContain(TOKEN);
  });
});
