import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { otherPlaces, otherProcesses } from './other-mounts.js';

describe('mounts that show the same twice', () => {
  let root: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'mounts-')));
    await mkdir(path.join(root, 'disk/data'), { recursive: true });
    // Stands for the other mount: only root can make one.
    await symlink(path.join(root, 'disk'), path.join(root, 'an other'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('are found for a folder, by any folder above it', () => {
    const mounts = [
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
      `23 22 8:1 ${root}/disk ${root}/an\\040other rw shared:1 - ext4 /dev/sda1 rw`,
      `24 22 8:1 ${root}/disk/elsewhere ${root}/gone rw - ext4 /dev/sda1 rw`,
      `25 22 8:2 ${root}/disk ${root}/of-another-disk rw - ext4 /dev/sdb1 rw`,
      '',
    ].join('\n');
    expect(otherPlaces(path.join(root, 'disk/data'), mounts)).toEqual([path.join(root, 'an other/data')]);
    expect(otherPlaces(path.join(root, 'none'), mounts)).toEqual([]);
    expect(otherPlaces(root, '')).toEqual([]);
  });

  it('are found for processes', () => {
    const mounts = '20 1 0:5 / /proc rw - proc proc rw\n21 1 0:5 / /srv/root/proc rw - proc proc rw\n';
    expect(otherProcesses(mounts)).toEqual(['/srv/root/proc']);
  });
});
