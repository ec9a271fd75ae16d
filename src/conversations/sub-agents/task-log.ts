import { constants } from 'node:fs';
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { PLAIN, readPlainFile } from '../../files/index.js';
import { serialiseEvent, type DurableEvent } from '../../events/index.js';
import { asJsonObject } from '../../json/index.js';
import { parseEvent } from '../journal/parse-event.js';

const SUFFIX = '.jsonl';
const NAME = /^task_(\d{8,})\.jsonl$/;

/**
 * The logs of sub-agents: one file per task in the folder of the conversation. The first line names the type
 * of the sub-agent, each further line is an event. The conversation's own log contains only the result.
 */
export class TaskLogs {
  private lastStoredNumber: Promise<number> | undefined;
  private created = 0;

  /** @param folder absolute path; created with the first task */
  constructor(private readonly folder: string) {}

  /**
   * Creates the log of a new task and returns its id: `task_00000001` and so on, continued after a restart.
   */
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
   * Reads the log of a task; undefined if it does not exist. An incomplete line after a crash is ignored.
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

  /** The ids of all tasks, in order. */
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
  const { subagent = 'unknown' } = asJsonObject(JSON.parse(line));
  return String(subagent);
}
