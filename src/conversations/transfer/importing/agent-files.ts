import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, syncFolder } from '../../../files/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../../json/index.js';
import {
  BashCommandEndedError,
  bashRecordOf,
  copyConversationFiles,
  type BashHistories,
  type BashHistory,
} from '../../../storage/index.js';
import { eventFiles } from '../reading/event-files.js';
import { tryParseForeign } from '../reading/foreign-json.js';
import { ImportNotes } from '../reading/notes.js';
import type { Reading } from '../reading/read-event.js';
import { FilesLog } from '../reading/source-log.js';
import type { TimeShift } from '../reading/time-shift.js';
import { SourceFileError, type SourceFiles } from '../sources/source-files.js';
import { InnerFiles } from '../sources/inner-files.js';

const OUTPUTS_FOLDER = 'observations';
const TASK_LIST_FILE = 'TASKS.json';
const SUB_AGENTS_FOLDER = 'subagents';
const BASH_FOLDER = 'bash_events';
/** Beside the log: what could not be imported, as it was. */
const KEPT_FOLDER = 'imported';
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** Of the file of a command or an output. The original cuts outputs far below. */
const MAX_BASH_EVENT_BYTES = 16 * 1024 * 1024;
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
const MAX_KEPT_FILES = 1_000;
/** Names without anything that leads elsewhere. */
const FILE_NAME = /^[\w][\w.@ -]{0,199}$/;
const BASH_EVENT = /^\d{14,20}_Bash(Command|Output)_[0-9a-f]{32}(_[0-9a-f]{32})?$/;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** A task of a sub-agent. */
interface SubAgent {
  files: SourceFiles;
  log: FilesLog;
  /** The time of its first event. */
  began: string;
}

/** Copies the files that a conversation has beside its log. */
export class AgentFiles {
  /** @param target absolute path of the folder of the conversation here */
  constructor(
    private readonly files: SourceFiles,
    private readonly target: string,
    private readonly notes: ImportNotes,
  ) {}

  /** Whether events name files of the folder of long outputs. */
  async hasOutputs(): Promise<boolean> {
    return (await this.files.list(OUTPUTS_FOLDER)).length > 0;
  }

  /** All files of a conversation that this server has stored. */
  async copyOwn(): Promise<void> {
    if (this.files.folder !== undefined) await copyConversationFiles(this.files.folder, this.target);
  }

  /** Long outputs, the task list and the logs of sub-agents of the original's layout. */
  async copyOriginal(time: TimeShift): Promise<void> {
    await this.copy(TASK_LIST_FILE);
    for (const { name, isFolder } of await this.files.list(OUTPUTS_FOLDER))
      if (!isFolder) await this.copy(`${OUTPUTS_FOLDER}/${name}`);
    await this.copySubAgents(time);
  }

  /** The commands of clients. */
  async copyBash(id: string, histories: BashHistories): Promise<void> {
    const names = (await this.files.list(BASH_FOLDER)).filter(({ isFolder }) => !isFolder);
    if (names.length === 0) return;
    // What an import that was killed has left.
    await histories.remove(id);
    const history = await histories.open(id);
    try {
      for (const { name } of names)
        for (const line of await this.bashLines(name)) await this.appendBash(history, line);
    } finally {
      await history.close();
    }
  }

  /** Keeps what could not be used, as it was. */
  async keep(names: readonly string[]): Promise<void> {
    let room = MAX_KEPT_BYTES;
    for (const name of names.slice(0, MAX_KEPT_FILES)) {
      const content = await this.content(name, room);
      if (content === undefined) continue;
      room -= content.length;
      await this.write(`${KEPT_FOLDER}/${name}`, content);
    }
    if (names.length > 0) this.notes.change(`what could not be used is kept in ${KEPT_FOLDER}/`);
  }

  /** What was found, beside the log. */
  async writeReport(): Promise<void> {
    const text = JSON.stringify(this.notes.report(), undefined, 2);
    await this.write(`${KEPT_FOLDER}/report.json`, Buffer.from(`${text}\n`));
  }

