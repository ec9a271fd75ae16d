import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { ConversationClient, messageText, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

/**
 * Among them the Kelvin sign and `İ`, whose lower case is or begins with a letter of ASCII, and `Σ`, whose
 * lower case depends on its place.
 */
const CHARACTERS = Array.from('kKiIsSaZ09 _%.:,{}[]"\\/\n\t\u001b\u007f\u212aİıſΣẞÅ😀字');
const ALPHABET = fc.constantFrom(...CHARACTERS, '\\u006b', 'kind', 'llm_message');
const TEXTS = fc.string({ unit: ALPHABET, minLength: 1, maxLength: 12 });
/** With this some messages fill the parts of a mebibyte in which a search reads. */
const FILLER = 'x'.repeat(400_000);
const MESSAGES = 40;

/** Writes each character of a message as `\uXXXX`, as a program other than this server may do. */
function escaped(line: string): string {
  const { llm_message } = JSON.parse(line) as { llm_message?: { content: { text: string }[] } };
  const text = llm_message?.content[0]?.text;
  if (text === undefined) return line;
  const unit = (at: number): string => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
  const units = Array.from({ length: text.length }, (_, at) => unit(at));
  return line.replace(JSON.stringify(text), () => `"${units.join('')}"`);
}

describe('the search for texts', () => {
  let server: ServerProcess;
  let conversation: ConversationClient;
  /** The texts of all messages by the ids of their events, in the order of the log. */
  let messages: [id: string, text: string][];

  beforeAll(async () => {
    server = await ServerProcess.start();
    conversation = await ConversationClient.create(server, scriptedRequest('work'));
    const texts = fc.sample(TEXTS, { numRuns: MESSAGES, seed: 5 });
    for (const [index, text] of texts.entries())
      await conversation.send(index % 10 === 0 ? `${text}${FILLER}${text}` : text, false);
    const log = path.join(server.cwd, (await conversation.info()).persistence_dir, 'events.jsonl');
    await server.end();
    const lines = (await readFile(log, 'utf8')).split('\n');
    const changed = lines.map((line, index) => (index % 3 === 0 && line !== '' ? escaped(line) : line));
    expect(changed).not.toEqual(lines);
    await writeFile(log, changed.join('\n'));
    server = await server.restart();
    conversation = conversation.on(server);
    const events = await conversation.events('&kind=MessageEvent&source=user');
    messages = events.map((event) => [event.id, messageText(event)]);
    expect(messages.map(([, text]) => text.replace(FILLER, '').length)).toEqual(
      texts.map((text, index) => text.length * (index % 10 === 0 ? 2 : 1)),
    );
  });
  afterAll(() => server.stop());

  it('finds every message that contains the text, whatever the case and however the line is written', async () => {
    const pieces = fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 3 })).map(([message, from, length]) => {
      const text = (messages[message % messages.length]?.[1] ?? '').replace(FILLER, '');
      const start = from % text.length;
      return text.slice(start, start + length + 1).toWellFormed();
    });
    const anyCase = fc
      .tuple(fc.oneof(pieces, TEXTS), fc.constantFrom('toLowerCase', 'toUpperCase', 'toString'))
      .map(([text, change]) => text[change]());
    await fc.assert(
      fc.asyncProperty(anyCase, fc.constantFrom('TIMESTAMP', 'TIMESTAMP_DESC'), async (body, sort_order) => {
        const found = messages.filter(([, text]) => text.toLowerCase().includes(body.toLowerCase()));
        const ids = found.map(([id]) => id);
        const query = new URLSearchParams({ body, sort_order, source: 'user' }).toString();
        const events = await conversation.events(`&${query}`);
        expect(events.map(({ id }) => id)).toEqual(sort_order === 'TIMESTAMP' ? ids : ids.reverse());
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});
