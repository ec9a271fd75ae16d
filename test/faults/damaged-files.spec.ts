import { execFileSync } from 'node:child_process';
import {
  access,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

/** Damages the files of a stored conversation of several events. */
type Damage = (folder: string) => Promise<void>;

const replaceByFolder = async (file: string): Promise<void> => {
  await rm(file);
  await mkdir(file);
};
const replaceByLink = async (file: string, to: string): Promise<void> => {
  await rm(file);
  await symlink(to, file);
};
const replaceByPipe = async (file: string): Promise<void> => {
  await rm(file);
  execFileSync('mkfifo', [file]);
};
const metadata = (folder: string): string => path.join(folder, 'metadata.json');
const log = (folder: string): string => path.join(folder, 'events.jsonl');
const lease = (folder: string): string => path.join(folder, 'owner_lease.json');

/** The metadata cannot be read; the events can. */
const METADATA: Record<string, Damage> = {
  'metadata.json is missing': (folder) => rm(metadata(folder)),
  'metadata.json is empty': (folder) => truncate(metadata(folder)),
  'metadata.json is truncated': async (folder) =>
    truncate(metadata(folder), (await readFile(metadata(folder))).length - 20),
  'metadata.json contains only zeros': async (folder) =>
    writeFile(metadata(folder), Buffer.alloc((await readFile(metadata(folder))).length)),
  'metadata.json is a folder': (folder) => replaceByFolder(metadata(folder)),
  'metadata.json is a link that leads nowhere': (folder) =>
    replaceByLink(metadata(folder), `${folder}.nowhere`),
  'metadata.json is a link to a file': async (folder) => {
    await copyFile(metadata(folder), `${folder}.elsewhere`);
    await replaceByLink(metadata(folder), `${folder}.elsewhere`);
  },
  'metadata.json is a pipe': (folder) => replaceByPipe(metadata(folder)),
  'metadata.json contains another kind of JSON': (folder) => writeFile(metadata(folder), '[{"id":1}]'),
  'metadata.json is garbage': (folder) => writeFile(metadata(folder), Buffer.from([0xff, 0xfe, 1, 2, 3])),
  'metadata.json lacks its agent': async (folder) => {
    const { agent, ...rest } = JSON.parse(await readFile(metadata(folder), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(agent).toBeDefined();
    await writeFile(metadata(folder), JSON.stringify(rest));
  },
};

const changedMetadata =
  (change: Record<string, unknown>): Damage =>
  async (folder) => {
    const stored = JSON.parse(await readFile(metadata(folder), 'utf8')) as Record<string, unknown>;
    await writeFile(metadata(folder), `${JSON.stringify({ ...stored, ...change })}\n`);
  };

/** The metadata are those of a conversation, but a field has a value of another type. */
const FIELDS: Record<string, Damage> = {
  'the title is a number': changedMetadata({ title: 5 }),
  'the usage is null': changedMetadata({ stats: { usage_to_metrics: null } }),
  'a usage is null': changedMetadata({ stats: { usage_to_metrics: { agent: null } } }),
  'the model is null': changedMetadata({ agent: { kind: 'Agent', llm: null } }),
  'the state of the agent is null': changedMetadata({ agent_state: null }),
  'the tags are null': changedMetadata({ tags: null }),
  'the folder is an object': changedMetadata({ workspace: { working_dir: {} } }),
  'the question is a number': changedMetadata({
    attention: { since: '', word: { kind: 'question', text: 5 } },
  }),
  'the time of the last change is no time': changedMetadata({ updated_at: 'yesterday evening' }),
};

const lines = async (folder: string): Promise<string[]> =>
  (await readFile(log(folder), 'utf8')).trimEnd().split('\n');
const writeLines = (folder: string, all: readonly string[]): Promise<void> =>
  writeFile(log(folder), all.map((line) => `${line}\n`).join(''));

/** The log is damaged: the conversation continues with the rest. @returns how many events remain */
const LOG: Record<string, (folder: string, events: number) => Promise<number>> = {
  'half an event at the end of the log': async (folder, events) => {
    await truncate(log(folder), (await readFile(log(folder))).length - 40);
    return events - 1;
  },
  'zeros at the end of the log': async (folder, events) => {
    await writeFile(log(folder), Buffer.alloc(4096), { flag: 'a' });
    return events;
  },
  'an empty log': async (folder) => {
    await truncate(log(folder));
    return 0;
  },
  'no log': async (folder) => {
    await rm(log(folder));
    return 0;
  },
  'lines that are there twice': async (folder, events) => {
    const all = await lines(folder);
    await writeLines(folder, [...all, ...all]);
    return 2 * events;
  },
  'lines that end with CRLF': async (folder, events) => {
    await writeFile(log(folder), (await lines(folder)).map((line) => `${line}\r\n`).join(''));
    return events;
  },
  'events of unknown kinds': async (folder, events) => {
    const all = await lines(folder);
    await writeLines(
      folder,
      all.map((line) => line.replace(/"kind":"(Action|Observation)Event"\}$/, '"kind":"TomorrowEvent"}')),
    );
    return events;
  },
  'events with fields of other types': async (folder, events) => {
    const all = await lines(folder);
    const first = JSON.parse(all[0] ?? '{}') as Record<string, unknown>;
    const changes = [
      { kind: 'HookExecutionEvent' },
      { kind: 'ACPToolCallEvent', title: 5 },
      { kind: 'ConversationErrorEvent', code: null, detail: {} },
      { kind: 'PauseEvent', parent_id: 5 },
      { kind: 7 },
    ];
    const others = changes.map((change, n) => JSON.stringify({ ...first, ...change, id: `odd-${n}` }));
    await writeLines(folder, [...all, ...others]);
    return events + others.length;
  },
  'events that lack their fields': async (folder, events) => {
    const bare = (line: string): string => {
      const { id, timestamp, source, kind } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify({ id, timestamp, source, kind });
    };
    await writeLines(folder, (await lines(folder)).map(bare));
    return events;
  },
  'fields of another type': async (folder, events) => {
    const wrong = (line: string): string => {
      const { id, timestamp, source, kind, ...rest } = JSON.parse(line) as Record<string, unknown>;
      const others = Object.fromEntries(Object.keys(rest).map((name) => [name, 7]));
      return JSON.stringify({ id, timestamp, source, ...others, kind });
    };
    await writeLines(folder, (await lines(folder)).map(wrong));
    return events;
  },
  'garbage between the events': async (folder, events) => {
    await writeLines(
      folder,
      (await lines(folder)).flatMap((line) => [line, '', '{"id":', '7']),
    );
    // The lines after the last event count as a torn end.
    return events + 3 * (events - 1);
  },
  'a line of 200 MB between the events': async (folder, events) => {
    const [first = '', ...rest] = await lines(folder);
    await writeLines(folder, [first]);
    const block = Buffer.alloc(50 * 1024 * 1024, 'x');
    for (let count = 0; count < 4; count += 1) await writeFile(log(folder), block, { flag: 'a' });
    await writeFile(log(folder), ['', ...rest].map((line) => `${line}\n`).join(''), { flag: 'a' });
    return events + 1;
  },
  'an empty lease': async (folder, events) => {
    await truncate(lease(folder));
    return events;
  },
};

/** The log cannot be read. */
const UNREADABLE: Record<string, Damage> = {
  'events.jsonl is a folder': (folder) => replaceByFolder(log(folder)),
  'events.jsonl is a link that leads nowhere': (folder) => replaceByLink(log(folder), `${folder}.nowhere`),
  'events.jsonl is a link to a file': async (folder) => {
    await copyFile(log(folder), `${folder}.elsewhere`);
    await replaceByLink(log(folder), `${folder}.elsewhere`);
  },
  'events.jsonl is a link to itself': (folder) => replaceByLink(log(folder), log(folder)),
  'events.jsonl is a pipe': (folder) => replaceByPipe(log(folder)),
  'events.jsonl is a device': (folder) => replaceByLink(log(folder), '/dev/zero'),
  'nothing is a file': async (folder) => {
    for (const file of [metadata, log, lease]) await replaceByFolder(file(folder));
  },
};

/** The lease is not a file: the conversation can be read and not written. */
const LEASE: Record<string, Damage> = {
  'owner_lease.json is a folder': (folder) => replaceByFolder(lease(folder)),
  'owner_lease.json is a link that leads nowhere': (folder) =>
    replaceByLink(lease(folder), `${folder}.nowhere`),
  'owner_lease.json is a link to a file': async (folder) => {
    await copyFile(lease(folder), `${folder}.elsewhere`);
    await replaceByLink(lease(folder), `${folder}.elsewhere`);
  },
  'owner_lease.json is a pipe': (folder) => replaceByPipe(lease(folder)),
};

/** Matches a text with these words in it. */
const containing = (words: string): unknown => expect.stringContaining(words);

describe('conversations with damaged files', () => {
  let folder: string;
  let server: ServerProcess;
  const clients = new Map<string, ConversationClient>();
  let whole: ConversationClient;
  let count: number;
  const expected = new Map<string, number>();

  const folderOf = ({ id }: ConversationClient): string =>
    path.join(folder, 'workspace/conversations', id.replaceAll('-', ''));
  const client = (name: string): ConversationClient => {
    const found = clients.get(name);
    if (!found) throw new Error(`no conversation for ${name}`);
    return found.on(server);
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'agent-server-'));
    // An unreadable lease is valid from its last change.
    const env = { OH_LEASE_TTL_SECONDS: '0.5' };
    const first = await ServerProcess.start({ cwd: folder, env });
    const make = async (): Promise<ConversationClient> => {
      const made = await ConversationClient.create(
        first,
        scriptedRequest(path.join(folder, 'work'), 'TOOL: think {"thought": "x"}\nFINISH: ok'),
      );
      await made.reaches('finished');
      return made;
    };
    whole = await make();
    count = (await whole.events()).length;
    const names = [METADATA, FIELDS, LOG, UNREADABLE, LEASE].flatMap((all) => Object.keys(all));
    for (const name of names) clients.set(name, await make());
    await first.end();
    for (const [name, damage] of Object.entries({ ...METADATA, ...FIELDS, ...UNREADABLE, ...LEASE })) {
      await damage(folderOf(clients.get(name) ?? whole));
    }
    for (const [name, damage] of Object.entries(LOG)) {
      expected.set(name, await damage(folderOf(clients.get(name) ?? whole), count));
    }
    server = await ServerProcess.start({ cwd: folder, env });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('hide no other conversation in the list', async () => {
    const { status, body } = await server.request('GET', '/api/conversations/search?limit=100');
    expect(status).toBe(200);
    const listed = (body as { items: { id: string }[] }).items.map(({ id }) => id);
    expect(listed).toContain(whole.id);
    for (const name of Object.keys(LOG)) expect(listed).toContain(client(name).id);
    for (const name of Object.keys(FIELDS)) expect(listed).not.toContain(client(name).id);
    for (const name of Object.keys(METADATA)) {
      expect(listed).not.toContain(client(name).id);
      const line = `conversation ${client(name).id} is left out: `;
      await server.logs(line);
    }
    await whole.on(server).send('FINISH: more');
    await whole.on(server).reaches('finished');
  });

  it('hide no other conversation in the summaries, page by page', async () => {
    const ids: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const query: string = next === '' ? '' : `&page_id=${next}`;
      const answer = await server.request('GET', `/api/conversations/summaries?limit=3${query}`);
      expect(answer.status).toBe(200);
      const page = answer.body as { items: { id: string }[]; next_page_id: string | null };
      ids.push(...page.items.map(({ id }) => id));
      next = page.next_page_id;
    }
    expect(ids).toContain(whole.id);
    for (const name of Object.keys(LOG)) expect(ids).toContain(client(name).id);
    for (const name of Object.keys(FIELDS)) expect(ids).not.toContain(client(name).id);
  });

  it.each(Object.keys(FIELDS))('answer 409 and can be deleted when %s', async (name) => {
    const damaged = client(name);
    expect(await server.request('GET', damaged.route)).toMatchObject({
      status: 409,
      body: { detail: containing(`${damaged.id} is damaged: metadata.json`) },
    });
    expect((await damaged.events()).length).toBe(count);
    for (const route of ['timeline', 'timeline/summary', 'branches'])
      expect((await server.request('GET', `${damaged.route}/${route}`)).status).toBe(200);
    await expectDeletion(damaged);
  });

  it.each(Object.keys(METADATA))('answer 409, show their events and can be deleted when %s', async (name) => {
    const damaged = client(name);
    const said = {
      status: 409,
      body: { detail: containing(`${damaged.id} is damaged: metadata.json`) },
    };
    expect(await server.request('GET', damaged.route)).toMatchObject(said);
    expect(await server.request('POST', `${damaged.route}/run`)).toMatchObject(said);
    expect(await server.request('POST', `${damaged.route}/events`, userMessage('x'))).toMatchObject(said);
    expect((await damaged.events()).length).toBe(count);
    expect((await server.request('GET', `${damaged.route}/agent_final_response`)).body).toEqual({
      response: 'ok',
    });
    // A create request with its id does not replace it.
    const again = { ...scriptedRequest(path.join(folder, 'work')), conversation_id: damaged.id };
    expect(await server.request('POST', '/api/conversations', again)).toMatchObject(said);
    await expectDeletion(damaged);
  });

  it.each(Object.keys(LOG))('continue with the remaining events after damage: %s', async (name) => {
    const damaged = client(name);
    expect((await damaged.events()).length).toBe(expected.get(name));
    for (const route of ['timeline', 'timeline/summary', 'branches'])
      expect((await server.request('GET', `${damaged.route}/${route}`)).status).toBe(200);
    await damaged.send('FINISH: more');
    await damaged.reaches('finished');
    const events = await damaged.events();
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    await expectDeletion(damaged);
  });

  it.each(Object.keys(UNREADABLE))('answer 409 and can be deleted when %s', async (name) => {
    const damaged = client(name);
    const said = { status: 409, body: { detail: containing(`${damaged.id} is damaged: `) } };
    expect(await server.request('GET', `${damaged.route}/events/search`)).toMatchObject(said);
    expect(
      await server.request('POST', `${damaged.route}/events`, userMessage('NEVER STORED')),
    ).toMatchObject(said);
    expect(await server.request('POST', `${damaged.route}/run`)).toMatchObject(said);
    expect(await server.request('GET', `/api/file/download-trajectory/${damaged.id}`)).toMatchObject(said);
    await expectLinkTargetUntouched(damaged);
    await expectDeletion(damaged);
  });

  it.each(Object.keys(LEASE))(
    'answer 409 to messages, show their events and can be deleted when %s',
    async (name) => {
      const damaged = client(name);
      const said = {
        status: 409,
        body: { detail: containing(`${damaged.id} is damaged: its lease is not a file`) },
      };
      expect(
        await server.request('POST', `${damaged.route}/events`, userMessage('NEVER STORED')),
      ).toMatchObject(said);
      expect((await damaged.events()).length).toBe(count);
      await expectLinkTargetUntouched(damaged);
      await expectDeletion(damaged);
    },
  );

  it('answer a message with the reason when their log becomes a link while the server runs', async () => {
    const made = await ConversationClient.create(server, scriptedRequest(path.join(folder, 'work')));
    await symlink(path.join(folder, 'nowhere'), log(folderOf(made)));
    expect(await server.request('POST', `${made.route}/events`, userMessage('NEVER STORED'))).toMatchObject({
      status: 409,
      body: { detail: containing(`${made.id} is damaged: its log is not a file`) },
    });
    await expect(access(path.join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expectDeletion(made);
  });

  /** Expects that no target of a link was created or written to. */
  async function expectLinkTargetUntouched(damaged: ConversationClient): Promise<void> {
    const place = folderOf(damaged);
    await expect(access(`${place}.nowhere`)).rejects.toMatchObject({ code: 'ENOENT' });
    const elsewhere = await readFile(`${place}.elsewhere`, 'utf8').catch(() => '');
    expect(elsewhere).not.toContain('NEVER STORED');
  }

  async function expectDeletion(damaged: ConversationClient): Promise<void> {
    expect((await server.request('DELETE', damaged.route)).status).toBe(200);
    expect((await server.request('GET', damaged.route)).status).toBe(404);
    await expect(access(folderOf(damaged))).rejects.toMatchObject({ code: 'ENOENT' });
  }
});
