import { open, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The costs of runs without a result, and the id of the process that uses the folder. */
const UNFINISHED = 'unfinished.json';
const LOCK = 'lock';

/** A folder that cannot be gone on with. */
export class ResultsError extends Error {}

/**
 * The folder of an evaluation. Each finished run is one line of `runs.jsonl`, on the disk before the next run
 * starts; an evaluation that is started again leaves these out.
 */
export class Results {
  constructor(folder, runs, file, lost) {
    this.folder = folder;
    this.runs = runs;
    this.file = file;
    /** What runs without a result have cost (US dollars): those that were killed, or whose server failed. */
    this.lost = lost;
  }

  /** What everything has cost so far (US dollars). */
  get spent() {
    return this.runs.reduce((sum, { cost }) => sum + cost, this.lost);
  }

  /**
   * Opens or makes the folder. Only one evaluation uses it at a time.
   * @param settings what all runs of it have in common
   * @throws ResultsError if the folder has runs with other settings, or is in use
   */
  static async open(folder, settings) {
    await mkdir(path.join(folder, 'events'), { recursive: true });
    await take(path.join(folder, LOCK));
    const settingsFile = path.join(folder, 'settings.json');
    const text = `${JSON.stringify(settings, null, 2)}\n`;
    const lines = ((await readIfThere(path.join(folder, 'runs.jsonl'))) ?? '').split('\n');
    const runs = lines.flatMap(parseLine);
    if (runs.length > 0 && (await readIfThere(settingsFile)) !== text) {
      await rm(path.join(folder, LOCK), { force: true });
      throw new ResultsError(`${folder} has runs with other settings (settings.json): choose another --out`);
    }
    await replaceFile(settingsFile, text);
    // Without a line that a crash cut off: the next one would be appended to it.
    await replaceFile(path.join(folder, 'runs.jsonl'), toLines(runs));
    const [unfinished] = parseLine((await readIfThere(path.join(folder, UNFINISHED))) ?? '');
    const lost = unfinished ? unfinished.lost + unfinished.run : 0;
    return new Results(folder, runs, await open(path.join(folder, 'runs.jsonl'), 'a'), lost);
  }

  /** Whether this run is there already. */
  has(run) {
    const key = keyOf(run);
    return this.runs.some((other) => keyOf(other) === key);
  }

  /** Keeps what the run in progress costs (US dollars), for the case that it gets no result. */
  async keepCost(run) {
    const text = `${JSON.stringify({ lost: this.lost, run })}\n`;
    await replaceFile(path.join(this.folder, UNFINISHED), text);
  }

  /** Keeps a run, and its events in a file of their own. */
  async add(run, events) {
    const name = `${keyOf(run).replace(/\W+/g, '-')}.json`;
    await writeFile(path.join(this.folder, 'events', name), JSON.stringify(events));
    await this.file.appendFile(toLines([run]));
    await this.file.sync();
    this.runs.push(run);
    await this.keepCost(0);
  }

  /** Writes `results.json` and `results.md`. */
  async report(json, markdown) {
    await replaceFile(path.join(this.folder, 'results.json'), `${JSON.stringify(json, null, 2)}\n`);
    await replaceFile(path.join(this.folder, 'results.md'), `${markdown}\n`);
  }

  async close() {
    await this.file.close();
    await rm(path.join(this.folder, LOCK), { force: true });
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
    const value = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [value] : [];
  } catch {
    return [];
  }
}

/** Takes a folder for this process. A process that was killed has left its lock. */
async function take(lock) {
  const owner = Number(await readIfThere(lock));
  if (owner > 0 && owner !== process.pid && isAlive(owner))
    throw new ResultsError(`${path.dirname(lock)} is in use by the process ${owner}: choose another --out`);
  await replaceFile(lock, `${process.pid}\n`);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
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
