import { openStored, type Cipher } from '../../../crypto/index.js';
import type { JsonObject } from '../../../json/index.js';
import { dashedUuid } from '../../../text/index.js';
import type { SourceFiles } from '../sources/source-files.js';
import { readDocument } from './documents.js';
import { eventFiles } from './event-files.js';
import type { ImportNotes } from './notes.js';
import { FilesLog, LinesLog, type SourceLog } from './source-log.js';

const HEX = /^[0-9a-f]{32}$/i;
const DASHED = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A source is no conversation; the message says why. */
export class NotAConversationError extends Error {
  override readonly name = 'NotAConversationError';
}

/** A conversation as its files tell it. Secrets that a key opens are plain text. */
export interface SourceConversation {
  /** Dashed UUID. */
  id: string;
  /** `base_state.json` and `meta.json` of the original's layout; absent if missing or damaged. */
  base?: JsonObject;
  meta?: JsonObject;
  /** `metadata.json` of this server. */
  own?: JsonObject;
  log: SourceLog;
  /** Files that could not be used; relative to the conversation. */
  others: string[];
}

/**
 * Reads everything of a conversation but its events.
 * @throws NotAConversationError
 */
export async function readConversation(
  files: SourceFiles,
  cipher: Cipher,
  notes: ImportNotes,
): Promise<SourceConversation> {
  const names = new Set((await files.list('')).map(({ name }) => name));
  const isOwn = names.has('metadata.json') || names.has('events.jsonl');
  const source = isOwn ? await ownConversation(files, notes) : await originalConversation(files, notes);
  const { base, meta, own, log, others } = source;
  const opened = { base: open(base, cipher, notes), own: open(own, cipher, notes) };
  // Those of the registry are newer, and have been noted.
  const ofMeta = open(meta, cipher, base ? undefined : notes);
  const ids = [own?.['id'], meta?.['id'], base?.['id'], files.name].flatMap((text) => uuidIn(text) ?? []);
  const [id] = ids;
  if (id === undefined) throw new NotAConversationError('nothing says which id it has');
  const others_ = new Set(ids);
  if (others_.size > 1)
    notes.problem(`its files, or the name of its folder, have other ids as well: ${[...others_].join(', ')}`);
  return {
    id,
    ...(opened.base && { base: opened.base }),
    ...(opened.own && { own: opened.own }),
    ...(ofMeta && { meta: ofMeta }),
    log,
    others,
  };
}

async function originalConversation(
  files: SourceFiles,
  notes: ImportNotes,
): Promise<Omit<SourceConversation, 'id'>> {
  const { events, others } = await eventFiles(files, notes);
  const meta = await readDocument(files, 'meta.json', notes, others);
  const base = await readDocument(files, 'base_state.json', notes, others);
  if (events.length === 0 && !base)
    throw new NotAConversationError(
      meta ? 'it has neither a state nor events' : 'it has no documents and no events: a start that failed',
    );
  return { ...(meta && { meta }), ...(base && { base }), log: new FilesLog(files, events), others };
}

async function ownConversation(
  files: SourceFiles,
  notes: ImportNotes,
): Promise<Omit<SourceConversation, 'id'>> {
  const { folder } = files;
  if (folder === undefined) throw new NotAConversationError('an archive has to have the layout of export');
  const others: string[] = [];
  const own = await readDocument(files, 'metadata.json', notes, others);
  return { ...(own && { own }), log: new LinesLog(folder), others };
}

function open(
  document: JsonObject | undefined,
  cipher: Cipher,
  notes: ImportNotes | undefined,
): JsonObject | undefined {
  if (!document) return undefined;
  const { value, unopened, lost } = openStored(document, cipher);
  for (const pointer of unopened) notes?.lostSecret(pointer, 'no key opens it');
  for (const pointer of lost) notes?.lostSecret(pointer, 'it was stored without a key');
  return value;
}

function uuidIn(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  if (HEX.test(text)) return dashedUuid(text.toLowerCase());
  return DASHED.test(text) ? text.toLowerCase() : undefined;
}
