import assert from 'node:assert/strict';
import { POSTGRES_MISSING } from '../../support/postgres/binaries.mjs';
import { PostgresInstance } from '../../support/postgres/instance.mjs';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9/hook';

/** What the console shows of several servers on one database: their table, and what another one delivers. */
export async function cluster(test) {
  if (POSTGRES_MISSING !== undefined) return console.log(`left out: ${POSTGRES_MISSING}`);
  const postgres = await PostgresInstance.start();
  try {
    await twoServers(test, postgres.url());
  } finally {
    await postgres.stop();
  }
}

async function twoServers({ openPage, startServer, step, axe, screenshots, until }, databaseUrl) {
  const webhook = { name: 'down', base_url: NOWHERE, flush_delay: 0.1, retry_delay: 3600 };
  const environment = {
    OH_DATABASE_URL: databaseUrl,
    OH_SECRET_KEY: 'the key of all servers',
    OH_SERVER_LEASE_SECONDS: '2',
    OH_WEBHOOKS: JSON.stringify([webhook]),
    OH_WORKSPACES_SHARED: '1',
  };
  const start = async () => {
    const server = await startServer({ ...environment });
    // Its port is known now, and stays.
    await server.restart({ OH_SERVER_URL: server.url });
    return server;
  };
  const [one, two] = [await start(), await start()];
  const page = await openPage({ of: two, at: 'server' });
  try {
    const table = page.getByRole('region', { name: 'Table of the servers' });
    const row = (server) => table.getByRole('row').filter({ hasText: server.url });
    const id = await one.conversation('RUN: sleep 600\nFINISH: never');

    await step('the servers are listed with what they have', async () => {
      await row(one)
        .getByRole('cell', { name: /^1 of \d+$/ })
        .waitFor();
      assert.match(await row(two).innerText(), /answers this page\)\s+0\s+0 of \d+/);
      await axe(page);
      await screenshots(page, 'server-cluster');
    });

    await step('a conversation of another server is shown live, with its host', async () => {
      await one.reaches(id, 'running');
      await page.goto(`${two.url}/console/conversations/${id}`);
      await page.getByText(/^On \S+$/).waitFor();
      await page.getByText('sleep 600').first().waitFor();
    });

    await step('what another server delivers is shown as such', async () => {
      await page.goto(`${two.url}/console/server/webhooks`);
      const hook = page.getByRole('region', { name: 'down', exact: true });
      await hook.getByRole('button', { name: 'Lanes and errors' }).click();
      await hook
        .getByRole('row', { name: /elsewhere/i })
        .first()
        .waitFor();
      await axe(page);
      await screenshots(page, 'server-cluster-webhooks');
    });

    await step('a server that ends leaves the table, and its conversation goes on', async () => {
      await one.stop();
      await page.goto(`${two.url}/console/server`);
      await row(two).waitFor();
      await until(async () => (await row(one).count()) === 0, 'the end of the row');
      await two.api('GET', `/api/conversations/${id}`);
    });
  } finally {
    // Before their database; the page first, as it would report their end.
    await page.context().close();
    await Promise.allSettled([one.stop(), two.stop()]);
  }
}
