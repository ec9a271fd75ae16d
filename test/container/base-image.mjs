import { access, copyFile, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where file systems of base images are kept. */
export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/container-base', import.meta.url));
const DOCKERFILE = fileURLToPath(new URL('../../Dockerfile', import.meta.url));
/** The machine's certificates: a proxy between it and the registry may have its own. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** Newer versions of npm may need a newer Node than the image has. */
const NPM = 'npm@11';

/**
 * Makes the file system of a base image like the one that the Dockerfile names, without a registry of images:
 * Debian by debootstrap, Node and npm by npm, and the user `node`. It is kept in `node_modules/.cache`.
 * @param {(command: string, args: string[]) => Promise<string>} run
 * @param {string} folder in which it is made
 * @returns {Promise<{ archive: string, environment: Record<string, string> }>}
 */
export async function baseImage(run, folder) {
  const { node, debian } = await versions();
  const archive = path.join(CACHE, `node-${node}-${debian}-${process.arch}.tar`);
  if (!(await exists(archive))) {
    const root = path.join(folder, 'root');
    await run('debootstrap', ['--variant=minbase', debian, root]);
    await installNode(run, folder, root, node);
    await run('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/bash', '--uid', '1000', 'node']);
    await keep(run, root, archive);
  }
  const registry = await run('npm', ['config', 'get', 'registry']);
  return { archive, environment: { npm_config_registry: registry, NODE_EXTRA_CA_CERTS: CERTIFICATES } };
}

/** The versions in the default of the Dockerfile's argument `NODE`. */
async function versions() {
  const text = await readFile(DOCKERFILE, 'utf8');
  const [, node, debian] = /^ARG NODE=node:([\d.]+)-(\w+)-slim$/m.exec(text) ?? [];
  if (node === undefined) throw new Error('the Dockerfile names no base image node:VERSION-DEBIAN-slim');
  return { node, debian };
}

async function installNode(run, folder, root, version) {
  const local = path.join(root, 'usr/local');
  const node = await unpack(run, folder, `node-${process.platform}-${process.arch}@${version}`);
  await copyFile(path.join(node, 'bin/node'), path.join(local, 'bin/node'));
  const npm = await unpack(run, folder, NPM);
  await cp(npm, path.join(local, 'lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(local, 'bin', name));
  await mkdir(path.dirname(root + CERTIFICATES), { recursive: true });
  if (await exists(CERTIFICATES)) await copyFile(CERTIFICATES, root + CERTIFICATES);
}

/** Fetches a package from npm's registry, without its dependencies. @returns its folder */
async function unpack(run, folder, name) {
  const target = path.join(folder, 'package');
  await rm(target, { recursive: true, force: true });
  const archive = await run('npm', ['pack', '--silent', '--pack-destination', folder, name]);
  await run('tar', ['--extract', '--file', path.join(folder, archive), '--directory', folder]);
  return target;
}

/** Archives the file system; the archive appears when it is complete. */
export async function keep(run, root, archive) {
  await mkdir(CACHE, { recursive: true });
  const unfinished = `${archive}.${process.pid}`;
  const excluded = ['--exclude=./var/cache/apt/*', '--exclude=./var/lib/apt/lists/*'];
  try {
    await run('tar', ['--create', '--file', unfinished, ...excluded, '--directory', root, '.']);
    await rename(unfinished, archive);
  } finally {
    await rm(unfinished, { force: true });
  }
}

export function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}
