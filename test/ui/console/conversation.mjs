import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A picture of one dot. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** The view of one conversation: everything that a person can do there. */
export async function conversation({ openPage, server, step, api, axe, screenshots, expectProblems, until }) {
  const id = await server.conversation();
  const route = `/api/conversations/${id}`;
  const project = path.join(server.folder, 'project');
  const page = await openPage({ at: `conversations/${id}` });
  const approval = page.getByRole('region', { name: 'Approval' });
  const message = page.getByRole('textbox', { name: 'Message' });
  const status = (text) => page.locator('.conversation-header .badge', { hasText: text }).waitFor();
  const messages = async () =>
    (await api('GET', `${route}/events/search?kind=MessageEvent&source=user&limit=100`)).items;
  const send = async (text) => {
    await message.fill(text);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
  };
  const more = async (name) => {
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name }).click();
  };

  await step(
    'an example of the scripted model is inserted, sent with Enter, and played to its end',
    async () => {
      await status('idle');
      await page.getByRole('button', { name: 'Think, write a file, finish' }).click();
      await message.press('Enter');
      await status('finished');
      await until(async () => (await message.inputValue()) === '', 'the message to be sent');
      assert.equal(await readFile(path.join(project, 'note.txt'), 'utf8'), 'hello\n');
      await axe(page);
      await screenshots(page, 'conversation-finished');
    },
  );

  await step('Shift+Enter begins a line, and a draft survives a reload', async () => {
    await message.fill('RUN: pwd');
    await message.press('Shift+Enter');
    await message.pressSequentially('FINISH: kept');
    await until(
      () => page.evaluate((name) => localStorage.getItem(name) !== null, `agent-server-console.draft.${id}`),
      'the draft to be kept',
    );
    await page.reload();
    await status('finished');
    assert.equal(await message.inputValue(), 'RUN: pwd\nFINISH: kept');
    await message.fill('');
  });

  await step('a message is sent without starting a run', async () => {
    await message.fill('SAY: later');
    await page.getByRole('button', { name: 'Ways to send' }).click();
    await page.getByRole('menuitem', { name: 'Send without starting a run' }).click();
    await until(async () => (await messages()).length === 2, 'the message to be stored');
    assert.notEqual((await api('GET', route)).execution_status, 'running');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await status('finished');
  });

  await step('the title is edited in place, with a key', async () => {
    await message.blur();
    await page.keyboard.press('e');
    const field = page.getByRole('textbox', { name: 'Title' });
    await field.fill('A thorough look around');
    await field.press('Enter');
    await page.getByRole('button', { name: 'A thorough look around. Edit the title' }).waitFor();
    assert.equal((await api('GET', route)).title, 'A thorough look around');
    assert.match(await page.title(), /^A thorough look around/);
  });

  await step('tags are added and removed, and a wrong one says why', async () => {
    await page.getByRole('button', { name: '+ tag' }).click();
    const field = page.getByRole('textbox', { name: 'New tag' });
    await field.fill('my team=docs');
    await page.getByText('The key of a tag has letters a to z and digits only.').waitFor();
    await field.fill('team=docs');
    await field.press('Enter');
    await page.getByRole('button', { name: 'Remove the tag team' }).waitFor();
    await field.fill('urgent');
    await field.press('Enter');
    await page.getByRole('button', { name: 'Remove the tag urgent' }).waitFor();
    const tags = async () => (await api('GET', route)).tags;
    await until(async () => Object.keys(await tags()).length === 2, 'both tags to be stored');
    assert.deepEqual(await tags(), { team: 'docs', urgent: '' });
    await page.getByRole('button', { name: 'Remove the tag team' }).click();
    await page.getByRole('button', { name: 'Remove the tag team' }).waitFor({ state: 'detached' });
    await until(async () => Object.keys(await tags()).length === 1, 'one tag to be removed');
  });

  await step('the model is switched to one that is typed, and to a profile', async () => {
    await page.getByRole('button', { name: 'Model scripted/test. Switch the model' }).click();
    const find = page.getByRole('textbox', { name: 'Find a profile or a model' });
    await find.fill('scripted/other');
    await page.getByRole('radio', { name: 'scripted/other' }).check();
    await page.getByRole('button', { name: 'Switch', exact: true }).click();
    await page.locator('.meta', { hasText: 'scripted/other' }).waitFor();
    await api('POST', '/api/profiles/quick', { llm: { model: 'scripted/quick' } });
    await page.getByRole('button', { name: 'More actions' }).press('Enter');
    await page.keyboard.press('Enter');
    await page.getByRole('radio', { name: /^quick/ }).check();
    await screenshots(page, 'conversation-model');
    await page.getByRole('button', { name: 'Switch', exact: true }).click();
    await page.locator('.meta', { hasText: 'scripted/quick' }).waitFor();
    assert.equal((await api('GET', route)).agent.llm.model, 'scripted/quick');
  });

  await step('a question is answered and does not become part of the conversation', async () => {
    const before = await messages();
    await more('Ask about the conversation');
    await page.getByRole('textbox', { name: 'Question' }).fill('What now?\nSAY: All is well.');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.locator('.asked pre', { hasText: 'All is well.' }).waitFor();
    await axe(page);
    await page.keyboard.press('Escape');
    assert.equal((await messages()).length, before.length);
  });

  await step('a budget is set and removed', async () => {
    await more('Change the budget');
    await page.getByRole('textbox', { name: /Budget of a run/ }).fill('2,50');
    await page.getByRole('button', { name: 'Set the budget' }).click();
    await page.locator('.meta', { hasText: 'of $2.50 a run' }).waitFor();
    await more('Change the budget');
    await page.getByRole('textbox', { name: /Budget of a run/ }).fill('');
    await page.getByRole('button', { name: 'Remove the budget' }).click();
    await page.locator('.meta', { hasText: 'of $2.50 a run' }).waitFor({ state: 'detached' });
    assert.equal((await api('GET', route)).max_budget_per_run, undefined);
  });

  await step('actions wait for an approval, and typing never approves them', async () => {
    await page.getByRole('button', { name: 'Never asks' }).click();
    await page.getByRole('radio', { name: /Before every action/ }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await send('RUN: echo approved > approved.txt\nAND RUN: echo two\nFINISH: both ran');
    await status('waiting for approval');
    await page.getByText('2 actions wait for your approval').waitFor();
    await page.locator('.pending-action', { hasText: 'echo approved > approved.txt' }).waitFor();
    assert.match(await page.title(), /^\(waiting for approval\)/);
    await axe(page);
    await screenshots(page, 'conversation-approval');
    await message.pressSequentially('a r a r');
    await message.fill('');
    assert.equal((await api('GET', route)).execution_status, 'waiting_for_confirmation');
    assert.equal(await page.getByRole('button', { name: 'Store' }).count(), 1);
  });

  await step('the key a approves them, outside of fields', async () => {
    await message.blur();
    await pressUntil(page, 'a', () => page.getByText('2 actions wait for your approval').isHidden());
    await status('finished');
    assert.equal(await readFile(path.join(project, 'approved.txt'), 'utf8'), 'approved\n');
    // What comes and goes below the events does not move a person away from their end.
    await until(
      () =>
        page
          .getByRole('group', { name: 'Stream of events' })
          .evaluate(
            ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 5,
          ),
      'the end of the events to be shown',
    );
    assert.equal(await page.getByRole('button', { name: /new event/ }).count(), 0);
  });

  await step('actions are refused with a reason, and the agent goes on', async () => {
    await send('RUN: rm -rf everything\nSAY: then not');
    await page.getByText('An action waits for your approval').waitFor();
    await pressUntil(page, 'r', () => page.getByRole('textbox', { name: /Why\?/ }).isVisible(), message);
    await page.getByRole('textbox', { name: /Why\?/ }).fill('That is too much.');
    await screenshots(page, 'conversation-refusal');
    await page.getByRole('button', { name: 'Refuse', exact: true }).click();
    await status('finished');
    const { items } = await api('GET', `${route}/events/search?kind=UserRejectObservation`);
    assert.equal(items[0].rejection_reason, 'That is too much.');
  });

  await step('actions that another page has decided about are not approved unseen', async () => {
    await send('RUN: echo one\nRUN: echo two\nFINISH: end');
    await page.locator('.pending-action', { hasText: 'echo one' }).waitFor();
    const reading = page.waitForRequest((request) => /events\/search\?kind=ActionEvent/.test(request.url()));
    // The answer of the first question is held back until other actions wait.
    await page.route(/events\/search\?kind=ActionEvent/, async (held) => {
      await api('POST', `${route}/events/respond_to_confirmation`, { accept: true });
      await until(
        async () => (await api('GET', route)).execution_status === 'waiting_for_confirmation',
        'the second action',
      );
      await held.continue();
    });
    await approval.getByRole('button', { name: /^Approve/ }).click();
    await reading;
    await page.locator('.pending-action', { hasText: 'echo two' }).waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    assert.equal((await api('GET', route)).execution_status, 'waiting_for_confirmation');
    await api('POST', `${route}/confirmation_policy`, { policy: { kind: 'NeverConfirm' } });
    await approval.getByRole('button', { name: /^Approve/ }).click();
    await status('finished');
  });

  await step('a double click does not approve the action that comes next', async () => {
    await api('POST', `${route}/confirmation_policy`, { policy: { kind: 'AlwaysConfirm' } });
    await send('RUN: echo first click\nRUN: echo second click\nFINISH: end');
    await page.locator('.pending-action', { hasText: 'echo first click' }).waitFor();
    await approval.getByRole('button', { name: /^Approve/ }).click();
    const wasEnabled = await page.evaluate(async () => {
      const isNext = () => document.querySelector('.pending-action')?.textContent.includes('second click');
      while (!isNext()) await new Promise((next) => requestAnimationFrame(next));
      return [...document.querySelectorAll('.approval-buttons button')].some(({ disabled }) => !disabled);
    });
    assert.equal(wasEnabled, false);
    await api('POST', `${route}/confirmation_policy`, { policy: { kind: 'NeverConfirm' } });
    await approval.getByRole('button', { name: /^Approve/ }).click();
    await status('finished');
  });

  await step('a run is paused after its step, and resumed', async () => {
    await send('RUN: while [ ! -e go ]; do sleep 0.05; done\nRUN: echo second > second.txt\nFINISH: resumed');
    await status('running');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Pausing' }).waitFor();
    await writeFile(path.join(project, 'go'), '');
    await status('paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await status('finished');
    assert.equal(await readFile(path.join(project, 'second.txt'), 'utf8'), 'second\n');
  });

  await step('a command is interrupted at once, from the palette', async () => {
    await send('RUN: sleep 600\nFINISH: never');
    await status('running');
    await screenshots(page, 'conversation-running');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'A command or the title of a conversation' }).fill('interrupt');
    await page.getByRole('option', { name: 'Interrupt the current step', selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await status('paused');
    await message.fill('');
  });

  await step(
    'a file is uploaded to the workspace and mentioned, an image becomes part of the message',
    async () => {
      await message.fill('RUN: cat');
      await page.getByLabel('Files to attach').setInputFiles([
        { name: 'my data.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,2\n') },
        { name: 'dot.png', mimeType: 'image/png', buffer: PNG },
      ]);
      await page.getByText('stored as uploads/my_data.csv').waitFor();
      await page.getByText('part of the message').waitFor();
      assert.equal(await message.inputValue(), 'RUN: cat uploads/my_data.csv');
      await message.press('Control+Enter');
      await status('finished');
      const last = (await messages()).at(-1).llm_message.content;
      assert.deepEqual(
        last.map(({ type }) => type),
        ['text', 'image'],
      );
      assert.match(last[1].image_urls[0], /^data:image\/png;base64,/);
      assert.equal(await readFile(path.join(project, 'uploads/my_data.csv'), 'utf8'), 'a,b\n1,2\n');
      assert.equal(await page.locator('.attachment').count(), 0);
    },
  );

  await step(
    'a pasted image is attached, and one that is too large is refused before it is read',
    async () => {
      await message.evaluate((field) => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], 'pasted.png', { type: 'image/png' }));
        data.items.add(new File([new Uint8Array(12 * 1024 * 1024)], 'big.png', { type: 'image/png' }));
        field.dispatchEvent(
          new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
        );
      });
      await page.locator('.attachment', { hasText: 'pasted.png' }).waitFor();
      await page.getByText('The images of a message can have 11 MB together.').waitFor();
      await page.getByRole('button', { name: 'Remove big.png' }).click();
      await page.getByRole('button', { name: 'Remove pasted.png' }).click();
    },
  );

  await step('a file is dropped anywhere in the view', async () => {
    const files = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
      return data;
    });
    const view = page.locator('.conversation');
    await view.dispatchEvent('dragover', { dataTransfer: files });
    await page.getByText('Drop the files to attach them').waitFor();
    await view.dispatchEvent('drop', { dataTransfer: files });
    await page.getByText('stored as uploads/dropped.txt').waitFor();
    await page.getByText('Drop the files to attach them').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove dropped.txt' }).click();
    await message.fill('');
  });

  await step('a message whose answer was lost is kept, and sent again it is stored once', async () => {
    expectProblems(page, /request failed: POST .*\/events/);
    const before = (await messages()).length;
    await page.route(`**/conversations/${id}/events*`, async (lost) => {
      await lost.fetch();
      await lost.abort();
    });
    await send('SAY: exactly once');
    await page.getByText('Your message is kept.').waitFor();
    assert.equal(await message.inputValue(), 'SAY: exactly once');
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Send again' }).click();
    await until(async () => (await message.inputValue()) === '', 'the message to be sent');
    assert.equal(await page.getByText('Your message is kept.').count(), 0);
    await status('finished');
    assert.equal((await messages()).length, before + 1);
  });

  await step('a failed run says what to do, and can be tried again', async () => {
    await send('FAIL: 401 The key is wrong');
    await status('error');
    await page.locator('.run-problem', { hasText: 'The provider of the model refused the key' }).waitFor();
    await page.locator('.error-event', { hasText: 'invalid or has expired' }).first().waitFor();
    await axe(page);
    await screenshots(page, 'conversation-error');
    await page.locator('.run-problem').getByRole('button', { name: 'Switch the model' }).click();
    await page.getByRole('dialog', { name: 'Switch the model' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.run-problem').getByRole('button', { name: 'Try again' }).click();
    await status('error');
    await send('FINISH: mended');
    await status('finished');
    await page.locator('.run-problem').waitFor({ state: 'detached' });
  });

  await step('the panel is opened by key, named in the address, and remembered', async () => {
    await message.blur();
    await page.keyboard.press(']');
    await page.getByRole('tab', { name: 'Cost' }).click();
    await page.waitForURL(/panel=cost/);
    await page.getByRole('separator', { name: 'Width of the panel' }).press('ArrowLeft');
    await page.goto(`${server.url}/console/conversations/${id}`);
    await page.waitForURL(/panel=cost/);
    await page.getByRole('tab', { name: 'Cost', selected: true }).waitFor();
    const { width } = await page.getByRole('complementary', { name: 'Insight' }).boundingBox();
    assert.equal(width, 444);
    await page.getByRole('complementary').getByRole('button', { name: 'Close the panel' }).click();
    await page.getByRole('complementary').waitFor({ state: 'detached' });
  });

  await step('on a narrow screen the panels are tabs beside the events', async () => {
    const narrow = await openPage({ at: `conversations/${id}`, width: 390, height: 844, hasTouch: true });
    await narrow.getByRole('tab', { name: 'Events', selected: true }).waitFor();
    await narrow.getByRole('tab', { name: 'Cost' }).click();
    await narrow.waitForURL(/panel=cost/);
    assert.equal(await narrow.getByRole('group', { name: 'Stream of events' }).count(), 0);
    await axe(narrow);
    await narrow.getByRole('tab', { name: 'Events' }).click();
    await narrow.getByRole('group', { name: 'Stream of events' }).waitFor();
    await narrow.getByRole('button', { name: 'More actions' }).click();
    await narrow.getByRole('menuitem', { name: 'Copy the id' }).waitFor();
    await axe(narrow);
    const { width, height } = await narrow.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement;
      return { width: scrollWidth, height: scrollHeight };
    });
    assert.deepEqual({ width, height }, { width: 390, height: 844 });
    await narrow.close();
  });

  await step('events, trajectory and final answer are downloaded', async () => {
    const save = async (name) => {
      const download = page.waitForEvent('download');
      await more(name);
      return (await download).path();
    };
    const lines = (await readFile(await save('Download the events'), 'utf8')).trim().split('\n');
    assert.equal(lines.length, await api('GET', `${route}/events/count`));
    assert.ok(lines.every((line) => typeof JSON.parse(line).id === 'string'));
    assert.match(await readFile(await save('Download the trajectory'), 'latin1'), /^PK/);
    assert.equal(await readFile(await save('Download the final answer'), 'utf8'), 'mended');
  });

  await step('a fork opens with the history, and links back', async () => {
    await more('Fork from the end');
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByRole('button', { name: 'Fork of A thorough look around. Edit the title' }).waitFor();
    await page.getByRole('link', { name: 'Forked from' }).click();
    await page.getByRole('button', { name: 'A thorough look around. Edit the title' }).waitFor();
  });

  await step('a deletion is taken back, and another one is carried out', async () => {
    await more('Delete the conversation');
    await page.waitForURL(`${server.url}/console/`);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('link', { name: 'A thorough look around', exact: true }).click();
    await page.getByRole('button', { name: 'A thorough look around. Edit the title' }).waitFor();
    assert.equal((await api('GET', route)).id, id);
    await more('Delete the conversation');
    await page.waitForURL(`${server.url}/console/`);
    assert.equal((await api('GET', route)).id, id);
    // Whoever leaves the page takes nothing back.
    await page.goto(`${server.url}/docs`);
    await until(async () => {
      const answer = await fetch(server.url + route);
      return answer.status === 404;
    }, 'the conversation to be deleted');
    await page.close();
  });
}

/** Presses a key until it has its effect: keys are not taken at once for new actions. */
async function pressUntil(page, key, hasEffect, field) {
  await field?.blur();
  for (;;) {
    await page.keyboard.press(key);
    if (await hasEffect()) return;
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }
}
