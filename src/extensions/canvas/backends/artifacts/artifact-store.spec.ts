import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tarGz, unseal } from '../../../../../test/support/canvas-app.js';
import { readDto } from '../../../../http/validation/dto.js';
import { removeOtherArtifacts, prepareArtifact } from './artifact-store.js';
import { CanvasExtensionBackendArtifactDto } from '../backend-manifest.js';
import { BackendPaths } from '../backend-paths.js';

describe('artifact store', () => {
  let folder: string;
  let places: BackendPaths;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'artifacts-'));
    places = new BackendPaths(path.join(folder, 'home'));
  });
  afterEach(async () => {
    await unseal(folder);
    await rm(folder, { recursive: true, force: true });
  });

  async function unpacked(content: string): Promise<string> {
    const archive = await tarGz([{ name: 'bin/run', mode: 0o755, content }]);
    await writeFile(path.join(folder, 'a.tar.gz'), archive);
    const sha256 = createHash('sha256').update(archive).digest('hex');
    const artifact = readDto(CanvasExtensionBackendArtifactDto, { path: 'a.tar.gz', sha256 });
    return prepareArtifact(places, 'my-app', artifact, folder);
  }

  it('removes read-only artifacts of other versions', async () => {
    const [old, now] = [await unpacked('old'), await unpacked('now')];
    expect(await readFile(path.join(old, 'bin/run'), 'utf8')).toBe('old');
    await removeOtherArtifacts(now);
    expect(await readdir(path.dirname(now))).toEqual([path.basename(now)]);
    expect(await readFile(path.join(now, 'bin/run'), 'utf8')).toBe('now');
  });

  it('removes old leftovers of interrupted work but not work in progress', async () => {
    const [left, atWork] = [path.join(places.work, 'left'), path.join(places.work, 'at-work')];
    for (const place of [left, atWork]) await mkdir(path.join(place, 'unpacked'), { recursive: true });
    const then = new Date(Date.now() - 2 * 60 * 60_000);
    await utimes(left, then, then);
    await unpacked('now');
    expect(await readdir(places.work)).toEqual(['at-work']);
  });
});
