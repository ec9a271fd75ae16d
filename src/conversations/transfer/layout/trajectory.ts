import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogReader } from '../../../storage/index.js';
import type { ConversationDocuments } from '../../state/conversation-documents.js';
import { bashEventMembers } from './bash-event-members.js';
import type { Masking } from './masked-json.js';
import {
  bytesOf,
  linesOf,
  tryOpenPlainFile,
  beginningOf,
  type PlainFile,
  zipArchive,
  type ZipMember,
} from '../../../files/index.js';
import { subAgentMembers } from './sub-agent-members.js';
import { documentMember, eventFileName, folderMember, namesIn } from './trajectory-members.js';

/** The source of a trajectory. */
export interface TrajectorySource {
  /** The caller closes it. */
  log: LogReader;
  /** Absent if the metadata is damaged. */
  documents?: ConversationDocuments;
  /** Absolute path of the folder of the conversation. */
  folder: string;
  /** The commands of clients and their outputs as JSON, oldest first. */
  bashEvents: AsyncIterable<string>;
  masking: Masking;
}

/** Excluded: credentials of agents, contents of the workspace, internal files, what other members contain. */
const LEFT_OUT =
  /^(acp|tasks|checkpoints|unfinished|events\.(jsonl|index)|metadata\.json.*|owner_lease\.json|.*\.tmp|.*\.lock)$/;
const PERMISSIONS = 0o777;
/** Limits of one read of events. */
const EVENTS_AT_ONCE = 100;
const BYTES_AT_ONCE = 1024 * 1024;

/**
 * Streams all stored data of a conversation as a zip, in the layout of the original server's storage and
 * trajectories. Contains the events that exist when it starts. The caller closes the log.
 */
export function trajectory(source: TrajectorySource): AsyncGenerator<Buffer, void> {
  return zipArchive(trajectoryMembers(source));
}

/** The files and folders of a trajectory; each has to be used before the next. */
export function trajectoryMembers(source: TrajectorySource): AsyncGenerator<ZipMember, void> {
  return new Trajectory(source).members();
}

type Members = AsyncGenerator<ZipMember, void>;
/** Members by name that are generated rather than copied from the folder. */
type Made = Map<string, () => Members | ZipMember[]>;

class Trajectory {
  private readonly root: string;

  constructor(private readonly source: TrajectorySource) {
    this.root = path.basename(source.folder);
  }

  async *members(): Members {
    yield folderMember(this.root);
    const made = this.made();
    const stored = (await namesIn(this.source.folder)).filter((name) => !LEFT_OUT.test(name));
    for (const name of [...new Set([...made.keys(), ...stored])].sort())
      yield* (made.get(name) ?? (() => this.stored([name])))();
  }

  private made(): Made {
    const { folder, documents, masking } = this.source;
    const made: Made = new Map([['events', () => this.events()]]);
    const at = (name: string): string => `${this.root}/${name}`;
    if (documents) {
      const modified = new Date(documents.updatedAt);
      const document = (name: string, value: object) => (): ZipMember[] => [
        documentMember(at(name), masking.line(JSON.stringify(value)), modified),
      ];
      made.set('base_state.json', document('base_state.json', documents.baseState));
      made.set('meta.json', document('meta.json', documents.meta));
    }
    const tasks = path.join(folder, 'tasks');
    const parent = documents?.baseState;
    made.set('subagents', () => subAgentMembers({ folder: tasks, root: at('subagents'), parent, masking }));
    const bash = { lines: this.source.bashEvents, root: at('bash_events'), masking };
    made.set('bash_events', () => bashEventMembers(bash));
    return made;
  }

  private async *events(): Members {
    const { log, masking } = this.source;
    yield folderMember(`${this.root}/events`);
    for (let seq = 0; seq < log.length;) {
      const lines = await log.readBytes(seq, EVENTS_AT_ONCE, BYTES_AT_ONCE);
      if (lines.length === 0) return;
      const entries = await log.entries(seq, lines.length);
      for (const [index, line] of lines.entries()) {
        const { id = '', timestamp = '' } = entries[index] ?? {};
        const name = `${this.root}/events/${eventFileName(seq, id)}`;
        yield documentMember(name, masking.line(line.toString()), new Date(timestamp));
        seq += 1;
      }
      // Yields to other requests: reads may resolve at once.
      await nextTurn();
    }
  }

  /** A stored file or folder; skips links, pipes and devices. */
  private async *stored(parts: readonly string[]): Members {
    const name = [this.root, ...parts].join('/');
    const place = path.join(this.source.folder, ...parts);
    const file = await tryOpenPlainFile(place);
    if (file) {
      try {
        const { mode, mtime } = file.stats;
        yield { name, mode: mode & PERMISSIONS, modified: mtime, content: await this.content(file) };
      } finally {
        await file.handle.close();
      }
      return;
    }
    const stats = await lstat(place).catch(() => undefined);
    if (!stats?.isDirectory()) return;
    yield folderMember(name);
    for (const below of await namesIn(place))
      if (!LEFT_OUT.test(below)) yield* this.stored([...parts, below]);
  }

  private async content(file: PlainFile): Promise<ZipMember['content']> {
    const { masking } = this.source;
    if (file.path.endsWith('.jsonl')) return maskedLines(file, masking);
    if (file.path.endsWith('.json')) return Buffer.from(masking.document(await beginningOf(file)));
    return bytesOf(file);
  }
}

async function* maskedLines(file: PlainFile, { line: masked }: Masking): AsyncGenerator<Buffer, void> {
  for await (const line of linesOf(file)) yield Buffer.from(`${masked(line)}\n`);
}
