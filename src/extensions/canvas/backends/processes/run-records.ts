import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, readJsonFile } from '../../../../files/index.js';
import { processStart, endSessionProcesses, signal } from '../../../../processes/index.js';
import { isJsonObject } from '../../../../json/index.js';

/** The record of a running process; the original reads it, too. */
interface RunRecord {
  name: string;
  pgid: number;
  start_time: number;
  server_pid: number;
  server_start_time: number;
  /** Not used by the original. */
  mark?: string;
}

/** Records which processes run for which server, so that the next server kills those of a killed one. */
export class RunRecords {
  /** @param folder absolute path */
  constructor(private readonly folder: string) {}

  async add(name: string, pid: number, mark: string): Promise<void> {
    const [start_time = 0, server_start_time = 0] = await Promise.all([
      processStart(pid),
      processStart(process.pid),
    ]);
    const record: RunRecord = {
      ...{ name, pgid: pid, start_time, server_pid: process.pid, server_start_time, mark },
    };
    await makeFolder(this.folder, 0o700);
    await writeFile(this.file(pid), JSON.stringify(record), { mode: 0o600 });
  }

  async remove(pid: number): Promise<void> {
    await rm(this.file(pid), { force: true });
  }

  /** Kills processes of servers that are gone. */
  async killLeftovers(): Promise<void> {
    for (const file of await readdir(this.folder).catch(() => [])) {
      const record = await this.read(file);
      if (record === undefined) continue;
      // Process ids are reused: only together with the start time they identify a process.
      if ((await processStart(record.server_pid)) === record.server_start_time) continue;
      if ((await processStart(record.pgid)) === record.start_time) signal(-record.pgid, 'SIGKILL');
      if (record.mark !== undefined) await endSessionProcesses(record.mark, []);
      await rm(path.join(this.folder, file), { force: true });
    }
  }

  private async read(file: string): Promise<RunRecord | undefined> {
    if (!/^\d+\.json$/.test(file)) return undefined;
    const value = await readJsonFile(path.join(this.folder, file)).catch(() => undefined);
    if (!isJsonObject(value)) return undefined;
    const { name, pgid, start_time, server_pid, server_start_time, mark } = value;
    if (typeof name !== 'string' || typeof pgid !== 'number' || pgid <= 1) return undefined;
    if (typeof start_time !== 'number' || typeof server_pid !== 'number') return undefined;
    if (typeof server_start_time !== 'number') return undefined;
    const record = { name, pgid, start_time, server_pid, server_start_time };
    return typeof mark === 'string' ? { ...record, mark } : record;
  }

  private file(pid: number): string {
    return path.join(this.folder, `${pid}.json`);
  }
}
