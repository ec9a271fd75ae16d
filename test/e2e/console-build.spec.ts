import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../support/checkout.js';

const run = promisify(execFile);

const BUILT = path.join(ROOT, 'dist/current/bundle/console');
/** All that a person downloads who opens every view (bytes). */
const MAX_COMPRESSED = 170 * 1024;
/** What is downloaded before the first view (bytes). */
const MAX_FIRST = 60 * 1024;

/** Addresses in the code that no request goes to: names of XML namespaces. */
const NAMESPACES = /^http:\/\/www\.w3\.org\/(?:1998\/Math\/MathML|1999\/xhtml|1999\/xlink|2000\/svg)$/;
/** Examples that forms show; the hosts are reserved, so that a request to one would reach nobody. */
const EXAMPLES = /^https?:\/\/(?:localhost|[a-z]+\.example\.com)(?![\w.-]*\w)/;

/** The files of a build by their name; compressed copies are left out. */
async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    /\.(js|css|html|txt)$/.test(name),
  );
  const contents = names.sort().map(async (name) => [name, await readFile(path.join(folder, name))] as const);
  return new Map(await Promise.all(contents));
}

function hashes(files: Map<string, Buffer>): string[] {
  return [...files].map(([name, content]) => `${name} ${createHash('sha256').update(content).digest('hex')}`);
}

describe('the built console', () => {
  let files: Map<string, Buffer>;
  beforeAll(async () => {
    files = await filesOf(BUILT);
  });

  const code = () => [...files].filter(([name]) => !name.endsWith('.txt'));
  const compressed = (contents: Iterable<Buffer>) =>
    [...contents].reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);

  it('has at most 170 KB compressed, of which the first view needs the smaller part', () => {
    expect(compressed(code().map(([, content]) => content))).toBeLessThan(MAX_COMPRESSED);
    const page = files.get('index.html')?.toString() ?? '';
    const first = code().filter(([name]) => page.includes(`"${name}"`));
    expect(first.length).toBeGreaterThan(1);
    expect(compressed(first.map(([, content]) => content))).toBeLessThan(MAX_FIRST);
  });

  it('knows no address of another server', () => {
    for (const [name, content] of code()) {
      const addresses = [...content.toString().matchAll(/\b(?:https?|wss?):\/\/[^\s"'`)\\]+/g)].map(
        ([it]) => it,
      );
      const others = addresses.filter((address) => !NAMESPACES.test(address) && !EXAMPLES.test(address));
      expect([name, others]).toEqual([name, []]);
    }
  });

  it('evaluates no text as code, and has no inline styles or handlers', () => {
    for (const [name, content] of code())
      expect([
        name,
        /\beval\(|new Function\(|<script>|<style>|javascript:/.exec(content.toString())?.[0],
      ]).toEqual([name, undefined]);
  });

  it('names every file after its content, with a compressed copy of the same content', async () => {
    const assets = await readdir(path.join(BUILT, 'assets'));
    const plain = assets.filter((name) => !name.endsWith('.gz'));
    expect(plain.filter((name) => !/^[\w.-]+-[\w-]{8}\.(js|css)$/.test(name))).toEqual([]);
    expect(assets.filter((name) => name.endsWith('.gz')).sort()).toEqual(
      plain.map((name) => `${name}.gz`).sort(),
    );
  });

  it('contains the licences of all packages that it is made of', async () => {
    const source = path.join(ROOT, 'console/src');
    const names = (await readdir(source, { recursive: true })).filter((name) => /\.tsx?$/.test(name));
    const packages = new Set<string>();
    for (const name of names) {
      const text = await readFile(path.join(source, name), 'utf8');
      const imports = text.matchAll(/^(?:import|export) (?!type ).*?from '((?:@[\w-]+\/)?[\w-]+)[^']*';$/gms);
      if (!name.endsWith('.spec.ts')) for (const [, one = ''] of imports) packages.add(one);
    }
    const licences = files.get('LICENSES.txt')?.toString() ?? '';
    expect(
      [...packages].filter((one) => !licences.includes(`\n${one} `) && !licences.startsWith(`${one} `)),
    ).toEqual([]);
    expect(packages).toContain('preact');
  });

  it('is the same when it is built again', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'console-build-'));
    try {
      await run(process.execPath, ['scripts/console.mjs', folder], { cwd: ROOT });
      expect(hashes(await filesOf(folder))).toEqual(hashes(files));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
