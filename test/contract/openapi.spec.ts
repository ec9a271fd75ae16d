import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { apiDocument } from '../support/api-document.js';
import { Comparison, type Difference } from './compare-facts.js';
import { DELIBERATE, PENDING, type Deliberate } from './openapi-differences.js';
import { factsOf, isFacts, type Facts } from './api-facts.js';

/** Groups of operations that are compared. Aliases (`/conversations...`) are not: the original has none. */
const GROUPS = [
  /^\w+ \/api\/(mcp|vscode)\//,
  /^\w+ \/api\/acp\//,
  /^\w+ \/(alive|health|ready|server_info)?$/,
  /^\w+ \/api\/conversations(\/search|\/count)?$/,
  /^\w+ \/api\/llm\/(providers|models|subscription)/,
  /^\w+ \/api\/tools/,
  /^\w+ \/api\/(settings|profiles|agent-profiles|meta-profiles|workspaces|llm\/provider-connections)(\/|$)/,
  /^\w+ \/api\/conversations\/\{conversation_id\}/,
  /^\w+ \/api\/conversations\/\{runtime_conversation_id\}/,
  /^\w+ \/api\/(bash|file|git|auth)\//,
  /^\w+ \/v1\//,
  /^\w+ \/api\/(skills|plugins|sub-agents|hooks|canvas-extensions)(\/|$)/,
];
/** Operations in these groups that only this server has, such as `GET /api/tools/example`. */
const ADDED: readonly string[] = [
  'GET /api/conversations/{conversation_id}/branches',
  'GET /api/conversations/{conversation_id}/checkpoints',
  'GET /api/conversations/{conversation_id}/checkpoints/diff',
  'GET /api/conversations/{conversation_id}/checkpoints/{step}/content',
  'POST /api/conversations/{conversation_id}/restore',
  'GET /api/conversations/{conversation_id}/timeline',
  'GET /api/conversations/{conversation_id}/timeline/summary',
  'GET /api/conversations/{conversation_id}/events/stream',
  // Runs that wait: the original refuses them.
  'GET /api/conversations/{conversation_id}/queued_run',
  'DELETE /api/conversations/{conversation_id}/queued_run',
  'POST /api/conversations/import',
  'GET /api/llm/models/search',
  // Looking into a workspace.
  ...['search/names', 'search/content', 'tree', 'lines', 'view'].flatMap((name) => [
    `GET /api/file/${name}`,
    `GET /api/conversations/{runtime_conversation_id}/file/${name}`,
  ]),
  // Share links: the original has none.
  'GET /api/conversations/{conversation_id}/shares',
  'POST /api/conversations/{conversation_id}/shares',
  'DELETE /api/conversations/{conversation_id}/shares/{share_id}',
  // Terminals of people: the original has none.
  'POST /api/conversations/{runtime_conversation_id}/terminals',
  'GET /api/conversations/{runtime_conversation_id}/terminals',
  'GET /api/conversations/{runtime_conversation_id}/terminals/{terminal_id}',
  'DELETE /api/conversations/{runtime_conversation_id}/terminals/{terminal_id}',
  'POST /api/conversations/{runtime_conversation_id}/terminals/{terminal_id}/resize',
  'POST /api/conversations/{runtime_conversation_id}/terminals/{terminal_id}/take_over',
  'POST /api/conversations/{runtime_conversation_id}/terminals/{terminal_id}/give_back',
];
const isCompared = (operation: string): boolean =>
  GROUPS.some((group) => group.test(operation)) && !ADDED.includes(operation);

/**
 * The API document of the original (OpenHands Agent Server 1.58.2), reduced to what clients rely on. To
 * update the file, start the original and run this test with
 * `ORIGINAL_OPENAPI=http://127.0.0.1:8000/openapi.json`.
 */
const FACTS = fileURLToPath(new URL('./openapi-facts.json', import.meta.url));

describe('the API document compared with that of the original', () => {
  let theirs: Facts;
  let ours: Facts;
  let differences: Difference[];

  beforeAll(async () => {
    await updateFacts();
    const stored: unknown = JSON.parse(await readFile(FACTS, 'utf8'));
    if (!isFacts(stored)) throw new Error(`${FACTS} holds no facts`);
    theirs = stored;
    ours = factsOf(apiDocument(), isCompared);
    const comparison = new Comparison(theirs, ours);
    for (const name of Object.keys(theirs.operations)) {
      if (isCompared(name) && name in ours.operations) comparison.operation(name);
    }
    differences = comparison.differences;
  });

  it('has every operation except the pending ones', () => {
    const missing = Object.keys(theirs.operations).filter(
      (name) => isCompared(name) && !(name in ours.operations),
    );
    expect(missing.sort()).toEqual([...PENDING].sort());
  });

  it('has no additional operations in these groups', () => {
    expect(Object.keys(ours.operations).filter((name) => !(name in theirs.operations))).toEqual([]);
  });

  it('has no differences except the deliberate ones', () => {
    const open = differences.filter(({ place }) => !DELIBERATE.some((entry) => matchesPlace(entry, place)));
    expect(open.map(({ place, theirs, ours }) => `${place}: theirs ${theirs}, ours ${ours}`)).toEqual([]);
  });

  it('still differs wherever a deliberate difference is listed', () => {
    const stale = DELIBERATE.filter((entry) => !differences.some(({ place }) => matchesPlace(entry, place)));
    expect(stale.map(({ place }) => String(place))).toEqual([]);
  });
});

function matchesPlace({ place }: Deliberate, where: string): boolean {
  return typeof place === 'string' ? place === where : place.test(where);
}

async function updateFacts(): Promise<void> {
  const url = process.env['ORIGINAL_OPENAPI'];
  if (url === undefined) return;
  const document: unknown = await (await fetch(url)).json();
  const { operations, schemas } = factsOf(document, () => true);
  const lines = (entries: object): string =>
    Object.entries(entries)
      .map(([name, facts]) => `${JSON.stringify(name)}:${JSON.stringify(facts)}`)
      .join(',\n');
  await writeFile(FACTS, `{"operations":{\n${lines(operations)}\n},"schemas":{\n${lines(schemas)}\n}}\n`);
}