  /**
   * The tasks of sub-agents, numbered in the order in which they began. Each is a conversation of its own in
   * the original, and a log of events here.
   */
  private async copySubAgents(time: TimeShift): Promise<void> {
    const tasks: SubAgent[] = [];
    for (const { name, isFolder } of await this.files.list(SUB_AGENTS_FOLDER)) {
      if (!isFolder) continue;
      const files = new InnerFiles(this.files, `${SUB_AGENTS_FOLDER}/${name}`);
      const notes = new ImportNotes();
      const log = new FilesLog(files, (await eventFiles(files, notes)).events);
      const began = await beginningOf(log, { time, adapt: same });
      if (notes.hasProblems) this.notes.problem(`the log of sub-agent ${name} is damaged in places`);
      if (began !== undefined) tasks.push({ files, log, began });
    }
    tasks.sort((a, b) => (a.began < b.began ? -1 : 1));
    for (const [index, task] of tasks.entries()) {
      const file = `tasks/task_${String(index + 1).padStart(8, '0')}.jsonl`;
      await this.write(file, Buffer.from(`${JSON.stringify({ subagent: await subagentOf(task.files) })}\n`));
      for await (const batch of task.log.batches({ time, adapt: same }, this.notes))
        await appendFile(
          path.join(this.target, file),
          batch.map(({ record }) => `${record.line}\n`).join(''),
          { flush: true },
        );
    }
  }

  private async appendBash(history: BashHistory, line: string): Promise<void> {
    const record = bashRecordOf(line);
    try {
      await history.append(record);
    } catch (error) {
      // A command with this id runs, or has run, for another conversation.
      if (!(error instanceof BashCommandEndedError)) throw error;
      this.notes.problem(`${BASH_FOLDER}: an output of command ${record.commandId} is left out`);
    }
  }

  private async bashLines(name: string): Promise<string[]> {
    const maxBytes = BASH_EVENT.test(name) ? MAX_BASH_EVENT_BYTES : MAX_FILE_BYTES;
    const text = (await this.content(`${BASH_FOLDER}/${name}`, maxBytes))?.toString() ?? '';
    const texts = BASH_EVENT.test(name) ? [text] : name.endsWith('.jsonl') ? text.split('\n') : [];
    const events = texts.filter((line) => line !== '').map((line) => tryParseForeign(line));
    const lines = events.filter(isBashEvent).map((event) => JSON.stringify(inOrder(event)));
    if (lines.length < events.length) this.notes.problem(`${BASH_FOLDER}/${name} is damaged`);
    return lines;
  }

  private async copy(name: string): Promise<void> {
    const content = await this.content(name, MAX_FILE_BYTES);
    if (content !== undefined) await this.write(name, content);
  }

  private async content(name: string, maxBytes: number): Promise<Buffer | undefined> {
    try {
      return await this.files.read(name, maxBytes);
    } catch (error) {
      if (!(error instanceof SourceFileError)) throw error;
      this.notes.problem(`${name} is left out: ${error.message}`);
      return undefined;
    }
  }

  /** Names come from the source: a name that leads elsewhere is left out. */
  private async write(name: string, content: Buffer): Promise<void> {
    const parts = name.split('/');
    if (!parts.every((part) => FILE_NAME.test(part)))
      return this.notes.problem(`a file is left out because of its name: ${JSON.stringify(name)}`);
    const file = path.join(this.target, ...parts);
    await makeFolder(path.dirname(file), FOLDER_MODE);
    await writeFile(file, content, { mode: FILE_MODE, flush: true });
    await syncFolder(path.dirname(file));
  }
}

/** With the keys in the order of the wire, by which a history finds an event in its line. */
function inOrder({ id, timestamp, command_id, order, kind, ...fields }: JsonObject): JsonObject {
  return kind === 'BashOutput'
    ? { id, timestamp, command_id, order, ...fields, kind }
    : { ...fields, id, timestamp, kind };
}

function isBashEvent(value: unknown): value is JsonObject {
  if (!isJsonObject(value)) return false;
  const { id, kind, timestamp, command_id: command, order } = value;
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id) || typeof timestamp !== 'string') return false;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(timestamp)) return false;
  return (
    kind === 'BashCommand' ||
    (kind === 'BashOutput' && typeof command === 'string' && Number.isInteger(order))
  );
}

/** The type of a sub-agent, if its state tells it. */
async function subagentOf(files: SourceFiles): Promise<string> {
  const content = await files.read('base_state.json', MAX_KEPT_BYTES).catch(() => undefined);
  const { subagent } = asJsonObject(asJsonObject(tryParseForeign(content?.toString() ?? ''))['agent_state']);
  return typeof subagent === 'string' ? subagent : 'unknown';
}

/** The time of the first event; undefined without one. */
async function beginningOf(log: FilesLog, reading: Reading): Promise<string | undefined> {
  for await (const [first] of log.batches(reading, new ImportNotes())) return first?.event.timestamp;
  return undefined;
}

function same(line: string): string {
  return line;
}
