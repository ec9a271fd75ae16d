import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { chromiumPath } from '../support/chromium.js';
import { ServerProcess } from '../support/server-process.js';

/** Swagger UI takes seconds of computing for the document and for each operation that is opened. */
const LONGEST_MS = 180_000;
const executablePath = chromiumPath();
if (executablePath === undefined) {
  process.stderr.write('No Chromium on the PATH: the tests of the API page are skipped.\n');
}

(executablePath === undefined ? describe.skip : describe)('the API page in a browser', () => {
  let server: ServerProcess;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  beforeAll(async () => {
    server = await ServerProcess.start();
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.on('pageerror', ({ message }) => problems.push(message));
    page.setDefaultTimeout(LONGEST_MS / 2);
    await page.goto(`${server.url}/docs`);
    await groups().first().waitFor();
  }, LONGEST_MS);
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  const groups = (): Locator => page.locator('.opblock-tag');
  const filter = (text: string) => page.fill('.operation-filter-input', text);
  const operation = (tag: string, id: string): Locator => page.locator(`#operations-${tag}-${id}`);

  /** Opens an operation and sends its example. @returns the status of the answer */
  async function execute(tag: string, id: string): Promise<string | null> {
    const block = operation(tag, id);
    await block.locator('.opblock-summary-control').click();
    await block.locator('.try-out__btn').first().click();
    await block.locator('.btn.execute').click();
    return block.locator('.live-responses-table tbody .response-col_status').first().textContent();
  }

  it('shows all groups of operations closed, each with a description', async () => {
    expect(await groups().count()).toBeGreaterThan(20);
    expect(await page.locator('.opblock').count()).toBe(0);
    for (const text of await page.locator('.opblock-tag small').allTextContents())
      expect(text).toMatch(/\.$/);
  });

  it('finds operations by their summary and opens their groups', async () => {
    await filter('FORK A conv');
    await operation('Conversations', 'Branches_fork').waitFor();
    expect(await page.locator('.opblock').count()).toBe(2);
    expect(await groups().allTextContents()).toEqual([
      expect.stringContaining('Conversations'),
      expect.stringContaining('Aliases'),
    ]);
  });

  it(
    'sends one example after the other from the API page without any input',
    async () => {
      await filter('/api/conversations');
      expect(await execute('Conversations', 'Conversations_create')).toContain('201');
      expect(await execute('Events', 'Events_send')).toContain('200');
      expect(problems).toEqual([]);
    },
    LONGEST_MS,
  );

  it('shows optional headers of an operation behind its body', async () => {
    await filter('start a conversation');
    const parts = await operation('Conversations', 'Conversations_create')
      .locator('.opblock-section-request-body, .optional-headers')
      .all();
    const places = await Promise.all(parts.map((part) => part.getAttribute('class')));
    expect(places).toEqual([
      expect.stringContaining('opblock-section-request-body'),
      expect.stringContaining('optional-headers'),
    ]);
  });

  it('is dark where the browser prefers that, and follows a change', async () => {
    const background = (): Promise<string> =>
      page.evaluate<string>("getComputedStyle(document.querySelector('.swagger-ui')).backgroundColor");
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html.dark-mode').waitFor();
    expect(await background()).toBe('rgb(28, 32, 34)');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('html:not(.dark-mode)').waitFor();
    expect(await background()).not.toBe('rgb(28, 32, 34)');
  });
});
