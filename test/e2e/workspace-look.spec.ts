import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { scriptedRequest, SocketRecorder } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const ODD = ['sp ace.txt', 'line\nbreak', '-rf', '"quoted"', 'ünï.txt', 'back\\slash'];

interface Frame {
  type: string;
  state?: string;
  gaps?: string[];
  paths?: { path: string; kind: string }[];
  overflow?: boolean;
}

describe('looking into a workspace', () => {
  let server: ServerProcess;
  let root: string;
  let outside: string;
  let id: string;
  beforeAll(async () => {
    server = await ServerProcess.start();
    root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'look-')));
    outside = await realpath(await mkdtemp(path.join(os.tmpdir(), 'look-outside-')));
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@x', ...args], {
        cwd: root,
        env: { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
      });
    await mkdir(path.join(root, 'src', 'deep'), { recursive: true });
    await mkdir(path.join(root, 'node_modules', 'pack'), { recursive: true });
    await writeFile(path.join(root, '.gitignore'), 'node_modules\n*.log\n');
    await writeFile(path.join(root, '.env'), 'NEEDLE hidden\n');
    await writeFile(path.join(root, '.netrc'), 'NEEDLE password\n');
    await writeFile(path.join(root, 'src', 'user-list.ts'), 'first\nNEEDLE one\nthird\n');
    await writeFile(path.join(root, 'src', 'deep', 'needle.md'), 'a needle\n');
    await writeFile(path.join(root, 'node_modules', 'pack', 'index.js'), 'NEEDLE ignored\n');
    await writeFile(path.join(root, 'latin'), Buffer.from('caf\xe9 NEEDLE\n', 'latin1'));
    for (const name of ODD) await writeFile(path.join(root, name), 'NEEDLE odd\n');
    git('init', '-q');
    git('add', '--all');
    git('commit', '-qm', 'first');
    await writeFile(path.join(outside, 'secret.txt'), 'NEEDLE secret\n');
    await symlink(outside, path.join(root, 'out'));
    await symlink('.', path.join(root, 'loop'));
    await writeFile(Buffer.from(`${root}/bad-\xff`, 'latin1'), 'NEEDLE bytes\n');
    const { body } = await server.request('POST', '/api/conversations', scriptedRequest(root));
    id = (body as { id: string }).id;
  });
  afterAll(async () => {
    await server.stop();
    await rm(root, { recursive: true });
    await rm(outside, { recursive: true });
  });

  const ask = async (route: string, query: Record<string, string>) => {
    const given = new URLSearchParams(query);
    if (!given.has('path')) given.set('path', './');
    const response = await fetch(`${server.url}/api/conversations/${id}/file/${route}?${given.toString()}`);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const json = async <T>(route: string, query: Record<string, string>) =>
    JSON.parse((await ask(route, query)).text) as T;
  const records = async (query: Record<string, string>) => {
    const { text } = await ask('search/content', query);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const matches = async (query: Record<string, string>) =>
    (await records(query)).filter(({ type }) => type === 'match').map((match) => match['path']);

  describe('searching', () => {
    it('finds lines without hidden and ignored files, credentials and what links lead to', async () => {
      const found = await records({ query: 'NEEDLE', context: '1' });
      expect(found.at(-1)).toEqual({ type: 'end', matches: 9, files: 9, stopped: null });
      const paths = [...ODD, 'src/user-list.ts', 'latin', 'bad-\ufffd'];
      expect(new Set(found.slice(0, -1).map((record) => record['path']))).toEqual(new Set(paths));
      expect(found.filter((record) => record['path'] === 'src/user-list.ts')).toMatchObject([
        { type: 'context', line: 1, text: 'first' },
        { type: 'match', line: 2, text: 'NEEDLE one', ranges: [[0, 6]], offset: 0, cut: false },
        { type: 'context', line: 3, text: 'third' },
      ]);
      expect(found.find((record) => record['path'] === 'latin')).toMatchObject({ ranges: [[5, 11]] });
      expect(await matches({ query: 'NEEDLE hidden', hidden: 'true' })).toEqual(['.env']);
      expect(await matches({ query: 'NEEDLE password', hidden: 'true', ignored: 'true' })).toEqual([]);
      expect(await matches({ query: 'NEEDLE ignored', ignored: 'true' })).toEqual([
        'node_modules/pack/index.js',
      ]);
    });

    it('obeys globs, case, words and regular expressions', async () => {
      expect(await matches({ query: 'needle', include: '*.md' })).toEqual(['src/deep/needle.md']);
      expect(await matches({ query: 'needle', include: 'src/*.ts' })).toEqual(['src/user-list.ts']);
      expect(await matches({ query: 'needle', include: '*.md', exclude: 'deep' })).toEqual([]);
      expect(await matches({ query: 'NEEDL', whole_words: 'true' })).toEqual([]);
      expect(await matches({ query: 'needle', case: 'sensitive' })).toEqual(['src/deep/needle.md']);
      expect(await matches({ query: '^N\\w+E one$', regex: 'true' })).toEqual(['src/user-list.ts']);
      expect(await matches({ query: '^N\\w+E one$' })).toEqual([]);
      expect((await records({ query: 'NEEDLE', limit: '2' })).at(-1)).toEqual({
        type: 'end',
        matches: 2,
        files: 2,
        stopped: 'matches',
      });
    });

    it.each([
      [{ query: '(', regex: 'true' }, 422, 'unclosed group'],
      [{ query: '(?=a)', regex: 'true' }, 422, 'look-around'],
      [{ query: '(((a{99}){99}){99}){99}', regex: 'true' }, 422, 'size limit'],
      [{ query: 'a\nb' }, 422, 'not allowed'],
      [{ query: '' }, 422, 'query'],
      [{ query: 'a', exclude: '[' }, 422, 'unclosed character class'],
      [{ query: 'a', include: '{a,b}'.repeat(9) }, 422, 'braces'],
      [{ query: 'a', path: './out' }, 422, 'inside the conversation workspace'],
      [{ query: 'a', path: '/etc' }, 422, 'inside the conversation workspace'],
      [{ query: 'a', path: './missing' }, 404, 'not found'],
      [{ query: 'a', path: './latin' }, 400, 'not a directory'],
    ])('refuses %j', async (query, status, reason) => {
      const answer = await ask('search/content', query);
      expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(reason)]);
    });

    it('shows the part of a long line that matches, and names one that is too long', async () => {
      await writeFile(path.join(root, 'wide.txt'), `${'é'.repeat(5_000)}MATCHING${'b'.repeat(5_000)}\n`);
      const [match] = await records({ query: 'MATCHING' });
      expect(match).toMatchObject({ line: 1, cut: true, ranges: [[80, 88]], offset: 4_920 });
      await writeFile(path.join(root, 'wide.txt'), `${'c'.repeat(3_000_000)}MATCHING\n`);
      expect((await records({ query: 'MATCHING' }))[0]).toMatchObject({
        path: 'wide.txt',
        line: null,
        text: null,
      });
      await rm(path.join(root, 'wide.txt'));
    });

    it('finds files by name, the most likely first', async () => {
      interface Names {
        items: { path: string; positions: number[] }[];
        files: number;
      }
      const names = await json<Names>('search/names', { query: 'usl' });
      expect(names.items[0]).toMatchObject({ path: 'src/user-list.ts', positions: [4, 5, 9] });
      expect((await json<Names>('search/names', { query: 'deep need' })).items).toHaveLength(1);
      expect((await json<Names>('search/names', { query: 'needle.md', limit: '1' })).items[0]?.path).toBe(
        'src/deep/needle.md',
      );
      const all = await json<Names>('search/names', {
        query: '',
        hidden: 'true',
        ignored: 'true',
        limit: '200',
      });
      const paths = all.items.map((item) => item.path);
      expect(paths).toEqual(expect.arrayContaining([...ODD, '.env', 'node_modules/pack/index.js']));
      expect(paths.filter((name) => /\.git\/|netrc|secret/.test(name))).toEqual([]);
    });

    it('ends the process when the client leaves, and refuses floods', async () => {
      const pipe = path.join(root, 'many');
      await mkdir(pipe);
      await writeFile(path.join(pipe, 'text'), 'x y\n'.repeat(1_000_000));
      const url = `${server.url}/api/conversations/${id}/file/search/content?path=./many&query=x&limit=5000`;
      const controllers = Array.from({ length: 12 }, () => new AbortController());
      const answers = await Promise.all(
        controllers.map(({ signal }) => fetch(`${url}&context=10`, { signal }).catch(() => undefined)),
      );
      expect(answers.map((answer) => answer?.status)).toContain(429);
      for (const controller of controllers) controller.abort();
      await eventually(() => searchesBelow(root).length === 0, 'the end of all searches');
      await rm(pipe, { recursive: true });
    });
  });

  describe('the tree', () => {
    interface Page {
      items: {
        name: string;
        kind: string;
        git: string | null;
        contains_changes: boolean;
        target: string | null;
      }[];
      next_page_id: string | null;
      total: number;
      git: string;
    }

    it('lists a level with its state in git', async () => {
      await appendFile(path.join(root, 'src', 'deep', 'needle.md'), 'more\n');
      await writeFile(path.join(root, 'new.txt'), '');
      await eventually(
        async () => (await json<Page>('tree', {})).items.some(({ name }) => name === 'new.txt'),
        'the file',
      );
      const page = await eventuallyCurrent(() => json<Page>('tree', {}));
      const entries = new Map(page.items.map(({ name, ...rest }) => [name, rest]));
      expect(page.git).toBe('complete');
      expect(entries.get('src')).toMatchObject({ kind: 'folder', git: null, contains_changes: true });
      expect(entries.get('node_modules')).toMatchObject({ git: 'ignored', contains_changes: false });
      expect(entries.get('new.txt')).toMatchObject({ kind: 'file', git: 'untracked' });
      expect(entries.get('latin')).toMatchObject({ git: null });
      expect(entries.get('out')).toMatchObject({ kind: 'link', target: null });
      expect(entries.get('loop')).toMatchObject({ kind: 'link', target: 'folder' });
      const deep = await json<Page>('tree', { path: './src/deep' });
      expect(deep.items).toMatchObject([{ name: 'needle.md', git: 'modified' }]);
      const ignored = await json<Page>('tree', { path: './node_modules/pack' });
      expect(ignored.items).toMatchObject([{ name: 'index.js', git: 'ignored' }]);
    });

    it('pages a folder of many entries, each entry once', async () => {
      await mkdir(path.join(root, 'node_modules', 'big'));
      for (let at = 0; at < 1_200; at += 1)
        await writeFile(path.join(root, 'node_modules', 'big', `f${at}`), '');
      const names: string[] = [];
      for (let pageId: string | null = ''; pageId !== null;) {
        const query = { path: './node_modules/big', limit: '500', git: 'false' };
        const page: Page = await json<Page>('tree', { ...query, ...(pageId !== '' && { page_id: pageId }) });
        names.push(...page.items.map(({ name }) => name));
        expect(page.total).toBe(1_200);
        pageId = page.next_page_id;
      }
      expect(new Set(names).size).toBe(1_200);
      expect(names).toHaveLength(1_200);
    });
  });

  describe('files', () => {
    it('sends lines by range, and tells where they go on', async () => {
      const file = path.join(root, 'lines.txt');
      await writeFile(file, `${Array.from({ length: 3_000 }, (_, at) => `line ${at + 1}`).join('\r\n')}\r\n`);
      interface Lines {
        lines: { number: number; text: string; cut: boolean }[];
        next: { from: number; offset: number } | null;
        binary: boolean;
      }
      const first = await json<Lines>('lines', { path: './lines.txt', from: '2999', count: '1' });
      expect(first).toMatchObject({ lines: [{ number: 2_999, text: 'line 2999' }], next: { from: 3_000 } });
      const rest = await json<Lines>('lines', {
        path: './lines.txt',
        from: String(first.next?.from),
        offset: String(first.next?.offset),
      });
      expect(rest).toMatchObject({ lines: [{ number: 3_000, text: 'line 3000' }], next: null });
      await writeFile(file, Buffer.concat([Buffer.from('a'.repeat(9_000)), Buffer.from('\nb')]));
      expect((await json<Lines>('lines', { path: './lines.txt' })).lines).toMatchObject([
        { number: 1, cut: true },
        { number: 2, text: 'b', cut: false },
      ]);
      await writeFile(file, Buffer.from([1, 0, 2]));
      expect(await json<Lines>('lines', { path: './lines.txt' })).toMatchObject({ lines: [], binary: true });
      expect((await ask('lines', { path: './.netrc' })).status).toBe(403);
      expect((await ask('lines', { path: './out/secret.txt' })).status).toBe(422);
    });

    it('shows images by range and runs nothing that is in a file', async () => {
      await writeFile(path.join(root, 'page.html'), '<script>1</script>');
      await writeFile(path.join(root, 'image.svg'), '<svg/>');
      const page = await ask('view', { path: './page.html' });
      expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
      expect(page.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
      const image = await ask('view', { path: './image.svg' });
      expect(image.headers.get('content-type')).toBe('image/svg+xml');
      const url = `${server.url}/api/conversations/${id}/file/view?path=./page.html`;
      const part = await fetch(url, { headers: { range: 'bytes=1-6' } });
      expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
        206,
        'bytes 1-6/18',
        'script',
      ]);
      expect(part.headers.get('etag')).toMatch(/^W\/"/);
      const changed = await fetch(url, { headers: { range: 'bytes=1-6', 'if-range': '"other"' } });
      expect([changed.status, (await changed.text()).length]).toEqual([200, 18]);
      expect((await fetch(url, { headers: { range: 'bytes=99-' } })).status).toBe(416);
    });
  });

  describe('watching', () => {
    const watch = async (target = id, query = ''): Promise<SocketRecorder> => {
      const recorder = new SocketRecorder(server.socketUrl(`/sockets/files/${target}${query}`));
      await recorder.opened();
      return recorder;
    };
    const framesOf = (recorder: SocketRecorder): Frame[] => recorder.frames as unknown as Frame[];
    const isWatching = (recorder: SocketRecorder) =>
      eventually(() => framesOf(recorder).some(({ state }) => state === 'watching'), 'the watch');
    const pathsOf = (recorder: SocketRecorder) =>
      framesOf(recorder).flatMap(({ paths }) => paths?.map(({ path: at, kind }) => `${kind} ${at}`) ?? []);
    const end = async (recorder: SocketRecorder) => {
      const closed = once(recorder.socket, 'close');
      recorder.socket.close();
      await closed;
    };

    it('tells all viewers what changes, but not in ignored folders and not in those of git', async () => {
      const [one, other] = [await watch(), await watch()];
      await Promise.all([isWatching(one), isWatching(other)]);
      await writeFile(path.join(root, 'node_modules', 'pack', 'more.js'), '');
      await writeFile(path.join(root, '.git', 'objects', 'x'), '');
      await writeFile(path.join(outside, 'more.txt'), '');
      await mkdir(path.join(root, 'a', 'b'), { recursive: true });
      await eventually(() => pathsOf(one).includes('folder a'), 'the folder');
      await writeFile(path.join(root, 'a', 'b', 'line\nbreak'), '');
      await eventually(() => pathsOf(other).includes('file a/b/line\nbreak'), 'the file');
      await rm(path.join(root, 'a'), { recursive: true });
      await eventually(() => pathsOf(one).includes('missing a'), 'the end of the folder');
      const told = pathsOf(one).join(' ');
      expect(told).not.toMatch(/node_modules|\.git|more\.txt|loop|out/);
      await Promise.all([end(one), end(other)]);
    });

    it('says that too much has changed instead of naming it, and goes on', async () => {
      const viewer = await watch(id, '?path=./src');
      await isWatching(viewer);
      let written = 0;
      // One burst may be spread over several looks where the machine is busy.
      await eventually(async () => {
        const names = Array.from({ length: 600 }, (_, at) => path.join(root, 'src', `flood-${at}`));
        await Promise.all(names.map((name) => writeFile(name, '')));
        written += names.length;
        return framesOf(viewer).some(({ overflow }) => overflow);
      }, 'the overflow');
      expect(framesOf(viewer).length).toBeLessThan(written / 10);
      await mkdir(path.join(root, 'src', 'after'));
      await eventually(async () => {
        await writeFile(path.join(root, 'src', 'after', 'f'), '');
        return pathsOf(viewer).includes('file after/f');
      }, 'a change after the flood');
      await end(viewer);
    });

    it('ends the watch of a folder that is removed, and refuses what is not in the workspace', async () => {
      await mkdir(path.join(root, 'short'));
      const viewer = await watch(id, '?path=./short');
      await isWatching(viewer);
      await rm(path.join(root, 'short'), { recursive: true });
      await eventually(() => framesOf(viewer).at(-1)?.state === 'gone', 'the state');
      await end(viewer);
      for (const refused of ['./out', '/etc', './latin', '../']) {
        const recorder = new SocketRecorder(
          server.socketUrl(`/sockets/files/${id}?path=${encodeURIComponent(refused)}`),
        );
        const [code] = (await once(recorder.socket, 'close')) as [number];
        expect([refused, code, framesOf(recorder).map(({ type }) => type)]).toEqual([
          refused,
          1011,
          ['error'],
        ]);
      }
    });

    it('watches what could not be watched before, once that is possible', async () => {
      const folder = path.join(root, 'odd');
      const unnamed = Buffer.from(`${folder}/no-utf8-\xff`, 'latin1');
      await mkdir(unnamed, { recursive: true });
      const viewer = await watch(id, '?path=./odd');
      await eventually(() => framesOf(viewer).some(({ gaps }) => gaps?.includes('unreadable')), 'the gap');
      expect(framesOf(viewer).at(-1)).toMatchObject({ state: 'partial' });
      await rename(unnamed, path.join(folder, 'named'));
      await isWatching(viewer);
      await writeFile(path.join(folder, 'named', 'file'), '');
      await eventually(() => pathsOf(viewer).includes('file named/file'), 'the file');
      await end(viewer);
    });

    it('follows new rules, and is not held up by hostile ones in a deep tree', async () => {
      const folder = path.join(root, 'hostile');
      const below = (depth: number): string => folder + '/d'.repeat(depth);
      await mkdir(below(200), { recursive: true });
      for (let depth = 0; depth < 200; depth += 20)
        await writeFile(`${below(depth)}/.gitignore`, '**/x/**/y/**/z\n'.repeat(500));
      const viewer = await watch(id, '?path=./hostile');
      const used = cpuSeconds(server.pid);
      await isWatching(viewer);
      // Each pattern with each part of each path would take many seconds.
      expect(cpuSeconds(server.pid) - used).toBeLessThan(2);
      await mkdir(path.join(folder, 'left', 'out'), { recursive: true });
      await eventually(() => pathsOf(viewer).includes('folder left'), 'the folder');
      await writeFile(path.join(folder, '.gitignore'), 'out\n');
      await eventually(() => pathsOf(viewer).includes('file .gitignore'), 'the rules');
      await writeFile(path.join(folder, 'left', 'out', 'ignored'), '');
      await writeFile(path.join(folder, '.gitignore'), '');
      await eventually(async () => {
        await writeFile(path.join(folder, 'left', 'out', 'seen'), '');
        return pathsOf(viewer).includes('file left/out/seen');
      }, 'what is not left out any more');
      expect(pathsOf(viewer)).not.toContain('file left/out/ignored');
      await end(viewer);
    });

    it('takes watches back when the last viewer leaves', async () => {
      const count = async () => {
        const handle = `/proc/${server.pid}/fdinfo/${inotifyOf(server.pid)}`;
        return (await readFile(handle, 'utf8')).split('inotify wd').length - 1;
      };
      const before = await count();
      const viewers = await Promise.all([watch(), watch(), watch()]);
      await Promise.all(viewers.map(isWatching));
      expect(await count()).toBeGreaterThan(before);
      await Promise.all(viewers.map(end));
      await eventually(async () => (await count()) === before, 'the end of the watches');
    });
  });

  /** What git says is used again for a moment. */
  async function eventuallyCurrent<T>(read: () => Promise<T>): Promise<T> {
    let last = '';
    await eventually(async () => {
      const now = JSON.stringify(await read());
      const isSame = now === last && now.includes('contains_changes":true');
      last = now;
      return isSame;
    }, 'the states of git');
    return JSON.parse(last) as T;
  }
});

/** What a process has worked so far (proc(5): fields 14 and 15 in hundredths of a second). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Processes of ripgrep that work in a folder. */
function searchesBelow(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      return /^\d+$/.test(pid) && command.includes('bin/rg\0') && command.includes(folder);
    } catch {
      return false;
    }
  });
}

/** The number of the handle by which a process watches files. */
function inotifyOf(pid: number): string {
  const isWatch = (fd: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').includes('inotify');
    } catch {
      // It is closed meanwhile.
      return false;
    }
  };
  return readdirSync(`/proc/${pid}/fdinfo`).find(isWatch) ?? '0';
}
