import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lengthen } from '../support/long-conversation.mjs';

const EVENTS = 100_000;

/** The events of a conversation: how each kind looks, how they arrive, and how long logs are read. */
export async function events({ openPage, server, step, api, axe, screenshots, expectProblems, until }) {
  const project = path.join(server.folder, 'project');
  const file = path.join(project, 'hello.py');
  const search = (id, query) => api('GET', `/api/conversations/${id}/events/search?${query}`);
  const streamed = (script, more = {}) =>
    server.conversation(script, {
      agent: {
        llm: { model: 'scripted/test', usage_id: 'agent', stream: true },
        tools: ['terminal', 'file_editor', 'task_tracker', 'grep', 'glob'].map((name) => ({ name })),
      },
      ...more,
    });
  const tool = (name, fields) => `TOOL: ${name} ${JSON.stringify(fields)}`;
  const card = (page, text) => page.locator('article.call', { hasText: text });
  const long = (page) => page.evaluate(() => globalThis.longTasks ?? []);

  const id = await streamed(
    [
      'THINK: The greeting is in hello.py.',
      'SAY: I will look at the **file** first.',
      tool('file_editor', { command: 'create', path: file, file_text: 'import sys\n\nprint("hello")\n' }),
      tool('file_editor', { command: 'str_replace', path: file, old_str: '"hello"', new_str: '"Hello!"' }),
      tool('task_tracker', {
        command: 'plan',
        task_list: [
          { title: 'Read', notes: '', status: 'done' },
          { title: 'Change', notes: 'carefully', status: 'in_progress' },
        ],
      }),
      'RUN: seq 1 400',
      'RUN: ls /nowhere',
      tool('grep', { pattern: 'Hello', path: project }),
      tool('no_such_tool', { a: 1 }),
      'FINISH: ## Done\n\n- one\n- two\n\n[docs](https://example.com/docs) [bad](javascript:alert(1))',
    ].join('\n'),
  );
  await server.reaches(id, 'finished');
  const page = await openPage({ at: `conversations/${id}`, height: 2400 });

  await step('each kind of event has its form', async () => {
    await page.getByText('Agent finished').waitFor();
    await card(page, 'Create hello.py').getByRole('cell', { name: 'print("hello")' }).waitFor();
    const edit = card(page, 'Edit hello.py');
    await edit.locator('.line.removed', { hasText: 'print("hello")' }).waitFor();
    await edit.locator('.line.added', { hasText: 'print("Hello!")' }).waitFor();
    await card(page, 'Update the task list').getByRole('img', { name: 'in progress' }).waitFor();
    await card(page, 'ls /nowhere').getByText('exit 2').waitFor();
    await card(page, 'no_such_tool').getByText("Tool 'no_such_tool' not found").waitFor();
    await page.getByText('I will look at the file first.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'docs' }).getAttribute('rel'), 'noopener noreferrer');
    assert.equal(await page.getByRole('link', { name: 'bad' }).count(), 0);
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      await axe(page, '.event-stream');
    }
    await screenshots(page, 'events');
  });

  await step('a long output shows its end, and all of it on demand', async () => {
    const output = card(page, 'seq 1 400').locator('.output').last();
    assert.match(await output.innerText(), /^3\d\d\n[^]*\n400$/);
    await card(page, 'seq 1 400')
      .getByRole('button', { name: /Show all/ })
      .click();
    await until(async () => (await output.innerText()).startsWith('1\n2\n'), 'the whole output');
  });

  await step('reasoning is folded, and what a person has unfolded stays so', async () => {
    const reasoning = page.getByRole('button', { name: /Reasoning/ });
    assert.equal(await reasoning.getAttribute('aria-expanded'), 'false');
    await reasoning.click();
    await page.getByRole('button', { name: 'Messages', exact: true }).click();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.locator('.reasoning', { hasText: 'The greeting is in hello.py.' }).waitFor();
  });

  await step('filters show messages, tool calls, errors, or everything', async () => {
    const filter = (name) => page.getByRole('button', { name, exact: true }).click();
    const count = () => page.locator('.stream-content > article').count();
    await filter('Errors');
    await until(async () => (await count()) === 2, 'the two failed calls');
    await filter('Messages');
    await until(async () => (await count()) === 2, 'the message and the answer');
    assert.match(page.url(), /show=messages/);
    await filter('Raw log');
    const { items } = await search(id, 'limit=100');
    await until(async () => (await page.locator('.fold-label').count()) === items.length, 'every event');
    await filter('All');
  });

  await step('an event has an address, a link, its JSON, and its exact time', async () => {
    const call = card(page, 'ls /nowhere');
    const event = await call.getAttribute('data-event');
    await call.hover();
    await call.getByRole('button', { name: 'More about this event' }).click();
    await page.getByRole('menuitem', { name: 'Show as JSON' }).click();
    await page.getByRole('dialog').getByText('"ls /nowhere"').first().waitFor();
    await page.keyboard.press('Escape');
    const linked = await openPage({ at: `conversations/${id}?event=${event}` });
    await linked.locator(`article.target[data-event="${event}"]`).waitFor();
    assert.equal(
      await linked.evaluate(() => document.activeElement?.getAttribute('data-event')),
      event,
      'the event that the address names has the focus',
    );
    assert.match(
      await card(linked, 'ls /nowhere').locator('time').getAttribute('title'),
      /\d{4}.*on the server/,
    );
    await linked.close();
  });

  await step('keys move between events, fold them and open their menu', async () => {
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-event'));
    const second = await focused();
    await page.keyboard.press('k');
    assert.notEqual(await focused(), second);
    await page.keyboard.press('m');
    await page.getByRole('menuitem', { name: 'Copy link' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'message-search');
  });

  await step('a search finds messages and jumps to them', async () => {
    await page.getByRole('searchbox').fill('NO_SUCH_tool');
    await page.getByRole('searchbox').press('Enter');
    await page.getByText('1 message', { exact: true }).waitFor();
    await page.locator('.found button').click();
    await page.locator('article.MessageEvent.target').waitFor();
    await page.close();
  });

  await step('events appear as they happen, and a dropped or restarted server leaves no gap', async () => {
    const live = await streamed(
      'RUN: echo first\nWAIT: 1\nRUN: echo second\nWAIT: 1\nSAY: the end of the first run',
    );
    const watched = await openPage({ at: `conversations/${live}` });
    expectProblems(watched, /ERR_CONNECTION_REFUSED/, /socket failed/, /WebSocket connection/);
    await card(watched, 'echo first').waitFor();
    await card(watched, 'echo second').waitFor();
    await watched.locator('.message.agent', { hasText: 'the end of the first run' }).waitFor();
    await server.reaches(live, 'finished');
    await server.restart();
    await api('POST', `/api/conversations/${live}/events`, {
      role: 'user',
      content: [{ type: 'text', text: 'RUN: echo third\nSAY: after the restart' }],
      run: true,
    });
    await watched.locator('.message.agent', { hasText: 'after the restart' }).waitFor();
    await watched.getByRole('button', { name: 'Raw log' }).click();
    const { items } = await search(live, 'limit=100');
    await until(
      async () => (await watched.locator('.fold-label').count()) === items.length,
      'each event once',
    );
    await watched.close();
  });

  await step('an answer appears while the model writes it, and is replaced by its event', async () => {
    const words = Array.from({ length: 400 }, (_, n) => `word${n}`).join(' ');
    const idle = await streamed();
    const watched = await openPage({ at: `conversations/${idle}` });
    await watched.getByText('Nothing has happened yet').waitFor();
    await watched.evaluate(() => {
      globalThis.wasStreaming = false;
      new MutationObserver(() => {
        globalThis.wasStreaming ||= document.querySelector('article.streaming') !== null;
      }).observe(document.body, { childList: true, subtree: true });
    });
    await api('POST', `/api/conversations/${idle}/events`, {
      role: 'user',
      content: [{ type: 'text', text: `SAY: ${words}` }],
      run: true,
    });
    await watched.locator('.MessageEvent .message.agent', { hasText: 'word399' }).waitFor();
    assert.equal(await watched.locator('article.streaming').count(), 0);
    assert.equal(await watched.evaluate(() => globalThis.wasStreaming), true);
    await watched.close();
  });

  await step('a running command shows the end of its output until its result is there', async () => {
    const file = (name) => path.join(server.folder, name);
    const release = (name) => writeFile(file(name), '');
    const running = await streamed(
      `RUN: until_file() { until [ -e "${server.folder}/$1" ]; do sleep 0.02; done; }; ` +
        String.raw`printf '\e[1;32mPASS\e[0m unit \e[36mtests\e[0m\n'; ` +
        String.raw`for n in $(seq 1 50); do printf "\r%3d%% done" $n; done; echo; until_file lines; ` +
        'seq 1 300; until_file more; echo more; until_file end; echo the last line\nSAY: finished',
    );
    const watched = await openPage({ at: `conversations/${running}` });
    const call = card(watched, 'until_file()');
    const output = call.getByRole('group', { name: 'Output so far' });
    await output.locator('.fg-2.bold', { hasText: 'PASS' }).waitFor();
    await output.getByText('50% done').waitFor();
    assert.doesNotMatch(await output.innerText(), /49% done/);
    for (const colorScheme of ['dark', 'light']) {
      await watched.emulateMedia({ colorScheme });
      await axe(watched, '.event-stream');
    }
    await screenshots(watched, 'running-command');

    await release('lines');
    const end = () => output.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
    await until(async () => /\n300\s*$/.test(await output.innerText()), 'the last line');
    await until(async () => (await end()) < 2, 'that the end is in view');
    assert.ok((await output.innerText()).split('\n').length <= 201);
    await call.getByText(/The last part\. Before it: /).waitFor();

    await output.evaluate((box) => box.scrollTo(0, 100));
    await release('more');
    const follow = call.getByRole('button', { name: 'Follow the output' });
    await follow.waitFor();
    assert.equal(await output.evaluate((box) => box.scrollTop), 100);
    assert.doesNotMatch(await output.innerText(), /more/);
    await follow.click();
    await until(async () => /\nmore\s*$/.test(await output.innerText()), 'the new line');
    await until(async () => (await end()) < 2, 'that the end is in view again');

    // Who comes later sees it, too.
    await watched.reload();
    await until(async () => /\nmore\s*$/.test(await output.innerText()), 'the output after a reload');
    await release('end');
    await output.waitFor({ state: 'detached' });
    assert.match(await call.locator('.output').last().innerText(), /the last line\s*$/);
    await watched.close();
  });

  await step('while somebody reads, nothing moves, and a button counts what is new', async () => {
    const busy = await streamed(Array.from({ length: 30 }, (_, n) => `RUN: echo line ${n}`).join('\n'));
    await server.reaches(busy, 'finished');
    const watched = await openPage({ at: `conversations/${busy}` });
    await card(watched, 'echo line 29').waitFor();
    const scroller = watched.locator('.stream-scroll');
    await scroller.evaluate((element) => {
      element.dispatchEvent(new WheelEvent('wheel'));
      element.scrollTo(0, 400);
    });
    await watched.getByRole('button', { name: 'Latest' }).waitFor();
    const top = () => card(watched, 'echo line 8').evaluate((element) => element.getBoundingClientRect().top);
    const before = await top();
    await api('POST', `/api/conversations/${busy}/events`, {
      role: 'user',
      content: [{ type: 'text', text: 'RUN: echo new\nSAY: something new' }],
      run: true,
    });
    await watched.getByRole('button', { name: '4 new events' }).waitFor();
    assert.equal(await top(), before);
    await watched.getByRole('button', { name: '4 new events' }).click();
    await watched.locator('.message.agent', { hasText: 'something new' }).waitFor();
    await watched.getByRole('button', { name: /new events|Latest/ }).waitFor({ state: 'detached' });
    await watched.close();
  });

  await step('an event that is too large for a frame or for the page is passed over', async () => {
    const big = await streamed();
    const watched = await openPage({ at: `conversations/${big}` });
    await watched.getByText('Nothing has happened yet').waitFor();
    const send = (text) =>
      api('POST', `/api/conversations/${big}/events`, {
        role: 'user',
        content: [{ type: 'text', text }],
        run: false,
      });
    await send('before');
    await watched.getByText('before', { exact: true }).waitFor();
    await send('x'.repeat(5 * 1024 * 1024));
    await send('after');
    await watched.getByText('after', { exact: true }).waitFor();
    await watched.getByText(/An event of 5.0 MB is too large to be shown/).waitFor();
    await watched.reload();
    await watched.getByText(/An event of 5.0 MB is too large to be shown/).waitFor();
    await watched.getByText('before', { exact: true }).waitFor();
    assert.equal(await watched.locator('article.MessageEvent').count(), 2);
    await watched.close();
  });

  await step('a call that waits for approval says so, and later who refused it', async () => {
    const asked = await streamed('RUN: echo risky\nFINISH: no', {
      confirmation_policy: { kind: 'AlwaysConfirm' },
    });
    await server.reaches(asked, 'waiting_for_confirmation');
    const watched = await openPage({ at: `conversations/${asked}` });
    await card(watched, 'echo risky').getByText('waits for approval').waitFor();
    await api('POST', `/api/conversations/${asked}/events/respond_to_confirmation`, {
      accept: false,
      reason: 'Not today.',
    });
    await card(watched, 'echo risky').getByText('refused by a person').waitFor();
    await card(watched, 'echo risky').getByText('Not today.').waitFor();
    await watched.close();
  });

  await step('events of another branch are one piece, until somebody wants to see them', async () => {
    const forked = await streamed('RUN: echo root\nRUN: echo left\nFINISH: left');
    await server.reaches(forked, 'finished');
    const { items } = await search(forked, 'kind=ObservationEvent');
    await api('POST', `/api/conversations/${forked}/navigate`, { event_id: items[0].id });
    await api('POST', `/api/conversations/${forked}/events`, {
      role: 'user',
      content: [{ type: 'text', text: 'FINISH: right' }],
      run: true,
    });
    await server.reaches(forked, 'finished');
    const watched = await openPage({ at: `conversations/${forked}` });
    await watched.locator('.finished', { hasText: 'right' }).waitFor();
    assert.equal(await card(watched, 'echo left').count(), 0);
    await watched.getByText('2 events of another branch').waitFor();
    await watched.getByRole('button', { name: 'Show', exact: true }).click();
    await card(watched, 'echo left').waitFor();
    await watched.goto(`${watched.url()}?event=${items[1].id}`);
    await watched.locator('article.target', { hasText: 'echo left' }).waitFor();
    await watched.close();
  });

  await step('a failed run says what to do', async () => {
    const failed = await streamed('FAIL: 401 The key is wrong.');
    await server.reaches(failed, 'error');
    const watched = await openPage({ at: `conversations/${failed}` });
    await watched.getByRole('heading', { name: 'The provider of the model refused the key' }).waitFor();
    await watched.getByRole('link', { name: 'Models and keys' }).waitFor();
    await watched.close();
  });

  await step('hostile output is text, and does not hold up the page', async () => {
    const bombs = [
      '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>',
      '![x](https://evil.example/x.png) [y](javascript:globalThis.hacked=1) <https://evil.example>',
      `${'> '.repeat(3000)}deep`,
      '**a*b'.repeat(4000),
      `|${'a|'.repeat(300)}\n|${'-|'.repeat(300)}\n${`|${'b|'.repeat(300)}\n`.repeat(40)}`,
      `x${'y'.repeat(1_000_000)}`,
      'abc\u202Edcba \u0007\u001b[31mred\u001b[0m',
    ];
    const hostile = await streamed();
    for (const text of bombs) {
      await api('POST', `/api/conversations/${hostile}/events`, {
        role: 'user',
        content: [{ type: 'text', text: `SAY: ${text}` }],
        run: true,
      });
      await server.reaches(hostile, 'finished');
    }
    await api('POST', `/api/conversations/${hostile}/events`, {
      role: 'user',
      content: [
        { type: 'image', image_urls: ['https://evil.example/a.png', 'data:image/svg+xml,<svg onload="x"/>'] },
        { type: 'text', text: 'images' },
      ],
      run: false,
    });
    const watched = await openPage({ at: null });
    await watched.addInitScript(() => {
      globalThis.longTasks = [];
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) globalThis.longTasks.push(Math.round(duration));
      }).observe({ type: 'longtask', buffered: true });
    });
    await watched.goto(`${server.url}/console/conversations/${hostile}`);
    await watched.getByText('the console loads nothing from other addresses').waitFor();
    await watched.getByText('⟨202E⟩').first().waitFor();
    assert.equal(await watched.evaluate(() => globalThis.hacked), undefined);
    assert.equal(await watched.locator('.stream-content img').count(), 0);
    // On an idle machine they are below 100 ms.
    const longest = Math.max(0, ...(await long(watched)));
    assert.ok(longest < 1500, `the page was busy for ${longest} ms`);
    await watched.close();
  });

  await step(`a log of ${EVENTS} events opens at its end and scrolls back by pages`, async () => {
    const many = await streamed('RUN: echo start\nFINISH: ok');
    await server.reaches(many, 'finished');
    await server.stop();
    const last = await lengthen(server.folder, many, EVENTS);
    await server.start();
    await api('GET', `/api/conversations/${many}/events/count`);
    const opened = performance.now();
    const watched = await openPage({ at: `conversations/${many}` });
    await card(watched, last).waitFor();
    const ms = Math.round(performance.now() - opened);
    // On an idle machine it is less than one second.
    assert.ok(ms < 5000, `opened after ${ms} ms`);
    const scroller = watched.locator('.stream-scroll');
    // What is read stays in its place while earlier events are loaded above it.
    for (let pages = 0; pages < 4; pages++) {
      const first = await watched.locator('.stream-content > article').first().getAttribute('data-event');
      const place = await scroller.evaluate((element) => {
        element.dispatchEvent(new WheelEvent('wheel'));
        element.scrollTo(0, 300);
        const edge = element.getBoundingClientRect().top;
        const piece = [...document.querySelectorAll('.stream-content > article')].find(
          (element) => element.getBoundingClientRect().bottom > edge,
        );
        return { id: piece.dataset.event, top: piece.getBoundingClientRect().top };
      });
      await until(
        async () =>
          (await watched.locator('.stream-content > article').first().getAttribute('data-event')) !== first,
        'an earlier page',
      );
      const top = await watched.evaluate(
        (event) =>
          new Promise((done) => {
            const piece = document.querySelector(`[data-event="${event}"]`);
            requestAnimationFrame(() => requestAnimationFrame(() => done(piece.getBoundingClientRect().top)));
          }),
        place.id,
      );
      assert.ok(Math.abs(top - place.top) < 3, `what was read moved by ${top - place.top} px`);
    }
    await watched.keyboard.press('g');
    await watched.keyboard.press('g');
    await watched.getByText('Beginning of the conversation').waitFor();
    await card(watched, 'echo start').waitFor();
    await watched.getByRole('button', { name: /new events|Latest/ }).click();
    await card(watched, last).waitFor();
    await watched.close();
  });
}
