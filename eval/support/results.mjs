import { open, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A folder that cannot be gone on with. */
export class ResultsError extends Error {}

/**
 * The folder of an evaluation. Each finished run is one line of `runs.jsonl`, on the disk before the next run
 * starts; an evaluation that is started again leaves these out.
 */
export class Results {
  constructor(folder, runs, file) {
    this.folder = folder;
    this.runs = runs;
    this.file = file;
  }

  /**
   * Opens or makes the folder.
   * @param settings what all runs of it have in common
   * @throws ResultsError if the folder has runs with other settings
   */
  static async open(folder, settings) {
    await mkdir(path.join(folder, 'events'), { recursive: true });
    const settingsFile = path.join(folder, 'settings.json');
    const text = `${JSON.stringify(settings, null, 2)}\n`;
    const lines = ((await readIfThere(path.join(folder, 'runs.jsonl'))) ?? '').split('\n');
    const runs = lines.flatMap(parseLine);
    if (runs.length > 0 && (await readIfThere(settingsFile)) !== text)
      throw new ResultsError(`${folder} has runs with other settings (settings.json): choose another --out`);
    await replaceFile(settingsFile, text);
    // Without a line that a crash cut off: the next one would be appended to it.
    await replaceFile(path.join(folder, 'runs.jsonl'), toLines(runs));
    return new Results(folder, runs, await open(path.join(folder, 'runs.jsonl'), 'a'));
  }

  /** Whether this run is there already. */
  has(run) {
    const key = keyOf(run);
    return this.runs.some((other) => keyOf(other) === key);
  }

  /** Keeps a run, and its events in a file of their own. */
  async add(run, events) {
    const name = `${keyOf(run).replace(/\W+/g, '-')}.json`;
    await writeFile(path.join(this.folder, 'events', name), JSON.stringify(events));
    await this.file.appendFile(toLines([run]));
    await this.file.sync();
    this.runs.push(run);
  }

  /** Writes `results.json` and `results.md`. */
  async report(json, markdown) {
    await replaceFile(path.join(this.folder, 'results.json'), `${JSON.stringify(json, null, 2)}\n`);
    await replaceFile(path.join(this.folder, 'results.md'), `${markdown}\n`);
  }

  close() {
    return this.file.close();
  }
}

function keyOf({ server, task, version, solution, repeat }) {
  return [server, task, version, solution, repeat].join(' ');
}

function toLines(runs) {
  return runs.map((run) => `${JSON.stringify(run)}\n`).join('');
}

function parseLine(line) {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}

function readIfThere(file) {
  return readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function replaceFile(file, text) {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
