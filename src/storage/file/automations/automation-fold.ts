import { asJsonObject, isJsonObject, tryParseJson, type JsonObject } from '../../../json/index.js';
import {
  type AutomationChange,
  isOpenRun,
  KEPT_RUNS,
  type RunPage,
  type StoredAutomation,
  type StoredRun,
} from '../../automation-store.js';

/** Lines beyond those that the content needs, and their bytes, before a file is written anew. */
const SPARE_LINES = 200;
const SPARE_BYTES = 4 * 1024 * 1024;

/** What the lines of a file come to: each line is a change. Lines that a crash has torn are left out. */
export class AutomationFold {
  definition: JsonObject = {};
  state: JsonObject = {};
  isDeleted = false;
  private runs = new Map<string, StoredRun>();
  /** Runs that are not kept any more, by status. */
  private forgotten: Record<string, number> = {};
  private lines = 0;

  constructor(readonly id: string) {}

  static of(id: string, text: string): AutomationFold {
    const fold = new AutomationFold(id);
    for (const line of text.split('\n')) {
      const change = line === '' ? undefined : tryParseJson(line);
      if (isJsonObject(change)) fold.add(change);
    }
    return fold;
  }

  /** Whether there is an automation: its first line may be torn. */
  get exists(): boolean {
    return Object.keys(this.definition).length > 0;
  }

  /** Whether it is deleted, and nothing of it goes on. */
  get isOver(): boolean {
    return this.isDeleted && this.open.length === 0;
  }

  get stored(): StoredAutomation {
    const { id, definition, state, isDeleted: is_deleted } = this;
    return { id, definition, state, is_deleted };
  }

  get size(): number {
    return this.runs.size;
  }

  /** Adds a line. */
  add(line: JsonObject): void {
    this.lines += 1;
    const { definition, state, is_deleted, runs, forgotten } = line;
    if (isJsonObject(definition)) this.definition = definition;
    if (isJsonObject(state)) this.state = state;
    if (is_deleted === true) this.isDeleted = true;
    if (Array.isArray(runs)) for (const run of runs) if (isStoredRun(run)) this.runs.set(run.id, run);
    for (const [status, count] of Object.entries(asJsonObject(forgotten)))
      if (typeof count === 'number') this.forgotten[status] = count;
  }

  run(id: string): StoredRun | undefined {
    return this.runs.get(id);
  }

  /** Oldest first. */
  get open(): StoredRun[] {
    return [...this.runs.values()].filter(isOpenRun);
  }

  page(offset: number, limit: number): RunPage {
    const all = [...this.runs.values()].reverse();
    const counts = { ...this.forgotten };
    for (const { status } of all) counts[status] = (counts[status] ?? 0) + 1;
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { runs: all.slice(offset, offset + limit), total, counts };
  }

  /** Whether the file has much that does not count any more. */
  isBloated(bytes: number): boolean {
    if (this.runs.size > KEPT_RUNS + SPARE_LINES || this.lines > 4 * this.runs.size + SPARE_LINES)
      return true;
    return bytes > SPARE_BYTES && bytes > 4 * this.text().length;
  }

  /** The lines of a new file with the same content, but for the oldest runs. */
  text(): string {
    const all = [...this.runs.values()];
    const kept = all.filter((run, index) => index >= all.length - KEPT_RUNS || isOpenRun(run));
    const forgotten = { ...this.forgotten };
    for (const { status } of all) forgotten[status] = (forgotten[status] ?? 0) + 1;
    for (const { status } of kept) forgotten[status] = (forgotten[status] ?? 0) - 1;
    const first: JsonObject = { definition: this.definition, state: this.state, forgotten };
    if (this.isDeleted) first['is_deleted'] = true;
    const lines = [first, ...kept.map((run) => ({ runs: [run] }))];
    return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  }
}

/** The line of a change; undefined if it changes nothing. */
export function lineOf({ definition, state, is_deleted, runs }: AutomationChange): string | undefined {
  const isEmpty = !definition && !state && !is_deleted && (runs?.length ?? 0) === 0;
  return isEmpty ? undefined : JSON.stringify({ definition, state, is_deleted, runs });
}

function isStoredRun(value: unknown): value is StoredRun {
  if (!isJsonObject(value)) return false;
  const { id, automation_id, status, created_at } = value;
  return [id, automation_id, status, created_at].every((field) => typeof field === 'string');
}
