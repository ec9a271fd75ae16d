import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import path from 'node:path';
import { create } from 'tar';

/** The fields of a package.json that npm needs to choose and install a package. */
export interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** What `npm publish` sends. */
interface Publication {
  name: string;
  versions: Record<string, Manifest>;
  _attachments: Record<string, { data: string }>;
}

/**
 * An npm registry on a free port for one published package. It serves that package and what it declares, from
 * `node_modules` of this checkout, and nothing else: whoever installs from it is cut off from the network.
 */
export class PackageRegistry {
  /** Packages that were requested although no served package declares them. */
  readonly undeclared: string[] = [];
  private readonly tarballs = new Map<string, Promise<Buffer>>();
  private readonly manifests = new Map<string, Manifest>();
  /** Optional packages that this checkout does not have, such as those for other systems. npm skips them. */
  private readonly missing = new Set<string>();

  private constructor(
    private readonly checkout: string,
    private readonly server: Server,
  ) {}

  static async start(checkout: string): Promise<PackageRegistry> {
    const server = createServer((request, response) => {
      registry.answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(JSON.stringify({ error: String(error) }));
      });
    });
    const registry = new PackageRegistry(checkout, server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  /** Configuration of npm for this registry alone, with an account that may publish, below a folder. */
  environment(folder: string): Record<string, string> {
    return {
      npm_config_registry: this.url,
      npm_config_cache: path.join(folder, 'cache'),
      npm_config_userconfig: path.join(folder, '.npmrc'),
      [`npm_config_${this.url.replace('http:', '')}:_authToken`]: 'of the test',
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [route = ''] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('?');
    if (request.method === 'PUT') {
      await this.publish(JSON.parse((await buffer(request)).toString()) as Publication);
      response.writeHead(201).end('{}');
      return;
    }
    const tarball = this.tarballs.get(route);
    const manifest = this.manifests.get(route);
    if (tarball !== undefined) response.end(await tarball);
    else if (manifest !== undefined) response.end(JSON.stringify(await this.packument(manifest)));
    else {
      if (this.manifests.size > 0 && !this.missing.has(route)) this.undeclared.push(route);
      response.writeHead(404).end('{}');
    }
  }

  private async publish({ versions, _attachments: files }: Publication): Promise<void> {
    const [manifest] = Object.values(versions);
    const [file] = Object.values(files);
    if (manifest === undefined || file === undefined) throw new Error('no package was published');
    this.serve(manifest, Promise.resolve(Buffer.from(file.data, 'base64')));
    await this.serveDependencies(manifest);
  }

  private serve(manifest: Manifest, tarball: Promise<Buffer>): void {
    this.manifests.set(manifest.name, manifest);
    this.tarballs.set(tarballPath(manifest), tarball);
  }

  private async serveDependencies(manifest: Manifest): Promise<void> {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const folder = path.join(this.checkout, 'node_modules', name);
      const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => undefined);
      if (text === undefined) {
        if (name in dependencies) throw new Error(`${name} of ${manifest.name} is not installed`);
        this.missing.add(name);
      } else if (!this.manifests.has(name)) {
        const dependency = JSON.parse(text) as Manifest;
        this.serve(dependency, pack(folder));
        await this.serveDependencies(dependency);
      }
    }
  }

  private async packument(manifest: Manifest): Promise<unknown> {
    const { name, version } = manifest;
    const route = tarballPath(manifest);
    const content = (await this.tarballs.get(route)) ?? '';
    const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
    const dist = { tarball: this.url + route, integrity };
    return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
  }
}

function tarballPath({ name, version }: Manifest): string {
  return `${name}/-/${version}.tgz`;
}

/** The tarball of an installed package. */
function pack(folder: string): Promise<Buffer> {
  const filter = (file: string): boolean => !file.split('/').includes('node_modules');
  return buffer(
    create({ gzip: { level: 1 }, cwd: folder, prefix: 'package', portable: true, filter }, ['.']),
  );
}
