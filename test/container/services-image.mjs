import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, exists, keep } from './base-image.mjs';

/** A release of Debian whose nginx knows `resolve` in `upstream` (1.27.3 and newer). */
const DEBIAN = 'forky';
/** The major version of PostgreSQL there stands in `services/Containerfile`, too. */
const PACKAGES = ['ca-certificates', 'nginx-light', 'postgresql-18'];
const BASE = 'localhost/agent-server-services';
const SERVICES = fileURLToPath(new URL('services', import.meta.url));

/**
 * Makes images of PostgreSQL and nginx from Debian's packages, without a registry of images.
 * @param {import('./podman.mjs').Podman} engine
 * @param {{ database: string, balancer: string }} names of the images
 * @param {string} folder in which they are made
 */
export async function buildServices(engine, names, folder) {
  const archive = path.join(CACHE, `services-${DEBIAN}-${process.arch}.tar`);
  if (!(await exists(archive))) {
    const root = path.join(folder, 'services');
    await engine.run('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, DEBIAN, root]);
    await keep((...command) => engine.run(...command), root, archive);
  }
  await engine.podman('import', archive, BASE);
  for (const [target, name] of Object.entries(names)) {
    const options = ['--isolation', 'chroot', '--network', 'host', '--file', `${SERVICES}/Containerfile`];
    await engine.run('buildah', ['bud', ...options, '--target', target, '--tag', name, SERVICES]);
  }
}
