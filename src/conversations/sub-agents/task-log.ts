import { constants } from 'node:fs';
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { PLAIN, readPlainFile } from '../../files/index.js';
import { serialiseEvent, type DurableEvent } from '../../events/index.js';
import { parseEvent } from '../journal/parse-event.js';

const SUFFIX = '.jsonl';
const NAME = /^task_(\d{8,})\.jsonl$/;

/**
 * What the sub-agents of a conversation did: a file for each task, in the folder of the conversation. The
 * first line names the type of the agent, each other one is an event. The log of the conversation itself has
 * only what came of it.
 */
export class TaskLogs {
  private lastStoredNumber: Promise<number> | undefined;
  private created = 0;

  /** @param folder absolute path; made with the first task */
  constructor(private readonly folder: string) {}

  /** Begins a task: its id is `task_00000001` and so on, also after a restart. */
  async create(subagent: string): Promise<string> {
    this.lastStoredNumber ??= this.lastNumber();
    const before = await this.lastStoredNumber;
    this.created += 1;
    const id = `task_${String(before + this.created).padStart(8, '0')}`;
    await mkdir(this.folder, { recursive: true });
    await appendFile(this.fileOf(id), `${JSON.stringify({ subagent })}\n`, { flag: 'ax' });
    return id;
  }

  async append(id: string, events: readonly DurableEvent[]): Promise<void> {
    await appendFile(this.fileOf(id), events.map((event) => `${serialiseEvent(event)}\n`).join(''), {
      flag: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | PLAIN,
    });
  }

  /**
   * What is known of a task; undefined when there is none of this id. A line that a crash has cut is passed
   * over.
   */
  async read(id: string): Promise<{ subagent: string; events: DurableEvent[] } | undefined> {
    if (!NAME.test(`${id}${SUFFIX}`)) return undefined;
    let text: string;
    try {
      text = await readPlainFile(this.fileOf(id));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    const [head = '', ...lines] = text.split('\n');
    return { subagent: subagentIn(head), events: lines.flatMap((line) => parseEvent(line) ?? []) };
  }

  /** The ids of all tasks, in their order. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    return names
      .filter((name) => NAME.test(name))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort();
  }

  private async lastNumber(): Promise<number> {
    return Number((await this.ids()).at(-1)?.slice('task_'.length) ?? 0);
  }

  private fileOf(id: string): string {
    return path.join(this.folder, `${id}${SUFFIX}`);
  }
}

function subagentIn(line: string): string {
  const head: unknown = JSON.parse(line);
  if (typeof head === 'object' && head !== null && 'subagent' in head) return String(head.subagent);
  return 'unknown';
}
