import assert from 'node:assert/strict';

const MARKUP = [
  `<script>alert(1)</script>`,
  `<img src=x onerror=alert(2)>`,
  `<iframe src="https://example.com/"></iframe>`,
  `<a href="javascript:alert(3)">link</a>`,
  `[link](javascript:alert(4))`,
  `![picture](https://example.com/pixel.png)`,
  `<style>* { display: none }</style>`,
  `<svg onload=alert(5)>`,
];
/** Escapes of terminals, an override of the direction, and characters that cannot be seen. */
const CONTROLS = String.raw`printf '\033]0;owned\007\033[2J\033[31mred\033[0m \033]8;;javascript:alert(6)\033\\click\033]8;;\033\\ \342\200\256gnp.exe\342\200\254 \000\001\010end'`;
/** An input is answered within this time (ms), unless the machine is slow without the flood as well. */
const ANSWERED_MS = 200;

/** An agent that prints what would take over a careless page. */
export async function hostileAgent({ server, openPage, step, screenshots, axe }) {
  const page = await openPage({ at: null });
  page.on('dialog', (dialog) => assert.fail(`a dialog was opened: ${dialog.message()}`));
  const opened = [];
  page.context().on('page', (other) => opened.push(other.url()));
  const feed = page.getByRole('feed', { name: 'Events' });

  await step('markup and scripts are shown as what they are', async () => {
    const script = [
      `SAY: ${MARKUP.join(' ')}`,
      `RUN: cat <<'E'`,
      ...MARKUP,
      'E',
      `FINISH: ${MARKUP.join(' ')}`,
    ];
    const id = await server.conversation(script.join('\n'), { tags: { markup: '<b>bold</b>' } });
    await server.api('PATCH', `/api/conversations/${id}`, { title: '<img src=x onerror=alert(7)>' });
    await server.reaches(id, 'finished');
    await page.goto(`${server.url}/console/`);
    await page.getByRole('link', { name: '<img src=x onerror=alert(7)>' }).click();
    await feed.getByText('<svg onload=alert(5)>').last().waitFor();
    const found = await page.evaluate(() => ({
      elements: document.querySelectorAll('main :is(script, iframe, style, img, object, embed)').length,
      links: [...document.querySelectorAll('main a')]
        .map((link) => link.getAttribute('href'))
        .filter((href) => !/^(\.\/|conversations\/|https:\/\/example\.com\/)/.test(href)),
      handlers: document.querySelectorAll('main [onerror], main [onload]').length,
    }));
    assert.deepEqual(found, { elements: 0, links: [], handlers: 0 });
    await axe(page);
    await screenshots(page, 'conversation-markup');
  });

  await step('control characters change neither the page nor the text around them', async () => {
    const id = await server.conversation(`RUN: ${CONTROLS}\nFINISH: done \u202e over \u0007`);
    await server.reaches(id, 'finished');
    await page.goto(`${server.url}/console/conversations/${id}`);
    await feed.getByText('red').first().waitFor();
    const text = await feed.evaluate((element) => element.textContent);
    assert.doesNotMatch(text, /[\0-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
    assert.doesNotMatch(await page.title(), /owned/);
    await screenshots(page, 'conversation-control-characters');
  });

  await step('while an agent prints 100 MB, the page answers every click', async () => {
    const id = await server.conversation();
    await page.goto(`${server.url}/console/conversations/${id}`);
    const quiet = await answerTimes(page, 5);
    const message = page.getByRole('textbox', { name: 'Message' });
    await message.fill(
      `RUN: head -c 100000000 /dev/zero | tr '\\0' x | fold -w 200\nRUN: yes '<b>&amp;' | head -c 100000000\nFINISH: flooded`,
    );
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('button', { name: 'Interrupt' }).waitFor();
    const flooded = await answerTimes(page, 20);
    await feed.getByText('flooded', { exact: true }).waitFor();
    const [slowest, baseline] = [Math.max(...flooded), Math.max(...quiet)];
    assert.ok(
      slowest < Math.max(ANSWERED_MS, 3 * baseline),
      `${slowest} ms, without the flood ${baseline} ms`,
    );
    const size = await feed.evaluate((element) => element.textContent.length);
    assert.ok(size < 200_000, `${size} characters are in the page`);
    await screenshots(page, 'conversation-flood');
  });

  await step('no other page was opened', () => Promise.resolve(assert.deepEqual(opened, [])));
}

/** Clicks on the theme. @returns the milliseconds until each click was painted */
async function answerTimes(page, count) {
  const times = [];
  const button = page.getByRole('button', { name: /^Theme/ });
  for (let n = 0; n < count; n++) {
    await button.evaluate((element) => {
      element.addEventListener(
        'click',
        ({ timeStamp }) => {
          requestAnimationFrame(() =>
            requestAnimationFrame(() => (globalThis.answered = performance.now() - timeStamp)),
          );
        },
        { once: true },
      );
    });
    await button.click();
    times.push(await (await page.waitForFunction(() => globalThis.answered)).jsonValue());
    await page.evaluate(() => delete globalThis.answered);
  }
  return times;
}
