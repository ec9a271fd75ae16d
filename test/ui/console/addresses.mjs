import assert from 'node:assert/strict';

const VIEWS = { home: '', new: 'new', server: 'server', settings: 'settings', unknown: 'none/such' };

/** Each address of the console answers with its view. */
export async function addresses({ openPage, server, step, axe, screenshots }) {
  await step('a browser that opens / is led to the console', async () => {
    const page = await openPage({ at: null });
    await page.goto(server.url);
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
    assert.equal(page.url(), `${server.url}/console/`);
    await page.close();
  });
  for (const [name, at] of Object.entries(VIEWS)) {
    await step(`the address of ${name} can be opened, and has no barriers`, async () => {
      const page = await openPage({ at });
      await page.getByRole('main').getByRole('heading').first().waitFor();
      await axe(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      await axe(page);
      await screenshots(page, `address-${name}`);
      await page.close();
    });
  }
}
