import { Injectable } from '@nestjs/common';
import {
  ConversationNotFoundError,
  ConversationsService,
  ConversationSummaries,
  parseWithYield,
  type PendingCall,
  type ReadableLog,
} from '../../conversations/index.js';
import type { DurableEvent } from '../../events/index.js';
import { UnknownTaskError } from './task-errors.js';
import { factOf, TASK_EVENTS, type TaskFact, TaskFold } from './task-fold.js';
import { type TaskName, taskIdOf } from './task-id.js';

/** Events of a log that are looked at in one step. */
const CHUNK = 500;
/** Bytes of the lines that are in memory at a time. */
const CHUNK_BYTES = 1024 * 1024;
/** Tasks whose state is kept, so that asking again reads only what is new. */
const MAX_KEPT = 1_000;

/**
 * Reads tasks from the logs of their conversations. Nothing else is stored about them, so that they are the
 * same after a restart and on every server.
 */
@Injectable()
export class TaskReader {
  /** By the id of the task, the one that was asked for last at the end. */
  private readonly kept = new Map<string, TaskFold>();

  constructor(
    private readonly conversations: ConversationsService,
    private readonly summaries: ConversationSummaries,
  ) {}

  /** The state of a task now. @throws UnknownTaskError */
  async fold(name: TaskName): Promise<TaskFold> {
    const id = taskIdOf(name);
    try {
      return await this.conversations.withLog(name.conversationId, async (from) => {
        const known = this.kept.get(id);
        // Not of a log that was replaced by another one.
        const fold = known && known.next <= from.length ? known.copy() : await beginning(name, from);
        if (!fold) throw new UnknownTaskError(id);
        await readLog(fold, from, from.length);
        this.keep(id, fold.copy());
        fold.settle();
        return fold;
      });
    } catch (error) {
      throw error instanceof ConversationNotFoundError ? new UnknownTaskError(id) : error;
    }
  }

  /** A task as it was when it began: what has happened since is not read. @throws UnknownTaskError */
  async beginning(name: TaskName): Promise<TaskFold> {
    const fold = await this.conversations.withLog(name.conversationId, (from) => beginning(name, from));
    if (!fold) throw new UnknownTaskError(taskIdOf(name));
    return fold;
  }

  /** Applies the events of the log to a fold, up to a number. */
  readOn({ conversationId }: TaskName, fold: TaskFold, length: number): Promise<void> {
    return this.conversations.withLog(conversationId, (from) => readLog(fold, from, length));
  }

  /** Events of a conversation; undefined for a damaged one. */
  async events(id: string, seqs: readonly number[]): Promise<(DurableEvent | undefined)[]> {
    if (seqs.length === 0) return [];
    const lines = await this.conversations.withLog(id, ({ log }) => log.readMany(seqs));
    return Promise.all(lines.map((line) => parseWithYield(line)));
  }

  /** The actions that wait for an approval, masked. */
  pendingCalls({ conversationId }: TaskName): Promise<PendingCall[]> {
    return this.summaries.pendingCalls(conversationId);
  }

  private keep(id: string, fold: TaskFold): void {
    const known = this.kept.get(id);
    this.kept.delete(id);
    this.kept.set(id, known && known.next > fold.next ? known : fold);
    if (this.kept.size <= MAX_KEPT) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

async function readLog(fold: TaskFold, { log }: ReadableLog, length: number): Promise<void> {
  while (fold.next < length && !fold.isFinal) {
    const first = fold.next;
    const entries = await log.entries(first, Math.min(CHUNK, length - first));
    if (entries.length === 0) return;
    const seqs = entries.flatMap(({ kind }, index) => (TASK_EVENTS.has(kind) ? [first + index] : []));
    const facts = new Map<number, TaskFact | undefined>();
    for (const group of await log.splitByBytes(seqs, CHUNK_BYTES)) {
      for (const [index, line] of (await log.readMany(group)).entries()) {
        const event = await parseWithYield(line);
        const seq = group[index];
        if (event && seq !== undefined) facts.set(seq, factOf(event));
      }
    }
    for (const [index, { timestamp }] of entries.entries()) fold.apply(facts.get(first + index), timestamp);
  }
}

async function beginning(name: TaskName, { log, length }: ReadableLog): Promise<TaskFold | undefined> {
  const seq = await log.seqOf(name.messageId);
  if (seq === undefined || seq >= length) return undefined;
  const { kind, source, timestamp } = await log.entry(seq);
  return kind === 'MessageEvent' && source === 'user'
    ? new TaskFold(name.messageId, seq, timestamp)
    : undefined;
}
