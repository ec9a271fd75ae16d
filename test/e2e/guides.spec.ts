import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../support/checkout.js';
import { rawRequest } from '../support/raw-request.js';
import { ServerProcess } from '../support/server-process.js';

describe('the guides below /guides/', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ env: { SESSION_API_KEY: 'key-of-mine' } });
  });
  afterAll(() => server.stop());

  const page = (address: string) => rawRequest(server.url, { path: address });

  it('are pages without scripts, and need no key', async () => {
    const { status, headers, text } = await page('/guides/docs/models.md');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toContain("default-src 'none'; style-src 'sha256-");
    expect(text).toMatch(/<title>[^<]+<\/title>/);
    expect(text).toContain('<h3 id="the-scripted-model">');
    expect(text).toContain('<table>');
    expect(text).not.toContain('<script');
  });

  it('are reached from the page at /, and lead only to pages that answer', async () => {
    const { headers } = await rawRequest(server.url, { headers: { accept: 'text/html' } });
    expect(headers.location).toBe('console/');
    const landing = await page('/console/');
    const seen = new Map<string, string>();
    const todo = [...landing.text.matchAll(/href="\.\.(\/guides\/[^"]+)"/g)].map(([, href = '']) => href);
    expect(todo).toEqual(['/guides/docs/README.md', '/guides/README.md']);
    for (let address = todo.pop(); address !== undefined; address = todo.pop()) {
      if (seen.has(address)) continue;
      const { status, text } = await page(address);
      expect([address, status]).toEqual([address, 200]);
      seen.set(address, text);
      for (const [, href = ''] of text.matchAll(/<a href="([^":#]+)(?:#[^"]*)?"/g)) {
        const { pathname } = new URL(href, server.url + address);
        if (pathname.startsWith('/guides/')) todo.push(pathname);
      }
    }
    expect(seen.size).toBeGreaterThan(20);
    for (const name of ['web-ui', 'console']) expect([...seen.keys()]).toContain(`/guides/docs/${name}.md`);
  });

  it('show their pictures, which are small and all in use', async () => {
    const folder = path.join(ROOT, 'docs/images');
    const pictures = (await readdir(folder)).sort();
    const { text, headers } = await page('/guides/docs/console.md');
    expect(headers['content-security-policy']).toContain("img-src 'self' data:");
    const shown = [...text.matchAll(/<img src="images\/([\w.-]+)" alt="[^"]{10,}">/g)].map(
      ([, name]) => name,
    );
    expect(shown.sort()).toEqual(pictures);
    let bytes = 0;
    for (const name of pictures) {
      const answer = await page(`/guides/docs/images/${name}`);
      expect([name, answer.status, answer.headers['content-type']]).toEqual([name, 200, 'image/png']);
      bytes += Number(answer.headers['content-length']);
    }
    expect(bytes).toBeLessThan(400_000);
  });

  it('start at the list of guides', async () => {
    const { status, headers } = await page('/guides/');
    expect([status, headers.location]).toEqual([302, '/guides/docs/README.md']);
  });

  it.each([
    '/guides/package.json',
    '/guides/docs/none.md',
    '/guides/docs/images/none.png',
    '/guides/docs/images/..%2f..%2fpackage.json',
    '/guides/docs/images/',
    '/guides/docs/../package.json',
    '/guides/docs/%2e%2e/README.md',
    '/guides/docs/..%2f..%2fREADME.md',
    '/guides/node_modules/ws/README.md',
    '/guides/.git/config',
  ])('hold nothing but documents: %s', async (address) => {
    expect((await page(address)).status).toBe(404);
  });
});
