import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UNCONFINED } from '../../sandbox/index.js';
import { type ContentQuery, searchContent } from './content-search.js';

const QUERY: ContentQuery = {
  ...{ query: 'needle', regex: false, wholeWords: false, include: [], exclude: [], context: 0 },
  ...{ case: 'smart', limit: 5_000, hidden: false, ignored: false },
};

describe('searchContent', () => {
  it('tells the end of its process, although nobody reads the records', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'search-'));
    await writeFile(path.join(folder, 'many.txt'), `${'needle '.repeat(60)}\n`.repeat(5_000));
    // Stands for the time limit: the process waits for somebody to read its output.
    const limit = new AbortController();
    const ended = new Promise<void>((resolve) => {
      const place = { folder, confinement: UNCONFINED, signal: limit.signal, onEnd: resolve };
      void searchContent(QUERY, place)
        .next()
        .then(() => limit.abort());
    });
    await ended;
    await rm(folder, { recursive: true });
  });
});
