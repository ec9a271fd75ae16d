import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'js-yaml';
import { readDockerfile } from '../support/dockerfile.js';
import { ROOT } from '../support/checkout.js';

/** The time that a server may take to shut down, in seconds (src/cli/shutdown.ts). */
const SHUTDOWN_SECONDS = 10;

describe('the Dockerfile', () => {
  it('copies exactly the files that .dockerignore allows', async () => {
    const { copied } = await readDockerfile();
    const ignored = await readFile(path.join(ROOT, '.dockerignore'), 'utf8');
    const allowed = ignored.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(copied).toEqual(expect.arrayContaining(['src', 'scripts', 'package-lock.json']));
    expect([...copied].sort()).toEqual(allowed.sort());
    for (const name of copied) await access(path.join(ROOT, name));
  });

  it('uses a pinned base image and does not run as root', async () => {
    const { instructions } = await readDockerfile();
    const argument = instructions.find(({ name }) => name === 'ARG')?.text ?? '';
    expect(argument).toMatch(/^NODE=node:\d+\.\d+\.\d+-bookworm-slim$/);
    const users = instructions.filter(({ name }) => name === 'USER').map(({ text }) => text);
    expect(users).toEqual(['node']);
  });

  it('sets no key in the image', async () => {
    const { environment } = await readDockerfile();
    expect(Object.keys(environment).filter((name) => /KEY|SECRET|TOKEN/.test(name))).toEqual([]);
  });
});

describe('compose.yaml', () => {
  let service: Record<string, unknown>;
  let file: Record<string, Record<string, unknown>>;
  beforeAll(async () => {
    file = load(await readFile(path.join(ROOT, 'compose.yaml'), 'utf8')) as typeof file;
    service = file['services']?.['agent-server'] as typeof service;
  });

  it('gives the container more time to stop than the server needs', () => {
    const grace = /^(\d+)s$/.exec(String(service['stop_grace_period']))?.[1];
    expect(Number(grace)).toBeGreaterThan(SHUTDOWN_SECONDS);
  });

  it('keeps the data in a declared volume at the path of the Dockerfile', async () => {
    const { instructions } = await readDockerfile();
    const volume = instructions.find(({ name }) => name === 'VOLUME')?.text;
    expect(service['volumes']).toEqual([`workspace:${volume}`]);
    expect(Object.keys(file['volumes'] ?? {})).toEqual(['workspace']);
  });

  it('reads the keys from files that git ignores', async () => {
    expect(Object.keys(file['secrets'] ?? {})).toEqual(service['secrets']);
    const environment = service['environment'] as Record<string, string>;
    for (const name of ['SESSION_API_KEY_FILE', 'OH_SECRET_KEY_FILE']) {
      expect(service['secrets']).toContain(path.basename(environment[name] ?? ''));
    }
    for (const secret of Object.values(file['secrets'] ?? {})) expect(secret).toHaveProperty('file');
    expect(await readFile(path.join(ROOT, '.gitignore'), 'utf8')).toContain('\n/secrets/\n');
  });

  it('restarts the container automatically and limits its resources', () => {
    expect(service).toMatchObject({ restart: 'unless-stopped', pids_limit: 512, mem_limit: '4g', cpus: 2 });
  });
});
