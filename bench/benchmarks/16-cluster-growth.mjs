import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createConversation, fillConversation, sendMessage } from '../support/conversation.mjs';
import { copyStored, growStored, onDatabase, withClient, withDatabase } from '../support/database.mjs';
import { copyConversation } from '../support/stored.mjs';
import { median } from '../support/table.mjs';

const ANY = { model: 'openai/scripted', base_url: 'http://127.0.0.1:9/v1', api_key: 'none' };
const SMALL = 1_000;
const PAGES = 50;

const size = (quick) => (quick ? 100_000 : 1_000_000);
const listed = (quick) => (quick ? 20_000 : 100_000);

const rows = {
  filesList: {
    title: 'a page of 20 among 100,000 conversations (quick: 20,000), files',
    unit: 'ms',
    better: 'less',
  },
  list: { title: 'the same, PostgreSQL', unit: 'ms', better: 'less', target: { figure: 3 } },
  listStatus: {
    title: 'the same, a status that none has',
    unit: 'ms',
    better: 'less',
    target: { figure: 3 },
  },
};
for (const [key, place] of Object.entries({ files: 'files', database: 'PostgreSQL' })) {
  rows[`${key}_page`] = {
    title: `the last page of messages among 1,000,000 events (quick: 100,000), ${place}`,
    unit: 'ms',
    better: 'less',
  };
  rows[`${key}_message`] = { title: 'the same, a message', unit: 'ms', better: 'less' };
  rows[`${key}_absent`] = { title: 'the same, a kind that is not there', unit: 'ms', better: 'less' };
  for (const [part, title] of Object.entries({
    page: 'page',
    message: 'message',
    absent: 'kind that is not there',
  }))
    rows[`${key}_${part}Growth`] = {
      title: `the same, a ${title}, to that among 1,000`,
      unit: 'times',
      better: 'less',
      ...(key === 'database' && { target: { figure: 1.5 } }),
    };
}

/** What grows with the number of conversations, and with the length of one, on PostgreSQL and in files. */
export const benchmark = {
  name: 'cluster-growth',
  rounds: { full: 1, quick: 1 },
  rows,
  async measure({ start, quick, isOurs }) {
    if (!isOurs) return {};
    const files = await withFiles(start, quick);
    const database = await withDatabase((url) => onPostgres(start, url, quick));
    return { ...files, ...database };
  },
};

async function withFiles(start, quick) {
  const server = await start();
  const conversation = await filled(server);
  const small = await lengthFigures(server, conversation);
  await server.end();
  growFile(server, conversation, size(quick));
  await server.start();
  const large = await lengthFigures(server, conversation);
  await server.end();
  const one = await server.start().then(() => createConversation(server, ANY));
  await server.end();
  for (let i = 2; i < listed(quick); i++) copyConversation(server.folder, one, i);
  await server.start();
  const filesList = await pageMs(server, '/api/conversations/search?limit=20', 20);
  await server.stop();
  return { ...growth('files', small, large), filesList };
}

async function onPostgres(start, url, quick) {
  const settings = onDatabase(url);
  const server = await start(settings);
  const conversation = await filled(server);
  const small = await lengthFigures(server, conversation);
  await server.end();
  const id = conversation.split('/').at(-1);
  await withClient(url, (client) => growStored(client, id, size(quick)));
  await server.start();
  const large = await lengthFigures(server, conversation);
  await server.end();
  await withClient(url, (client) => copyStored(client, listed(quick)));
  await server.start();
  const list = await pageMs(server, '/api/conversations/search?limit=20', 20);
  const listStatus = await pageMs(server, '/api/conversations/search?limit=20&status=stuck', 0);
  await server.stop();
  return { ...growth('database', small, large), list, listStatus };
}

async function filled(server) {
  const conversation = await createConversation(server, ANY);
  await fillConversation(server, conversation, SMALL);
  return conversation;
}

/** Milliseconds of what people do with a conversation. */
async function lengthFigures(server, conversation) {
  // Behind what was added to the log.
  for (let i = 0; i < 120; i++) await sendMessage(server, conversation, `message ${i}`);
  const messages = [];
  for (let i = 0; i < 200; i++) {
    const started = performance.now();
    await sendMessage(server, conversation, `message ${i}`);
    messages.push(performance.now() - started);
  }
  const search = `${conversation}/events/search?limit=100`;
  return {
    page: await pageMs(server, `${search}&kind=MessageEvent&sort_order=TIMESTAMP_DESC`, 100),
    message: median(messages),
    absent: await pageMs(server, `${search}&kind=PauseEvent`, 0),
  };
}

function growth(place, small, large) {
  return Object.fromEntries(
    Object.keys(large).flatMap((part) => [
      [`${place}_${part}`, large[part]],
      [`${place}_${part}Growth`, large[part] / small[part]],
    ]),
  );
}

async function pageMs(server, route, expected) {
  const waits = [];
  for (let i = 0; i < PAGES; i++) {
    const { body, ms } = await server.read(route);
    if (body.items.length !== expected) throw new Error(`a page of ${body.items.length}, not ${expected}`);
    waits.push(ms);
  }
  return median(waits);
}

/** As `growStored`, for the files of a server that is not running. */
function growFile(server, conversation, count) {
  const name = conversation.split('/').at(-1).replaceAll('-', '');
  const folder = path.join(server.folder, 'workspace/conversations', name);
  const log = path.join(folder, 'events.jsonl');
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const last = lines.at(-1);
  const { id } = JSON.parse(last);
  for (let done = 0; done < count; done += SMALL) {
    const copies = Array.from({ length: SMALL }, () => `${last.replace(id, randomUUID())}\n`);
    appendFileSync(log, copies.join(''));
  }
  const file = path.join(folder, 'metadata.json');
  const metadata = readFileSync(file, 'utf8');
  writeFileSync(file, metadata.replace(/"log_position":\d+/, `"log_position":${lines.length + count}`));
}
